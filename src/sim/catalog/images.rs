//! The public images.

use serde_json::{Value, json};

/// A public image.
#[derive(Debug)]
pub(crate) struct PublicImage {
    /// Its number.
    pub(crate) id: u64,
    /// Its slug.
    pub(crate) slug: &'static str,
    name: &'static str,
    /// The distribution's name.
    pub(crate) distribution: &'static str,
    /// `base` for a distribution, `snapshot` for an application.
    pub(crate) kind: &'static str,
    /// GiB of disk that a droplet needs for it.
    pub(crate) min_disk: u64,
    size: f64,
}

const fn base(
    id: u64,
    slug: &'static str,
    name: &'static str,
    distribution: &'static str,
    min_disk: u64,
    size: f64,
) -> PublicImage {
    PublicImage { id, slug, name, distribution, kind: "base", min_disk, size }
}

static IMAGES: [PublicImage; 9] = [
    base(195_932_981, "debian-11-x64", "11 x64", "Debian", 7, 1.1),
    base(201_838_391, "debian-12-x64", "12 x64", "Debian", 7, 1.22),
    base(209_876_513, "debian-13-x64", "13 x64", "Debian", 7, 1.31),
    base(195_929_685, "ubuntu-22-04-x64", "22.04 (LTS) x64", "Ubuntu", 7, 2.05),
    base(195_932_979, "ubuntu-24-04-x64", "24.04 (LTS) x64", "Ubuntu", 10, 2.32),
    base(201_838_453, "fedora-42-x64", "42 x64", "Fedora", 15, 1.66),
    base(190_118_512, "rockylinux-9-x64", "9 x64", "Rocky Linux", 10, 1.93),
    base(189_962_140, "centos-stream-9-x64", "9 Stream x64", "CentOS", 10, 1.66),
    PublicImage {
        id: 198_325_178,
        slug: "docker-20-04",
        name: "Docker on Ubuntu 22.04",
        distribution: "Ubuntu",
        kind: "snapshot",
        min_disk: 25,
        size: 2.86,
    },
];

/// Returns all public images.
pub(crate) fn images() -> &'static [PublicImage] {
    &IMAGES
}

/// Returns a public image by its slug.
pub(crate) fn image_by_slug(slug: &str) -> Option<&'static PublicImage> {
    IMAGES.iter().find(|image| image.slug == slug)
}

/// Returns a public image by its number.
pub(crate) fn image_by_id(id: u64) -> Option<&'static PublicImage> {
    IMAGES.iter().find(|image| image.id == id)
}

impl PublicImage {
    /// Returns the image as the API shows it.
    pub(crate) fn show(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "distribution": self.distribution,
            "slug": self.slug,
            "public": true,
            "regions": super::regions::available(),
            "created_at": "2025-09-18T09:12:44Z",
            "min_disk_size": self.min_disk,
            "type": self.kind,
            "size_gigabytes": self.size,
            "description": format!("{} {}", self.distribution, self.name),
            "tags": [],
            "status": "available",
            "error_message": "",
        })
    }
}
