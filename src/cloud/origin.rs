//! Where the token may go: one origin, over TLS, or in clear to this very machine.

use url::{Host, Url};

use crate::error::{Error, Kind, Result};

/// Checks that `url` is an origin the token may be sent to, and returns it without a path.
///
/// # Errors
/// [`Kind::Usage`] unless it is `https://host[:port]`, or `http://` to 127/8, `[::1]` or
/// `localhost`, with no user, path, query or fragment.
pub(crate) fn check(url: &Url) -> Result<Url> {
    // The URL itself may hold a password, so only its host is ever shown.
    let refuse = |why: &str| {
        Error::new(Kind::Usage, format!("the API's address cannot be used: {why}"))
            .at("host", url.host_str().unwrap_or("(none)"))
            .hint("set DIGITALOCEAN_API_URL to an origin such as https://api.digitalocean.com")
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it contains a user or a password"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it has a path, a query or a fragment"));
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url.clone()),
        "http" if is_loopback(url) => Ok(url.clone()),
        "http" => Err(refuse("the token would cross the network in clear")),
        _ => Err(refuse("it is neither https nor http to this machine")),
    }
}

/// Returns whether the host of `url` is this machine, by its spelling: no name is looked up.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_over_tls_or_nowhere() {
        for good in [
            "https://api.digitalocean.com",
            "https://api.digitalocean.com/",
            "https://10.0.0.1:8443",
            "http://127.0.0.1:8080",
            "http://127.8.9.1",
            "http://[::1]:1",
            "http://localhost:5000/",
        ] {
            assert!(check(&Url::parse(good).unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "http://api.digitalocean.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0",
            "ftp://localhost",
            "https://api.digitalocean.com/v2",
            "https://user:hunter2@api.digitalocean.com",
            "https://api.digitalocean.com/?a=b",
            "unix:/run/x",
        ] {
            let error = check(&Url::parse(bad).unwrap()).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{bad}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
