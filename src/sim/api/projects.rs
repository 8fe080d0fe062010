//! `/v2/projects`, and what is in them.

use serde_json::{Value, json};

use crate::{
    clock,
    sim::{
        http::{Answer, Body, Call, Refusal, Reply, iso},
        state::{Assignment, Project, State, uuid},
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let projects: Vec<Project> =
        call.world.read(|state| state.projects.values().cloned().collect());
    call.world.read(|state| call.page("projects", &projects, |project| view(state, project)))
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?;
    let purpose = call.body.need("purpose")?;
    if name.len() > 175 {
        return Err(Refusal::unprocessable("name is too long (maximum is 175 characters)"));
    }
    call.world.change(|state| {
        if state.projects.values().any(|project| project.name == name) {
            return Err(Refusal::conflict("name is already in use"));
        }
        let now = clock::now();
        let mut project = Project {
            id: uuid(),
            name,
            description: String::new(),
            purpose,
            environment: "Development".into(),
            is_default: false,
            created: now,
            updated: now,
        };
        write(&mut project, &call.body)?;
        let shown = view(state, &project);
        state.projects.insert(project.id.clone(), project);
        Ok(Reply::created(json!({"project": shown})))
    })
}

pub(crate) async fn show(call: Call) -> Answer {
    let shown = call.world.read(|state| found(state, &call).map(|project| view(state, project)))?;
    Ok(Reply::ok(json!({"project": shown})))
}

pub(crate) async fn update(call: Call) -> Answer {
    call.world.change(|state| {
        let mut project = found(state, &call)?.clone();
        write(&mut project, &call.body)?;
        if call.body.flag("is_default") {
            state.projects.values_mut().for_each(|other| other.is_default = false);
            project.is_default = true;
        }
        let shown = view(state, &project);
        state.projects.insert(project.id.clone(), project);
        Ok(Reply::ok(json!({"project": shown})))
    })
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.world.change(|state| {
        let project = found(state, &call)?.clone();
        if project.is_default || !resources_of(state, &project).is_empty() {
            return Err(Refusal::precondition("cannot delete a project with resources"));
        }
        state.projects.remove(&project.id);
        Ok(Reply::gone())
    })
}

pub(crate) async fn resources(call: Call) -> Answer {
    let urns = call.world.read(|state| Ok(resources_of(state, found(state, &call)?)))?;
    call.world.read(|state| call.page("resources", &urns, |urn| entry(&call, state, urn, "ok")))
}

pub(crate) async fn assign(call: Call) -> Answer {
    call.world.change(|state| {
        let project = found(state, &call)?.id.clone();
        let mut shown = Vec::new();
        for urn in call.body.texts("resources") {
            // the old name of reserved addresses means the same
            let urn = urn.replacen("do:floatingip:", "do:reservedip:", 1);
            if !exists(state, &urn) {
                return Err(Refusal::not_found());
            }
            let before = state.project_of(&urn);
            put(state, &urn, &project);
            let status = if before == project { "already_assigned" } else { "assigned" };
            shown.push(entry(&call, state, &urn, status));
        }
        Ok(Reply::ok(json!({"resources": shown})))
    })
}

/// Puts a resource into a project.
pub(crate) fn put(state: &mut State, urn: &str, project: &str) {
    let assignment = Assignment { project: project.to_owned(), at: clock::now() };
    state.assigned.insert(urn.to_owned(), assignment);
}

fn found<'a>(state: &'a State, call: &Call) -> Result<&'a Project, Refusal> {
    let id = match call.part("project") {
        "default" => state.default_project(),
        id => id.to_owned(),
    };
    state.projects.get(&id).ok_or_else(Refusal::not_found)
}

fn write(project: &mut Project, body: &Body) -> Result<(), Refusal> {
    if let Some(name) = body.text("name") {
        project.name = name;
    }
    if let Some(description) = body.text("description") {
        if description.len() > 255 {
            return Err(Refusal::unprocessable("description is too long"));
        }
        project.description = description;
    }
    if let Some(purpose) = body.text("purpose") {
        project.purpose = purpose;
    }
    if let Some(environment) = body.text("environment") {
        let known = ["Development", "Staging", "Production"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&environment))
            .ok_or_else(|| Refusal::unprocessable("environment is not included in the list"))?;
        known.clone_into(&mut project.environment);
    }
    project.updated = clock::now();
    Ok(())
}

fn urns(state: &State) -> Vec<String> {
    let droplets = state.droplets.keys().map(|id| format!("do:droplet:{id}"));
    let addresses = state.reserved.keys().map(|ip| format!("do:reservedip:{ip}"));
    let volumes = state.volumes.keys().map(|id| format!("do:volume:{id}"));
    let domains = state.domains.keys().map(|name| format!("do:domain:{name}"));
    droplets.chain(addresses).chain(volumes).chain(domains).collect()
}

fn exists(state: &State, urn: &str) -> bool {
    urns(state).iter().any(|known| known == urn)
}

fn resources_of(state: &State, project: &Project) -> Vec<String> {
    let mut urns = urns(state);
    urns.retain(|urn| state.project_of(urn) == project.id);
    urns
}

fn entry(call: &Call, state: &State, urn: &str, status: &str) -> Value {
    let mut parts = urn.splitn(3, ':').skip(1);
    let (kind, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let group = match kind {
        "reservedip" => "reserved_ips".to_owned(),
        kind => format!("{kind}s"),
    };
    let at = state.assigned.get(urn).map_or_else(clock::now, |assignment| assignment.at);
    // the contract only knows the old name of reserved addresses
    let urn = urn.replacen("do:reservedip:", "do:floatingip:", 1);
    json!({
        "urn": urn,
        "assigned_at": iso(at),
        "links": {"self": call.link(&format!("/v2/{group}/{id}"))},
        "status": status,
    })
}

fn view(state: &State, project: &Project) -> Value {
    json!({
        "id": project.id,
        "owner_uuid": state.account,
        "owner_id": 258_992,
        "name": project.name,
        "description": project.description,
        "purpose": project.purpose,
        "environment": project.environment,
        "is_default": project.is_default,
        "created_at": iso(project.created),
        "updated_at": iso(project.updated),
    })
}
