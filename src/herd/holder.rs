//! Who holds a lock, and what for, as a tag says it; and whether that process still runs.

use super::names::{Scope, tag_field};

/// Who holds a lock, and what for. Every field is fit for a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// `release`, `rollback`, …
    pub verb: String,
    /// What it is about: a version with `_` for `.`, or a droplet's id.
    pub aim: String,
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub machine: String,
    /// The process.
    pub process: Process,
}

/// A process, told apart from every other of its machine, past and present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// This boot of this machine, and the process's view of it.
    pub boot: String,
    /// The process's id.
    pub id: u32,
    /// When it started, in the kernel's ticks.
    pub started: u64,
}

impl Process {
    /// Describes this process. Where the system does not tell, the lease alone decides.
    pub fn this() -> Self {
        let id = std::process::id();
        Self { boot: boot(), id, started: started(id).unwrap_or(0) }
    }

    /// Returns whether this process surely runs no more: it was of this boot of this machine and
    /// its id is free, or belongs to another process by now.
    pub fn is_surely_dead(&self) -> bool {
        self.boot != "-" && self.boot == boot() && started(self.id) != Some(self.started)
    }
}

fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let view = std::fs::read_link("/proc/self/ns/pid");
    match (id, view) {
        (Ok(id), Ok(view)) => {
            let seed = format!("{}{}", id.trim(), view.display());
            blake3::hash(seed.as_bytes()).to_hex().chars().take(12).collect()
        }
        _ => "-".into(),
    }
}

/// Reads field 22 of `/proc/<id>/stat`; the command's name before it may hold anything.
fn started(id: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    // a zombie holds its id but does nothing any more
    if fields.next() == Some("Z") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

impl Holder {
    /// Returns the tag that says so.
    pub fn tag(&self, scope: &Scope) -> String {
        let Process { boot, id, started } = &self.process;
        let words = [&self.run, &self.verb, &self.aim, &self.user, &self.machine]
            .map(|word| tag_field(word))
            .join(":");
        format!("{}{words}:{boot}:{id}:{started}", scope.lock_tag_prefix())
    }

    /// Reads the tag; `None` when it is none of this environment.
    pub fn parse(scope: &Scope, tag: &str) -> Option<Self> {
        let fields: Vec<&str> = tag.strip_prefix(&scope.lock_tag_prefix())?.split(':').collect();
        let [run, verb, aim, user, machine, boot, id, started] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            run: (*run).into(),
            verb: (*verb).into(),
            aim: (*aim).into(),
            user: (*user).into(),
            machine: (*machine).into(),
            process: Process {
                boot: (*boot).into(),
                id: id.parse().ok()?,
                started: started.parse().ok()?,
            },
        })
    }

    /// Says who it is, for people.
    pub fn describe(&self) -> String {
        let Self { run, verb, user, machine, process, .. } = self;
        format!("{user}@{machine} (process {}), running `{verb}` as {run}", process.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope { app: "blog".into(), env: "production".into() }
    }

    #[test]
    fn a_holder_survives_its_tag() {
        let holder = Holder {
            run: "r1121-0230-7f3k".into(),
            verb: "release".into(),
            aim: "v1_4_0".into(),
            user: "ada".into(),
            machine: "laptop".into(),
            process: Process { boot: "0123456789ab".into(), id: 41, started: 123_456 },
        };
        let tag = holder.tag(&scope());
        assert!(tag.len() <= 255);
        assert_eq!(Holder::parse(&scope(), &tag), Some(holder));
    }

    #[test]
    fn this_process_is_alive_and_a_reused_id_is_not() {
        let this = Process::this();
        assert!(!this.is_surely_dead());
        assert!(Process { started: this.started + 1, ..this.clone() }.is_surely_dead());
        assert!(!Process { boot: "elsewhere".into(), ..this }.is_surely_dead());
    }
}
