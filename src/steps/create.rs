//! Creates the candidate under a name of its own; takes it back by destroying or quarantining it.

use serde::Serialize;

use super::{
    cutover, evidence, hook,
    retire::destroy,
    world::{Reached, Subject, World},
};
use crate::{
    boot,
    cloud::{Class, Droplet, NewDroplet, class_of},
    error::{Error, Kind, Result},
    herd::{Mark, names::operation_id},
    retry::Deadline,
    run::{Done, Progress},
    secret::ExposeSecret as _,
};

/// How often a droplet that vanished while it was created is asked for anew.
const ATTEMPTS: u32 = 3;

/// Creates the droplet, or goes on with one that an earlier run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Create {
    /// The new droplet's name.
    pub name: String,
    /// Its size.
    pub size: String,
    /// Its image.
    pub image: String,
    /// Its region.
    pub region: String,
    /// SSH keys of the account that root accepts, as ids or fingerprints.
    pub ssh_keys: Vec<String>,
    /// The droplet of an earlier run to go on with.
    pub adopt: Option<u64>,
    /// Whether a failed candidate is kept for a look.
    pub quarantine: bool,
}

impl Create {
    pub(super) fn title(&self) -> String {
        match self.adopt {
            Some(id) => format!("go on with droplet {id}"),
            None => {
                format!("create {} ({}, {}, {})", self.name, self.size, self.image, self.region)
            }
        }
    }

    pub(super) async fn run(&self, world: &World, progress: &Progress) -> Result<Done> {
        let limit = world.spec.spec.limits.create.0;
        if let Some(id) = self.adopt {
            let found = world.cloud.droplet(id).await?;
            let droplet = found.ok_or_else(|| gone(id))?;
            world.set_subject(Subject::of_droplet(&world.scope, &droplet));
            return Ok(Done::saying(format!("{} from an earlier run", droplet.name)));
        }
        let deadline = Deadline::after(limit, format!("droplet {} to be created", self.name));
        let mut name = self.name.clone();
        for attempt in 1.. {
            let (asked, key) = self.describe(world, &name)?;
            world.will_try(&name);
            let created = world.cloud.create_droplet(&asked, &deadline).await?;
            // tags are applied after the create, so the reply may lack them
            world.set_subject(Subject {
                born_key: Some(key),
                ..Subject::of_droplet(&world.scope, &created.droplet)
            });
            let say = |text: &str| progress.say(text);
            match world.cloud.await_active(created.droplet.id, &deadline, &say).await {
                Ok(droplet) => {
                    settle(world, &droplet);
                    return Ok(Done::saying(describe(&droplet)));
                }
                Err(error) if class_of(&error) == Some(Class::Vanished) && attempt < ATTEMPTS => {
                    progress.warn(format!("droplet {name} vanished while it was created: {error}"));
                    name = world.scope.droplet_name(&world.version, &operation_id());
                }
                Err(error) => return Err(error),
            }
        }
        Err(deadline.error())
    }

    fn describe(&self, world: &World, name: &str) -> Result<(NewDroplet, String)> {
        let spec = &world.spec.spec.droplet;
        let key = boot::HostKey::generate()?;
        let birth = boot::Birth {
            version: world.version.as_str(),
            name,
            host_key: &key,
            authorized_keys: &world.authorized_keys,
        };
        let user_data = boot::render(&world.spec, &birth)?;
        let mut tags = vec![
            world.scope.tag(),
            Mark::Version(world.version.clone()).to_string(),
            Mark::BornKey(key.hex()).to_string(),
            Mark::Spec(world.spec.digest()).to_string(),
        ];
        tags.extend(spec.tags.iter().cloned());
        let asked = NewDroplet {
            name: name.to_owned(),
            region: self.region.clone(),
            size: self.size.clone(),
            image: self.image.clone(),
            ssh_keys: self.ssh_keys.clone(),
            user_data: Some(user_data.text().expose_secret().to_owned()),
            tags,
            ipv6: spec.ipv6,
            monitoring: spec.monitoring,
            vpc_uuid: spec.vpc_uuid.clone(),
            volumes: Vec::new(),
        };
        Ok((asked, key.hex()))
    }

    /// Destroys what was created, or keeps it in quarantine where a look at it can tell something.
    ///
    /// Also finds a droplet whose creation was cut short before its id was known. Never touches
    /// the droplet that holds the reserved IP.
    pub(super) async fn undo(&self, world: &World, progress: &Progress) -> Result<Done> {
        let mut ids: Vec<u64> = world.subject_if_any().iter().map(|subject| subject.id).collect();
        for name in world.names_tried() {
            for droplet in world.cloud.droplets_named(&name).await? {
                if !ids.contains(&droplet.id) {
                    ids.push(droplet.id);
                }
            }
        }
        let subject = world.subject_if_any();
        let worth_a_look = self.quarantine && world.reached() >= Reached::Login;
        let mut notes = Vec::new();
        for id in ids {
            let is_subject = subject.as_ref().is_some_and(|subject| subject.id == id);
            if is_subject && worth_a_look {
                notes.push(quarantine(world, progress).await?);
            } else {
                destroy(world, id).await?;
                notes.push(format!("destroyed droplet {id}"));
            }
        }
        if notes.is_empty() {
            notes.push("no droplet was created".into());
        }
        Ok(Done::saying(notes.join(", ")))
    }
}

/// Marks the subject as failed and gathers what can be learned from it.
async fn quarantine(world: &World, progress: &Progress) -> Result<String> {
    cutover::quarantine(world).await?;
    if let Err(error) = hook::all(&world.spec.spec.hooks.on_failure, world, progress).await {
        progress.warn(format!("an on_failure hook failed: {error}"));
    }
    let bundle = evidence::gather(world, progress).await;
    let name = world.subject()?.name;
    Ok(match bundle {
        Ok(path) => format!("quarantined {name}, evidence in {}", path.display()),
        Err(error) => format!("quarantined {name}, no evidence ({error})"),
    })
}

/// Takes the address and keys that an API answer shows, without losing what is known already.
fn settle(world: &World, droplet: &Droplet) {
    let fresh = Subject::of_droplet(&world.scope, droplet);
    world.change_subject(|subject| {
        subject.ipv4 = fresh.ipv4;
        subject.ipv6 = fresh.ipv6;
        subject.pinned_key = fresh.pinned_key.or(subject.pinned_key.take());
        subject.born_key = fresh.born_key.or(subject.born_key.take());
    });
}

fn describe(droplet: &Droplet) -> String {
    let address = droplet.public_ipv4.map_or_else(String::new, |ip| format!(" at {ip}"));
    format!("droplet {}{address}", droplet.id)
}

fn gone(id: u64) -> Error {
    Error::new(Kind::Failed, "the droplet of the earlier run is gone")
        .at("droplet", id)
        .hint("run the same command again: it will create a new one")
}
