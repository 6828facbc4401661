//! Compares what Keystone's catalog says, or is assumed to say, with where Glance really is (DU011). Pure.
//!
//! Horizon gives the browser the catalog's public endpoint of service type `image` for the user's region,
//! unchanged. The operator configures nothing of that; it only compares.

use std::sync::Arc;

use direct_upload_api::web::{Endpoint, PublicUrl};
use direct_upload_api::{DirectUpload, HorizonSpec, Reason, Rule};

use super::destination::{Destination, Wish};
use super::glance::ImageService;
use super::horizon::Dashboard;
use super::reach;
use super::stage::Stage;
use crate::model::{Advice, CatalogQuery, CatalogReading, Key, Problem, PublicEndpoints, Sentence, Snapshot};
use crate::workload::rehearsal::{CatalogLook, LookState};

/// Its name in messages.
const CATALOG: &str = "the Keystone catalog";

pub const PUBLISHED: &str = "the public image endpoint in the Keystone catalog";

/// What is known about the catalog that a Horizon uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogState {
    /// The request, if the spec says how.
    pub query: Option<CatalogQuery>,
    /// The ConfigMap with certificate authorities for it.
    pub source: Option<Key>,
    pub says: CatalogAnswer,
    /// The Job that asked last, if Glance's own account reads it.
    pub job: Option<Key>,
    /// Why the result is older than a day.
    pub stale: Option<String>,
    /// Why a Job that should read it makes no progress.
    pub held_up: Option<String>,
}

/// What the catalog says.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CatalogAnswer {
    /// Nobody is asked.
    #[default]
    Nothing,
    /// There is no answer yet.
    Pending,
    /// Where its public image endpoints are.
    Published(PublicEndpoints),
    /// Why it cannot be read.
    Unknown(String),
}

/// Why nothing rolls before the catalog was read. It usually takes seconds, and is not reported.
pub fn awaited(held_up: Option<&str>) -> Problem {
    let what = "a Job of Glance's own image reads which public image endpoint the Keystone catalog publishes";
    match held_up {
        None => Problem::new(Reason::ObservationPending, what),
        Some(why) => Problem::new(Reason::Looking, format!("{what}, and {why}")),
    }
}

impl CatalogState {
    /// What is known for a Horizon; nothing without a cluster, because nobody can be asked. If its spec
    /// names no credential, its Glances have asked.
    pub fn derive<'a>(
        snapshot: &Snapshot,
        dashboard: &Dashboard,
        spec: &HorizonSpec,
        looks: impl Iterator<Item = &'a CatalogLook>,
    ) -> Self {
        let asks = spec.direct_upload.enabled && dashboard.object.meta.deleting.is_none();
        if !asks || snapshot.answers.are_assumed() {
            return Self::default();
        }
        let Some(catalog) = &spec.direct_upload.catalog else { return Self::looked_up(looks) };
        let key = &dashboard.object.meta.key;
        let source = reach::ca(key, spec);
        let unknown =
            |why: String| Self { source: source.clone(), says: CatalogAnswer::Unknown(why), ..Self::default() };
        let auth_url = match PublicUrl::parse(&catalog.auth_url) {
            Ok(url) => url,
            Err(why) => return unknown(format!("spec.directUpload.catalog.authURL: {why}")),
        };
        let reach = match reach::reach(snapshot, dashboard.hosts.clone(), spec, source.as_ref()) {
            Ok(reach) => Arc::new(reach),
            Err(why) if why.pending => return Self { source, says: CatalogAnswer::Pending, ..Self::default() },
            Err(why) => return unknown(why.to_string()),
        };
        let secret = Key::new(key.namespace.clone(), catalog.application_credential_secret_ref.name.clone());
        let query = CatalogQuery { auth_url, secret, reach };
        let says = match snapshot.catalogs.get(&query) {
            None => CatalogAnswer::Pending,
            Some(CatalogReading::Known(published)) => CatalogAnswer::Published(published.clone()),
            Some(CatalogReading::Unknown(why)) => CatalogAnswer::Unknown(why.clone()),
        };
        Self { query: Some(query), source, says, ..Self::default() }
    }

    /// What these Glances have read. All of it counts; a missing answer is awaited.
    fn looked_up<'a>(looks: impl Iterator<Item = &'a CatalogLook>) -> Self {
        let mut state = Self::default();
        let (mut all, mut unread, mut pending) = (PublicEndpoints::new(), None, false);
        for look in looks {
            match &look.state {
                LookState::NotAsked => {}
                LookState::Pending(why) => {
                    pending = true;
                    state.held_up = state.held_up.or_else(|| why.clone());
                }
                LookState::Unread(why) => unread = Some(why.clone()),
                LookState::Read { published, job, stale } => {
                    all.extend(published.clone());
                    state.job = Some(job.clone());
                    state.stale = state.stale.or(stale.clone());
                }
            }
        }
        state.says = match (pending, unread) {
            (true, _) => CatalogAnswer::Pending,
            (false, Some(why)) if all.is_empty() => CatalogAnswer::Unknown(why),
            _ if all.is_empty() => CatalogAnswer::Nothing,
            _ => CatalogAnswer::Published(all),
        };
        state
    }

    /// Whether its Glance reads it for the first time.
    pub fn is_awaited(&self) -> bool {
        self.query.is_none() && self.source.is_none() && self.says == CatalogAnswer::Pending
    }

    /// Whether it was read with Glance's own account.
    pub fn is_looked_up(&self) -> bool {
        self.job.is_some()
    }

    /// What to do about an endpoint that no browser reaches.
    pub fn correction(&self) -> String {
        match (&self.says, &self.job) {
            (CatalogAnswer::Published(_), Some(job)) => format!(
                "publish the URL that browsers reach (openstack endpoint set --url URL ENDPOINT); the operator reads the catalog again within a day, or when you delete Job {job}"
            ),
            (CatalogAnswer::Published(_), None) => {
                "publish the URL that browsers reach (openstack endpoint set --url URL ENDPOINT)".to_owned()
            }
            _ => "state the URL that the Keystone catalog publishes".to_owned(),
        }
    }

    /// The public image endpoint of a region, or of the only one.
    pub fn endpoint(&self, region: Option<&str>) -> Option<&Endpoint> {
        match (&self.says, region) {
            (CatalogAnswer::Published(published), Some(region)) => published.get(region),
            (CatalogAnswer::Published(published), None) if published.len() == 1 => published.values().next(),
            _ => None,
        }
    }

    /// What to report about it as a whole.
    pub fn advice(&self, direct_upload: &DirectUpload) -> Vec<Advice> {
        let mut advice = Vec::new();
        let published = match &self.says {
            CatalogAnswer::Published(published) => published,
            CatalogAnswer::Unknown(why) => {
                let found = format!("{CATALOG} cannot be read, so what it publishes is assumed: {why}");
                return vec![Advice::new(found)];
            }
            CatalogAnswer::Nothing | CatalogAnswer::Pending => return Vec::new(),
        };
        if let Some(stale) = &self.stale {
            advice.push(Advice::new(format!("{CATALOG} may have changed: {stale}")));
        }
        let named = |region: &&String| direct_upload.regions.iter().any(|r| r.name == **region);
        let missing: Vec<_> = published.keys().filter(|region| !named(region)).map(String::as_str).collect();
        let single = direct_upload.regions.is_empty();
        if missing.is_empty() || (single && published.len() == 1) {
            return advice;
        }
        let found = format!(
            "{CATALOG} has public image endpoints in {} that spec.directUpload.regions does not name: it is unknown whether uploads pass there",
            missing.join(", ")
        );
        advice.push(Advice::new(found).rule(Rule::WrongEndpoint).fix("name there those that the dashboard offers"));
        advice
    }
}

/// What to report about one destination's URL.
pub fn advice(
    glances: &Stage<ImageService>,
    dashboard: &Dashboard,
    catalog: &CatalogState,
    wish: Wish<'_>,
    destination: &Destination,
) -> Vec<Advice> {
    let mut advice = Vec::new();
    if let (CatalogAnswer::Published(published), Some(region)) = (&catalog.says, wish.region)
        && !published.contains_key(region)
    {
        let found = format!(
            "{CATALOG} has no public image endpoint in region {region}, only in {}",
            published.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        );
        advice.push(Advice::new(found).rule(Rule::WrongEndpoint).fix("correct the region's name, or the catalog"));
    }
    let Ok(endpoint) = &destination.endpoint else { return advice };
    let exposed = destination.key().and_then(|key| Some((key, glances.get(key)?.exposures.as_ref().ok()?)));
    let published = catalog.endpoint(wish.region).map(|_| Sentence::from(PUBLISHED));
    let stated = wish.glance_endpoint.map(|_| Sentence::from(wish.field("glanceEndpoint")));
    if let Some(says) = published.clone().or(stated.clone()) {
        advice.extend(form(&says, endpoint));
        if let Some((key, exposures)) = exposed {
            let urls: Vec<_> = exposures.urls.iter().map(|e| &e.url).collect();
            advice.extend(differs(&says, endpoint, key, &urls));
        }
    } else {
        let found = format!("uploads are assumed to go to {endpoint}, where Glance is exposed");
        advice.push(Advice::new(found).fix(format!("{PUBLISHED} decides")));
    }
    let written = wish.glance_endpoint.and_then(|text| Endpoint::parse(text).ok());
    if let (Some(_), Some(field), Some(written)) = (published, stated, written.filter(|written| written != endpoint)) {
        let found = field.text(format!(" is {written}, but {CATALOG} publishes {endpoint}, which Horizon follows"));
        advice.push(Advice::new(found).rule(Rule::WrongEndpoint).fix("correct the one that is wrong"));
    }
    let origins = dashboard.origins().unwrap_or_default();
    if let Some(origin) = origins.get(endpoint.origin()) {
        let found = format!(
            "the dashboard and {endpoint} have the same origin, {origin}: browsers there need no CORS and send no preflight. Glance need not accept the origin; the operator verifies that Glance itself answers there"
        );
        advice.push(Advice::new(found));
    }
    advice
}

/// An endpoint from which Horizon builds a wrong path.
fn form(says: &Sentence, endpoint: &Endpoint) -> Vec<Advice> {
    let wrong = |found: String| Advice::new(says.clone().text(found)).rule(Rule::WrongEndpoint);
    let mut found = Vec::new();
    if let Some(version) = endpoint.version() {
        let fix = format!(
            "Horizon appends /v2/images/…, and Glance has no such path (404): remove /{version} from the endpoint in the Keystone catalog"
        );
        found.push(wrong(format!(" is {endpoint}, which ends in /{version}")).fix(fix));
    }
    if endpoint.ends_in_slash() {
        let fix = "Horizon appends /v2/images/…, so the slash is doubled: remove it from the endpoint in the Keystone catalog";
        found.push(wrong(format!(" is {endpoint}, which ends in a slash")).fix(fix));
    }
    found
}

/// A URL that differs from each URL at which Glance is exposed.
fn differs(says: &Sentence, endpoint: &Endpoint, glance: &Key, urls: &[&PublicUrl]) -> Option<Advice> {
    let derived = urls.first()?;
    let same = |url: &&&PublicUrl| url.origin() == endpoint.origin() && url.path() == endpoint.path();
    if urls.iter().any(|url| same(&url)) {
        return None;
    }
    // The version has its own entry.
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
    let parts = parts.join(" and ");
    let found = format!(" is {endpoint}, but Glance {glance} is exposed as {derived}: another {parts}");
    let fix = "Horizon follows the Keystone catalog, so correct the one that is wrong";
    Some(Advice::new(says.clone().text(found)).rule(Rule::WrongEndpoint).fix(fix))
}
