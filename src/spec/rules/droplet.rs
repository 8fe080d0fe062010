//! Rules about the droplet and its template.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{
        finding::Finding,
        load::read,
        source::Source,
        template::{self, Variables},
        tree::Node,
        values::Values,
        words,
    },
    Findings, Scope, text,
};

impl Scope<'_> {
    pub(super) fn droplet(&self, node: &Node, out: &mut Findings) -> Option<Arc<Source>> {
        text(node.get("region"), out, "a region's slug", words::is_slug, "such as nyc3");
        text(node.get("size"), out, "a size's slug", words::is_slug, "such as s-1vcpu-1gb");
        text(
            node.get("image"),
            out,
            "an image's slug or id",
            words::is_slug,
            "such as debian-13-x64",
        );
        text(node.get("vpc_uuid"), out, "a UUID", words::is_uuid, "doctl vpcs list shows it");
        for key in node.get("ssh_keys").map(Node::items).unwrap_or_default() {
            text(
                Some(key),
                out,
                "a key's name or fingerprint",
                words::is_key,
                "doctl compute ssh-key list shows them",
            );
        }
        for tag in node.get("tags").map(Node::items).unwrap_or_default() {
            let hint = "letters, digits, `_`, `-` and `:`; `remuda:` is kept for remuda itself";
            text(Some(tag), out, "a tag for a droplet", words::is_tag, hint);
        }
        let mut vars = BTreeMap::new();
        for var in node.get("vars").map(Node::entries).unwrap_or_default() {
            if !words::is_variable(&var.key) {
                let what = format!("`{}` cannot name a variable", var.key);
                out.push(Finding::at(&var.place, what).hint("letters, digits and `_`"));
            }
            vars.insert(var.key.to_string(), var.value.text().unwrap_or_default().to_owned());
        }
        self.template(node.get("cloud_init")?, vars, out)
    }

    fn template(
        &self,
        node: &Node,
        vars: BTreeMap<String, String>,
        out: &mut Findings,
    ) -> Option<Arc<Source>> {
        let (path, dir) = (node.text()?, self.world.dir?);
        let source = match read(&dir.join(path), self.world.start) {
            Ok(source) => source,
            Err(error) => {
                out.push(Finding::at(&node.place, error.to_string()));
                return None;
            }
        };
        let Values { version, app, env, name } = self.sample.clone();
        let text = [("version", version), ("app", app), ("env", env), ("name", name)];
        let variables = Variables {
            text: text.map(|(name, value)| (name.to_owned(), value)).into(),
            vars,
            lists: [("authorized_keys".to_owned(), vec!["ssh-ed25519 AAAA sample".into()])].into(),
        };
        if let Err(finding) = template::render(&source, &variables) {
            out.push(match finding.also {
                None => finding.also(&node.place, "rendered because of this"),
                Some(_) => finding,
            });
        }
        Some(source)
    }
}
