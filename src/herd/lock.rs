//! One writer: an environment's lock, held in the account.
//!
//! A cloud firewall's name is unique, so creating `remuda-lock.<app>.<env>` is an atomic
//! test-and-set. The firewall filters nothing (it is attached to no droplet). A tag on it says
//! who holds it and what for; the lease is the Unix second of its end, written as the address of
//! its one inert rule, so that a heartbeat is a single request and leaves no tags behind.
//! docs/decisions/0003 has the reasons.

use std::{net::Ipv6Addr, time::Duration};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::{holder::Holder, names::Scope};
use crate::{
    cloud::{Client, CreateFirewall, Firewall, FirewallRule, NewFirewall},
    error::{Error, Kind, Result},
    interrupt::{Interrupt, Reason},
    retry::{self, Deadline},
};

/// How long a lease lasts.
const LEASE: Duration = Duration::from_mins(2);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How far the clocks of the API's front ends may be apart.
const SLACK: Duration = Duration::from_secs(5);
/// How long a list may lag behind the refusal of a second lock.
const LAG: Duration = Duration::from_mins(1);
/// `fd` + "remuda" in ASCII + `1`: a unique local prefix that spells who wrote it.
const PREFIX: [u16; 4] = [0xfd72, 0x656d, 0x7564, 0x6101];

/// A lock as the account shows it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The firewall's id.
    pub id: String,
    /// Who holds it; `None` when its tag is gone.
    pub holder: Option<Holder>,
    /// The tag, for its removal.
    pub tags: Vec<String>,
    /// When the lease ends.
    pub until: Option<Timestamp>,
}

impl Seen {
    /// Reads a firewall of this environment's lock name.
    pub fn read(scope: &Scope, firewall: &Firewall) -> Self {
        let until = firewall
            .inbound
            .iter()
            .flat_map(|rule| &rule.addresses)
            .find_map(|address| lease_end(address));
        Self {
            id: firewall.id.clone(),
            holder: firewall.tags.iter().find_map(|tag| Holder::parse(scope, tag)),
            tags: firewall.tags.clone(),
            until,
        }
    }

    /// Returns whether nobody holds it any more: its process is dead, or its lease is over.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let dead = self.holder.as_ref().is_some_and(|holder| holder.process.is_surely_dead());
        let over = self.until.is_none_or(|until| {
            now.as_second() > until.as_second() + i64::try_from(SLACK.as_secs()).unwrap_or(5)
        });
        dead || over
    }

    /// Says who holds it, for people.
    pub fn describe(&self) -> String {
        self.holder.as_ref().map_or_else(|| "an unknown run".into(), Holder::describe)
    }
}

fn lease_address(until: Timestamp) -> String {
    let [a, b, c, d] = PREFIX;
    let seconds = u64::try_from(until.as_second()).unwrap_or(0);
    let part = |shift: u32| u16::try_from(seconds >> shift & 0xffff).unwrap_or(0);
    Ipv6Addr::new(a, b, c, d, 0, part(32), part(16), part(0)).to_string()
}

fn lease_end(address: &str) -> Option<Timestamp> {
    let bare = address.split('/').next()?;
    let segments = bare.parse::<Ipv6Addr>().ok()?.segments();
    let [a, b, c, d, _, top, high, low] = segments;
    let seconds = (i64::from(top) << 32) | (i64::from(high) << 16) | i64::from(low);
    ([a, b, c, d] == PREFIX).then(|| Timestamp::from_second(seconds).ok()).flatten()
}

/// The lock of an environment, held by this process. Give it back with [`Lock::release`].
#[derive(Debug)]
pub struct Lock {
    cloud: Client,
    id: String,
    tag: String,
    heart: JoinHandle<()>,
    predecessor: Option<Holder>,
}

impl Lock {
    /// Looks at the lock without taking it.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn look(cloud: &Client, scope: &Scope) -> Result<Option<Seen>> {
        let name = scope.lock_name();
        let all = cloud.firewalls().await?;
        Ok(all.iter().find(|one| one.name == name).map(|one| Seen::read(scope, one)))
    }

    /// Takes the lock, breaking one whose holder is dead or whose lease is over; waits for a
    /// living holder at most `wait`.
    ///
    /// # Errors
    /// [`Kind::Locked`] naming the holder; otherwise whatever the API says.
    pub async fn take(
        cloud: &Client,
        scope: &Scope,
        holder: &Holder,
        wait: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let tag = holder.tag(scope);
        let deadline = Deadline::after(wait, format!("the lock of {scope}"));
        let lag = Deadline::after(LAG, format!("the lock of {scope} to be seen in the account"));
        // whoever waits here is in no hurry, and each try is two requests
        let mut pauses = retry::polls_expecting(LEASE, retry::LATENESS);
        let mut predecessor = None;
        cloud.create_tag(&tag).await?;
        loop {
            let wanted = firewall(scope, &tag, end_of_lease(cloud));
            let mine = |firewall: &Firewall| firewall.tags.contains(&tag);
            if let CreateFirewall::Created(made) = cloud.create_firewall(&wanted, &mine).await? {
                let heart = beat(cloud.clone(), scope.clone(), made.id.clone(), &tag, interrupt);
                return Ok(Self { cloud: cloud.clone(), id: made.id, tag, heart, predecessor });
            }
            let Some(seen) = Self::look(cloud, scope).await? else {
                // given back this very moment, or a list that lags
                lag.pause(Duration::from_millis(500)).await?;
                continue;
            };
            if seen.is_stale(server_now(cloud)) {
                break_lock(cloud, &seen).await?;
                predecessor = seen.holder.or(predecessor);
                continue;
            }
            let pause = pauses.next().unwrap_or(LEASE);
            if deadline.pause(pause).await.is_err() || interrupt.raised().is_some() {
                cloud.delete_tag(&tag).await?;
                return Err(held(scope, &seen));
            }
        }
    }

    /// Returns whose stale lock was broken on the way, if one was: the run to finish.
    pub fn predecessor(&self) -> Option<&Holder> {
        self.predecessor.as_ref()
    }

    /// Makes sure, by asking the account, that the lock is still held.
    ///
    /// # Errors
    /// [`Kind::Locked`] when it is not.
    pub async fn assert_held(&self) -> Result<()> {
        assert_held(&self.cloud, &self.id, &self.tag).await
    }

    /// Returns a closure-free copy of what [`Lock::assert_held`] needs.
    pub fn fence(&self) -> Fence {
        Fence { cloud: self.cloud.clone(), id: self.id.clone(), tag: self.tag.clone() }
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// When the API refuses; the lease then ends by itself.
    pub async fn release(self) -> Result<()> {
        self.heart.abort();
        self.cloud.delete_firewall(&self.id).await?;
        self.cloud.delete_tag(&self.tag).await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// A question that a step may ask before it moves traffic: is the lock still ours?
#[derive(Debug, Clone)]
pub struct Fence {
    cloud: Client,
    id: String,
    tag: String,
}

impl Fence {
    /// Makes sure, by asking the account, that the lock is still held.
    ///
    /// # Errors
    /// [`Kind::Locked`] when it is not.
    pub async fn assert_held(&self) -> Result<()> {
        assert_held(&self.cloud, &self.id, &self.tag).await
    }
}

/// Breaks a stale lock: by the id that was seen, so that a fresh one is never hit.
///
/// # Errors
/// When the API refuses.
pub async fn break_lock(cloud: &Client, seen: &Seen) -> Result<()> {
    cloud.delete_firewall(&seen.id).await?;
    for tag in &seen.tags {
        cloud.delete_tag(tag).await?;
    }
    Ok(())
}

async fn assert_held(cloud: &Client, id: &str, tag: &str) -> Result<()> {
    let held = cloud.firewall(id).await?.is_some_and(|found| found.tags.iter().any(|t| t == tag));
    if held { Ok(()) } else { Err(Reason::LockLost("another run broke it".into()).error()) }
}

fn held(scope: &Scope, seen: &Seen) -> Error {
    let mut error = Error::new(Kind::Locked, format!("{scope} is locked by {}", seen.describe()))
        .at("firewall", scope.lock_name())
        .hint("wait for it with `--lock-wait 10m`");
    if let Some(until) = seen.until {
        error = error.at("lease until", until);
    }
    error
}

fn server_now(cloud: &Client) -> Timestamp {
    cloud.server_time().unwrap_or_else(crate::clock::now)
}

fn end_of_lease(cloud: &Client) -> Timestamp {
    let now = server_now(cloud);
    now.checked_add(LEASE).unwrap_or(now)
}

fn firewall(scope: &Scope, tag: &str, until: Timestamp) -> NewFirewall {
    NewFirewall {
        name: scope.lock_name(),
        tags: vec![tag.to_owned()],
        inbound: vec![FirewallRule {
            protocol: "tcp".into(),
            ports: "1".into(),
            addresses: vec![lease_address(until)],
            ..FirewallRule::default()
        }],
        ..NewFirewall::default()
    }
}

/// Renews the lease until aborted; raises the interrupt when the lock is gone or the lease ran
/// out unrenewed.
fn beat(
    cloud: Client,
    scope: Scope,
    id: String,
    tag: &str,
    interrupt: &Interrupt,
) -> JoinHandle<()> {
    let (tag, interrupt) = (tag.to_owned(), interrupt.clone());
    tokio::spawn(async move {
        let mut renewed = Deadline::after(LEASE, "the lease");
        loop {
            retry::sleep(HEARTBEAT).await;
            let wanted = firewall(&scope, &tag, end_of_lease(&cloud));
            match cloud.update_firewall(&id, &wanted).await {
                Ok(Some(_)) => renewed = Deadline::after(LEASE, "the lease"),
                Ok(None) => {
                    interrupt.raise(Reason::LockLost("another run broke it".into()));
                    return;
                }
                Err(error) if renewed.passed() => {
                    interrupt.raise(Reason::LockLost(error.to_string()));
                    return;
                }
                Err(_) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_survives_its_address() {
        for seconds in [0, 1_795_000_000, 0x1_2345_6789] {
            let until = Timestamp::from_second(seconds).unwrap();
            assert_eq!(lease_end(&lease_address(until)), Some(until));
            assert_eq!(lease_end(&format!("{}/128", lease_address(until))), Some(until));
        }
        assert_eq!(lease_end("10.0.0.0/8"), None);
        assert_eq!(lease_end("::"), None);
    }
}
