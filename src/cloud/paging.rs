//! Lists, all pages of them.

use std::collections::HashSet;

use serde_json::Value;
use url::Url;

use crate::cloud::{
    client::Client,
    decode::{Decode, Node},
    failure::{Class, Failure},
    request::Request,
    wire::Answer,
};

/// The most the API gives on one page.
const PER_PAGE: &str = "200";

/// More pages than any account has; an API that names more is not believed.
const MOST_PAGES: usize = 500;

impl Client {
    /// Reads the list under `key`, all pages of it, each item once.
    pub(crate) async fn list<T: Decode>(
        &self,
        request: Request,
        key: &str,
    ) -> Result<Vec<T>, Failure> {
        let first = request.query("per_page", PER_PAGE);
        let mut page = first.clone();
        let mut seen = HashSet::new();
        let mut asked = HashSet::new();
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.send(&page).await?;
            // While pages are read things come and go, so that an item can be on two pages.
            for (id, item) in read::<T>(&answer, key)? {
                if id.is_none_or(|id| seen.insert(id)) {
                    items.push(item);
                }
            }
            let Some((path, query)) = next(&answer.body) else { return Ok(items) };
            // `asked` ends a circle. A page elsewhere is not a page of this list.
            if path != first.path() || !asked.insert(query.clone()) {
                let message = "the API names a next page that is not one of this list";
                return Err(answer.foreign(message));
            }
            page = first.page(&path, query.as_deref());
        }
        let (method, path) = (first.method.as_str(), first.path());
        Err(Failure::new(Class::Unreadable, method, &path, "the list does not end"))
    }
}

/// Reads the items of one page, each with the identifier by which it is told on another.
pub(crate) fn read<T: Decode>(
    answer: &Answer,
    key: &str,
) -> Result<Vec<(Option<String>, T)>, Failure> {
    let root = Node::root(&answer.body);
    let node = root.get(key);
    // A list that is missing altogether must not pass for an empty one.
    if !root.has(key) {
        return Err(answer.odd(&node.wrong("a list")));
    }
    let items = node.items().map_err(|shape| answer.odd(&shape))?;
    let read = |item: &Node<'_>| T::decode(item).map(|value| (item.get("id").maybe_name(), value));
    items.iter().map(|item| read(item).map_err(|shape| answer.odd(&shape))).collect()
}

/// Returns path and query of the next page. Where the link points to besides does not matter: the
/// token stays with the origin.
pub(crate) fn next(body: &Value) -> Option<(String, Option<String>)> {
    let link = Node::root(body).get("links").get("pages").get("next").maybe_text()?;
    let anywhere = Url::parse("http://origin.invalid").ok()?;
    let url = anywhere.join(&link).ok()?;
    Some((url.path().to_owned(), url.query().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_path_and_query_of_the_next_page_are_taken() {
        let links = |next: Value| json!({ "links": { "pages": { "next": next } } });
        assert_eq!(
            next(&links(json!("https://evil.example/v2/droplets?page=2"))),
            Some(("/v2/droplets".into(), Some("page=2".into())))
        );
        assert_eq!(
            next(&links(json!("/v2/droplets?page=2"))),
            Some(("/v2/droplets".into(), Some("page=2".into())))
        );
        for none in [json!({}), json!({ "links": null }), json!({ "links": [] }), links(json!(7))] {
            assert_eq!(next(&none), None, "{none}");
        }
    }
}
