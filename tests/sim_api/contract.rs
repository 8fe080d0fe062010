//! A whole session, every answer of which is checked against DigitalOcean's own document.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::{Value, json};

use super::{
    cloud::{Cloud, wish},
    openapi::Document,
};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA2Kx2l9HtIAXc3Fh0zZ1Pm5m0X0E5s3rWq1r5w2hXxQ a";

/// Asks, and keeps what the document does not agree with.
struct Session {
    cloud: Cloud,
    document: Document,
    covered: RefCell<BTreeSet<String>>,
    wrong: RefCell<Vec<String>>,
}

impl Session {
    async fn ask(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let body = (!body.is_null()).then_some(body);
        let got = self.cloud.send(method, path, body.as_ref()).await.unwrap();
        assert_eq!(got.status, status, "{method} {path}: {}", got.text);
        assert_eq!(got.header("ratelimit-limit"), "5000");
        match self.document.check(method, path, status, &got.text) {
            Ok(name) => drop(self.covered.borrow_mut().insert(name)),
            Err(why) => self.wrong.borrow_mut().push(why),
        }
        got.body
    }

    async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, Value::Null, 200).await
    }

    async fn gone(&self, path: &str) {
        self.ask("DELETE", path, Value::Null, 204).await;
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let Some(document) = Document::find() else { return };
    let session = Session {
        cloud: Cloud::start().await,
        document,
        covered: RefCell::default(),
        wrong: RefCell::default(),
    };
    catalogue(&session).await;
    let droplet = droplets(&session).await;
    addresses(&session, &droplet).await;
    names(&session).await;
    storage(&session, &droplet).await;
    groups(&session, &droplet).await;
    endings(&session, &droplet).await;
    let wrong = session.wrong.borrow();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let covered = session.covered.borrow().len();
    assert!(covered >= 110, "only {covered} answers were checked");
}

async fn catalogue(session: &Session) {
    session.get("/v2/account").await;
    let body = json!({"name": "a", "public_key": KEY});
    let key = session.ask("POST", "/v2/account/keys", body.clone(), 201).await["ssh_key"].clone();
    session.ask("POST", "/v2/account/keys", body, 422).await;
    session.get("/v2/account/keys").await;
    let path = format!("/v2/account/keys/{}", text(&key["fingerprint"]));
    session.get(&path).await;
    session.ask("PUT", &path, json!({"name": "b"}), 200).await;
    session.gone(&path).await;
    session.ask("GET", &path, Value::Null, 404).await;
    for path in ["/v2/regions", "/v2/sizes", "/v2/sizes?per_page=3&page=2", "/v2/images"] {
        session.get(path).await;
    }
    session.get("/v2/images?type=application").await;
    session.get("/v2/images/debian-13-x64").await;
    let body = json!({"name": "own", "url": "http://example.com/x.img.gz", "region": "nyc3",
        "distribution": "Debian"});
    let image = session.ask("POST", "/v2/images", body, 202).await["image"]["id"].clone();
    let path = format!("/v2/images/{image}");
    session.ask("PUT", &path, json!({"name": "mine"}), 200).await;
    let act = json!({"type": "transfer", "region": "ams3"});
    let action = session.ask("POST", &format!("{path}/actions"), act, 201).await["id"].clone();
    session.get(&format!("{path}/actions")).await;
    session.get(&format!("{path}/actions/{action}")).await;
    session.gone(&path).await;
}

async fn droplets(session: &Session) -> String {
    let mut body = wish("web-1");
    body["tags"] = json!(["web"]);
    body["ipv6"] = json!(true);
    body["backups"] = json!(true);
    let made = session.ask("POST", "/v2/droplets", body, 202).await;
    let id = text(&made["droplet"]["id"]);
    let bulk = json!({"names": ["a", "b"], "region": "nyc3", "size": "s-1vcpu-1gb",
        "image": "ubuntu-24-04-x64", "tags": ["bulk"]});
    session.ask("POST", "/v2/droplets", bulk, 202).await;
    session.ask("POST", "/v2/droplets", json!({"name": "a"}), 422).await;
    let path = format!("/v2/droplets/{id}");
    session.get("/v2/droplets").await;
    session.get("/v2/droplets?per_page=1&page=2").await;
    session.get(&path).await;
    for kind in ["power_off", "power_on", "snapshot", "reboot", "enable_ipv6"] {
        let body = json!({"type": kind, "name": "s"});
        let done = session.ask("POST", &format!("{path}/actions"), body, 201).await;
        session.get(&format!("{path}/actions/{}", done["action"]["id"])).await;
    }
    session.ask("POST", &format!("{path}/actions"), json!({"type": "dance"}), 422).await;
    session
        .ask("POST", "/v2/droplets/actions?tag_name=bulk", json!({"type": "power_off"}), 201)
        .await;
    for look in [
        "actions",
        "snapshots",
        "backups",
        "backups/policy",
        "kernels",
        "firewalls",
        "neighbors",
        "destroy_with_associated_resources",
    ] {
        session.get(&format!("{path}/{look}")).await;
    }
    session.get("/v2/droplets/backups/supported_policies").await;
    session.get("/v2/droplets/backups/policies").await;
    session.get("/v2/actions").await;
    session.get(&format!("/v2/actions/{}", made["links"]["actions"][0]["id"])).await;
    session.get("/v2/images?private=true").await;
    session.gone("/v2/droplets?tag_name=bulk").await;
    session.ask("GET", "/v2/droplets/1", Value::Null, 404).await;
    id
}

async fn addresses(session: &Session, droplet: &str) {
    for (group, key) in [("reserved_ips", "reserved_ip"), ("floating_ips", "floating_ip")] {
        let base = format!("/v2/{group}");
        let made = session.ask("POST", &base, json!({"region": "nyc3"}), 202).await;
        let path = format!("{base}/{}", text(&made[key]["ip"]));
        let assign = json!({"type": "assign", "droplet_id": droplet});
        let done = session.ask("POST", &format!("{path}/actions"), assign, 201).await;
        session.get(&base).await;
        session.get(&path).await;
        session.get(&format!("{path}/actions")).await;
        session.get(&format!("{path}/actions/{}", done["action"]["id"])).await;
        session.ask("POST", &format!("{path}/actions"), json!({"type": "unassign"}), 201).await;
        session.gone(&path).await;
        session.ask("GET", &path, Value::Null, 404).await;
        let made = session.ask("POST", &base, json!({"droplet_id": droplet}), 202).await;
        session.gone(&format!("{base}/{}", text(&made[key]["ip"]))).await;
    }
    let made = session.ask("POST", "/v2/reserved_ipv6", json!({"region_slug": "nyc3"}), 201).await;
    let path = format!("/v2/reserved_ipv6/{}", text(&made["reserved_ipv6"]["ip"]));
    session.get("/v2/reserved_ipv6").await;
    session.get(&path).await;
    let assign = json!({"type": "assign", "droplet_id": droplet});
    session.ask("POST", &format!("{path}/actions"), assign, 201).await;
    session.get(&path).await;
    session.ask("DELETE", &path, Value::Null, 422).await;
    session.ask("POST", &format!("{path}/actions"), json!({"type": "unassign"}), 201).await;
    session.gone(&path).await;
}

async fn names(session: &Session) {
    let body = json!({"name": "example.com", "ip_address": "192.0.2.1"});
    session.ask("POST", "/v2/domains", body, 201).await;
    session.get("/v2/domains").await;
    session.get("/v2/domains/example.com").await;
    let base = "/v2/domains/example.com/records";
    for body in [
        json!({"type": "AAAA", "name": "www", "data": "2001:db8::1", "ttl": 60}),
        json!({"type": "CNAME", "name": "shop", "data": "www.example.com."}),
        json!({"type": "MX", "name": "@", "data": "mail.example.com.", "priority": 10}),
        json!({"type": "TXT", "name": "@", "data": "v=spf1 -all"}),
        json!({"type": "SRV", "name": "_sip._tcp", "data": "www.example.com.", "priority": 1,
            "port": 5060, "weight": 5}),
        json!({"type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0, "tag": "issue"}),
    ] {
        session.ask("POST", base, body, 201).await;
    }
    session.ask("POST", base, json!({"type": "A", "name": "x", "data": "nowhere"}), 422).await;
    session
        .ask("POST", base, json!({"type": "A", "name": "x", "data": "192.0.2.1", "ttl": 5}), 422)
        .await;
    let listed = session.get(&format!("{base}?name=www.example.com&type=AAAA")).await;
    assert_eq!(listed["meta"]["total"], 1);
    let path = format!("{base}/{}", listed["domain_records"][0]["id"]);
    session.get(base).await;
    session.get(&path).await;
    session.ask("PATCH", &path, json!({"type": "AAAA", "data": "2001:db8::2"}), 200).await;
    session.ask("PUT", &path, json!({"type": "AAAA", "name": "web"}), 200).await;
    session.gone(&path).await;
    session.gone("/v2/domains/example.com").await;
}

async fn storage(session: &Session, droplet: &str) {
    let body = json!({"name": "data", "region": "nyc3", "size_gigabytes": 10, "tags": ["web"]});
    let volume = text(&session.ask("POST", "/v2/volumes", body, 201).await["volume"]["id"]);
    let path = format!("/v2/volumes/{volume}");
    session.get("/v2/volumes").await;
    let attach = json!({"type": "attach", "droplet_id": droplet, "region": "nyc3"});
    let done = session.ask("POST", &format!("{path}/actions"), attach.clone(), 202).await;
    session.get(&format!("{path}/actions/{}", done["action"]["id"])).await;
    session.get(&format!("{path}/actions")).await;
    session.get(&path).await;
    session.ask("POST", &format!("{path}/actions"), attach, 422).await;
    session.ask("DELETE", &path, Value::Null, 409).await;
    let detach = json!({"type": "detach", "droplet_id": droplet, "volume_name": "data"});
    session.ask("POST", "/v2/volumes/actions", detach, 202).await;
    let body = json!({"name": "before", "tags": ["web"]});
    let made = session.ask("POST", &format!("{path}/snapshots"), body, 201).await;
    let snapshot = text(&made["snapshot"]["id"]);
    session.get(&format!("{path}/snapshots")).await;
    session.get(&format!("/v2/volumes/snapshots/{snapshot}")).await;
    session.get("/v2/snapshots").await;
    session.get("/v2/snapshots?resource_type=droplet").await;
    session.get(&format!("/v2/snapshots/{snapshot}")).await;
    session.gone(&format!("/v2/volumes/snapshots/{snapshot}")).await;
    session.gone("/v2/volumes?name=data&region=nyc3").await;
}

async fn groups(session: &Session, droplet: &str) {
    session.ask("POST", "/v2/tags", json!({"name": "remuda:x"}), 201).await;
    session.get("/v2/tags").await;
    let resources = json!({"resources": [{"resource_id": droplet, "resource_type": "droplet"}]});
    session.ask("POST", "/v2/tags/remuda:x/resources", resources.clone(), 204).await;
    session.get("/v2/tags/remuda:x").await;
    session.ask("DELETE", "/v2/tags/remuda:x/resources", resources, 204).await;

    let rule = json!({"protocol": "tcp", "ports": "22", "sources": {"addresses": ["::/0"]}});
    let out =
        json!({"protocol": "icmp", "ports": "", "destinations": {"addresses": ["0.0.0.0/0"]}});
    let body = json!({"name": "wall", "inbound_rules": [rule], "outbound_rules": [out],
        "droplet_ids": [droplet.parse::<u64>().unwrap()], "tags": ["web"]});
    let made = session.ask("POST", "/v2/firewalls", body.clone(), 202).await;
    session.ask("POST", "/v2/firewalls", body.clone(), 409).await;
    let path = format!("/v2/firewalls/{}", text(&made["firewall"]["id"]));
    session.get("/v2/firewalls").await;
    session.get(&path).await;
    session.ask("PUT", &path, body, 200).await;
    let members = [
        ("droplets", json!({"droplet_ids": [droplet.parse::<u64>().unwrap()]})),
        ("tags", json!({"tags": ["remuda:x"]})),
        (
            "rules",
            json!({"inbound_rules": [{"protocol": "udp", "ports": "53", "sources": {"tags": ["web"]}}]}),
        ),
    ];
    for (member, body) in members {
        session.ask("POST", &format!("{path}/{member}"), body.clone(), 204).await;
        session.ask("DELETE", &format!("{path}/{member}"), body, 204).await;
    }
    session.gone(&path).await;
    session.gone("/v2/tags/remuda:x").await;

    let body = json!({"name": "p", "purpose": "tests", "environment": "Staging"});
    let project = text(&session.ask("POST", "/v2/projects", body, 201).await["project"]["id"]);
    let path = format!("/v2/projects/{project}");
    session.get("/v2/projects").await;
    session.get("/v2/projects/default").await;
    session.get(&path).await;
    session.ask("PATCH", &path, json!({"name": "q"}), 200).await;
    let urns = json!({"resources": [format!("do:droplet:{droplet}")]});
    session.ask("POST", &format!("{path}/resources"), urns.clone(), 200).await;
    session.get(&format!("{path}/resources")).await;
    session.ask("DELETE", &path, Value::Null, 412).await;
    session.ask("POST", "/v2/projects/default/resources", urns, 200).await;
    session.get("/v2/projects/default/resources").await;
    session.gone(&path).await;

    let body = json!({"name": "net", "region": "nyc3", "ip_range": "10.10.10.0/24"});
    let vpc = text(&session.ask("POST", "/v2/vpcs", body, 201).await["vpc"]["id"]);
    let path = format!("/v2/vpcs/{vpc}");
    session.get("/v2/vpcs").await;
    session.get(&path).await;
    session.ask("PUT", &path, json!({"name": "net2"}), 200).await;
    session.ask("PATCH", &path, json!({"description": "x"}), 200).await;
    session.get(&format!("{path}/members")).await;
    session.get(&format!("{path}/peerings")).await;
    session.gone(&path).await;
}

async fn endings(session: &Session, droplet: &str) {
    let base = format!("/v2/droplets/{droplet}/destroy_with_associated_resources");
    session.ask("DELETE", &format!("{base}/selective"), json!({"snapshots": []}), 202).await;
    session.get(&format!("{base}/status")).await;
    let other = text(&session.ask("POST", "/v2/droplets", wish("z"), 202).await["droplet"]["id"]);
    session.gone(&format!("/v2/droplets/{other}")).await;
    session.ask("DELETE", &format!("/v2/droplets/{other}"), Value::Null, 404).await;
}
