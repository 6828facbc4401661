//! Traefik's middlewares that decide whether a rule serves anything.
//!
//! As pkg/middlewares/redirect/redirect_scheme.go of traefik/traefik does it, `redirectScheme` answers every
//! request of another scheme itself. A router that names a middleware that does not exist is not served
//! (pkg/server/middleware/middlewares.go, `BuildChain`).

use serde_json::Value;

use crate::model::{IngressRouteRef, Key, Policy, Snapshot};

/// No real chain nests deeper than this.
const DEEPEST: usize = 8;

/// Whether one of the middlewares sends all requests of plain http to https.
pub(super) fn redirect_http<'a>(
    snapshot: &Snapshot,
    own: &str,
    named: impl Iterator<Item = &'a IngressRouteRef>,
) -> bool {
    let mut named = named.map(|reference| key(own, reference));
    named.any(|key| redirects(snapshot, &key, DEEPEST))
}

/// The same for the value of Traefik's annotation, which names them `namespace-name@kubernetescrd`.
pub(super) fn annotation_redirects_http(snapshot: &Snapshot, annotation: &str) -> bool {
    let mut names = annotation.split(',').filter_map(|name| name.trim().strip_suffix("@kubernetescrd"));
    names.any(|name| {
        let mut all = snapshot.middlewares.all().map(|(key, _)| key);
        all.any(|key| format!("{}-{}", key.namespace, key.name) == name && redirects(snapshot, key, DEEPEST))
    })
}

/// Those that do not exist. A name with `@` is of another provider.
pub(super) fn missing<'a>(
    snapshot: &Snapshot,
    own: &str,
    named: impl Iterator<Item = &'a IngressRouteRef>,
) -> Vec<Key> {
    let named = named.filter(|reference| !reference.name.contains('@')).map(|reference| key(own, reference));
    named.filter(|key| matches!(snapshot.middlewares.get(key), Ok(None))).collect()
}

fn key(own: &str, reference: &IngressRouteRef) -> Key {
    Key::new(reference.namespace.as_deref().unwrap_or(own), reference.name.clone())
}

fn redirects(snapshot: &Snapshot, key: &Key, depth: usize) -> bool {
    let Ok(Some(middleware)) = snapshot.middlewares.get(key) else { return false };
    let Policy { spec, .. } = &**middleware;
    let scheme = spec["redirectScheme"]["scheme"].as_str();
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) {
        return true;
    }
    let chained = spec["chain"]["middlewares"].as_array().into_iter().flatten();
    let mut chained = chained.filter_map(|one: &Value| serde_json::from_value::<IngressRouteRef>(one.clone()).ok());
    depth > 0 && chained.any(|one| redirects(snapshot, &self::key(&key.namespace, &one), depth - 1))
}
