//! Variables in the spec's own strings: commands, header values, URLs.
//!
//! Only `{{ name }}` is understood, and only of the four variables: a shell command may well hold
//! other braces (`docker ps --format '{{.Names}}'`). `{{ "{{" }}` writes a literal `{{`.

use super::{
    shape::nearest,
    shell::{self, Spot},
};
use crate::error::{Error, Kind};

/// The variables that commands, header values and URLs of the spec may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// `{{ version }}`: what is released.
    pub version: String,
    /// `{{ app }}`.
    pub app: String,
    /// `{{ env }}`.
    pub env: String,
    /// `{{ name }}`: the droplet's name.
    pub name: String,
}

const NAMES: [&str; 4] = ["version", "app", "env", "name"];

impl Values {
    fn get(&self, name: &str) -> Option<&str> {
        match name {
            "version" => Some(&self.version),
            "app" => Some(&self.app),
            "env" => Some(&self.env),
            "name" => Some(&self.name),
            _ => None,
        }
    }

    /// Returns values as a release could have them, to try a text before there is a release.
    pub(super) fn sample(app: &str, env: &str) -> Self {
        let safe = |text: &str, or: &str| {
            let text = if shell::is_safe(text) { text } else { or };
            text.to_owned()
        };
        let (app, env) = (safe(app, "app"), safe(env, "production"));
        Self { version: "v1.0.0".into(), name: format!("{app}-{env}-v1.0.0-0000"), app, env }
    }
}

/// What is wrong with a variable in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The variable as it was written, braces included.
    pub written: String,
    /// What is wrong, a lower-case fragment.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Puts the values into a shell command.
///
/// A value becomes part of a word, whatever it holds: one that is not plain is single-quoted, and
/// refused where quotes would not be quotes.
///
/// # Errors
/// [`Kind::Usage`] for an unknown variable, and for a value that cannot stand where it is used.
pub fn render_shell(text: &str, values: &Values) -> Result<String, Error> {
    fill(text, values, Landing::Shell).map_err(|unfit| error(&unfit))
}

/// Puts the values into a text that nobody executes: a header value, a URL.
///
/// # Errors
/// [`Kind::Usage`] for an unknown variable, and for a value that is not plain
/// (`A-Z a-z 0-9 . _ : @ / + -`).
pub fn render_text(text: &str, values: &Values) -> Result<String, Error> {
    fill(text, values, Landing::Text).map_err(|unfit| error(&unfit))
}

fn error(unfit: &Unfit) -> Error {
    let error = Error::new(Kind::Usage, unfit.what.clone()).at("at", &unfit.written);
    match &unfit.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What the filled text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landing {
    /// A shell command.
    Shell,
    /// A text that nobody executes.
    Text,
}

pub(super) fn fill(text: &str, values: &Values, landing: Landing) -> Result<String, Unfit> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let inner = tail.get(2..).unwrap_or_default();
        let Some(end) = inner.find("}}") else {
            out.push_str(tail);
            return Ok(out);
        };
        let (name, after) = inner.split_at(end);
        let written = tail.get(..end + 4).unwrap_or(tail);
        rest = after.get(2..).unwrap_or_default();
        let name = name.trim();
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
        if name == "\"{{\"" || name == "'{{'" {
            out.push_str("{{");
        } else if name.is_empty() || name.starts_with('.') || !is_name {
            // Not ours: it stays, and what follows the braces is looked at again.
            out.push_str("{{");
            rest = inner;
        } else {
            let unfit = |what: String, hint| Unfit { written: written.into(), what, hint };
            let Some(value) = values.get(name) else {
                let what = format!("unknown variable `{name}`");
                let hint = nearest(name, NAMES.into_iter()).map_or_else(
                    || format!("known here: {}", NAMES.join(", ")),
                    |near| format!("did you mean `{{{{ {near} }}}}`?"),
                );
                let literal = r#"a literal `{{` is written `{{ "{{" }}`"#;
                return Err(unfit(what, Some(format!("{hint} {literal}"))));
            };
            if shell::is_safe(value) {
                out.push_str(value);
                continue;
            }
            if landing == Landing::Text {
                let what =
                    format!("the value of `{name}` holds a character that cannot stand here");
                return Err(unfit(what, None));
            }
            if let Spot::Inside(inside) = shell::spot(&out) {
                let what = format!("the value of `{name}` needs quoting and stands in {inside}");
                return Err(unfit(what, Some(format!("end the quotes before {written}"))));
            }
            let Some(quoted) = shell::quote(value) else {
                return Err(unfit(format!("the value of `{name}` holds a NUL"), None));
            };
            out.push_str(&quoted);
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(version: &str) -> Values {
        Values {
            version: version.into(),
            app: "blog".into(),
            env: "production".into(),
            name: "blog-production-v1-ab12".into(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "only a shell can say what a shell reads")]
    fn sh(command: &str) -> Vec<u8> {
        let output = std::process::Command::new("sh").arg("-c").arg(command).output().unwrap();
        assert!(output.status.success(), "{command:?}");
        output.stdout
    }

    #[test]
    fn plain_values_stand_anywhere() {
        let command = r#"echo "{{ version }}" '{{app}}' $(echo {{ env }}) {{name}}"#;
        let rendered = render_shell(command, &values("v1.2")).unwrap();
        assert_eq!(sh(&rendered), b"v1.2 blog production blog-production-v1-ab12\n");
    }

    #[test]
    fn other_braces_stay() {
        for text in ["docker ps --format '{{.Names}}'", "{{json .}}", "a {{ b", "{{}}", "{ {x} }"] {
            assert_eq!(render_shell(text, &values("v1")).unwrap(), text);
        }
        assert_eq!(render_text(r#"{{ "{{" }}end}}"#, &values("v1")).unwrap(), "{{end}}");
        assert_eq!(render_text("{{ . {{ version }}", &values("v1")).unwrap(), "{{ . v1");
    }

    #[test]
    fn an_unknown_variable_names_the_nearest() {
        let error = render_text("x {{ vesion }}", &values("v1")).unwrap_err();
        assert_eq!(error.what(), "unknown variable `vesion`");
        assert!(error.hints()[0].contains("`{{ version }}`"), "{:?}", error.hints());
    }

    #[test]
    fn a_value_that_needs_quotes_is_refused_inside_of_quotes() {
        for text in ["echo \"{{ version }}\"", "echo '{{ version }}'", "cat <<E\n{{ version }}\nE"]
        {
            let error = render_shell(text, &values("$(id)")).unwrap_err();
            assert!(error.what().contains("needs quoting"), "{error}");
        }
        assert!(render_text("{{ version }}", &values("a b")).is_err());
        assert!(render_shell("echo {{ version }}", &values("a\0b")).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn any_value_is_one_word(value in r#"[ -~\n\t\\'"$`;&|<>(){}*?#~=!éß漢🐎-]{0,60}"#) {
            let rendered = render_shell("printf %s {{ version }}", &values(&value)).unwrap();
            prop_assert_eq!(sh(&rendered), value.as_bytes());
        }
    }

    #[test]
    fn sixty_four_kibibytes_are_one_word() {
        let value = "'$(x) ".repeat(11_000);
        let rendered = render_shell("printf %s {{ version }}", &values(&value)).unwrap();
        assert_eq!(sh(&rendered), value.as_bytes());
    }
}
