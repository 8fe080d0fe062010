//! The scripts that replace a host key, run by local shells on a made-up droplet.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::*;

#[test]
fn only_a_key_is_taken_for_a_key() {
    let line = "ssh-ed25519 \
                AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    assert_eq!(public_line(&format!("x\n{line} root@host\nforgotten\n")).unwrap(), line);
    assert!(public_line("").is_err());
    assert!(public_line("ssh-ed25519 AAAA").is_err());
}

const INJECTED: &str = "etc/ssh/ssh_host_ed25519_key";

/// A temporary directory, in memory where that is possible: shredding waits for the disk.
fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A directory that looks like a droplet after its first boot.
fn droplet() -> tempfile::TempDir {
    let root = memory();
    let put = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("etc/ssh/sshd_config", "");
    for kind in ["ed25519", "ecdsa"] {
        let file = root.path().join(format!("etc/ssh/ssh_host_{kind}_key"));
        run(&mut shell("sh", &format!("ssh-keygen -q -t {kind} -N '' -f {}", file.display())));
    }
    let private = fs::read_to_string(root.path().join(INJECTED)).unwrap();
    let indented = private.replace('\n', "\n    ");
    let config = format!("#cloud-config\nssh_keys:\n  ed25519_private: |\n    {indented}\nx: y\n");
    put("var/lib/cloud/instances/i-1/user-data.txt", &config);
    put("var/lib/cloud/instances/i-1/cloud-config.txt", &config);
    put("var/lib/cloud/instances/i-1/obj.pkl", &format!("\u{1}\0{private}"));
    put("var/lib/cloud/instances/i-1/scripts/other", "nothing secret");
    let json = format!("{{\"a\": \"{}\", \"b\": 1}}\n", private.replace('\n', "\\n"));
    put("run/cloud-init/combined-cloud-config.json", &json);
    put("run/cloud-init/result.json", "{}");
    root
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

#[expect(clippy::disallowed_methods, reason = "the scripts are proved against real tools")]
fn shell(name: &str, script: &str) -> Command {
    let mut command = Command::new(name);
    command.args(["-c", script]);
    command
}

fn root_of(dir: &tempfile::TempDir) -> String {
    dir.path().to_str().unwrap().to_owned()
}

fn do_make(root: &str) -> String {
    let output = run(&mut shell("sh", &make(root)));
    public_line(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

fn do_activate(root: &str) -> (String, bool) {
    let output = String::from_utf8(run(&mut shell("sh", &activate(root))).stdout).unwrap();
    (public_line(&output).unwrap(), output.ends_with("forgotten\n"))
}

/// The public half of the key in use, as its private half says.
fn live(root: &str) -> String {
    let output = run(&mut shell("sh", &format!("ssh-keygen -y -f {root}/{INJECTED}")));
    public_line(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

fn private_keys_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(private_keys_below(&entry.path()));
        } else if String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).contains("PRIVATE") {
            found.push(entry.path());
        }
    }
    found
}

fn assert_settled(root: &str, key: &str) {
    assert_eq!(live(root), key);
    let path = |name: &str| Path::new(root).join(name);
    let public = fs::read_to_string(path("etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
    assert_eq!(public_line(&public).unwrap(), key);
    assert_eq!(private_keys_below(Path::new(root)), [path(INJECTED)]);
    let mut names: Vec<_> = fs::read_dir(path("etc/ssh"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "sshd_config"]);
    let mode = |name| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(INJECTED), 0o600);
    assert_eq!(mode("etc/ssh/ssh_host_ed25519_key.pub"), 0o644);
}

#[test]
fn the_injected_key_is_replaced_and_forgotten() {
    let dir = droplet();
    let root = root_of(&dir);
    let injected = live(&root);
    let made = do_make(&root);
    assert_eq!(do_make(&root), made, "a pending key is made once");
    assert_eq!(live(&root), injected, "a pending key is not in use");
    for _ in 0..2 {
        assert_eq!(do_activate(&root), (made.clone(), true));
        assert_settled(&root, &made);
    }
    let read = |path: &str| fs::read_to_string(dir.path().join(path)).unwrap();
    let config = read("var/lib/cloud/instances/i-1/cloud-config.txt");
    assert!(config.contains("ed25519_private") && config.contains("x: y"), "{config}");
    let json = read("run/cloud-init/combined-cloud-config.json");
    assert_eq!(json, "{\"a\": \"removed by remuda\\n\", \"b\": 1}\n");
    assert_eq!(read("var/lib/cloud/instances/i-1/scripts/other"), "nothing secret");
    assert_ne!(do_make(&root), made, "the next key is another");
}

#[test]
fn cloud_init_that_still_works_is_left_alone() {
    let dir = droplet();
    let root = root_of(&dir);
    fs::remove_file(dir.path().join("run/cloud-init/result.json")).unwrap();
    let made = do_make(&root);
    assert_eq!(do_activate(&root), (made.clone(), false));
    assert_eq!(live(&root), made);
    assert!(dir.path().join("var/lib/cloud/instances/i-1/obj.pkl").exists());
    fs::write(dir.path().join("run/cloud-init/result.json"), "{}").unwrap();
    assert_eq!(do_activate(&root), (made.clone(), true));
    assert_settled(&root, &made);
}

/// Kills both scripts before their first, second, third … command, until one runs through.
#[test]
fn being_cut_off_anywhere_does_no_harm() {
    if !Path::new("/bin/bash").exists() {
        eprintln!("not run: there is no bash to count commands with");
        return;
    }
    let cut = |script: &str, after: u32| {
        let count = format!("set -T; n={after}; trap '((n-- > 0)) || kill -9 $$' DEBUG\n");
        shell("bash", &format!("{count}{script}")).output().unwrap().status.success()
    };
    let born = droplet();
    let copy = || {
        let dir = memory();
        run(&mut shell("sh", &format!("cp -a {}/. {}", root_of(&born), root_of(&dir))));
        dir
    };
    let injected = live(&root_of(&born));
    for after in 0.. {
        let dir = copy();
        let root = root_of(&dir);
        let whole = cut(&make(&root), after);
        assert_eq!(live(&root), injected);
        let made = do_make(&root);
        assert_eq!(do_make(&root), made);
        if whole {
            assert!(after > 3, "only {after} commands were counted");
            break;
        }
    }
    let made = do_make(&root_of(&born));
    // Every third command, from another one each time, since all of them take a while.
    for after in (rand::random_range(0..3)..).step_by(3) {
        let dir = copy();
        let root = root_of(&dir);
        let whole = cut(&activate(&root), after);
        if whole {
            assert!(after > 30, "only {after} commands were counted");
            break;
        }
        let now = live(&root);
        assert!(now == made || now == injected, "cut off after {after} commands");
        do_activate(&root);
        assert_settled(&root, &made);
    }
}

#[test]
fn a_script_for_root_is_one_word() {
    let script = as_root("echo \"it's $HOME\"").unwrap();
    assert!(script.contains(r#"exec sh -c 'echo "it'\''s $HOME"'; fi"#), "{script}");
    assert!(as_root("a\0").is_err());
}
