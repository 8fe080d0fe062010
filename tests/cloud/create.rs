//! Creating a droplet exactly once, whatever becomes of the answers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use remuda::{
    cloud::{Class, NewDroplet, Options, class_of},
    error::Kind,
    retry::Deadline,
};
use serde_json::{Value, json};

use crate::script::{Asked, Reply, Script, quick};

const POST: &str = "POST /v2/droplets";

fn new() -> NewDroplet {
    NewDroplet {
        name: "blog-production-1-7f3k".into(),
        region: "nyc3".into(),
        size: "s-1vcpu-1gb".into(),
        image: "debian-13-x64".into(),
        ..NewDroplet::default()
    }
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(20), "the droplet")
}

fn droplet(id: u64, name: &str) -> Value {
    json!({ "id": id, "name": name, "status": "new", "region": { "slug": "nyc3" },
        "size_slug": "s-1vcpu-1gb", "created_at": format!("2026-11-21T02:{id:02}:00Z") })
}

/// An account with droplets, whose POST answers as `lost` says for each time it is asked.
#[derive(Clone, Default)]
struct Cloud {
    droplets: Arc<Mutex<Vec<Value>>>,
    posts: Arc<AtomicUsize>,
}

impl Cloud {
    async fn serve(&self, post: impl Fn(&Self, usize) -> Reply + Send + Sync + 'static) -> Script {
        let cloud = self.clone();
        Script::start(move |asked| match asked.method.as_str() {
            "POST" => post(&cloud, cloud.posts.fetch_add(1, Ordering::Relaxed)),
            "DELETE" => cloud.delete(asked),
            _ if asked.path == "/v2/droplets" => {
                Reply::list("droplets", &cloud.droplets.lock().unwrap())
            }
            _ => cloud.get(asked),
        })
        .await
    }

    fn find(&self, asked: &Asked) -> Option<usize> {
        let id: u64 = asked.path.rsplit('/').next()?.parse().ok()?;
        self.droplets.lock().unwrap().iter().position(|it| it["id"] == json!(id))
    }

    fn get(&self, asked: &Asked) -> Reply {
        match self.find(asked) {
            Some(at) => Reply::ok(json!({ "droplet": self.droplets.lock().unwrap()[at] })),
            None => Reply::missing(),
        }
    }

    fn delete(&self, asked: &Asked) -> Reply {
        match self.find(asked) {
            Some(at) => {
                self.droplets.lock().unwrap().remove(at);
                Reply::Json(204, Value::Null)
            }
            None => Reply::missing(),
        }
    }

    /// Carries the creation out, and returns what the API would answer.
    fn create(&self) -> Reply {
        let mut droplets = self.droplets.lock().unwrap();
        let made = droplet(droplets.len() as u64 + 1, &new().name);
        droplets.push(made.clone());
        let links = json!({ "actions": [{ "id": 36, "rel": "create", "href": "x" }] });
        Reply::Json(202, json!({ "droplet": made, "links": links }))
    }
}

#[tokio::test]
async fn an_answer_that_arrives_is_believed() {
    let cloud = Cloud::default();
    let script = cloud.serve(|cloud, _| cloud.create()).await;
    let created = script.client().create_droplet(&new(), &deadline()).await.unwrap();
    assert_eq!((created.droplet.id, created.adopted), (1, false));
    assert_eq!(script.asked()[0].query, "name=blog-production-1-7f3k&per_page=200");
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn what_exists_is_adopted_and_not_created() {
    let cloud = Cloud::default();
    let script = cloud.serve(|cloud, _| cloud.create()).await;
    let client = script.client();
    client.create_droplet(&new(), &deadline()).await.unwrap();
    let again = client.create_droplet(&new(), &deadline()).await.unwrap();
    assert_eq!((again.droplet.id, again.adopted), (1, true));
    assert_eq!(script.count(POST), 1);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_droplet() {
    type Losing = fn(Reply) -> Reply;
    let losing: [Losing; 4] = [
        |_| Reply::Cut,
        |_| Reply::fail(500, "server_error", "oops"),
        |_| Reply::With(202, vec![], "<html>".into()),
        |_| Reply::ok(json!({ "droplet": { "id": null } })),
    ];
    for lose in losing {
        let cloud = Cloud::default();
        let script = cloud.serve(move |cloud, _| lose(cloud.create())).await;
        let created = script.client().create_droplet(&new(), &deadline()).await.unwrap();
        assert_eq!((created.droplet.id, created.adopted), (1, true));
        assert_eq!(script.count(POST), 1);
    }
}

#[tokio::test]
async fn a_lost_request_is_sent_again_once_after_the_window() {
    let cloud = Cloud::default();
    let script =
        cloud.serve(|cloud, post| if post == 0 { Reply::Cut } else { cloud.create() }).await;
    let created = script.client().create_droplet(&new(), &deadline()).await.unwrap();
    assert_eq!((created.droplet.id, created.adopted), (1, false));
    assert_eq!(script.count(POST), 2);
    assert!(script.count("GET /v2/droplets") >= 3, "it looked before it sent again");

    let script = Cloud::default().serve(|_, _| Reply::Cut).await;
    let error = script.client().create_droplet(&new(), &deadline()).await.unwrap_err();
    assert_eq!(script.count(POST), 2, "and never a third time");
    assert_eq!(class_of(&error), Some(Class::Ambiguous));
    assert!(error.hints().iter().any(|it| it.contains("run the command again")));
}

#[tokio::test]
async fn of_twins_the_oldest_stays() {
    let cloud = Cloud::default();
    let script = cloud
        .serve(|cloud, _| {
            cloud.create();
            cloud.create();
            cloud.create();
            Reply::Cut
        })
        .await;
    let created = script.client().create_droplet(&new(), &deadline()).await.unwrap();
    assert_eq!((created.droplet.id, created.adopted), (1, true));
    assert_eq!(cloud.droplets.lock().unwrap().len(), 1);
    // One that comes even later is swept; a droplet of another name is not touched.
    cloud.create();
    cloud.droplets.lock().unwrap().push(droplet(50, "somebody-elses"));
    let swept = script.client().sweep_twins(&new().name, 1, &deadline()).await.unwrap();
    assert_eq!(swept, [2]);
    assert_eq!(cloud.droplets.lock().unwrap().len(), 2);
    let swept = script.client().sweep_twins(&new().name, 50, &deadline()).await.unwrap();
    assert!(swept.is_empty(), "50 is not of this name, so nothing can be its twin");
}

#[tokio::test]
async fn a_stranger_of_the_same_name_is_left_alone() {
    let cloud = Cloud::default();
    let mut stranger = droplet(1, &new().name);
    stranger["region"] = json!({ "slug": "ams3" });
    cloud.droplets.lock().unwrap().push(stranger);
    let script = cloud.serve(|cloud, _| cloud.create()).await;
    let error = script.client().create_droplet(&new(), &deadline()).await.unwrap_err();
    assert!(error.to_string().contains("already named"), "{error}");
    assert_eq!((script.count(POST), cloud.droplets.lock().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn what_was_not_carried_out_is_sent_again() {
    let cloud = Cloud::default();
    let script = cloud
        .serve(|cloud, post| match post {
            0 => Reply::With(429, vec![("retry-after", "0".into())], String::new()),
            1 | 2 => Reply::fail(422, "unprocessable_entity", "Failed, please try again"),
            _ => cloud.create(),
        })
        .await;
    let created = script.client().create_droplet(&new(), &deadline()).await.unwrap();
    assert_eq!((created.adopted, script.count(POST)), (false, 4));
}

#[tokio::test]
async fn a_limit_fails_at_once_with_a_way_out() {
    let script = Cloud::default()
        .serve(|_, _| {
            let message = "creating this/these droplet(s) will exceed your droplet limit";
            Reply::fail(422, "unprocessable_entity", message)
        })
        .await;
    let error = script.client().create_droplet(&new(), &deadline()).await.unwrap_err();
    assert_eq!((error.kind(), script.count(POST)), (Kind::Refused, 1));
    assert!(error.hints()[0].contains("remuda prune"), "{:?}", error.hints());
}

#[tokio::test]
async fn user_data_that_is_too_long_is_not_even_sent() {
    let script = Cloud::default().serve(|cloud, _| cloud.create()).await;
    let new = NewDroplet { user_data: Some("x".repeat(65_537)), ..new() };
    let error = script.client().create_droplet(&new, &deadline()).await.unwrap_err();
    assert_eq!((error.kind(), script.asked().len()), (Kind::Usage, 0));
}

#[tokio::test]
async fn a_droplet_is_waited_for_through_its_first_minute() {
    let polls = AtomicUsize::new(0);
    let script = Script::start(move |asked| {
        if asked.path != "/v2/droplets/1" {
            return Reply::ok(json!({ "actions": [], "action": { "id": 1 } }));
        }
        let address = json!({ "v4": [{ "ip_address": "203.0.113.7", "type": "public" }] });
        let active = |networks| {
            Reply::ok(json!({ "droplet":
                { "id": 1, "name": "a", "status": "active", "networks": networks } }))
        };
        match polls.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::missing(),
            1 => active(json!({ "v4": [] })),
            _ => active(address),
        }
    })
    .await;
    let heard = Mutex::new(Vec::new());
    let on_poll = |word: &str| heard.lock().unwrap().push(word.to_owned());
    let options = Options { reconcile: Duration::from_secs(5), ..quick() };
    let client = script.client_with(options);
    let droplet = client.await_active(1, &deadline(), &on_poll).await.unwrap();
    assert_eq!(droplet.public_ipv4.unwrap().to_string(), "203.0.113.7");
    assert_eq!(
        *heard.lock().unwrap(),
        ["not visible yet", "active, without an address yet", "active"]
    );
}

#[tokio::test]
async fn a_droplet_that_will_never_be_is_told_apart() {
    let script = Script::start(|asked| match asked.path.as_str() {
        "/v2/droplets/1/actions" => {
            Reply::list("actions", &[json!({ "id": 7, "type": "create", "status": "errored" })])
        }
        _ => Reply::missing(),
    })
    .await;
    let error = script.client().await_active(1, &deadline(), &|_| ()).await.unwrap_err();
    assert_eq!(class_of(&error), Some(Class::Vanished));
    assert!(error.hints()[0].contains("under a new name"), "{:?}", error.hints());
}

#[tokio::test]
async fn destroying_waits_for_others_and_for_the_end() {
    let step = AtomicUsize::new(0);
    let script = Script::start(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("DELETE", _) if step.fetch_add(1, Ordering::Relaxed) == 0 => {
            Reply::fail(422, "unprocessable_entity", "Droplet already has a pending event.")
        }
        ("DELETE", _) => Reply::Json(204, Value::Null),
        (_, "/v2/droplets/1/actions") => Reply::list("actions", &[]),
        _ if step.fetch_add(1, Ordering::Relaxed) == 2 => {
            Reply::ok(json!({ "droplet": droplet(1, "a") }))
        }
        _ => Reply::missing(),
    })
    .await;
    script.client().destroy_droplet(1, &deadline()).await.unwrap();
    assert_eq!(script.count("DELETE /v2/droplets/1"), 2);
    assert_eq!(script.count("GET /v2/droplets/1"), 2);
}

#[tokio::test]
async fn a_droplet_created_a_moment_ago_is_not_left_behind() {
    let cloud = Cloud::default();
    let deletes = Arc::new(AtomicUsize::new(0));
    let (inner, count) = (cloud.clone(), Arc::clone(&deletes));
    // It cannot be seen at first, neither to be read nor to be destroyed.
    let script = Script::start(move |asked| match asked.method.as_str() {
        "POST" => inner.create(),
        "DELETE" if count.fetch_add(1, Ordering::Relaxed) == 0 => Reply::missing(),
        "DELETE" => inner.delete(asked),
        _ if asked.path == "/v2/droplets" => Reply::list("droplets", &[]),
        _ => inner.get(asked),
    })
    .await;
    let options = Options { reconcile: Duration::from_secs(5), ..quick() };
    let client = script.client_with(options);
    let created = client.create_droplet(&new(), &deadline()).await.unwrap();
    client.destroy_droplet(created.droplet.id, &deadline()).await.unwrap();
    assert!(cloud.droplets.lock().unwrap().is_empty());
}
