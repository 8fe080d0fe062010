//! As much of cloud-init as a simulated droplet has; what it does not do, it says.
//!
//! Honoured: `write_files`, `users`, `groups`, `runcmd`, `bootcmd`, `ssh_keys`, `ssh_deletekeys`,
//! `ssh_authorized_keys`, `disable_root`, `hostname`, `fqdn`; `packages` and its kin are recorded
//! and not installed. The order is cloud-init's own, and so are its files and exit codes.

mod accounts;
mod files;
mod journal;
mod keys;
mod scripts;
mod userdata;
mod verdict;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use serde_json::{Map, Value};

pub(super) use verdict::command;

use super::{seed::Seed, ssh, system::System};
use journal::Journal;
use userdata::UserData;

/// The instance's directory, as cloud-init names it.
const INSTANCE: &str = "/var/lib/cloud/instance";
/// Where the id of the last boot's instance is kept.
const INSTANCE_ID: &str = "/var/lib/cloud/data/instance-id";

/// Keys that need nothing to be done here, or whose doing is only recorded.
const ACCEPTED: [&str; 8] = [
    "merge_how",
    "package_reboot_if_required",
    "package_update",
    "package_upgrade",
    "packages",
    "preserve_hostname",
    "ssh_pwauth",
    "ssh_quiet_keygen",
];
/// Keys that are done.
const HONOURED: [&str; 11] = [
    "bootcmd",
    "disable_root",
    "fqdn",
    "groups",
    "hostname",
    "runcmd",
    "ssh_authorized_keys",
    "ssh_deletekeys",
    "ssh_keys",
    "users",
    "write_files",
];

/// A boot that has begun.
pub(super) struct Boot {
    system: Arc<System>,
    journal: Arc<Journal>,
    config: Map<String, Value>,
    script: Option<Vec<u8>>,
    id: u64,
    first: bool,
}

impl Boot {
    /// Does what comes before a host accepts logins: identity, keys, files, users.
    pub(super) async fn start(system: Arc<System>, seed: &Seed) -> Self {
        let journal = Arc::new(Journal::open());
        let id = seed.id.to_string();
        let first = fs::read_to_string(INSTANCE_ID).unwrap_or_default().trim() != id;
        if first {
            begin_instance(&journal, &id, &seed.user_data());
        }
        let mut boot =
            Self { system, journal, config: Map::new(), script: None, id: seed.id, first };
        let kept = fs::read(Path::new(INSTANCE).join("user-data.txt")).unwrap_or_default();
        match userdata::read(&kept) {
            UserData::Nothing => {}
            UserData::Config(config) => boot.config = config,
            UserData::Script(script) => boot.script = Some(script),
            UserData::NotRun(why) => boot.journal.warn(&why),
        }
        boot.journal.stage("init");
        boot.name(&seed.hostname);
        if let Some(commands) = boot.config.get("bootcmd") {
            scripts::bootcmd(&boot.system, &boot.journal, &id, commands).await;
        }
        if boot.first {
            boot.report_unknown();
            files::write(&boot.journal, boot.config.get("write_files"), false, boot.system.many);
            accounts::create(&boot.journal, &boot.config, boot.system.many);
            keys::install(&boot.journal, &boot.config, &seed.ssh_keys);
        }
        if let Err(error) = ssh::ensure_host_key() {
            boot.journal.error(&format!("cannot make a host key: {error}"));
        }
        boot
    }

    /// Does the rest: packages are recorded, commands run, the result is written.
    pub(super) async fn finish(self) {
        self.journal.stage("modules-final");
        if self.first {
            scripts::packages(&self.journal, &self.config);
            files::write(&self.journal, self.config.get("write_files"), true, self.system.many);
            scripts::run_once(
                &self.system,
                &self.journal,
                &self.id.to_string(),
                self.config.get("runcmd"),
                self.script.as_deref(),
            )
            .await;
            self.journal.keep();
        }
        self.journal.finish();
    }

    /// Gives the host its name.
    fn name(&self, given: &str) {
        let text = |key: &str| self.config.get(key).and_then(Value::as_str);
        let name = text("hostname").or(text("fqdn")).unwrap_or(given);
        let short = name.split('.').next().filter(|name| !name.is_empty()).unwrap_or("droplet");
        if self.first || !Path::new("/etc/hostname").exists() {
            let _ = fs::write("/etc/hostname", format!("{short}\n"));
            let names = if name == short { short.to_owned() } else { format!("{name} {short}") };
            let hosts = format!(
                "127.0.1.1 {names}\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
            );
            let _ = fs::write("/etc/hosts", hosts);
        }
        let kept = fs::read_to_string("/etc/hostname").unwrap_or_default();
        let kept = kept.trim();
        self.system.name(if kept.is_empty() { short } else { kept });
    }

    fn report_unknown(&self) {
        for key in self.config.keys() {
            if !HONOURED.contains(&key.as_str()) && !ACCEPTED.contains(&key.as_str()) {
                self.journal.warn(&format!("the simulator does not run the key `{key}`"));
            }
        }
    }
}

/// Makes a fresh instance, as the first boot of a droplet does, one born from a snapshot too.
fn begin_instance(journal: &Journal, id: &str, user_data: &[u8]) {
    let _ = fs::remove_dir_all(INSTANCE);
    let dir = Path::new(INSTANCE);
    let kept = dir.join("user-data.txt");
    let made = fs::create_dir_all(dir.join("scripts"))
        .and_then(|()| fs::write(&kept, []))
        .and_then(|()| fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)))
        .and_then(|()| fs::write(&kept, user_data))
        .and_then(|()| fs::create_dir_all("/var/lib/cloud/data"))
        .and_then(|()| fs::write(INSTANCE_ID, format!("{id}\n")));
    if let Err(error) = made {
        journal.error(&format!("cannot write under {INSTANCE}: {error}"));
    }
}
