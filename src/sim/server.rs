//! Starting and ending a simulator, in this process.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    api, control,
    fault::{Book, Rule},
    hosts::{self, Hosts},
    http::{Cut, Door, front},
    net::{Dns, Network},
    options::{Choice, Options},
    state::{Store, write_beside},
    tenancy::{lock, make_dir},
    world::{Claim, Parts, World, zone},
};
use crate::error::{Error, Kind, Result};

/// How long open connections may take to end.
const LINGER: Duration = Duration::from_secs(2);

/// What a serving simulator says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The API's origin.
    pub url: String,
    /// Where the DNS server listens.
    pub dns: String,
    /// A token that is accepted.
    pub token: String,
    /// The process.
    pub pid: u32,
    /// `namespace` or `none`.
    pub hosts: String,
}

/// A simulator that is to be started.
#[derive(Debug)]
pub struct Server;

/// A simulator that serves.
#[derive(Debug)]
pub struct Running {
    world: Arc<World>,
    ready: Ready,
    dir: PathBuf,
    note: Option<String>,
    serving: JoinHandle<std::io::Result<()>>,
    dns: Option<Dns>,
    _claim: Claim,
    _lock: File,
}

impl Server {
    /// Starts a simulator; returns when it serves.
    ///
    /// # Errors
    /// [`Kind::Usage`] for an address that is not loopback or a wrong fault rule,
    /// [`Kind::Locked`] when another simulator uses the state, and whatever hinders the rest.
    pub async fn start(options: Options) -> Result<Running> {
        if !options.listen.ip().is_loopback() {
            return Err(Error::new(
                Kind::Usage,
                format!("the simulator listens on loopback only, not on {}", options.listen.ip()),
            )
            .hint("--listen 127.0.0.1:0"));
        }
        let faults = Book::default();
        for rule in &options.faults {
            let rule = Rule::parse(rule).map_err(|why| Error::new(Kind::Usage, why))?;
            faults.add(rule);
        }
        let dir = options.state;
        make_dir(&dir)?;
        let lock = lock(&dir)?;
        let (kind, note) = choose(options.hosts, options.program.as_deref())?;
        let listener = TcpListener::bind(options.listen).await.map_err(|error| {
            Error::new(Kind::Failed, "cannot listen").at("address", options.listen).because(error)
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Error::new(Kind::Failed, "cannot listen").because(error))?;

        let mut fresh = None;
        let store = Store::open(&dir, || {
            let claim = Claim::any()?;
            let block = claim.block();
            fresh = Some(claim);
            Ok(block)
        })?;
        let claim = match fresh {
            Some(claim) => claim,
            None => Claim::of(store.read(|state| state.block))?,
        };
        let hosts = Arc::new(open_hosts(kind, &dir, options.program)?);
        let world = Arc::new(World::new(Parts {
            store,
            faults,
            network: Network::open(Arc::clone(&hosts), options.on_move),
            hosts,
            address,
            token: options.token.clone(),
            droplet_limit: options.droplet_limit,
            limits: options.limits,
            latency: options.latency,
            tell: options.tell,
        }));
        world.store.flush().await?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let dns = Dns::start(any, zone(&Arc::downgrade(&world))).await?;
        world.wake().await;
        let ready = Ready {
            url: format!("http://{address}"),
            dns: dns.address().to_string(),
            token: options.token.unwrap_or_else(token),
            pid: std::process::id(),
            hosts: kind_word(kind).to_owned(),
        };
        let serving = serve(listener, &world);
        let line = serde_json::to_vec(&ready)
            .map_err(|error| Error::new(Kind::Failed, "cannot write").because(error))?;
        write_beside(&dir.join("serving.json"), &line)?;
        Ok(Running { world, ready, dir, note, serving, dns: Some(dns), _claim: claim, _lock: lock })
    }
}

impl Running {
    /// Returns the API's origin.
    pub fn url(&self) -> &str {
        &self.ready.url
    }

    /// Returns where the DNS server listens.
    pub fn dns(&self) -> &str {
        &self.ready.dns
    }

    /// Returns a token that is accepted.
    pub fn token(&self) -> &str {
        &self.ready.token
    }

    /// Returns what the simulator says of itself when it serves.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Returns why these hosts were chosen, where that was left to the simulator.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Waits until somebody asks, over the control path, for the end.
    pub async fn asked_to_stop(&self) {
        let mut asked = self.world.asked_to_stop.subscribe();
        // the sender lives as long as this simulator
        drop(asked.wait_for(|asked| *asked).await);
    }

    /// Ends the simulator: hosts stop, addresses are given up, the state stays.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn stop(mut self) -> Result<()> {
        self.world.rest().await;
        self.dns = None;
        if tokio::time::timeout(LINGER, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        drop(fs::remove_file(self.dir.join("serving.json")));
        self.world.store.flush().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.world.stopping.send_replace(true);
        self.serving.abort();
    }
}

fn serve(listener: TcpListener, world: &Arc<World>) -> JoinHandle<std::io::Result<()>> {
    let inner = api::router().merge(control::router()).with_state(Arc::clone(world));
    // outside the routes, so that a path is routed as the front leaves it
    let app = Router::new()
        .fallback_service(inner)
        .layer(middleware::from_fn_with_state(Arc::clone(world), front))
        .into_make_service_with_connect_info::<Cut>();
    let world = Arc::clone(world);
    let ended = async move { world.ended().await };
    tokio::spawn(
        async move { axum::serve(Door(listener), app).with_graceful_shutdown(ended).await },
    )
}

/// Empties the state of a simulator that does not run, with its hosts.
///
/// # Errors
/// [`Kind::Locked`] when one runs after all.
pub async fn reset_offline(dir: &Path) -> Result<()> {
    if !dir.join("state.json").exists() {
        return Ok(());
    }
    let _lock = lock(dir)?;
    if let Ok(store) = Store::open(dir, || Ok(Ipv4Addr::LOCALHOST)) {
        let (kind, _) = choose(Choice::Auto, None)?;
        let hosts = open_hosts(kind, dir, None)?;
        let (droplets, images): (Vec<u64>, Vec<u64>) = store.read(|state| {
            (state.droplets.keys().copied().collect(), state.images.keys().copied().collect())
        });
        for id in droplets {
            hosts.destroy(id).await?;
        }
        for id in images {
            hosts.delete_snapshot(id).await?;
        }
    }
    fs::remove_file(dir.join("state.json")).map_err(|error| {
        Error::new(Kind::Failed, "cannot clear the state")
            .at("directory", dir.display())
            .because(error)
    })
}

/// Chooses the hosts, and says why where that was left to the simulator.
fn choose(choice: Choice, program: Option<&Path>) -> Result<(hosts::Kind, Option<String>)> {
    if choice == Choice::Only(hosts::Kind::None) {
        return Ok((hosts::Kind::None, None));
    }
    // this makes a droplet, and so takes a moment
    let works = program.map_or_else(hosts::probe, hosts::probe_with);
    match (choice, works) {
        (Choice::Only(kind), Ok(())) => Ok((kind, None)),
        (Choice::Auto, Ok(())) => Ok((
            hosts::Kind::Namespace,
            Some("hosts: namespace; droplets, their addresses and DNS are real".into()),
        )),
        (Choice::Auto, Err(why)) => Ok((
            hosts::Kind::None,
            Some(format!("hosts: none, for {why}; only the API and DNS are real")),
        )),
        (Choice::Only(_), Err(why)) => {
            Err(Error::new(Kind::Failed, format!("namespace hosts do not work here: {why}"))
                .hint("remuda sim doctor")
                .hint("remuda sim start --hosts none"))
        }
    }
}

/// Opens the hosts of a state.
fn open_hosts(kind: hosts::Kind, dir: &Path, program: Option<PathBuf>) -> Result<Hosts> {
    let dir = dir.join("hosts");
    match (kind, program) {
        (hosts::Kind::Namespace, None) => Hosts::open(kind, dir),
        // nothing is ever started where there are no hosts
        (kind, program) => Hosts::open_with(kind, dir, program.unwrap_or("/proc/self/exe".into())),
    }
}

fn kind_word(kind: hosts::Kind) -> &'static str {
    match kind {
        hosts::Kind::None => "none",
        hosts::Kind::Namespace => "namespace",
    }
}

/// Makes a token that looks like the real thing's.
fn token() -> String {
    format!("dop_v1_{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}
