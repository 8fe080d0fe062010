//! The README says what is: its exit statuses, its commands.

use std::collections::BTreeMap;

use remuda::error::Kind;

const README: &str = include_str!("../README.md");

#[test]
fn the_exit_statuses_are_those_of_the_code() {
    let mut listed = BTreeMap::new();
    for line in README.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = line.split('|').map(str::trim);
        let (_, Some(codes), Some(words)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        for code in codes.split(", ").filter_map(|code| code.parse::<u8>().ok()) {
            listed.insert(code, words.to_owned());
        }
    }
    let kinds = [
        Kind::Failed,
        Kind::Usage,
        Kind::Changes,
        Kind::Returned,
        Kind::TrafficUnknown,
        Kind::NotFound,
        Kind::Locked,
        Kind::Unhealthy,
        Kind::Refused,
        Kind::TimedOut,
        Kind::Interrupted,
        Kind::Terminated,
    ];
    for kind in kinds {
        assert!(listed.remove(&kind.exit_code()).is_some(), "{kind:?} is not in the README");
    }
    assert_eq!(listed.remove(&0).as_deref(), Some("done as asked"));
    assert!(listed.is_empty(), "statuses that nothing ends with: {listed:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks the binary itself")]
fn the_commands_are_those_of_the_binary() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_remuda")).arg("--help").output();
    let help = String::from_utf8(help.expect("the binary runs").stdout).expect("UTF-8");
    // what stands in a block for the shell
    let blocks = README.split("```").skip(1).step_by(2).filter(|block| block.starts_with("sh\n"));
    let named = blocks
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("remuda "))
        .filter_map(|rest| rest.split_whitespace().next());
    let mut count = 0;
    for command in named {
        count += 1;
        let known = help.lines().any(|line| line.split_whitespace().next() == Some(command));
        assert!(known, "the README names `remuda {command}`, the help does not:\n{help}");
    }
    assert!(count >= 6, "the README shows only {count} commands");
}
