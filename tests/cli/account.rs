//! The token, the API's address, and an API that answers nonsense.

use std::{fs, io::Write as _};

use crate::world::{Folder, TOKEN, answering, asking, check, serving};

/// The commands that ask the account, each as far as it gets without one.
const ASKING: [&[&str]; 5] =
    [&["status"], &["release", "v1"], &["exec", "true"], &["ssh"], &["logs"]];

#[test]
fn without_a_token_everything_says_where_to_get_one() {
    let folder = Folder::initialised();
    for args in ASKING {
        drop(folder.remuda(args).ended(15).says("DIGITALOCEAN_ACCESS_TOKEN").says("remuda demo"));
    }
    let doctor = folder.remuda(&["doctor", "-o", "json"]).ended(1).json();
    assert_eq!(check(&doctor, "token")["state"], "fail");
    assert_eq!(check(&doctor, "traffic")["state"], "skipped");
    assert_eq!(check(&doctor, "spec")["state"], "ok");
}

#[test]
fn two_tokens_that_differ_are_refused() {
    let folder = Folder::initialised()
        .with("DIGITALOCEAN_ACCESS_TOKEN", TOKEN)
        .with("DIGITALOCEAN_TOKEN", "dop_v1_other");
    drop(folder.remuda(&["status"]).ended(2).says("differ"));
    let folder = Folder::initialised().with("DIGITALOCEAN_ACCESS_TOKEN", "two words hunter2");
    drop(folder.remuda(&["status"]).ended(15).says("is no token"));
}

#[test]
fn the_token_of_doctl_is_found_and_its_tail_shown() {
    let api = answering(200, "application/json", b"{}");
    let folder = Folder::initialised().with("DIGITALOCEAN_API_URL", &api);
    let config = "access-token: dop_v1_hunter2hunter2default\ncontext: default\nauth-contexts:\n  work: dop_v1_hunter2hunter2work\n";
    fs::create_dir_all(folder.dir.path().join(".config/doctl")).unwrap();
    fs::write(folder.dir.path().join(".config/doctl/config.yaml"), config).unwrap();
    let found = |args: &[&str]| {
        let doctor = folder.remuda(args).ended(1).json();
        check(&doctor, "token")["found"].as_str().unwrap().to_owned()
    };
    assert_eq!(found(&["doctor", "-o", "json"]), "from doctl's context default, ...ault");
    let work = found(&["doctor", "-o", "json", "--context", "work"]);
    assert_eq!(work, "from doctl's context work, ...work");
    drop(folder.remuda(&["status", "--context", "home"]).ended(15).says("no context home"));
}

#[test]
fn the_token_goes_over_tls_or_to_this_machine() {
    for (url, words) in [
        ("http://api.example.com", "in clear"),
        ("https://api.example.com/v2", "path"),
        ("https://me:hunter2@api.example.com", "password"),
        ("nonsense", "no URL"),
        ("ftp://127.0.0.1", "neither"),
    ] {
        let folder = Folder::initialised()
            .with("DIGITALOCEAN_ACCESS_TOKEN", TOKEN)
            .with("DIGITALOCEAN_API_URL", url);
        drop(folder.remuda(&["status"]).ended(2).says(words));
    }
}

#[test]
fn nonsense_from_the_api_is_an_error_that_names_the_request() {
    let html = b"<!doctype html><title>Sign in to the hotel's network</title>";
    let cases: [(u16, &str, &[u8], i32); 7] = [
        (200, "text/html", html, 1),
        (200, "application/json", b"{\"droplets\":[{\"id\":", 1),
        (200, "application/json", b"{\"droplets\":7}", 1),
        (200, "application/json", b"{\"droplets\":[{\"id\":\"many\",\"name\":[]}]}", 1),
        (200, "application/json", b"\xff\xfe\x00", 1),
        (
            401,
            "application/json",
            b"{\"id\":\"unauthorized\",\"message\":\"Unable to authenticate you\"}",
            15,
        ),
        (
            403,
            "application/json",
            b"{\"id\":\"forbidden\",\"message\":\"You are not authorized\"}",
            15,
        ),
    ];
    for (status, kind, body, code) in cases {
        let folder = asking(&answering(status, kind, body));
        drop(folder.remuda(&["status"]).ended(code).says("GET /v2/"));
        drop(folder.remuda(&["doctor"]).ended(1));
    }
}

#[test]
fn an_answer_without_end_is_given_up() {
    let folder = asking(&serving(|stream| {
        let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[";
        stream.write_all(head.as_bytes()).ok();
        let spaces = vec![b' '; 1 << 20];
        while stream.write_all(&spaces).is_ok() {}
    }));
    drop(folder.remuda(&["status"]).ended(1).says("GET /v2/"));
}

#[test]
fn nobody_at_the_address_of_the_api() {
    let folder = asking("http://127.0.0.1:1").with("NO_COLOR", "1");
    let doctor = folder.remuda(&["doctor", "-o", "json"]).ended(1).json();
    assert_eq!(check(&doctor, "api")["state"], "fail");
    assert!(check(&doctor, "token")["found"].as_str().unwrap().ends_with("...ter2"));
}

#[test]
fn doctor_sees_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::initialised();
    let key = folder.dir.path().join(".ssh/id_ed25519");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::write(&key, "no key at all").unwrap();
    let state = |mode: u32| {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let doctor = folder.remuda(&["doctor", "-o", "json"]).ended(1).json();
        check(&doctor, "key").clone()
    };
    let open = state(0o644);
    assert_eq!(open["state"], "fail");
    assert!(open["advice"].as_str().unwrap().starts_with("chmod 600"));
    assert_eq!(state(0o600)["state"], "warn");
    let public = format!("{}.pub", key.display());
    fs::write(&public, "ssh-ed25519 AAAA").unwrap();
    assert_eq!(state(0o600)["state"], "fail");
    fs::write(&public, PUBLIC).unwrap();
    assert_eq!(state(0o600)["state"], "ok");
}

const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me@here\n";
