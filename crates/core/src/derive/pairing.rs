//! Stage 3: which Glance a Horizon uses, and whether it may and can.

use std::collections::BTreeSet;

use direct_upload_api::web::{Endpoint, Origin, OriginError, PublicUrl};
use direct_upload_api::{HorizonSpec, Reason, Rule, Verification};

use super::catalog::{self, CatalogState};
use super::consent;
use super::destination::{Destination, NoEndpoint, NoPartner, Partner, Wish};
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
) -> Result<Partner, NoPartner> {
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
        Err(problem) if problem.is_unknown() => return Err(problem.clone().into()),
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
        ([], None) => Err(NoPartner::Lost(Problem::new(
            Reason::GlanceNotFound,
            format!(
                "there is no Glance resource in namespace {namespace}; create one, or name one in spec.directUpload.glanceRef"
            ),
        ))),
        (several, _) => Err(NoPartner::Undecided(Problem::new(
            Reason::GlanceAmbiguous,
            format!(
                "several Glances match: {}; set spec.directUpload.glanceRef",
                several.iter().map(|k| k.name.as_str()).collect::<Vec<_>>().join(" or ")
            ),
        ))),
    }
}

fn allowed(
    snapshot: &Snapshot,
    glances: &Stage<ImageService>,
    key: &Key,
    namespace: &str,
    wish: Wish<'_>,
) -> Result<Partner, NoPartner> {
    let Some(glance) = glances.get(key) else {
        snapshot.glances.known(&key.namespace)?;
        let found = format!("there is no Glance {key} ({})", wish.field("glanceRef"));
        return Err(NoPartner::Lost(Problem::new(Reason::GlanceNotFound, found)));
    };
    let spec =
        glance.object.spec.as_ref().map_err(|why| {
            Problem::new(Reason::ObservationIncomplete, format!("Glance {key} cannot be read: {why}"))
        })?;
    if consent::is_given(snapshot, key, &spec.cors.allowed_horizons.namespaces, namespace)? {
        return Ok(Partner::Glance(key.clone()));
    }
    let found = format!(
        "Glance {key} does not allow Horizons of namespace {namespace}; its owner can, with spec.cors.allowedHorizons.namespaces"
    );
    Err(NoPartner::Lost(Problem::new(Reason::GlanceNotAllowed, found)))
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
    partner: &Result<Partner, NoPartner>,
) -> Result<Endpoint, NoEndpoint> {
    // Nothing rolls for a URL that nobody has read yet. A Horizon that is already direct stays direct.
    if catalog.is_awaited() && wish.glance_endpoint.is_none() && !dashboard.is_direct() {
        return Err(NoEndpoint::Unknown(catalog::awaited(catalog.held_up.as_deref())));
    }
    let (url, says) = match (catalog.endpoint(wish.region), wish.glance_endpoint, partner) {
        (Some(url), ..) => (url.clone(), catalog::PUBLISHED.into()),
        (None, Some(url), _) => {
            stated(url, wish).map_err(NoEndpoint::Invalid)?;
            // Unchanged: Horizon appends to a slash at the end, too.
            let invalid = |e: OriginError| NoEndpoint::Invalid(Problem::new(Reason::InvalidSpec, e.to_string()));
            (Endpoint::parse(url).map_err(invalid)?, Sentence::from(wish.field("glanceEndpoint")))
        }
        (None, None, Ok(Partner::External(url))) => (url.clone().into(), wish.field("glanceEndpoint").into()),
        (None, None, Ok(Partner::Glance(key))) => match glances.get(key).map(|g| &g.exposures) {
            Some(Ok(exposures)) => match exposures.primary() {
                Some(url) => (url.clone().into(), format!("the public URL of Glance {key}").into()),
                None => return Err(unknown_endpoint(key, "")),
            },
            Some(Err(problem)) if problem.is_unknown() => return Err(NoEndpoint::Unknown(problem.clone())),
            Some(Err(problem)) => return Err(unknown_endpoint(key, &problem.message())),
            None => return Err(unknown_endpoint(key, "")),
        },
        (None, None, Err(none)) => return Err(NoEndpoint::Unknown(none.problem().clone())),
    };
    if let Some(why) = url.origin().unreachable() {
        let found = says.text(format!(" is {url}, {why} that no browser outside the cluster can reach"));
        let problem = Problem::new(Reason::EndpointNotPublic, found).rule(Rule::NotPublic).fix(catalog.correction());
        return Err(NoEndpoint::Unreachable(problem));
    }
    let https = dashboard.exposures.iter().flat_map(|e| &e.urls).find(|e| e.url.origin().is_https());
    if let (Some(dashboard), false) = (https, url.origin().is_https()) {
        let found =
            Sentence::from(format!("the dashboard is {} and ", dashboard.url)).then(says).text(format!(" is {url}"));
        let problem = Problem::new(Reason::MixedContent, found)
            .rule(Rule::MixedContent)
            .fix("browsers block http requests from https pages, so serve Glance by https");
        return Err(NoEndpoint::Unreachable(problem));
    }
    Ok(url)
}

fn unknown_endpoint(key: &Key, why: &str) -> NoEndpoint {
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let found = format!(
        "the public URL of Glance {key} is not known{why}; set its spec.publicURL, or spec.directUpload.glanceEndpoint here"
    );
    NoEndpoint::Unknown(Problem::new(Reason::EndpointUnknown, found))
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
    let counts = |none: &NoEndpoint| !unproven || matches!(none, NoEndpoint::Invalid(_));
    let wrong = destinations.iter().find_map(|d| Some((d, d.endpoint.as_ref().err().filter(|none| counts(none))?)));
    if let Some((destination, none)) = wrong {
        let problem = destination.problem(none.problem());
        // No upload works, so a direct dashboard goes back, as after a refused preflight. What Glance's own
        // account reads is new evidence after an upgrade, which rolls nothing.
        let is_dead_end = matches!(none, NoEndpoint::Unreachable(_)) && !catalog.is_looked_up();
        return if is_dead_end && dashboard.is_direct() && dashboard.falls_back() {
            Intent::Own(OwnMode::NoGlance, problem)
        } else {
            Intent::Hold(problem)
        };
    }
    let unplaced = dashboard.settings.as_ref().err().map(Unplaced::problem);
    let obstacles = [dashboard.tenure.target.as_ref().err(), dashboard.exposures.as_ref().err(), unplaced];
    obstacles.into_iter().flatten().next().map_or(Intent::Direct, |problem| Intent::Hold(problem.clone()))
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
        Err(NoPartner::Lost(problem)) => Some(lost(problem)),
        Err(NoPartner::Undecided(problem)) => Some(Intent::Hold(destination.problem(problem))),
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
