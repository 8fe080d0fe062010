//! Rules about what is asked of the app, and how traffic moves to it.

use std::net::IpAddr;

use super::{
    super::{
        finding::Finding,
        scalar::Plain,
        tree::{Entry, Node},
        values::Landing,
        words,
    },
    Findings, Scope, at_least, positive, text,
};

impl Scope<'_> {
    pub(super) fn check(&self, check: &Node, out: &mut Findings) {
        let kinds: Vec<&Entry> =
            ["http", "tcp", "run"].iter().filter_map(|kind| check.entry(kind)).collect();
        match kinds.as_slice() {
            [] if !check.entries().is_empty() => {
                let what = "a check needs one of `http`, `tcp` and `run`";
                out.push(Finding::at(&check.place, what));
            }
            [first, second, ..] => {
                let what = format!("a check is either `{}` or `{}`", first.key, second.key);
                let finding = Finding::at(&second.place, what).hint("make it two checks");
                out.push(finding.also(&first.place, "the other one"));
            }
            _ => {}
        }
        if let [only] = kinds.as_slice()
            && &*only.key != "http"
        {
            for key in ["status", "header", "contains", "insecure"] {
                if let Some(entry) = check.entry(key) {
                    let what = format!("`{key}` means nothing without `http`");
                    out.push(Finding::at(&entry.place, what).also(&only.place, "this check"));
                }
            }
        }
        self.url(check.get("http"), out);
        at_least(check.get("tcp"), 1, "a port is 1 or more", out);
        self.filled(check.get("run"), Landing::Shell, out);
        self.filled(check.get("contains"), Landing::Text, out);
        if let Some(node) = check.get("status")
            && let Some(Plain::Int(status)) = node.plain()
            && !(100..=599).contains(&status)
        {
            out.push(Finding::at(&node.place, "an HTTP status is between 100 and 599"));
        }
        for header in check.get("header").map(Node::entries).unwrap_or_default() {
            if !words::is_token(&header.key) {
                let what = format!("`{}` cannot name a header", header.key);
                out.push(Finding::at(&header.place, what));
            }
            if let Some(value) = self.filled(Some(&header.value), Landing::Text, out)
                && value.chars().any(char::is_control)
            {
                out.push(Finding::at(&header.value.place, "a header's value is one line of text"));
            }
        }
        at_least(check.get("consecutive"), 1, "at least once", out);
        positive(check.get("within"), "`within` leaves no time", out);
        positive(check.get("timeout"), "`timeout` leaves no time", out);
    }

    fn url(&self, node: Option<&Node>, out: &mut Findings) {
        let (Some(node), Some(text)) = (node, self.filled(node, Landing::Text, out)) else {
            return;
        };
        let what = match url::Url::parse(&text) {
            Err(error) => format!("not a URL: {error}"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                format!("`{}` is not http or https", url.scheme())
            }
            Ok(url) if url.host_str().is_none_or(str::is_empty) => "a URL without a host".into(),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "a URL with a password in it".into()
            }
            Ok(_) => return,
        };
        out.push(Finding::at(&node.place, what).hint("such as https://blog.example.com/healthz"));
    }

    pub(super) fn cutover(&self, entry: &Entry, out: &mut Findings) {
        let node = &entry.value;
        let dns = node.get("dns").map(Node::items).unwrap_or_default();
        if node.get("reserved_ip").is_none() && dns.is_empty() {
            let what = "`cutover` has nothing to move: neither `reserved_ip` nor `dns`";
            out.push(Finding::at(&entry.place, what));
        }
        let is_ip = |text: &str| matches!(text.parse(), Ok(IpAddr::V4(_)));
        text(
            node.get("reserved_ip"),
            out,
            "a reserved IPv4 address",
            is_ip,
            "such as 203.0.113.10",
        );
        let mut seen: Vec<(String, &Node)> = Vec::new();
        for record in dns {
            let part = |key| record.get(key).and_then(Node::text);
            text(record.get("domain"), out, "a domain", words::is_domain, "such as example.com");
            text(
                record.get("name"),
                out,
                "a name in a domain",
                words::is_record,
                "such as blog, or @",
            );
            at_least(record.get("ttl"), 30, "DigitalOcean takes a TTL of 30 or more", out);
            if let (Some(domain), Some(name)) = (part("domain"), part("name")) {
                let whole = format!("{name}.{domain}").to_lowercase();
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == whole) {
                    let finding = Finding::at(&record.place, format!("{whole} is given twice"));
                    out.push(finding.also(&first.place, "first given here"));
                }
                seen.push((whole, record));
            }
        }
        let span = |key| {
            let node = node.get(key)?;
            Some((node, crate::size::parse_duration(node.text()?).ok()?))
        };
        if let (Some((node, most)), Some((watch, length))) = (span("max_downtime"), span("watch"))
            && most > length
        {
            let what = "`max_downtime` is longer than the watch that would see it";
            out.push(Finding::at(&node.place, what).also(&watch.place, "the watch"));
        }
        self.url(node.get("probe"), out);
    }
}
