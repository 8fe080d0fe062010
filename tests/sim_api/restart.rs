//! What survives the end of the simulator, and who may begin it.

use remuda::{
    error::Kind,
    sim::{Choice, Server, hosts},
};
use serde_json::json;

use super::cloud::{Cloud, latency, options};

#[tokio::test]
async fn the_account_survives() {
    let mut cloud = Cloud::start().await;
    let id = cloud.droplet("a").await;
    cloud.post("/v2/reserved_ips", json!({"droplet_id": id})).await.is(202);
    cloud.post("/v2/domains", json!({"name": "example.com"})).await.is(201);
    let paths = [
        "/v2/droplets",
        "/v2/reserved_ips",
        "/v2/domains/example.com/records",
        "/v2/tags",
        "/v2/actions",
        "/v2/vpcs",
        "/v2/projects",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(cloud.get(path).await.is(200));
    }
    let origin = cloud.url.clone();
    cloud.restart().await;
    for (path, before) in paths.iter().zip(before) {
        let now = cloud.get(path).await.is(200).to_string().replace(&cloud.url, &origin);
        assert_eq!(now, before.to_string(), "{path}");
    }
    assert_ne!(cloud.droplet("b").await, id);
}

#[tokio::test]
async fn an_action_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut slow = options(dir.path());
    slow.latency = latency(&json!({"create": 2000}));
    let first = Server::start(slow).await.unwrap();
    let mut cloud = Cloud::start().await;
    let own = std::mem::replace(&mut cloud.url, first.url().to_owned());
    let made = cloud.create("a").await;
    first.stop().await.unwrap();

    let second = Server::start(options(dir.path())).await.unwrap();
    second.url().clone_into(&mut cloud.url);
    let action = format!("/v2/actions/{}", made["links"]["actions"][0]["id"]);
    assert_eq!(cloud.get(&action).await.is(200)["action"]["status"], "in-progress");
    cloud.until(&action, |got| got.body["action"]["status"] == "completed").await;
    let path = format!("/v2/droplets/{}", made["droplet"]["id"]);
    assert_eq!(cloud.get(&path).await.is(200)["droplet"]["status"], "active");
    second.stop().await.unwrap();
    cloud.url = own;
    cloud.stop().await;
}

#[tokio::test]
async fn a_second_simulator_on_the_same_state_is_refused() {
    let cloud = Cloud::start().await;
    let error = Server::start(options(cloud.dir.path())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.what().contains(&std::process::id().to_string()), "{error}");
    let dir = cloud.dir.path().to_owned();
    cloud.get("/v2/account").await.is(200);
    let keep = cloud.dir.path().join("state.json");
    assert!(keep.exists());
    cloud.stop().await;
    drop(dir);
}

#[tokio::test]
async fn a_reset_leaves_nothing_but_the_addresses() {
    let cloud = Cloud::start().await;
    cloud.droplet("a").await;
    cloud.post("/v2/reserved_ips", json!({"region": "nyc3"})).await.is(202);
    let block = cloud.get("/sim/status").await.is(200)["account"]["block"].clone();
    cloud.post("/sim/reset", json!({})).await.is(204);
    for path in ["/v2/droplets", "/v2/reserved_ips", "/v2/actions"] {
        assert_eq!(cloud.get(path).await.is(200)["meta"]["total"], 0, "{path}");
    }
    assert_eq!(cloud.get("/sim/status").await.is(200)["account"]["block"], block);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut open = options(dir.path());
    open.listen = "0.0.0.0:0".parse().unwrap();
    let error = Server::start(open).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    let mut wrong = options(dir.path());
    wrong.faults = vec!["explode".into()];
    assert_eq!(Server::start(wrong).await.unwrap_err().kind(), Kind::Usage);
}

#[tokio::test]
async fn a_damaged_state_is_refused_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("state.json"), "{\"version\":").unwrap();
    let mut none = options(dir.path());
    none.hosts = Choice::Only(hosts::Kind::None);
    let error = Server::start(none).await.unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("reset")), "{error}");
    remuda::sim::reset_offline(dir.path()).await.unwrap();
    Server::start(options(dir.path())).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_held_request_does_not_hold_up_the_end() {
    let cloud = Cloud::faulty(&["hold:GET /v2/account"]).await;
    let (url, log) = (format!("{}/v2/account", cloud.url), "/sim/requests");
    let address = cloud.url.trim_start_matches("http://").to_owned();
    let held = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let ask = format!("GET {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // an answer or an end, whichever: it must not wait for ever
        let _ = stream.read_to_end(&mut answer).await;
    });
    cloud.until(log, |got| got.body["requests"][0]["fault"] == "hold").await;
    let patience = std::time::Duration::from_secs(8);
    tokio::time::timeout(patience, cloud.stop()).await.unwrap();
    tokio::time::timeout(patience, held).await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_is_left_listening() {
    let cloud = Cloud::start().await;
    let address = cloud.url.trim_start_matches("http://").to_owned();
    cloud.get("/v2/account").await.is(200);
    let serving = cloud.dir.path().join("serving.json");
    assert!(serving.exists());
    let dir = cloud.dir.path().to_owned();
    drop(dir);
    let http = cloud.url.clone();
    cloud.stop().await;
    assert!(std::net::TcpStream::connect(&address).is_err(), "{http}");
}
