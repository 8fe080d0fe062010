//! Overlays: mappings merge deep, lists and scalars replace, nothing (`null`) removes.
//!
//! Every node keeps its place, so a finding in the merged spec points into the file that wrote it.

use super::tree::{Entry, Kind, Node};

/// Lays `over` on `base`; what `over` removes is nothing until [`without_nothing`] takes it away.
pub(super) fn merge(base: Node, over: Node) -> Node {
    match (base.kind, over.kind) {
        (Kind::Map(mut entries), Kind::Map(overs)) => {
            for over in overs {
                match entries.iter().position(|entry| entry.key == over.key) {
                    Some(at) => {
                        let Entry { key, place, value } = entries.remove(at);
                        // The place of the key stays with the base unless the overlay replaces all.
                        let deep = matches!(over.value.kind, Kind::Map(_));
                        let place = if deep { place } else { over.place };
                        let value = merge(value, over.value);
                        entries.insert(at, Entry { key, place, value });
                    }
                    None => entries.push(over),
                }
            }
            Node { place: base.place, kind: Kind::Map(entries) }
        }
        (_, kind) => Node { place: over.place, kind },
    }
}

/// Removes keys without a value, everywhere: they mean the same as an absent key.
pub(super) fn without_nothing(node: Node) -> Node {
    let kind = match node.kind {
        Kind::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .filter(|entry| !entry.value.is_null())
                .map(|entry| Entry { value: without_nothing(entry.value), ..entry })
                .collect(),
        ),
        Kind::List(items) => Kind::List(items.into_iter().map(without_nothing).collect()),
        scalar @ Kind::Scalar { .. } => scalar,
    };
    Node { place: node.place, kind }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{source::Source, tree},
        *,
    };

    fn node(name: &str, text: &str) -> Node {
        let (node, findings) = tree::parse(&Source::new(name, text));
        assert_eq!(findings, []);
        node.unwrap()
    }

    fn show(node: &Node) -> String {
        super::super::shape::plain_json(node).to_string()
    }

    #[test]
    fn mappings_merge_deep_and_the_rest_replaces() {
        let base = node("base", "a: {x: 1, y: [1, 2], z: 3}\nb: 1\nc: [1]\n");
        let over = node("over", "a: {y: [3], z: null, w: 4}\nc: {d: 1}\ne: 5\n");
        let merged = without_nothing(merge(base, over));
        assert_eq!(show(&merged), r#"{"a":{"x":1,"y":[3],"w":4},"b":1,"c":{"d":1},"e":5}"#);
        assert_eq!(merged.get("a").unwrap().get("y").unwrap().place.source.name, "over");
        assert_eq!(merged.get("a").unwrap().get("x").unwrap().place.source.name, "base");
    }

    proptest! {
        #[test]
        fn an_empty_overlay_changes_nothing(keys in prop::collection::btree_map("[a-z]{1,4}", 0..9, 0..6)) {
            let lines: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
            let text = lines.concat();
            let base = node("base", &format!("root:\n  k: v\n{text}"));
            let merged = merge(base.clone(), node("over", "{}"));
            prop_assert_eq!(show(&merged), show(&base));
            let twice = merge(base.clone(), base.clone());
            prop_assert_eq!(show(&twice), show(&base));
        }
    }
}
