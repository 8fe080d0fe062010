//! A droplet's root does its worst, and the machine is as it was.

use std::{fs, process::Stdio};

use remuda::sim::net::Move;

use crate::yard::{Yard, possible, text};

/// Returns the names and times of files of this machine that nobody should have touched.
fn fingerprint() -> Vec<String> {
    let mut lines = Vec::new();
    for dir in ["/etc", "/usr", "/usr/bin", "/usr/local"] {
        let Ok(entries) = fs::read_dir(dir) else { continue };
        for entry in entries.flatten() {
            if let Ok(meta) = entry.metadata() {
                use std::os::unix::fs::MetadataExt as _;
                lines.push(format!("{} {:o} {}", entry.path().display(), meta.mode(), meta.uid()));
            }
        }
    }
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_droplet_that_destroys_all_it_can_hurts_nobody() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let canary = yard.dir.path().join("canary");
    fs::write(&canary, "alive").expect("write");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(&canary, open).expect("mode");
    #[expect(clippy::disallowed_methods, reason = "a process to be left alone")]
    let mut bird =
        std::process::Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep");
    let before = fingerprint();

    let ip = yard.create(1, "").await;
    let other = yard.create(2, "").await;
    // What it sees of the machine, first.
    let path = canary.display();
    let seen = yard
        .run(
            ip,
            &format!(
                "ls {path}; kill -0 {}; cat /etc/shadow | grep -v '\\*'; ls -A /root; ps ax | grep -c '[s]leep 600'",
                bird.id()
            ),
        )
        .await;
    let said = text(&seen);
    assert!(said.contains("No such file") && said.contains("No such process"), "{said}");
    assert!(String::from_utf8_lossy(&seen.stdout).trim_end().ends_with('0'), "{said}");
    for attempt in [
        "touch /usr/bin/x",
        "echo x > /usr/bin/env",
        "mount -o remount,rw /usr",
        "mount -t tmpfs tmpfs /usr",
        "umount /usr",
        "mount -t proc proc /mnt",
        "mknod /dev/sda b 8 0",
        "echo 1 > /proc/sys/kernel/panic",
        "echo b > /proc/sysrq-trigger",
    ] {
        let tried = yard.run(ip, attempt).await;
        assert!(!tried.status.success(), "`{attempt}` must fail: {}", text(&tried));
    }
    // Everything that it may signal: SSH itself is process 1, which nothing inside can kill.
    let _ = yard.run(ip, "kill -9 -1").await;
    assert_eq!(yard.say(ip, "echo alive").await, "alive");
    let _ = yard.run(ip, "rm -rf --no-preserve-root / 2>/dev/null; kill -9 -1").await;

    assert_eq!(fs::read_to_string(&canary).expect("canary"), "alive");
    assert!(bird.try_wait().expect("wait").is_none(), "the bird lives");
    bird.kill().expect("kill");
    bird.wait().expect("wait");
    // Others may add to this machine meanwhile; a droplet may take nothing away.
    let after = fingerprint();
    let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let added = after.iter().filter(|line| line.starts_with("/usr/") && !before.contains(line));
    assert_eq!(added.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(
        yard.say(other, "hostname; ls /root /etc/passwd").await,
        "web-2\n/etc/passwd\n\n/root:"
    );
    // Even such a droplet goes when it is told to.
    let dir = yard.dir.path().join("hosts/1");
    assert!(dir.exists());
    yard.hosts.destroy(1).await.expect("destroy");
    assert!(!dir.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_machine_s_secrets_and_environment_do_not_come_in() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    let environment =
        yard.say(ip, "cat /proc/1/environ | wc -c; env | cut -d= -f1 | sort | tr '\\n' ' '").await;
    let mut lines = environment.lines();
    assert_eq!(lines.next(), Some("0"), "process 1 has no environment");
    let names = lines.next().unwrap_or_default();
    for name in names.split_whitespace() {
        let known = [
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "PATH",
            "SSH_CONNECTION",
            "SSH_CLIENT",
            "PWD",
            "OLDPWD",
            "SHLVL",
            "_",
        ];
        assert!(known.contains(&name) || name.starts_with("LC_") || name == "LANG", "{names}");
    }
    let keys =
        yard.say(ip, "ls -A /etc/ssl/private /root/.ssh /home; find /etc -name '*.key'").await;
    assert_eq!(keys, "/etc/ssl/private:\n\n/home:\n\n/root/.ssh:\nauthorized_keys");
    // Nothing of the simulator is open in there but the console.
    let open = yard.say(ip, "readlink /proc/1/fd/* | grep ^/ | sort -u").await;
    for path in open.lines() {
        let own = path == "/dev/null" || path.starts_with("/proc/");
        assert!(own || path.ends_with("/hosts/1/console.log"), "{open}");
    }
}
