//! The running operator: watches, one queue, leader election, health and metrics.
//!
//! ```text
//! watches → Live (snapshot) → World → changed views → Queue → reconcile → plan → steps → writes
//!                ↑                                                                      │
//!                └────────────────────────── answers ───────────────────────────────────┘
//! ```

pub mod canary;
pub mod cataloger;
mod contain;
pub(crate) mod election;
mod freeze;
pub mod guard;
pub mod health;
pub mod leader;
pub mod prober;
mod questions;
pub mod queue;
pub mod reconcile;
pub mod secret;
pub mod serve;
mod trouble;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind, ResourceId, ResourceKind};
use direct_upload_core::plan::Options;
use kube::Config;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::observe::{Connections, Live, Watches};
use crate::report::{Metrics, Publisher};
use crate::run::contain::contain;
use crate::run::health::{Health, Pulse, ROUND, STUCK};
use crate::run::leader::Leader;
use crate::run::questions::Questions;
use crate::run::queue::Queue;
use crate::run::reconcile::Reconciler;

/// The settings of a running operator.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Only these namespaces; empty: all.
    pub namespaces: BTreeSet<String>,
    /// Address for health and metrics.
    pub metrics_addr: SocketAddr,
    /// Distinguishes several operators of one cluster; part of the field manager's name.
    pub instance: String,
    /// Leader election.
    pub lease: Lease,
    /// The operator's own namespace, with the ConfigMap that stops all writes.
    pub namespace: String,
    /// Write only statuses and events.
    pub freeze: bool,
    /// Name of this replica.
    pub identity: String,
    /// How many resources to work on at the same time.
    pub concurrency: usize,
    pub options: Options,
    /// How to send preflights.
    pub preflights: prober::ProberSettings,
}

/// Where replicas agree on which of them is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// Be active immediately, without leader election.
    None,
    /// A Lease in this namespace.
    Required(String),
    /// A Lease in this namespace. On a developer's machine where its use is forbidden, none.
    IfAllowed(String),
}

/// Why the operator ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// The CRDs are missing, or belong to somebody else.
    #[error("{0}")]
    Crd(String),
    /// The API server cannot be reached or refuses.
    #[error("the API server cannot be reached, or refuses: {0}; check the kubeconfig or the ServiceAccount's rights")]
    Client(#[from] kube::Error),
    /// The address for health and metrics cannot be used.
    #[error("cannot listen on {0} (--metrics-addr): {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The lease is lost: another replica is active now.
    #[error("leadership lost: {0}")]
    Leadership(String),
}

/// When the operator stops, it writes the events that still wait for this long.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Runs until `stop` becomes true.
///
/// # Errors
/// [`RunError`].
pub async fn run(config: Config, settings: Settings, mut stop: watch::Receiver<bool>) -> Result<(), RunError> {
    let connections = Connections::new(config)?;
    let client = connections.client(true)?;
    guard::check_crds(&client).await?;
    let live = Arc::new(Live::default());
    let metrics = Arc::new(Metrics::default().with_derivations(live.derivations()));
    let ready = Arc::new(serve::Ready::default());
    let health = Arc::new(Health::default());
    let server = serve::start(settings.metrics_addr, metrics.clone(), ready.clone(), health.clone()).await?;

    let leader = leader::follow(&client, &settings, &health).await?;
    let (queue, worker) = Queue::new(settings.concurrency);
    let frozen = freeze::follow(&client, &settings).await?;
    report_freeze(&metrics, frozen.borrow().as_deref());
    let writer = leader.fence().client(&connections)?;
    let kinds = [Kind::Horizon, Kind::Glance, Kind::OpenStackAPI];
    let (publisher, events) = Publisher::new(client.clone(), kinds, Some(settings.identity.clone()));
    let publisher = tokio::spawn(publisher.run());
    let reconciler = Arc::new(Reconciler::new(&writer, &live, &metrics, &settings, frozen.clone(), events));
    let worker = tokio::spawn(worker.run(reconciler, health.begin("worker")));

    let questions = Questions::start(&client, &live, &metrics, &settings.preflights, &health);
    let mut rounds = Rounds {
        watches: Watches::start(client, live.clone(), settings.namespaces.clone()),
        changes: live.changes(),
        pulse: health.begin("snapshot"),
        watching: health.begin("watches"),
        live,
        metrics,
        ready,
        leader,
        frozen,
        queue,
        questions,
        leads: false,
        before: Arc::default(),
    };
    let result = rounds.run(&mut stop).await;

    tracing::info!("stopping: no new write starts; those in progress finish");
    let Rounds { metrics, leader, queue, questions, .. } = rounds;
    leader.fence().close();
    metrics.leader(false);
    drop(queue);
    questions.stop();
    if worker.await.is_err() {
        tracing::warn!("the worker ended early");
    }
    leader.release().await;
    finish(publisher).await;
    server.abort();
    result
}

/// What the operator does at each change: derive the desired state, and pass on what differs from before.
struct Rounds {
    live: Arc<Live>,
    watches: Watches,
    changes: watch::Receiver<u64>,
    metrics: Arc<Metrics>,
    ready: Arc<serve::Ready>,
    leader: Leader,
    frozen: watch::Receiver<Option<String>>,
    queue: Queue,
    questions: Questions,
    /// Beats when the desired state is derived.
    pulse: Pulse,
    /// Beats while no watch has ended.
    watching: Pulse,
    /// Whether this replica is the active leader.
    leads: bool,
    /// What was passed on last.
    before: Arc<World>,
}

impl Rounds {
    /// Runs until `stop` becomes true, or another replica may lead.
    async fn run(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), RunError> {
        let mut round = tokio::time::interval(ROUND);
        loop {
            match self.watches.ended() {
                None => self.watching.beat(),
                Some(why) => self.watching.fail(why),
            }
            self.metrics.blind_spots(&self.live.blind_spots());
            tokio::select! {
                _ = round.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                change = self.leader.changed() => match change {
                    Ok(()) => self.begin_to_lead(),
                    Err(why) => return Err(RunError::Leadership(why)),
                },
                Ok(()) = self.frozen.changed() => {
                    report_freeze(&self.metrics, self.frozen.borrow_and_update().as_deref());
                    self.before = Arc::default();
                }
                _ = self.changes.changed() => {}
                () = self.watches.changed() => {}
            }
            self.changes.mark_unchanged();
            self.derive().await;
        }
    }

    fn begin_to_lead(&mut self) {
        tracing::info!("this replica is the active leader now");
        self.metrics.leader(true);
        self.leads = true;
        if self.leader.competes() {
            self.watches.renew();
        }
        self.before = Arc::default();
    }

    async fn derive(&mut self) {
        let world = match contain(STUCK, self.live.world()).await {
            Ok(world) => world,
            // Until it is derived again, the last one counts; /healthz fails if this lasts.
            Err(failure) => {
                tracing::error!("deriving the desired state {failure}");
                self.metrics.gave_up("derivation", failure.cause());
                return;
            }
        };
        self.pulse.beat();
        self.watches.set(&world.needs, &world.config_maps);
        self.ready.set(world.is_read);
        if self.leads {
            self.questions.ask(&world);
            for resource in changed_resources(&world, &self.before) {
                self.queue.push(resource);
            }
            self.before = world;
        }
    }
}

/// Waits a little for the events that are not written yet.
async fn finish(publisher: JoinHandle<()>) {
    if tokio::time::timeout(LAST_EVENTS, publisher).await.is_err() {
        tracing::debug!("some events are not written: no time");
    }
}

/// Reports whether writes are frozen.
fn report_freeze(metrics: &Metrics, frozen: Option<&str>) {
    metrics.frozen(frozen.is_some());
    if let Some(why) = frozen {
        tracing::warn!("only statuses and events are written: {why}");
    }
}

/// The resources whose view changed.
fn changed_resources(world: &World, before: &World) -> Vec<ResourceId> {
    let [horizons, glances, apis] = world.changed(before);
    let resource = |kind| move |key: &Key| ResourceId::new(kind, key);
    let accepting = glances
        .into_iter()
        .map(resource(ResourceKind::Glance))
        .chain(apis.into_iter().map(resource(ResourceKind::OpenStackApi)));
    accepting.chain(horizons.into_iter().map(resource(ResourceKind::Horizon))).collect()
}
