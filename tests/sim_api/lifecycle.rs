//! What a droplet, its actions and its addresses go through.

use serde_json::json;

use super::cloud::{Cloud, wish};

#[tokio::test]
async fn a_droplet_is_new_then_active_with_addresses() {
    let cloud = Cloud::slow(json!({"create": 800, "address": 2000})).await;
    let mut body = wish("web-1");
    body["ipv6"] = json!(true);
    body["tags"] = json!(["web", "remuda:op:1"]);
    let made = cloud.post("/v2/droplets", body).await.is(202);
    let droplet = &made["droplet"];
    assert_eq!(droplet["status"], "new");
    assert_eq!(droplet["networks"], json!({"v4": [], "v6": []}));
    assert_eq!(made["links"]["actions"][0]["rel"], "create");
    let href = made["links"]["actions"][0]["href"].as_str().unwrap();
    assert!(href.starts_with(&cloud.url), "{href}");
    assert_eq!(cloud.get(href).await.is(200)["action"]["status"], "in-progress");

    let path = format!("/v2/droplets/{}", droplet["id"]);
    let active = cloud.until(&path, |got| got.body["droplet"]["status"] == "active").await.body;
    let networks = &active["droplet"]["networks"];
    assert_eq!(networks["v4"].as_array().unwrap().len(), 2, "there as soon as it is active");
    assert!(networks["v4"][0]["ip_address"].as_str().unwrap().starts_with("127."));
    assert_eq!(networks["v4"][1]["type"], "private");
    assert_eq!(networks["v6"].as_array().unwrap().len(), 1);
    assert_eq!(active["droplet"]["tags"], json!(["web", "remuda:op:1"]));
    let action = cloud.get(href).await.is(200);
    assert_eq!(action["action"]["status"], "completed");
    assert!(action["action"]["completed_at"].is_string());
}

#[tokio::test]
async fn without_latencies_the_next_look_shows_it_done() {
    let cloud = Cloud::start().await;
    let made = cloud.create("a").await;
    let action = made["links"]["actions"][0]["id"].as_u64().unwrap();
    let seen = cloud.get(&format!("/v2/actions/{action}")).await.is(200);
    assert_eq!(seen["action"]["status"], "completed");
    let path = format!("/v2/droplets/{}", made["droplet"]["id"]);
    let off = cloud.post(&format!("{path}/actions"), json!({"type": "shutdown"})).await.is(201);
    assert_eq!(off["action"]["status"], "in-progress");
    assert_eq!(cloud.get(&path).await.is(200)["droplet"]["status"], "off");
    cloud.delete(&path).await.is(204);
    assert_eq!(cloud.get(&path).await.refused(404, "not_found").len(), 51);
}

#[tokio::test]
async fn a_busy_droplet_takes_no_second_event() {
    let cloud = Cloud::slow(json!({"create": 1200, "assign": 1200})).await;
    let id = cloud.droplet("a").await;
    let ip = cloud.post("/v2/reserved_ips", json!({"region": "nyc3"})).await.is(202);
    let ip = ip["reserved_ip"]["ip"].as_str().unwrap().to_owned();
    let assign = json!({"type": "assign", "droplet_id": id});
    let actions = format!("/v2/reserved_ips/{ip}/actions");
    let pending = "Droplet already has a pending event.";
    let refused = cloud.post(&actions, assign.clone()).await;
    assert_eq!(refused.refused(422, "unprocessable_entity"), pending);
    let refused =
        cloud.post(&format!("/v2/droplets/{id}/actions"), json!({"type": "reboot"})).await;
    assert_eq!(refused.refused(422, "unprocessable_entity"), pending);
    cloud.delete(&format!("/v2/droplets/{id}")).await.refused(422, "unprocessable_entity");

    let path = format!("/v2/droplets/{id}");
    cloud.until(&path, |got| got.body["droplet"]["status"] == "active").await;
    cloud.post(&actions, assign.clone()).await.is(201);
    let seen = cloud.get(&format!("/v2/reserved_ips/{ip}")).await.is(200);
    assert_eq!(seen["reserved_ip"]["locked"], true);
    assert!(seen["reserved_ip"]["droplet"].is_null());
    // the event shows where a client looks for it
    let events = cloud.get(&format!("/v2/droplets/{id}/actions")).await.is(200);
    assert_eq!(events["actions"][0]["type"], "assign_ip");
    cloud.post(&actions, assign).await.refused(422, "unprocessable_entity");
    let path = format!("/v2/reserved_ips/{ip}");
    cloud.until(&path, |got| got.body["reserved_ip"]["droplet"]["id"] == id).await;
}

#[tokio::test]
async fn a_reserved_address_moves_and_outlives_its_droplet() {
    let cloud = Cloud::start().await;
    let (blue, green) = (cloud.droplet("blue").await, cloud.droplet("green").await);
    let made =
        cloud.post("/v2/reserved_ips", json!({"droplet_id": blue.to_string()})).await.is(202);
    assert_eq!(made["links"]["actions"][0]["rel"], "assign_ip");
    let path = format!("/v2/reserved_ips/{}", made["reserved_ip"]["ip"].as_str().unwrap());
    let owner = async || cloud.get(&path).await.is(200)["reserved_ip"]["droplet"]["id"].clone();
    assert_eq!(owner().await, blue);
    let actions = format!("{path}/actions");
    cloud.post(&actions, json!({"type": "assign", "droplet_id": green})).await.is(201);
    assert_eq!(owner().await, green);
    cloud.delete(&format!("/v2/droplets/{green}")).await.is(204);
    assert!(cloud.get(&path).await.is(200)["reserved_ip"]["droplet"].is_null());

    let far =
        json!({"name": "far", "region": "ams3", "size": "s-1vcpu-1gb", "image": "debian-13-x64"});
    let far = cloud.post("/v2/droplets", far).await.is(202)["droplet"]["id"].clone();
    let why = cloud.post(&actions, json!({"type": "assign", "droplet_id": far})).await;
    assert!(why.refused(422, "unprocessable_entity").contains("same region"));
    let another = cloud.post("/v2/reserved_ips", json!({"droplet_id": blue})).await.is(202);
    let why = cloud.post(&actions, json!({"type": "assign", "droplet_id": blue})).await;
    assert!(why.refused(422, "unprocessable_entity").contains("already has"), "{another}");
}

#[tokio::test]
async fn addresses_are_of_one_block_and_differ_between_simulators() {
    let (one, two) = (Cloud::start().await, Cloud::start().await);
    let mut blocks = Vec::new();
    for cloud in [&one, &two] {
        let status = cloud.get("/sim/status").await.is(200);
        let block = status["account"]["block"].as_str().unwrap().to_owned();
        assert!(block.starts_with("127.") && !block.starts_with("127.0."), "{block}");
        blocks.push(block);
    }
    assert_ne!(blocks[0], blocks[1]);
}

#[tokio::test]
async fn create_says_what_is_wrong() {
    let cloud = Cloud::with(|options| options.droplet_limit = 2).await;
    for (field, value, words) in [
        ("region", json!("mars1"), "invalid region"),
        ("size", json!("s-9"), "invalid size"),
        ("image", json!("plan9"), "invalid image"),
        ("image", json!(1), "invalid image"),
        ("ssh_keys", json!([7]), "7 are invalid key identifiers"),
        ("name", json!("a_b"), "valid hostname characters"),
        ("user_data", json!("x".repeat(65_537)), "user_data is too long"),
        ("vpc_uuid", json!("none"), "invalid vpc_uuid"),
        ("tags", json!(["a b"]), "invalid tag"),
        ("region", json!("sfo1"), "not available"),
    ] {
        let mut body = wish("a");
        body[field] = value;
        let message = cloud.post("/v2/droplets", body).await.refused(422, "unprocessable_entity");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(cloud.get("/v2/droplets").await.is(200)["meta"]["total"], 0);
    cloud.create("a").await;
    let bulk =
        json!({"names": ["b", "c"], "region": "", "size": "s-1vcpu-1gb", "image": "debian-13-x64"});
    let message = cloud.post("/v2/droplets", bulk).await.refused(422, "unprocessable_entity");
    assert_eq!(message, "creating this/these droplet(s) will exceed your droplet limit");
}

#[tokio::test]
async fn a_firewall_name_is_taken_once() {
    let cloud = Cloud::start().await;
    let rule = json!({"protocol": "tcp", "ports": "22", "sources": {"addresses": ["::1/128"]}});
    let body = json!({"name": "remuda-lock.blog.production", "droplet_ids": null,
        "inbound_rules": [rule], "tags": []});
    // two at once: exactly one gets it
    let (one, two) = tokio::join!(
        cloud.post("/v2/firewalls", body.clone()),
        cloud.post("/v2/firewalls", body.clone())
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    assert_eq!(
        cloud.post("/v2/firewalls", body.clone()).await.refused(409, "conflict"),
        "duplicate name"
    );
    let mut tagged = body;
    tagged["name"] = json!("other");
    tagged["tags"] = json!(["nobody"]);
    cloud.post("/v2/firewalls", tagged.clone()).await.refused(422, "unprocessable_entity");
    cloud.post("/v2/tags", json!({"name": "nobody"})).await.is(201);
    cloud.post("/v2/firewalls", tagged).await.is(202);
}

#[tokio::test]
async fn by_tag_all_are_meant() {
    let cloud = Cloud::start().await;
    let body = json!({"names": ["a", "b", "c"], "region": "nyc3", "size": "s-1vcpu-1gb",
        "image": "debian-13-x64", "tags": ["herd"]});
    cloud.post("/v2/droplets", body).await.is(202);
    cloud.droplet("other").await;
    let done = cloud.post("/v2/droplets/actions?tag_name=herd", json!({"type": "power_off"})).await;
    assert_eq!(done.is(201)["actions"].as_array().unwrap().len(), 3);
    let listed = cloud.get("/v2/droplets?tag_name=herd").await.is(200);
    assert!(listed["droplets"].as_array().unwrap().iter().all(|one| one["status"] == "off"));
    cloud.delete("/v2/droplets?tag_name=herd").await.is(204);
    assert_eq!(cloud.get("/v2/droplets").await.is(200)["meta"]["total"], 1);
}

#[tokio::test]
async fn what_real_clients_send_is_understood() {
    let cloud = Cloud::start().await;
    let mut body = wish("a");
    body["ssh_keys"] = json!(null);
    body["region"] = json!("");
    let id = cloud.post("/v2/droplets/", body).await.is(202)["droplet"]["id"].clone();
    // a body with a GET, and a power_on for what is on
    let got = cloud.send("GET", &format!("/v2/droplets/{id}"), Some(&json!(null))).await.unwrap();
    assert_eq!(got.is(200)["droplet"]["status"], "active");
    let path = format!("/v2/droplets/{id}/actions");
    for kind in ["power_on", "shutdown", "shutdown"] {
        let done = cloud.post(&path, json!({"type": kind})).await.is(201);
        let seen = cloud.get(&format!("/v2/actions/{}", done["action"]["id"])).await.is(200);
        assert_eq!(seen["action"]["status"], "completed");
    }
    let volume = json!({"name": "data", "region": "nyc3", "size_gigabytes": 1});
    let volume = cloud.post("/v2/volumes", volume).await.is(201)["volume"]["id"].clone();
    let mut body = wish("b");
    body["volumes"] = json!([{"id": volume}]);
    let made = cloud.post("/v2/droplets", body).await.is(202);
    assert_eq!(made["droplet"]["volume_ids"], json!([volume]));
    cloud.post("/v2/projects", json!({"id": null, "name": "p", "purpose": "x"})).await.is(201);
    cloud.post("/v2/domains", json!({"name": "example.com"})).await.is(201);
    let record = json!({"type": "A", "name": "www", "data": "192.0.2.1"});
    let record = cloud.post("/v2/domains/example.com/records", record).await.is(201);
    let path = format!("/v2/domains/example.com/records/{}", record["domain_record"]["id"]);
    let patched = cloud.send("PATCH", &path, Some(&json!({"data": "192.0.2.2"}))).await.unwrap();
    assert_eq!(patched.is(200)["domain_record"]["ttl"], 1800);
}
