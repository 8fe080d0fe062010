//! Creating a firewall is the test-and-set on which the lock stands.

use std::sync::{Arc, Mutex};

use remuda::cloud::{CreateFirewall, Firewall, FirewallRule, NewFirewall};
use serde_json::{Value, json};

use crate::script::{Reply, Script};

fn new() -> NewFirewall {
    let rule = FirewallRule {
        protocol: "tcp".into(),
        ports: "22".into(),
        addresses: vec!["127.0.0.1/32".into()],
        ..FirewallRule::default()
    };
    NewFirewall {
        name: "remuda-lock.blog.production".into(),
        inbound: vec![rule],
        tags: vec!["holder:me".into()],
        ..NewFirewall::default()
    }
}

fn mine(firewall: &Firewall) -> bool {
    firewall.tags == ["holder:me"]
}

type Post = fn(&mut Vec<Value>, usize, &Value) -> Reply;

/// An account that knows one name once. `post` decides what becomes of each creation.
async fn account(taken: Option<&str>, post: Post) -> (Script, Arc<Mutex<Vec<Value>>>) {
    let held = |holder: &str| json!({ "id": "a", "name": new().name, "tags": [holder] });
    let firewalls = Arc::new(Mutex::new(taken.map(held).into_iter().collect::<Vec<_>>()));
    let (shared, posts) = (Arc::clone(&firewalls), Mutex::new(0));
    let script = Script::start(move |asked| {
        let mut firewalls = shared.lock().unwrap();
        if asked.method != "POST" {
            return Reply::list("firewalls", &firewalls);
        }
        let mut posts = posts.lock().unwrap();
        *posts += 1;
        post(&mut firewalls, *posts, &asked.body)
    })
    .await;
    (script, firewalls)
}

fn create(firewalls: &mut Vec<Value>, body: &Value) -> Reply {
    if firewalls.iter().any(|it| it["name"] == body["name"]) {
        return Reply::fail(409, "conflict", "duplicate name");
    }
    let made = json!({ "id": "b", "name": body["name"], "tags": body["tags"] });
    firewalls.push(made.clone());
    Reply::Json(202, json!({ "firewall": made }))
}

#[tokio::test]
async fn the_first_gets_it_and_the_second_learns_so() {
    let (script, _) = account(None, |all, _, body| create(all, body)).await;
    let client = script.client();
    let first = client.create_firewall(&new(), &mine).await.unwrap();
    assert!(matches!(first, CreateFirewall::Created(made) if made.id == "b"));
    // Even from the same holder: this call did not create it.
    let second = client.create_firewall(&new(), &mine).await.unwrap();
    assert_eq!(second, CreateFirewall::NameTaken);
}

#[tokio::test]
async fn a_lost_answer_is_told_from_somebody_elses_lock() {
    let (script, all) = account(None, |all, _, body| {
        create(all, body);
        Reply::Cut
    })
    .await;
    let made = script.client().create_firewall(&new(), &mine).await.unwrap();
    assert!(matches!(made, CreateFirewall::Created(made) if made.id == "b"));
    assert_eq!(all.lock().unwrap().len(), 1);

    let (script, _) = account(Some("holder:other"), |_, _, _| Reply::Cut).await;
    let taken = script.client().create_firewall(&new(), &mine).await.unwrap();
    assert_eq!(taken, CreateFirewall::NameTaken);
}

#[tokio::test]
async fn a_lost_request_is_sent_again_since_the_name_guards_it() {
    let (script, all) =
        account(None, |all, post, body| if post == 1 { Reply::Cut } else { create(all, body) })
            .await;
    let made = script.client().create_firewall(&new(), &mine).await.unwrap();
    assert!(matches!(made, CreateFirewall::Created(_)));
    assert_eq!((script.count("POST /v2/firewalls"), all.lock().unwrap().len()), (2, 1));
}

#[tokio::test]
async fn a_list_that_lags_does_not_hide_that_it_is_mine() {
    // The first request was carried out, its answer lost, and the list does not show it yet: the
    // second is refused, and then the list knows.
    let (script, _) = account(None, |all, post, body| {
        if post == 1 {
            return Reply::Cut;
        }
        create(all, body);
        Reply::fail(409, "conflict", "duplicate name")
    })
    .await;
    let made = script.client().create_firewall(&new(), &mine).await.unwrap();
    assert!(matches!(made, CreateFirewall::Created(_)));
}

#[tokio::test]
async fn a_firewall_that_is_gone_cannot_be_updated() {
    let script = Script::start(|_| Reply::missing()).await;
    assert_eq!(script.client().update_firewall("a", &new()).await.unwrap(), None);
    script.client().delete_firewall("a").await.unwrap();
}
