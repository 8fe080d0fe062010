//! What can be chosen: regions, sizes with their prices, and public images.

mod images;
mod regions;
mod sizes;

pub(crate) use images::{image_by_id, image_by_slug, images};
pub(crate) use regions::{Region, region, regions};
pub(crate) use sizes::{Size, size, sizes};
