//! Actions: what the API does after it has said yes. Their status is advice, not truth.

use jiff::Timestamp;

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        failure::{Class, Failure},
        paging,
        request::Request,
    },
    error::Result,
    retry::Deadline,
};

/// How far an action has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionStatus {
    /// It runs.
    InProgress,
    /// It says that it is done; the resource has the last word.
    Completed,
    /// It says that it failed; the resource has the last word.
    Errored,
    /// A word this version does not know.
    Other,
}

/// An action of a droplet, an address or a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its number.
    pub id: u64,
    /// How far it has come.
    pub status: ActionStatus,
    /// What it does, such as `create` or `assign_ip`.
    pub kind: Option<String>,
    /// The number of what it does it to, where that has a number.
    pub resource_id: Option<u64>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

impl Decode for Action {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        let status = match node.get("status").maybe_text().as_deref() {
            Some("in-progress") => ActionStatus::InProgress,
            // The API once answered `done` for a while, in 2021.
            Some("completed" | "done") => ActionStatus::Completed,
            Some("errored") => ActionStatus::Errored,
            _ => ActionStatus::Other,
        };
        Ok(Self {
            id: node.get("id").u64()?,
            status,
            kind: node.get("type").maybe_text(),
            resource_id: node.get("resource_id").maybe_u64(),
            started_at: node.get("started_at").maybe_time(),
            completed_at: node.get("completed_at").maybe_time(),
        })
    }
}

/// Returns the number of the action of this kind that an answer's `links` name.
pub(crate) fn linked(root: &Node<'_>, rel: &str) -> Option<u64> {
    let actions = root.get("links").get("actions").maybe_items();
    let wanted = |action: &&Node<'_>| action.get("rel").maybe_text().as_deref() == Some(rel);
    actions.iter().find(wanted)?.get("id").maybe_u64()
}

impl Client {
    /// Reads an action; none when the API does not know it, which happens for real ones too.
    pub(crate) async fn action(
        &self,
        id: u64,
        deadline: &Deadline,
    ) -> Result<Option<Action>, Failure> {
        let request = Request::get(&["actions", &id.to_string()]).by(deadline);
        self.find(&request, "action").await
    }

    /// Lists the latest actions of a droplet; empty when there is no such droplet.
    pub async fn droplet_actions(&self, id: u64) -> Result<Vec<Action>> {
        Ok(self.recent(&droplet_actions(id)).await?)
    }

    /// Reads the first page only: the latest come first, and what runs is among them.
    async fn recent(&self, request: &Request) -> Result<Vec<Action>, Failure> {
        let answer = match self.send(request).await {
            Err(failure) if failure.class == Class::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let actions = paging::read(&answer, "actions")?;
        Ok(actions.into_iter().map(|(_, action)| action).collect())
    }

    /// Waits until no action of a droplet is running.
    ///
    /// # Errors
    /// [`crate::error::Kind::TimedOut`] at the deadline.
    pub async fn await_idle(&self, id: u64, deadline: &Deadline) -> Result<()> {
        let request = droplet_actions(id).by(deadline);
        let mut pauses = self.pauses();
        loop {
            let actions = self.recent(&request).await?;
            if !actions.iter().any(|action| action.status == ActionStatus::InProgress) {
                return Ok(());
            }
            pauses.wait(deadline).await?;
        }
    }
}

fn droplet_actions(id: u64) -> Request {
    Request::get(&["droplets", &id.to_string(), "actions"]).query("per_page", "50")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn done_is_completed() {
        let read = |status| {
            Action::decode(&Node::root(&json!({ "id": 1, "status": status }))).unwrap().status
        };
        assert_eq!(read("done"), ActionStatus::Completed);
        assert_eq!(read("completed"), ActionStatus::Completed);
        assert_eq!(read("errored"), ActionStatus::Errored);
        assert_eq!(read("in-progress"), ActionStatus::InProgress);
        assert_eq!(read("paused"), ActionStatus::Other);
    }

    #[test]
    fn the_action_of_a_creation_is_found() {
        let answer = json!({ "links": { "actions": [
            { "id": 1, "rel": "backup" }, { "id": 7, "rel": "create", "href": "x" },
        ] } });
        assert_eq!(linked(&Node::root(&answer), "create"), Some(7));
        assert_eq!(linked(&Node::root(&json!({ "links": [] })), "create"), None);
    }
}
