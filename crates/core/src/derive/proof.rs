//! What a preflight must show before Horizon's mode changes, and what preflights have shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::Origin;

use super::canary::CanaryView;
use super::catalog::{CatalogAnswer, CatalogState};
use super::destination::{Destination, GlanceState, Partner};
use super::destination_view::DestinationView;
use super::evidence::Evidence;
use super::horizon::{Dashboard, Intent};
use super::pairing::Pairing;
use super::stage::{Joint, Stage};
use super::{reach, vantage};
use crate::model::{Epoch, Key, Snapshot, Unknown, WHOLE};

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
        let authorities = reach::ca(&dashboard.object.meta.key, spec);
        let reach = match pairing.catalog.says {
            // The address to ask is unknown yet.
            CatalogAnswer::Pending => {
                Err(Unknown { why: "the Keystone catalog is not read yet".into(), pending: true })
            }
            CatalogAnswer::Nothing | CatalogAnswer::Unknown(_) | CatalogAnswer::Published(_) => {
                reach::reach(snapshot, dashboard.hosts.clone(), spec, authorities.as_ref()).map(Arc::new)
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

impl Destination {
    /// The state of Glance to which an answer would belong: none during a roll.
    fn epoch(&self, glance: Option<&GlanceState>, origins: &BTreeSet<Origin>) -> Epoch {
        match (&self.partner, glance) {
            (Ok(Partner::External(url)), _) => Some(url.to_string()),
            (Ok(Partner::Glance(_)), Some(glance)) => {
                let crossing = self.crossing(origins.clone());
                let accepted = glance.accepts.as_ref().is_ok_and(|accepts| crossing.is_subset(accepts));
                // With the same origin, nothing must be mounted.
                let state = glance.epoch().or_else(|| crossing.is_empty().then(String::new));
                state.filter(|_| accepted && !glance.refuses && glance.rolled_out.is_ok())
            }
            _ => None,
        }
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
