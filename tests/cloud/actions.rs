//! Actions: sent when they must be, believed when the resource shows them.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use remuda::{
    cloud::{Class, Target, class_of},
    error::Kind,
    retry::Deadline,
};
use serde_json::{Value, json};

use crate::script::{Asked, Reply, Script};

const IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
const POST: &str = "POST /v2/reserved_ips/203.0.113.10/actions";

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(15), "the address to move")
}

/// An address that points to 1, how its moves are answered, and how their action looks.
struct Address {
    holder: Option<u64>,
    posts: usize,
    action: &'static str,
    ticks: usize,
}

type Move = fn(&mut Address, u64) -> Reply;

async fn address(post: Move) -> (Script, Arc<Mutex<Address>>) {
    let start = Address { holder: Some(1), posts: 0, action: "completed", ticks: 0 };
    let state = Arc::new(Mutex::new(start));
    let shared = Arc::clone(&state);
    let script = Script::start(move |asked: &Asked| {
        let mut state = shared.lock().unwrap();
        match asked.method.as_str() {
            "POST" => {
                state.posts += 1;
                post(&mut state, asked.body["droplet_id"].as_u64().unwrap_or(0))
            }
            _ if asked.path.starts_with("/v2/actions/") => {
                state.ticks += 1;
                match state.action {
                    "missing" => Reply::missing(),
                    word => Reply::ok(json!({ "action": { "id": 7, "status": word } })),
                }
            }
            _ if asked.path.ends_with("/actions") => {
                state.ticks += 1;
                Reply::list("actions", &[])
            }
            _ => {
                let droplet = state.holder.map(|id| json!({ "id": id }));
                Reply::ok(json!({ "reserved_ip":
                    { "ip": IP, "droplet": droplet, "locked": false } }))
            }
        }
    })
    .await;
    (script, state)
}

fn accepted() -> Reply {
    Reply::Json(201, json!({ "action": { "id": 7, "status": "in-progress", "type": "assign_ip" } }))
}

#[tokio::test]
async fn an_address_that_is_there_is_left_alone() {
    let (script, _) = address(|_, _| Reply::Cut).await;
    script.client().assign_reserved_ip(IP, 1, &deadline()).await.unwrap();
    assert_eq!((script.count(POST), script.asked().len()), (0, 1));
}

#[tokio::test]
async fn a_move_that_is_done_costs_no_wait() {
    let (script, _) = address(|state, to| {
        state.holder = Some(to);
        accepted()
    })
    .await;
    let start = Instant::now();
    script.client().urgent().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    let lines: Vec<_> = script.asked().iter().map(Asked::line).collect();
    let get = "GET /v2/reserved_ips/203.0.113.10";
    assert_eq!(lines, [get, POST, get]);
    assert_eq!(script.asked()[1].body, json!({ "type": "assign", "droplet_id": 2 }));
}

#[tokio::test]
async fn a_lost_answer_is_followed_by_a_look() {
    let (script, _) = address(|state, to| {
        state.holder = Some(to);
        Reply::Cut
    })
    .await;
    script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();
    assert_eq!(script.count(POST), 1);

    let (script, _) = address(|state, to| {
        if state.posts == 2 {
            state.holder = Some(to);
        }
        Reply::Cut
    })
    .await;
    script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();
    assert_eq!(script.count(POST), 2, "it was not there, so it was sent again");
}

#[tokio::test]
async fn a_pending_event_is_waited_for() {
    let (script, _) = address(|state, to| {
        if state.posts == 1 {
            let message = "Droplet already has a pending event.";
            return Reply::fail(422, "unprocessable_entity", message);
        }
        state.holder = Some(to);
        accepted()
    })
    .await;
    script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();
    assert_eq!(script.count(POST), 2);
    assert_eq!(script.count("GET /v2/droplets/2/actions"), 1);
}

#[tokio::test]
async fn the_resource_has_the_last_word() {
    // The action says errored, and the address points there all the same.
    let (script, state) = address(|state, to| {
        state.holder = Some(to);
        Reply::Json(201, json!({ "action": { "id": 7, "status": "errored" } }))
    })
    .await;
    state.lock().unwrap().action = "errored";
    script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();

    // The action says completed, and the address does not point there yet.
    let (script, state) =
        address(|_, _| Reply::Json(201, json!({ "action": { "id": 7, "status": "completed" } })))
            .await;
    let late = Arc::clone(&state);
    let moved = tokio::spawn(async move {
        while late.lock().unwrap().posts == 0 {
            tokio::task::yield_now().await;
        }
        late.lock().unwrap().holder = Some(2);
    });
    script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();
    moved.await.unwrap();
    assert_eq!(state.lock().unwrap().holder, Some(2));
}

#[tokio::test]
async fn an_action_that_failed_is_a_failure() {
    let (script, state) = address(|_, _| accepted()).await;
    state.lock().unwrap().action = "errored";
    let error = script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap_err();
    assert_eq!((error.kind(), class_of(&error)), (Kind::Failed, Some(Class::Errored)));
    assert!(error.to_string().contains("assign_ip 7 ended as errored"), "{error}");
}

#[tokio::test]
async fn an_action_that_nobody_knows_does_not_matter() {
    let (script, state) = address(|_, _| accepted()).await;
    state.lock().unwrap().action = "missing";
    let late = Arc::clone(&state);
    let moved = tokio::spawn(async move {
        while late.lock().unwrap().ticks < 2 {
            tokio::task::yield_now().await;
        }
        late.lock().unwrap().holder = Some(2);
    });
    script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap();
    moved.await.unwrap();
}

#[tokio::test]
async fn a_move_that_never_happens_ends_at_the_deadline() {
    let (script, state) = address(|_, _| accepted()).await;
    state.lock().unwrap().action = "in-progress";
    let deadline = Deadline::after(Duration::from_millis(700), "203.0.113.10 to point to 2");
    let error = script.client().assign_reserved_ip(IP, 2, &deadline).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TimedOut);
    assert!(error.to_string().contains("203.0.113.10 to point to 2"), "{error}");
}

#[tokio::test]
async fn a_missing_address_is_not_found() {
    let script = Script::start(|_| Reply::missing()).await;
    let error = script.client().assign_reserved_ip(IP, 2, &deadline()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}

#[tokio::test]
async fn an_ipv6_address_is_taken_off_before_it_is_moved() {
    let holder = Mutex::new(Some(1_u64));
    let script = Script::start(move |asked| {
        let mut holder = holder.lock().unwrap();
        if asked.method == "POST" {
            *holder = asked.body["droplet_id"].as_u64();
            return Reply::Json(201, json!({ "action": { "id": 7, "status": "completed" } }));
        }
        let droplet = holder.map(|id| json!({ "id": id }));
        Reply::ok(json!({ "reserved_ipv6": { "ip": "2001:db8::7", "droplet": droplet } }))
    })
    .await;
    let ip = "2001:db8::7".parse().unwrap();
    script.client().assign_reserved_ipv6(ip, 2, &deadline()).await.unwrap();
    let posts: Vec<Value> =
        script.asked().iter().filter(|it| it.method == "POST").map(|it| it.body.clone()).collect();
    assert_eq!(
        posts,
        [json!({ "type": "unassign" }), json!({ "type": "assign", "droplet_id": 2 })]
    );
}

#[tokio::test]
async fn a_refusal_because_it_is_so_is_success() {
    let reads = std::sync::atomic::AtomicUsize::new(0);
    let script = Script::start(move |asked| {
        if asked.method == "POST" {
            let message = "This volume is already attached";
            return Reply::fail(422, "unprocessable_entity", message);
        }
        let droplets: &[u64] =
            if reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 { &[] } else { &[2] };
        Reply::ok(json!({ "volume": { "id": "a-b", "name": "data", "droplet_ids": droplets } }))
    })
    .await;
    script.client().attach_volume("a-b", 2, &deadline()).await.unwrap();
    assert_eq!(script.count("POST /v2/volumes/a-b/actions"), 1);
}

#[tokio::test]
async fn power_is_only_switched_when_it_must_be() {
    let status = Mutex::new("active");
    let script = Script::start(move |asked| {
        let mut status = status.lock().unwrap();
        if asked.method == "POST" {
            *status = if asked.body["type"] == "power_on" { "active" } else { "off" };
            return accepted();
        }
        Reply::ok(json!({ "droplet": { "id": 1, "name": "a", "status": *status } }))
    })
    .await;
    let client = script.client();
    client.power_on(1, &deadline()).await.unwrap();
    assert_eq!(script.count("POST /v2/droplets/1/actions"), 0);
    client.shutdown(1, &deadline()).await.unwrap();
    client.shutdown(1, &deadline()).await.unwrap();
    client.power_on(1, &deadline()).await.unwrap();
    assert_eq!(script.count("POST /v2/droplets/1/actions"), 2);
}

#[tokio::test]
async fn a_tag_that_does_not_exist_is_made() {
    let made = Mutex::new(false);
    let script = Script::start(move |asked| match asked.path.as_str() {
        "/v2/tags" => {
            *made.lock().unwrap() = true;
            Reply::Json(201, json!({ "tag": asked.body }))
        }
        _ if *made.lock().unwrap() => Reply::Json(204, Value::Null),
        _ => Reply::missing(),
    })
    .await;
    script.client().tag("remuda:blog", Target::Droplet(412)).await.unwrap();
    let last = script.asked().pop().unwrap();
    assert_eq!(last.path, "/v2/tags/remuda:blog/resources");
    let resource = json!({ "resource_id": "412", "resource_type": "droplet" });
    assert_eq!(last.body, json!({ "resources": [resource] }));
}
