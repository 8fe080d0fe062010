//! Tera, so that a value can never become code.
//!
//! A printed value does not go into the output as text. It becomes an opaque token that carries
//! how it was quoted and what it is; after rendering the tokens become [`Piece::Value`]s. So no
//! filter, slice or concatenation behind the quoting can undo it (a damaged token is an error), and
//! the same rendering can be written twice: with its values, and with harmless stand-ins to
//! compare against.

use std::{collections::BTreeMap, io};

use tera::{Context, ErrorKind, Kwargs, State, StringInput, Tera, TeraResult, Value};

pub use super::quoting::{Piece, Quoting};
use super::{
    finding::Finding,
    quoting::{BEGIN, END, pieces},
    shell,
    source::{Place, Source},
};

/// The largest output, in bytes, tokens included.
const MAX_OUTPUT: usize = 4 << 20;

/// The variables of a template.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// Single values, by name.
    pub text: BTreeMap<String, String>,
    /// `vars.NAME`.
    pub vars: BTreeMap<String, String>,
    /// Lists, by name.
    pub lists: BTreeMap<String, Vec<String>>,
}

impl Variables {
    fn context(&self) -> Context {
        let mut context = Context::new();
        for (name, value) in &self.text {
            context.insert(name.clone(), value);
        }
        for (name, values) in &self.lists {
            context.insert(name.clone(), values);
        }
        context.insert("vars", &self.vars);
        context
    }

    /// Returns the names under which `value` is printed without a filter, as a diagnosis.
    pub fn names_of(&self, value: &str) -> Vec<String> {
        let plain = self.text.iter().filter(|(_, v)| *v == value).map(|(name, _)| name.clone());
        let vars = self.vars.iter().filter(|(_, v)| *v == value);
        plain.chain(vars.map(|(name, _)| format!("vars.{name}"))).collect()
    }
}

/// Renders a template.
///
/// # Errors
/// A finding with its place in the template: its syntax, an unknown variable or filter, a bare
/// value that is not plain, a NUL for the shell.
pub fn render(
    source: &std::sync::Arc<Source>,
    variables: &Variables,
) -> Result<Vec<Piece>, Finding> {
    if let Some(at) = source.text.find([BEGIN, END]) {
        let place = Place::new(source, at..at + 1);
        return Err(Finding::at(&place, "a character that is not text"));
    }
    let mut output = Bounded(Vec::new());
    engine()
        .render_str_to(&source.text, &variables.context(), true, &mut output)
        .map_err(|error| finding(source, &error))?;
    let output = String::from_utf8(output.0)
        .map_err(|_| Finding::whole(format!("{} does not render to text", source.name)))?;
    let pieces = pieces(&output).ok_or_else(|| {
        Finding::whole(format!("{} changes a value after it was quoted", source.name))
            .hint("make yaml, sh or json the last thing that happens to a value")
    })?;
    for piece in &pieces {
        if let Piece::Value { quoting: Quoting::Bare, value } = piece
            && !shell::is_safe(value)
        {
            return Err(unsafe_bare(source, variables, value));
        }
    }
    Ok(pieces)
}

/// Makes the finding for a bare value that is not plain, with the place of its variable where that
/// can be told.
fn unsafe_bare(source: &std::sync::Arc<Source>, variables: &Variables, value: &str) -> Finding {
    let written = variables.names_of(value).into_iter().find_map(|name| {
        [format!("{{{{ {name} }}}}"), format!("{{{{{name}}}}}")]
            .into_iter()
            .find_map(|text| Some((source.text.find(&text)?, text.len(), name.clone())))
    });
    let hint = |name: &str| {
        format!("write {{{{ {name} | yaml }}}}, or | sh in a script, or | json in JSON")
    };
    match written {
        Some((at, length, name)) => {
            let what = format!("the value of `{name}` is not plain and has no filter");
            Finding::at(&Place::new(source, at..at + length), what).hint(hint(&name))
        }
        None => Finding::whole(format!("{} prints a value that is not plain", source.name))
            .hint(hint("value")),
    }
}

fn finding(source: &std::sync::Arc<Source>, error: &tera::Error) -> Finding {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let place = Place::new(source, report.span().range.clone());
            let message = report.message();
            let mut lower = message.chars();
            let first = lower.next().map(|c| c.to_lowercase().collect::<String>());
            let message = format!("{}{}", first.unwrap_or_default(), lower.as_str());
            Finding::at(&place, message.trim_end_matches('.'))
        }
        // A filter that is unknown comes as a report of its own.
        _ => Finding::whole(format!("{} cannot be rendered", source.name)).hint(error.to_string()),
    }
}

/// An output that ends where it becomes unreasonable.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a value's text, or why it cannot be quoted.
fn raw<'a>(input: &'a StringInput<'_>) -> TeraResult<&'a str> {
    if input.is_safe() {
        return Err(tera::Error::message("this is quoted already; one filter is enough"));
    }
    Ok(input.as_str())
}

fn quoted(quoting: Quoting, input: &StringInput<'_>) -> TeraResult<Value> {
    let value = raw(input)?;
    if quoting == Quoting::Shell && value.contains('\0') {
        return Err(tera::Error::message("a NUL cannot be part of a shell word"));
    }
    Ok(Value::safe_string(&quoting.token(value)))
}

/// Makes an engine in which nothing but `yaml`, `sh` and `json` can mark a text as fit to print.
fn engine() -> Tera {
    let mut tera = Tera::new();
    tera.register_filter("yaml", |v: StringInput<'_>, _: Kwargs, _: &State| {
        quoted(Quoting::Yaml, &v)
    });
    tera.register_filter("sh", |v: StringInput<'_>, _: Kwargs, _: &State| {
        quoted(Quoting::Shell, &v)
    });
    tera.register_filter("json", |v: StringInput<'_>, _: Kwargs, _: &State| {
        quoted(Quoting::Json, &v)
    });
    for name in ["safe", "escape", "escape_html", "escape_xml", "newlines_to_br"] {
        tera.register_filter(name, |_: Value, _: Kwargs, _: &State| -> TeraResult<Value> {
            Err(tera::Error::message("this filter is not available here: use yaml, sh or json"))
        });
    }
    // A loop over it needs no bound of its own otherwise.
    tera.register_function("range", |_: Kwargs, _: &State| -> TeraResult<Value> {
        Err(tera::Error::message("range is not available here"))
    });
    tera.set_escape_fn(|text, out| write!(out, "{}", Quoting::Bare.token(text)));
    tera
}
