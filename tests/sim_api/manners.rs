//! What is true of every answer: token, pages, headers, limits, refusals.

use remuda::sim::Limits;
use serde_json::json;

use super::cloud::{Cloud, wish};

#[tokio::test]
async fn pages_are_linked_both_ways() {
    let cloud = Cloud::with(|options| options.droplet_limit = 100).await;
    for tens in 0..5 {
        let names: Vec<String> = (0..9).map(|one| format!("n-{tens}-{one}")).collect();
        let body = json!({"names": names, "region": "nyc3", "size": "s-1vcpu-1gb",
            "image": "debian-13-x64", "tags": ["a"]});
        cloud.post("/v2/droplets", body).await.is(202);
    }
    let mut path = "/v2/droplets?tag_name=a&per_page=10".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = cloud.get(&path).await.is(200);
        assert_eq!(page["meta"]["total"], 45);
        seen.extend(page["droplets"].as_array().unwrap().iter().map(|one| one["id"].as_u64()));
        pages += 1;
        let links = &page["links"]["pages"];
        assert_eq!(links["prev"].is_string(), pages > 1);
        assert_eq!(links["first"].is_string(), pages > 1);
        let Some(next) = links["next"].as_str() else { break };
        assert!(next.starts_with(&cloud.url) && next.contains("tag_name=a"), "{next}");
        assert!(links["last"].as_str().unwrap().contains("page=5"), "{links}");
        path = next.to_owned();
    }
    assert_eq!((pages, seen.len()), (5, 45));
    seen.dedup();
    assert_eq!(seen.len(), 45);
    let whole = cloud.get("/v2/droplets?per_page=200").await.is(200);
    assert_eq!(whole["links"], json!({}));
    let beyond = cloud.get("/v2/droplets?page=99&per_page=10").await.is(200);
    assert_eq!(beyond["droplets"], json!([]));
    assert_eq!(cloud.get("/v2/droplets").await.is(200)["droplets"].as_array().unwrap().len(), 20);
    let odd = cloud.get("/v2/droplets?page=0&per_page=99999").await.is(200);
    assert_eq!(odd["droplets"].as_array().unwrap().len(), 45);
}

#[tokio::test]
async fn links_are_on_the_origin_that_was_asked() {
    let cloud = Cloud::start().await;
    let url = cloud.url.replace("127.0.0.1", "localhost") + "/v2/sizes?per_page=5";
    let page = cloud.get(&url).await.is(200);
    let next = page["links"]["pages"]["next"].as_str().unwrap();
    assert!(next.starts_with("http://localhost:"), "{next}");
}

#[tokio::test]
async fn a_token_is_needed_and_may_be_the_only_one() {
    let cloud = Cloud::with(|options| options.token = Some("right".into())).await;
    // the client of these tests says "any"
    let message = cloud.get("/v2/account").await.refused(401, "unauthorized");
    assert_eq!(message, "Unable to authenticate you");
    assert_eq!(cloud.get("/sim/status").await.status, 401);
    cloud.stop().await;
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let cloud = Cloud::start().await;
    for path in ["/v2/account", "/v2/nothing", "/v2/droplets/1"] {
        let got = cloud.get(path).await;
        assert_eq!(got.header("ratelimit-limit"), "5000");
        assert!(got.header("ratelimit-remaining").parse::<u64>().unwrap() < 5000);
        assert!(got.header("ratelimit-reset").parse::<i64>().unwrap() > 1_700_000_000);
        assert!(got.headers.contains_key("date"));
        assert_eq!(got.header("x-request-id").len(), 36);
        assert!(got.header("content-type").starts_with("application/json"));
    }
}

#[tokio::test]
async fn unknown_paths_and_bad_bodies_are_refused_in_json() {
    let cloud = Cloud::start().await;
    cloud.get("/v2/unicorns").await.refused(404, "not_found");
    cloud.get("/v2/droplets/abc").await.refused(404, "not_found");
    cloud.get("/").await.refused(404, "not_found");
    cloud.delete("/v2/account").await.refused(405, "method_not_allowed");
    cloud.post("/v2/droplets", json!([1])).await.refused(422, "unprocessable_entity");
    let http = format!("{}/v2/droplets", cloud.url);
    let got = cloud.send("POST", &http, None).await.unwrap();
    got.refused(422, "unprocessable_entity");
}

#[tokio::test]
async fn the_251st_request_in_a_minute_must_wait() {
    let cloud = Cloud::with(|options| options.limits = Limits::default()).await;
    for _ in 0..250 {
        cloud.get("/v2/account").await.is(200);
    }
    let got = cloud.get("/v2/account").await;
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(got.header("ratelimit-remaining"), "0");
    assert_eq!(got.refused(429, "too_many_requests"), "API Rate limit exceeded.");
}

#[tokio::test]
async fn keys_are_listed_ten_times_a_minute() {
    let cloud = Cloud::with(|options| options.limits = Limits::default()).await;
    for _ in 0..10 {
        cloud.get("/v2/account/keys").await.is(200);
    }
    cloud.get("/v2/account/keys").await.refused(429, "too_many_requests");
    cloud.get("/v2/account").await.is(200);
}

#[tokio::test]
async fn requests_can_be_counted_and_walked() {
    let cloud = Cloud::start().await;
    cloud.create("a").await;
    cloud.get("/v2/account").await.is(200);
    let log = cloud.get("/sim/requests").await.is(200);
    assert_eq!(log["count"], 2, "the control path is not counted");
    assert_eq!(log["requests"][0]["method"], "POST");
    assert_eq!(log["requests"][0]["path"], "/v2/droplets");
    assert_eq!(log["requests"][0]["status"], 202);
    assert_eq!(log["requests"][1]["index"], 1);
    cloud.post("/sim/requests/reset", json!({})).await.is(204);
    assert_eq!(cloud.get("/sim/requests").await.is(200)["count"], 0);
    let actions = cloud.get("/sim/actions").await.is(200);
    assert_eq!(actions["actions"][0]["type"], "create");
    assert_eq!(actions["actions"][0]["latency_ms"], 0);
}

#[tokio::test]
async fn prices_and_places_are_those_that_are_published() {
    let cloud = Cloud::start().await;
    let sizes = cloud.get("/v2/sizes?per_page=200").await.is(200);
    assert!(sizes["meta"]["total"].as_u64().unwrap() >= 20);
    let small = &sizes["sizes"][0];
    assert_eq!((&small["price_monthly"], &small["price_hourly"]), (&json!(4.0), &json!(0.00595)));
    let regions = cloud.get("/v2/regions?per_page=200").await.is(200);
    let slugs: Vec<&str> = regions["regions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["slug"].as_str())
        .collect();
    assert!(slugs.len() >= 13 && slugs.contains(&"nyc1") && slugs.contains(&"nyc3"));
    for slug in ["debian-12-x64", "debian-13-x64", "ubuntu-22-04-x64", "ubuntu-24-04-x64"] {
        assert_eq!(cloud.get(&format!("/v2/images/{slug}")).await.is(200)["image"]["slug"], slug);
    }
    let body = json!({"name": "both", "tag_name": "x"});
    assert_eq!(cloud.get("/v2/droplets?name=a&tag_name=b").await.status, 400, "{body}");
    let mut named = wish("Web");
    named["ssh_keys"] = json!([]);
    cloud.post("/v2/droplets", named).await.is(202);
    assert_eq!(cloud.get("/v2/droplets?name=wEB").await.is(200)["meta"]["total"], 1);
    assert_eq!(cloud.get("/v2/droplets?name=we").await.is(200)["meta"]["total"], 0);
}
