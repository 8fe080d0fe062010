//! How long the cloud takes: named delays, from a profile or a file, drawn anew for each event.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::Value;

use crate::error::{Error, Kind, Result};

/// The names of the delays that a profile may set.
const NAMES: [&str; 16] = [
    "api",
    "create",
    "address",
    "boot_ssh",
    "assign",
    "unassign",
    "attach",
    "detach",
    "shutdown",
    "power_on",
    "snapshot",
    "snapshot_per_gib",
    "destroy",
    "dns",
    "firewall",
    "other",
];

/// One delay: log-normal around its median where a 95th percentile is known, else fixed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Delay {
    // milliseconds
    median: f64,
    p95: Option<f64>,
    min: f64,
}

impl Delay {
    const fn fixed(median: f64) -> Self {
        Self { median, p95: None, min: 0.0 }
    }

    const fn spread(median: f64, p95: f64) -> Self {
        Self { median, p95: Some(p95), min: 0.0 }
    }

    /// Draws a delay in milliseconds.
    fn draw(self) -> f64 {
        let Some(p95) = self.p95.filter(|p95| *p95 > self.median && self.median > 0.0) else {
            return self.median.max(self.min);
        };
        let sigma = (p95 / self.median).ln() / 1.645;
        // Box and Muller: two even draws make one normal one
        let (even, angle): (f64, f64) = (rand::random_range(1e-12..1.0), rand::random());
        let normal = (-2.0 * even.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        // beyond three sigma lies nothing that a test should have to wait for
        (self.median * (sigma * normal.clamp(-3.0, 3.0)).exp()).max(self.min)
    }
}

/// How long everything takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    name: String,
    delays: BTreeMap<&'static str, Delay>,
    speed: f64,
}

impl Default for Latency {
    fn default() -> Self {
        Self::none()
    }
}

impl Latency {
    /// Nothing takes time.
    pub fn none() -> Self {
        Self { name: "none".into(), delays: BTreeMap::new(), speed: 1.0 }
    }

    /// What DigitalOcean takes, as far as it could be found out; each figure is a setting.
    ///
    /// Found in logs and recorded answers: create, assign, unassign, attach, detach, destroy,
    /// snapshot, dns. Assumed: api, address, `boot_ssh`, shutdown, power on.
    pub fn typical() -> Self {
        let delays = BTreeMap::from([
            ("api", Delay::spread(250.0, 800.0)),
            ("create", Delay { min: 25_000.0, ..Delay::spread(33_000.0, 65_000.0) }),
            ("address", Delay::spread(3000.0, 8000.0)),
            ("boot_ssh", Delay::spread(8000.0, 25_000.0)),
            ("assign", Delay::spread(3000.0, 11_000.0)),
            ("unassign", Delay::spread(1000.0, 3000.0)),
            ("attach", Delay::spread(2000.0, 11_000.0)),
            ("detach", Delay::spread(2000.0, 11_000.0)),
            ("shutdown", Delay::fixed(15_000.0)),
            ("power_on", Delay::fixed(20_000.0)),
            ("snapshot_per_gib", Delay::spread(59_000.0, 65_000.0)),
            ("destroy", Delay::spread(12_000.0, 25_000.0)),
            ("dns", Delay::spread(400.0, 1000.0)),
            ("firewall", Delay::fixed(2000.0)),
            ("other", Delay::fixed(1000.0)),
        ]);
        Self { name: "typical".into(), delays, speed: 1.0 }
    }

    /// Reads `none`, `typical`, either with a divisor as in `typical/20`, or the name of a file.
    ///
    /// # Errors
    /// An unknown name, or a file that cannot be read or understood.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, speed) = match text.rsplit_once('/') {
            Some((name @ ("none" | "typical"), speed)) => (name, Some(speed)),
            _ => (text, None),
        };
        let mut latency = match name {
            "none" => Self::none(),
            "typical" => Self::typical(),
            file => return Self::file(Path::new(file)),
        };
        if let Some(speed) = speed {
            latency.speed = speed
                .parse()
                .ok()
                .filter(|speed: &f64| speed.is_finite() && *speed > 0.0)
                .ok_or_else(|| usage(format!("`{speed}` is not a divisor greater than zero")))?;
            text.clone_into(&mut latency.name);
        }
        Ok(latency)
    }

    fn file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            usage("cannot read the latencies")
                .at("file", path.display())
                .hint("--latency takes none, typical, or a JSON or YAML file")
                .because(error)
        })?;
        let value: Value = serde_saphyr::from_str(&text).map_err(|error| {
            usage("the latencies are no JSON or YAML")
                .at("file", path.display())
                .because(error.to_string())
        })?;
        let mut latency =
            Self::from_value(&value).map_err(|why| usage(why).at("file", path.display()))?;
        latency.name = path.display().to_string();
        Ok(latency)
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("latencies are a map of names to milliseconds")?;
        let mut latency = match fields.get("profile").and_then(Value::as_str) {
            None | Some("none") => Self::none(),
            Some("typical") => Self::typical(),
            Some(other) => return Err(format!("there is no profile `{other}`")),
        };
        for (name, value) in fields {
            match name.as_str() {
                "profile" => {}
                "speed" => latency.speed = positive(value, "speed")?,
                name => latency.set(name, delay(value, name)?)?,
            }
        }
        Ok(latency)
    }

    /// Sets one delay.
    ///
    /// # Errors
    /// A name that is not known.
    fn set(&mut self, name: &str, delay: Delay) -> Result<(), String> {
        let known = NAMES.iter().find(|known| **known == name).ok_or_else(|| {
            format!("there is no latency `{name}`; there are {}, and speed", NAMES.join(", "))
        })?;
        self.delays.insert(known, delay);
        Ok(())
    }

    /// Sets one delay to a fixed time.
    ///
    /// # Errors
    /// A name that is not known.
    pub fn fix(&mut self, name: &str, millis: u64) -> Result<(), String> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a test")]
        self.set(name, Delay::fixed(millis as f64 * self.speed))
    }

    /// Returns what the profile is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Draws how long the event `name` takes this time.
    pub fn draw(&self, name: &str) -> Duration {
        let millis = self.delays.get(name).map_or(0.0, |delay| delay.draw()) / self.speed;
        Duration::from_secs_f64((millis / 1000.0).clamp(0.0, 86_400.0))
    }
}

fn usage(what: impl Into<String>) -> Error {
    Error::new(Kind::Usage, what)
}

fn positive(value: &Value, name: &str) -> Result<f64, String> {
    value
        .as_f64()
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| format!("`{name}` is a number greater than zero"))
}

fn millis(value: &Value, name: &str) -> Result<f64, String> {
    value
        .as_f64()
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| format!("`{name}` is a number of milliseconds"))
}

fn delay(value: &Value, name: &str) -> Result<Delay, String> {
    let Some(fields) = value.as_object() else {
        return Ok(Delay::fixed(millis(value, name)?));
    };
    let field = |key: &str| fields.get(key).map(|value| millis(value, name)).transpose();
    if let Some(unknown) =
        fields.keys().find(|key| !["median", "p95", "min"].contains(&key.as_str()))
    {
        return Err(format!("`{name}` has no `{unknown}`; it has median, p95 and min"));
    }
    Ok(Delay {
        median: field("median")?.ok_or_else(|| format!("`{name}` lacks `median`"))?,
        p95: field("p95")?,
        min: field("min")?.unwrap_or(0.0),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn none_takes_no_time_and_typical_does() {
        assert_eq!(Latency::none().draw("create"), Duration::ZERO);
        let typical = Latency::typical();
        for _ in 0..200 {
            assert!(typical.draw("create") >= Duration::from_secs(25));
        }
        let mut draws: Vec<_> = (0..2001).map(|_| typical.draw("assign")).collect();
        draws.sort_unstable();
        let median = draws[1000].as_secs_f64();
        assert!((2.5..3.5).contains(&median), "{median}");
    }

    #[test]
    fn a_divisor_makes_it_faster() {
        let fast = Latency::parse("typical/100").unwrap();
        assert!(fast.draw("shutdown") == Duration::from_millis(150));
        assert!(Latency::parse("typical/0").is_err());
        assert!(Latency::parse("typical/x").is_err());
    }

    #[test]
    fn a_file_names_what_it_changes() {
        let value =
            json!({"profile": "typical", "assign": 50, "create": {"median": 7}, "speed": 2});
        let latency = Latency::from_value(&value).unwrap();
        assert_eq!(latency.draw("assign"), Duration::from_millis(25));
        assert_eq!(latency.draw("create"), Duration::from_micros(3500));
        for wrong in [json!([]), json!({"asign": 1}), json!({"assign": -1}), json!({"assign": {}})]
        {
            assert!(Latency::from_value(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(Latency::parse("/no/such/file").unwrap_err().kind(), Kind::Usage);
    }
}
