//! Addresses: what they forward, and what a move does to connections new and old.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use remuda::sim::net::Move;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::yard::{SSH, Yard, output, possible, text};

/// Connects and reads the greeting of whoever answers.
async fn greeted(ip: Ipv4Addr) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect((ip, SSH)).await?;
    let mut greeting = [0_u8; 8];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut greeting)).await??;
    assert_eq!(&greeting, b"SSH-2.0-");
    Ok(stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_new_connection_fails_while_an_address_moves_back_and_forth() {
    if !possible() {
        return;
    }
    for on_move in [Move::Cut, Move::Drain] {
        let yard = Yard::open(on_move);
        yard.create(1, "").await;
        yard.create(2, "").await;
        let reserved = Yard::address();
        yard.network.point(reserved, Some(1)).await.expect("point");
        let done = Arc::new(AtomicBool::new(false));
        let (made, failed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let mut clients = Vec::new();
        for _ in 0..2 {
            let (done, made, failed) = (Arc::clone(&done), Arc::clone(&made), Arc::clone(&failed));
            clients.push(tokio::spawn(async move {
                let mut why = None;
                while !done.load(Ordering::Relaxed) {
                    match greeted(reserved).await {
                        Ok(_) => made.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            why = Some(error);
                            failed.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
                why
            }));
        }
        for flip in 0..100_u64 {
            yard.network.point(reserved, Some(1 + (flip + 1) % 2)).await.expect("point");
            // Connections happen between two flips, however fast flips are.
            let seen = made.load(Ordering::Relaxed);
            let moved = async {
                while made.load(Ordering::Relaxed) == seen && failed.load(Ordering::Relaxed) == 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), moved).await.expect("connections go on");
        }
        done.store(true, Ordering::Relaxed);
        for client in clients {
            let why = client.await.expect("client");
            assert!(why.is_none(), "{on_move:?}: {why:?}");
        }
        assert_eq!(failed.load(Ordering::Relaxed), 0);
        assert!(made.load(Ordering::Relaxed) >= 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_resets_what_is_open_and_new_connections_go_to_the_new_host() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let first = yard.create(1, "").await;
    yard.create(2, "").await;
    let reserved = Yard::address();
    yard.network.point(reserved, Some(1)).await.expect("point");
    let mut open = greeted(reserved).await.expect("greeting");
    let mut direct = greeted(first).await.expect("greeting");
    yard.network.point(reserved, Some(2)).await.expect("point");
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(Duration::from_secs(10), open.read_to_end(&mut rest)).await;
    let error = cut.expect("in time").expect_err("a reset");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let said = output(yard.ssh(reserved, "root").arg("hostname")).await;
    assert_eq!(String::from_utf8_lossy(&said.stdout), "web-2\n", "{}", text(&said));
    // The host's own address has not moved, nor what is open there.
    direct.write_all(b"SSH-2.0-test\r\n").await.expect("write");
    assert!(direct.read_u8().await.is_ok());
    // Pointing to where it points already moves nothing.
    let mut open = greeted(reserved).await.expect("greeting");
    yard.network.point(reserved, Some(2)).await.expect("point");
    open.write_all(b"SSH-2.0-test\r\n").await.expect("write");
    assert!(open.read_u8().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_leaves_what_is_open_with_its_host() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Drain);
    yard.create(1, "").await;
    yard.create(2, "").await;
    let reserved = Yard::address();
    yard.network.point(reserved, Some(1)).await.expect("point");
    let mut ssh = yard.ssh(reserved, "root");
    let mut running = ssh
        .arg("echo ready; read line; hostname; echo $line")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("ssh");
    let mut said = running.stdout.take().expect("pipe");
    let mut ready = [0_u8; 6];
    said.read_exact(&mut ready).await.expect("ready");
    yard.network.point(reserved, Some(2)).await.expect("point");
    let new = output(yard.ssh(reserved, "root").arg("hostname")).await;
    assert_eq!(String::from_utf8_lossy(&new.stdout), "web-2\n", "{}", text(&new));
    running.stdin.take().expect("pipe").write_all(b"still here\n").await.expect("write");
    let mut rest = String::new();
    said.read_to_string(&mut rest).await.expect("read");
    assert_eq!(rest, "web-1\nstill here\n");
    // Giving the address up ends what drains, too.
    let mut open = greeted(reserved).await.expect("greeting");
    yard.network.release(reserved).await;
    let mut rest = Vec::new();
    assert!(open.read_to_end(&mut rest).await.is_err());
    crate::yard::until("nobody to listen", || {
        std::net::TcpStream::connect((reserved, SSH)).is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_follow_the_ports_of_the_host() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let more = "runcmd: ['while [ ! -e /root/go ]; do sleep 0.01; done; echo Port 2223 > /etc/ssh/sshd_config.d/port.conf']\n";
    let ip = yard.create(1, more).await;
    assert!(TcpStream::connect((ip, 2223)).await.is_err());
    yard.say(ip, "touch /root/go").await;
    yard.listening(1, 2223).await;
    crate::yard::until("the new port", || std::net::TcpStream::connect((ip, 2223)).is_ok()).await;
    crate::yard::until("the old port to go", || std::net::TcpStream::connect((ip, SSH)).is_err())
        .await;
    yard.network.point(ip, None).await.expect("point");
    // A process that another test is just starting may hold a copy of the socket for a moment.
    crate::yard::until("it to lead nowhere", || std::net::TcpStream::connect((ip, 2223)).is_err())
        .await;
    // a droplet that has no host yet is followed once it has one
    yard.network.point(ip, Some(9)).await.expect("point");
    assert!(TcpStream::connect((ip, 2223)).await.is_err(), "there is no droplet 9");
    assert!(yard.network.point(Ipv4Addr::new(10, 0, 0, 1), None).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialled_port_speaks_and_a_private_or_closed_one_does_not() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    yard.create(1, "").await;
    let mut stream = yard.hosts.dial(1, SSH).await.expect("dial");
    let mut greeting = [0_u8; 8];
    stream.read_exact(&mut greeting).await.expect("greeting");
    assert_eq!(&greeting, b"SSH-2.0-");
    assert!(yard.hosts.dial(1, 9).await.is_err());
    assert!(yard.hosts.dial(7, SSH).await.is_err());
    assert_eq!(yard.hosts.ports(1).await.expect("ports"), [SSH]);
    yard.hosts.power_off(1, false).await.expect("off");
    assert!(yard.hosts.dial(1, SSH).await.is_err());
}
