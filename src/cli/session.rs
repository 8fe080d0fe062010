//! What a command stands on: the spec, the account's client, the terminal.

use std::{sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use super::{args::Global, token};
use crate::{
    boot,
    cloud::{Client, OnCall, Options},
    error::Result,
    herd::{Herd, Holder, Process, Scope, names::operation_id},
    interrupt::{Interrupt, Reason},
    run::event::What,
    spec::{self, Load, Loaded},
    ui::Ui,
};

/// One command's surroundings.
pub(super) struct Session<'a> {
    pub(super) ui: &'a Ui,
    pub(super) global: Global,
    pub(super) spec: Arc<Loaded>,
    pub(super) scope: Scope,
    pub(super) cloud: Client,
    pub(super) interrupt: Interrupt,
    calls_before: u64,
}

impl<'a> Session<'a> {
    /// Reads the spec and the token; asks nothing of the account yet.
    ///
    /// # Errors
    /// When the spec is wrong, or there is no token.
    pub(super) fn open(global: Global, ui: &'a Ui) -> Result<Self> {
        let spec = load(&global)?;
        let cloud = client(&global, ui)?;
        let interrupt = Interrupt::new();
        listen(&interrupt, global.timeout);
        Ok(Self::of(global, ui, spec, cloud, interrupt))
    }

    /// Puts a session together from parts that are there already.
    pub(super) fn of(
        global: Global,
        ui: &'a Ui,
        spec: Loaded,
        cloud: Client,
        interrupt: Interrupt,
    ) -> Self {
        let scope = Scope { app: spec.spec.app.clone(), env: spec.env.clone() };
        let calls_before = cloud.calls();
        Self { ui, global, spec: Arc::new(spec), scope, cloud, interrupt, calls_before }
    }

    /// Reads the herd.
    ///
    /// # Errors
    /// When the API refuses.
    pub(super) async fn herd(&self) -> Result<Herd> {
        Herd::read(&self.cloud, &self.scope, &self.spec.spec.cutover).await
    }

    /// Reads the herd, but its records only where they say who is live.
    ///
    /// # Errors
    /// When the API refuses.
    pub(super) async fn herd_again(&self) -> Result<Herd> {
        Herd::read_again(&self.cloud, &self.scope, &self.spec.spec.cutover).await
    }

    /// Returns how many requests this command has sent to the API.
    pub(super) fn calls(&self) -> u64 {
        self.cloud.calls() - self.calls_before
    }

    /// Returns how long a living holder of the lock is waited for.
    pub(super) fn lock_wait(&self) -> Duration {
        self.global.lock_wait.unwrap_or_default()
    }
}

/// Reads the spec of a command line.
///
/// # Errors
/// All problems at once.
pub(super) fn load(global: &Global) -> Result<Loaded> {
    let start = std::env::current_dir().unwrap_or_else(|_| ".".into());
    let home = token::environment(&["HOME"]).map(std::path::PathBuf::from);
    spec::load(Load { config: global.config.clone(), env: global.env(), start, home })
}

/// Returns the public half of the spec's own key, for the template to let in.
///
/// # Errors
/// When the file beside the private key holds no public key.
pub(super) fn authorized_keys(spec: &Loaded) -> Result<Vec<String>> {
    let identity = spec.spec.ssh.identity.as_deref();
    boot::authorized_keys(identity, &spec.dir, spec.home.as_deref())
}

/// Makes the client of a command line.
///
/// # Errors
/// When there is no token, or two different ones, or the API's URL is wrong.
pub(super) fn client(global: &Global, ui: &Ui) -> Result<Client> {
    let found = token::find(global.access_token.as_deref(), global.context.as_deref())?;
    ui.hide(&found.token);
    let trace = global.trace.then(|| trace(ui));
    let options = Options { on_call: trace, ..Options::default() };
    Client::new(&token::origin()?, found.token, options)
}

/// Describes this run as the holder of a lock.
pub(super) fn holder(run: &str, verb: &str, aim: &str) -> Holder {
    Holder {
        run: run.to_owned(),
        verb: verb.to_owned(),
        aim: aim.to_owned(),
        user: token::environment(&["USER", "LOGNAME"]).unwrap_or_else(|| "someone".into()),
        machine: machine(),
        process: Process::this(),
    }
}

/// Warns of something that fails nothing.
pub(super) fn warn(ui: &Ui, text: &str) {
    ui.tell().tell(What::Warning { text: text.to_owned() });
}

/// Prints each request, for `--trace`.
pub(super) fn trace(ui: &Ui) -> OnCall {
    let ui = ui.clone();
    Arc::new(move |call| {
        let status = call.status.map_or_else(|| "no answer".into(), |status| status.to_string());
        let id = call.request_id.as_deref().unwrap_or("-");
        let (method, path, millis) = (&call.method, &call.path, call.millis);
        ui.say(&format!("{method} {path} -> {status} in {millis} ms ({id})"));
    })
}

/// Names a new run: speakable, and in the order of time.
pub(super) fn run_id() -> String {
    let now = crate::clock::now().to_zoned(TimeZone::UTC);
    format!("r{}-{}", now.strftime("%Y%m%d-%H%M%S"), operation_id())
}

fn machine() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "somewhere".into())
}

/// Raises the interrupt on Ctrl-C, SIGTERM and SIGHUP, and when the command's time is over. A
/// second Ctrl-C ends the process at once: the account says what is left, `remuda resume` mends it.
pub(super) fn listen(interrupt: &Interrupt, timeout: Option<Duration>) {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = interrupt.clone();
    tokio::spawn(async move {
        let (Ok(mut int), Ok(mut term), Ok(mut hup)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        ) else {
            return;
        };
        let over = async {
            match timeout {
                Some(timeout) => crate::retry::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        let mut raised = false;
        loop {
            let reason = tokio::select! {
                _ = int.recv() => Reason::Interrupted,
                _ = term.recv() => Reason::Terminated,
                _ = hup.recv() => Reason::Terminated,
                () = &mut over, if !raised => Reason::OutOfTime(timeout.unwrap_or_default()),
            };
            if raised {
                end_now();
            }
            raised = true;
            interrupt.raise(reason);
        }
    });
}

#[expect(clippy::exit, reason = "a second Ctrl-C must end the process whatever it is doing")]
fn end_now() {
    std::process::exit(i32::from(crate::error::Kind::Interrupted.exit_code()));
}
