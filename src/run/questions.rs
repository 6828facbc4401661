//! The tasks that ask the network for the active leader: preflights, Keystone's catalogs, the operator's own uploads.
//!
//! In: a `World`. Out: the answers, in the snapshot.

use std::sync::Arc;

use direct_upload_core::derive::{CanaryQueries, CatalogQueries, ProbeTargets, World};
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::canary::Canaries;
use super::cataloger::Cataloger;
use super::health::Health;
use super::prober::{Prober, ProberSettings};
use crate::observe::Live;
use crate::report::Metrics;

/// What each task is to ask.
pub(super) struct Questions {
    probe_targets: watch::Sender<Arc<ProbeTargets>>,
    catalog_queries: watch::Sender<Arc<CatalogQueries>>,
    canary_queries: watch::Sender<Arc<CanaryQueries>>,
    tasks: [JoinHandle<()>; 3],
}

impl Questions {
    /// Starts the tasks, which have nothing to ask yet.
    pub(super) fn start(
        client: &Client,
        live: &Arc<Live>,
        metrics: &Arc<Metrics>,
        settings: &ProberSettings,
        health: &Arc<Health>,
    ) -> Self {
        let (probe_targets, wanted) = watch::channel(Arc::<ProbeTargets>::default());
        let prober = Prober::new(live.clone(), metrics.clone(), settings.clone());
        let prober = tokio::spawn(prober.run(wanted, health.begin("prober")));

        let (catalog_queries, wanted) = watch::channel(Arc::<CatalogQueries>::default());
        let cataloger = Cataloger::new(client.clone(), live.clone(), settings.clone());
        let cataloger = tokio::spawn(cataloger.run(wanted, health.begin("catalog")));

        let (canary_queries, wanted) = watch::channel(Arc::<CanaryQueries>::default());
        let canaries = Canaries::new(client.clone(), live.clone(), metrics.clone(), settings.gate.clone());
        let canaries = tokio::spawn(canaries.run(wanted, health.begin("canary")));

        Self { probe_targets, catalog_queries, canary_queries, tasks: [prober, cataloger, canaries] }
    }

    /// Asks what this world needs, and nothing else any more.
    pub(super) fn ask(&self, world: &World) {
        replace(&self.probe_targets, &world.probe_targets);
        replace(&self.catalog_queries, &world.catalog_queries);
        replace(&self.canary_queries, &world.canary_queries);
    }

    /// Ends the tasks.
    pub(super) fn stop(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Sends a value if it is another one. Worlds share what did not change.
fn replace<T>(sender: &watch::Sender<Arc<T>>, value: &Arc<T>) {
    sender.send_if_modified(|before| !Arc::ptr_eq(&std::mem::replace(before, value.clone()), value));
}
