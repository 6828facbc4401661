//! The view of a Glance, in which all stages end.
//!
//! In: what the stages have made of one Glance. Out: everything that its plan depends on.

use std::collections::BTreeSet;
use std::sync::Arc;

use direct_upload_api::web::Origin;

use super::adjust::{self, Adjustment};
use super::api_view::ApiView;
use super::exposing_object::ExposingObject;
use super::exposure::backends::Backends;
use super::exposure_issue::{self, ExposureIssue};
use super::glance::ImageService;
use super::grant::Grants;
use super::requester::Requester;
use super::stage::Joint;
use super::{catalog, conflict, user_cors};
use crate::model::{Id, Key, Known, Problem, ResourceKind, Set, Snapshot};
use crate::workload::rehearsal::{LookState, RehearsalDraft};

/// Everything that the plan of one Glance depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct GlanceView {
    pub service: Arc<ImageService>,
    pub public: ApiView,
    pub internal: Option<ApiView>,
    /// Settings of the exposing objects that stop uploads, or may.
    pub issues: Vec<ExposureIssue>,
    /// The Job that should read Keystone's catalog, if one is due.
    pub look: Option<Box<RehearsalDraft>>,
    /// Why its pods are not replaced yet: the catalog decides which origins come in, and one roll is
    /// enough.
    pub awaited: Option<Problem>,
    /// The exposing objects whose annotations must change.
    pub adjustments: Known<Vec<Adjustment>>,
}

impl GlanceView {
    /// From what the stages have made. `looked`: its catalog may be read.
    pub(super) fn new(
        snapshot: &Snapshot,
        glance: Arc<ImageService>,
        grants: Arc<Grants>,
        looked: bool,
        rivals: &Joint<Set<Id>>,
    ) -> Self {
        let horizon = |key: &Key| Requester::Dashboard(Id::new(ResourceKind::Horizon, key));
        let mut wanted = glance.public.wanted();
        for (origin, horizons) in &grants.by {
            wanted.entry(origin.clone()).or_default().extend(horizons.iter().map(horizon));
        }
        let found = adjust::derive(snapshot, &glance);
        let issues = issues(snapshot, &glance, &wanted.keys().collect());
        let mut advice = glance.public.asked.advice.to_vec();
        advice.extend(found.refusals());
        advice.extend(found.of_exposures(&glance, &issues, !wanted.is_empty()));
        if let (Ok(terms), false) = (&glance.public.resource.terms, wanted.is_empty()) {
            advice.extend(glance.public.tenure.cost_of_rolls(true, terms.suspend, &terms.rollout));
        }
        advice.extend(conflict::advice(rivals, &glance.exposures));
        advice.extend(conflict::shared(&grants));
        let hides_cors = glance.hides_cors() && !wanted.is_empty();
        let ImageService { public, internal, exposures, catalog: look, cors, .. } = &*glance;
        let incomplete = snapshot.horizons.complete().err().map(Problem::from);
        let is_new = public.tenure.applied.as_ref().is_ok_and(|applied| applied.mount.is_none());
        let awaited = match &look.state {
            LookState::Pending(held_up) if looked && is_new => Some(catalog::awaited(held_up.as_deref())),
            _ => cors.pending.as_ref().filter(|_| hides_cors && is_new).map(|why| user_cors::awaited(why.as_deref())),
        };
        let due = look.due.as_ref().filter(|_| looked).or(cors.due.as_ref().filter(|_| hides_cors));
        let pending = exposures.as_ref().err().filter(|problem| problem.is_pending()).cloned();
        Self {
            public: ApiView {
                api: public.clone(),
                wanted,
                grants,
                pending,
                incomplete,
                calls: None,
                advice: advice.into(),
            },
            internal: internal.clone().map(ApiView::unasked),
            issues,
            awaited,
            look: due.cloned(),
            adjustments: found.adjustments,
            service: glance,
        }
    }

    /// The objects whose annotations it manages.
    pub fn manages(&self) -> Vec<Id> {
        let manages = self.service.object.spec.as_ref().is_ok_and(|spec| spec.exposure.manage);
        let exposures = self.service.exposures.iter().filter(|_| manages);
        let through = exposures.flat_map(|exposures| &exposures.exposing);
        through.filter(|through| through.annotations().is_some()).map(ExposingObject::object).collect()
    }
}

/// What blocks uploads on the objects that expose Glance. Nothing if `spec.publicURL` states its URL.
fn issues(snapshot: &Snapshot, glance: &ImageService, origins: &BTreeSet<&Origin>) -> Vec<ExposureIssue> {
    let Ok(exposures) = &glance.exposures else { return Vec::new() };
    let workload = glance.public.tenure.named.as_ref().ok().filter(|_| !exposures.is_stated());
    match workload.and_then(|target| Backends::find(snapshot, &target.workload).ok()) {
        Some(backends) => exposure_issue::find_all(snapshot, &exposures.exposing, &backends, origins),
        None => exposure_issue::find(&exposures.exposing, origins),
    }
}
