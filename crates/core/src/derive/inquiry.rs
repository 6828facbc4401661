//! What the operator must read and ask for one resource alone. It seldom changes, however often the answers do.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::api::ManagedApi;
use super::api_view::ApiView;
use super::destination_view::DestinationView;
use super::glance::ImageService;
use super::pairing::Pairing;
use super::proof::Proof;
use crate::model::{CanaryQuery, CatalogQuery, Epoch, Key, ProbeTarget};

/// The questions of one resource.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Inquiry {
    /// ConfigMaps with a workload's main file, or with certificate authorities.
    pub config_maps: Vec<Key>,
    pub probes: Vec<(Arc<ProbeTarget>, Epoch)>,
    pub catalog: Option<CatalogQuery>,
    pub canaries: Vec<(CanaryQuery, Epoch)>,
}

impl Inquiry {
    /// What a Horizon needs.
    pub fn of_horizon(pairing: &Pairing, proof: &Proof) -> Self {
        let config_maps = proof.authorities.iter().chain(pairing.catalog.source.as_ref());
        let canary = |d: &DestinationView| Some((d.canary.as_ref()?.query.clone(), d.epoch.clone()));
        Self {
            config_maps: config_maps.cloned().collect(),
            probes: proof.destinations.iter().flat_map(|d| probes(&d.questions, &d.epoch)).collect(),
            catalog: pairing.catalog.query.clone(),
            canaries: proof.destinations.iter().filter_map(canary).collect(),
        }
    }

    /// What a Glance needs.
    pub fn of_glance(glance: &ImageService) -> Self {
        Self { config_maps: main_file(&glance.public).collect(), ..Self::default() }
    }

    /// What an `OpenStackAPI` needs.
    pub fn of_api(view: &ApiView) -> Self {
        let calls = view.calls.as_ref();
        let authorities = calls.and_then(|calls| calls.authorities.clone());
        Self {
            config_maps: main_file(&view.api).chain(authorities).collect(),
            probes: calls.iter().flat_map(|calls| probes(&calls.questions, &calls.epoch)).collect(),
            ..Self::default()
        }
    }
}

fn main_file(api: &ManagedApi) -> impl Iterator<Item = Key> {
    api.asked.source.clone().into_iter()
}

fn probes(questions: &BTreeSet<Arc<ProbeTarget>>, epoch: &Epoch) -> impl Iterator<Item = (Arc<ProbeTarget>, Epoch)> {
    questions.iter().map(|question| (question.clone(), epoch.clone()))
}
