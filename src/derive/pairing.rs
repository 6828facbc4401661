//! Which Glance a Horizon goes to, and whether it may and can.

use std::collections::BTreeMap;

use super::consent;
use super::glance::GlanceView;
use super::horizon::{HorizonView, Intent, Partner};
use super::origin::PublicUrl;
use super::problem::Problem;
use crate::api::{HorizonSpec, Reason, Verification};
use crate::observe::{Key, Snapshot};

/// Fills in partner, endpoint and intent.
pub(super) fn pair(snapshot: &Snapshot, glances: &BTreeMap<Key, GlanceView>, view: &mut HorizonView) {
    let Ok(spec) = &view.object.spec else { return };
    view.partner = partner(snapshot, glances, view, spec);
    view.endpoint = endpoint(glances, view, spec);
    if let (Ok(Partner::Glance(key)), Some(stated)) = (&view.partner, &spec.direct_upload.glance_endpoint) {
        let derived = glances.get(key).and_then(GlanceView::url);
        if let (Ok(stated), Some(derived)) = (PublicUrl::parse(stated), derived)
            && stated != *derived
        {
            view.advice.push(format!(
                "DU011: directUpload.glanceEndpoint says {stated}, but Glance {key} is exposed as {derived}; Horizon follows the Keystone catalog"
            ));
        }
    }
    if let (Ok(url), Ok(origins)) = (&view.endpoint, view.origins())
        && origins.contains(url.origin())
    {
        let origin = url.origin();
        view.advice.push(format!(
            "the dashboard and {url} have the same origin, {origin}: from there browsers ask nothing of CORS and make no preflight"
        ));
    }
    view.intent = intent(glances, view, spec);
}

fn partner(
    snapshot: &Snapshot,
    glances: &BTreeMap<Key, GlanceView>,
    view: &HorizonView,
    spec: &HorizonSpec,
) -> Result<Partner, Problem> {
    let namespace = &view.object.meta.key.namespace;
    if let Some(named) = &spec.direct_upload.glance_ref {
        let key = Key::new(named.namespace.as_ref().unwrap_or(namespace), named.name.clone());
        return allowed(snapshot, glances, &key, namespace);
    }
    // Once chosen it stays, while it exists.
    let chosen = view.applied.as_ref().and_then(|a| a.partners().into_iter().next());
    if let Some(key) = chosen.filter(|key| glances.contains_key(key)) {
        return allowed(snapshot, glances, &key, namespace);
    }
    snapshot.glances.known(namespace)?;
    let candidates: Vec<_> = glances.keys().filter(|key| key.namespace == *namespace).collect();
    match (candidates.as_slice(), &spec.direct_upload.glance_endpoint) {
        ([only], _) => allowed(snapshot, glances, only, namespace),
        ([], Some(url)) => Ok(Partner::External(stated(url)?)),
        ([], None) => Err(Problem::new(
            Reason::GlanceNotFound,
            format!(
                "there is no Glance resource in namespace {namespace}; create one, or name one in spec.directUpload.glanceRef"
            ),
        )),
        (several, _) => Err(Problem::new(
            Reason::GlanceAmbiguous,
            format!(
                "Glance {} could be meant; set spec.directUpload.glanceRef",
                several.iter().map(|k| k.name.as_str()).collect::<Vec<_>>().join(" or ")
            ),
        )),
    }
}

fn allowed(
    snapshot: &Snapshot,
    glances: &BTreeMap<Key, GlanceView>,
    key: &Key,
    namespace: &str,
) -> Result<Partner, Problem> {
    let Some(glance) = glances.get(key) else {
        snapshot.glances.known(&key.namespace)?;
        return Err(Problem::new(
            Reason::GlanceNotFound,
            format!("there is no Glance {key} (spec.directUpload.glanceRef)"),
        ));
    };
    let spec =
        glance.object.spec.as_ref().map_err(|why| {
            Problem::new(Reason::ObservationIncomplete, format!("Glance {key} cannot be read: {why}"))
        })?;
    consent::check(snapshot, key, &spec.cors.allowed_horizons.namespaces, namespace)?;
    Ok(Partner::Glance(key.clone()))
}

fn stated(url: &str) -> Result<PublicUrl, Problem> {
    PublicUrl::parse(url)
        .map_err(|e| Problem::new(Reason::InvalidSpec, format!("spec.directUpload.glanceEndpoint: {e}")))
}

/// The URL that the browser will upload to, if a browser can.
fn endpoint(glances: &BTreeMap<Key, GlanceView>, view: &HorizonView, spec: &HorizonSpec) -> Result<PublicUrl, Problem> {
    let (url, field) = match (&spec.direct_upload.glance_endpoint, &view.partner) {
        (Some(url), _) => (stated(url)?, "spec.directUpload.glanceEndpoint".to_owned()),
        (None, Ok(Partner::External(url))) => (url.clone(), "spec.directUpload.glanceEndpoint".to_owned()),
        (None, Ok(Partner::Glance(key))) => match glances.get(key).map(|g| &g.exposures) {
            Some(Ok(exposures)) => match exposures.primary() {
                Some(url) => (url.clone(), format!("the public URL of Glance {key}")),
                None => return Err(unknown_endpoint(key, "")),
            },
            Some(Err(problem)) if problem.is_unknown() => return Err(problem.clone()),
            Some(Err(problem)) => return Err(unknown_endpoint(key, &problem.message)),
            None => return Err(unknown_endpoint(key, "")),
        },
        (None, Err(problem)) => return Err(problem.clone()),
    };
    if let Some(why) = url.origin().unreachable() {
        return Err(Problem::new(
            Reason::EndpointNotPublic,
            format!(
                "DU010: {field} is {url}, {why} that no browser outside the cluster can reach; state the URL that the Keystone catalog publishes"
            ),
        ));
    }
    let https = view.exposures.iter().flat_map(|e| &e.urls).find(|e| e.url.origin().is_https());
    if let (Some(dashboard), false) = (https, url.origin().is_https()) {
        return Err(Problem::new(
            Reason::MixedContent,
            format!(
                "DU009: the dashboard is {} and {field} is {url}; browsers block http requests from https pages, so serve Glance by https",
                dashboard.url
            ),
        ));
    }
    Ok(url)
}

fn unknown_endpoint(key: &Key, why: &str) -> Problem {
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    Problem::new(
        Reason::EndpointUnknown,
        format!(
            "the public URL of Glance {key} is not known{why}; set its spec.publicURL, or spec.directUpload.glanceEndpoint here"
        ),
    )
}

/// What is asked of Horizon's pods.
fn intent(glances: &BTreeMap<Key, GlanceView>, view: &HorizonView, spec: &HorizonSpec) -> Intent {
    if view.object.meta.deleting.is_some() {
        return Intent::Own(Problem::new(Reason::Releasing, "this resource is being deleted"));
    }
    if !spec.direct_upload.enabled {
        return Intent::Own(Problem::new(Reason::DirectDisabled, "spec.directUpload.enabled is false"));
    }
    match &view.partner {
        Err(problem) if problem.is_unknown() => return Intent::Hold(problem.clone()),
        // The partner is lost: the snippet goes before anything else can. An ambiguity or a typing
        // error changes nothing.
        Err(problem) if matches!(problem.reason, Reason::GlanceNotFound | Reason::GlanceNotAllowed) => {
            return Intent::Own(problem.clone());
        }
        Err(problem) => return Intent::Hold(problem.clone()),
        Ok(Partner::Glance(key)) => {
            if glances.get(key).is_none_or(|g| g.object.meta.deleting.is_some()) {
                return Intent::Own(Problem::new(Reason::GlanceNotFound, format!("Glance {key} is being deleted")));
            }
        }
        Ok(Partner::External(_)) => {}
    }
    // The endpoint first: a wrong one is the user's to mend whatever else is missing.
    let unproven = spec.direct_upload.verification == Verification::Off;
    let endpoint = view.endpoint.as_ref().err().filter(|p| !unproven || p.reason == Reason::InvalidSpec);
    let obstacles = [endpoint, view.target.as_ref().err(), view.exposures.as_ref().err(), view.settings.as_ref().err()];
    if let Some(problem) = obstacles.into_iter().flatten().next() {
        return Intent::Hold(problem.clone());
    }
    Intent::Direct
}
