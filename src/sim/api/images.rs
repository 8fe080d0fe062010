//! `/v2/images`: public ones from the catalogue, private ones from the account.

use serde_json::{Value, json};

use super::actions;
use crate::{
    clock,
    sim::{
        catalog,
        http::{Answer, Call, Refusal, Reply, iso},
        state::{Image, State, Work},
        world::Deed,
    },
};

pub(crate) async fn list(call: Call) -> Answer {
    let private = call.asked("private") == Some("true");
    let tag = call.asked("tag_name");
    let mut shown = call.world.read(|state| {
        state
            .images
            .values()
            .filter(|image| tag.is_none_or(|tag| image.tags.iter().any(|own| own == tag)))
            .map(|image| (image.kind.clone(), view(image)))
            .collect::<Vec<_>>()
    });
    if !private && tag.is_none() {
        shown.extend(catalog::images().iter().map(|image| (image.kind.to_owned(), image.show())));
    }
    let public = |image: &Value| image.get("public") == Some(&Value::Bool(true));
    shown.retain(|(kind, image)| match call.asked("type") {
        Some("distribution") => public(image) && kind == "base",
        Some("application") => public(image) && kind == "snapshot",
        _ => true,
    });
    call.page("images", &shown, |(_, image)| image.clone())
}

pub(crate) async fn create(call: Call) -> Answer {
    let name = call.body.need("name")?;
    call.body.need("url")?;
    let region = call.body.need("region")?;
    catalog::region(&region)
        .ok_or_else(|| Refusal::unprocessable("You specified an invalid region."))?;
    let tags = call.body.texts("tags");
    let (reply, action) = call.world.change(|state| {
        let id = state.id();
        let image = Image {
            id,
            name,
            kind: "custom".into(),
            distribution: call.body.text("distribution").unwrap_or_else(|| "Unknown".into()),
            description: call.body.text("description").unwrap_or_default(),
            regions: vec![region.clone()],
            created: clock::now(),
            min_disk: 10,
            size: 1.0,
            tags: tags.iter().map(|tag| state.tag(tag)).collect(),
            droplet: None,
            ready: true,
        };
        let reply = json!({"image": view(&image)});
        state.images.insert(id, image);
        (reply, call.world.begin(state, deed("image_create", id, &region)))
    });
    call.world.launch([action]).await;
    Ok(Reply::accepted(reply))
}

pub(crate) async fn show(call: Call) -> Answer {
    let which = call.part("image");
    let public = match which.parse() {
        Ok(id) => catalog::image_by_id(id),
        Err(_) => catalog::image_by_slug(which),
    };
    let shown = match public {
        Some(image) => image.show(),
        None => call.world.read(|state| private(state, &call).map(view))?,
    };
    Ok(Reply::ok(json!({"image": shown})))
}

pub(crate) async fn update(call: Call) -> Answer {
    call.world.change(|state| {
        let id = private(state, &call)?.id;
        let image = state.images.get_mut(&id).ok_or_else(Refusal::not_found)?;
        if let Some(name) = call.body.text("name") {
            image.name = name;
        }
        if let Some(distribution) = call.body.text("distribution") {
            image.distribution = distribution;
        }
        if let Some(description) = call.body.text("description") {
            image.description = description;
        }
        Ok(Reply::ok(json!({"image": view(image)})))
    })
}

pub(crate) async fn delete(call: Call) -> Answer {
    let id = call.world.change(|state| {
        let id = private(state, &call)?.id;
        state.images.remove(&id);
        Ok(id)
    })?;
    super::snapshots::forget(&call, id).await;
    Ok(Reply::gone())
}

pub(crate) async fn actions(call: Call) -> Answer {
    let id = call.id("image")?;
    actions::list_of(&call, |action| {
        action.resource_type == "image" && action.resource_id == Some(id)
    })
}

pub(crate) async fn action(call: Call) -> Answer {
    let id = call.id("image")?;
    let reply = call.world.read(|state| {
        let action = call.id("action").ok().and_then(|id| state.actions.get(&id));
        action.filter(|action| action.resource_id == Some(id)).map(actions::view)
    });
    Ok(Reply::ok(reply.ok_or_else(Refusal::not_found)?))
}

pub(crate) async fn act(call: Call) -> Answer {
    let kind = match call.body.need("type")?.as_str() {
        "convert" => "convert",
        "transfer" => "transfer",
        _ => return Err(Refusal::unprocessable("The action type is not supported.")),
    };
    let target = call.body.text("region");
    if kind == "transfer" && target.as_deref().and_then(catalog::region).is_none() {
        return Err(Refusal::unprocessable("You specified an invalid region."));
    }
    let (action, reply) = call.world.change(|state| {
        let id = private(state, &call)?.id;
        let image = state.images.get_mut(&id).ok_or_else(Refusal::not_found)?;
        if let Some(region) = target.filter(|region| !image.regions.contains(region)) {
            image.regions.push(region);
        }
        let region = image.regions.first().cloned().unwrap_or_default();
        let action = call.world.begin(state, deed(kind, id, &region));
        Ok((action, actions::view_of(state, action)))
    })?;
    call.world.launch([action]).await;
    Ok(Reply::created(reply))
}

fn deed(kind: &'static str, image: u64, region: &str) -> Deed {
    Deed {
        droplet: None,
        resource_type: "image",
        ..Deed::on_droplet(kind, Work::Nothing, image, region)
    }
}

/// Finds the private image that the path names by number; a public one cannot be changed.
fn private<'a>(state: &'a State, call: &Call) -> Result<&'a Image, Refusal> {
    let which = call.part("image");
    if catalog::image_by_slug(which).is_some() {
        return Err(Refusal::forbidden("You do not have access to this image."));
    }
    state.images.get(&call.id("image")?).ok_or_else(Refusal::not_found)
}

/// Shows a private image.
pub(crate) fn view(image: &Image) -> Value {
    json!({
        "id": image.id,
        "name": image.name,
        "distribution": image.distribution,
        "slug": null,
        "public": false,
        "regions": image.regions,
        "created_at": iso(image.created),
        "min_disk_size": image.min_disk,
        "type": image.kind,
        "size_gigabytes": image.size,
        "description": image.description,
        "tags": image.tags,
        "status": if image.ready { "available" } else { "pending" },
        "error_message": "",
    })
}
