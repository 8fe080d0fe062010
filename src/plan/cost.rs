//! What a plan costs, from the account's own price list.

use serde::Serialize;

use crate::{cloud::Size, herd::Herd};

/// Prices in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// The new droplet, a month.
    pub droplet_monthly: f64,
    /// The new droplet, an hour.
    pub droplet_hourly: f64,
    /// The herd a month, as it is now.
    pub herd_now_monthly: f64,
    /// The herd a month, while the old and the new droplet stand side by side.
    pub herd_during_monthly: f64,
    /// The herd a month, once the plan is through.
    pub herd_after_monthly: f64,
}

impl Cost {
    /// Prices one more droplet of `size` beside `herd`, of which the droplets `going` go.
    pub(super) fn of(size: &Size, herd: &Herd, is_new: bool, going: &[u64]) -> Self {
        let price = |keep: &dyn Fn(u64) -> bool| -> f64 {
            herd.members
                .iter()
                .filter(|member| keep(member.id))
                .map(|member| member.price_monthly.unwrap_or(size.price_monthly))
                // an empty sum of floats is -0
                .fold(0.0, |sum, price| sum + price)
        };
        let new = if is_new { size.price_monthly } else { 0.0 };
        let now = price(&|_| true);
        Self {
            droplet_monthly: size.price_monthly,
            droplet_hourly: size.price_hourly,
            herd_now_monthly: now,
            herd_during_monthly: now + new,
            herd_after_monthly: price(&|id| !going.contains(&id)) + new,
        }
    }
}
