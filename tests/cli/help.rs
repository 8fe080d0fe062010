//! What can be typed, and what is said when it is typed wrongly.

use crate::world::Folder;

#[test]
fn help_is_grouped_and_ends_with_examples() {
    let folder = Folder::new();
    let help = folder.remuda(&["--help"]).ended(0);
    insta::assert_snapshot!("help", help.out);
    assert_eq!(folder.remuda(&["-h"]).ended(0).out, help.out);
    let bare = folder.remuda(&[]).ended(2);
    assert_eq!((bare.out.as_str(), bare.err.as_str()), ("", help.out.as_str()));
}

#[test]
fn every_command_explains_itself() {
    let folder = Folder::new();
    let commands = [
        "release",
        "plan",
        "rollback",
        "resume",
        "abort",
        "status",
        "history",
        "history show",
        "logs",
        "exec",
        "ssh",
        "doctor",
        "prune",
        "destroy",
        "gc",
        "init",
        "config",
        "config validate",
        "completion",
        "man",
    ];
    for command in commands {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.push("--help");
        let help = folder.remuda(&args).ended(0).out;
        // the flags that all commands share are in the snapshot of the whole help
        let (own, rest) = help.split_once("\nGlobal options:\n").unwrap();
        let examples = rest.split_once("\n\n").map_or("", |(_, examples)| examples);
        let name = format!("help-{}", command.replace(' ', "-"));
        insta::assert_snapshot!(name, format!("{own}\n{examples}"));
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = Folder::initialised();
    for (args, words) in [
        (&["relase", "v1"][..], "release"),
        (&["release"], "<VERSION>"),
        (&["release", "v1", "--wathc", "1m"], "--watch"),
        (&["release", "v1", "--watch", "soon"], "soon"),
        (&["status", "-q", "-v"], "--verbose"),
        (&["destroy"], "<DROPLET>"),
        (&["exec"], "<CMD>"),
        (&["logs", "v1", "--run", "last"], "--run"),
        (&["completion", "tcsh"], "tcsh"),
        (&["history", "-n", "-1"], "-1"),
        (&["config"], "validate"),
    ] {
        drop(folder.remuda(args).ended(2).says(words));
    }
}

#[test]
fn completion_and_manual_are_written() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.remuda(&["completion", shell]).ended(0).out;
        assert!(script.contains("remuda") && script.contains("rollback"), "{shell}");
    }
    let page = folder.remuda(&["man"]).ended(0).out;
    assert!(page.contains(".TH remuda 1") && page.contains("rollback"));
    drop(folder.remuda(&["man", "--dir", "man"]).ended(0));
    assert!(folder.read("man/remuda-config-validate.1").contains(".TH"));
    drop(folder.remuda(&["man", "--dir", "/proc/nowhere"]).ended(1).says("/proc/nowhere"));
}
