//! One droplet from outside: its directory, its keeper process, and the way to its init.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::OpenOptionsExt as _,
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use nix::{
    fcntl::{OFlag, open},
    sys::stat::Mode,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::{Mutex, watch},
};

use super::{
    bridge::{Answer, Ask, read_line},
    doctor,
    follow::{follow, listen},
    keeper::{BRIDGE, DISK, STARTED, UNSHARED},
    seed::Seed,
    uids::Uids,
};
use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// How long the namespaces and init may take to be there.
const BOOT: Duration = Duration::from_secs(30);
/// How long a graceful end may take.
const GRACE: Duration = Duration::from_secs(20);
/// How long processes may take to be gone after they were killed.
const DEATH: Duration = Duration::from_secs(20);
/// How long an answer of init's may take.
const ANSWER: Duration = Duration::from_secs(20);
/// The file in a droplet's directory that holds its seed.
const SEED: &str = "seed.json";
/// The file in a droplet's directory in which its init says what went wrong.
const CONSOLE: &str = "console.log";

/// A droplet, on or off.
#[derive(Debug)]
pub(super) struct Droplet {
    seed: Seed,
    dir: PathBuf,
    /// The open directory: the way to the socket in it, however long its path is.
    door: OwnedFd,
    uids: Uids,
    power: Mutex<Option<Running>>,
    ports: watch::Sender<Vec<u16>>,
}

/// A droplet that is on.
#[derive(Debug)]
struct Running {
    /// The droplet lives as long as this is open.
    life: ChildStdin,
    over: watch::Receiver<bool>,
}

impl Droplet {
    /// Makes a droplet of a directory that has a disk, and writes down what it is.
    pub(super) fn new(seed: Seed, dir: PathBuf, uids: Uids) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::Failed, "cannot write a droplet down").because(error)
        };
        let text = serde_json::to_vec(&seed).map_err(|error| {
            Error::new(Kind::Failed, "cannot write a droplet down").because(error)
        })?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(dir.join(SEED)).and_then(|mut file| file.write_all(&text)).map_err(failed)?;
        Self::assemble(seed, dir, uids).map_err(failed)
    }

    /// Loads a droplet that was written down; `None` where none was.
    pub(super) fn load(id: u64, dir: PathBuf, uids: Uids) -> Option<Self> {
        let mut seed: Seed = serde_json::from_slice(&fs::read(dir.join(SEED)).ok()?).ok()?;
        seed.many = uids.many();
        (seed.id == id && dir.join(DISK).is_dir()).then_some(())?;
        Self::assemble(seed, dir, uids).ok()
    }

    fn assemble(seed: Seed, dir: PathBuf, uids: Uids) -> std::io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let door = open(&dir, flags, Mode::empty())?;
        let ports = watch::Sender::new(Vec::new());
        Ok(Self { seed, dir, door, uids, power: Mutex::new(None), ports })
    }

    /// Returns the droplet's id.
    pub(super) fn id(&self) -> u64 {
        self.seed.id
    }

    /// Returns the directory that is all of the droplet.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the droplet's disk.
    pub(super) fn disk(&self) -> PathBuf {
        self.dir.join(DISK)
    }

    /// Returns whether the droplet is on.
    pub(super) async fn is_on(&self) -> bool {
        self.power.lock().await.as_ref().is_some_and(|running| !*running.over.borrow())
    }

    /// Returns whether the droplet was started and not stopped since, even if it has ended.
    pub(super) async fn is_wanted(&self) -> bool {
        self.power.lock().await.is_some()
    }

    /// Boots the droplet unless it is on.
    pub(super) async fn start(self: &Arc<Self>, program: &Path) -> Result<()> {
        let mut power = self.power.lock().await;
        if power.as_ref().is_some_and(|running| !*running.over.borrow()) {
            return Ok(());
        }
        let deadline = Deadline::after(BOOT, format!("droplet {} to boot", self.id()));
        let (child, life) = match deadline.bound(self.launch(program)).await {
            Ok(launched) => launched,
            Err(error) => return Err(self.explain(error)),
        };
        let (ended, over) = watch::channel(false);
        let follower = follow(Arc::downgrade(self), child, ended, program.to_owned());
        tokio::spawn(follower);
        *power = Some(Running { life, over });
        drop(power);
        let booted = match deadline.bound(self.ask(&Ask::Boot(Box::new(self.seed.clone())))).await {
            Ok((_, Answer::Done)) => Ok(()),
            Ok((_, Answer::Failed(why))) => Err(Error::new(Kind::Failed, why)),
            Ok((_, Answer::Ports(_))) => Err(confused()),
            Err(error) => Err(self.explain(error)),
        };
        if booted.is_err() {
            self.stop(false).await;
            return booted;
        }
        tokio::spawn(listen(Arc::downgrade(self)));
        Ok(())
    }

    /// Ends the droplet and returns when it is gone.
    pub(super) async fn stop(&self, graceful: bool) {
        let Some(running) = self.power.lock().await.take() else { return };
        let mut over = running.over.clone();
        if graceful {
            let deadline = Deadline::after(GRACE, "a droplet to end");
            if deadline.bound(self.ask(&Ask::Stop(true))).await.is_ok() {
                let _ = tokio::time::timeout(deadline.left(), over.wait_for(|over| *over)).await;
            }
        }
        // The keeper sees this end and kills what is left.
        drop(running.life);
        let _ = tokio::time::timeout(DEATH, over.wait_for(|over| *over)).await;
        self.ports.send_replace(Vec::new());
    }

    /// Connects to a port inside.
    pub(super) async fn dial(&self, port: u16) -> Result<UnixStream> {
        let refused = |why: String| {
            Error::new(Kind::Failed, "cannot connect to a droplet")
                .at("droplet", self.id())
                .at("port", port)
                .because(why)
        };
        match self.ask(&Ask::Dial(port)).await {
            Ok((stream, Answer::Done)) => Ok(stream),
            Ok((_, Answer::Failed(why))) => Err(refused(why)),
            Ok(_) => Err(confused()),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Returns the ports on which the droplet can be reached now.
    pub(super) async fn ports(&self) -> Vec<u16> {
        match self.ask(&Ask::Ports).await {
            Ok((_, Answer::Ports(ports))) => {
                self.learn(&ports);
                ports
            }
            _ => Vec::new(),
        }
    }

    /// Follows the ports on which the droplet can be reached.
    pub(super) fn watch_ports(&self) -> watch::Receiver<Vec<u16>> {
        self.ports.subscribe()
    }

    /// Takes note of the ports on which the droplet can be reached.
    pub(super) fn learn(&self, ports: &[u16]) {
        self.ports.send_if_modified(|known| {
            let new = known != ports;
            if new {
                ports.clone_into(known);
            }
            new
        });
    }

    /// Starts the keeper and sees it through until init runs.
    async fn launch(&self, program: &Path) -> Result<(Child, ChildStdin)> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::Failed, "cannot start a droplet")
                .at("droplet", self.id())
                .because(error)
        };
        let console = File::create(self.dir.join(CONSOLE)).map_err(failed)?;
        let ids = match self.uids {
            Uids::Range(_) => "range",
            Uids::One(_) => "one",
            Uids::Own => "own",
        };
        let dir = fs::canonicalize(&self.dir).map_err(failed)?;
        #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
        let mut child = Command::new(program)
            .args(["sim-host", "keeper"])
            .arg(dir)
            .arg(doctor::path_of(program))
            .arg(ids)
            // The simulator's environment may hold secrets.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(console)
            .spawn()
            .map_err(failed)?;
        let (Some(mut life), Some(says)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(confused());
        };
        let mut says = BufReader::new(says);
        expect(&mut says, UNSHARED).await?;
        if let (Some(map), Some(pid)) = (self.uids.map(), child.id()) {
            for file in ["gid_map", "uid_map"] {
                fs::write(format!("/proc/{pid}/{file}"), &map).map_err(failed)?;
            }
        }
        life.write_all(b"go\n").await.map_err(failed)?;
        expect(&mut says, STARTED).await?;
        Ok((child, life))
    }

    /// Asks init and returns its answer with the connection.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<(UnixStream, Answer)> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::Failed, "a droplet does not answer")
                .at("droplet", self.id())
                .because(error)
        };
        let path = format!("/proc/self/fd/{}/{BRIDGE}", self.door.as_raw_fd());
        let mut line = serde_json::to_vec(ask).map_err(|_| confused())?;
        line.push(b'\n');
        Deadline::after(ANSWER, format!("droplet {} to answer", self.id()))
            .bound(async {
                let mut stream = UnixStream::connect(path).await.map_err(failed)?;
                stream.write_all(&line).await.map_err(failed)?;
                let answer = read_line(&mut stream).await.map_err(failed)?;
                let answer = serde_json::from_slice(&answer).map_err(|_| confused())?;
                Ok((stream, answer))
            })
            .await
    }

    /// Adds to an error what the droplet itself said.
    fn explain(&self, error: Error) -> Error {
        let console = fs::read_to_string(self.dir.join(CONSOLE)).unwrap_or_default();
        let error = match console.lines().last() {
            Some(last) => error.report(last.to_owned()),
            None => error,
        };
        doctor::remedies().into_iter().fold(error, Error::hint)
    }
}

fn confused() -> Error {
    Error::new(Kind::Failed, "a droplet's init gave an answer that makes no sense")
}

/// Expects a line of the keeper's.
async fn expect(says: &mut BufReader<ChildStdout>, wanted: &str) -> Result<()> {
    let mut line = String::new();
    let read = says.read_line(&mut line).await;
    match (read, line.trim_end()) {
        (Ok(_), line) if line == wanted => Ok(()),
        (Ok(_), line) => {
            let why = line.strip_prefix("failed ").unwrap_or("its keeper ended");
            Err(Error::new(Kind::Failed, "cannot make a droplet").because(why.to_owned()))
        }
        (Err(error), _) => Err(Error::new(Kind::Failed, "cannot make a droplet").because(error)),
    }
}
