//! `/v2/droplets`: which path is served by which file.

mod act;
mod associated;
mod backups;
mod create;
mod delete;
mod list;
mod view;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

pub(crate) use create::{hostname, over_the_limit};
pub(crate) use list::no_neighbors;
pub(crate) use view::view;

use crate::sim::world::World;

/// Returns the paths of droplets.
pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/droplets", get(list::list).post(create::create).delete(delete::by_tag))
        .route("/v2/droplets/actions", post(act::by_tag))
        .route("/v2/droplets/backups/policies", get(backups::policies))
        .route("/v2/droplets/backups/supported_policies", get(backups::supported))
        .route("/v2/droplets/{droplet}", get(list::show).delete(delete::by_id))
        .route("/v2/droplets/{droplet}/actions", get(act::list).post(act::act))
        .route("/v2/droplets/{droplet}/actions/{action}", get(act::show))
        .route("/v2/droplets/{droplet}/backups", get(backups::list))
        .route("/v2/droplets/{droplet}/backups/policy", get(backups::policy))
        .route("/v2/droplets/{droplet}/snapshots", get(list::snapshots))
        .route("/v2/droplets/{droplet}/kernels", get(list::kernels))
        .route("/v2/droplets/{droplet}/firewalls", get(list::firewalls))
        .route("/v2/droplets/{droplet}/neighbors", get(list::neighbors))
        .merge(associated::router())
}
