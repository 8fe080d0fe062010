//! Every decoder of this room behind one door, for fuzzing: whatever arrives, nothing may panic.

use std::hint::black_box;

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::cloud::{
    Account, Action, Domain, Droplet, Firewall, Image, Project, Record, Region, ReservedIp,
    ReservedIpv6, Size, Snapshot, SshKey, Tag, Volume, Vpc, actions,
    decode::{Decode, Node},
    failure::classify,
    paging,
    projects::Member,
    rate::{Bucket, penalty, stretch},
    request::Request,
    wire,
};

/// Feeds bytes to everything that reads what a server sends.
#[doc(hidden)]
pub fn decode_fuzz(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        for name in ["date", "retry-after", "ratelimit-limit", "ratelimit-remaining"] {
            headers.insert(name, value.clone());
        }
        headers.insert("ratelimit-reset", value.clone());
        headers.insert("x-request-id", value);
    }
    let head = wire::head(&headers);
    black_box(stretch(head.rate, false));
    black_box(penalty(None, head.rate, 0));
    if let Some(rate) = head.rate {
        Bucket::new(1).learn(rate);
    }
    let request = Request::get(&["droplets"]);
    for status in [200, 204, 302, 401, 403, 404, 409, 422, 429, 500] {
        let _ = black_box(wire::understand(&request, status, &head, bytes, "dop_v1_token"));
    }
    black_box(classify(422, &String::from_utf8_lossy(bytes)));
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    black_box(paging::next(&value));
    black_box(actions::linked(&Node::root(&value), "create"));
    every(&Node::root(&value));
    // As the members of an answer, whatever their names are.
    for member in value.as_object().into_iter().flat_map(|object| object.values()) {
        every(&Node::root(member));
        for item in member.as_array().into_iter().flatten() {
            every(&Node::root(item));
        }
    }
}

fn every(node: &Node<'_>) {
    fn one<T: Decode>(node: &Node<'_>) {
        let _ = black_box(T::decode(node));
    }
    one::<Account>(node);
    one::<Action>(node);
    one::<Domain>(node);
    one::<Droplet>(node);
    one::<Firewall>(node);
    one::<Image>(node);
    one::<Member>(node);
    one::<Project>(node);
    one::<Record>(node);
    one::<Region>(node);
    one::<ReservedIp>(node);
    one::<ReservedIpv6>(node);
    one::<Size>(node);
    one::<Snapshot>(node);
    one::<SshKey>(node);
    one::<Tag>(node);
    one::<Volume>(node);
    one::<Vpc>(node);
    if let Ok(record) = Record::decode(node) {
        black_box(record.fqdn("example.com"));
    }
}
