//! The view of a Horizon, in which all stages end.
//!
//! In: what the stages have made of one Horizon. Out: everything that its plan depends on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::conflict;
use super::destination_view::DestinationView;
use super::evidence::Evidence;
use super::horizon::{Dashboard, Intent};
use super::pairing::Pairing;
use super::proof::Proof;
use super::stage::Joint;
use super::throttle::Throttle;
use crate::model::{Advice, Id, Key, Set};

/// Everything that the plan of one Horizon depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct HorizonView {
    pub dashboard: Arc<Dashboard>,
    /// Where its users upload to.
    pub pairing: Arc<Pairing>,
    /// What is required from its pods, with what its Glances grant.
    pub intent: Intent,
    /// What preflights show there.
    pub proof: Arc<Proof>,
    /// Whether its mode may change now because of that.
    pub throttle: Throttle,
    /// All of it, from every stage.
    pub advice: Box<[Advice]>,
}

impl HorizonView {
    /// From what the stages have made.
    pub(super) fn new(
        dashboard: Arc<Dashboard>,
        pairing: Arc<Pairing>,
        intent: &Intent,
        proof: Arc<Proof>,
        throttle: Throttle,
        rivals: &Joint<Set<Id>>,
    ) -> Self {
        let mut advice = dashboard.advice.to_vec();
        advice.extend(pairing.advice.iter().cloned());
        if let (Some(spec), Intent::Direct) = (dashboard.spec(), intent) {
            advice.extend(dashboard.tenure.cost_of_rolls(false, spec.suspend, &spec.rollout));
        }
        advice.extend(conflict::advice(rivals, &dashboard.exposures));
        let canaries = || proof.destinations.iter().filter_map(|to| Some((to, to.canary.as_ref()?)));
        advice.extend(canaries().filter_map(|(to, canary)| canary.advice(&to.to)));
        advice.extend(canaries().filter_map(|(_, canary)| canary.stuck_advice()));
        Self { dashboard, pairing, intent: intent.clone(), proof, throttle, advice: advice.into() }
    }

    /// Whether the operator's own whole uploads pass to each destination.
    pub fn is_upload_verified(&self) -> bool {
        let granted = matches!(self.proof.evidence, Evidence::Granted(..));
        granted && self.proof.destinations.iter().all(DestinationView::is_uploaded_to)
    }

    /// The Glance resources that it uses.
    pub fn partners(&self) -> BTreeSet<Key> {
        self.proof.destinations.iter().filter_map(|destination| destination.to.key()).cloned().collect()
    }
}
