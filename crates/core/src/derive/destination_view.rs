//! Stage 5, of one destination: what it is asked, and what is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::ProbeCheck;
use direct_upload_api::web::Origin;

use super::canary::CanaryView;
use super::destination::{Destination, GlanceState};
use super::evidence::{self, Evidence, Failed};
use super::horizon::Dashboard;
use super::reach::no_ca;
use crate::model::{Epoch, Known, Page, ProbeTarget, Reach, Snapshot};

/// A destination and its state.
#[derive(Clone, Debug, PartialEq)]
pub struct DestinationView {
    pub to: Destination,
    /// The Glance resource, if there is one.
    pub glance: Option<GlanceState>,
    /// What to ask; nothing if no answer would matter.
    pub questions: BTreeSet<Arc<ProbeTarget>>,
    /// The state of the server that is asked.
    pub epoch: Epoch,
    /// The upload that the operator itself makes there.
    pub canary: Option<CanaryView>,
    /// The results of preflights there, and of that upload.
    pub evidence: Evidence,
}

impl DestinationView {
    /// A destination that is not asked.
    pub(super) fn unasked(to: Destination, glance: Option<GlanceState>) -> Self {
        Self { to, glance, questions: BTreeSet::new(), epoch: None, canary: None, evidence: Evidence::None }
    }

    /// A destination with what it is asked, and what is known.
    pub(super) fn proven(
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
            reach.iter().flat_map(|reach| origins.iter().map(|origin| Arc::new(question(origin, reach)))).collect();
        let evidence = match reach {
            Err(unknown) if unknown.pending => Evidence::Pending,
            Err(unknown) => {
                let (region, origin) = (to.region.clone(), endpoint.to_string());
                let reply = no_ca(unknown.why.clone(), "spec.directUpload.probe.caConfigMap");
                Evidence::Unknown(vec![Failed { region, origin, check: None, reply }])
            }
            Ok(_) => evidence::evidence(snapshot, to.region.as_ref(), &questions, &epoch),
        };
        let canary = dashboard.spec().and_then(|spec| CanaryView::derive(snapshot, dashboard, spec, &to));
        let evidence = match &canary {
            Some(canary) => evidence.and(canary.evidence(&to, &epoch)),
            None => evidence,
        };
        Self { to, glance, questions, epoch, canary, evidence }
    }

    /// Whether the operator's own whole upload passes there.
    pub fn is_uploaded_to(&self) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.shows(&self.to))
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
