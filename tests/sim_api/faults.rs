//! Every fault rule, as a client meets it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::cloud::{Cloud, Got, wish};

async fn droplets(cloud: &Cloud) -> u64 {
    cloud.get("/v2/droplets").await.is(200)["meta"]["total"].as_u64().unwrap()
}

async fn try_create(cloud: &Cloud) -> Result<Got, reqwest::Error> {
    cloud.send("POST", "/v2/droplets", Some(&wish("a"))).await
}

#[tokio::test]
async fn lost_has_its_effect_and_drop_has_none() {
    let cloud = Cloud::faulty(&["lost:POST /v2/droplets", "drop:POST /v2/droplets:1"]).await;
    assert!(try_create(&cloud).await.is_err());
    assert_eq!(droplets(&cloud).await, 1);
    assert!(try_create(&cloud).await.is_err());
    assert_eq!(droplets(&cloud).await, 1);
    try_create(&cloud).await.unwrap().is(202);
    let log = cloud.get("/sim/requests").await.is(200);
    assert_eq!(log["requests"][0]["fault"], "lost");
    assert!(log["requests"][0]["status"].is_null());
}

#[tokio::test]
async fn statuses_have_no_effect_unless_asked() {
    let cloud = Cloud::faulty(&[
        "429:POST /v2/droplets:retry-after=2",
        "500:POST /v2/droplets",
        "503:POST /v2/droplets:effect",
        "422-pending:POST /v2/droplets",
        "422:POST /v2/droplets:message=please try again",
        "limit-reached",
    ])
    .await;
    let got = try_create(&cloud).await.unwrap();
    assert_eq!(got.header("retry-after"), "2");
    got.refused(429, "too_many_requests");
    try_create(&cloud).await.unwrap().refused(500, "server_error");
    assert_eq!(droplets(&cloud).await, 0);
    try_create(&cloud).await.unwrap().refused(503, "service_unavailable");
    assert_eq!(droplets(&cloud).await, 1);
    let pending = try_create(&cloud).await.unwrap().refused(422, "unprocessable_entity");
    assert_eq!(pending, "Droplet already has a pending event.");
    let message = try_create(&cloud).await.unwrap().refused(422, "unprocessable_entity");
    assert_eq!(message, "please try again");
    let limit = try_create(&cloud).await.unwrap().refused(422, "unprocessable_entity");
    assert!(limit.contains("exceed your droplet limit"));
    try_create(&cloud).await.unwrap().is(202);
}

#[tokio::test]
async fn an_errored_create_vanishes_and_an_errored_assign_changes_nothing() {
    let cloud = Cloud::faulty(&["errored:create:after=1", "errored:assign_ip"]).await;
    let stays = cloud.droplet("stays").await;
    let made = cloud.create("goes").await;
    let action = format!("/v2/actions/{}", made["links"]["actions"][0]["id"]);
    assert_eq!(cloud.get(&action).await.is(200)["action"]["status"], "errored");
    let path = format!("/v2/droplets/{}", made["droplet"]["id"]);
    cloud.get(&path).await.refused(404, "not_found");

    let ip = cloud.post("/v2/reserved_ips", json!({"region": "nyc3"})).await.is(202);
    let path = format!("/v2/reserved_ips/{}", ip["reserved_ip"]["ip"].as_str().unwrap());
    let assign = json!({"type": "assign", "droplet_id": stays});
    let done = cloud.post(&format!("{path}/actions"), assign.clone()).await.is(201);
    let action = format!("/v2/actions/{}", done["action"]["id"]);
    assert_eq!(cloud.get(&action).await.is(200)["action"]["status"], "errored");
    assert!(cloud.get(&path).await.is(200)["reserved_ip"]["droplet"].is_null());
    cloud.post(&format!("{path}/actions"), assign).await.is(201);
    assert_eq!(cloud.get(&path).await.is(200)["reserved_ip"]["droplet"]["id"], stays);
}

fn addresses(got: &Got) -> usize {
    got.body["droplet"]["networks"]["v4"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn active_without_an_address() {
    let cloud = Cloud::faulty(&["no-ip:2", "no-ip:1s"]).await;
    let path = format!("/v2/droplets/{}", cloud.droplet("polls").await);
    let looks = [cloud.get(&path).await, cloud.get(&path).await, cloud.get(&path).await];
    assert!(looks.iter().all(|got| got.body["droplet"]["status"] == "active"));
    assert_eq!(looks.map(|got| addresses(&got)), [0, 0, 2]);
    let path = format!("/v2/droplets/{}", cloud.droplet("time").await);
    assert_eq!(addresses(&cloud.get(&path).await), 0);
    cloud.until(&path, |got| addresses(got) == 2).await;
    let path = format!("/v2/droplets/{}", cloud.droplet("well").await);
    assert_eq!(addresses(&cloud.get(&path).await), 2);
}

#[tokio::test]
async fn created_but_not_found_or_not_listed() {
    let cloud = Cloud::faulty(&["404-after-create:2", "list-lag:1200"]).await;
    let path = format!("/v2/droplets/{}", cloud.droplet("a").await);
    assert_eq!(droplets(&cloud).await, 0);
    assert_eq!(cloud.get("/v2/droplets?name=a").await.is(200)["meta"]["total"], 0);
    assert_eq!(cloud.get(&path).await.status, 404);
    assert_eq!(cloud.get(&path).await.status, 404);
    cloud.get(&path).await.is(200);
    cloud.until("/v2/droplets?name=a", |got| got.body["meta"]["total"] == 1).await;
}

#[tokio::test]
async fn an_action_that_cannot_be_found() {
    let cloud = Cloud::faulty(&["action-404:2"]).await;
    let made = cloud.create("a").await;
    let action = format!("/v2/actions/{}", made["links"]["actions"][0]["id"]);
    cloud.get(&action).await.refused(404, "not_found");
    cloud.get(&action).await.refused(404, "not_found");
    cloud.get(&action).await.is(200);
}

#[tokio::test]
async fn answers_that_are_no_answers() {
    let cloud = Cloud::faulty(&[
        "html:GET /v2/account",
        "html:GET /v2/account:status=200",
        "truncated:GET /v2/account",
        "huge:GET /v2/account:mib=3",
        "wrong-types:GET /v2/account",
    ])
    .await;
    let got = cloud.get("/v2/account").await;
    assert!(got.text.starts_with("<!DOCTYPE html>"));
    assert_eq!((got.status, got.header("content-type")), (502, "text/html; charset=utf-8"));
    assert_eq!(cloud.get("/v2/account").await.status, 200);
    assert!(cloud.send("GET", "/v2/account", None).await.is_err(), "half of it is no answer");
    let huge = cloud.get("/v2/account").await;
    assert!(huge.text.len() > 3 << 20);
    assert_eq!(huge.body["account"]["status"], "active", "it is JSON all the same");
    let turned = cloud.get("/v2/account").await.is(200);
    assert_eq!(turned["account"]["status"], 7);
    assert_eq!(turned["account"]["droplet_limit"], "about 25");
    cloud.get("/v2/account").await.is(200);
}

#[tokio::test]
async fn held_requests_wait_for_a_clearing() {
    let cloud =
        Arc::new(Cloud::faulty(&["hold:POST /v2/droplets", "hold-before:POST /v2/tags"]).await);
    let create = tokio::spawn({
        let cloud = Arc::clone(&cloud);
        async move { try_create(&cloud).await.unwrap().is(202) }
    });
    let tag = tokio::spawn({
        let cloud = Arc::clone(&cloud);
        async move { cloud.post("/v2/tags", json!({"name": "late"})).await.is(201) }
    });
    let held = |got: &Got| {
        let requests = got.body["requests"].as_array().cloned().unwrap_or_default();
        requests
            .iter()
            .filter(|one| one["fault"].as_str().is_some_and(|f| f.starts_with("hold")))
            .count()
    };
    cloud.until("/sim/requests", |got| held(got) == 2).await;
    cloud.until("/v2/droplets", |got| got.body["meta"]["total"] == 1).await;
    assert_eq!(cloud.get("/v2/tags").await.is(200)["meta"]["total"], 0);
    assert!(!create.is_finished() && !tag.is_finished());
    cloud.delete("/sim/faults").await.is(204);
    create.await.unwrap();
    tag.await.unwrap();
    assert_eq!(cloud.get("/v2/tags").await.is(200)["meta"]["total"], 1);
}

#[tokio::test]
async fn who_hangs_up_while_held_before_has_asked_for_nothing() {
    let cloud = Cloud::faulty(&["hold-before:POST /v2/droplets"]).await;
    let gave_up =
        tokio::time::timeout(Duration::from_millis(200), try_create(&cloud)).await.is_err();
    assert!(gave_up);
    cloud.delete("/sim/faults").await.is(204);
    try_create(&cloud).await.unwrap().is(202);
    assert_eq!(droplets(&cloud).await, 1);
}

#[tokio::test]
async fn rules_come_and_go_while_it_runs() {
    let cloud = Cloud::start().await;
    let rule = json!({"rule": "500:GET /v2/account:*"});
    let id = cloud.post("/sim/faults", rule).await.is(201)["id"].clone();
    assert_eq!(cloud.get("/v2/account").await.status, 500);
    assert_eq!(cloud.get("/v2/account").await.status, 500);
    let listed: Value = cloud.get("/sim/faults").await.is(200);
    assert_eq!(listed["faults"][0]["struck"], 2);
    cloud.delete(&format!("/sim/faults/{id}")).await.is(204);
    cloud.get("/v2/account").await.is(200);
    let wrong = cloud.post("/sim/faults", json!({"rule": "explode:GET /v2/x"})).await;
    assert!(wrong.refused(422, "unprocessable_entity").contains("explode"));
}

#[tokio::test]
async fn a_latency_can_be_set_while_it_runs() {
    let cloud = Cloud::start().await;
    cloud.post("/sim/faults", json!({"rule": "latency:create=60000"})).await.is(201);
    let path = format!("/v2/droplets/{}", cloud.droplet("a").await);
    assert_eq!(cloud.get(&path).await.is(200)["droplet"]["status"], "new");
    cloud.delete("/sim/faults").await.is(204);
    let path = format!("/v2/droplets/{}", cloud.droplet("b").await);
    assert_eq!(cloud.get(&path).await.is(200)["droplet"]["status"], "active");
    cloud.stop().await;
}

#[tokio::test]
async fn a_slow_boot_is_seen_in_the_actions() {
    let cloud = Cloud::faulty(&["slow-boot:40"]).await;
    let path = format!("/v2/droplets/{}", cloud.droplet("a").await);
    assert_eq!(cloud.get(&path).await.is(200)["droplet"]["status"], "active");
    assert_eq!(cloud.get("/sim/actions").await.is(200)["actions"][0]["boot_ms"], 40);
}

#[tokio::test]
async fn a_slow_answer_comes() {
    let cloud = Cloud::faulty(&["slow:GET /v2/account:ms=120"]).await;
    cloud.get("/v2/account").await.is(200);
    let log = cloud.get("/sim/requests").await.is(200);
    assert!(log["requests"][0]["millis"].as_u64().unwrap() >= 120, "{log}");
}
