//! Which requests a rule is for: `POST /v2/droplets/*/actions`, `* /v2/**`.

/// A verb and a path with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    verb: String,
    path: Vec<String>,
}

impl Pattern {
    /// Reads `VERB PATH`; `*` is any verb or one part of a path, `**` any number of parts.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no request; write it as `POST /v2/droplets`");
        let (verb, path) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let path = path.trim();
        if !path.starts_with('/') || path.contains(char::is_whitespace) {
            return Err(wrong());
        }
        let verb = verb.to_uppercase();
        if !["*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&verb.as_str()) {
            return Err(wrong());
        }
        Ok(Self { verb, path: parts(path).map(str::to_owned).collect() })
    }

    /// Returns whether a request is meant.
    pub(crate) fn matches(&self, verb: &str, path: &str) -> bool {
        let verb_matches = self.verb == "*" || self.verb == verb;
        let asked: Vec<&str> = parts(path).collect();
        verb_matches && meets(&self.path, &asked)
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn meets(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((part, rest)), _) if part == "**" => {
            meets(rest, path) || path.split_first().is_some_and(|(_, path)| meets(pattern, path))
        }
        (None, Some(_)) | (Some(_), None) => false,
        (Some((part, rest)), Some((asked, path))) => {
            (part == "*" || part == asked) && meets(rest, path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_parts() {
        let matches = |pattern: &str, verb: &str, path: &str| {
            Pattern::parse(pattern).unwrap().matches(verb, path)
        };
        assert!(matches("POST /v2/droplets", "POST", "/v2/droplets"));
        assert!(matches("post /v2/droplets", "POST", "/v2/droplets/"));
        assert!(!matches("POST /v2/droplets", "GET", "/v2/droplets"));
        assert!(!matches("POST /v2/droplets", "POST", "/v2/droplets/7/actions"));
        assert!(matches("* /v2/droplets/*/actions", "GET", "/v2/droplets/7/actions"));
        assert!(matches("GET /v2/**/actions/*", "GET", "/v2/actions/7"));
        assert!(matches("GET /v2/**/actions/*", "GET", "/v2/reserved_ips/127.0.0.1/actions/7"));
        assert!(!matches("GET /v2/**/actions/*", "GET", "/v2/actions"));
        assert!(matches("* /**", "DELETE", "/v2/tags/x"));
        for wrong in ["", "POST", "/v2", "FETCH /v2", "GET v2", "GET /v2 x"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
