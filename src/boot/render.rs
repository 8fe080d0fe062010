//! From a spec's template and a droplet's birth to its [`UserData`].

use super::{cloud_config, host_key::HostKey, user_data::UserData, verify};
use crate::{
    error::{Error, Kind, Result},
    secret::ExposeSecret as _,
    spec::{
        Loaded, finding, scalar,
        source::Source,
        template::{self, Variables},
        tree::{self, Kind as Shape, Node},
    },
};

/// What a droplet is born with, besides the spec.
#[derive(Debug, Clone, Copy)]
pub struct Birth<'a> {
    /// The release's version.
    pub version: &'a str,
    /// The droplet's name.
    pub name: &'a str,
    /// The host key that it answers with at first.
    pub host_key: &'a HostKey,
    /// Public keys that may log in, one line of OpenSSH each.
    pub authorized_keys: &'a [String],
}

/// Renders the spec's cloud-init template for one droplet, proves that no value became code, judges
/// it as cloud-config, and gives it its host key.
///
/// # Errors
/// [`Kind::Usage`], with all problems in its block; also when it is too large, packed or not.
pub fn render(loaded: &Loaded, birth: &Birth<'_>) -> Result<UserData> {
    let source = &loaded.template;
    let variables = variables(loaded, birth)?;
    let wrong = |findings: Vec<finding::Finding>| {
        finding::error(&source.name, findings)
            .unwrap_or_else(|| Error::new(Kind::Usage, format!("{} is not YAML", source.name)))
    };
    let pieces = template::render(source, &variables).map_err(|finding| wrong(vec![finding]))?;
    let (text, root) = verify::document(&source.name, &pieces, &variables).map_err(&wrong)?;
    let (findings, mut warnings) = cloud_config::judge(&text, &root);
    if !findings.is_empty() {
        return Err(wrong(findings));
    }
    if birth.authorized_keys.is_empty() && source.text.contains("authorized_keys") {
        let name = &source.name;
        warnings.push(format!("{name} gets no authorized_keys: ssh.identity has no .pub file"));
    }
    let document = with_host_key(source, text, &root, birth.host_key)?;
    UserData::new(document, warnings)
}

/// Renders the spec's template for a droplet that will never be, to judge it before there is one.
///
/// Returns the warnings.
///
/// # Errors
/// As [`render`].
pub fn check(loaded: &Loaded) -> Result<Vec<String>> {
    let host_key = HostKey::generate()?;
    let sample = [host_key.public_line()?];
    let name = format!("{}-{}-v1.0.0-0000", loaded.spec.app, loaded.env);
    let birth =
        Birth { version: "v1.0.0", name: &name, host_key: &host_key, authorized_keys: &sample };
    Ok(render(loaded, &birth)?.warnings)
}

fn variables(loaded: &Loaded, birth: &Birth<'_>) -> Result<Variables> {
    for key in birth.authorized_keys {
        ssh_key::PublicKey::from_openssh(key).map_err(|error| {
            Error::new(Kind::Usage, "an authorized key is not a public key in OpenSSH's form")
                .because(error)
        })?;
    }
    let text = [
        ("version", birth.version),
        ("app", &loaded.spec.app),
        ("env", &loaded.env),
        ("name", birth.name),
    ];
    Ok(Variables {
        text: text.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        vars: loaded.spec.droplet.vars.clone(),
        lists: [("authorized_keys".to_owned(), birth.authorized_keys.to_vec())].into(),
    })
}

/// Appends the host key, and makes sure that it landed at the top level.
fn with_host_key(
    source: &std::sync::Arc<Source>,
    mut text: String,
    root: &Node,
    key: &HostKey,
) -> Result<String> {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let deletes = root.get("ssh_deletekeys").is_some();
    text.push_str("# written by remuda: the key that this host answers with at first\n");
    if !deletes {
        text.push_str("ssh_deletekeys: true\n");
    }
    text.push_str("ssh_keys:\n  ed25519_private: |\n");
    for line in key.private().expose_secret().lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    let public = key.public_line()?;
    text.extend(["  ed25519_public: ", &public, "\n"]);
    let (tree, findings) = tree::parse(&Source::new(source.name.clone(), text.as_str()));
    let added = root.entries().len() + if deletes { 1 } else { 2 };
    let landed = tree.filter(|_| findings.is_empty()).is_some_and(|tree| {
        let keys = tree.get("ssh_keys");
        let part = |name| keys.and_then(|keys| keys.get(name)).and_then(Node::text);
        matches!(tree.kind, Shape::Map(_))
            && tree.entries().len() == added
            && part("ed25519_private").map(str::trim_end)
                == Some(key.private().expose_secret().trim_end())
            && part("ed25519_public") == Some(public.as_str())
            && tree.get("ssh_deletekeys").and_then(Node::plain) == Some(scalar::Plain::Bool(true))
    });
    if landed {
        Ok(text)
    } else {
        Err(Error::new(Kind::Usage, "a host key cannot be added to this cloud-config")
            .at("file", &source.name)
            .hint("write its top level as `key: value` lines without indentation, and no `...` at the end"))
    }
}
