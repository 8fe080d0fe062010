//! Herd and spec in, plan out: what a person reads, and what must hold for every herd.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{net::Ipv4Addr, path::PathBuf};

use jiff::Timestamp;
use proptest::prelude::*;
use remuda::{
    cloud::{Droplet, DropletStatus, Size},
    error::Kind,
    herd::{Address, Herd, Mark, Scope, Version},
    plan::{self, Decision, Keep, Plan, Release, Rollback},
    run::Deed as _,
    spec::{Load, Loaded, Span},
    steps::{Catalogue, Step},
};

fn scope() -> Scope {
    Scope { app: "hello".into(), env: "production".into() }
}

fn ip() -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 10)
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn loaded() -> Loaded {
    let load = Load {
        config: None,
        env: None,
        start: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        home: None,
    };
    let mut loaded = remuda::spec::load(load).unwrap();
    loaded.spec.cutover.reserved_ip = Some(ip());
    loaded
}

fn catalogue() -> Catalogue {
    let size = Size {
        slug: "s-1vcpu-1gb".into(),
        price_monthly: 6.0,
        price_hourly: 0.00893,
        memory_mib: 1024,
        vcpus: 1,
        disk_gib: 25,
        regions: vec!["nyc3".into()],
        available: true,
        description: None,
    };
    Catalogue { size, ssh_keys: Vec::new() }
}

/// A droplet of the herd: its id, version and further marks.
fn droplet(id: u64, version: &str, marks: &[Mark]) -> Droplet {
    let version = Version::parse(version).unwrap();
    let mut tags = vec![scope().tag(), Mark::Version(version.clone()).to_string()];
    tags.extend(marks.iter().map(ToString::to_string));
    Droplet {
        id,
        name: scope().droplet_name(&version, &format!("x{id:03}")),
        status: DropletStatus::Active,
        tags,
        created_at: now().checked_sub(jiff::SignedDuration::from_hours(1)).ok(),
        region: Some("nyc3".into()),
        public_ipv4: Some(Ipv4Addr::new(198, 51, 100, u8::try_from(id % 250).unwrap())),
        price_monthly: Some(6.0),
        ..blank()
    }
}

fn blank() -> Droplet {
    Droplet {
        id: 0,
        name: String::new(),
        status: DropletStatus::Active,
        locked: false,
        tags: Vec::new(),
        created_at: None,
        region: None,
        size_slug: None,
        image_slug: None,
        image_id: None,
        public_ipv4: None,
        private_ipv4: None,
        public_ipv6: None,
        vpc_uuid: None,
        volume_ids: Vec::new(),
        snapshot_ids: Vec::new(),
        price_monthly: None,
        price_hourly: None,
    }
}

fn herd(droplets: &[Droplet], live: Option<u64>) -> Herd {
    let address = Address { ip: ip(), region: Some("nyc3".into()), droplet: live };
    Herd::of(scope(), droplets, Some(address), Vec::new())
}

fn release(herd: &Herd, version: &str) -> remuda::error::Result<Decision> {
    let (spec, version) = (loaded(), Version::parse(version).unwrap());
    plan::release(&Release {
        spec: &spec,
        herd,
        version: &version,
        catalogue: &catalogue(),
        again: false,
        now: now(),
    })
}

fn rollback(
    herd: &Herd,
    to: Option<&str>,
    unfinished: Option<u64>,
) -> remuda::error::Result<Decision> {
    let spec = loaded();
    let to = to.map(|text| Version::parse(text).unwrap());
    plan::rollback(&Rollback { spec: &spec, herd, to: to.as_ref(), unfinished, watch: false })
}

/// A plan as a person reads it, with the operation's id masked.
fn text(plan: &Plan) -> String {
    let text = plan::text(plan, None);
    let mut settings = String::new();
    for line in text.lines() {
        let masked = line
            .split(' ')
            .map(|word| {
                let fresh = word.starts_with("hello-production-") && !word.contains("-x");
                let stem = word.rsplit_once('-').map_or(word, |(stem, _)| stem);
                if fresh { format!("{stem}-????") } else { word.to_owned() }
            })
            .collect::<Vec<_>>()
            .join(" ");
        settings.push_str(masked.trim_end());
        settings.push('\n');
    }
    settings
}

fn run(decision: Decision) -> Plan {
    match decision {
        Decision::Run(plan) | Decision::Return(plan) => *plan,
        Decision::Nothing(text) => panic!("nothing to do: {text}"),
    }
}

#[test]
fn a_first_release() {
    insta::assert_snapshot!(text(&run(release(&herd(&[], None), "v1").unwrap())));
}

#[test]
fn a_release_beside_a_live_one_with_old_ones_to_go() {
    let droplets = [
        droplet(1, "v1", &[Mark::Generation(1)]),
        droplet(2, "v2", &[Mark::Generation(2)]),
        droplet(3, "v3", &[Mark::Generation(3)]),
        droplet(4, "v0", &[]),
        droplet(5, "w1", &[Mark::Quarantined(100)]),
        droplet(6, "w2", &[Mark::Quarantined(200)]),
        droplet(7, "w3", &[Mark::Generation(0), Mark::Left(100)]),
    ];
    insta::assert_snapshot!(text(&run(release(&herd(&droplets, Some(3)), "v4").unwrap())));
}

#[test]
fn a_rollback() {
    let droplets =
        [droplet(1, "v1", &[Mark::Generation(1)]), droplet(2, "v2", &[Mark::Generation(2)])];
    insta::assert_snapshot!(text(&run(rollback(&herd(&droplets, Some(2)), None, None).unwrap())));
}

#[test]
fn a_leftover_of_the_same_spec_is_gone_on_with_and_another_is_not() {
    let digest = loaded().digest();
    let live = droplet(1, "v1", &[Mark::Generation(1)]);
    let same = droplet(2, "v2", &[Mark::Spec(digest)]);
    let other = droplet(3, "v2", &[Mark::Spec("000000000000".into())]);
    let adopted = run(release(&herd(&[live.clone(), same], Some(1)), "v2").unwrap());
    assert_eq!(adopted.subject.map(|subject| subject.id), Some(2));
    let fresh = run(release(&herd(&[live, other], Some(1)), "v2").unwrap());
    assert_eq!(fresh.subject, None);
    assert!(fresh.outline.destroys.iter().any(|line| line.contains("x003")));
}

#[test]
fn what_a_dead_run_left_decides_what_the_same_command_does() {
    let v1 = droplet(1, "v1", &[Mark::Generation(1)]);
    // a release died after the cutover
    let moved = droplet(2, "v2", &[]);
    let plan = run(release(&herd(&[v1.clone(), moved.clone()], Some(2)), "v2").unwrap());
    assert_eq!(plan.subject.map(|subject| subject.id), Some(2));
    let refused = release(&herd(&[v1.clone(), moved], Some(2)), "v3").unwrap_err();
    assert!(refused.hints().iter().any(|hint| hint.contains("remuda resume")));
    // a release died on its way back
    let failed = droplet(2, "v2", &[Mark::Quarantined(5)]);
    let back = release(&herd(&[v1.clone(), failed], Some(2)), "v2").unwrap();
    assert!(matches!(&back, Decision::Return(plan) if plan.version.as_str() == "v1"));
    // a rollback died before, and after, it moved traffic
    let left = droplet(2, "v2", &[Mark::Generation(2), Mark::Left(5)]);
    for live in [1, 2] {
        let herd = herd(&[v1.clone(), left.clone()], Some(live));
        let plan = run(rollback(&herd, None, None).unwrap());
        assert_eq!(plan.version.as_str(), "v1", "live {live}");
    }
    // a rollback died at its very end: its lock says where it went
    let done = droplet(1, "v1", &[Mark::Generation(3)]);
    let v0 = droplet(9, "v0", &[Mark::Generation(0)]);
    let herd = herd(&[done, left, v0], Some(1));
    assert!(matches!(rollback(&herd, None, Some(1)).unwrap(), Decision::Nothing(_)));
}

#[test]
fn a_rollback_does_not_toggle() {
    let droplets = [
        droplet(1, "v1", &[Mark::Generation(3)]),
        droplet(2, "v2", &[Mark::Generation(2), Mark::Left(5)]),
    ];
    let herd = herd(&droplets, Some(1));
    let refused = rollback(&herd, None, None).unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    assert!(refused.hints().iter().any(|hint| hint.contains("remuda rollback v2")));
    assert_eq!(run(rollback(&herd, Some("v2"), None).unwrap()).version.as_str(), "v2");
}

/// Any droplet a herd may hold.
fn any_droplet(id: u64) -> impl Strategy<Value = Droplet> {
    (
        prop::sample::select(vec!["v1", "v2", "v3"]),
        prop::option::of(1_u64..6),
        prop::option::of(1_i64..100),
        prop::option::of(1_i64..100),
        0_i64..400,
    )
        .prop_map(move |(version, generation, left, quarantined, age)| {
            let marks: Vec<Mark> = generation
                .map(Mark::Generation)
                .into_iter()
                .chain(left.map(Mark::Left))
                .chain(quarantined.map(Mark::Quarantined))
                .collect();
            Droplet {
                created_at: now().checked_sub(jiff::SignedDuration::from_hours(age)).ok(),
                ..droplet(id, version, &marks)
            }
        })
}

fn any_herd() -> impl Strategy<Value = Herd> {
    (0_u64..6)
        .prop_flat_map(|many| {
            let droplets: Vec<_> = (1..=many).map(any_droplet).collect();
            (droplets, prop::option::of(1..=many.max(1)))
        })
        .prop_map(|(droplets, live)| herd(&droplets, live))
}

proptest! {
    #[test]
    fn nothing_that_is_needed_is_ever_destroyed(
        herd in any_herd(),
        previous in 0_u32..4,
        quarantined in 0_u32..3,
        hours in 0_u64..300,
    ) {
        let mut spec = loaded().spec;
        spec.retain.previous = previous;
        spec.retain.quarantined = quarantined;
        spec.retain.at_most = Span(std::time::Duration::from_secs(hours * 3600));
        let going = plan::outdated(&herd, &spec.retain, Keep::default(), now());
        for (member, why) in &going {
            prop_assert!(herd.live().is_none_or(|live| live.id != member.id), "{why}");
            prop_assert!(
                herd.rollback_target().is_none_or(|target| target.id != member.id), "{why}"
            );
            let holds_writes = member.left.is_some() && member.quarantined.is_none()
                && member.generation.is_some();
            prop_assert!(!holds_writes, "{why}");
        }
        let mut ids: Vec<u64> = going.iter().map(|(member, _)| member.id).collect();
        ids.dedup();
        prop_assert_eq!(ids.len(), going.len());
    }

    #[test]
    fn every_plan_is_in_order_and_moves_traffic_only_after_health(herd in any_herd()) {
        for decision in [release(&herd, "v2"), rollback(&herd, None, None)] {
            let Ok(Decision::Run(plan)) = decision else { continue };
            for (place, node) in plan.steps.iter().enumerate() {
                prop_assert!(node.needs.iter().all(|need| *need < place));
            }
            let at = |name: &str| plan.steps.iter().position(|node| node.deed.name() == name);
            if let Some(cutover) = at("cutover") {
                prop_assert!(at("health").is_some_and(|health| health < cutover));
                prop_assert!(at("promote").is_some_and(|promote| promote > cutover));
            }
            for node in &plan.steps {
                if let Step::Retire(retire) = &node.deed {
                    let live = herd.live().map(|live| live.id);
                    prop_assert!(retire.droplets.iter().all(|(id, _)| Some(*id) != live));
                    prop_assert!(at("promote").is_none_or(|p| p < plan.steps.len() - 1));
                }
            }
        }
    }
}
