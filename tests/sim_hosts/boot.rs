//! From nothing to a login with a key known before, and what cloud-init did meanwhile.

use remuda::sim::net::Move;

use crate::yard::{Yard, possible, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_droplet_boots_and_answers_with_the_host_key_that_it_was_given() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let start = std::time::Instant::now();
    let ip = yard.create(1, "runcmd: ['echo hello > /root/said']\n").await;
    eprintln!("listening after {:?}", start.elapsed());
    let said = yard.run(ip, "echo $((6*7)); hostname; id -u; echo $HOME; pwd; exit 3").await;
    eprintln!("logged in after {:?}", start.elapsed());
    assert_eq!(said.status.code(), Some(3), "{}", text(&said));
    assert_eq!(String::from_utf8_lossy(&said.stdout), "42\nweb-1\n0\n/root\n/root\n");
    let status = yard.say(ip, "cloud-init status --wait --format json").await;
    let status: serde_json::Value = serde_json::from_str(&status).expect("json");
    assert_eq!(status["status"], "done", "{status:#}");
    assert_eq!(status["extended_status"], "done", "{status:#}");
    assert_eq!(yard.say(ip, "cat /root/said").await, "hello");
    assert!(yard.say(ip, "remuda --version").await.len() < 1000);
    yard.hosts.destroy(1).await.expect("destroy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloud_config_makes_files_and_users_in_an_order_that_works() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let key = yard.user.public.clone();
    let more = format!(
        "- path: /etc/motd\n  content: aGVsbG8=\n  encoding: b64\n  permissions: '0600'\n\
         - path: /etc/motd\n  content: \" again\"\n  append: true\n  permissions: '0640'\n\
         - path: /opt/app/late\n  content: x\n  owner: deploy:deploy\n  defer: true\n\
         bootcmd: ['echo boot >> /root/order']\n\
         users:\n- default\n- name: deploy\n  groups: [docker, sudo]\n  shell: /bin/bash\n  \
         sudo: ALL=(ALL) NOPASSWD:ALL\n  ssh_authorized_keys: ['{key}']\n\
         runcmd:\n- 'echo run >> /root/order; id -Gn deploy | tr \" \" \"\\n\" | sort | tr \"\\n\" \" \" > /root/groups'\n\
         - [sh, -c, 'echo \"$0\" > /root/word', \"a 'b' $c\"]\n\
         packages: [docker.io]\npackage_update: true\nssh_pwauth: false\n"
    );
    let ip = yard.create(1, &more).await;
    let status = yard.run(ip, "cloud-init status --wait").await;
    let log = yard.say(ip, "cat /var/log/cloud-init.log /var/log/cloud-init-output.log").await;
    assert_eq!(status.status.code(), Some(0), "{}\n{log}", text(&status));
    assert_eq!(yard.say(ip, "cat /etc/motd; stat -c ' %a' /etc/motd").await, "hello again 640");
    assert_eq!(yard.say(ip, "cat /root/order /root/word").await, "boot\nrun\na 'b' $c");
    assert!(log.contains("docker.io"), "{log}");
    let said =
        crate::yard::output(yard.ssh(ip, "deploy").arg("echo $USER $HOME $SHELL; pwd")).await;
    assert_eq!(
        String::from_utf8_lossy(&said.stdout),
        "deploy /home/deploy /bin/bash\n/home/deploy\n",
        "{}",
        text(&said)
    );
    // The user may be root, and keeps the streams, the directory and the exit code.
    let line = "cd /tmp; echo in | sudo -n A=b sh -c 'cat; echo $A; id -u; pwd; cat /root/word >> /tmp/out; exit 9'; echo $?; cat /tmp/out";
    let sudo = crate::yard::output(yard.ssh(ip, "deploy").arg(line)).await;
    assert_eq!(
        String::from_utf8_lossy(&sudo.stdout),
        "in\nb\n0\n/tmp\n9\na 'b' $c\n",
        "{}",
        text(&sudo)
    );
    if yard.say(ip, "grep -c ^deploy:x:0: /etc/passwd || :").await == "0" {
        let groups = yard.say(ip, "cat /root/groups; echo; stat -c %U /opt/app/late").await;
        assert_eq!(groups, "deploy docker sudo \ndeploy");
        let ids = crate::yard::output(yard.ssh(ip, "deploy").arg("id -un; cat /etc/shadow")).await;
        assert_eq!(String::from_utf8_lossy(&ids.stdout), "deploy\n", "{}", text(&ids));
        assert!(!ids.status.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloud_init_tells_what_it_did_not_do_and_what_failed() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let odd = yard.create(1, "ntp: {enabled: true}\n").await;
    let status = yard.run(odd, "cloud-init status --wait --format json").await;
    assert_eq!(status.status.code(), Some(2), "{}", text(&status));
    let json: serde_json::Value = serde_json::from_slice(&status.stdout).expect("json");
    assert_eq!(json["extended_status"], "degraded done");
    assert!(json["recoverable_errors"]["WARNING"].to_string().contains("ntp"), "{json:#}");

    let broken = yard.create(2, "runcmd: ['echo why; exit 3']\n").await;
    let status = yard.run(broken, "cloud-init status --wait --format=json").await;
    assert_eq!(status.status.code(), Some(1), "{}", text(&status));
    let json: serde_json::Value = serde_json::from_slice(&status.stdout).expect("json");
    assert_eq!(json["status"], "error");
    assert_eq!(yard.say(broken, "cat /var/log/cloud-init-output.log").await, "why");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_and_gzip_are_user_data_too() {
    use std::io::Write as _;
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    // The script moves SSH to the port of tests; the server follows when cloud-init is done.
    let script = "#!/bin/sh\necho Port 2222 > /etc/ssh/sshd_config.d/x.conf\nid -u > /root/ran\n";
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(script.as_bytes()).expect("pack");
    let mut birth = yard.birth(1, "");
    birth.user_data = zip.finish().expect("pack");
    let ip = birth.public_ip;
    yard.hosts.create(birth).await.expect("create");
    yard.network.point(ip, Some(1)).await.expect("point");
    yard.listening(1, crate::yard::SSH).await;
    // Its host key is one that it made itself; nobody could know it.
    let refused = yard.run(ip, "true").await;
    assert!(text(&refused).contains("Host key verification failed"), "{}", text(&refused));
    let console = yard.dir.path().join("hosts/1/disk/root/ran");
    assert_eq!(crate::yard::read(&console), "0\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_droplets_boot_side_by_side() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let start = std::time::Instant::now();
    let ips = futures_util::future::join_all((1..=5).map(|id| yard.create(id, ""))).await;
    for (id, ip) in (1..=5).zip(ips) {
        assert_eq!(yard.say(ip, "hostname").await, format!("web-{id}"));
    }
    let took = start.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
    assert!(yard.hosts.create(yard.birth(1, "")).await.is_err(), "there is one already");
}
