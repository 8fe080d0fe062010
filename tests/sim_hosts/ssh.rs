//! The SSH server as the OpenSSH client meets it.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use remuda::sim::net::Move;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::yard::{SSH, Yard, output, pair, possible, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_have_their_streams_their_status_and_their_end() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    let both = yard.run(ip, "echo out; echo err >&2; exit 7").await;
    assert_eq!(both.status.code(), Some(7));
    assert_eq!((both.stdout.as_slice(), both.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    let killed = yard.run(ip, "kill -9 $$").await;
    assert_eq!(killed.status.code(), Some(255), "{}", text(&killed));
    // A daemon does not hold the channel, and outlives it.
    let start = Instant::now();
    yard.say(ip, "setsid sh -c 'sleep 0.2; echo yes > /root/lived; sleep 30' >/dev/null 2>&1 </dev/null & true").await;
    assert!(start.elapsed() < Duration::from_secs(10));
    yard.say(ip, "while [ ! -s /root/lived ]; do sleep 0.01; done").await;
    // A program that does not read its input ends all the same.
    let mut ssh = yard.ssh(ip, "root");
    let mut deaf = ssh.arg("true").stdin(Stdio::piped()).spawn().expect("ssh");
    let status = tokio::time::timeout(Duration::from_secs(20), deaf.wait()).await.expect("in time");
    assert!(status.expect("wait").success());
    // A terminal, with a size and job control.
    let tty = output(yard.ssh(ip, "root").args(["-tt", "tty; stty size; exit 4"])).await;
    assert_eq!(tty.status.code(), Some(4), "{}", text(&tty));
    assert!(String::from_utf8_lossy(&tty.stdout).starts_with("/dev/pts/0\r\n"), "{}", text(&tty));
    // A login shell that reads its commands.
    let mut ssh = yard.ssh(ip, "root");
    let mut shell = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh");
    shell.stdin.take().expect("pipe").write_all(b"echo $((40+2)); exit 5\n").await.expect("write");
    let said = shell.wait_with_output().await.expect("wait");
    assert_eq!((said.status.code(), said.stdout.as_slice()), (Some(5), &b"42\n"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_key_of_the_right_user_gets_in() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    for user in ["nobody", "daemon", "absent", "../root"] {
        let refused = output(yard.ssh(ip, user).arg("true")).await;
        assert!(text(&refused).contains("Permission denied (publickey)"), "{}", text(&refused));
    }
    let stranger = yard.dir.path().join("stranger");
    std::fs::write(&stranger, pair().private).expect("write");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&stranger, mode).expect("mode");
    // Its own key file first; the good one of the helper is taken away.
    std::fs::rename(yard.dir.path().join("id"), yard.dir.path().join("kept")).expect("rename");
    std::fs::rename(&stranger, yard.dir.path().join("id")).expect("rename");
    let refused = yard.run(ip, "true").await;
    assert!(text(&refused).contains("Permission denied (publickey)"), "{}", text(&refused));
    std::fs::rename(yard.dir.path().join("kept"), yard.dir.path().join("id")).expect("rename");
    assert!(yard.run(ip, "true").await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_host_key_answers_the_next_connection() {
    if !possible() {
        return;
    }
    let mut yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    let fresh = yard
        .say(
            ip,
            "cd /etc/ssh && ssh-keygen -q -t ed25519 -N '' -C new -f new && mv new.pub ssh_host_ed25519_key.pub \
             && mv new ssh_host_ed25519_key && cat ssh_host_ed25519_key.pub",
        )
        .await;
    let old = yard.run(ip, "true").await;
    assert!(text(&old).contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{}", text(&old));
    yard.host.public = fresh;
    assert!(yard.run(ip, "true").await.status.success());
}

/// Bytes that are the same for the same place, and differ from place to place.
fn block(number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 << 20);
    let mut reader = blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof();
    bytes.resize(1 << 20, 0);
    reader.fill(&mut bytes);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarter_of_a_gibibyte_passes_both_ways_unharmed_and_in_little_memory() {
    const BLOCKS: u64 = 256;
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    let start = Instant::now();
    let mut ssh = yard.ssh(ip, "root");
    let mut echo =
        ssh.arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh");
    let (mut to, mut from) = (echo.stdin.take().expect("pipe"), echo.stdout.take().expect("pipe"));
    let sending = tokio::spawn(async move {
        for number in 0..BLOCKS {
            to.write_all(&block(number)).await.expect("write");
        }
    });
    let mut got = vec![0; 1 << 20];
    for number in 0..BLOCKS {
        tokio::time::timeout(Duration::from_mins(1), from.read_exact(&mut got))
            .await
            .expect("in time")
            .expect("read");
        assert!(got == block(number), "block {number} is whole");
    }
    sending.await.expect("sent");
    assert_eq!(from.read(&mut got).await.expect("end"), 0);
    assert!(echo.wait().await.expect("wait").success());
    let took = start.elapsed();
    let peak = yard.say(ip, "grep VmHWM /proc/1/status | tr -dc 0-9").await;
    let peak: u64 = peak.parse().expect("number");
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("256 MiB there and back in {took:.1?}, init's peak {peak} KiB\n").as_bytes(),
    );
    assert!(peak < 160 << 10, "init's peak is {peak} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_of_one_connection_do_not_wait_for_each_other() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    let socket = yard.dir.path().join("mux");
    let control = format!("ControlPath={}", socket.display());
    let mut ssh = yard.ssh(ip, "root");
    let mut master = ssh.args(["-M", "-N", "-o", &control]).spawn().expect("ssh");
    crate::yard::until("the master", || socket.exists()).await;
    let through = || {
        let mut ssh = yard.ssh(ip, "root");
        ssh.args(["-o", &control, "-o", "ControlMaster=no"]);
        ssh
    };
    // One channel takes 32 MiB and does not read them until it is told to.
    let mut stalled = through();
    let mut stalled = stalled
        .arg("while [ ! -e /root/go ]; do sleep 0.01; done; wc -c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ssh");
    let mut to = stalled.stdin.take().expect("pipe");
    let sending = tokio::spawn(async move {
        for number in 0..32 {
            to.write_all(&block(number)).await.expect("write");
        }
    });
    sending.await.expect("the client takes everything");
    // Another writes without end and nobody reads it.
    let mut flood = through();
    let mut flood = flood.arg("yes").stdout(Stdio::piped()).spawn().expect("ssh");
    let many = (0..8).map(|number| {
        let mut ssh = through();
        ssh.arg(format!("echo {number}; exit {number}"));
        async move { (number, output(&mut ssh).await) }
    });
    for (number, said) in futures_util::future::join_all(many).await {
        assert_eq!(said.status.code(), Some(number), "{}", text(&said));
        assert_eq!(String::from_utf8_lossy(&said.stdout), format!("{number}\n"));
    }
    assert!(output(through().arg("touch /root/go")).await.status.success());
    let said = stalled.wait_with_output().await.expect("wait");
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), (32 << 20).to_string());
    flood.kill().await.expect("kill");
    master.kill().await.expect("kill");
    // What has lost its reader ends.
    let probe = yard.say(ip, "n=0; while ps ax | grep -q '[y]es$' && [ $n -lt 500 ]; do n=$((n+1)); sleep 0.02; done; ps ax | grep -c '[y]es$' || :").await;
    assert_eq!(probe, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forwarding_and_copying_work_and_sftp_says_no_where_it_is_not() {
    if !possible() {
        return;
    }
    let yard = Yard::open(Move::Cut);
    let ip = yard.create(1, "").await;
    // `-W` is what a jump host does.
    let mut ssh = yard.ssh(ip, "root");
    let mut jump = ssh
        .args(["-W", &format!("127.0.0.1:{SSH}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ssh");
    let mut greeting = [0_u8; 8];
    jump.stdout.take().expect("pipe").read_exact(&mut greeting).await.expect("greeting");
    assert_eq!(&greeting, b"SSH-2.0-");
    drop(jump);
    let mut ssh = yard.ssh(ip, "root");
    let refused = output(ssh.args(["-W", "127.0.0.1:9"])).await;
    assert!(text(&refused).contains("open failed"), "{}", text(&refused));
    if yard.run(ip, "command -v scp").await.status.success() {
        let file = yard.dir.path().join("file");
        std::fs::write(&file, block(1)).expect("write");
        #[expect(clippy::disallowed_methods, reason = "tests run the real client")]
        let mut scp = tokio::process::Command::new("scp");
        scp.args(["-O", "-F", "none", "-P", &SSH.to_string(), "-o", "StrictHostKeyChecking=yes"])
            .arg("-o")
            .arg(format!(
                "UserKnownHostsFile={}",
                yard.dir.path().join(format!("known-{ip}")).display()
            ))
            .arg("-i")
            .arg(yard.dir.path().join("id"))
            .arg(&file)
            .arg(format!("root@{ip}:/root/copy"));
        let copied = output(&mut scp).await;
        assert!(copied.status.success(), "{}", text(&copied));
        assert_eq!(yard.say(ip, "wc -c < /root/copy").await, (1 << 20).to_string());
    }
    let sftp = output(yard.ssh(ip, "root").args(["-s", "sftp"])).await;
    let there =
        yard.run(ip, "ls /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server").await;
    if there.stdout.is_empty() {
        assert!(text(&sftp).contains("subsystem request failed"), "{}", text(&sftp));
    }
}
