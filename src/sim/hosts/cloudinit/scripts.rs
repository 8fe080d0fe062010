//! `bootcmd`, `runcmd` and user scripts: run as root, their output in cloud-init's output log.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use nix::fcntl::OFlag;
use serde_json::{Map, Value};
use tokio::{io::AsyncReadExt as _, net::unix::pipe};

use super::{
    super::{reaper::Ended, ssh, system::System},
    INSTANCE,
    journal::{Journal, OUTPUT},
    userdata::{list, text, words},
};

/// The most output that is kept.
const LARGEST: u64 = 16 << 20;

/// Runs `bootcmd`, at every boot.
pub(super) async fn bootcmd(system: &System, journal: &Journal, id: &str, commands: &Value) {
    let script = match shellify(commands) {
        Ok(script) => script,
        Err(error) => return journal.error(&format!("bootcmd: {error}")),
    };
    run_script(system, journal, id, "bootcmd", script.as_bytes()).await;
}

/// Runs `runcmd` and a user's script, once in the life of an instance.
pub(super) async fn run_once(
    system: &System,
    journal: &Journal,
    id: &str,
    commands: Option<&Value>,
    script: Option<&[u8]>,
) {
    if let Some(script) = script {
        run_script(system, journal, id, "part-001", script).await;
    }
    match commands.map(shellify) {
        Some(Ok(script)) => run_script(system, journal, id, "runcmd", script.as_bytes()).await,
        Some(Err(error)) => journal.error(&format!("runcmd: {error}")),
        None => {}
    }
}

/// Records the packages that a real host would install.
pub(super) fn packages(journal: &Journal, config: &Map<String, Value>) {
    let packages = words(config.get("packages"));
    if !packages.is_empty() {
        let list = packages.join("\n");
        let _ = fs::write(Path::new(INSTANCE).join("packages"), format!("{list}\n"));
        journal.note(&format!("packages are recorded, not installed: {}", packages.join(" ")));
    }
}

/// Makes one script of commands, as cloud-init does: text is for the shell, a list is one program.
fn shellify(commands: &Value) -> Result<String, String> {
    let mut script = String::from("#!/bin/sh\n");
    for command in list(commands) {
        match command {
            Value::Array(words) => {
                let words: Option<Vec<String>> = words.iter().map(text).collect();
                let words = words.ok_or("a list holds something other than words")?;
                let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
                script.push_str(&quoted.join(" "));
            }
            Value::Null => continue,
            other => script.push_str(&text(other).ok_or("a command is neither text nor a list")?),
        }
        script.push('\n');
    }
    Ok(script)
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

async fn run_script(system: &System, journal: &Journal, id: &str, name: &str, script: &[u8]) {
    journal.note(&format!("running {name}"));
    match run(system, id, name, script).await {
        Ok(Ended::Code(0)) => journal.note(&format!("{name} ended well")),
        Ok(ended) => {
            journal.error(&format!("{name} failed with exit code {}, see {OUTPUT}", ended.code()));
        }
        Err(error) => journal.error(&format!("cannot run {name}: {error}")),
    }
}

async fn run(system: &System, id: &str, name: &str, script: &[u8]) -> io::Result<Ended> {
    let path = Path::new(INSTANCE).join("scripts").join(name);
    fs::create_dir_all(Path::new(INSTANCE).join("scripts"))?;
    fs::write(&path, script)?;
    fs::set_permissions(&path, Permissions::from_mode(0o700))?;
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    #[expect(clippy::disallowed_methods, reason = "sim/ starts processes")]
    let mut command = Command::new("/proc/self/exe");
    command.args(["sim-host", "exec", "-", "root", "/"]).arg(&path).arg(&path);
    command.env_clear().env("PATH", ssh::path()).env("INSTANCE_ID", id);
    command.stdin(Stdio::null()).stdout(Stdio::from(write.try_clone()?)).stderr(Stdio::from(write));
    let (_child, ended) = system.reaper.spawn(&mut command)?;
    drop(command);
    let mut kept = tokio::spawn(keep(pipe::Receiver::from_owned_fd(read)?));
    let ended = ended.await.unwrap_or(Ended::Code(255));
    // What the script wrote is in the pipe by now; what it left running may write for ever.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(200), &mut kept).await;
    Ok(ended)
}

/// Keeps output until nobody writes any more; beyond the bound it is read and dropped.
async fn keep(mut output: pipe::Receiver) {
    let mut file = OpenOptions::new().append(true).create(true).open(OUTPUT).ok();
    let mut buffer = vec![0_u8; 16 << 10];
    while let Ok(length @ 1..) = output.read(&mut buffer).await {
        let size = fs::metadata(OUTPUT).map_or(0, |meta| meta.len());
        if size < LARGEST
            && let Some(file) = &mut file
        {
            let _ = file.write_all(buffer.get(..length).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_for_the_shell_and_lists_are_programs() {
        let script = shellify(&json!(["echo a && b", ["printf", "%s", "it's; $x"], null]));
        assert_eq!(script.as_deref(), Ok("#!/bin/sh\necho a && b\n'printf' '%s' 'it'\\''s; $x'\n"));
        assert!(shellify(&json!([{ "a": 1 }])).is_err());
        assert!(shellify(&json!([["a", ["b"]]])).is_err());
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_one_word_to_the_shell(word in "[^\0]{0,40}") {
            #[expect(clippy::disallowed_methods, reason = "the shell itself is asked")]
            let out = Command::new("/bin/sh")
                .args(["-c", &format!("printf %s {}", quote(&word))])
                .output()
                .expect("sh");
            prop_assert_eq!(out.stdout, word.as_bytes());
        }
    }
}
