//! What `--help` says besides the doc comments: the groups of commands, and examples.

use std::fmt::Write as _;

use clap::{Command, builder::StyledStr};

/// The commands as a person looks for them; one that is in no group is listed last.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Release", &["release", "plan", "rollback", "resume", "abort"]),
    ("Look", &["status", "history", "logs", "exec", "ssh", "doctor"]),
    ("Tear down", &["prune", "destroy", "gc"]),
    ("Set up", &["init", "config", "completion", "man"]),
    ("Try it without an account", &["demo", "sim"]),
];

const EXAMPLES: &str = "\
Examples:
  remuda plan v1.4.0       # what would happen, what it costs, what cannot be undone
  remuda release v1.4.0    # a fresh droplet, and the traffic on it
  remuda rollback          # back to the previous droplet, in seconds";

pub(super) const RELEASE: &str = "\
Examples:
  remuda release v1.4.0                      # to production
  remuda release v1.4.0 -e staging           # to another environment
  remuda release v1.4.0 --dry-run            # the plan alone
  remuda release v1.4.0 --lock-wait 10m      # in CI: behind a release that is under way

Running it again after any interruption finishes the work. Any failure before the cutover leaves
the traffic where it was. Exit status: 0 live, 4 automatically returned, 14 not well before the
cutover, 11 another run holds the lock.";

pub(super) const PLAN: &str = "\
Examples:
  remuda plan v1.4.0
  remuda plan v1.4.0 -o json                 # for a machine, or a reviewer's comment
  remuda plan v1.4.0 --detailed-exitcode     # ends with 3 when there is something to do";

pub(super) const ROLLBACK: &str = "\
Examples:
  remuda rollback                            # to the previous droplet
  remuda rollback v1.3.0                     # to the droplet of a version that still stands
  remuda rollback --dry-run                  # where it would go";

pub(super) const DESTROY: &str = "\
Examples:
  remuda destroy v1.2.0                      # one droplet that takes no traffic
  remuda destroy blog-production-v1.2.0-7f3k
  remuda destroy --all -e staging            # the whole environment, after a question
  remuda destroy --all --release-address     # and its reserved IP";

pub(super) const INIT: &str = "\
Examples:
  remuda init                                # named after this folder, in nyc3
  remuda init --app blog --region fra1";

pub(super) const SSH: &str = "\
Examples:
  remuda ssh                                 # a shell on the live droplet
  remuda ssh v1.3.0                          # on that of a version
  remuda ssh -- -L 5432:127.0.0.1:5432       # anything that ssh takes, except another trust";

pub(super) const EXEC: &str = "\
Examples:
  remuda exec -- docker compose ps           # several words: one command, exactly as given
  remuda exec -- 'cd /srv && du -sh * | sort -h'   # one word: a line for the host's shell
  remuda exec --on v1.3.0 -- uptime
  remuda exec -- pg_dump blog > blog.sql     # bytes pass as they are";

pub(super) const LOGS: &str = "\
Examples:
  remuda logs                                # the app's, as stack.commands.logs prints it
  remuda logs v1.3.0 --boot                  # cloud-init's
  remuda logs --run last                     # what was gathered when a release failed";

/// Groups the commands of the whole help, and ends it with examples.
pub(super) fn arranged(command: Command) -> Command {
    let text = template(&command);
    command.help_template(text)
}

fn template(command: &Command) -> StyledStr {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let visible: Vec<&Command> =
        command.get_subcommands().filter(|one| !one.is_hide_set()).collect();
    let width = visible.iter().map(|one| one.get_name().len()).max().unwrap_or_default();
    let grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let rest: Vec<&str> =
        visible.iter().map(|one| one.get_name()).filter(|name| !grouped(name)).collect();
    let others = ("Other", rest.as_slice());

    let mut text = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (title, names) in GROUPS.iter().chain([&others]) {
        let members = names
            .iter()
            .filter_map(|name| visible.iter().find(|one| one.get_name() == *name).copied());
        let mut heading = format!("\n{header}{title}:{header:#}\n");
        for one in members {
            text.push_str(&std::mem::take(&mut heading));
            let (name, about) = (one.get_name(), one.get_about().unwrap_or_default());
            // writing to a String cannot fail
            let _ = writeln!(
                text,
                "  {literal}{name}{literal:#}{:pad$}  {about}",
                "",
                pad = width - name.len()
            );
        }
    }
    let _ = write!(text, "\n{header}Options:{header:#}\n{{options}}\n\n{EXAMPLES}\n");
    StyledStr::from(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{super::args::Cli, *};

    #[test]
    fn the_command_line_is_sound_and_every_command_is_listed_once() {
        let command = arranged(Cli::command());
        command.clone().debug_assert();
        let help = command.clone().render_help().to_string();
        for one in command.get_subcommands() {
            let line = format!("\n  {:11}", one.get_name());
            let shown = help.matches(line.trim_end()).count();
            assert_eq!(shown, usize::from(!one.is_hide_set()), "{}\n{help}", one.get_name());
            let about = one.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && about.len() <= 76, "{}: {about}", one.get_name());
        }
        assert!(!help.contains("Other:"), "a command is in no group\n{help}");
    }
}
