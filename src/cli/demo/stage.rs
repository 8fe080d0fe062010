//! Where the demo plays: a simulator in this process, an account with an address and a domain,
//! and the project that lies at the root of remuda's own repository.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use tempfile::TempDir;
use url::Url;

use super::{PruneArgs, ReleaseArgs, RollbackArgs, WATCH, prune, release, rollback};
use crate::{
    boot::HostKey,
    cli::{
        args::Global,
        session::{Session, listen, load, trace, warn},
    },
    cloud::{Client, Options},
    error::{Error, Kind, Result},
    interrupt::Interrupt,
    probe::HttpCheck,
    secret::{ExposeSecret as _, SecretString},
    sim,
    ui::Ui,
};

/// The project of the demo: the very files at the root of the repository.
const FILES: [(&str, &str); 2] = [
    ("droplets.yaml", include_str!("../../../droplets.yaml")),
    ("cloud-init/hello.yaml", include_str!("../../../cloud-init/hello.yaml")),
];

/// A simulator, an account, a project.
pub(super) struct Stage<'a> {
    ui: &'a Ui,
    global: Global,
    dir: TempDir,
    sim: sim::Running,
    cloud: Client,
    ip: Ipv4Addr,
    interrupt: Interrupt,
}

impl<'a> Stage<'a> {
    /// Starts the simulator and fills the account.
    pub(super) async fn set(mut global: Global, ui: &'a Ui) -> Result<Self> {
        sim::hosts::probe().map_err(|why| {
            Error::new(Kind::Failed, "this machine cannot make the demo's droplets")
                .report(why)
                .hint("see what is missing with `remuda sim doctor`")
        })?;
        let failed = |source: std::io::Error| {
            Error::new(Kind::Failed, "cannot make the demo's folder").because(source)
        };
        let dir = tempfile::Builder::new().prefix("remuda").tempdir().map_err(failed)?;
        let options = sim::Options {
            limits: sim::Limits::off(),
            ..sim::Options::new(dir.path().join("sim"))
        };
        let sim = sim::Server::start(options).await?;
        let origin = Url::parse(sim.url()).map_err(|source| {
            Error::new(Kind::Failed, "the simulator has no URL").because(source)
        })?;
        let token = SecretString::from(sim.token().to_owned());
        ui.hide(&token);
        let trace = global.trace.then(|| trace(ui));
        // five runs in half a minute are more than an account allows, and than anybody does
        let options = Options { on_call: trace, per_minute: 100_000, ..Options::default() };
        let cloud = Client::new(&origin, token, options)?;
        let ip = cloud.create_reserved_ip("nyc3").await?.ip;
        cloud.create_domain("example.com").await?;
        write_project(dir.path()).map_err(failed)?;
        global.config = Some(dir.path().join("droplets.yaml"));
        let stage = Self { ui, global, dir, sim, cloud, ip, interrupt: Interrupt::new() };
        listen(&stage.interrupt, None);
        stage.overlay("")?;
        ui.note(&format!(
            "{} serves the v2 API; its droplets are Linux namespaces of this machine; the reserved IP is {ip}",
            stage.sim.url()
        ));
        Ok(stage)
    }

    /// Writes the overlay that fits the repository's spec to this stage.
    fn overlay(&self, more: &str) -> Result<()> {
        let text = format!(
            "ssh: {{ identity: {} }}\ncutover: {{ reserved_ip: {}, watch: {}s }}\n{more}",
            self.dir.path().join("id").display(),
            self.ip,
            WATCH.as_secs()
        );
        std::fs::write(self.dir.path().join("droplets.production.yaml"), text)
            .map_err(|source| Error::new(Kind::Failed, "cannot write the overlay").because(source))
    }

    /// Makes the next release break once it takes public traffic.
    pub(super) fn break_app(&self, rate: u32) -> Result<()> {
        self.overlay(&format!(
            "stack: {{ commands: {{ up: \"setsid nohup remuda sim app --listen 0.0.0.0:8080 --release {{{{ version }}}} --broken after-requests={rate} </dev/null >>~/log 2>&1 &\", logs: \"tail -n 200 ~/log\" }} }}\n"
        ))
    }

    /// Makes the next release a good one again.
    pub(super) fn mend_app(&self) -> Result<()> {
        self.overlay("")
    }

    /// Lets no failed candidate stay.
    pub(super) fn keep_no_failed(&self) -> Result<()> {
        self.overlay("retain: { quarantined: 0 }\n")
    }

    fn session(&self) -> Result<Session<'a>> {
        let spec = load(&self.global)?;
        let (global, cloud) = (self.global.clone(), self.cloud.clone());
        Ok(Session::of(global, self.ui, spec, cloud, self.interrupt.clone()))
    }

    pub(super) async fn release(&self, version: &str) -> Result<()> {
        let args = ReleaseArgs {
            version: version.into(),
            dry_run: false,
            again: false,
            max_downtime: None,
            watch: None,
        };
        release::run(args, &self.session()?).await
    }

    pub(super) async fn rollback(&self) -> Result<()> {
        let args = RollbackArgs { version: None, dry_run: false, watch: None };
        rollback::run(args, &self.session()?).await
    }

    pub(super) async fn prune(&self) -> Result<()> {
        let mut session = self.session()?;
        session.global.yes = true;
        prune::run(PruneArgs { dry_run: false }, &session).await
    }

    /// Returns what visitors ask.
    pub(super) fn check(&self) -> Result<HttpCheck> {
        let url = Url::parse("http://hello.example.com:8080/")
            .map_err(|source| Error::new(Kind::Failed, "no URL").because(source))?;
        Ok(HttpCheck { to: Some(IpAddr::V4(self.ip)), ..HttpCheck::new(url) })
    }

    /// Returns the public address, for the story.
    pub(super) fn public(&self) -> String {
        format!("http://{}:8080/", self.ip)
    }

    /// Returns how many requests the API has had.
    pub(super) fn calls(&self) -> u64 {
        self.cloud.calls()
    }

    pub(super) fn ui(&self) -> &'a Ui {
        self.ui
    }

    /// Prices what the story would have cost in a real account.
    pub(super) async fn cost(&self) -> Option<String> {
        let spec = load(&self.global).ok()?;
        let sizes = self.cloud.sizes().await.ok()?;
        let size = sizes.iter().find(|size| size.slug == spec.spec.droplet.size)?;
        // v1, v2 and v3 had a droplet each; an hour is the most that a minute can be billed as
        let droplets = 3.0;
        Some(format!(
            "in a real account: 3 droplets at ${:.5} an hour, ${:.3} if each is billed for a whole hour",
            size.price_hourly,
            size.price_hourly * droplets
        ))
    }

    /// Ends the simulator with all its hosts.
    pub(super) async fn strike(self) {
        if let Err(error) = self.sim.stop().await {
            warn(self.ui, &format!("the simulator did not end well: {error}"));
        }
    }
}

fn write_project(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir(dir.join("cloud-init"))?;
    for (name, text) in FILES {
        std::fs::write(dir.join(name), text)?;
    }
    let key = HostKey::generate().map_err(std::io::Error::other)?;
    let line = key.public_line().map_err(std::io::Error::other)?;
    std::fs::write(dir.join("id.pub"), format!("{line}\n"))?;
    std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(dir.join("id"))?
        .write_all(key.private().expose_secret().as_bytes())
}
