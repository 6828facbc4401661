//! Stage 5: what a preflight must show before Horizon's mode changes, and what preflights have shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use direct_upload_api::web::Origin;
use direct_upload_api::{HorizonSpec, HostAlias, ProbeCheck, Reason};

use super::canary::CanaryView;
use super::catalog::{CatalogAnswer, CatalogState};
use super::destination::{Destination, DestinationView, GlanceState, Partner};
use super::horizon::{Dashboard, Intent};
use super::pairing::Pairing;
use super::stage::{Joint, Stage};
use super::vantage;
use crate::model::{
    Cause, Epoch, Key, Known, Page, ProbeAnswer, ProbeTarget, Problem, Reach, Snapshot, Unknown, WHOLE,
};

/// What has been proven for one Horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub destinations: Vec<DestinationView>,
    /// Over all destinations: the worst counts.
    pub evidence: Evidence,
    /// What uploads need, but the operator could not check.
    pub assumptions: Vec<String>,
    /// The ConfigMap with certificate authorities.
    pub authorities: Option<Key>,
}

/// The results of preflights over all origins: the worst counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Evidence {
    /// No preflight is needed.
    #[default]
    None,
    /// There is no verdict yet.
    Pending,
    /// A browser's upload would pass; with advice about what is unwise.
    Granted(Weight, Vec<String>),
    /// It would fail: origin and cause.
    Refused(Weight, Vec<Failed>),
    /// The operator gets no answer: origin and how far it got.
    Unknown(Vec<Failed>),
}

/// A preflight that was not granted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The region, if regions have names.
    pub region: Option<String>,
    /// The origin.
    pub origin: String,
    /// Its reason in a condition.
    pub reason: Reason,
    pub reply: Cause,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, origin, reply, .. } = self;
        if let Some(rule) = reply.rule {
            write!(f, "{rule}: ")?;
        }
        write!(f, "from {origin}")?;
        if let Some(region) = region {
            write!(f, " to region {region}")?;
        }
        write!(f, ": {}", reply.message)
    }
}

/// How reliable a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// It is about what Glance's pods run with now.
    pub fresh: bool,
    /// It has lasted ([`crate::judge::ProbeScheduler`]).
    pub firm: bool,
}

impl Proof {
    /// What to ask for one Horizon, and what is known. `states` are those of all Glances.
    pub fn derive(
        snapshot: &Snapshot,
        dashboard: &Dashboard,
        pairing: &Pairing,
        intent: &Intent,
        states: &Stage<GlanceState>,
        addresses: &Joint<String>,
    ) -> Self {
        let all = dashboard.origins().unwrap_or_default();
        let direct = dashboard.is_direct();
        let state = |to: &Destination| Some(states.get(to.key()?)?.seen_from(&to.crossing(all.clone()), direct));
        let destinations = pairing.destinations.iter().map(|to| (to, state(to)));
        let asked = dashboard.object.meta.deleting.is_none()
            && *intent == Intent::Direct
            && dashboard.tenure.target.is_ok()
            && dashboard.exposures.is_ok();
        let Some(spec) = dashboard.spec().filter(|spec| asked && spec.directly_verified()) else {
            let destinations = destinations.map(|(to, glance)| DestinationView::unasked(to.clone(), glance)).collect();
            return Self { destinations, evidence: Evidence::None, assumptions: Vec::new(), authorities: None };
        };
        let authorities = ca(&dashboard.object.meta.key, spec);
        let reach = match pairing.catalog.says {
            // The address to ask is unknown yet.
            CatalogAnswer::Pending => {
                Err(Unknown { why: "the Keystone catalog is not read yet".into(), pending: true })
            }
            CatalogAnswer::Nothing | CatalogAnswer::Unknown(_) | CatalogAnswer::Published(_) => {
                reach(snapshot, dashboard, spec, authorities.as_ref()).map(Arc::new)
            }
        };
        let prove = |(to, glance): (&Destination, Option<GlanceState>)| {
            let proxy = pairing.proxies.epoch(dashboard, to);
            let epoch = to.epoch(glance.as_ref(), &all).zip(proxy).map(|(state, proxy)| state + &proxy);
            DestinationView::proven(snapshot, dashboard, to.clone(), glance, epoch, &all, &reach)
        };
        let destinations: Vec<_> = destinations.map(prove).collect();
        let evidence = destinations.iter().map(|d| d.evidence.clone()).fold(Evidence::None, Evidence::and);
        let assumptions = match evidence {
            Evidence::Granted(..) | Evidence::Pending => {
                assumptions(snapshot, addresses, dashboard, &pairing.catalog, &destinations)
            }
            Evidence::None | Evidence::Refused(..) | Evidence::Unknown(_) => Vec::new(),
        };
        Self { destinations, evidence, assumptions, authorities }
    }
}

impl DestinationView {
    /// A destination that is not asked.
    fn unasked(to: Destination, glance: Option<GlanceState>) -> Self {
        Self { to, glance, questions: BTreeSet::new(), epoch: None, canary: None, evidence: Evidence::None }
    }

    /// A destination with what it is asked, and what is known.
    fn proven(
        snapshot: &Snapshot,
        dashboard: &Dashboard,
        to: Destination,
        glance: Option<GlanceState>,
        epoch: Epoch,
        origins: &BTreeSet<Origin>,
        reach: &Known<Arc<Reach>>,
    ) -> Self {
        let Ok(endpoint) = &to.endpoint else { return Self::unasked(to, glance) };
        let probe = dashboard.spec().map(|spec| spec.direct_upload.probe.clone()).unwrap_or_default();
        let question = |origin: &Origin, reach: &Arc<Reach>| ProbeTarget {
            origin: origin.clone(),
            endpoint: endpoint.clone(),
            panel: dashboard.panel,
            uploads: probe.put.announced(),
            page: (probe.page == ProbeCheck::Check).then(|| page(dashboard, origin)),
            address_spaces: probe.address_spaces == ProbeCheck::Check,
            call: None,
            reach: reach.clone(),
        };
        let questions: BTreeSet<_> =
            reach.iter().flat_map(|reach| origins.iter().map(|origin| question(origin, reach))).collect();
        let evidence = match reach {
            Err(unknown) if unknown.pending => Evidence::Pending,
            Err(unknown) => {
                let (region, origin) = (to.region.clone(), endpoint.to_string());
                let (reason, reply) =
                    (Reason::PreflightUnanswered, no_ca(unknown.why.clone(), "spec.directUpload.probe.caConfigMap"));
                Evidence::Unknown(vec![Failed { region, origin, reason, reply }])
            }
            Ok(_) => evidence(snapshot, to.region.as_ref(), &questions, &epoch),
        };
        let canary = dashboard.spec().and_then(|spec| CanaryView::derive(snapshot, dashboard, spec, &to));
        let evidence = match &canary {
            Some(canary) => evidence.and(canary.evidence(&to, &epoch)),
            None => evidence,
        };
        Self { to, glance, questions, epoch, canary, evidence }
    }
}

/// The page of a dashboard at one of its origins.
fn page(dashboard: &Dashboard, origin: &Origin) -> Page {
    let there = || {
        let exposures = dashboard.exposures.iter().flat_map(|exposures| &exposures.urls);
        exposures.filter(|exposure| exposure.url.origin() == origin)
    };
    let path = there().next().map(|exposure| exposure.url.path().to_owned()).unwrap_or_default();
    Page { path, assumed: there().next().is_some() && there().all(|exposure| exposure.port_assumed) }
}

impl DestinationView {
    /// Whether the operator's own whole upload passes there.
    pub fn is_uploaded_to(&self) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.shows(&self.to))
    }
}

impl Destination {
    /// The state of Glance to which an answer would belong: none during a roll.
    fn epoch(&self, glance: Option<&GlanceState>, origins: &BTreeSet<Origin>) -> Epoch {
        match (&self.partner, glance) {
            (Ok(Partner::External(url)), _) => Some(url.to_string()),
            (Ok(Partner::Glance(_)), Some(glance)) => {
                let crossing = self.crossing(origins.clone());
                let accepted = glance.accepts.as_ref().is_ok_and(|accepts| crossing.is_subset(accepts));
                // With the same origin, nothing must be mounted.
                let state = glance.besides_origins.map(epoch).or_else(|| crossing.is_empty().then(String::new));
                state.filter(|_| accepted && !glance.refuses && glance.rolled_out.is_ok())
            }
            _ => None,
        }
    }
}

/// The epoch of a server whose files have this digest.
pub(super) fn epoch(besides_origins: u64) -> String {
    format!("{besides_origins:016x}")
}

pub fn ca(key: &Key, spec: &HorizonSpec) -> Option<Key> {
    let named = spec.direct_upload.probe.ca_config_map.as_ref()?;
    Some(Key::new(key.namespace.clone(), named.name.clone()))
}

pub fn reach(snapshot: &Snapshot, dashboard: &Dashboard, spec: &HorizonSpec, source: Option<&Key>) -> Known<Reach> {
    let item = spec.direct_upload.probe.ca_config_map.as_ref().and_then(|c| c.key.as_deref());
    reach_by(snapshot, dashboard.hosts.clone(), source, item)
}

/// By these addresses, and with the certificate authorities of a ConfigMap.
pub(super) fn reach_by(
    snapshot: &Snapshot,
    hosts: BTreeMap<String, IpAddr>,
    source: Option<&Key>,
    item: Option<&str>,
) -> Known<Reach> {
    let Some(source) = source.filter(|_| !snapshot.answers.are_assumed()) else {
        return Ok(Reach { ca: String::new(), hosts });
    };
    let named = item.unwrap_or("ca.crt");
    let missing = |what: &str| Unknown { why: format!("ConfigMap {source} {what}"), pending: false };
    let config_map = snapshot.referenced_config_maps.get_named(source)?.ok_or_else(|| missing("does not exist"))?;
    let ca = config_map.data.get(named).cloned().ok_or_else(|| missing(&format!("has no key {named:?}")))?;
    Ok(Reach { ca, hosts })
}

pub(super) fn no_ca(why: String, field: &str) -> Cause {
    Cause {
        rule: None,
        requirement: "certificate".into(),
        message: why,
        received: String::new(),
        fix: format!("put the certificate authorities there, or change {field}"),
    }
}

/// Reads `spec.directUpload.probe.hostAliases`.
///
/// # Errors
/// An address that is invalid.
pub fn hosts(spec: &HorizonSpec) -> Result<BTreeMap<String, IpAddr>, Problem> {
    named_hosts(&spec.direct_upload.probe.host_aliases, "spec.directUpload.probe.hostAliases")
}

/// Reads addresses for host names.
///
/// # Errors
/// An address that is none, with the field's name.
pub(super) fn named_hosts(aliases: &[HostAlias], field: &str) -> Result<BTreeMap<String, IpAddr>, Problem> {
    let mut hosts = BTreeMap::new();
    for alias in aliases {
        let address = alias.ip.parse().map_err(|_| {
            let message = format!("{field}: {:?} is not an IP address", alias.ip);
            Problem::new(Reason::InvalidSpec, message)
        })?;
        for name in &alias.hostnames {
            hosts.entry(name.to_lowercase()).or_insert(address);
        }
    }
    Ok(hosts)
}

/// What is known of these questions.
pub(super) fn evidence(
    snapshot: &Snapshot,
    region: Option<&String>,
    questions: &BTreeSet<ProbeTarget>,
    epoch: &Epoch,
) -> Evidence {
    let (mut refused, mut unknown, mut advice) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut weight = Weight { fresh: true, firm: true };
    // A refusal counts as much as its own answers do, a grant as the least of all.
    let mut against = Weight { fresh: false, firm: false };
    let failed = |question: &ProbeTarget, reason, reply| {
        let (region, origin) = (region.cloned(), question.origin.to_string());
        Failed { region, origin, reason, reply }
    };
    let mut pending = questions.is_empty();
    for question in questions {
        let Some(standing) = snapshot.answers.get(question, epoch) else {
            pending = true;
            continue;
        };
        let fresh = epoch.as_ref() == Some(&standing.epoch);
        weight = Weight { fresh: weight.fresh && fresh, firm: weight.firm && standing.firm };
        let observation = &standing.observation;
        match observation.verdict() {
            ProbeAnswer::Granted(unwise) => advice.extend(unwise),
            ProbeAnswer::Refused(reply) => {
                // If it has never passed, our own requests may be the ones that are blocked.
                let part = observation.refusal().and_then(|(part, _)| part);
                let counts = standing.firm && part.is_none_or(|part| standing.passed.contains(&part));
                against = Weight { fresh: against.fresh || fresh, firm: against.firm || (fresh && counts) };
                refused.push(failed(question, observation.reason().unwrap_or(Reason::PreflightRefused), reply));
            }
            ProbeAnswer::Unknown(reply) => unknown.push(failed(question, Reason::PreflightUnanswered, reply)),
        }
    }
    match (refused.is_empty(), pending, unknown.is_empty()) {
        (false, ..) => Evidence::Refused(against, refused),
        (_, true, _) => Evidence::Pending,
        (_, _, false) => Evidence::Unknown(unknown),
        _ => Evidence::Granted(weight, advice.into_iter().collect()),
    }
}

/// What a granted verdict rests on, over all destinations.
fn assumptions(
    snapshot: &Snapshot,
    addresses: &Joint<String>,
    dashboard: &Dashboard,
    catalog: &CatalogState,
    destinations: &[DestinationView],
) -> Vec<String> {
    let exposures = dashboard.exposures.iter().flat_map(|exposures| &exposures.urls);
    let ports = exposures.filter(|exposure| exposure.port_assumed).map(|exposure| {
        let (origin, source) = (exposure.url.origin(), &exposure.source);
        format!("it is assumed that browsers load the dashboard from {origin}: the status of {source} has no port")
    });
    let places = destinations.iter().filter(|d| d.to.assumed && !d.is_uploaded_to()).filter_map(|destination| {
        let endpoint = destination.to.endpoint.as_ref().ok()?;
        let why = match &catalog.says {
            CatalogAnswer::Unknown(why) => format!("cannot be read: {why}"),
            CatalogAnswer::Nothing | CatalogAnswer::Pending | CatalogAnswer::Published(_) => "is not read".to_owned(),
        };
        Some(format!(
            "it is assumed that uploads go to {endpoint}, where Glance is exposed: the Keystone catalog, which decides, {why}"
        ))
    });
    let reached = destinations.iter().filter_map(|destination| {
        let endpoint = destination.to.endpoint.as_ref().ok()?;
        let host = endpoint.origin().host();
        let address = dashboard.hosts.get(host)?;
        Some(vantage::by_alias(dashboard, endpoint, *address))
    });
    let standings: Vec<_> = destinations
        .iter()
        .flat_map(|destination| destination.questions.iter().map(|question| (question, &destination.epoch)))
        .filter_map(|(question, epoch)| Some((question, snapshot.answers.get(question, epoch)?)))
        .collect();
    let inside = standings.iter().filter_map(|(question, standing)| {
        let host = question.endpoint.origin().host();
        let address = standing.observation.reached.filter(|_| !dashboard.hosts.contains_key(host))?;
        vantage::inside(addresses, dashboard, &question.endpoint, address)
    });
    let told: BTreeSet<_> = ports.chain(places).chain(reached).chain(inside).collect();
    let assumed: BTreeSet<_> = standings.iter().flat_map(|(_, standing)| standing.observation.assumptions()).collect();
    let uploaded = destinations.iter().all(DestinationView::is_uploaded_to);
    let canary = destinations.iter().find_map(|destination| destination.canary.as_ref()).filter(|_| uploaded);
    told.into_iter().chain(assumed).chain([canary.map_or_else(|| WHOLE.to_owned(), beyond)]).collect()
}

/// What is not proven if uploads pass.
fn beyond(canary: &CanaryView) -> String {
    let (size, pace) = (canary.query.size, canary.query.pace.as_secs());
    format!(
        "it is assumed that nothing in front of Glance ends an upload of more than {size} bytes or {pace} s; the canary's upload is not larger and does not take longer"
    )
}

impl Evidence {
    /// The joint result of two destinations: the worse counts, and a grant counts as the lesser of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |one: bool, other: bool| one && other;
        let either = |one: bool, other: bool| one || other;
        let joined = |one: Vec<Failed>, other: Vec<Failed>| one.into_iter().chain(other).collect();
        match (self, other) {
            (Self::None, evidence) | (evidence, Self::None) => evidence,
            (Self::Refused(a, one), Self::Refused(b, other)) => Self::Refused(a.join(b, either), joined(one, other)),
            (refused @ Self::Refused(..), _) | (_, refused @ Self::Refused(..)) => refused,
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (Self::Unknown(one), Self::Unknown(other)) => Self::Unknown(joined(one, other)),
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            (Self::Granted(a, one), Self::Granted(b, other)) => {
                let advice: BTreeSet<_> = one.into_iter().chain(other).collect();
                Self::Granted(a.join(b, both), advice.into_iter().collect())
            }
        }
    }

    /// Whether the path was refused for so long, and so often, that falling back is due.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Refused(Weight { fresh: true, firm: true }, _))
    }

    /// Whether the server in its current state grants it; `firm`: and has for long enough.
    pub fn is_granted(&self, firm: bool) -> bool {
        matches!(self, Self::Granted(weight, _) if weight.fresh && (weight.firm || !firm))
    }
}

impl Weight {
    fn join(self, other: Self, how: impl Fn(bool, bool) -> bool) -> Self {
        Self { fresh: how(self.fresh, other.fresh), firm: how(self.firm, other.firm) }
    }
}
