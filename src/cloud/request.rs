//! What is to be asked: method, path, query, body, and how patiently.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::{
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// A request that has not been sent yet.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    /// The rest of an address that the API gave us, in place of segments and query.
    exact: Option<(String, Option<String>)>,
    pub(crate) body: Option<Value>,
    pub(crate) deadline: Option<Deadline>,
    /// Whether the answer's body matters.
    pub(crate) reads: bool,
    /// Whether this creates a droplet, which may take longer to be answered.
    pub(crate) slow: bool,
}

impl Request {
    fn new(method: Method, segments: &[&str]) -> Self {
        Self {
            method,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            exact: None,
            body: None,
            deadline: None,
            reads: true,
            slow: false,
        }
    }

    /// Reads `/v2/` and these segments.
    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// Posts `body`.
    pub(crate) fn post(segments: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, segments) }
    }

    /// Replaces with `body`.
    pub(crate) fn put(segments: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PUT, segments) }
    }

    /// Changes what `body` names.
    pub(crate) fn patch(segments: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, segments) }
    }

    /// Deletes.
    pub(crate) fn delete(segments: &[&str]) -> Self {
        Self { reads: false, ..Self::new(Method::DELETE, segments) }
    }

    /// Adds a parameter to the query.
    pub(crate) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    /// Bounds all tries of this request.
    pub(crate) fn by(mut self, deadline: &Deadline) -> Self {
        self.deadline = Some(deadline.clone());
        self
    }

    /// Ignores the body of the answer.
    pub(crate) fn blind(mut self) -> Self {
        self.reads = false;
        self
    }

    /// Grants the time that creating a droplet may take.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// Asks for the page that the API named, by the path and query of its address only.
    ///
    /// What this request asked for is asked again: a link that forgets the filter must not turn
    /// the rest of a herd into the rest of the account.
    pub(crate) fn page(&self, path: &str, query: Option<&str>) -> Self {
        let mut merged = url::form_urlencoded::Serializer::new(String::new());
        let named = || url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        merged.extend_pairs(named());
        merged.extend_pairs(self.query.iter().filter(|own| named().all(|it| it.0 != own.0)));
        Self { exact: Some((path.into(), Some(merged.finish()))), ..self.clone() }
    }

    /// Returns the address on `origin`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when a segment is empty, `.` or `..`: a URL would drop it and the request
    /// would land on another resource.
    pub(crate) fn url(&self, origin: &Url) -> Result<Url> {
        let mut url = origin.clone();
        if let Some((path, query)) = &self.exact {
            url.set_path(path);
            url.set_query(query.as_deref());
            return Ok(url);
        }
        if let Some(odd) = self.segments.iter().find(|part| matches!(&***part, "" | "." | "..")) {
            return Err(Error::new(Kind::Usage, format!("`{odd}` cannot name a resource"))
                .at("request", format!("{} {}", self.method, self.path())));
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push("v2").extend(&self.segments);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    /// Returns the path, as messages show it.
    pub(crate) fn path(&self) -> String {
        match &self.exact {
            Some((path, _)) => path.clone(),
            None => format!("/v2/{}", self.segments.join("/")),
        }
    }

    /// Returns whether sending it twice has the effect of sending it once.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method != Method::POST
    }

    /// Returns the longest one try may take, given the client's choices.
    pub(crate) fn timeout(&self, usual: Duration, slow: Duration) -> Duration {
        let own = if self.slow { slow } else { usual };
        match &self.deadline {
            Some(deadline) => own.min(deadline.left()),
            None => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_never_reach_another_resource() {
        let origin = Url::parse("http://127.0.0.1:1").unwrap();
        let odd = Request::get(&["domains", "a/../b?x#y", "records"]).query("name", "a&b=c");
        assert_eq!(
            odd.url(&origin).unwrap().as_str(),
            "http://127.0.0.1:1/v2/domains/a%2F..%2Fb%3Fx%23y/records?name=a%26b%3Dc"
        );
        for bad in ["", ".", ".."] {
            let error = Request::delete(&["firewalls", bad]).url(&origin).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
        }
    }

    #[test]
    fn the_next_page_stays_on_the_origin() {
        let origin = Url::parse("http://127.0.0.1:1").unwrap();
        let page = Request::get(&["droplets"]).page("/v2/droplets", Some("page=2"));
        assert_eq!(page.url(&origin).unwrap().as_str(), "http://127.0.0.1:1/v2/droplets?page=2");
        let page =
            Request::get(&["droplets"]).query("tag_name", "a").page("/v2/droplets", Some("page=2"));
        assert_eq!(page.url(&origin).unwrap().query(), Some("page=2&tag_name=a"));
        let page = Request::get(&["droplets"]).page("//evil.example/v2", None);
        assert_eq!(page.url(&origin).unwrap().host_str(), Some("127.0.0.1"));
    }
}
