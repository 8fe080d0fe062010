//! The regions.

use serde_json::{Value, json};

/// A region.
#[derive(Debug)]
pub(crate) struct Region {
    /// Its slug.
    pub(crate) slug: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether new droplets can be made in it.
    pub(crate) available: bool,
}

const fn open(slug: &'static str, name: &'static str) -> Region {
    Region { slug, name, available: true }
}

const fn full(slug: &'static str, name: &'static str) -> Region {
    Region { slug, name, available: false }
}

static REGIONS: [Region; 14] = [
    open("nyc1", "New York 1"),
    open("sgp1", "Singapore 1"),
    open("lon1", "London 1"),
    open("nyc3", "New York 3"),
    open("ams3", "Amsterdam 3"),
    open("fra1", "Frankfurt 1"),
    open("tor1", "Toronto 1"),
    open("blr1", "Bangalore 1"),
    open("sfo2", "San Francisco 2"),
    open("sfo3", "San Francisco 3"),
    open("syd1", "Sydney 1"),
    open("nyc2", "New York 2"),
    full("ams2", "Amsterdam 2"),
    full("sfo1", "San Francisco 1"),
];

/// Returns all regions.
pub(crate) fn regions() -> &'static [Region] {
    &REGIONS
}

/// Returns a region by its slug.
pub(crate) fn region(slug: &str) -> Option<&'static Region> {
    REGIONS.iter().find(|region| region.slug == slug)
}

/// Returns the slugs of the regions where something new can be made.
pub(crate) fn available() -> Vec<&'static str> {
    REGIONS.iter().filter(|region| region.available).map(|region| region.slug).collect()
}

impl Region {
    /// Returns the region as the API shows it.
    pub(crate) fn show(&self) -> Value {
        let sizes: Vec<&str> = if self.available {
            super::sizes().iter().map(|size| size.slug).collect()
        } else {
            Vec::new()
        };
        json!({
            "name": self.name,
            "slug": self.slug,
            "features": ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"],
            "available": self.available,
            "sizes": sizes,
        })
    }
}
