//! From a folder and an environment's name to a [`Loaded`] spec, or all of its problems at once.
//!
//! The only file of this room that reads files.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    finding::{self, Finding},
    merge::{merge, without_nothing},
    rules,
    shape::{self, Part, nearest},
    source::Source,
    tree::{self, Entry, Kind as Shape, MAX_BYTES, Node},
    types::Spec,
    words,
};
use crate::error::{Error, Kind, Result};

/// The name of the spec's file.
pub const FILE: &str = "droplets.yaml";
/// The environment when none is asked for.
pub const DEFAULT_ENV: &str = "production";

/// What to load.
#[derive(Debug, Clone)]
pub struct Load {
    /// The file, when it was named (`-c`).
    pub config: Option<PathBuf>,
    /// The environment, when it was named (`-e`).
    pub env: Option<String>,
    /// The folder where the search begins.
    pub start: PathBuf,
    /// The user's home, for paths that begin with `~/`.
    pub home: Option<PathBuf>,
}

/// A spec that was found, merged and judged good.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The spec of this environment.
    pub spec: Spec,
    /// The environment.
    pub env: String,
    /// The folder of the file; relative paths in the spec are against it.
    pub dir: PathBuf,
    /// The user's home, for paths that begin with `~/`.
    pub home: Option<PathBuf>,
    /// The files that were read, the overlay last.
    pub files: Vec<PathBuf>,
    /// The merged document as YAML.
    pub merged: String,
    /// The cloud-init template.
    pub template: Arc<Source>,
}

impl Loaded {
    /// Returns a digest of what makes a droplet: the spec's `droplet` part and the cloud-init
    /// template. A droplet that was made under another digest is not this spec's.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // Every field is written in the order of the type, and maps are sorted.
        let droplet = serde_json::to_vec(&self.spec.droplet).unwrap_or_default();
        hasher.update(&(droplet.len() as u64).to_le_bytes());
        hasher.update(&droplet);
        hasher.update(self.template.text.as_bytes());
        hasher.finalize().to_hex().chars().take(12).collect()
    }

    /// Returns a path of the spec, taken against the spec's folder; `~/` is the user's home.
    pub fn path(&self, relative: &str) -> PathBuf {
        match (relative.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.dir.join(relative),
        }
    }

    /// Returns the folder of the runs' journals.
    pub fn runs(&self) -> PathBuf {
        self.dir.join(".remuda/runs")
    }
}

/// Finds, reads, merges and judges the spec.
///
/// # Errors
/// [`Kind::Usage`], with all problems as snippets in its block; [`Kind::NotFound`] never: a
/// missing file is a usage error, too.
pub fn load(options: Load) -> Result<Loaded> {
    let path = match options.config {
        Some(path) => options.start.join(path),
        None => find(&options.start)?,
    };
    let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let base = read(&path, &options.start)?;
    let env = options.env.clone().unwrap_or_else(|| DEFAULT_ENV.to_owned());
    if !words::is_name(&env) {
        return Err(Error::new(Kind::Usage, format!("`{env}` cannot name an environment"))
            .hint(words::NAME));
    }
    let overlay = dir.join(format!("droplets.{env}.yaml"));
    let mut files = vec![path.clone()];
    let overlay = if overlay.is_file() {
        let source = read(&overlay, &options.start)?;
        files.push(overlay);
        Some(source)
    } else {
        None
    };
    let world = World { dir: Some(&dir), start: &options.start, env: &env };
    let Judged { merged, environments, template, findings } =
        judge(&base, overlay.as_ref(), &world);
    if options.env.is_some() && env != DEFAULT_ENV && overlay.is_none() {
        known(&env, environments, &dir, &path)?;
    }
    if let Some(error) = finding::error(&base.name, findings) {
        return Err(error);
    }
    let (Some(merged), Some(template)) = (merged, template) else {
        return Err(Error::new(Kind::Usage, format!("{} cannot be read", base.name)));
    };
    let spec = typed(&merged)?;
    let merged = serde_saphyr::to_string(&shape::plain_json(&merged))
        .map_err(|error| Error::new(Kind::Failed, "cannot write the merged spec").because(error))?;
    Ok(Loaded { spec, env, dir, home: options.home, files, merged, template })
}

/// Reads a spec from bytes alone: everything that [`load`] judges, except what is in other files.
///
/// # Errors
/// [`Kind::Usage`], with all problems as snippets in its block.
pub fn parse(bytes: &[u8], env: &str) -> Result<Spec> {
    let text = text(bytes, FILE)?;
    let source = Source::new(FILE, text);
    let world = World { dir: None, start: Path::new(""), env };
    let judged = judge(&source, None, &world);
    if let Some(error) = finding::error(FILE, judged.findings) {
        return Err(error);
    }
    match judged.merged {
        Some(merged) => typed(&merged),
        None => Err(Error::new(Kind::Usage, format!("{FILE} cannot be read"))),
    }
}

/// What the judgement of a spec may look at besides its text.
pub(super) struct World<'a> {
    /// The folder of the spec; nothing when files are not to be looked at.
    pub dir: Option<&'a Path>,
    /// The folder from which paths are shown.
    pub start: &'a Path,
    /// The environment.
    pub env: &'a str,
}

struct Judged {
    merged: Option<Node>,
    environments: Vec<String>,
    template: Option<Arc<Source>>,
    findings: Vec<Finding>,
}

fn judge(base: &Arc<Source>, overlay: Option<&Arc<Source>>, world: &World<'_>) -> Judged {
    let (root, mut findings) = tree::parse(base);
    let over = overlay.map(tree::parse).map(|(root, more)| {
        findings.extend(more);
        root
    });
    let mut judged =
        Judged { merged: None, environments: Vec::new(), template: None, findings: Vec::new() };
    // A tree that could not be built to its end says nothing about what is missing.
    if let (Some(root), Some(over)) = (root, over.unwrap_or(Some(nothing(base)))) {
        if root.is_null() {
            findings.push(Finding::whole(format!("{} is empty", base.name)));
        } else {
            findings.extend(shape::judge(&root, Part::File));
        }
        if !over.is_null() {
            findings.extend(shape::judge(&over, Part::File));
        }
        if let Some(entry) = over.entry("environments") {
            let what = "`environments` belongs into droplets.yaml, not into an overlay";
            findings.push(Finding::at(&entry.place, what));
        }
        let environments = root.get("environments").cloned();
        judged.environments = environments
            .iter()
            .flat_map(Node::entries)
            .map(|entry| entry.key.to_string())
            .collect();
        let inner = environments.as_ref().and_then(|all| all.get(world.env)).cloned();
        let mut merged = without(root, "environments");
        for over in [inner, Some(without(over, "environments"))].into_iter().flatten() {
            if !over.is_null() && matches!(over.kind, Shape::Map(_)) {
                merged = merge(merged, over);
            }
        }
        let merged = without_nothing(merged);
        if matches!(merged.kind, Shape::Map(_)) {
            findings.extend(shape::judge(&merged, Part::Whole));
            for name in environments.iter().flat_map(Node::entries) {
                rules::environment(name, &mut findings);
            }
            judged.template = rules::judge(&merged, world, &mut findings);
        }
        judged.merged = Some(merged);
    }
    judged.findings = findings;
    judged
}

fn nothing(source: &Arc<Source>) -> Node {
    let place = super::source::Place::new(source, 0..0);
    Node { place, kind: Shape::Scalar { text: Arc::from(""), plain: true } }
}

/// Returns a mapping without `key`, and without the keys that are ignored.
fn without(node: Node, key: &str) -> Node {
    let kind = match node.kind {
        Shape::Map(entries) => {
            let stays = |entry: &Entry| &*entry.key != key && !entry.key.starts_with("x-");
            Shape::Map(entries.into_iter().filter(stays).collect())
        }
        other => other,
    };
    Node { place: node.place, kind }
}

fn typed(merged: &Node) -> Result<Spec> {
    serde_json::from_value(shape::json(merged))
        .map_err(|error| Error::new(Kind::Usage, "the spec cannot be understood").because(error))
}

/// Looks for the file in `start` and its parents, up to the root of a git repository.
fn find(start: &Path) -> Result<PathBuf> {
    for dir in start.ancestors() {
        let path = dir.join(FILE);
        if path.is_file() {
            return Ok(path);
        }
        if dir.join(".git").exists() {
            break;
        }
    }
    Err(Error::new(Kind::Usage, format!("no {FILE} here or above"))
        .at("in", start.display())
        .hint("remuda init")
        .hint("remuda -c PATH names the file"))
}

/// Refuses an environment that nobody has defined, where any has been.
fn known(env: &str, mut known: Vec<String>, dir: &Path, path: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let name = name.strip_prefix("droplets.").and_then(|name| name.strip_suffix(".yaml"));
        known.extend(name.map(str::to_owned));
    }
    if known.is_empty() || known.iter().any(|name| name == env) {
        return Ok(());
    }
    known.push(DEFAULT_ENV.to_owned());
    known.sort_by_key(|name| strsim::damerau_levenshtein(name, env));
    known.dedup();
    let error = Error::new(Kind::Usage, format!("unknown environment `{env}`"))
        .at("in", path.display())
        .hint(format!("known environments: {}", known.join(", ")));
    Err(match nearest(env, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean -e {near}?")),
        None => error,
    })
}

/// Reads a file of at most [`MAX_BYTES`], named as it is seen from `start`.
pub(super) fn read(path: &Path, start: &Path) -> Result<Arc<Source>> {
    let name = path.strip_prefix(start).unwrap_or(path).display().to_string();
    let mut bytes = Vec::new();
    let cannot = |error: std::io::Error| {
        Error::new(Kind::Usage, format!("cannot read {name}")).because(error)
    };
    let file = fs::File::open(path).map_err(cannot)?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    let text = text(&bytes, &name)?;
    Ok(Source::new(name, text))
}

fn text(bytes: &[u8], name: &str) -> Result<String> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::new(Kind::Usage, format!("{name} is larger than 1 MiB")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = bytes.iter().take(error.valid_up_to()).filter(|b| **b == b'\n').count() + 1;
            Err(Error::new(Kind::Usage, format!("{name} is not UTF-8 text")).at("line", line))
        }
    }
}
