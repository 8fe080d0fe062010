//! The sizes, with the prices that DigitalOcean publishes.

use serde_json::{Value, json};

/// A size of droplet.
#[derive(Debug)]
pub(crate) struct Size {
    /// Its slug.
    pub(crate) slug: &'static str,
    /// MiB.
    pub(crate) memory: u64,
    /// Virtual processors.
    pub(crate) vcpus: u64,
    /// GiB.
    pub(crate) disk: u64,
    transfer: f64,
    monthly: f64,
    description: &'static str,
}

const fn new(
    slug: &'static str,
    (gib, vcpus, disk): (f64, u64, u64),
    (transfer, monthly): (f64, f64),
    description: &'static str,
) -> Size {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the table below holds small positive numbers"
    )]
    let memory = (gib * 1024.0) as u64;
    Size { slug, memory, vcpus, disk, transfer, monthly, description }
}

static SIZES: [Size; 33] = [
    new("s-1vcpu-512mb-10gb", (0.5, 1, 10), (0.5, 4.0), "Basic"),
    new("s-1vcpu-1gb", (1.0, 1, 25), (1.0, 6.0), "Basic"),
    new("s-1vcpu-1gb-amd", (1.0, 1, 25), (1.0, 7.0), "Basic AMD"),
    new("s-1vcpu-1gb-intel", (1.0, 1, 25), (1.0, 7.0), "Basic Intel"),
    new("s-1vcpu-1gb-35gb-intel", (1.0, 1, 35), (1.0, 8.0), "Basic Intel"),
    new("s-1vcpu-2gb", (2.0, 1, 50), (2.0, 12.0), "Basic"),
    new("s-1vcpu-2gb-amd", (2.0, 1, 50), (2.0, 14.0), "Basic AMD"),
    new("s-1vcpu-2gb-intel", (2.0, 1, 50), (2.0, 14.0), "Basic Intel"),
    new("s-1vcpu-2gb-70gb-intel", (2.0, 1, 70), (2.0, 16.0), "Basic Intel"),
    new("s-2vcpu-2gb", (2.0, 2, 60), (3.0, 18.0), "Basic"),
    new("s-2vcpu-2gb-amd", (2.0, 2, 60), (3.0, 21.0), "Basic AMD"),
    new("s-2vcpu-2gb-intel", (2.0, 2, 60), (3.0, 21.0), "Basic Intel"),
    new("s-2vcpu-2gb-90gb-intel", (2.0, 2, 90), (3.0, 24.0), "Basic Intel"),
    new("s-2vcpu-4gb", (4.0, 2, 80), (4.0, 24.0), "Basic"),
    new("s-2vcpu-4gb-amd", (4.0, 2, 80), (4.0, 28.0), "Basic AMD"),
    new("s-2vcpu-4gb-intel", (4.0, 2, 80), (4.0, 28.0), "Basic Intel"),
    new("s-2vcpu-4gb-120gb-intel", (4.0, 2, 120), (4.0, 32.0), "Basic Intel"),
    new("c-2", (4.0, 2, 25), (4.0, 42.0), "CPU-Optimized"),
    new("c2-2vcpu-4gb", (4.0, 2, 50), (4.0, 47.0), "CPU-Optimized 2x SSD"),
    new("s-4vcpu-8gb", (8.0, 4, 160), (5.0, 48.0), "Basic"),
    new("s-4vcpu-8gb-amd", (8.0, 4, 160), (5.0, 56.0), "Basic AMD"),
    new("s-4vcpu-8gb-intel", (8.0, 4, 160), (5.0, 56.0), "Basic Intel"),
    new("g-2vcpu-8gb", (8.0, 2, 25), (4.0, 63.0), "General Purpose"),
    new("s-4vcpu-8gb-240gb-intel", (8.0, 4, 240), (6.0, 64.0), "Basic Intel"),
    new("gd-2vcpu-8gb", (8.0, 2, 50), (4.0, 68.0), "General Purpose 2x SSD"),
    new("m-2vcpu-16gb", (16.0, 2, 50), (4.0, 84.0), "Memory-Optimized"),
    new("c-4", (8.0, 4, 50), (5.0, 84.0), "CPU-Optimized"),
    new("s-8vcpu-16gb", (16.0, 8, 320), (6.0, 96.0), "Basic"),
    new("g-4vcpu-16gb", (16.0, 4, 50), (5.0, 126.0), "General Purpose"),
    new("so-2vcpu-16gb", (16.0, 2, 300), (4.0, 131.0), "Storage-Optimized"),
    new("m-4vcpu-32gb", (32.0, 4, 100), (6.0, 168.0), "Memory-Optimized"),
    new("c-8", (16.0, 8, 100), (6.0, 168.0), "CPU-Optimized"),
    new("s-8vcpu-32gb-amd", (32.0, 8, 400), (10.0, 168.0), "Basic AMD"),
];

/// Returns all sizes, the cheapest first.
pub(crate) fn sizes() -> &'static [Size] {
    &SIZES
}

/// Returns a size by its slug.
pub(crate) fn size(slug: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.slug == slug)
}

impl Size {
    /// Returns the size as the API shows it.
    pub(crate) fn show(&self) -> Value {
        json!({
            "slug": self.slug,
            "memory": self.memory,
            "vcpus": self.vcpus,
            "disk": self.disk,
            "transfer": self.transfer,
            "price_monthly": self.monthly,
            "price_hourly": self.hourly(),
            "regions": super::regions::available(),
            "available": true,
            "description": self.description,
            "disk_info": [{"type": "local", "size": {"amount": self.disk, "unit": "gib"}}],
        })
    }

    /// Returns US dollars an hour: a month is billed as 28 days, to five places.
    fn hourly(&self) -> f64 {
        (self.monthly / 672.0 * 100_000.0).round() / 100_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hourly_prices_are_the_published_ones() {
        for (slug, monthly, hourly) in [
            ("s-1vcpu-512mb-10gb", 4.0, 0.00595),
            ("s-1vcpu-1gb", 6.0, 0.00893),
            ("s-1vcpu-2gb", 12.0, 0.01786),
            ("s-2vcpu-2gb", 18.0, 0.02679),
            ("s-2vcpu-4gb", 24.0, 0.03571),
            ("s-4vcpu-8gb", 48.0, 0.07143),
        ] {
            let size = size(slug).unwrap().show();
            assert_eq!(size["price_monthly"], json!(monthly), "{slug}");
            assert_eq!(size["price_hourly"], json!(hourly), "{slug}");
        }
    }
}
