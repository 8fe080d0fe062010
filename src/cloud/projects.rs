//! Projects: where the control panel shows a resource.

use std::time::Duration;

use serde_json::json;

use crate::{
    cloud::{
        client::Client,
        decode::{Decode, Node, Shape},
        request::Request,
    },
    error::Result,
};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether new resources go here when nothing else is said.
    pub is_default: bool,
}

impl Decode for Project {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").name()?,
            name: node.get("name").maybe_text(),
            is_default: node.get("is_default").maybe_bool().unwrap_or(false),
        })
    }
}

/// A resource in a project, by its URN.
pub(crate) struct Member {
    urn: String,
}

impl Decode for Member {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self { urn: node.get("urn").text()? })
    }
}

impl Client {
    /// Lists the projects.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        Ok(self.list(Request::get(&["projects"]), "projects").await?)
    }

    /// Moves resources into a project, by URNs such as `do:droplet:412`. Never an address: some
    /// cannot be moved back.
    pub async fn assign_to_project(&self, project: &str, urns: &[String]) -> Result<()> {
        let path = ["projects", project, "resources"];
        let request = Request::post(&path, json!({ "resources": urns })).blind();
        let find = || async move {
            let members: Vec<Member> = self.list(Request::get(&path), "resources").await?;
            let has = |urn: &String| members.iter().any(|member| member.urn == *urn);
            Ok(urns.iter().all(has).then_some(()))
        };
        self.create_once(&request, Duration::ZERO, |_| Ok(()), find).await.map(drop)
    }
}
