//! What a step may touch: the account, the candidate's host, the spec, and the facts so far.
//!
//! The one interface between steps and the world; it decides nothing.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Deref,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    boot,
    cloud::{Client, Droplet},
    error::{Error, Kind, Result},
    herd::{Herd, Member, Name, Scope, Version, lock::Fence},
    host::{Host, Target},
    probe,
    retry::Deadline,
    spec::{Loaded, Values},
};

/// Everything that the steps of one run reach: its surroundings, and the facts so far.
pub struct World {
    surroundings: Surroundings,
    facts: Mutex<Facts>,
}

impl Deref for World {
    type Target = Surroundings;

    fn deref(&self) -> &Surroundings {
        &self.surroundings
    }
}

/// What is settled before the first step.
pub struct Surroundings {
    /// The account.
    pub cloud: Client,
    /// The spec, and where it lies.
    pub spec: Arc<Loaded>,
    /// The app and environment.
    pub scope: Scope,
    /// The run's id.
    pub run: String,
    /// The version that the run is about.
    pub version: Version,
    /// The herd as it was under the lock, before the first step.
    pub herd: Herd,
    /// Asks whether the lock is still held.
    pub fence: Fence,
    /// The longest outage that is accepted.
    pub max_downtime: Duration,
    /// How long the public address is watched.
    pub watch_for: Duration,
    /// The folder for evidence bundles.
    pub evidence: PathBuf,
    /// Public keys that may log in to the candidate.
    pub authorized_keys: Vec<String>,
}

/// What steps have found out; the next ones stand on it.
#[derive(Default)]
struct Facts {
    subject: Option<Subject>,
    names_tried: Vec<String>,
    host: Option<Arc<Host>>,
    bundle: Option<Bundle>,
    watch: Option<Arc<probe::Watch>>,
    records: Vec<Name>,
    reached: Reached,
    traffic: Traffic,
}

/// The droplet that the run is about: the candidate of a release, the target of a rollback.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its public IPv4 address, once it has one.
    pub ipv4: Option<Ipv4Addr>,
    /// Its public IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// The injected host key's hex, until it has been replaced.
    pub born_key: Option<String>,
    /// The pinned host key's hex, once it is pinned.
    pub pinned_key: Option<String>,
}

/// The packed files of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The archive.
    pub path: PathBuf,
    /// Its BLAKE3 digest, which names it on the host.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// How far the candidate has come; decides whether a failure is worth a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// There may be a droplet.
    #[default]
    Nothing,
    /// One can log in.
    Login,
    /// cloud-init has ended well.
    Provisioned,
    /// The app was told to start.
    Started,
}

/// What the run has done to traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Traffic {
    /// It is where it was.
    #[default]
    Untouched,
    /// It is moving, or has moved, to the subject.
    Moved,
    /// It is back where it was.
    Returned,
    /// It could not be moved back.
    Unknown,
}

impl World {
    /// Makes the world of a run; `subject` is known beforehand in a rollback.
    pub fn new(surroundings: Surroundings, subject: Option<Subject>) -> Self {
        Self { surroundings, facts: Mutex::new(Facts { subject, ..Facts::default() }) }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the droplet that the run is about.
    ///
    /// # Errors
    /// When no step has made or found it yet, which a plan's order rules out.
    pub fn subject(&self) -> Result<Subject> {
        self.facts()
            .subject
            .clone()
            .ok_or_else(|| Error::new(Kind::Failed, "there is no droplet yet"))
    }

    /// Returns the droplet that the run is about, if there is one yet.
    pub fn subject_if_any(&self) -> Option<Subject> {
        self.facts().subject.clone()
    }

    /// Sets the droplet that the run is about.
    pub fn set_subject(&self, subject: Subject) {
        self.facts().subject = Some(subject);
    }

    /// Changes what is known of the droplet that the run is about.
    pub fn change_subject(&self, change: impl FnOnce(&mut Subject)) {
        if let Some(subject) = self.facts().subject.as_mut() {
            change(subject);
        }
    }

    /// Remembers a name before a droplet is asked for under it, for the undoing.
    pub fn will_try(&self, name: &str) {
        self.facts().names_tried.push(name.to_owned());
    }

    /// Returns the names under which droplets were asked for.
    pub fn names_tried(&self) -> Vec<String> {
        self.facts().names_tried.clone()
    }

    /// Keeps the session with the subject's host.
    pub fn set_host(&self, host: Arc<Host>) {
        self.facts().host = Some(host);
    }

    /// Returns the session with the subject's host, if there is one.
    pub fn host_if_any(&self) -> Option<Arc<Host>> {
        self.facts().host.clone()
    }

    /// Takes the session with the subject's host away.
    pub fn take_host(&self) -> Option<Arc<Host>> {
        self.facts().host.take()
    }

    /// Returns the session with the subject's host, connecting first where there is none.
    ///
    /// # Errors
    /// When the host cannot be reached, or shows another host key than the pinned one.
    pub async fn host(&self) -> Result<Arc<Host>> {
        if let Some(host) = self.host_if_any() {
            return Ok(host);
        }
        let subject = self.subject()?;
        let limit = self.spec.spec.limits.boot.0;
        let deadline = Deadline::after(limit, format!("a login to {}", subject.name));
        let host = Arc::new(Host::connect(&self.target(&subject, None)?, &deadline).await?);
        self.set_host(Arc::clone(&host));
        Ok(host)
    }

    /// Describes how to reach the subject by SSH: at its own address, or through `through`.
    ///
    /// # Errors
    /// When it has no address or no known host key.
    pub fn target(&self, subject: &Subject, through: Option<Ipv4Addr>) -> Result<Target> {
        subject.target(&self.spec, through)
    }

    /// Returns the values for templates in the spec.
    pub fn values(&self) -> Values {
        Values {
            version: self.version.to_string(),
            app: self.scope.app.clone(),
            env: self.scope.env.clone(),
            name: self.facts().subject.as_ref().map_or_else(String::new, |s| s.name.clone()),
        }
    }

    /// Keeps the packed files.
    pub fn set_bundle(&self, bundle: Bundle) {
        self.facts().bundle = Some(bundle);
    }

    /// Returns the packed files, if there are any.
    pub fn bundle(&self) -> Option<Bundle> {
        self.facts().bundle.clone()
    }

    /// Keeps the probe of the public address.
    pub fn set_watch(&self, watch: Arc<probe::Watch>) {
        self.facts().watch = Some(watch);
    }

    /// Returns the probe of the public address, while there is one.
    pub fn watch(&self) -> Option<Arc<probe::Watch>> {
        self.facts().watch.clone()
    }

    /// Takes the probe of the public address away.
    pub fn take_watch(&self) -> Option<Arc<probe::Watch>> {
        self.facts().watch.take()
    }

    /// Remembers the records of a name as they were before they were moved, for the way back.
    pub fn keep_records(&self, before: Name) {
        self.facts().records.push(before);
    }

    /// Returns what was remembered of records before they were moved.
    pub fn records_before(&self) -> Vec<Name> {
        self.facts().records.clone()
    }

    /// Notes how far the subject has come.
    pub fn reach(&self, reached: Reached) {
        let mut facts = self.facts();
        facts.reached = facts.reached.max(reached);
    }

    /// Returns how far the subject has come.
    pub fn reached(&self) -> Reached {
        self.facts().reached
    }

    /// Notes what has been done to traffic.
    pub fn set_traffic(&self, traffic: Traffic) {
        self.facts().traffic = traffic;
    }

    /// Returns what has been done to traffic.
    pub fn traffic(&self) -> Traffic {
        self.facts().traffic
    }
}

impl Subject {
    /// Takes what an API answer says about a droplet.
    pub fn of_droplet(scope: &Scope, droplet: &Droplet) -> Self {
        let marks = Member::read(scope, droplet);
        Self {
            id: droplet.id,
            name: droplet.name.clone(),
            ipv4: droplet.public_ipv4,
            ipv6: droplet.public_ipv6,
            born_key: marks.as_ref().and_then(|member| member.born_key.clone()),
            pinned_key: marks.and_then(|member| member.pinned_key),
        }
    }

    /// Takes what the herd says about a member.
    pub fn of_member(member: &Member) -> Self {
        Self {
            id: member.id,
            name: member.name.clone(),
            ipv4: member.ipv4,
            ipv6: member.ipv6,
            born_key: member.born_key.clone(),
            pinned_key: member.pinned_key.clone(),
        }
    }

    /// Describes how to reach it by SSH: at its own address, or through `through`.
    ///
    /// # Errors
    /// When it has no address or no known host key.
    pub fn target(&self, spec: &Loaded, through: Option<Ipv4Addr>) -> Result<Target> {
        let address = through.or(self.ipv4).ok_or_else(|| {
            Error::new(Kind::Failed, "the droplet has no public IPv4 address")
                .at("droplet", format!("{} ({})", self.name, self.id))
        })?;
        let mut keys = Vec::new();
        for hex in self.pinned_key.iter().chain(&self.born_key) {
            keys.push(boot::from_hex(hex)?);
        }
        if keys.is_empty() {
            return Err(Error::new(Kind::Failed, "no host key of the droplet is known")
                .at("droplet", format!("{} ({})", self.name, self.id))
                .hint("its `remuda-hostkey:` tag is gone; put it back, or destroy the droplet and release again"));
        }
        let ssh = &spec.spec.ssh;
        Ok(Target {
            name: self.name.clone(),
            address: IpAddr::V4(address),
            port: ssh.port,
            user: ssh.user.clone(),
            identity: ssh.identity.as_deref().map(|path| spec.path(path)),
            keys,
        })
    }
}
