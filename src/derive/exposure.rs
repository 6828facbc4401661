//! The URLs under which browsers reach a workload.
//!
//! In: a workload, and what its resource says of its exposure. Out: [`Exposures`], the primary
//! first. Each kind of exposing object has a deriver of its own, with this one result type.

use std::collections::BTreeMap;

use super::ingress;
use super::origin::PublicUrl;
use super::problem::Problem;
use crate::api::{ExposedBy, ExposureKind, Reason};
use crate::observe::{Snapshot, Workload};

/// One URL and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub url: PublicUrl,
    /// `spec.publicURL` or e.g. `Ingress openstack/horizon`.
    pub source: String,
}

/// All URLs of one service. Never empty. The first is the primary: `publicURL` if given, else
/// https before http, then in order of object name and rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposures {
    pub urls: Vec<Exposure>,
    /// What was assumed or left out, for the status.
    pub notes: Vec<String>,
}

impl Exposures {
    /// The primary URL.
    pub fn primary(&self) -> Option<&PublicUrl> {
        self.urls.first().map(|e| &e.url)
    }

    /// Adds the findings of one object.
    pub(super) fn extend(&mut self, other: Self) {
        self.urls.extend(other.urls);
        self.notes.extend(other.notes);
    }
}

/// How a resource says it is exposed.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    pub public_url: Option<&'a str>,
    pub exposed_by: Option<&'a [ExposedBy]>,
}

/// Derives the URLs of a workload.
///
/// # Errors
/// [`Problem`] if a stated URL is unusable, nothing exposes the workload, or something that the
/// answer depends on cannot be seen.
pub fn of(
    snapshot: &Snapshot,
    stated: Stated<'_>,
    workload: Option<&Workload>,
    namespace: &str,
) -> Result<Exposures, Problem> {
    if let Some(text) = stated.public_url {
        let url =
            PublicUrl::parse(text).map_err(|e| Problem::new(Reason::InvalidSpec, format!("spec.publicURL: {e}")))?;
        return Ok(Exposures { urls: vec![Exposure { url, source: "spec.publicURL".into() }], notes: vec![] });
    }
    let Some(workload) = workload else {
        return Err(Problem::new(
            Reason::NotExposed,
            "without its workload, nothing that exposes it can be found; set spec.publicURL",
        ));
    };
    let services = services_of(snapshot, workload)?;
    let mut found = Exposures::default();
    for ingress in snapshot.ingresses.list(namespace)? {
        let named = |e: &ExposedBy| e.kind == ExposureKind::Ingress && e.name == ingress.meta.key.name;
        if stated.exposed_by.is_none_or(|list| list.iter().any(named)) {
            found.extend(ingress::exposures(ingress, &services));
        }
    }
    for named in stated.exposed_by.into_iter().flatten() {
        let key = crate::observe::Key::new(namespace, named.name.clone());
        if snapshot.ingresses.get(&key)?.is_none() {
            found.notes.push(format!("spec.exposedBy: there is no {} {key}", named.kind));
        }
    }
    finish(found, workload, &services)
}

/// Names of the Services whose selector matches the workload's pods.
fn services_of(snapshot: &Snapshot, workload: &Workload) -> Result<Vec<String>, Problem> {
    let selects = |selector: &BTreeMap<String, String>| {
        !selector.is_empty() && selector.iter().all(|(k, v)| workload.template.labels.get(k) == Some(v))
    };
    let services = snapshot.services.list(&workload.meta.key.namespace)?;
    Ok(services.filter(|s| selects(&s.selector)).map(|s| s.meta.key.name.clone()).collect())
}

fn finish(mut found: Exposures, workload: &Workload, services: &[String]) -> Result<Exposures, Problem> {
    // Stable: objects come in order of name, rules in order of writing.
    found.urls.sort_by_key(|e| !e.url.origin().is_https());
    let mut seen = std::collections::BTreeSet::new();
    found.urls.retain(|e| seen.insert(e.url.clone()));
    if !found.urls.is_empty() {
        return Ok(found);
    }
    let key = &workload.meta.key;
    let mut message = if services.is_empty() {
        format!("no Service in {} selects the pods of {} {}", key.namespace, workload.kind, key.name)
    } else {
        format!("no Ingress in {} leads to Service {}", key.namespace, services.join(", "))
    };
    for note in &found.notes {
        message.push_str("; ");
        message.push_str(note);
    }
    message.push_str(". Set spec.publicURL to the URL that browsers use");
    Err(Problem::new(Reason::NotExposed, message))
}
