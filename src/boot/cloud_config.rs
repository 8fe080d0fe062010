//! Whether a document is cloud-config that cloud-init would take.
//!
//! Knows cloud-init's keys, and the types of those that a droplet's birth depends on. Unknown keys
//! are warnings: cloud-init has more of them with each release.

use crate::spec::{
    finding::Finding,
    nearest,
    scalar::Plain,
    tree::{Kind, Node},
};

/// The first line of cloud-config.
pub(super) const HEADER: &str = "#cloud-config";

/// The top-level keys of cloud-init's modules.
const KEYS: &str = "allow_public_ssh_keys ansible apk_repos apt apt_pipelining \
    apt_reboot_if_required apt_update apt_upgrade authkey_hash autoinstall bootcmd \
    byobu_by_default ca-certs ca_certs chef chpasswd cloud_config_modules cloud_final_modules \
    cloud_init_modules create_hostname_file device_aliases disable_ec2_metadata disable_root \
    disable_root_opts disk_setup drivers fan final_message fqdn fs_setup groups growpart grub-dpkg \
    grub_dpkg hostname keyboard landscape launch-index locale locale_configfile lxd \
    manage_etc_hosts manage_resolv_conf mcollective merge_how merge_type migrate \
    mount_default_fields mounts no_ssh_fingerprints ntp output package_reboot_if_required \
    package_update package_upgrade packages password phone_home power_state \
    prefer_fqdn_over_hostname preserve_hostname puppet random_seed reporting resize_rootfs \
    resolv_conf rh_subscription rpi rsyslog runcmd salt_minion snap spacewalk ssh \
    ssh_authorized_keys ssh_deletekeys ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id \
    ssh_key_console_blacklist ssh_keys ssh_publish_hostkeys ssh_pwauth ssh_quiet_keygen swap \
    system_info timezone ubuntu_advantage ubuntu_pro updates user users vendor_data version \
    wireguard write_files yum_repo_dir yum_repos zypper";

/// Judges a document: what is wrong, and what is only strange.
pub(super) fn judge(text: &str, root: &Node) -> (Vec<Finding>, Vec<String>) {
    let (mut wrong, mut strange) = (Vec::new(), Vec::new());
    if text.lines().next().map(str::trim_end) != Some(HEADER) {
        let first = root.place.source.text.lines().next().unwrap_or_default().len();
        let place = crate::spec::source::Place::new(&root.place.source, 0..first);
        wrong.push(Finding::at(&place, format!("cloud-config begins with the line `{HEADER}`")));
    }
    if !matches!(root.kind, Kind::Map(_)) {
        let what = format!("cloud-config is a mapping, this is {}", root.noun());
        wrong.push(Finding::at(&root.place, what));
        return (wrong, strange);
    }
    for entry in root.entries() {
        let key = &*entry.key;
        match key {
            "ssh_keys" => {
                let what = "`ssh_keys` is remuda's: it gives each droplet a host key of its own";
                wrong.push(Finding::at(&entry.place, what).hint("remove it"));
            }
            "ssh_deletekeys" if entry.value.plain() != Some(Plain::Bool(true)) => {
                let what = "`ssh_deletekeys` must be true: the image's host keys are no secret";
                wrong.push(Finding::at(&entry.place, what).hint("remove it"));
            }
            "write_files" => files(&entry.value, &mut wrong),
            "users" => users(&entry.value, &mut wrong),
            "runcmd" | "bootcmd" => commands(key, &entry.value, &mut wrong),
            "packages" => each(key, &entry.value, &mut wrong, |item, wrong| {
                if item.plain() != Some(Plain::Text)
                    && !matches!(item.kind, Kind::List(_) | Kind::Map(_))
                {
                    wrong.push(Finding::at(
                        &item.place,
                        format!("a package is text, this is {}", item.noun()),
                    ));
                }
            }),
            "ssh_authorized_keys" => texts(key, &entry.value, &mut wrong),
            "hostname" | "fqdn" | "timezone" | "locale" => {
                is_text(key, Some(&entry.value), &mut wrong);
            }
            _ if !KEYS.split(' ').any(|known| known == key) => {
                let near = nearest(key, KEYS.split(' '));
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                strange.push(format!("cloud-init knows no key `{key}`{near}"));
            }
            _ => {}
        }
    }
    (wrong, strange)
}

fn each(
    key: &str,
    node: &Node,
    wrong: &mut Vec<Finding>,
    mut judge: impl FnMut(&Node, &mut Vec<Finding>),
) {
    if matches!(node.kind, Kind::List(_)) {
        for item in node.items() {
            judge(item, wrong);
        }
    } else if !node.is_null() {
        wrong.push(Finding::at(&node.place, format!("`{key}` is a list, this is {}", node.noun())));
    }
}

fn is_text(key: &str, node: Option<&Node>, wrong: &mut Vec<Finding>) {
    if let Some(node) = node
        && node.plain() != Some(Plain::Text)
    {
        let what = format!("`{key}` is text, this is {}", node.noun());
        wrong.push(Finding::at(&node.place, what).hint("quote it"));
    }
}

fn texts(key: &str, node: &Node, wrong: &mut Vec<Finding>) {
    each(key, node, wrong, |item, wrong| {
        if item.plain() != Some(Plain::Text) {
            let what = format!("`{key}` is a list of texts, this is {}", item.noun());
            wrong.push(Finding::at(&item.place, what));
        }
    });
}

fn commands(key: &str, node: &Node, wrong: &mut Vec<Finding>) {
    each(key, node, wrong, |command, wrong| match &command.kind {
        Kind::List(words) => {
            for word in words.iter().filter(|word| word.text().is_none()) {
                let what = format!("a word of a command is text, this is {}", word.noun());
                wrong.push(Finding::at(&word.place, what));
            }
        }
        _ if command.plain() == Some(Plain::Text) => {}
        _ => {
            // `- echo a: b` is a mapping to YAML, and cloud-init skips it.
            let what = format!("a command is text or a list of words, this is {}", command.noun());
            wrong.push(
                Finding::at(&command.place, what).hint("quote it, or write it as a block (|)"),
            );
        }
    });
}

fn files(node: &Node, wrong: &mut Vec<Finding>) {
    each("write_files", node, wrong, |file, wrong| {
        let Some(path) = file.get("path") else {
            wrong.push(Finding::at(&file.place, "a file of `write_files` needs a `path`"));
            return;
        };
        match path.text() {
            Some(text) if text.starts_with('/') => {}
            _ => wrong.push(Finding::at(&path.place, "a `path` of `write_files` begins with /")),
        }
        for key in ["content", "owner", "permissions", "encoding"] {
            is_text(key, file.get(key), wrong);
        }
    });
}

fn users(node: &Node, wrong: &mut Vec<Finding>) {
    each("users", node, wrong, |user, wrong| {
        let is_default = user.text() == Some("default");
        match user.get("name") {
            _ if is_default => {}
            None => wrong.push(Finding::at(&user.place, "a user needs a `name`")),
            name => is_text("name", name, wrong),
        }
        if let Some(keys) = user.get("ssh_authorized_keys") {
            texts("ssh_authorized_keys", keys, wrong);
        }
        for key in ["shell", "homedir", "gecos", "primary_group"] {
            is_text(key, user.get(key), wrong);
        }
    });
}
