//! Everything we send is what the contract asks for.

use std::{net::Ipv6Addr, time::Duration};

use remuda::{
    cloud::{
        Class, Client, FirewallRule, NewDroplet, NewFirewall, NewRecord, NewVolume, Options,
        RecordChange, Target, class_of,
    },
    error::{Error, Kind},
    retry::Deadline,
};
use serde_json::{Value, json};

use crate::{
    contract::contract,
    script::{Asked, Reply, Script, quick},
};

const VOLUME: &str = "506f78a4-e098-11e5-ad9f-000f53306ae1";
const PROJECT: &str = "4e1bfbc3-dc3e-41f2-a18f-1b4d7ba71679";

/// Shows everything in a state from which it has to be changed, and refuses every change.
fn not_there(asked: &Asked) -> Reply {
    if asked.method != "GET" {
        return Reply::fail(400, "bad_request", "this is only looked at");
    }
    let droplet = json!({ "id": 1, "name": "a", "status": "archive" });
    let parts: Vec<&str> = asked.path.split('/').skip(2).collect();
    match parts.as_slice() {
        ["droplets", "2"] => Reply::ok(json!({ "droplet":
            { "id": 2, "name": "a", "status": "active" } })),
        ["droplets", _] => Reply::ok(json!({ "droplet": droplet })),
        ["volumes", _] => Reply::ok(json!({ "volume":
            { "id": VOLUME, "name": "data", "droplet_ids": [9] } })),
        ["reserved_ips", ip] => Reply::ok(json!({ "reserved_ip":
            { "ip": ip, "droplet": { "id": 9 } } })),
        ["reserved_ipv6", ip] => Reply::ok(json!({ "reserved_ipv6":
            { "ip": ip, "droplet": { "id": 9 } } })),
        ["reserved_ipv6"] => Reply::list("reserved_ipv6s", &[]),
        ["account", "keys"] => Reply::list("ssh_keys", &[]),
        ["tags", _] => Reply::missing(),
        ["domains", _, _] => Reply::list("domain_records", &[]),
        _ => Reply::list(parts.last().unwrap(), &[]),
    }
}

async fn change_everything(client: &Client) -> Vec<Error> {
    let by = &Deadline::after(Duration::from_secs(20), "everything");
    let droplet = NewDroplet {
        name: "blog-production-1-7f3k".into(),
        region: "nyc3".into(),
        size: "s-1vcpu-1gb".into(),
        image: "debian-13-x64".into(),
        ssh_keys: vec!["512189".into(), "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa".into()],
        user_data: Some("#cloud-config\n".into()),
        tags: vec!["remuda:blog".into()],
        ipv6: true,
        monitoring: true,
        vpc_uuid: Some("760e09ef-dc84-11e8-981e-3cfdfeaae000".into()),
        volumes: vec![VOLUME.into()],
    };
    let rule = FirewallRule {
        protocol: "tcp".into(),
        ports: "22".into(),
        addresses: vec!["192.0.2.0/24".into()],
        ..FirewallRule::default()
    };
    let firewall = NewFirewall {
        name: "remuda-lock.blog.production".into(),
        inbound: vec![rule.clone()],
        outbound: vec![rule],
        tags: vec!["remuda:blog".into()],
        droplet_ids: vec![412],
    };
    let record = NewRecord {
        kind: "A".into(),
        name: "www".into(),
        data: "203.0.113.10".into(),
        ttl: Some(60),
        priority: None,
    };
    let mail =
        NewRecord { kind: "MX".into(), data: "mail.".into(), priority: Some(10), ..record.clone() };
    let change = RecordChange { kind: "A".into(), data: Some("203.0.113.7".into()), ttl: Some(30) };
    let volume = NewVolume {
        name: "blog-data".into(),
        region: "nyc1".into(),
        size_gib: 10,
        filesystem_type: Some("ext4".into()),
        tags: vec!["remuda:blog".into()],
    };
    let (v4, v6) = ([203, 0, 113, 10].into(), "2001:db8::7".parse::<Ipv6Addr>().unwrap());
    let (tag, other) = ("remuda:blog", Target::Volume(VOLUME.into()));
    let urns = ["do:droplet:412".to_owned()];
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me";
    let mine = |_: &remuda::cloud::Firewall| true;
    vec![
        client.create_droplet(&droplet, by).await.unwrap_err(),
        client.destroy_droplet(1, by).await.unwrap_err(),
        client.power_on(1, by).await.unwrap_err(),
        client.power_off(1, by).await.unwrap_err(),
        client.shutdown(1, by).await.unwrap_err(),
        client.rename(1, "b", by).await.unwrap_err(),
        client.snapshot(1, "s", by).await.unwrap_err(),
        client.delete_snapshot("6372321").await.unwrap_err(),
        client.create_ssh_key("ops", key).await.unwrap_err(),
        client.create_reserved_ip("nyc3").await.unwrap_err(),
        client.assign_reserved_ip(v4, 412, by).await.unwrap_err(),
        client.unassign_reserved_ip(v4, by).await.unwrap_err(),
        client.delete_reserved_ip(v4).await.unwrap_err(),
        client.create_reserved_ipv6("nyc3").await.unwrap_err(),
        client.assign_reserved_ipv6(v6, 412, by).await.unwrap_err(),
        client.unassign_reserved_ipv6(v6, by).await.unwrap_err(),
        client.delete_reserved_ipv6(v6).await.unwrap_err(),
        client.create_record("example.com", &record).await.unwrap_err(),
        client.create_record("example.com", &mail).await.unwrap_err(),
        client.update_record("example.com", 28_448_429, &change).await.unwrap_err(),
        client.delete_record("example.com", 28_448_429).await.unwrap_err(),
        client.create_volume(&volume).await.unwrap_err(),
        client.attach_volume(VOLUME, 412, by).await.unwrap_err(),
        client.detach_volume(VOLUME, 9, by).await.unwrap_err(),
        client.create_tag(tag).await.unwrap_err(),
        client.tag(tag, Target::Droplet(412)).await.unwrap_err(),
        client.tag(tag, Target::Image(7)).await.unwrap_err(),
        client.untag(tag, other).await.unwrap_err(),
        client.delete_tag(tag).await.unwrap_err(),
        client.create_firewall(&firewall, &mine).await.unwrap_err(),
        client.update_firewall(PROJECT, &firewall).await.unwrap_err(),
        client.delete_firewall(PROJECT).await.unwrap_err(),
        client.guard_droplets(PROJECT, &[412]).await.unwrap_err(),
        client.guard_tags(PROJECT, &[tag.into()]).await.unwrap_err(),
        client.assign_to_project(PROJECT, &urns).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn every_request_is_valid() {
    let Some(contract) = contract() else { return };
    let script = Script::start(not_there).await;
    let client = script.client_with(Options { per_minute: 1000, ..quick() });
    for error in change_everything(&client).await {
        assert_eq!(class_of(&error), Some(Class::Final), "{error}");
    }
    client.droplets_named("a").await.unwrap();
    client.droplets_tagged("a").await.unwrap();
    client.private_images().await.unwrap();
    client.volumes(Some("nyc3")).await.unwrap();
    client.volume_named("a", "nyc3").await.unwrap();
    client.records("example.com", Some("www.example.com"), Some("A")).await.unwrap();
    client.droplet_actions(1).await.unwrap();
    let asked = script.asked();
    let changes = asked.iter().filter(|it| it.method != "GET").count();
    assert!(changes >= 35, "every change was sent: {changes}");
    let complaints: Vec<String> = asked.iter().flat_map(|it| contract.complaints(it)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test]
async fn a_missing_scope_is_named_as_the_contract_names_it() {
    let Some(contract) = contract() else { return };
    let script = Script::start(|asked| match not_there(asked) {
        Reply::Json(400, _) => Reply::fail(403, "forbidden", "You are not authorized"),
        reply => reply,
    })
    .await;
    let client = script.client_with(Options { per_minute: 1000, ..quick() });
    let errors = change_everything(&client).await;
    let changes: Vec<Asked> = script.asked().into_iter().filter(|it| it.method != "GET").collect();
    assert_eq!(errors.len(), changes.len());
    for (error, asked) in errors.iter().zip(&changes) {
        assert_eq!(error.kind(), Kind::Refused);
        let scopes = contract.scopes(&asked.method, &asked.path);
        let named = scopes.iter().any(|scope| error.hints()[0].contains(scope.as_str()));
        assert!(named, "{}: {:?} is none of {scopes:?}", asked.line(), error.hints());
    }
    assert!(changes.iter().any(|it| it.body != Value::Null));
}
