//! What holds for every call: retries, pages, limits, the token, answers that are not the API's.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use remuda::{
    cloud::{Call, Class, Client, Options, class_of},
    error::Kind,
    secret::SecretString,
};
use serde_json::json;

use crate::script::{Reply, Script, TOKEN, quick};

fn account() -> Reply {
    Reply::ok(json!({ "account": { "droplet_limit": 25, "email": null, "status": "active" } }))
}

/// Answers the first calls with these, and all later ones well.
async fn after(replies: Vec<fn() -> Reply>) -> Script {
    let next = AtomicUsize::new(0);
    Script::start(move |_| {
        replies.get(next.fetch_add(1, Ordering::Relaxed)).map_or_else(account, |reply| reply())
    })
    .await
}

#[tokio::test]
async fn a_read_survives_what_passes() {
    let script = after(vec![
        || Reply::Cut,
        || Reply::fail(503, "service_unavailable", "busy"),
        || Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"acc".to_vec()),
        || Reply::With(502, vec![], "<html>bad gateway</html>".into()),
    ])
    .await;
    assert_eq!(script.client().account().await.unwrap().droplet_limit, 25);
    assert_eq!(script.client().calls(), 0, "another client counts for itself");
    assert_eq!(script.asked().len(), 5);
}

#[tokio::test]
async fn a_read_gives_up_after_six_tries() {
    let script = Script::start(|_| Reply::fail(500, "server_error", "Unexpected")).await;
    let client = script.client();
    let error = client.account().await.unwrap_err();
    assert_eq!((script.asked().len(), client.calls()), (6, 6));
    assert_eq!(error.kind(), Kind::Failed);
    assert_eq!(
        error.to_string(),
        "GET /v2/account failed at the API, status 500 server_error, request 4d9d8375: Unexpected"
    );
}

#[tokio::test]
async fn what_is_not_the_apis_is_named_and_never_panics() {
    let html = "<!doctype html><title>Sign in</title>";
    for (reply, said) in [
        (Reply::With(200, vec![], html.into()), "found HTML"),
        (Reply::With(200, vec![], r#"{"account": {"dro"#.into()), "ends too early"),
        (Reply::With(200, vec![], "[]".into()), "found other JSON"),
        (Reply::With(200, vec![], String::new()), "found an empty answer"),
        (Reply::ok(json!({})), "expected a whole number at `account.droplet_limit`"),
        (Reply::ok(json!({ "account": { "droplet_limit": [1] } })), "found a list"),
        (Reply::With(404, vec![], html.into()), "found HTML"),
        (
            Reply::With(302, vec![("location", "https://evil.example/".into())], String::new()),
            "points to another address",
        ),
    ] {
        let reply = Mutex::new(Some(reply));
        let again = Mutex::new(None::<(u16, String)>);
        let script = Script::start(move |_| {
            if let Some(Reply::With(status, headers, body)) = &*reply.lock().unwrap() {
                *again.lock().unwrap() = Some((*status, body.clone()));
                return Reply::With(*status, headers.clone(), body.clone());
            }
            match &*reply.lock().unwrap() {
                Some(Reply::Json(status, body)) => Reply::Json(*status, body.clone()),
                _ => Reply::Cut,
            }
        })
        .await;
        let error = script.client().account().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said), "{said}: {text}");
        assert!(text.contains("GET /v2/account") && text.contains("status"), "{text}");
        assert_eq!(error.kind(), Kind::Failed, "{text}");
    }
}

#[tokio::test]
async fn a_huge_answer_is_cut_off() {
    let script = Script::start(|_| {
        Reply::With(200, vec![], format!("{{\"account\": \"{}\"}}", "x".repeat(17 << 20)))
    })
    .await;
    let options = Options { tries: 1, timeout: Duration::from_secs(20), ..quick() };
    let error = script.client_with(options).account().await.unwrap_err();
    assert!(error.to_string().contains("longer than 16 MiB"), "{error}");
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let script = Script::start(|_| Reply::Hang).await;
    let options = Options { tries: 2, timeout: Duration::from_millis(100), ..quick() };
    let error = script.client_with(options).account().await.unwrap_err();
    assert_eq!((error.kind(), script.asked().len()), (Kind::TimedOut, 2));
    assert!(error.to_string().contains("was not answered in time"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_said_with_a_hint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let client = Client::new(&url, SecretString::from(TOKEN), quick()).unwrap();
    let error = client.account().await.unwrap_err();
    assert_eq!(class_of(&error), Some(Class::NotExecuted));
    assert!(error.to_string().contains("did not reach the API"), "{error}");
    assert!(error.hints()[0].contains("remuda sim start"), "{:?}", error.hints());
}

#[tokio::test]
async fn the_token_is_sent_and_shown_nowhere() {
    let script = Script::start(|asked| {
        let echo = asked.headers["authorization"].clone();
        Reply::fail(401, "unauthorized", &format!("not authentic: {echo}"))
    })
    .await;
    let calls = Arc::new(Mutex::new(Vec::<Call>::new()));
    let log = Arc::clone(&calls);
    let on_call = Some(Arc::new(move |call: &Call| log.lock().unwrap().push(call.clone())) as _);
    let client = script.client_with(Options { on_call, ..quick() });
    let error = client.account().await.unwrap_err();
    assert_eq!(script.asked()[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!((error.kind(), script.asked().len()), (Kind::Refused, 1));
    assert!(error.hints()[0].contains("DIGITALOCEAN_ACCESS_TOKEN"), "{:?}", error.hints());
    let calls = calls.lock().unwrap();
    assert_eq!((calls.len(), calls[0].status), (1, Some(401)));
    assert_eq!(calls[0].request_id.as_deref(), Some("4d9d8375"));
    for shown in [format!("{error} {error:?}"), format!("{client:?}"), format!("{calls:?}")] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
}

#[tokio::test]
async fn an_impossible_token_is_refused_without_being_shown() {
    let url = "http://127.0.0.1:1".parse().unwrap();
    for token in ["", "hunter2\n", "hun ter2", "hunter2\u{e9}"] {
        let error = Client::new(&url, SecretString::from(token), quick()).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(!format!("{error:?}").contains("hun"), "{error:?}");
    }
}

#[tokio::test]
async fn all_pages_are_read_from_this_origin() {
    let script = Script::start(|asked| {
        let droplet = |id: u64| json!({ "id": id, "name": format!("d{id}") });
        // The last of one page turns up on the next: something was deleted meanwhile.
        let (items, next) = match asked.query.as_str() {
            query if query.starts_with("page=2") => (vec![droplet(2), droplet(3)], None),
            _ => (vec![droplet(1), droplet(2)], Some("https://evil.example/v2/droplets?page=2")),
        };
        Reply::ok(json!({ "droplets": items, "links": { "pages": { "next": next } } }))
    })
    .await;
    let droplets = script.client().droplets().await.unwrap();
    assert_eq!(droplets.iter().map(|it| it.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(script.asked().len(), 2);
    assert!(script.asked()[0].query.contains("per_page=200"));
}

#[tokio::test]
async fn pages_in_a_circle_or_elsewhere_are_refused() {
    for next in ["/v2/droplets?page=2", "/v2/account/keys?page=2"] {
        let script = Script::start(move |_| {
            Reply::ok(json!({ "droplets": [], "links": { "pages": { "next": next } } }))
        })
        .await;
        let error = script.client().droplets().await.unwrap_err();
        assert_eq!(class_of(&error), Some(Class::Unreadable));
        assert!(script.asked().len() <= 2);
    }
}

#[tokio::test]
async fn a_list_that_is_missing_is_not_an_empty_list() {
    let script = Script::start(|_| Reply::ok(json!({ "meta": { "total": 0 } }))).await;
    assert!(script.client().droplets().await.is_err());
    assert!(script.client().droplet_actions(1).await.is_err());
    let script = Script::start(|_| Reply::ok(json!({ "droplets": null }))).await;
    assert!(script.client().droplets().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_429_is_waited_out_by_everybody() {
    let wait = || Reply::With(429, vec![("retry-after", "1".into())], String::new());
    let script = after(vec![wait]).await;
    let client = script.client();
    let start = Instant::now();
    client.account().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(script.asked().len(), 2);

    // A call that has less time than that fails at once, as a matter of quota.
    let wait = || Reply::With(429, vec![("retry-after", "60".into())], String::new());
    let script = after(vec![wait]).await;
    let client = script.client();
    for _ in 0..2 {
        let start = Instant::now();
        let error = client.account().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert!(start.elapsed() < Duration::from_secs(1));
    }
    assert_eq!(script.asked().len(), 1, "the second call is not even sent");
}

#[tokio::test]
async fn the_apis_clock_and_limit_are_known() {
    let script = Script::start(|_| {
        let headers = vec![
            ("ratelimit-limit", "5000".into()),
            ("ratelimit-remaining", "4321".into()),
            ("ratelimit-reset", "1795228020".into()),
            ("date", "Sat, 21 Nov 2026 02:27:00 GMT".into()),
        ];
        Reply::With(200, headers, json!({ "account": { "droplet_limit": 1 } }).to_string())
    })
    .await;
    let client = script.client();
    assert!(client.server_time().is_none() && client.rate().is_none());
    client.urgent().account().await.unwrap();
    assert_eq!(client.rate().unwrap().remaining, 4321);
    let time = client.server_time().unwrap().as_second();
    assert!((1_795_228_020..1_795_228_030).contains(&time), "{time}");
    assert_eq!(client.calls(), 1);
}

#[tokio::test]
async fn urgent_calls_have_places_of_their_own() {
    let script = Script::start(|_| account()).await;
    let options = Options { per_minute: 10, patience: Duration::from_millis(300), ..quick() };
    let client = script.client_with(options);
    for _ in 0..9 {
        client.account().await.unwrap();
    }
    assert_eq!(client.account().await.unwrap_err().kind(), Kind::Refused);
    client.urgent().account().await.unwrap();
    assert_eq!(script.asked().len(), 10);
}

#[test]
fn futures_can_be_sent_to_another_thread() {
    fn sendable<T: Send>(_: T) {}
    fn all(client: &Client, new: &remuda::cloud::NewDroplet) {
        let deadline = remuda::retry::Deadline::after(Duration::from_secs(1), "nothing");
        sendable(client.account());
        sendable(client.create_droplet(new, &deadline));
        sendable(client.await_active(1, &deadline, &|_| ()));
        sendable(client.assign_reserved_ip([203, 0, 113, 1].into(), 1, &deadline));
        sendable(client.destroy_droplet(1, &deadline));
        sendable(client.shutdown(1, &deadline));
        sendable(client.attach_volume("a", 1, &deadline));
        sendable(client.create_firewall(&remuda::cloud::NewFirewall::default(), &|_| true));
        sendable(client.create_reserved_ip("nyc3"));
        sendable(client.tag("a", remuda::cloud::Target::Droplet(1)));
    }
    let _ = all;
}
