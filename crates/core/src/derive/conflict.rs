//! Who else claims a host name. This is reported, never decided.
//!
//! The controller chooses which of two objects a browser reaches. So it also chooses whose pages have the
//! origin that Glance accepts.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;

use super::exposure::{self, Exposures};
use super::grant::Grants;
use crate::model::{Advice, Id, Problem, Snapshot};

/// How many a sentence names at most.
const NAMED: usize = 3;

/// Host and path, which two objects would have to share.
type HostPath = (String, String);

/// Which objects claim the place of a service.
pub(crate) struct Rivals(BTreeMap<HostPath, BTreeSet<Id>>);

impl Rivals {
    /// Compares all services.
    pub fn find<'a>(snapshot: &Snapshot, derived: impl Iterator<Item = &'a Result<Exposures, Problem>>) -> Self {
        let mut wanted: BTreeMap<HostPath, BTreeSet<Id>> =
            derived.flat_map(places).map(|place| (place, BTreeSet::new())).collect();
        exposure::claims(snapshot, &mut |host, path, kind, key| {
            if let Some(claims) = wanted.get_mut(&place(host, path)) {
                claims.insert(Id { kind: kind.to_string(), key: key.clone() });
            }
        });
        Self(wanted)
    }

    /// Objects that claim a place of this service, but do not lead browsers to it.
    pub fn advice(&self, exposures: &Result<Exposures, Problem>) -> Vec<Advice> {
        let urls = exposures.iter().flat_map(|e| &e.urls);
        let own: BTreeSet<&Id> = urls.filter_map(|e| e.source.object()).collect();
        let places: BTreeSet<HostPath> = places(exposures).collect();
        let sentence = |place: &HostPath| {
            let others = self.0.get(place)?.iter().filter(|claim| !own.contains(claim));
            let others: BTreeSet<String> = others.map(Id::to_string).collect();
            let others = list(others.iter().map(String::as_str))?;
            let (host, path) = place;
            let found = format!("{host}{path} is also claimed by {others}, which does not count here");
            Some(Advice::new(found).fix("decide who gets that host name: Glance trusts its pages"))
        };
        places.iter().filter_map(sentence).collect()
    }
}

/// The places where a service was found, except those that its resource states itself.
fn places(exposures: &Result<Exposures, Problem>) -> impl Iterator<Item = HostPath> {
    let derived = exposures.iter().flat_map(|e| &e.urls).filter(|e| e.source.object().is_some());
    derived.map(|e| place(e.url.origin().host(), e.url.path()))
}

fn place(host: &str, path: &str) -> HostPath {
    (host.to_lowercase(), path.trim_end_matches('/').to_owned())
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
