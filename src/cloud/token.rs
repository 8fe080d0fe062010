//! The token as a header. It is shown to nobody, not even when it cannot be used.

use reqwest::header::HeaderValue;

use crate::{
    error::{Error, Kind, Result},
    secret::{ExposeSecret as _, SecretString},
};

/// Makes the header, and refuses a token that cannot be one without showing it.
pub(crate) fn bearer(token: &SecretString) -> Result<HeaderValue> {
    let text = token.expose_secret();
    let refuse = |why: &str| {
        Error::new(Kind::Refused, format!("the token cannot be used: {why}"))
            .hint("create one at https://cloud.digitalocean.com/account/api/tokens")
    };
    if text.is_empty() {
        return Err(refuse("it is empty"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse("it contains blanks, line ends or other characters no token has"));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
        .map_err(|_| refuse("it cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}
