//! A plan in words, for a person who decides.

use std::{fmt::Write as _, time::Duration};

use super::Plan;
use crate::{run::Deed as _, size};

/// Writes the plan as text.
pub fn text(plan: &Plan, estimate: Option<Duration>) -> String {
    let mut out = String::new();
    let Plan { verb, scope, version, outline, .. } = plan;
    // writing to a String cannot fail
    let _ = writeln!(out, "{verb} {version} of {scope}\n");
    for (place, node) in plan.steps.iter().enumerate() {
        let beside = if place > 0 && node.needs.is_empty() { "  (meanwhile)" } else { "" };
        let _ = writeln!(out, "  {:>2}. {}{beside}", place + 1, node.deed.title());
    }
    let parts = [
        ("creates", &outline.creates),
        ("moves", &outline.moves),
        ("destroys, which cannot be undone", &outline.destroys),
        ("note", &outline.notes),
    ];
    for (label, lines) in parts {
        for (place, line) in lines.iter().enumerate() {
            if place == 0 {
                let _ = writeln!(out, "\n{label}");
            }
            let _ = writeln!(out, "  {line}");
        }
    }
    if let Some(cost) = &plan.cost {
        let _ = writeln!(
            out,
            "\ncost\n  the droplet: ${:.2} a month, ${:.5} an hour\n  the herd: ${:.2} a month now, ${:.2} while both stand, ${:.2} afterwards",
            cost.droplet_monthly,
            cost.droplet_hourly,
            cost.herd_now_monthly,
            cost.herd_during_monthly,
            cost.herd_after_monthly,
        );
    }
    match estimate {
        Some(time) => {
            let _ = writeln!(out, "\ntime\n  about {}, by earlier runs", size::duration(time));
        }
        None => {
            let _ = writeln!(out, "\ntime\n  not known before a first run from this folder");
        }
    }
    out
}
