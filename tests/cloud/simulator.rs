//! The client against the whole simulator: two readings of one contract that share no code.

use std::{
    fs,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use remuda::{
    cloud::{
        Class, Client, CreateFirewall, DropletStatus, FirewallRule, NewDroplet, NewFirewall,
        NewRecord, NewVolume, Options, RecordChange, Target, class_of,
    },
    error::Kind,
    retry::Deadline,
    secret::SecretString,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::script::TOKEN;

struct Simulator {
    process: Child,
    url: Url,
    _state: TempDir,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the simulator with these faults, or says loudly that what needs it is not run.
async fn simulator(faults: &[&str]) -> Option<Simulator> {
    #[expect(clippy::disallowed_methods, reason = "a test may be told of another build")]
    let named = std::env::var("REMUDA_SIM").ok();
    let binary = named.unwrap_or_else(|| env!("CARGO_BIN_EXE_remuda").into());
    let state = TempDir::new().unwrap();
    let ready = state.path().join("ready.json");
    #[expect(clippy::disallowed_methods, reason = "the simulator is another process")]
    let mut command = std::process::Command::new(binary);
    command.args(["sim", "start", "--hosts", "none", "--rate-limit", "off", "--ready-file"]);
    command.arg(&ready).arg("--state").arg(state.path().join("state"));
    for fault in faults {
        command.args(["--fault", fault]);
    }
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let text = fs::read(&ready).unwrap_or_default();
        if let Ok(said) = serde_json::from_slice::<Value>(&text) {
            let url = said["url"].as_str().unwrap().parse().unwrap();
            return Some(Simulator { process, url, _state: state });
        }
        if process.try_wait().unwrap().is_some_and(|status| status.success()) {
            use std::io::Write as _;
            let said = b"not run: this build of remuda has no simulator\n";
            std::io::stderr().write_all(said).unwrap();
            return None;
        }
        assert!(Instant::now() < patience, "the simulator did not start");
        remuda::retry::sleep(Duration::from_millis(10)).await;
    }
}

fn client(simulator: &Simulator) -> Client {
    let options = Options {
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(100),
        reconcile: Duration::from_secs(3),
        per_minute: 10_000,
        ..Options::default()
    };
    Client::new(&simulator.url, SecretString::from(TOKEN), options).unwrap()
}

fn by() -> Deadline {
    Deadline::after(Duration::from_secs(30), "the simulator")
}

fn new(name: &str) -> NewDroplet {
    NewDroplet {
        name: name.into(),
        region: "nyc3".into(),
        size: "s-1vcpu-1gb".into(),
        image: "debian-13-x64".into(),
        tags: vec!["remuda:blog".into()],
        ipv6: true,
        ..NewDroplet::default()
    }
}

async fn up(client: &Client, name: &str) -> u64 {
    let created = client.create_droplet(&new(name), &by()).await.unwrap();
    client.await_active(created.droplet.id, &by(), &|_| ()).await.unwrap().id
}

#[tokio::test]
async fn a_droplet_lives_and_dies() {
    let Some(simulator) = simulator(&[]).await else { return };
    let client = client(&simulator);
    assert!(client.account().await.unwrap().droplet_limit > 0);
    assert!(client.regions().await.unwrap().len() >= 13);
    let sizes = client.sizes().await.unwrap();
    assert!(sizes.len() >= 20 && sizes.iter().all(|size| size.price_hourly > 0.0));
    assert!(client.image("debian-13-x64").await.unwrap().is_some());
    assert!(client.image("plan-9").await.unwrap().is_none());
    assert!(!client.vpcs().await.unwrap().is_empty());

    let id = up(&client, "blog-1").await;
    assert_eq!(client.droplets_tagged("remuda:blog").await.unwrap().len(), 1);
    assert_eq!(client.droplets_named("blog-1").await.unwrap()[0].id, id);
    client.tag("remuda:role:live", Target::Droplet(id)).await.unwrap();
    assert_eq!(client.droplets_tagged("remuda:role:live").await.unwrap()[0].id, id);
    client.untag("remuda:role:live", Target::Droplet(id)).await.unwrap();
    assert!(client.droplets_tagged("remuda:role:live").await.unwrap().is_empty());

    let droplet = client.shutdown(id, &by()).await.unwrap();
    assert_eq!(droplet.status, DropletStatus::Off);
    let snapshot = client.snapshot(id, "before", &by()).await.unwrap();
    assert_eq!(client.droplet_snapshots(id).await.unwrap()[0].id, snapshot.id);
    client.delete_snapshot(&snapshot.id).await.unwrap();
    client.power_on(id, &by()).await.unwrap();
    assert_eq!(client.rename(id, "blog-2", &by()).await.unwrap().name, "blog-2");

    client.destroy_droplet(id, &by()).await.unwrap();
    client.destroy_droplet(id, &by()).await.unwrap();
    assert!(client.droplet(id).await.unwrap().is_none());
    assert!(client.calls() > 20 && client.server_time().is_some());
}

#[tokio::test]
async fn an_address_moves_and_comes_back() {
    let Some(simulator) = simulator(&[]).await else { return };
    let client = client(&simulator);
    let (blue, green) = (up(&client, "blue").await, up(&client, "green").await);
    let ip = client.create_reserved_ip("nyc3").await.unwrap().ip;
    for droplet in [blue, green, green, blue] {
        client.urgent().assign_reserved_ip(ip, droplet, &by()).await.unwrap();
        let reserved = client.reserved_ip(ip).await.unwrap().unwrap();
        assert_eq!(reserved.droplet_id, Some(droplet));
    }
    client.unassign_reserved_ip(ip, &by()).await.unwrap();
    client.delete_reserved_ip(ip).await.unwrap();
    assert!(client.reserved_ips().await.unwrap().is_empty());

    let ip = client.create_reserved_ipv6("nyc3").await.unwrap().ip;
    client.assign_reserved_ipv6(ip, blue, &by()).await.unwrap();
    client.assign_reserved_ipv6(ip, green, &by()).await.unwrap();
    let reserved = client.reserved_ipv6(ip).await.unwrap().unwrap();
    assert_eq!(reserved.droplet_id, Some(green));
    client.unassign_reserved_ipv6(ip, &by()).await.unwrap();
    client.delete_reserved_ipv6(ip).await.unwrap();
}

#[tokio::test]
async fn everything_else_that_an_account_holds() {
    let Some(simulator) = simulator(&[]).await else { return };
    let client = client(&simulator);
    let rule = FirewallRule {
        protocol: "tcp".into(),
        ports: "22".into(),
        addresses: vec!["0.0.0.0/0".into()],
        ..FirewallRule::default()
    };
    client.create_tag("holder:me").await.unwrap();
    client.create_tag("holder:me").await.unwrap();
    let mut lock = NewFirewall {
        name: "remuda-lock.blog.production".into(),
        inbound: vec![rule],
        tags: vec!["holder:me".into()],
        ..NewFirewall::default()
    };
    let mine = |firewall: &remuda::cloud::Firewall| firewall.tags == ["holder:me"];
    let made = client.create_firewall(&lock, &mine).await.unwrap();
    let CreateFirewall::Created(made) = made else { panic!("the name is taken") };
    let second = client.create_firewall(&lock, &mine).await.unwrap();
    assert_eq!(second, CreateFirewall::NameTaken);
    lock.tags.clear();
    let updated = client.update_firewall(&made.id, &lock).await.unwrap().unwrap();
    assert!(updated.tags.is_empty());
    client.delete_firewall(&made.id).await.unwrap();
    assert!(client.update_firewall(&made.id, &lock).await.unwrap().is_none());

    let volume = NewVolume {
        name: "blog-data".into(),
        region: "nyc3".into(),
        size_gib: 10,
        ..NewVolume::default()
    };
    let volume = client.create_volume(&volume).await.unwrap();
    let (one, two) = (up(&client, "one").await, up(&client, "two").await);
    for droplet in [one, two] {
        client.attach_volume(&volume.id, droplet, &by()).await.unwrap();
        client.attach_volume(&volume.id, droplet, &by()).await.unwrap();
        client.detach_volume(&volume.id, droplet, &by()).await.unwrap();
        client.detach_volume(&volume.id, droplet, &by()).await.unwrap();
    }

    make_domain(&simulator, "example.com").await;
    assert!(client.domain("example.com").await.unwrap().is_some());
    assert!(client.domain("example.org").await.unwrap().is_none());
    let record = NewRecord {
        kind: "A".into(),
        name: "www".into(),
        data: "203.0.113.10".into(),
        ttl: Some(60),
        priority: None,
    };
    let record = client.create_record("example.com", &record).await.unwrap();
    let change = RecordChange { kind: "A".into(), data: Some("203.0.113.7".into()), ttl: None };
    let changed = client.update_record("example.com", record.id, &change).await.unwrap();
    assert_eq!((changed.data.as_str(), changed.ttl), ("203.0.113.7", Some(60)));
    let found = client.records("example.com", Some("www.example.com"), Some("A")).await.unwrap();
    assert_eq!(found, [changed]);
    client.delete_record("example.com", record.id).await.unwrap();

    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpvYOtjQKUcpGmbCGlcYnCgpxEaEOZQ9wFQnkFFjlmC me";
    let made = client.create_ssh_key("ops", key).await.unwrap();
    let again = client.create_ssh_key("ops", key).await.unwrap();
    assert_eq!(made.id, again.id);
    let fingerprint = made.fingerprint.unwrap();
    assert_eq!(client.ssh_key(&fingerprint).await.unwrap().unwrap().id, made.id);

    let projects = client.projects().await.unwrap();
    let urns = [format!("do:droplet:{one}")];
    client.assign_to_project(&projects[0].id, &urns).await.unwrap();
}

/// The client has no business creating domains; a test has.
async fn make_domain(simulator: &Simulator, name: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test prepares what users have prepared")]
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = simulator.url.join("/v2/domains").unwrap();
    let post = http.post(url).bearer_auth(TOKEN).json(&json!({ "name": name }));
    assert!(post.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn every_way_to_lose_a_creation_ends_with_one_droplet() {
    for faults in [
        &["lost:POST /v2/droplets"][..],
        &["drop:POST /v2/droplets"],
        &["500:POST /v2/droplets:effect"],
        &["503:POST /v2/droplets"],
        &["truncated:POST /v2/droplets"],
        &["wrong-types:POST /v2/droplets"],
        &["html:POST /v2/droplets:effect"],
        &["429:POST /v2/droplets:2:retry-after=1"],
        &["lost:POST /v2/droplets", "list-lag:1500"],
        &["404-after-create:3"],
        &["404-after-create:2", "no-ip:1s"],
        &["429:GET /v2/**:2:retry-after=1"],
        &["drop:GET /v2/**:3"],
        &["action-404:*"],
    ] {
        let Some(simulator) = simulator(faults).await else { return };
        let client = client(&simulator);
        let id = up(&client, "blog-1").await;
        let named = client.droplets_named("blog-1").await.unwrap();
        assert_eq!(named.iter().map(|it| it.id).collect::<Vec<_>>(), [id], "{faults:?}");
        client.destroy_droplet(id, &by()).await.unwrap();
        assert!(client.droplets().await.unwrap().is_empty(), "{faults:?}");
    }
}

#[tokio::test]
async fn a_lag_longer_than_the_window_makes_a_twin_that_is_swept() {
    let faults = ["lost:POST /v2/droplets", "list-lag:4500"];
    let Some(simulator) = simulator(&faults).await else { return };
    let client = client(&simulator);
    let id = up(&client, "blog-1").await;
    remuda::retry::sleep(Duration::from_secs(2)).await;
    client.sweep_twins("blog-1", id, &by()).await.unwrap();
    let left = client.droplets().await.unwrap();
    assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn a_creation_that_fails_later_is_told_apart() {
    let Some(simulator) = simulator(&["errored:create"]).await else { return };
    let client = client(&simulator);
    let created = client.create_droplet(&new("blog-1"), &by()).await.unwrap();
    let error = client.await_active(created.droplet.id, &by(), &|_| ()).await.unwrap_err();
    assert_eq!(class_of(&error), Some(Class::Vanished), "{error}");
    client.destroy_droplet(created.droplet.id, &by()).await.unwrap();
    up(&client, "blog-2").await;
    assert_eq!(client.droplets().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_limit_is_a_refusal() {
    let Some(simulator) = simulator(&["limit-reached"]).await else { return };
    let error = client(&simulator).create_droplet(&new("blog-1"), &by()).await.unwrap_err();
    assert_eq!((error.kind(), class_of(&error)), (Kind::Refused, Some(Class::Limit)), "{error}");
}

#[tokio::test]
async fn every_way_to_lose_a_move_ends_where_it_should() {
    for faults in [
        &["lost:POST /v2/reserved_ips/*/actions"][..],
        &["drop:POST /v2/reserved_ips/*/actions:2"],
        &["500:POST /v2/reserved_ips/*/actions:effect"],
        &["422-pending:POST /v2/reserved_ips/*/actions:2:type=assign"],
        &["html:POST /v2/reserved_ips/*/actions"],
        &["wrong-types:POST /v2/reserved_ips/*/actions"],
        &["action-404:*", "latency:assign=700"],
        &["429:POST /v2/reserved_ips/*/actions:2:retry-after=1"],
        &["truncated:GET /v2/reserved_ips/*:2"],
    ] {
        let Some(simulator) = simulator(faults).await else { return };
        let client = client(&simulator);
        let (blue, green) = (up(&client, "blue").await, up(&client, "green").await);
        let ip = client.create_reserved_ip("nyc3").await.unwrap().ip;
        for droplet in [blue, green] {
            let moved = client.urgent().assign_reserved_ip(ip, droplet, &by()).await;
            let moved = moved.unwrap_or_else(|error| panic!("{faults:?}: {error}"));
            assert_eq!(moved.droplet_id, Some(droplet), "{faults:?}");
        }
    }
}

#[tokio::test]
async fn a_move_that_errs_is_an_error_unless_it_is_tried_again() {
    let Some(simulator) = simulator(&["errored:assign_ip"]).await else { return };
    let client = client(&simulator);
    let blue = up(&client, "blue").await;
    let ip = client.create_reserved_ip("nyc3").await.unwrap().ip;
    let error = client.assign_reserved_ip(ip, blue, &by()).await.unwrap_err();
    assert_eq!(class_of(&error), Some(Class::Errored), "{error}");
    client.assign_reserved_ip(ip, blue, &by()).await.unwrap();
}
