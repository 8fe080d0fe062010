//! What values of the spec mean, judged in the merged tree so that every finding has its place.
//!
//! Each rule looks at one part and passes by what has the wrong type: `shape` has said so already.

mod droplet;
mod traffic;

use std::sync::Arc;

use super::{
    finding::Finding,
    load::World,
    scalar::Plain,
    source::Source,
    tree::{Entry, Node},
    values::{Landing, Values, fill},
    words,
};

type Findings = Vec<Finding>;

/// Judges the merged spec, and returns its cloud-init template where that could be read.
pub(super) fn judge(root: &Node, world: &World<'_>, out: &mut Findings) -> Option<Arc<Source>> {
    if let Some(node) = root.get("version")
        && node.plain().is_some_and(|plain| plain != Plain::Int(1))
    {
        out.push(Finding::at(&node.place, "this version of remuda reads `version: 1`"));
    }
    let app = root.get("app");
    text(app, out, "an app's name", words::is_name, words::NAME);
    let sample = Values::sample(app.and_then(Node::text).unwrap_or_default(), world.env);
    let scope = Scope { world, sample: &sample };
    let template = root.get("droplet").and_then(|node| scope.droplet(node, out));
    if let Some(ssh) = root.get("ssh") {
        text(ssh.get("user"), out, "a user's name", words::is_user, "such as deploy");
        at_least(ssh.get("port"), 1, "a port is 1 or more", out);
    }
    if let Some(stack) = root.get("stack") {
        scope.stack(stack, out);
    }
    for check in root.get("health").map(Node::items).unwrap_or_default() {
        scope.check(check, out);
    }
    if let Some(entry) = root.entry("cutover") {
        scope.cutover(entry, out);
    }
    for hook in root.get("hooks").map(Node::entries).unwrap_or_default() {
        for command in hook.value.items() {
            scope.filled(Some(command), Landing::Shell, out);
        }
    }
    for limit in root.get("limits").map(Node::entries).unwrap_or_default() {
        positive(Some(&limit.value), &format!("`{}` leaves no time", limit.key), out);
    }
    template
}

/// Judges the name of an environment.
pub(super) fn environment(entry: &Entry, out: &mut Findings) {
    if !words::is_name(&entry.key) {
        let what = format!("`{}` cannot name an environment", entry.key);
        out.push(Finding::at(&entry.place, what).hint(words::NAME));
    }
}

/// Adds a finding when a text does not fit.
fn text(
    node: Option<&Node>,
    out: &mut Findings,
    what: &str,
    fits: impl Fn(&str) -> bool,
    hint: &str,
) {
    if let Some(node) = node
        && let Some(text) = node.text()
        && !fits(text)
    {
        let shown: String = text.chars().take(80).collect();
        out.push(Finding::at(&node.place, format!("`{shown}` is not {what}")).hint(hint));
    }
}

fn at_least(node: Option<&Node>, least: i64, what: &str, out: &mut Findings) {
    if let Some(node) = node
        && let Some(Plain::Int(number)) = node.plain()
        && number < least
        && number >= 0
    {
        out.push(Finding::at(&node.place, what));
    }
}

fn positive(node: Option<&Node>, what: &str, out: &mut Findings) {
    if let Some(node) = node
        && node
            .text()
            .and_then(|text| crate::size::parse_duration(text).ok())
            .is_some_and(|d| d.is_zero())
    {
        out.push(Finding::at(&node.place, what));
    }
}

/// What the rules about one spec share.
struct Scope<'a> {
    world: &'a World<'a>,
    sample: &'a Values,
}

impl Scope<'_> {
    /// Judges the variables of a text and returns it with sample values.
    fn filled(&self, node: Option<&Node>, landing: Landing, out: &mut Findings) -> Option<String> {
        let node = node?;
        let text = node.text()?;
        if text.trim().is_empty() {
            out.push(Finding::at(&node.place, "an empty text"));
            return None;
        }
        if text.contains('\0') {
            out.push(Finding::at(&node.place, "a NUL in a text"));
            return None;
        }
        match fill(text, self.sample, landing) {
            Ok(filled) => Some(filled),
            Err(unfit) => {
                let finding = Finding::at(&node.place.find(&unfit.written), unfit.what);
                out.push(Finding { hint: unfit.hint, ..finding });
                None
            }
        }
    }

    fn stack(&self, node: &Node, out: &mut Findings) {
        for file in node.get("files").map(Node::items).unwrap_or_default() {
            let Some(path) = file.text() else { continue };
            if !words::is_inside(path) {
                let what = "a path that leaves the spec's folder";
                out.push(
                    Finding::at(&file.place, what).hint("paths are relative to the spec's file"),
                );
            } else if self.world.dir.is_some_and(|dir| !dir.join(path).exists()) {
                out.push(Finding::at(&file.place, format!("no such file: {path}")));
            }
        }
        for command in node.get("commands").map(Node::entries).unwrap_or_default() {
            self.filled(Some(&command.value), Landing::Shell, out);
        }
    }
}
