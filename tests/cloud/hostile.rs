//! Whatever a server sends, nothing panics.

use proptest::{collection::vec, prelude::*};
use remuda::cloud::decode_fuzz;
use serde_json::{Map, Value, json};

/// Names that the decoders look for, so that odd values land where they are read.
const KEYS: [&str; 24] = [
    "id",
    "name",
    "ip",
    "droplet",
    "droplets",
    "networks",
    "v4",
    "type",
    "ip_address",
    "size",
    "region",
    "slug",
    "links",
    "pages",
    "next",
    "actions",
    "rel",
    "status",
    "tags",
    "created_at",
    "droplet_limit",
    "inbound_rules",
    "sources",
    "data",
];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(Value::from),
        Just(json!("2026-11-21T02:27:00Z")),
        Just(json!("public")),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let key = prop_oneof![prop::sample::select(&KEYS[..]).prop_map(str::to_owned), ".{0,8}"];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_json_is_survived(value in json_value()) {
        decode_fuzz(value.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..400)) {
        decode_fuzz(&bytes);
    }

    #[test]
    fn any_error_text_is_survived(message in ".{0,600}") {
        decode_fuzz(json!({ "id": message, "message": message }).to_string().as_bytes());
    }
}

#[test]
fn deep_nesting_is_survived() {
    decode_fuzz("[".repeat(100_000).as_bytes());
    decode_fuzz(format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)).as_bytes());
}
