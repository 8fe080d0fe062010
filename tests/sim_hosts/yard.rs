//! A place for droplets of a test: hosts, a network, keys and an SSH client that trusts nothing.

use std::{
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use remuda::sim::{
    hosts::{self, Birth, Hosts, Kind},
    net::{Move, Network},
};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

/// The port of SSH in droplets of tests: an unprivileged user can forward it.
pub(crate) const SSH: u16 = 2222;

/// The program that is the droplets' init.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_remuda"))
}

/// Says loudly when namespace droplets cannot be had here; then a test has nothing to test.
pub(crate) fn possible() -> bool {
    static PROBED: OnceLock<Result<(), String>> = OnceLock::new();
    match PROBED.get_or_init(|| hosts::probe_with(&program())) {
        Ok(()) => true,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "not run: no namespace droplets here: {why}");
            false
        }
    }
}

/// A pair of keys in OpenSSH's forms.
pub(crate) struct Pair {
    pub(crate) private: String,
    pub(crate) public: String,
}

pub(crate) fn pair() -> Pair {
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&rand::random()));
    Pair {
        private: key.to_openssh(LineEnding::LF).expect("key").to_string(),
        public: key.public_key().to_openssh().expect("key"),
    }
}

pub(crate) struct Yard {
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) network: Network,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) user: Pair,
    /// The host key of every droplet here.
    pub(crate) host: Pair,
}

impl Yard {
    pub(crate) fn open(on_move: Move) -> Self {
        let dir = tempfile::tempdir().expect("tempdir");
        let hosts = Hosts::open_with(Kind::Namespace, dir.path().join("hosts"), program());
        let hosts = Arc::new(hosts.expect("hosts"));
        let (user, host) = (pair(), pair());
        let key = dir.path().join("id");
        std::fs::write(&key, &user.private).expect("write");
        let secret = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, secret).expect("mode");
        Self { network: Network::open(Arc::clone(&hosts), on_move), hosts, dir, user, host }
    }

    /// Returns an address that no other test uses.
    pub(crate) fn address() -> Ipv4Addr {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let [_, _, _, last] = next.to_be_bytes();
        Ipv4Addr::new(127, 64 | (high & 0x3f), low, last)
    }

    pub(crate) fn birth(&self, id: u64, user_data: &str) -> Birth {
        Birth {
            id,
            hostname: format!("web-{id}"),
            image: "debian-13-x64".to_owned(),
            user_data: user_data.as_bytes().to_vec(),
            ssh_keys: vec![self.user.public.clone()],
            region: "nyc3".to_owned(),
            public_ip: Self::address(),
        }
    }

    /// Returns cloud-config with the host key and the port of tests, and `more` after it.
    pub(crate) fn config(&self, more: &str) -> String {
        let private = self.host.private.replace('\n', "\n    ");
        format!(
            "#cloud-config\nssh_keys:\n  ed25519_private: |\n    {private}\n  ed25519_public: {}\n\
             write_files:\n- path: /etc/ssh/sshd_config.d/port.conf\n  content: \"Port {SSH}\\n\"\n{more}",
            self.host.public
        )
    }

    /// Creates a droplet, points its address at it and waits until SSH answers there.
    pub(crate) async fn create(&self, id: u64, more: &str) -> Ipv4Addr {
        let birth = self.birth(id, &self.config(more));
        let ip = birth.public_ip;
        self.hosts.create(birth).await.expect("create");
        self.network.point(ip, Some(id)).await.expect("point");
        self.listening(id, SSH).await;
        ip
    }

    /// Waits until a droplet can be reached on a port.
    pub(crate) async fn listening(&self, id: u64, port: u16) {
        let mut ports = self.hosts.watch_ports(id).expect("droplet");
        let there = ports.wait_for(|ports| ports.contains(&port));
        tokio::time::timeout(Duration::from_secs(20), there)
            .await
            .expect("in time")
            .expect("alive");
        // The listener outside follows what the droplet says.
        self.hosts.ports(id).await.expect("ports");
    }

    /// Returns an `ssh` command that knows the host key and nothing else.
    pub(crate) fn ssh(&self, ip: Ipv4Addr, user: &str) -> tokio::process::Command {
        let known = self.dir.path().join(format!("known-{ip}"));
        std::fs::write(&known, format!("[{ip}]:{SSH} {}\n", self.host.public)).expect("write");
        #[expect(clippy::disallowed_methods, reason = "tests run the real client")]
        let mut ssh = tokio::process::Command::new("ssh");
        ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"])
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"])
            .args(["-o", "ConnectTimeout=10", "-o", "IdentityAgent=none"])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-i")
            .arg(self.dir.path().join("id"))
            .args(["-p", &SSH.to_string(), "-l", user])
            .arg(ip.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        ssh
    }

    /// Runs a command as root, bounded in time.
    pub(crate) async fn run(&self, ip: Ipv4Addr, command: &str) -> Output {
        output(self.ssh(ip, "root").arg(command)).await
    }

    /// Runs a command as root and returns what it says; it must end well.
    pub(crate) async fn say(&self, ip: Ipv4Addr, command: &str) -> String {
        let output = self.run(ip, command).await;
        assert!(output.status.success(), "{command}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

/// Runs a command to its end, within a minute.
pub(crate) async fn output(command: &mut tokio::process::Command) -> Output {
    tokio::time::timeout(Duration::from_mins(1), command.output())
        .await
        .expect("in time")
        .expect("run")
}

/// Returns what a command said, for the message of a failure.
pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits until something holds, within 20 s.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        remuda::retry::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns whether a process with this text in its command line runs on this machine.
pub(crate) fn runs(text: &str) -> bool {
    process(text).is_some()
}

/// Returns a process with this text in its command line.
pub(crate) fn process(text: &str) -> Option<i32> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(text) { entry.file_name().to_str()?.parse().ok() } else { None }
    })
}

/// Returns a path's text, empty where it is not there.
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
