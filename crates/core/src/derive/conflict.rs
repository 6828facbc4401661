//! Who else claims a host name. This is reported, never decided.
//!
//! The controller chooses which of two objects a browser reaches. So it also chooses whose pages have the
//! origin that Glance accepts.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;

use super::exposure::{self, Exposures};
use super::grant::Grants;
use super::stage::Joint;
use crate::model::{Advice, Id, Key, Problem, Set, Snapshot};

/// How many a sentence names at most.
const NAMED: usize = 3;

/// Host and path, which two objects would have to share.
pub(super) type HostPath = Key;

/// Which objects claim each of these places.
pub(super) fn rivals(snapshot: &Snapshot, places: impl Iterator<Item = HostPath>) -> BTreeMap<HostPath, Set<Id>> {
    let mut wanted: BTreeMap<HostPath, Set<Id>> = places.map(|place| (place, Set::default())).collect();
    exposure::claims(snapshot, &mut |host, path, kind, key| {
        if let Some(claims) = wanted.get_mut(&place(host, path)) {
            claims.insert(Id { kind: kind.to_string(), key: key.clone() });
        }
    });
    wanted
}

/// Objects that claim a place of this service, but do not lead browsers to it.
pub(super) fn advice(rivals: &Joint<Set<Id>>, exposures: &Result<Exposures, Problem>) -> Vec<Advice> {
    let urls = exposures.iter().flat_map(|e| &e.urls);
    let own: BTreeSet<&Id> = urls.filter_map(|e| e.source.object()).collect();
    let sentence = |place: &HostPath| {
        let others = rivals.get(place)?.iter().filter(|claim| !own.contains(claim));
        let others: BTreeSet<String> = others.map(Id::to_string).collect();
        let others = list(others.iter().map(String::as_str))?;
        let (host, path) = (&place.namespace, &place.name);
        let found = format!("{host}{path} is also claimed by {others}, which does not count here");
        Some(Advice::new(found).fix("decide who gets that host name: Glance trusts its pages"))
    };
    places(exposures).iter().filter_map(sentence).collect()
}

/// The places where a service was found, except those that its resource states itself.
pub(super) fn places(exposures: &Result<Exposures, Problem>) -> Set<HostPath> {
    let derived = exposures.iter().flat_map(|e| &e.urls).filter(|e| e.source.object().is_some());
    derived.map(|e| place(e.url.origin().host(), e.url.path())).collect()
}

fn place(host: &str, path: &str) -> HostPath {
    Key::new(host.to_lowercase(), path.trim_end_matches('/'))
}

/// Origins that Horizons of several namespaces have.
pub fn shared(grants: &Grants) -> Vec<Advice> {
    let mut by_origin: BTreeMap<&Origin, Vec<&str>> = BTreeMap::new();
    for (namespace, origins) in &grants.given {
        for origin in origins {
            by_origin.entry(origin).or_default().push(namespace);
        }
    }
    let several = by_origin.into_iter().filter(|(_, namespaces)| namespaces.len() > 1).take(NAMED);
    several
        .filter_map(|(origin, namespaces)| {
            let namespaces = list(namespaces.into_iter())?;
            let found = format!("{origin} is the origin of Horizons of several namespaces: {namespaces}");
            Some(Advice::new(found).fix("one host name leads browsers to only one of them"))
        })
        .collect()
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<_> = names.collect();
    match names.len() {
        0 => None,
        n if n > NAMED => Some(format!("{} and {} more", names[..NAMED].join(", "), n - NAMED)),
        _ => Some(names.join(", ")),
    }
}
