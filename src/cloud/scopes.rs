//! Which scope of a token a request needs, so that a refusal can name what is missing.

/// Returns the scope that `method path` needs, or none where that is not known.
pub(crate) fn of(method: &str, path: &str) -> Option<String> {
    let mut parts = path.trim_matches('/').split('/').skip(1);
    let (first, _, third) = (parts.next()?, parts.next(), parts.next());
    let read = method == "GET";
    let verb = match method {
        "GET" => "read",
        "POST" => "create",
        "PUT" | "PATCH" => "update",
        "DELETE" => "delete",
        _ => return None,
    };
    let scope = match (first, third) {
        ("account", _) if path.contains("/keys") => format!("ssh_key:{verb}"),
        ("account", _) => "account:read".into(),
        ("actions" | "regions" | "sizes", _) => format!("{first}:read"),
        ("images", _) => format!("image:{verb}"),
        ("droplets", Some("actions")) if !read => "droplet:update".into(),
        ("droplets", _) => format!("droplet:{verb}"),
        ("reserved_ips" | "reserved_ipv6", Some("actions")) if !read => "reserved_ip:update".into(),
        ("reserved_ips" | "reserved_ipv6", _) => format!("reserved_ip:{verb}"),
        ("domains", _) => format!("domain:{verb}"),
        ("volumes", Some("actions")) => format!("block_storage_action:{verb}"),
        ("volumes", _) => format!("block_storage:{verb}"),
        ("snapshots", _) => format!("snapshot:{verb}"),
        ("tags", _) => format!("tag:{verb}"),
        ("firewalls", Some(_)) => "firewall:update".into(),
        ("firewalls", _) => format!("firewall:{verb}"),
        ("projects", Some("resources")) if !read => "project:assign_resource".into(),
        ("projects", _) => format!("project:{verb}"),
        ("vpcs", _) => format!("vpc:{verb}"),
        _ => return None,
    };
    Some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ones() {
        for (method, path, scope) in [
            ("POST", "/v2/droplets", "droplet:create"),
            ("POST", "/v2/droplets/412/actions", "droplet:update"),
            ("POST", "/v2/reserved_ips/203.0.113.10/actions", "reserved_ip:update"),
            ("GET", "/v2/account/keys", "ssh_key:read"),
            ("GET", "/v2/account", "account:read"),
            ("POST", "/v2/volumes/a-b/actions", "block_storage_action:create"),
        ] {
            assert_eq!(of(method, path).as_deref(), Some(scope), "{method} {path}");
        }
        assert_eq!(of("GET", "/"), None);
        assert_eq!(of("GET", "/v2/unknown"), None);
    }
}
