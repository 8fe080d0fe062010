//! Why an app is not well, in words that say what was seen and what was expected.

use std::{error::Error as _, fmt, io, time::Duration};

use rustls::CertificateError;

use crate::size;

/// How much of an answer's body is shown.
const EXCERPT: usize = 200;

/// The kind of a failed probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing listens there.
    Refused,
    /// No answer, or no whole answer, in time.
    Timeout,
    /// The connection ended before the answer did, or no way leads there.
    Broken,
    /// The name has no address.
    Name,
    /// The certificate or the TLS handshake is wrong.
    Tls,
    /// An answer with another status.
    Status(u16),
    /// An answer without an expected header, or with another value.
    Header,
    /// An answer without the expected text.
    Body,
    /// The check itself cannot be carried out.
    Check,
}

impl Reason {
    /// Returns the stable word for records and counts.
    pub fn word(self) -> String {
        match self {
            Self::Refused => "refused".into(),
            Self::Timeout => "timeout".into(),
            Self::Broken => "broken".into(),
            Self::Name => "name".into(),
            Self::Tls => "tls".into(),
            Self::Status(status) => format!("status {status}"),
            Self::Header => "header".into(),
            Self::Body => "body".into(),
            Self::Check => "check".into(),
        }
    }
}

/// A probe that did not find what it expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwell {
    /// Its kind.
    pub reason: Reason,
    /// What was seen, and what was expected instead.
    pub text: String,
    /// The beginning of the answer's body, printable; none when there was no answer.
    pub body: Option<String>,
    /// The version that the answer says it comes from (header `X-Release`).
    pub release: Option<String>,
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Unwell {}

impl Unwell {
    /// Makes one without an answer's body.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), body: None, release: None }
    }

    /// Makes the one that says no answer came in time.
    pub(super) fn late(timeout: Duration) -> Self {
        Self::new(Reason::Timeout, format!("no whole answer within {}", size::duration(timeout)))
    }

    /// Reads why a request failed.
    pub(super) fn from_request(error: &reqwest::Error, asked: &str, timeout: Duration) -> Self {
        if error.is_timeout() {
            return Self::late(timeout);
        }
        let mut last = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(found) = Self::from_cause(cause, asked) {
                return found;
            }
            last = cause.to_string();
            if last == "dns error" {
                let name = asked.rsplit_once(':').map_or(asked, |(name, _)| name);
                return Self::new(Reason::Name, format!("the name {name} has no address"));
            }
            next = cause.source();
        }
        let phase = if error.is_connect() { "cannot connect to" } else { "no answer from" };
        Self::new(Reason::Broken, format!("{phase} {asked}: {}", printable(&last)))
    }

    fn from_cause(cause: &(dyn std::error::Error + 'static), asked: &str) -> Option<Self> {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(Self::new(Reason::Tls, format!("TLS with {asked} failed: {}", why(tls))));
        }
        let io = cause.downcast_ref::<io::Error>()?;
        // An io::Error hides its inner error from the chain of sources.
        if let Some(inner) = io.get_ref()
            && let Some(found) = Self::from_cause(inner, asked)
        {
            return Some(found);
        }
        let (reason, text) = match io.kind() {
            io::ErrorKind::ConnectionRefused => (Reason::Refused, "refuses connections"),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                (Reason::Broken, "reset the connection")
            }
            io::ErrorKind::UnexpectedEof => (Reason::Broken, "closed the connection early"),
            io::ErrorKind::TimedOut => (Reason::Timeout, "does not answer"),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                (Reason::Broken, "cannot be reached")
            }
            _ => return None,
        };
        Some(Self::new(reason, format!("{asked} {text}")))
    }
}

/// Says what a TLS failure means.
fn why(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return printable(&error.to_string());
    };
    match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet; is a clock wrong?".into()
        }
        CertificateError::UnknownIssuer => {
            "nobody known has signed the certificate (self-signed, or an intermediate is missing)"
                .into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is for another name: {wrong}")
        }
        CertificateError::Revoked => "the certificate was revoked".into(),
        _ => format!("the certificate is wrong: {wrong}"),
    }
}

/// Returns the beginning of a body, fit for a terminal.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..EXCERPT * 4).unwrap_or(body)).into_owned();
    printable(&text).trim().chars().take(EXCERPT).collect()
}

/// Returns the text without anything that a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_control() {
            clean.push(c);
        } else if !clean.ends_with(' ') {
            clean.push(' ');
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_obeys_no_escape_and_has_an_end() {
        assert_eq!(excerpt(b"  a\r\n\x1b[31mb\0c\xff "), "a [31mb c\u{fffd}");
        assert_eq!(excerpt("é".repeat(5000).as_bytes()).chars().count(), EXCERPT);
        assert_eq!(excerpt(b""), "");
    }

    #[test]
    fn an_expired_certificate_is_called_so() {
        let error = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let hidden = io::Error::new(io::ErrorKind::InvalidData, error);
        let found = Unwell::from_cause(&hidden, "x:443").unwrap();
        assert_eq!(found.reason, Reason::Tls);
        assert_eq!(found.text, "TLS with x:443 failed: the certificate has expired");
    }
}
