//! Traefik's middlewares that decide whether a rule serves anything.
//!
//! As pkg/middlewares/redirect/redirect_scheme.go of traefik/traefik does it, `redirectScheme` answers every
//! request of another scheme itself; redirect_regex.go answers those whose URL its pattern matches, unless the new URL is
//! the same. A router that names a middleware that does not exist is not served
//! (pkg/server/middleware/middlewares.go, `BuildChain`).

use direct_upload_api::web::PublicUrl;
use regex::Regex;
use serde_json::Value;

use super::exposing::{Exposures, Notes};
use crate::model::{IngressRouteRef, Key, Policy, Snapshot};

/// No real chain nests deeper than this.
const DEEPEST: usize = 8;

/// Whether a class of Ingresses or Gateways is Traefik's, judged by its name: nothing else says so before a controller
/// has answered. Traefik's Helm chart calls it `traefik`.
pub(crate) fn is_class(name: &str) -> bool {
    name.contains("traefik")
}

/// Whether one of the middlewares sends all requests of plain http to https.
pub(super) fn redirect_http<'a>(
    snapshot: &Snapshot,
    own: &str,
    named: impl Iterator<Item = &'a IngressRouteRef>,
) -> bool {
    let mut named = named.map(|reference| key(own, reference));
    named.any(|key| redirects(snapshot, &key, DEEPEST))
}

/// Those that an IngressRoute of this namespace names.
pub(super) fn named<'a>(own: &str, all: impl Iterator<Item = &'a IngressRouteRef>) -> Vec<Key> {
    all.map(|reference| key(own, reference)).collect()
}

/// Those that the value of Traefik's annotation names, as `namespace-name@kubernetescrd`.
pub(super) fn annotated(snapshot: &Snapshot, annotation: &str) -> Vec<Key> {
    let names: Vec<&str> =
        annotation.split(',').filter_map(|name| name.trim().strip_suffix("@kubernetescrd")).collect();
    let all = snapshot.middlewares.all().map(|(key, _)| key);
    all.filter(|key| names.contains(&format!("{}-{}", key.namespace, key.name).as_str())).cloned().collect()
}

/// The same for the value of Traefik's annotation.
pub(super) fn annotation_redirects_http(snapshot: &Snapshot, annotation: &str) -> bool {
    annotated(snapshot, annotation).iter().any(|key| redirects(snapshot, key, DEEPEST))
}

/// Removes the URLs all of whose pages one of these Middlewares sends to another origin.
pub(super) fn without_redirected(snapshot: &Snapshot, named: &[Key], found: &mut Exposures, notes: &mut Notes<'_>) {
    let mut all = Vec::new();
    for key in named {
        collect(snapshot, key, DEEPEST, &mut all);
    }
    found.urls.retain(|exposure| {
        let elsewhere = all.iter().find_map(|(key, spec)| Some((key, leads_elsewhere(spec, &exposure.url)?)));
        let Some((key, to)) = elsewhere else { return true };
        notes.add(format!("Middleware {key} sends browsers from {} to {to}, so it gives no URL", exposure.url));
        false
    });
}

fn collect<'a>(snapshot: &'a Snapshot, key: &Key, depth: usize, found: &mut Vec<(Key, &'a Value)>) {
    let Ok(Some(middleware)) = snapshot.middlewares.get(key) else { return };
    found.push((key.clone(), &middleware.spec));
    if depth > 0 {
        chained(&middleware.spec).for_each(|one| collect(snapshot, &self::key(&key.namespace, &one), depth - 1, found));
    }
}

/// Where a Middleware sends all pages of a URL, if that is another origin.
fn leads_elsewhere(spec: &Value, url: &PublicUrl) -> Option<String> {
    let scheme = spec["redirectScheme"]["scheme"].as_str();
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")) && url.origin().is_https() {
        return Some("plain http".to_owned());
    }
    let base = url.to_string();
    let base = base.trim_end_matches('/');
    let to: Option<Vec<String>> =
        ["/", "/a/page"].iter().map(|page| redirected(&spec["redirectRegex"], &format!("{base}{page}"))).collect();
    to?.into_iter().find(|to| PublicUrl::parse(to).is_ok_and(|to| to.origin() != url.origin()))
}

/// Where `redirectRegex` sends a request; none if nowhere else.
pub(crate) fn redirected(rule: &Value, url: &str) -> Option<String> {
    let pattern = Regex::new(rule["regex"].as_str()?).ok()?;
    let to = pattern.replace_all(url, rule["replacement"].as_str()?).into_owned();
    (pattern.is_match(url) && to != url).then_some(to)
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
    depth > 0 && chained(spec).any(|one| redirects(snapshot, &self::key(&key.namespace, &one), depth - 1))
}

fn chained(spec: &Value) -> impl Iterator<Item = IngressRouteRef> {
    let all = spec["chain"]["middlewares"].as_array().into_iter().flatten();
    all.filter_map(|one: &Value| serde_json::from_value(one.clone()).ok())
}
