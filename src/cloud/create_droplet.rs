//! Creating a droplet exactly once. Its name is the key: it must be one that nobody else uses.

use serde_json::{Map, Value, json};

use crate::{
    cloud::{
        Droplet, actions,
        client::Client,
        create_once::Outcome,
        decode::Node,
        failure::{Class, Failure},
        request::Request,
        wire::Answer,
    },
    error::{Error, Kind, Result},
    retry::Deadline,
};

/// The longest user-data the API takes, in bytes.
const LONGEST_USER_DATA: usize = 64 << 10;

/// A droplet to be created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewDroplet {
    /// Its name, unique to this creation: it is the key by which a lost answer is reconciled.
    pub name: String,
    /// The word of its region.
    pub region: String,
    /// The word of its size.
    pub size: String,
    /// The slug or the number of its image.
    pub image: String,
    /// The numbers or fingerprints of the account's keys it gets.
    pub ssh_keys: Vec<String>,
    /// What cloud-init does at first boot; text, because JSON carries nothing else. No secrets.
    pub user_data: Option<String>,
    /// Its tags; the API applies them after the droplet is created.
    pub tags: Vec<String>,
    /// Whether it has a public IPv6 address.
    pub ipv6: bool,
    /// Whether DigitalOcean's metrics agent is installed.
    pub monitoring: bool,
    /// The private network; none for the region's default.
    pub vpc_uuid: Option<String>,
    /// The identifiers of the volumes to attach.
    pub volumes: Vec<String>,
}

/// A droplet that was created, or that turned out to exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The droplet, usually still without addresses.
    pub droplet: Droplet,
    /// Whether it was found by its name instead of in the answer to the request.
    pub adopted: bool,
}

/// Returns a number where the API expects one.
fn id_or_word(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

impl NewDroplet {
    /// Returns the body of the request.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        let mut set = |key: &str, value: Value| drop(body.insert(key.into(), value));
        set("name", json!(self.name));
        if !self.region.is_empty() {
            set("region", json!(self.region));
        }
        set("size", json!(self.size));
        set("image", id_or_word(&self.image));
        set("ssh_keys", self.ssh_keys.iter().map(|key| id_or_word(key)).collect());
        set("ipv6", json!(self.ipv6));
        set("monitoring", json!(self.monitoring));
        set("tags", json!(self.tags));
        if let Some(user_data) = &self.user_data {
            set("user_data", json!(user_data));
        }
        if let Some(vpc) = &self.vpc_uuid {
            set("vpc_uuid", json!(vpc));
        }
        if !self.volumes.is_empty() {
            set("volumes", json!(self.volumes));
        }
        Value::Object(body)
    }
}

impl Client {
    /// Creates a droplet, or adopts the one that already has its name; never leaves two.
    ///
    /// Should a lost answer have made twins, the oldest is kept and the others are destroyed by
    /// number. A twin that appears even later is found by [`Client::sweep_twins`].
    ///
    /// # Errors
    /// [`Kind::Refused`] when the token or a limit forbids it; [`Kind::TimedOut`] at the deadline.
    pub async fn create_droplet(&self, new: &NewDroplet, deadline: &Deadline) -> Result<Created> {
        if let Some(length) = new.user_data.as_ref().map(String::len)
            && length > LONGEST_USER_DATA
        {
            return Err(Error::new(Kind::Usage, "the user-data is longer than 64 KiB")
                .at("length", crate::size::bytes(length as u64)));
        }
        if let Some(droplet) = self.adopt(new, deadline).await? {
            return Ok(Created { droplet, adopted: true });
        }
        let request = Request::post(&["droplets"], new.body()).slow().by(deadline);
        let window = self.options().reconcile;
        let find = || self.adopt(new, deadline);
        let readable = |answer: &Answer| answer.one::<Droplet>("droplet").map(drop);
        match self.create_once(&request, window, readable, find).await? {
            Outcome::Found(droplet) => Ok(Created { droplet, adopted: true }),
            Outcome::Answered(answer) => {
                let droplet: Droplet = answer.one("droplet")?;
                let action = actions::linked(&Node::root(&answer.body), "create");
                self.remember(droplet.id, action);
                Ok(Created { droplet, adopted: false })
            }
        }
    }

    /// Returns the droplet of this name, after its younger twins have been destroyed.
    async fn adopt(&self, new: &NewDroplet, deadline: &Deadline) -> Result<Option<Droplet>> {
        let request = Request::get(&["droplets"]).query("name", &*new.name).by(deadline);
        let mut droplets: Vec<Droplet> = self.list(request, "droplets").await?;
        droplets.retain(|droplet| droplet.name == new.name);
        droplets.sort_by_key(age);
        let mut droplets = droplets.into_iter();
        let Some(oldest) = droplets.next() else { return Ok(None) };
        let twins: Vec<Droplet> = droplets.collect();
        if let Some(stranger) = twins.iter().chain([&oldest]).find(|it| !could_be(it, new)) {
            return Err(stranger_error(stranger, new));
        }
        for twin in twins {
            self.destroy_droplet(twin.id, deadline).await?;
        }
        Ok(Some(oldest))
    }

    /// Destroys droplets of this name other than `keep`: late twins of a request that was lost and
    /// sent again. Returns the numbers of those it destroyed.
    ///
    /// Does nothing when `keep` itself does not have the name: then the name is not its key.
    pub async fn sweep_twins(
        &self,
        name: &str,
        keep: u64,
        deadline: &Deadline,
    ) -> Result<Vec<u64>> {
        let named = self.droplets_named(name).await?;
        let mut swept = Vec::new();
        if named.iter().any(|droplet| droplet.id == keep) {
            for twin in named.iter().filter(|droplet| droplet.id != keep) {
                self.destroy_droplet(twin.id, deadline).await?;
                swept.push(twin.id);
            }
        }
        Ok(swept)
    }
}

/// Orders by age, oldest first; numbers only grow.
fn age(droplet: &Droplet) -> (jiff::Timestamp, u64) {
    (droplet.created_at.unwrap_or(jiff::Timestamp::MAX), droplet.id)
}

/// Returns whether this droplet can have come from this request, as far as it can be seen.
fn could_be(droplet: &Droplet, new: &NewDroplet) -> bool {
    let same = |seen: &Option<String>, asked: &str| {
        asked.is_empty() || seen.as_deref().is_none_or(|seen| seen == asked)
    };
    same(&droplet.region, &new.region) && same(&droplet.size_slug, &new.size)
}

fn stranger_error(droplet: &Droplet, new: &NewDroplet) -> Error {
    let message = format!("another droplet is already named {}", new.name);
    Error::from(Failure::new(Class::Conflict, "POST", "/v2/droplets", message))
        .at("droplet", droplet.id)
        .hint("rename it, or destroy it by its number if nobody needs it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sent_as_numbers() {
        let new = NewDroplet {
            name: "a".into(),
            size: "s".into(),
            image: "123".into(),
            ssh_keys: vec!["7".into(), "3b:16:bf".into()],
            ..NewDroplet::default()
        };
        let body = new.body();
        assert_eq!(body["image"], json!(123));
        assert_eq!(body["ssh_keys"], json!([7, "3b:16:bf"]));
        assert_eq!(body.get("region"), None);
        assert_eq!(body.get("volumes"), None);
    }

    #[test]
    fn a_droplet_of_another_kind_is_never_taken_for_ours() {
        let new = NewDroplet { region: "nyc3".into(), size: "s".into(), ..NewDroplet::default() };
        let droplet = |value: Value| {
            use crate::cloud::decode::Decode as _;
            Droplet::decode(&Node::root(&value)).unwrap()
        };
        assert!(could_be(&droplet(json!({ "id": 1, "name": "a" })), &new));
        let other = json!({ "id": 1, "name": "a", "region": { "slug": "ams3" } });
        assert!(!could_be(&droplet(other), &new));
    }
}
