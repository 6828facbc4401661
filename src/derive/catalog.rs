//! What the Keystone catalog says, or is assumed to, against where Glance really is (DU011). Pure.
//!
//! Horizon hands the browser the catalog's public endpoint of service type `image`, for the user's
//! region, as it stands there. The operator configures nothing of that: it compares.

use std::collections::BTreeMap;

use super::destination::{Destination, Wish};
use super::glance::GlanceView;
use super::horizon::HorizonView;
use super::origin::PublicUrl;
use crate::observe::Key;
use crate::verify::Endpoint;

/// What is to be said of one destination's URL.
pub(super) fn advice(
    glances: &BTreeMap<Key, GlanceView>,
    view: &HorizonView,
    wish: Wish<'_>,
    destination: &Destination,
) -> Vec<String> {
    let Ok(endpoint) = &destination.endpoint else { return Vec::new() };
    let mut advice = Vec::new();
    let exposed = destination.key().and_then(|key| Some((key, glances.get(key)?.exposures.as_ref().ok()?)));
    if wish.glance_endpoint.is_some() {
        let field = wish.field("glanceEndpoint");
        advice.extend(form(&field, endpoint));
        if let Some((key, exposures)) = exposed {
            let urls: Vec<_> = exposures.urls.iter().map(|e| &e.url).collect();
            advice.extend(differs(&field, endpoint, key, &urls));
        }
    }
    let origins = view.origins().unwrap_or_default();
    if let Some(origin) = origins.get(endpoint.origin()) {
        advice.push(format!(
            "the dashboard and {endpoint} have the same origin, {origin}: from there browsers ask nothing of CORS and make no preflight"
        ));
    }
    advice
}

/// What Horizon makes a wrong path of.
fn form(says: &str, endpoint: &Endpoint) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(version) = endpoint.version() {
        found.push(format!(
            "DU011: {says} is {endpoint}, which ends in /{version}; Horizon appends /v2/images/…, and Glance has no such path (404): take /{version} off the endpoint in the Keystone catalog"
        ));
    }
    if endpoint.ends_in_slash() {
        found.push(format!(
            "DU011: {says} is {endpoint}, which ends in a slash; Horizon appends /v2/images/…, so the slash is doubled: take it off the endpoint in the Keystone catalog"
        ));
    }
    found
}

/// Where it is another URL than each of those by which Glance is exposed.
fn differs(says: &str, endpoint: &Endpoint, glance: &Key, urls: &[&PublicUrl]) -> Option<String> {
    let derived = urls.first()?;
    let same = |url: &&&PublicUrl| url.origin() == endpoint.origin() && url.path() == endpoint.path();
    if urls.iter().any(|url| same(&url)) {
        return None;
    }
    // The version has an entry of its own.
    let path = |url: &&&PublicUrl| url.origin() == endpoint.origin() && endpoint.version().is_some();
    if urls.iter().any(|url| path(&url)) {
        return None;
    }
    let parts = [
        ("scheme", derived.origin().is_https() != endpoint.origin().is_https()),
        ("host", derived.origin().host() != endpoint.origin().host()),
        ("port", Endpoint::from((*derived).clone()).port() != endpoint.port()),
        ("path", derived.path() != endpoint.path()),
    ];
    let parts: Vec<_> = parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
    Some(format!(
        "DU011: {says} says {endpoint}, but Glance {glance} is exposed as {derived}: another {}; Horizon follows the Keystone catalog, so correct whichever is wrong",
        parts.join(" and ")
    ))
}
