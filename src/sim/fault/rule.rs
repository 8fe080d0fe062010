//! Fault rules: what there is, and how it is read.

use std::time::Duration;

use super::pattern::Pattern;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Effect, no answer, the connection ends.
    Lost,
    /// No effect, no answer, the connection ends.
    Drop,
    /// Effect, no answer until cleared.
    Hold,
    /// Nothing until cleared.
    HoldBefore,
    /// A wait, then as usual.
    Slow(Duration),
    /// A refusal.
    Status {
        /// The HTTP status.
        status: u16,
        /// Other words than the usual ones.
        message: Option<String>,
        /// Seconds.
        retry_after: Option<u64>,
        /// Whether the effect happens all the same.
        effect: bool,
    },
    /// The 422 of a droplet that is busy.
    Pending,
    /// The 422 of an account that is full.
    Limit,
    /// A page for people.
    Html {
        /// The HTTP status.
        status: u16,
        /// Whether the effect happens.
        effect: bool,
    },
    /// Half of the answer.
    Truncated,
    /// The answer and this many MiB of filling.
    Huge(u64),
    /// The answer with its types turned over.
    WrongTypes,
}

/// A number of polls, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// So many polls.
    Polls(u64),
    /// So long.
    Time(Duration),
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something about a request.
    Request {
        /// Which requests.
        on: Pattern,
        /// What happens to them.
        act: Act,
    },
    /// An action of this type, or any, ends errored.
    Errored(String),
    /// The next droplet is active without an address.
    NoIp(Span),
    /// The next droplet is not found.
    Absent(Span),
    /// Lists lack the next droplet.
    ListLag(Duration),
    /// The next droplet's host is made later.
    SlowBoot(Duration),
    /// A latency has another value.
    Latency(String, u64),
}

/// A rule: what, how often, and from which match on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// As it was written.
    pub(crate) text: String,
    /// What goes wrong.
    pub(crate) fault: Fault,
    /// How often it strikes yet; nothing is for ever.
    pub(crate) left: Option<u64>,
    /// How many matches pass before it strikes.
    pub(crate) skip: u64,
    /// Only bodies with this `type`.
    pub(crate) kind: Option<String>,
}

#[derive(Default)]
struct Options {
    count: Option<u64>,
    always: bool,
    after: u64,
    kind: Option<String>,
    message: Option<String>,
    retry_after: Option<u64>,
    status: Option<u16>,
    ms: Option<u64>,
    mib: Option<u64>,
    effect: bool,
}

impl Options {
    fn take(&mut self, text: &str) -> Result<(), String> {
        let number = |value: &str| {
            value.parse::<u64>().map_err(|_| format!("`{text}` is not a number of anything"))
        };
        match text.split_once('=') {
            None if text == "*" => self.always = true,
            None if text == "effect" => self.effect = true,
            None => self.count = Some(number(text)?),
            Some(("after", value)) => self.after = number(value)?,
            Some(("type", value)) => self.kind = Some(value.to_owned()),
            Some(("message", value)) => self.message = Some(value.to_owned()),
            Some(("retry-after", value)) => self.retry_after = Some(number(value)?),
            Some(("status", value)) => self.status = Some(status(value)?),
            Some(("ms", value)) => self.ms = Some(number(value)?),
            Some(("mib", value)) => self.mib = Some(number(value)?.min(4096)),
            Some((name, _)) => return Err(format!("there is no option `{name}`")),
        }
        Ok(())
    }
}

impl Rule {
    /// Reads a rule; see [`super::GRAMMAR`].
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut fields = text.split(':').map(str::trim);
        let what = fields.next().unwrap_or_default();
        let mut fields: std::collections::VecDeque<&str> = fields.collect();
        let mut options = Options::default();
        let on = match what {
            "action-404" if !fields.front().is_some_and(|field| field.contains('/')) => {
                "GET /v2/**/actions/*".to_owned()
            }
            "limit-reached" if !fields.front().is_some_and(|field| field.contains('/')) => {
                "POST /v2/droplets".to_owned()
            }
            _ => fields.pop_front().unwrap_or_default().to_owned(),
        };
        for field in fields {
            options.take(field)?;
        }
        let fault = fault(what, &on, &options)?;
        let standing = matches!(fault, Fault::Latency(..));
        Ok(Self {
            text: text.to_owned(),
            fault,
            left: if options.always || (standing && options.count.is_none()) {
                None
            } else {
                Some(options.count.unwrap_or(1))
            },
            skip: options.after,
            kind: options.kind,
        })
    }
}

fn fault(what: &str, on: &str, options: &Options) -> Result<Fault, String> {
    let effect = options.effect;
    let act = match what {
        "lost" => Act::Lost,
        "drop" => Act::Drop,
        "hold" => Act::Hold,
        "hold-before" => Act::HoldBefore,
        "slow" => Act::Slow(Duration::from_millis(options.ms.unwrap_or(1000))),
        "422-pending" => Act::Pending,
        "limit-reached" => Act::Limit,
        "html" => Act::Html { status: options.status.unwrap_or(502), effect },
        "truncated" => Act::Truncated,
        "huge" => Act::Huge(options.mib.unwrap_or(64)),
        "wrong-types" => Act::WrongTypes,
        "action-404" => Act::Status { status: 404, message: None, retry_after: None, effect },
        "errored" if !on.is_empty() => return Ok(Fault::Errored(on.to_owned())),
        "no-ip" => return span(on).map(Fault::NoIp),
        "404-after-create" => return span(on).map(Fault::Absent),
        "list-lag" => return time(on).map(Fault::ListLag),
        "slow-boot" => return time(on).map(Fault::SlowBoot),
        "latency" => return latency(on),
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) => Act::Status {
            status: status(code)?,
            message: options.message.clone(),
            retry_after: options.retry_after,
            effect,
        },
        _ => {
            return Err(format!(
                "there is no fault `{what}`; remuda sim fault --help lists what there is"
            ));
        }
    };
    Ok(Fault::Request { on: Pattern::parse(on)?, act })
}

fn status(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|status| (200..600).contains(status))
        .ok_or_else(|| format!("`{text}` is no HTTP status"))
}

fn span(text: &str) -> Result<Span, String> {
    match text.parse() {
        Ok(polls) => Ok(Span::Polls(polls)),
        Err(_) => crate::size::parse_duration(text).map(Span::Time),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(millis) => Ok(Duration::from_millis(millis)),
        Err(_) => crate::size::parse_duration(text),
    }
}

fn latency(text: &str) -> Result<Fault, String> {
    let wrong = || format!("`{text}` is no latency; write it as assign=5000");
    let (name, millis) = text.split_once('=').ok_or_else(wrong)?;
    // the profile knows the names
    let millis = millis.parse().map_err(|_| wrong())?;
    crate::sim::latency::Latency::none().fix(name, millis)?;
    Ok(Fault::Latency(name.to_owned(), millis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::GRAMMAR, *};

    #[test]
    fn rules_are_read_as_they_are_documented() {
        let rule = Rule::parse("lost:POST /v2/droplets:1").unwrap();
        assert_eq!((rule.left, rule.skip), (Some(1), 0));
        let rule = Rule::parse("429:GET /v2/**:3:retry-after=2").unwrap();
        assert_eq!(rule.left, Some(3));
        assert!(matches!(
            rule.fault,
            Fault::Request { act: Act::Status { status: 429, retry_after: Some(2), .. }, .. }
        ));
        let rule =
            Rule::parse("422-pending:POST /v2/reserved_ips/*/actions:*:type=assign").unwrap();
        assert_eq!((rule.left, rule.kind.as_deref()), (None, Some("assign")));
        assert_eq!(Rule::parse("errored:assign_ip:after=1").unwrap().skip, 1);
        assert_eq!(
            Rule::parse("no-ip:500ms").unwrap().fault,
            Fault::NoIp(Span::Time(Duration::from_millis(500)))
        );
        assert_eq!(Rule::parse("404-after-create:3").unwrap().fault, Fault::Absent(Span::Polls(3)));
        assert_eq!(Rule::parse("action-404:2").unwrap().left, Some(2));
        assert_eq!(Rule::parse("limit-reached").unwrap().left, Some(1));
        assert_eq!(Rule::parse("latency:assign=5000").unwrap().left, None);
    }

    #[test]
    fn wrong_rules_are_refused_with_a_reason() {
        for wrong in [
            "",
            "lost",
            "lost:",
            "lose:POST /v2/droplets",
            "errored",
            "no-ip:x",
            "700:GET /v2/x",
            "lost:POST /v2/droplets:many",
            "lost:POST /v2/droplets:befor=1",
            "latency:nothing=5",
        ] {
            let why = Rule::parse(wrong).unwrap_err();
            assert!(why.len() > 10, "{wrong}: {why}");
        }
    }

    #[test]
    fn every_fault_is_in_the_help() {
        for line in GRAMMAR.lines().filter(|line| line.starts_with("  ") && line.contains(':')) {
            let rule = line.split_whitespace().next().unwrap_or_default();
            if let Some(what) = rule.split([':', '[']).next() {
                assert!(!what.is_empty());
            }
        }
        for example in GRAMMAR.split("Examples\n").nth(1).unwrap().lines() {
            Rule::parse(example.trim()).unwrap();
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,60}") {
            drop(Rule::parse(&text));
        }
    }
}
