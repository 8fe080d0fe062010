//! `/v2/vpcs`: private networks, as the account sees them.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::{
    clock,
    sim::{
        catalog,
        http::{Answer, Call, Refusal, Reply, iso},
        state::{State, Vpc, uuid},
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let vpcs: Vec<Vpc> = call.world.read(|state| state.vpcs.values().cloned().collect());
    call.page("vpcs", &vpcs, view)
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?;
    let region = call.body.need("region")?;
    catalog::region(&region).ok_or_else(|| Refusal::unprocessable("invalid region"))?;
    call.world.change(|state| {
        name_is_free(state, &name, None)?;
        let ip_range = match call.body.text("ip_range") {
            Some(range) if is_private(&range) => range,
            Some(_) => {
                return Err(Refusal::unprocessable(
                    "ip_range is not a private range of /16 to /28",
                ));
            }
            None => free_range(state),
        };
        if state.vpcs.values().any(|vpc| vpc.ip_range == ip_range) {
            return Err(Refusal::unprocessable("ip_range overlaps with another VPC network"));
        }
        let vpc = Vpc {
            id: uuid(),
            name,
            description: call.body.text("description").unwrap_or_default(),
            region,
            ip_range,
            default: false,
            created: clock::now(),
        };
        let shown = view(&vpc);
        state.vpcs.insert(vpc.id.clone(), vpc);
        Ok(Reply::created(json!({"vpc": shown})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let shown = call.world.read(|state| state.vpcs.get(call.part("vpc")).map(view));
    Ok(Reply::ok(json!({"vpc": shown.ok_or_else(Refusal::not_found)?})))
}

pub(crate) async fn update(call: Call) -> Answer {
    call.world.change(|state| {
        let mut vpc = state.vpcs.get(call.part("vpc")).ok_or_else(Refusal::not_found)?.clone();
        if let Some(name) = call.body.text("name") {
            name_is_free(state, &name, Some(&vpc.id))?;
            vpc.name = name;
        }
        if let Some(description) = call.body.text("description") {
            vpc.description = description;
        }
        if call.body.flag("default") {
            let same = state.vpcs.values_mut().filter(|other| other.region == vpc.region);
            same.for_each(|other| other.default = false);
            vpc.default = true;
        }
        let shown = view(&vpc);
        state.vpcs.insert(vpc.id.clone(), vpc);
        Ok(Reply::ok(json!({"vpc": shown})))
    })
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.world.change(|state| {
        let vpc = state.vpcs.get(call.part("vpc")).ok_or_else(Refusal::not_found)?;
        if vpc.default {
            return Err(Refusal::forbidden("Can not delete default VPCs"));
        }
        if state.droplets.values().any(|droplet| droplet.vpc == vpc.id) {
            return Err(Refusal::forbidden("Can not delete VPC with members"));
        }
        state.vpcs.remove(call.part("vpc"));
        Ok(Reply::gone())
    })
}

pub(crate) async fn members(call: Call) -> Answer {
    let kind = call.asked("resource_type");
    let shown: Vec<Value> = call.world.read(|state| {
        let vpc = state.vpcs.get(call.part("vpc")).ok_or_else(Refusal::not_found)?;
        let droplets = state.droplets.values().filter(|droplet| droplet.vpc == vpc.id);
        Ok(droplets
            .filter(|_| kind.is_none_or(|kind| kind == "droplet"))
            .map(|droplet| {
                json!({
                    "urn": format!("do:droplet:{}", droplet.id),
                    "name": droplet.name,
                    "created_at": iso(droplet.created),
                })
            })
            .collect())
    })?;
    call.page("members", &shown, Value::clone)
}

pub(crate) async fn peerings(call: Call) -> Answer {
    let known = call.world.read(|state| state.vpcs.contains_key(call.part("vpc")));
    if !known {
        return Err(Refusal::not_found());
    }
    call.page("peerings", &[], Value::clone)
}

fn name_is_free(state: &State, name: &str, own: Option<&str>) -> Result<(), Refusal> {
    if !super::droplets::hostname(name) {
        return Err(Refusal::unprocessable(
            "name may only contain letters, numbers, dashes and periods",
        ));
    }
    if state.vpcs.values().any(|vpc| vpc.name == name && Some(vpc.id.as_str()) != own) {
        return Err(Refusal::conflict("This VPC name already exists on your account"));
    }
    Ok(())
}

fn is_private(range: &str) -> bool {
    let Some((address, prefix)) = range.split_once('/') else { return false };
    let (Ok(address), Ok(prefix)) = (address.parse::<Ipv4Addr>(), prefix.parse::<u32>()) else {
        return false;
    };
    let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
    address.is_private() && (16..=28).contains(&prefix) && u32::from(address) & hosts == 0
}

fn free_range(state: &State) -> String {
    (0..4096_u32)
        .map(|index| format!("10.{}.{}.0/20", 200 + index / 16 % 50, index % 16 * 16))
        .find(|range| state.vpcs.values().all(|vpc| vpc.ip_range != *range))
        .unwrap_or_else(|| "10.250.0.0/20".into())
}

fn view(vpc: &Vpc) -> Value {
    json!({
        "id": vpc.id,
        "urn": format!("do:vpc:{}", vpc.id),
        "name": vpc.name,
        "description": vpc.description,
        "region": vpc.region,
        "ip_range": vpc.ip_range,
        "default": vpc.default,
        "created_at": iso(vpc.created),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_private_and_of_a_size() {
        for right in ["10.10.0.0/20", "192.168.4.0/24", "172.16.0.0/16"] {
            assert!(is_private(right), "{right}");
        }
        for wrong in ["10.10.0.0", "10.10.0.0/8", "8.8.0.0/16", "10.10.0.1/24", "x/20"] {
            assert!(!is_private(wrong), "{wrong}");
        }
    }
}
