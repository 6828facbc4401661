//! What Traefik's Middlewares make of a path (doc.traefik.io, HTTP middlewares).
//!
//! In: objects, a route, and the names of its Middlewares. Out: the path, changed or not; none if that is not known.

use regex::Regex;
use serde_json::Value;

use super::groups::with_groups;
use crate::glances::Objects;
use crate::objects::Object;

/// More Middlewares than any real chain of chains has.
const MOST_CHAINS: usize = 8;

/// The path behind some Middlewares.
pub(super) fn behind(objects: Objects<'_>, route: &Object, named: &Value, path: &str) -> Option<String> {
    through(objects, route.namespace(), named, path.to_owned(), MOST_CHAINS)
}

fn through(objects: Objects<'_>, namespace: &str, named: &Value, path: String, depth: usize) -> Option<String> {
    named.as_array().into_iter().flatten().try_fold(path, |path, own| {
        let name = own["name"].as_str()?;
        let namespace = own["namespace"].as_str().unwrap_or(namespace);
        let is_it = |o: &&Object| o.kind() == "Middleware" && o.name() == name && o.namespace() == namespace;
        let spec = &objects.iter().find(is_it)?.value["spec"];
        if spec["chain"].is_object() {
            return through(objects, namespace, &spec["chain"]["middlewares"], path, depth.checked_sub(1)?);
        }
        changed(spec, path)
    })
}

fn changed(spec: &Value, path: String) -> Option<String> {
    if spec["plugin"].is_object() || spec["stripPrefixRegex"].is_object() {
        return None;
    }
    if let Some(prefixes) = spec["stripPrefix"]["prefixes"].as_array() {
        let mut found = prefixes.iter().filter_map(|own| path.strip_prefix(own.as_str()?));
        return Some(found.next().map_or_else(|| path.clone(), |rest| format!("/{}", rest.trim_start_matches('/'))));
    }
    if let Some(prefix) = spec["addPrefix"]["prefix"].as_str() {
        return Some(format!("{prefix}{path}"));
    }
    if let Some(whole) = spec["replacePath"]["path"].as_str() {
        return Some(whole.to_owned());
    }
    let replaced = &spec["replacePathRegex"];
    if let (Some(pattern), Some(text)) = (replaced["regex"].as_str(), replaced["replacement"].as_str()) {
        let pattern = Regex::new(pattern).ok()?;
        return match pattern.captures(&path) {
            Some(groups) => {
                let whole = groups.get(0)?;
                let made = with_groups(&groups, text)?;
                Some(format!("{}{made}{}", &path[..whole.start()], &path[whole.end()..]))
            }
            None => Some(path),
        };
    }
    Some(path)
}
