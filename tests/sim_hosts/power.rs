//! Off, on, again, copied, destroyed.

use remuda::sim::net::Move;

use crate::yard::{SSH, Yard, output, possible, text, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_outlives_its_power_and_boots_as_the_same_host() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard
        .create(1, "runcmd: ['echo once >> /root/runs']\nbootcmd: ['echo boot >> /root/boots']\n")
        .await;
    yard.say(ip, "cloud-init status --wait").await;
    // A process that notes that it was asked to end, and one that would not hear of it.
    yard.say(
        ip,
        "setsid sh -c 'trap \"echo asked > /root/asked; exit\" TERM; : > /root/set; while :; do sleep 0.1; done' >/dev/null 2>&1 </dev/null & \
         while [ ! -e /root/set ]; do sleep 0.01; done; mkdir -p /data; echo kept > /data/x; echo gone > /tmp/x",
    )
    .await;
    yard.hosts.power_off(1, true).await.expect("off");
    assert!(!yard.hosts.is_on(1).await);
    assert_eq!(yard.hosts.ports(1).await.expect("ports"), Vec::<u16>::new());
    let refused = std::net::TcpStream::connect((ip, SSH));
    until("the address to refuse", || std::net::TcpStream::connect((ip, SSH)).is_err()).await;
    drop(refused);
    yard.hosts.power_on(1).await.expect("on");
    yard.hosts.power_on(1).await.expect("on already");
    yard.listening(1, SSH).await;
    yard.network.point(ip, Some(1)).await.expect("point");
    let said = yard.say(ip, "cat /root/asked /data/x /root/runs /root/boots; ls /tmp").await;
    assert_eq!(said, "asked\nkept\nonce\nboot\nboot");
    assert_eq!(yard.run(ip, "cloud-init status --wait").await.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reboot_from_within_comes_back_and_a_power_off_does_not() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    let before = yard
        .say(ip, "touch /root/here; stat -c %Y /proc/1; cat /proc/sys/kernel/random/boot_id")
        .await;
    let mut ports = yard.hosts.watch_ports(1).expect("droplet");
    yard.run(ip, "reboot").await;
    let gone = ports.wait_for(|ports| !ports.contains(&SSH));
    tokio::time::timeout(std::time::Duration::from_secs(20), gone)
        .await
        .expect("gone")
        .expect("alive");
    yard.listening(1, SSH).await;
    yard.network.point(ip, Some(1)).await.expect("point");
    assert!(yard.run(ip, "ls /root/here").await.status.success(), "{before}");
    yard.run(ip, "poweroff").await;
    let gone = ports.wait_for(Vec::is_empty);
    tokio::time::timeout(std::time::Duration::from_secs(20), gone)
        .await
        .expect("gone")
        .expect("alive");
    assert!(!yard.hosts.is_on(1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_the_disk_of_another_droplet() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    yard.say(
        ip,
        "echo data > /srv/x; ln -s x /srv/link; chmod 000 /srv/x; mkdir -m 000 /srv/closed; \
         ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_extra_key",
    )
    .await;
    yard.hosts.snapshot(1, 77).await.expect("snapshot");
    let mut birth = yard.birth(2, &yard.config(""));
    birth.image = "77".to_owned();
    let copy = birth.public_ip;
    yard.hosts.create(birth).await.expect("create");
    yard.network.point(copy, Some(2)).await.expect("point");
    yard.listening(2, SSH).await;
    let said =
        yard.say(copy, "hostname; cat /srv/link; stat -c '%a %U' /srv/closed; ls /etc/ssh").await;
    assert!(said.starts_with("web-2\ndata\n0 root\n"), "{said}");
    assert!(!said.contains("extra"), "the host keys of the first are gone: {said}");
    for id in [1, 2] {
        yard.hosts.destroy(id).await.expect("destroy");
        yard.hosts.destroy(id).await.expect("destroyed already");
    }
    yard.hosts.delete_snapshot(77).await.expect("delete");
    let left: Vec<_> = std::fs::read_dir(yard.dir.path().join("hosts"))
        .expect("read")
        .flatten()
        .filter(|entry| entry.file_name() != "snapshots")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(yard.hosts.power_on(1).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_are_opened_again_have_their_droplets_off() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    yard.say(ip, "echo here > /root/x").await;
    yard.hosts.close().await;
    let again = remuda::sim::hosts::Hosts::open_with(
        remuda::sim::hosts::Kind::Namespace,
        yard.dir.path().join("hosts"),
        crate::yard::program(),
    );
    let again = std::sync::Arc::new(again.expect("open"));
    assert!(!again.is_on(1).await);
    again.power_on(1).await.expect("on");
    let network = remuda::sim::net::Network::open(std::sync::Arc::clone(&again), Move::Cut);
    let mut ports = again.watch_ports(1).expect("droplet");
    let there = ports.wait_for(|ports| ports.contains(&SSH));
    tokio::time::timeout(std::time::Duration::from_secs(20), there)
        .await
        .expect("up")
        .expect("alive");
    yard.network.release(ip).await;
    network.point(ip, Some(1)).await.expect("point");
    let said = output(yard.ssh(ip, "root").arg("cat /root/x")).await;
    assert_eq!(String::from_utf8_lossy(&said.stdout), "here\n", "{}", text(&said));
}
