//! A release through every fault of the simulator: it ends well, or it says why; never two
//! droplets, never lost traffic, never a panic.

use crate::world::{Make, World, can_run};

/// Releases v1 in a quiet world, v2 through the fault; asserts the exit code and what is left.
fn through(rule: &str, codes: &[i32]) {
    if !can_run(&format!("a release through `{rule}`")) {
        return;
    }
    let world = World::new(&Make { watch: "300ms", ..Make::default() });
    drop(world.remuda(&["release", "v1"]).ended(0));
    world.fault(rule);
    let did = world.remuda(&["release", "v2"]);
    world.no_faults();
    let said = format!("{rule}\nstdout:\n{}\nstderr:\n{}", did.out, did.err);
    let code = did.code.unwrap_or(-1);
    assert!(codes.contains(&code), "ended with {code}: {said}");
    assert!(!did.err.contains("panicked"), "{said}");
    let live = if code == 0 { "v2" } else { "v1" };
    assert_eq!(world.visit().as_deref(), Some(live), "{said}");
    assert_eq!(world.locks(), 0, "{said}");
    // a list that lags shows them all in the end
    let mut made = world.droplets();
    for _ in 0..50 {
        if code != 0 || made.len() == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        made = world.droplets();
    }
    let twos = made.iter().filter(|d| d["name"].as_str().is_some_and(|n| n.contains("-v2-")));
    assert!(twos.count() <= 1, "{said}\n{made:?}");
    if code == 0 {
        assert_eq!(made.len(), 2, "{said}\n{made:?}");
    }
    let status = world.status();
    assert_eq!(status["settled"], true, "{said}\n{status}");
}

macro_rules! faults {
    ($($name:ident: $rule:expr => $codes:expr;)*) => {
        $(#[test] fn $name() { through($rule, &$codes); })*
    };
}

faults! {
    lost_create: "lost:POST /v2/droplets" => [0];
    dropped_create: "drop:POST /v2/droplets" => [0];
    failed_create_with_effect: "500:POST /v2/droplets:effect" => [0];
    failed_create_without_effect: "503:POST /v2/droplets" => [0];
    truncated_create: "truncated:POST /v2/droplets" => [0];
    vanished_create: "errored:create" => [0];
    lost_lock: "lost:POST /v2/firewalls" => [0];
    lost_assign: "lost:POST /v2/reserved_ips/*/actions" => [0];
    dropped_assign: "drop:POST /v2/reserved_ips/*/actions" => [0];
    pending_assign: "422-pending:POST /v2/reserved_ips/*/actions:2" => [0];
    errored_assign: "errored:assign_ip" => [0, 1, 4];
    lost_tag: "lost:POST /v2/tags:*:after=1" => [0, 1];
    rate_limited: "429:GET /v2/**:3:retry-after=1" => [0];
    rate_limited_create: "429:POST /v2/droplets:retry-after=1" => [0];
    unwell_api: "503:GET /v2/**:4" => [0];
    forbidden: "403:POST /v2/droplets:*" => [15];
    unauthorized: "401:GET /v2/account:*" => [15];
    html_page: "html:GET /v2/account:*:status=200" => [1];
    html_gateway: "html:GET /v2/**:2:status=502" => [0];
    truncated_list: "truncated:GET /v2/sizes" => [0, 1];
    huge_answer: "huge:GET /v2/sizes:mib=20" => [0, 1];
    wrong_types: "wrong-types:GET /v2/droplets:*" => [0, 1];
    action_not_found: "action-404:*" => [0];
    no_address_yet: "no-ip:3" => [0];
    not_found_yet: "404-after-create:3" => [0];
    list_lags: "list-lag:2000" => [0];
    slow_boot: "slow-boot:1500" => [0];
    slow_api: "slow:GET /v2/**:3:ms=700" => [0];
    limit_reached: "limit-reached" => [15];
    held_create: "hold:POST /v2/droplets" => [0];
}
