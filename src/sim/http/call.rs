//! One API call as a handler sees it: path, query, body, the origin for links, and the pages.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, FromRequestParts as _, RawPathParams, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value, json};

use super::{Answer, Body, Refusal, Reply};
use crate::sim::world::World;

/// How many bytes a body may have.
const LIMIT: usize = 2 << 20;

/// One API call.
#[derive(Debug)]
pub(crate) struct Call {
    /// The simulated cloud.
    pub(crate) world: Arc<World>,
    /// The body; null where there is none.
    pub(crate) body: Body,
    /// The request's headers.
    pub(crate) headers: HeaderMap,
    origin: String,
    route: String,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl FromRequest<Arc<World>> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, world: &Arc<World>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, world)
            .await
            .map_err(|_| Refusal::not_found())?;
        let path = params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .map_or_else(|| world.address.to_string(), str::to_owned);
        let bytes = axum::body::to_bytes(body, LIMIT)
            .await
            .map_err(|_| Refusal::bad_request("The request body is too large."))?;
        let text = bytes.trim_ascii();
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(text).map_err(|_| {
                Refusal::bad_request("The request body could not be parsed as JSON.")
            })?
        };
        Ok(Self {
            world: Arc::clone(world),
            body: Body(value),
            headers: parts.headers,
            origin: format!("http://{host}"),
            route: parts.uri.path().to_owned(),
            path,
            query,
        })
    }
}

impl Call {
    /// Returns a part of the path; its name is the route's.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Returns a part of the path as a number; what is no number is not found.
    pub(crate) fn id(&self, name: &str) -> Result<u64, Refusal> {
        self.part(name).parse().map_err(|_| Refusal::not_found())
    }

    /// Returns a query parameter that is there and not empty.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Makes an absolute link on the origin that the caller used.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Makes the member of `links` that points at an action.
    pub(crate) fn action_link(&self, id: u64, rel: &str) -> Value {
        json!({"id": id, "rel": rel, "href": self.link(&format!("/v2/actions/{id}"))})
    }

    /// Answers with the page that was asked for, showing only what is on it.
    #[expect(clippy::unnecessary_wraps, reason = "it is what handlers end with")]
    pub(crate) fn page<T>(&self, key: &str, all: &[T], show: impl FnMut(&T) -> Value) -> Answer {
        let per_page = self.count("per_page").unwrap_or(20).clamp(1, 200);
        let page = self.count("page").unwrap_or(1).max(1);
        let last = all.len().div_ceil(per_page).max(1);
        let shown: Vec<Value> =
            all.iter().skip((page - 1).saturating_mul(per_page)).take(per_page).map(show).collect();
        let mut pages = Map::new();
        if page > 1 {
            pages.insert("first".into(), self.page_link(1, per_page));
            pages.insert("prev".into(), self.page_link((page - 1).min(last), per_page));
        }
        if page < last {
            pages.insert("next".into(), self.page_link(page + 1, per_page));
            pages.insert("last".into(), self.page_link(last, per_page));
        }
        let links = if pages.is_empty() { json!({}) } else { json!({"pages": pages}) };
        let mut body = Map::new();
        body.insert(key.into(), Value::Array(shown));
        body.insert("links".into(), links);
        body.insert("meta".into(), json!({"total": all.len()}));
        Ok(Reply::ok(Value::Object(body)))
    }

    fn count(&self, name: &str) -> Option<usize> {
        self.asked(name).and_then(|text| text.parse().ok())
    }

    fn page_link(&self, page: usize, per_page: usize) -> Value {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.query {
            if key != "page" && key != "per_page" {
                query.append_pair(key, value);
            }
        }
        query.append_pair("page", &page.to_string());
        query.append_pair("per_page", &per_page.to_string());
        Value::String(self.link(&format!("{}?{}", self.route, query.finish())))
    }
}
