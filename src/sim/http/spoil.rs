//! Answers that go wrong on purpose.

use std::io;

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use serde_json::Value;

use super::Refusal;
use crate::sim::fault::Act;

/// What a piece of filling is made of.
static FILLING: [u8; 65_536] = [b'x'; 65_536];

/// Returns what the log calls an act.
pub(crate) fn name(act: &Act) -> &'static str {
    match act {
        Act::Lost => "lost",
        Act::Drop => "drop",
        Act::Hold => "hold",
        Act::HoldBefore => "hold-before",
        Act::Slow(_) => "slow",
        Act::Status { .. } => "status",
        Act::Pending => "422-pending",
        Act::Limit => "limit-reached",
        Act::Html { .. } => "html",
        Act::Truncated => "truncated",
        Act::Huge(_) => "huge",
        Act::WrongTypes => "wrong-types",
    }
}

/// Returns what arrives instead of `response`.
pub(crate) async fn answer(act: &Act, response: Response, id: &str) -> Response {
    match act {
        Act::Status { status, message, retry_after, .. } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            Refusal::of_status(status, message.clone(), *retry_after).respond(id)
        }
        Act::Html { status, .. } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            let page = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>\
                        <body><h1>Something went wrong</h1></body></html>\n";
            (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Act::Truncated => truncated(response).await,
        Act::Huge(mib) => huge(response, *mib).await,
        Act::WrongTypes => wrong_types(response).await,
        _ => response,
    }
}

async fn bytes_of(body: Body) -> Bytes {
    // the handlers answer from memory: there is nothing that could fail or be endless
    axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default()
}

async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = bytes_of(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len().max(2)));
    let half = bytes.slice(..bytes.len() / 2);
    let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
    let pieces = stream::iter([Ok(half), Err(broken)]);
    Response::from_parts(parts, Body::from_stream(pieces))
}

async fn huge(response: Response, mib: u64) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = bytes_of(body).await;
    parts.headers.remove(header::CONTENT_LENGTH);
    // valid JSON, so that only its size is wrong
    let (head, tail) = match bytes.strip_prefix(b"{") {
        Some(rest) => (Bytes::from_static(b"{\"filling\":\""), [b"\",", rest].concat()),
        None => (Bytes::from_static(b"\""), b"\"".to_vec()),
    };
    let filling = (0..mib * 16).map(|_| Bytes::from_static(&FILLING));
    let pieces = std::iter::once(head).chain(filling).chain([Bytes::from(tail)]);
    Response::from_parts(parts, Body::from_stream(stream::iter(pieces.map(io::Result::Ok))))
}

async fn wrong_types(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = bytes_of(body).await;
    parts.headers.remove(header::CONTENT_LENGTH);
    let turned = match serde_json::from_slice(&bytes) {
        Ok(value) => Body::from(turn(value).to_string()),
        Err(_) => Body::from(bytes),
    };
    Response::from_parts(parts, turned)
}

/// Turns numbers into texts and texts into numbers.
fn turn(value: Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => Value::String("perhaps".into()),
        Value::Number(number) => Value::String(format!("about {number}")),
        Value::String(_) => Value::from(7),
        Value::Array(items) => items.into_iter().map(turn).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, turn(value))).collect()
        }
    }
}
