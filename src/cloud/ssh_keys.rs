//! The account's SSH keys. The list may be read ten times a minute only: look keys up one by one.

use std::time::Duration;

use serde_json::json;

use crate::{
    cloud::{
        client::Client,
        create_once::Outcome,
        decode::{Decode, Node, Shape},
        failure::{Class, class_of},
        request::Request,
    },
    error::Result,
};

/// A public key that can be given to new droplets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: Option<String>,
    /// Its MD5 fingerprint, sixteen pairs of digits with colons between.
    pub fingerprint: Option<String>,
    /// The key as `authorized_keys` spells it.
    pub public_key: Option<String>,
}

impl Decode for SshKey {
    fn decode(node: &Node<'_>) -> Result<Self, Shape> {
        Ok(Self {
            id: node.get("id").u64()?,
            name: node.get("name").maybe_text(),
            fingerprint: node.get("fingerprint").maybe_text(),
            public_key: node.get("public_key").maybe_text(),
        })
    }
}

/// Returns type and key of a public key, without the comment.
fn material(public: &str) -> Option<(&str, &str)> {
    let mut words = public.split_ascii_whitespace();
    Some((words.next()?, words.next()?))
}

impl Client {
    /// Reads a key by its number or MD5 fingerprint; none when there is no such key.
    pub async fn ssh_key(&self, id_or_fingerprint: &str) -> Result<Option<SshKey>> {
        let request = Request::get(&["account", "keys", id_or_fingerprint]);
        Ok(self.find(&request, "ssh_key").await?)
    }

    /// Lists the keys. DigitalOcean allows ten of these a minute: never in a loop.
    pub async fn ssh_keys(&self) -> Result<Vec<SshKey>> {
        Ok(self.list(Request::get(&["account", "keys"]), "ssh_keys").await?)
    }

    /// Adds a public key to the account, or returns the one that is already there.
    pub async fn create_ssh_key(&self, name: &str, public: &str) -> Result<SshKey> {
        let body = json!({ "name": name, "public_key": public });
        let request = Request::post(&["account", "keys"], body);
        let find = || async {
            let same = |key: &SshKey| {
                key.public_key.as_deref().and_then(material) == material(public)
                    && material(public).is_some()
            };
            Ok(self.ssh_keys().await?.into_iter().find(same))
        };
        // The list may not be polled; a key is visible at once or it was not added.
        let created = self
            .create_once(
                &request,
                Duration::ZERO,
                |answer| answer.one::<SshKey>("ssh_key").map(drop),
                find,
            )
            .await;
        match created {
            Ok(Outcome::Answered(answer)) => Ok(answer.one("ssh_key")?),
            Ok(Outcome::Found(key)) => Ok(key),
            // "SSH Key is already in use on your account" comes as a 422.
            Err(error) if matches!(class_of(&error), Some(Class::Conflict | Class::Final)) => {
                find().await?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}
