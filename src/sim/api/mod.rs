//! The paths of the API, and which verb does what.

mod account;
mod actions;
mod catalog;
mod domain_records;
mod domains;
mod droplets;
mod firewall_rules;
mod firewalls;
mod floating;
mod images;
mod keys;
mod projects;
mod reserved;
mod reserved6;
mod snapshots;
mod tags;
mod volume_actions;
mod volumes;
mod vpcs;

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post},
};

pub(crate) use droplets::over_the_limit;

use super::{
    http::{Answer, Refusal},
    world::World,
};

/// Returns the router of `/v2`.
pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .merge(account_and_catalog())
        .merge(droplets::router())
        .merge(addresses())
        .merge(names())
        .merge(storage())
        .merge(groups())
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_verb)
}

async fn nothing() -> Answer {
    Err(Refusal::not_found())
}

async fn wrong_verb() -> Answer {
    Err(Refusal::no_such_verb())
}

fn account_and_catalog() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/account", get(account::show))
        .route("/v2/account/keys", get(keys::list).post(keys::create))
        .route("/v2/account/keys/{key}", get(keys::show).put(keys::rename).delete(keys::delete))
        .route("/v2/regions", get(catalog::regions))
        .route("/v2/sizes", get(catalog::sizes))
        .route("/v2/images", get(images::list).post(images::create))
        .route("/v2/images/{image}", get(images::show).put(images::update).delete(images::delete))
        .route("/v2/images/{image}/actions", get(images::actions).post(images::act))
        .route("/v2/images/{image}/actions/{action}", get(images::action))
        .route("/v2/actions", get(actions::list))
        .route("/v2/actions/{action}", get(actions::show))
}

fn addresses() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/reserved_ips", get(reserved::list).post(reserved::create))
        .route("/v2/reserved_ips/{ip}", get(reserved::show).delete(reserved::delete))
        .route("/v2/reserved_ips/{ip}/actions", get(reserved::actions).post(reserved::act))
        .route("/v2/reserved_ips/{ip}/actions/{action}", get(reserved::action))
        .route("/v2/floating_ips", get(floating::list).post(floating::create))
        .route("/v2/floating_ips/{ip}", get(floating::show).delete(reserved::delete))
        .route("/v2/floating_ips/{ip}/actions", get(reserved::actions).post(floating::act))
        .route("/v2/floating_ips/{ip}/actions/{action}", get(reserved::action))
        .route("/v2/reserved_ipv6", get(reserved6::list).post(reserved6::create))
        .route("/v2/reserved_ipv6/{ip}", get(reserved6::show).delete(reserved6::delete))
        .route("/v2/reserved_ipv6/{ip}/actions", post(reserved6::act))
}

fn names() -> Router<Arc<World>> {
    let record = get(domain_records::show)
        .patch(domain_records::update)
        .put(domain_records::update)
        .delete(domain_records::delete);
    Router::new()
        .route("/v2/domains", get(domains::list).post(domains::create))
        .route("/v2/domains/{domain}", get(domains::show).delete(domains::delete))
        .route(
            "/v2/domains/{domain}/records",
            get(domain_records::list).post(domain_records::create),
        )
        .route("/v2/domains/{domain}/records/{record}", record)
}

fn storage() -> Router<Arc<World>> {
    Router::new()
        .route(
            "/v2/volumes",
            get(volumes::list).post(volumes::create).delete(volumes::delete_named),
        )
        .route("/v2/volumes/actions", post(volume_actions::act_named))
        .route("/v2/volumes/{volume}", get(volumes::show).delete(volumes::delete))
        .route("/v2/volumes/{volume}/actions", get(volume_actions::list).post(volume_actions::act))
        .route("/v2/volumes/{volume}/actions/{action}", get(volume_actions::show))
        .route("/v2/volumes/{volume}/snapshots", get(snapshots::of_volume).post(snapshots::create))
        .route("/v2/volumes/snapshots/{snapshot}", get(snapshots::show).delete(snapshots::delete))
        .route("/v2/snapshots", get(snapshots::list))
        .route("/v2/snapshots/{snapshot}", get(snapshots::show).delete(snapshots::delete))
}

fn groups() -> Router<Arc<World>> {
    let firewall = get(firewalls::show).put(firewalls::replace).delete(firewalls::delete);
    let project =
        get(projects::show).put(projects::update).patch(projects::update).delete(projects::delete);
    let vpc = get(vpcs::show).put(vpcs::update).patch(vpcs::update).delete(vpcs::delete);
    Router::new()
        .route("/v2/tags", get(tags::list).post(tags::create))
        .route("/v2/tags/{tag}", get(tags::show).delete(tags::delete))
        .route("/v2/tags/{tag}/resources", post(tags::attach).delete(tags::detach))
        .route("/v2/firewalls", get(firewalls::list).post(firewalls::create))
        .route("/v2/firewalls/{firewall}", firewall)
        .route(
            "/v2/firewalls/{firewall}/droplets",
            post(firewalls::add_droplets).delete(firewalls::remove_droplets),
        )
        .route(
            "/v2/firewalls/{firewall}/tags",
            post(firewalls::add_tags).delete(firewalls::remove_tags),
        )
        .route(
            "/v2/firewalls/{firewall}/rules",
            post(firewalls::add_rules).delete(firewalls::remove_rules),
        )
        .route("/v2/projects", get(projects::list).post(projects::create))
        .route("/v2/projects/{project}", project)
        .route("/v2/projects/{project}/resources", get(projects::resources).post(projects::assign))
        .route("/v2/vpcs", get(vpcs::list).post(vpcs::create))
        .route("/v2/vpcs/{vpc}", vpc)
        .route("/v2/vpcs/{vpc}/members", get(vpcs::members))
        .route("/v2/vpcs/{vpc}/peerings", get(vpcs::peerings))
        .route("/v2/reports/droplet_neighbors_ids", delete(nothing).get(droplets::no_neighbors))
}
