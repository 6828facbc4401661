//! Stage 3: which Glance a Horizon uses, and whether it may and can.

use std::collections::BTreeSet;

use direct_upload_api::web::{Endpoint, Origin, PublicUrl};
use direct_upload_api::{HorizonSpec, Reason, Rule, Verification};

use super::catalog::{self, CatalogState};
use super::consent;
use super::destination::{Destination, Partner, Wish};
use super::glance::ImageService;
use super::glance_proxies::GlanceProxies;
use super::horizon::{Dashboard, Intent, OwnMode};
use super::snippet_place::Unplaced;
use super::stage::Stage;
use crate::model::{Advice, Key, Problem, Sentence, Set, Snapshot};
use crate::workload::Applied;

/// Where a Horizon's users upload to, and what follows for its pods.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    pub catalog: CatalogState,
    pub destinations: Box<[Destination]>,
    pub proxies: GlanceProxies,
    /// If no Glance refuses it.
    pub intent: Intent,
    /// The Glances that must accept this Horizon: those it uses, and those to which its pods still upload.
    pub needs: Set<Key>,
    pub advice: Box<[Advice]>,
}

impl Pairing {
    /// Pairs one Horizon.
    pub fn derive(snapshot: &Snapshot, glances: &Stage<ImageService>, dashboard: &Dashboard) -> Self {
        let spec = match &dashboard.object.spec {
            Ok(spec) => spec,
            Err(why) => {
                return Self {
                    catalog: CatalogState::default(),
                    destinations: Box::default(),
                    proxies: GlanceProxies::default(),
                    intent: Intent::Hold(Problem::new(Reason::Undecodable, why.clone())),
                    needs: uploads_to(dashboard),
                    advice: Box::default(),
                };
            }
        };
        let wishes: Vec<_> = Wish::list(&spec.direct_upload);
        let partners: Vec<_> = wishes.iter().map(|wish| partner(snapshot, glances, dashboard, *wish)).collect();
        let looks = partners.iter().filter_map(|partner| match partner {
            Ok(Partner::Glance(key)) => Some(&glances.get(key)?.catalog),
            Ok(Partner::External(_)) | Err(_) => None,
        });
        let catalog = CatalogState::derive(snapshot, dashboard, spec, looks);
        let (mut destinations, mut advice) = (Vec::new(), Vec::new());
        for (wish, partner) in wishes.into_iter().zip(partners) {
            let destination = Destination {
                region: wish.region.map(str::to_owned),
                named: wish.named(&dashboard.object.meta.key.namespace),
                endpoint: endpoint(glances, dashboard, &catalog, wish, &partner),
                assumed: catalog.endpoint(wish.region).is_none() && wish.glance_endpoint.is_none(),
                partner,
            };
            advice.extend(catalog::advice(glances, dashboard, &catalog, wish, &destination));
            destinations.push(destination);
        }
        advice.extend(catalog.advice(&spec.direct_upload));
        let proxies = GlanceProxies::derive(dashboard, &destinations);
        advice.extend(proxies.advice(dashboard));
        let intent = intent(glances, dashboard, &catalog, &destinations, spec);
        let mut needs = uploads_to(dashboard);
        if intent == Intent::Direct {
            needs.extend(destinations.iter().filter_map(Destination::key).cloned());
        }
        Self { catalog, destinations: destinations.into(), proxies, intent, needs, advice: advice.into() }
    }

    /// The Glances whose own account reads the catalog for it.
    pub fn looks(&self) -> BTreeSet<Key> {
        let is_idle = matches!(&self.intent, Intent::Own(OwnMode::Disabled | OwnMode::Deleted, _));
        let asks = !is_idle && self.catalog.query.is_none() && self.catalog.source.is_none();
        if !asks {
            return BTreeSet::new();
        }
        self.destinations.iter().filter_map(Destination::key).cloned().collect()
    }

    /// The origins that a Glance must accept. For a Glance that the Horizon uses, only those from which
    /// browsers need CORS.
    ///
    /// # Errors
    /// Why they are unknown.
    pub fn origins_at(&self, glance: &Key, dashboard: &Dashboard) -> Result<BTreeSet<Origin>, Problem> {
        let origins = dashboard.origins()?;
        let here: Vec<_> = self.destinations.iter().filter(|d| d.key() == Some(glance)).collect();
        if here.is_empty() {
            return Ok(origins);
        }
        Ok(here.into_iter().flat_map(|d| d.crossing(origins.clone())).collect())
    }
}

/// The Glances to which its pods upload.
fn uploads_to(dashboard: &Dashboard) -> Set<Key> {
    dashboard.tenure.applied.as_ref().map(Applied::partners).unwrap_or_default()
}

fn partner(
    snapshot: &Snapshot,
    glances: &Stage<ImageService>,
    dashboard: &Dashboard,
    wish: Wish<'_>,
) -> Result<Partner, Problem> {
    let namespace = &dashboard.object.meta.key.namespace;
    if let Some(named) = wish.named(namespace) {
        return allowed(snapshot, glances, &named, namespace, wish);
    }
    if let (Some(_), Some(url)) = (wish.region, wish.glance_endpoint) {
        return Ok(Partner::External(stated(url, wish)?));
    }
    // The choice stays while the Glance exists.
    let chosen = match &dashboard.tenure.applied {
        Ok(applied) => applied.partners(),
        Err(problem) if problem.is_unknown() => return Err(problem.clone()),
        Err(_) => Set::default(),
    };
    if let Some(key) = chosen.iter().next().filter(|key| chosen.len() == 1 && glances.get(key).is_some()) {
        return allowed(snapshot, glances, key, namespace, wish);
    }
    snapshot.glances.known(namespace)?;
    let candidates: Vec<_> = glances.keys_in(namespace).collect();
    match (candidates.as_slice(), wish.glance_endpoint) {
        ([only], _) => allowed(snapshot, glances, only, namespace, wish),
        ([], Some(url)) => Ok(Partner::External(stated(url, wish)?)),
        ([], None) => Err(Problem::new(
            Reason::GlanceNotFound,
            format!(
                "there is no Glance resource in namespace {namespace}; create one, or name one in spec.directUpload.glanceRef"
            ),
        )),
        (several, _) => Err(Problem::new(
            Reason::GlanceAmbiguous,
            format!(
                "several Glances match: {}; set spec.directUpload.glanceRef",
                several.iter().map(|k| k.name.as_str()).collect::<Vec<_>>().join(" or ")
            ),
        )),
    }
}

fn allowed(
    snapshot: &Snapshot,
    glances: &Stage<ImageService>,
    key: &Key,
    namespace: &str,
    wish: Wish<'_>,
) -> Result<Partner, Problem> {
    let Some(glance) = glances.get(key) else {
        snapshot.glances.known(&key.namespace)?;
        return Err(Problem::new(
            Reason::GlanceNotFound,
            format!("there is no Glance {key} ({})", wish.field("glanceRef")),
        ));
    };
    let spec =
        glance.object.spec.as_ref().map_err(|why| {
            Problem::new(Reason::ObservationIncomplete, format!("Glance {key} cannot be read: {why}"))
        })?;
    consent::check(snapshot, key, &spec.cors.allowed_horizons.namespaces, namespace)?;
    Ok(Partner::Glance(key.clone()))
}

fn stated(url: &str, wish: Wish<'_>) -> Result<PublicUrl, Problem> {
    PublicUrl::parse(url).map_err(|e| {
        Problem::new(Reason::InvalidSpec, Sentence::from(wish.field("glanceEndpoint")).text(format!(": {e}")))
    })
}

/// The URL to which the browser will upload, if a browser can.
fn endpoint(
    glances: &Stage<ImageService>,
    dashboard: &Dashboard,
    catalog: &CatalogState,
    wish: Wish<'_>,
    partner: &Result<Partner, Problem>,
) -> Result<Endpoint, Problem> {
    // Nothing rolls for a URL that nobody has read yet. A Horizon that is already direct stays direct.
    if catalog.is_awaited() && wish.glance_endpoint.is_none() && !dashboard.is_direct() {
        return Err(catalog::awaited(catalog.held_up.as_deref()));
    }
    let (url, says) = match (catalog.endpoint(wish.region), wish.glance_endpoint, partner) {
        (Some(url), ..) => (url.clone(), catalog::PUBLISHED.into()),
        (None, Some(url), _) => {
            stated(url, wish)?;
            // Unchanged: Horizon appends to a slash at the end, too.
            let endpoint = Endpoint::parse(url).map_err(|e| Problem::new(Reason::InvalidSpec, e.to_string()))?;
            (endpoint, Sentence::from(wish.field("glanceEndpoint")))
        }
        (None, None, Ok(Partner::External(url))) => (url.clone().into(), wish.field("glanceEndpoint").into()),
        (None, None, Ok(Partner::Glance(key))) => match glances.get(key).map(|g| &g.exposures) {
            Some(Ok(exposures)) => match exposures.primary() {
                Some(url) => (url.clone().into(), format!("the public URL of Glance {key}").into()),
                None => return Err(unknown_endpoint(key, "")),
            },
            Some(Err(problem)) if problem.is_unknown() => return Err(problem.clone()),
            Some(Err(problem)) => return Err(unknown_endpoint(key, &problem.message())),
            None => return Err(unknown_endpoint(key, "")),
        },
        (None, None, Err(problem)) => return Err(problem.clone()),
    };
    if let Some(why) = url.origin().unreachable() {
        return Err(Problem::new(
            Reason::EndpointNotPublic,
            says.text(format!(" is {url}, {why} that no browser outside the cluster can reach")),
        )
        .rule(Rule::NotPublic)
        .fix(catalog.correction()));
    }
    let https = dashboard.exposures.iter().flat_map(|e| &e.urls).find(|e| e.url.origin().is_https());
    if let (Some(dashboard), false) = (https, url.origin().is_https()) {
        return Err(Problem::new(
            Reason::MixedContent,
            Sentence::from(format!("the dashboard is {} and ", dashboard.url)).then(says).text(format!(" is {url}")),
        )
        .rule(Rule::MixedContent)
        .fix("browsers block http requests from https pages, so serve Glance by https"));
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

/// What Horizon's pods should do.
fn intent(
    glances: &Stage<ImageService>,
    dashboard: &Dashboard,
    catalog: &CatalogState,
    destinations: &[Destination],
    spec: &HorizonSpec,
) -> Intent {
    if dashboard.object.meta.deleting.is_some() {
        return Intent::Own(OwnMode::Deleted, Problem::new(Reason::Releasing, "this resource is being deleted"));
    }
    if !spec.direct_upload.enabled {
        return Intent::Own(
            OwnMode::Disabled,
            Problem::new(Reason::DirectDisabled, "spec.directUpload.enabled is false"),
        );
    }
    // One mode for all destinations: the first that is lost ends direct, the first that is unknown keeps
    // the mode.
    let standings: Vec<_> = destinations.iter().filter_map(|d| standing(glances, dashboard, d)).collect();
    let lost = standings.iter().find(|intent| matches!(intent, Intent::Own(..)));
    if let Some(intent) = lost.or(standings.first()) {
        return intent.clone();
    }
    // The endpoint comes first: the user must correct a wrong one, whatever else is missing.
    let unproven = spec.direct_upload.verification == Verification::Off;
    let wrong = |d: &Destination| {
        let problem = d.endpoint.as_ref().err().filter(|p| !unproven || p.reason == Reason::InvalidSpec)?;
        Some(d.problem(problem))
    };
    let unplaced = dashboard.settings.as_ref().err().map(Unplaced::problem);
    let obstacles = [dashboard.tenure.target.as_ref().err(), dashboard.exposures.as_ref().err(), unplaced];
    let obstacle = || obstacles.into_iter().flatten().next().cloned();
    match destinations.iter().find_map(wrong).or_else(obstacle) {
        // No upload works, so a direct dashboard goes back, as after a refused preflight. What Glance's own
        // account reads is new evidence after an upgrade, which rolls nothing.
        Some(problem)
            if dashboard.is_direct()
                && dashboard.falls_back()
                && is_dead_end(problem.reason)
                && !catalog.is_looked_up() =>
        {
            Intent::Own(OwnMode::NoGlance, problem)
        }
        Some(problem) => Intent::Hold(problem),
        None => Intent::Direct,
    }
}

/// Whether no browser can upload to such an endpoint, whatever Glance answers.
fn is_dead_end(reason: Reason) -> bool {
    matches!(reason, Reason::EndpointNotPublic | Reason::MixedContent)
}

/// What one destination requires if it does not allow Horizon to be direct.
fn standing(glances: &Stage<ImageService>, dashboard: &Dashboard, destination: &Destination) -> Option<Intent> {
    let noted = || destination.named.as_ref().is_some_and(|key| uploads_to(dashboard).contains(key));
    let lost = |problem: &Problem| {
        let problem = destination.problem(problem);
        let lost = destination.region.is_none() || noted();
        if lost { Intent::Own(OwnMode::NoGlance, problem) } else { Intent::Hold(problem) }
    };
    match &destination.partner {
        // The Glance is lost, so the snippet is removed before anything else. An ambiguity or a typing error
        // changes nothing, nor does a region to which no pod was switched yet.
        Err(problem) if matches!(problem.reason, Reason::GlanceNotFound | Reason::GlanceNotAllowed) => {
            Some(lost(problem))
        }
        Err(problem) => Some(Intent::Hold(destination.problem(problem))),
        Ok(Partner::Glance(key)) => {
            let glance = glances.get(key).filter(|g| g.object.meta.deleting.is_none());
            let (why, problem) = match glance {
                None => {
                    let found = format!("Glance {key} is being deleted");
                    (OwnMode::NoGlance, Problem::new(Reason::GlanceNotFound, found))
                }
                Some(glance) if glance.public.asked.refuses_uploads => {
                    let found = format!(
                        "Glance {key} accepts images by import only (its spec.imageImport.required or its upload_image rule), and a direct upload bypasses the import"
                    );
                    let fix = "set spec.directUpload.enabled: false here and HORIZON_IMAGES_UPLOAD_MODE = 'off', or remove the requirement there";
                    let problem = Problem::new(Reason::ImportRequired, found).rule(Rule::ImportBypassed).fix(fix);
                    (OwnMode::ImportOnly, problem)
                }
                Some(_) => return None,
            };
            Some(Intent::Own(why, destination.problem(&problem)))
        }
        Ok(Partner::External(_)) => None,
    }
}
