//! What stands before every answer: token, rate limit, latency, faults, headers, the log.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;

use super::{Cut, Refusal, limiter::Verdict, spoil};
use crate::{
    clock, retry,
    sim::{
        api,
        fault::{Act, Released, Strike},
        state::uuid,
        world::World,
    },
};

/// How many bytes a request may have.
const LIMIT: usize = 2 << 20;

/// Answers one request.
pub(crate) async fn front(
    State(world): State<Arc<World>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
    next: Next,
) -> Response {
    let id = uuid();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, LIMIT).await else {
        return Refusal::bad_request("The request body is too large.").respond(&id);
    };
    let verb = parts.method.as_str().to_owned();
    let uri = without_trailing_slash(&parts.uri);
    let path = uri.path().to_owned();
    let token = bearer(&parts.headers).map(str::to_owned);
    let kind = kind(&bytes);
    let mut request = Request::from_parts(parts, axum::body::Body::from(bytes));
    *request.uri_mut() = uri;

    let known = token.filter(|token| world.token.as_ref().is_none_or(|own| own == token));
    if path.starts_with("/sim/") {
        // the control path is no part of the API: not counted, not spoiled
        let response = match known {
            None => Refusal::unauthorized().respond(&id),
            Some(_) => finish(next.run(request).await, &id),
        };
        return named(response, &id);
    }

    let place = world.log.arrived(&verb, &path, kind.as_deref());
    let wait = world.draw("api");
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(0);

    let counted = known.clone().unwrap_or_default();
    let key_list = verb == "GET" && path == "/v2/account/keys";
    let verdict = world.limiter.lock().unwrap_or_else(PoisonError::into_inner).count(
        &counted,
        key_list,
        clock::now(),
    );
    let refusal = match (&known, verdict.refused) {
        (None, _) => Some(Refusal::unauthorized()),
        (_, Some(seconds)) => Some(Refusal::too_many(Some(seconds))),
        _ => None,
    };
    if let Some(refusal) = refusal {
        retry::sleep(wait).await;
        let response = with_headers(refusal.respond(&id), &id, verdict);
        world.log.answered(place, Some(response.status().as_u16()), None, wait_ms);
        return response;
    }
    let strike = world.faults.strike(&verb, &path, kind.as_deref());
    let fault = strike.as_ref().map(|strike| spoil::name(&strike.act));
    let held = fault.is_some_and(|fault| fault.starts_with("hold"));
    if held {
        // noted before the wait: whoever waits for a held request reads the log
        world.log.answered(place, None, fault, wait_ms);
    }
    let answer = match strike {
        None => Some(effect(&world, request, next, &id, wait).await),
        Some(strike) => struck(&world, strike, request, next, &id, wait).await,
    };
    let Some(response) = answer else {
        cut.now();
        world.log.answered(place, None, fault, wait_ms);
        return Response::default();
    };
    world.log.answered(place, Some(response.status().as_u16()), fault, wait_ms);
    with_headers(response, &id, verdict)
}

/// Does what a fault says; nothing is returned where nothing is to be answered.
async fn struck(
    world: &Arc<World>,
    strike: Strike,
    request: Request,
    next: Next,
    id: &str,
    wait: Duration,
) -> Option<Response> {
    let Strike { act, released } = strike;
    if act == Act::HoldBefore {
        wait_for(world, released).await;
        return Some(effect(world, request, next, id, wait).await);
    }
    if let Act::Slow(pause) = act {
        return Some(effect(world, request, next, id, wait + pause).await);
    }
    if act == Act::Drop {
        return None;
    }
    let refusal = match &act {
        Act::Pending => Some(Refusal::pending()),
        Act::Limit => Some(api::over_the_limit()),
        _ => None,
    };
    if let Some(refusal) = refusal {
        retry::sleep(wait).await;
        return Some(refusal.respond(id));
    }
    let ignores_effect =
        matches!(act, Act::Status { effect: false, .. } | Act::Html { effect: false, .. });
    let response = if ignores_effect {
        retry::sleep(wait).await;
        Response::default()
    } else {
        effect(world, request, next, id, wait).await
    };
    match act {
        Act::Lost => None,
        Act::Hold => {
            wait_for(world, released).await;
            Some(response)
        }
        act => Some(spoil::answer(&act, response, id).await),
    }
}

async fn wait_for(world: &World, mut released: Released) {
    tokio::select! {
        // a book that is gone lets go as well
        _ = released.changed() => {}
        () = world.ended() => {}
    }
}

/// Runs the handler to its end, whatever becomes of the connection, and keeps what it changed.
///
/// As with the real thing, a request that has arrived is carried out even if its client is gone.
async fn effect(
    world: &Arc<World>,
    request: Request,
    next: Next,
    id: &str,
    wait: Duration,
) -> Response {
    let reads = request.method().is_safe();
    let kept = Arc::clone(world);
    let task = tokio::spawn(async move {
        retry::sleep(wait).await;
        let response = next.run(request).await;
        if !reads && let Err(error) = kept.store.flush().await {
            kept.report(&format!("cannot keep the state: {error}"));
            return Refusal::server_error().into_response();
        }
        response
    });
    let response = task.await.unwrap_or_else(|_| Refusal::server_error().into_response());
    finish(response, id)
}

/// Writes the body of a refusal, which names the request.
fn finish(mut response: Response, id: &str) -> Response {
    match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) => refusal.respond(id),
        None => response,
    }
}

fn with_headers(mut response: Response, id: &str, verdict: Verdict) -> Response {
    let headers = response.headers_mut();
    headers.insert("ratelimit-limit", verdict.limit.into());
    headers.insert("ratelimit-remaining", verdict.remaining.into());
    headers.insert("ratelimit-reset", verdict.reset.into());
    named(response, id)
}

fn named(mut response: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn kind(bytes: &Bytes) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    value.get("type").and_then(Value::as_str).map(str::to_owned)
}

fn without_trailing_slash(uri: &Uri) -> Uri {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() == path.len() || trimmed.is_empty() {
        return uri.clone();
    }
    let text = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    text.parse().unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_are_no_part_of_a_path() {
        for (given, seen) in [
            ("/v2/droplets/", "/v2/droplets"),
            ("/v2/droplets/?page=2", "/v2/droplets?page=2"),
            ("/v2/droplets", "/v2/droplets"),
            ("/", "/"),
        ] {
            assert_eq!(without_trailing_slash(&given.parse().unwrap()).to_string(), seen);
        }
    }

    #[test]
    fn a_token_is_a_bearers() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(with("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(with("bearer abc").as_deref(), Some("abc"));
        for wrong in ["Bearer ", "Basic abc", "abc", ""] {
            assert_eq!(with(wrong), None, "{wrong}");
        }
    }
}
