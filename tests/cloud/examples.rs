//! Every answer that the contract shows as an example is understood, and so is a barer one.

use std::net::Ipv6Addr;

use remuda::cloud::{Client, DropletStatus, Options};
use serde_json::Value;

use crate::{
    contract::contract,
    script::{Reply, Script, quick},
};

const UUID: &str = "506f78a4-e098-11e5-ad9f-000f53306ae1";

/// Calls what reads `path` and says whether something was found.
async fn read(client: &Client, path: &str) -> remuda::error::Result<usize> {
    let v6: Ipv6Addr = "2409:40d0:f7:1017:74b4:3a96:105e:4c6e".parse().unwrap();
    let some = usize::from;
    Ok(match path {
        "/v2/account" => client.account().await.map(|_| 1)?,
        "/v2/account/keys" => client.ssh_keys().await?.len(),
        "/v2/account/keys/512189" => some(client.ssh_key("512189").await?.is_some()),
        "/v2/regions" => client.regions().await?.len(),
        "/v2/sizes" => client.sizes().await?.len(),
        "/v2/images" => client.private_images().await?.len(),
        "/v2/images/6918990" => some(client.image("6918990").await?.is_some()),
        "/v2/droplets" => client.droplets().await?.len(),
        "/v2/droplets/3164444" => some(client.droplet(3_164_444).await?.is_some()),
        "/v2/droplets/3164444/actions" => client.droplet_actions(3_164_444).await?.len(),
        "/v2/droplets/3164444/snapshots" => client.droplet_snapshots(3_164_444).await?.len(),
        "/v2/snapshots" => client.snapshots().await?.len(),
        "/v2/reserved_ips" => client.reserved_ips().await?.len(),
        "/v2/reserved_ips/45.55.96.47" => {
            some(client.reserved_ip([45, 55, 96, 47].into()).await?.is_some())
        }
        "/v2/reserved_ipv6" => client.reserved_ipv6s().await?.len(),
        "/v2/reserved_ipv6/2409:40d0:f7:1017:74b4:3a96:105e:4c6e" => {
            some(client.reserved_ipv6(v6).await?.is_some())
        }
        "/v2/domains/example.com" => some(client.domain("example.com").await?.is_some()),
        "/v2/domains/example.com/records" => client.records("example.com", None, None).await?.len(),
        "/v2/volumes" => client.volumes(None).await?.len(),
        "/v2/volumes/506f78a4-e098-11e5-ad9f-000f53306ae1" => {
            some(client.volume(UUID).await?.is_some())
        }
        "/v2/tags" => client.tags().await?.len(),
        "/v2/tags/extra-awesome" => some(client.find_tag("extra-awesome").await?.is_some()),
        "/v2/firewalls" => client.firewalls().await?.len(),
        "/v2/firewalls/506f78a4-e098-11e5-ad9f-000f53306ae1" => {
            some(client.firewall(UUID).await?.is_some())
        }
        "/v2/projects" => client.projects().await?.len(),
        "/v2/vpcs" => client.vpcs().await?.len(),
        other => panic!("nobody reads {other}"),
    })
}

const PATHS: [&str; 26] = [
    "/v2/account",
    "/v2/account/keys",
    "/v2/account/keys/512189",
    "/v2/regions",
    "/v2/sizes",
    "/v2/images",
    "/v2/images/6918990",
    "/v2/droplets",
    "/v2/droplets/3164444",
    "/v2/droplets/3164444/actions",
    "/v2/droplets/3164444/snapshots",
    "/v2/snapshots",
    "/v2/reserved_ips",
    "/v2/reserved_ips/45.55.96.47",
    "/v2/reserved_ipv6",
    "/v2/reserved_ipv6/2409:40d0:f7:1017:74b4:3a96:105e:4c6e",
    "/v2/domains/example.com",
    "/v2/domains/example.com/records",
    "/v2/volumes",
    "/v2/volumes/506f78a4-e098-11e5-ad9f-000f53306ae1",
    "/v2/tags",
    "/v2/tags/extra-awesome",
    "/v2/firewalls",
    "/v2/firewalls/506f78a4-e098-11e5-ad9f-000f53306ae1",
    "/v2/projects",
    "/v2/vpcs",
];

/// Serves one answer for everything, without the links to pages that are not there.
async fn serve(mut answer: Value) -> (Script, Client) {
    if let Some(object) = answer.as_object_mut() {
        object.remove("links");
    }
    let script = Script::start(move |_| Reply::ok(answer.clone())).await;
    let client = script.client_with(Options { tries: 1, ..quick() });
    (script, client)
}

#[tokio::test]
async fn every_example_is_understood() {
    let Some(contract) = contract() else { return };
    for path in PATHS {
        let answers = contract.answers("GET", path);
        assert!(!answers.is_empty(), "{path} has no example");
        for answer in answers {
            let (_script, client) = serve(answer.clone()).await;
            match read(&client, path).await {
                Ok(found) => assert!(found > 0, "{path}: nothing found in {answer}"),
                Err(error) => panic!("{path}: {error} in {answer}"),
            }
        }
    }
}

#[tokio::test]
async fn any_one_field_may_be_null_if_it_is_not_needed() {
    /// What no answer can do without, apart from what it is all about.
    const NEEDED: [&str; 9] = [
        "id",
        "name",
        "slug",
        "ip",
        "type",
        "droplet_limit",
        "price_monthly",
        "price_hourly",
        "urn",
    ];
    let Some(contract) = contract() else { return };
    let mut tried = 0;
    for path in PATHS {
        let Some(answer) = contract.answers("GET", path).pop() else { continue };
        let Some((top, value)) = answer.as_object().unwrap().iter().find(|it| {
            it.1.is_object() && !["links", "meta"].contains(&it.0.as_str()) || it.1.is_array()
        }) else {
            panic!("{path}: {answer}")
        };
        let object = value.get(0).unwrap_or(value).as_object().unwrap();
        for field in object.keys().filter(|field| !NEEDED.contains(&field.as_str())) {
            for wrong in [Value::Null, serde_json::json!([[]]), serde_json::json!("odd")] {
                // "droplet" says where an address points: that must be true or an error.
                if field == "droplet" && !wrong.is_null() {
                    continue;
                }
                let mut answer = answer.clone();
                let item = &mut answer[top];
                let item = if item.is_array() { &mut item[0] } else { item };
                item[field] = wrong;
                let (_script, client) = serve(answer).await;
                if let Err(error) = read(&client, path).await {
                    panic!("{path} without {field}: {error}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "{tried}");
}

#[tokio::test]
async fn the_droplet_of_the_example_is_read_rightly() {
    let Some(contract) = contract() else { return };
    let answer = contract.answers("GET", "/v2/droplets/3164444").remove(0);
    let (_script, client) = serve(answer).await;
    let droplet = client.droplet(3_164_444).await.unwrap().unwrap();
    assert_eq!((droplet.id, droplet.status), (3_164_444, DropletStatus::Active));
    assert_eq!(droplet.public_ipv4.unwrap().to_string(), "192.241.165.154");
    assert_eq!(droplet.private_ipv4.unwrap().to_string(), "10.128.192.124");
    assert!(droplet.public_ipv6.is_some() && droplet.created_at.is_some());
    assert_eq!(droplet.region.as_deref(), Some("nyc3"));
    assert!(droplet.price_hourly.is_some() && droplet.size_slug.is_some());
    assert_eq!(droplet.tags, ["web", "env:prod"]);
}
