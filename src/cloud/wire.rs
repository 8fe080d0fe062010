//! One request, one answer: what leaves this machine, and how what comes back is understood.
//!
//! No retries here. Nothing in an answer is trusted: not its size, not its type, not its links.

use reqwest::{
    Response,
    header::{HeaderMap, HeaderValue},
};
use serde_json::Value;

use crate::cloud::{
    decode::{Decode, Node, Shape},
    failure::{Class, Failure, classify},
    rate::Rate,
    request::Request,
    said::{scrub, shorten, what_is},
};

/// The longest answer that is read; a page of 200 droplets is about 1 MiB.
pub(crate) const LONGEST: usize = 16 << 20;

/// An answer that says the request succeeded.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Value,
    method: String,
    path: String,
    status: u16,
    pub(crate) request_id: Option<String>,
}

impl Answer {
    /// Reads the single object under `key`.
    pub(crate) fn one<T: Decode>(&self, key: &str) -> Result<T, Failure> {
        T::decode(&Node::root(&self.body).get(key)).map_err(|shape| self.odd(&shape))
    }

    /// Returns the failure that says why this is not the API's answer.
    pub(crate) fn foreign(&self, message: &str) -> Failure {
        Failure {
            status: Some(self.status),
            request_id: self.request_id.as_deref().map(Into::into),
            ..Failure::new(Class::Unreadable, &self.method, &self.path, message)
        }
    }

    /// Returns the failure that says what was expected, and what was there instead.
    pub(crate) fn odd(&self, shape: &Shape) -> Failure {
        self.foreign(&shape.to_string())
    }
}

/// What the head of an answer says besides its status.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) rate: Option<Rate>,
    pub(crate) date: Option<jiff::Timestamp>,
    retry_after: Option<std::time::Duration>,
    request_id: Option<String>,
}

/// Reads what we need of the headers, and ignores what makes no sense.
pub(crate) fn head(headers: &HeaderMap) -> Head {
    let text = |name: &str| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let number = |name: &str| text(name).and_then(|value| value.trim().parse::<u64>().ok());
    let rate = match (number("ratelimit-limit"), number("ratelimit-remaining")) {
        (Some(limit), Some(remaining)) => {
            let reset = number("ratelimit-reset").and_then(|reset| i64::try_from(reset).ok());
            Some(Rate { limit, remaining, reset: reset.unwrap_or(0) })
        }
        _ => None,
    };
    Head {
        rate,
        date: text("date")
            .and_then(|date| jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())),
        // An hour is the longest that makes sense; a date instead of seconds is not sent by this API.
        retry_after: number("retry-after")
            .map(|seconds| std::time::Duration::from_secs(seconds.min(3600))),
        request_id: text("x-request-id").map(|id| shorten(id, 80)),
    }
}

/// Makes the answer, or the failure, of what was received. Pure.
pub(crate) fn understand(
    request: &Request,
    status: u16,
    head: &Head,
    body: &[u8],
    token: &str,
) -> Result<Answer, Failure> {
    let (method, path) = (request.method.as_str(), request.path());
    let parsed = serde_json::from_slice::<Value>(body);
    if (200..300).contains(&status) {
        let answer = |body| Answer {
            body,
            method: method.into(),
            path: path.clone(),
            status,
            request_id: head.request_id.clone(),
        };
        return match parsed {
            _ if !request.reads => Ok(answer(Value::Null)),
            Ok(body) if body.is_object() => Ok(answer(body)),
            _ => Err(answer(Value::Null).odd(&Shape {
                path: "the top".into(),
                expected: "a JSON object",
                found: what_is(body),
            })),
        };
    }
    let said = parsed.unwrap_or(Value::Null);
    let said = Node::root(&said);
    let (id, message) = (said.get("id").maybe_text(), said.get("message").maybe_text());
    // An error without DigitalOcean's words is not DigitalOcean's: a proxy's or another server's
    // 404 must never pass for proof that a droplet is gone.
    let foreign = id.is_none() && message.is_none();
    let class = match classify(status, message.as_deref().unwrap_or_default()) {
        Class::NotFound | Class::Conflict if foreign => Class::Unreadable,
        class => class,
    };
    let message = match message {
        Some(message) => scrub(&shorten(&message, 400), token),
        None if (300..400).contains(&status) => {
            "the answer points to another address, and the token goes nowhere else".into()
        }
        None => {
            let start = scrub(&shorten(&String::from_utf8_lossy(body), 120), token);
            format!("expected the API's error in JSON, found {}: {start}", what_is(body))
        }
    };
    Err(Failure {
        status: Some(status),
        id: id.map(|id| scrub(&shorten(&id, 60), token).into()),
        request_id: said
            .get("request_id")
            .maybe_text()
            .map(|id| shorten(&id, 80))
            .or_else(|| head.request_id.clone())
            .map(Into::into),
        retry_after: head.retry_after,
        ..Failure::new(class, method, &path, message)
    })
}

/// Reads the body, up to [`LONGEST`].
pub(crate) async fn body(request: &Request, mut response: Response) -> Result<Vec<u8>, Failure> {
    let status = response.status().as_u16();
    let broken = |class, message: String| Failure {
        status: Some(status),
        ..Failure::new(class, request.method.as_str(), &request.path(), message)
    };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => {
                return Err(broken(Class::Unreadable, "the answer is longer than 16 MiB".into()));
            }
            Ok(None) => return Ok(body),
            Err(error) => {
                let slow = error.is_timeout();
                let message = format!("the answer broke off: {}", innermost(&error));
                return Err(Failure { slow, ..broken(Class::Ambiguous, message) });
            }
        }
    }
}

/// Makes the failure of a request that was not answered.
pub(crate) fn unanswered(request: &Request, error: &reqwest::Error, local: bool) -> Failure {
    let (method, path) = (request.method.as_str(), request.path());
    let distrusted = chain(error).any(|cause| {
        cause.downcast_ref::<rustls::Error>().is_some()
            || cause.to_string().contains("invalid peer certificate")
    });
    let class = if distrusted || error.is_builder() {
        Class::Final
    } else if error.is_connect() {
        Class::NotExecuted
    } else {
        Class::Ambiguous
    };
    let hint = match class {
        Class::Final if distrusted => Some(
            "check this machine's clock and CA certificates; SSL_CERT_FILE names others".into(),
        ),
        Class::NotExecuted if local => Some(
            "start the simulator with `remuda sim start`, or unset DIGITALOCEAN_API_URL".into(),
        ),
        Class::NotExecuted => Some("check the network connection of this machine".into()),
        _ => None,
    };
    let slow = error.is_timeout();
    Failure { slow, hint, ..Failure::new(class, method, &path, innermost(error)) }
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn innermost(error: &reqwest::Error) -> String {
    let last = chain(error).last().map(ToString::to_string).unwrap_or_default();
    shorten(&last, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "dop_v1_0123456789abcdef";

    fn fail(status: u16, body: &str) -> Failure {
        let request = Request::get(&["droplets", "412"]);
        understand(&request, status, &Head::default(), body.as_bytes(), TOKEN).unwrap_err()
    }

    #[test]
    fn an_error_is_the_apis_or_it_proves_nothing() {
        let real = fail(404, r#"{"id":"not_found","message":"gone","request_id":"4d9d"}"#);
        assert_eq!((real.class, real.request_id.as_deref()), (Class::NotFound, Some("4d9d")));
        let foreign = fail(404, "<html><h1>404 nginx</h1></html>");
        assert_eq!(foreign.class, Class::Unreadable);
        assert_eq!(
            &*foreign.message,
            "expected the API's error in JSON, found HTML: <html><h1>404 nginx</h1></html>"
        );
        assert_eq!(fail(404, "{}").class, Class::Unreadable);
        assert_eq!(fail(502, "<html>").class, Class::Ambiguous);
        assert_eq!(fail(302, "").class, Class::Final);
    }

    #[test]
    fn what_is_not_json_is_named() {
        assert!(fail(200, "<html>").message.ends_with("found HTML"));
        assert!(fail(200, "").message.ends_with("found an empty answer"));
        assert!(fail(200, r#"{"droplet": {"#).message.ends_with("found JSON that ends too early"));
        assert!(fail(200, "[1]").message.ends_with("found other JSON"));
        assert!(fail(200, "\u{7f}ELF").message.ends_with("not JSON"));
    }

    #[test]
    fn the_token_and_escape_codes_stay_out_of_messages() {
        let echo = format!("Authorization: Bearer {TOKEN} \u{1b}[31mred");
        let shown = format!("{:?}", fail(418, &echo));
        assert!(!shown.contains(TOKEN) && shown.contains("[token]"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
        let echo = format!(r#"{{"id":"{TOKEN}","message":"bad token {TOKEN}"}}"#);
        assert!(!format!("{:?}", fail(401, &echo)).contains(TOKEN));
    }

    #[test]
    fn headers_are_read_or_ignored() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("ratelimit-limit", "5000"),
            ("ratelimit-remaining", "4999"),
            ("ratelimit-reset", "1770000000"),
            ("retry-after", "999999999999"),
            ("date", "Sat, 21 Nov 2026 02:27:00 GMT"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let read = head(&headers);
        assert_eq!(read.rate, Some(Rate { limit: 5000, remaining: 4999, reset: 1_770_000_000 }));
        assert_eq!(read.retry_after, Some(std::time::Duration::from_hours(1)));
        assert_eq!(read.date.unwrap().to_string(), "2026-11-21T02:27:00Z");
        headers.insert("ratelimit-limit", HeaderValue::from_static("-1"));
        headers.insert("date", HeaderValue::from_static("yesterday"));
        assert!(head(&headers).rate.is_none() && head(&headers).date.is_none());
    }
}
