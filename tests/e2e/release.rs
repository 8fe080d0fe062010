//! The main job: release, release again, roll back, prune; and what the tool says of it.

use crate::world::{Make, World, can_run};

#[test]
fn releases_and_rolls_back_on_real_hosts() {
    if !can_run("releases_and_rolls_back_on_real_hosts") {
        return;
    }
    let world = World::new(&Make::default());
    drop(world.remuda(&["release", "v1"]).ended(0));
    assert_eq!(world.visit().as_deref(), Some("v1"));
    drop(world.remuda(&["release", "v2"]).ended(0));
    assert_eq!(world.visit().as_deref(), Some("v2"));
    assert_eq!(world.droplets().len(), 2);

    let status = world.status();
    assert_eq!(status["settled"], true);
    let roles: Vec<_> = status["droplets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["live", "previous"]);

    drop(world.remuda(&["rollback"]).ended(0));
    assert_eq!(world.visit().as_deref(), Some("v1"));
    // the way back is not a way to the release that was just left
    let again = world.remuda(&["rollback"]).ended(10);
    assert!(again.err.contains("rollback v2"), "{}", again.err);
    drop(world.remuda(&["rollback", "v2"]).ended(0));
    assert_eq!(world.visit().as_deref(), Some("v2"));

    // v2 becomes the rollback target; v1 was left by a rollback and may hold writes, so it stays
    drop(world.remuda(&["release", "v3"]).ended(0));
    assert_eq!(world.visit().as_deref(), Some("v3"));
    assert_eq!(world.droplets().len(), 3);
    drop(world.remuda(&["destroy", "v1", "--yes"]).ended(0));
    // nothing holds v2 but its place, which v3 takes
    drop(world.remuda(&["release", "v4"]).ended(0));
    assert_eq!(world.droplets().len(), 2);
    assert_eq!(world.locks(), 0);
}

#[test]
fn a_version_that_is_live_is_not_released_twice() {
    if !can_run("a_version_that_is_live_is_not_released_twice") {
        return;
    }
    let world = World::new(&Make::default());
    drop(world.remuda(&["release", "v1"]).ended(0));
    let again = world.remuda(&["release", "v1"]).ended(0);
    assert!(again.out.contains("live already"), "{}", again.out);
    assert_eq!(world.droplets().len(), 1);
}

#[test]
fn a_candidate_that_is_not_well_never_gets_traffic() {
    if !can_run("a_candidate_that_is_not_well_never_gets_traffic") {
        return;
    }
    let world = World::new(&Make::default());
    drop(world.remuda(&["release", "v1"]).ended(0));
    world.overlay("project", "health: [{ http: \"http://hello.example.com:8080/healthz\", header: { X-Release: other }, within: 2s }]\n");
    let failed = world.remuda(&["release", "v2"]).ended(14);
    assert!(failed.err.contains("untouched"), "{}", failed.err);
    assert_eq!(world.visit().as_deref(), Some("v1"));
    let status = world.status();
    assert_eq!(status["droplets"][1]["role"], "quarantined");
    let evidence: Vec<_> = std::fs::read_dir(world.dir().join("project/.remuda/evidence"))
        .unwrap()
        .flatten()
        .flat_map(|run| std::fs::read_dir(run.path()).unwrap().flatten())
        .map(|file| file.file_name().into_string().unwrap())
        .collect();
    for name in ["app.log", "cloud-init-output.log", "journal.jsonl", "spec.diff"] {
        assert!(evidence.iter().any(|file| file == name), "{name} is not in {evidence:?}");
    }
}

#[test]
fn without_a_reserved_ip_the_dns_record_is_the_switch() {
    if !can_run("without_a_reserved_ip_the_dns_record_is_the_switch") {
        return;
    }
    let world = World::new(&Make { watch: "300ms", ..Make::default() });
    let project = world.project("named", "300ms");
    let overlay = format!("ssh: {{ identity: {} }}\n", world.dir().join("id").display());
    std::fs::write(project.join("droplets.production.yaml"), overlay).unwrap();
    let leads_to = || {
        let path = "/v2/domains/example.com/records?type=A";
        let all = world.api("GET", path, &serde_json::Value::Null);
        all["domain_records"][0]["data"].as_str().unwrap_or_default().to_owned()
    };
    let live = || {
        let status = world.remuda_in("named", &["status", "-o", "json"]).ended(0).json();
        assert_eq!(status["settled"], true, "{status}");
        let live = status["live"].clone();
        let all = status["droplets"].as_array().unwrap().clone();
        let ip = all.iter().find(|d| d["name"] == live).unwrap()["ipv4"].clone();
        (live.as_str().unwrap().to_owned(), ip.as_str().unwrap().to_owned())
    };
    for version in ["v1", "v2", "v3"] {
        drop(world.remuda_in("named", &["release", version]).ended(0));
        let (name, ip) = live();
        assert!(name.contains(&format!("-{version}-")), "{name}");
        assert_eq!(leads_to(), ip);
    }
    assert_eq!(world.droplets().len(), 2);
    drop(world.remuda_in("named", &["rollback"]).ended(0));
    let (name, ip) = live();
    assert!(name.contains("-v2-"), "{name}");
    assert_eq!(leads_to(), ip);
    drop(world.remuda_in("named", &["destroy", "v2", "--yes"]).ended(2));
    assert_eq!(world.droplets().len(), 2);
}

#[test]
fn the_injected_host_key_is_burned_and_its_heir_is_pinned() {
    if !can_run("the_injected_host_key_is_burned_and_its_heir_is_pinned") {
        return;
    }
    let world = World::new(&Make { watch: "300ms", ..Make::default() });
    drop(world.remuda(&["release", "v1"]).ended(0));
    let droplets = world.droplets();
    let tags: Vec<&str> =
        droplets[0]["tags"].as_array().unwrap().iter().filter_map(|tag| tag.as_str()).collect();
    assert_eq!(tags.iter().filter(|tag| tag.starts_with("remuda-hostkey:")).count(), 1, "{tags:?}");
    assert!(!tags.iter().any(|tag| tag.starts_with("remuda-bornkey:")), "{tags:?}");
    // what cloud-init has kept on the host holds no private key any more; the search can find one
    let search = "sudo grep -rla 'PRIVATE KEY' /var/lib/cloud /run/cloud-init /etc/ssh";
    let found = world.remuda(&["exec", "--", search]);
    assert_eq!(found.out.trim(), "/etc/ssh/ssh_host_ed25519_key", "{found:?}");
}
