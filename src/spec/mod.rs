//! `droplets.yaml`: types, reading, overlays, findings with their place in the file, schema.

mod types;

pub use types::{
    Check, Commands, Cutover, DnsName, Droplet, Hooks, Limits, Retain, Span, Spec, Ssh, Stack,
};
