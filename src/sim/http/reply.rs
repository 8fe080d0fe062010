//! Answers: a JSON document under its key, nothing, or a refusal in DigitalOcean's words.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What an API call ends with.
pub(crate) type Answer = Result<Reply, Refusal>;

/// An answer that did what was asked.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Option<Value>,
}

impl Reply {
    /// 200 with a document.
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body) }
    }

    /// 201 with a document.
    pub(crate) fn created(body: Value) -> Self {
        Self { status: StatusCode::CREATED, body: Some(body) }
    }

    /// 202 with a document.
    pub(crate) fn accepted(body: Value) -> Self {
        Self { status: StatusCode::ACCEPTED, body: Some(body) }
    }

    /// 202 without one.
    pub(crate) fn accepted_empty() -> Self {
        Self { status: StatusCode::ACCEPTED, body: None }
    }

    /// 204.
    pub(crate) fn gone() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self.body {
            Some(body) => (
                self.status,
                [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
                body.to_string(),
            )
                .into_response(),
            None => self.status.into_response(),
        }
    }
}

/// An answer that says why not.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    id: &'static str,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, id: &'static str, message: impl Into<String>) -> Self {
        Self { status, id, message: message.into(), retry_after: None }
    }

    /// 404 in the words that are used for everything.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "The resource you were accessing could not be found.",
        )
    }

    /// 405 for a path that has no such verb.
    pub(crate) fn no_such_verb() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed.")
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unable to authenticate you")
    }

    /// 400: the request is not even readable.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 403.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 409.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 412.
    pub(crate) fn precondition(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", message)
    }

    /// 422: readable, and not possible.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable_entity", message)
    }

    /// 422 while another action of the droplet runs.
    pub(crate) fn pending() -> Self {
        Self::unprocessable("Droplet already has a pending event.")
    }

    /// 429, with the time after which to come back where that is known.
    pub(crate) fn too_many(retry_after: Option<u64>) -> Self {
        let refusal = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "API Rate limit exceeded.",
        );
        Self { retry_after, ..refusal }
    }

    /// 500.
    pub(crate) fn server_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "Server was unable to give you a response.",
        )
    }

    /// Any other status, in the words that belong to it.
    pub(crate) fn of_status(
        status: StatusCode,
        message: Option<String>,
        retry_after: Option<u64>,
    ) -> Self {
        let refusal = match status.as_u16() {
            401 => Self::unauthorized(),
            403 => Self::forbidden("You are not authorized to perform this operation"),
            404 => Self::not_found(),
            409 => Self::conflict("The request conflicts with another one."),
            422 => Self::unprocessable("The request could not be processed."),
            429 => Self::too_many(None),
            503 => Self::new(
                status,
                "service_unavailable",
                "Service is temporarily unavailable. Please try again later.",
            ),
            400..500 => Self::new(status, "bad_request", "The request was refused."),
            _ => Self { status, ..Self::server_error() },
        };
        let message = message.unwrap_or(refusal.message);
        Self { message, retry_after, ..refusal }
    }

    /// Returns the words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Makes the response, which names the request.
    pub(crate) fn respond(self, request_id: &str) -> Response {
        let body =
            json!({"id": self.id, "message": self.message, "request_id": request_id}).to_string();
        let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
        let mut response = (self.status, headers, body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl IntoResponse for Refusal {
    /// Leaves the body to the front, which alone knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes a moment as the API does, to the second.
pub(crate) fn iso(moment: Timestamp) -> String {
    format!("{moment:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_no_fractions() {
        let moment: Timestamp = "2026-11-21T10:00:01.987654321Z".parse().unwrap();
        let text = iso(moment);
        assert!(text == "2026-11-21T10:00:01Z" || text == "2026-11-21T10:00:02Z", "{text}");
    }
}
