//! Prometheus metrics. Labels are kinds, outcomes and reasons; names only of Horizon resources, for
//! what somebody wants to know of each.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use direct_upload_api::{ConfiguredMode, HorizonStatus, Reason, VerificationStatus};
use direct_upload_core::model::{Key, ProbeAnswer};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    kind: &'static str,
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    kind: &'static str,
    ready: &'static str,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PreflightLabels {
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HorizonLabels {
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    namespace: String,
    name: String,
    verdict: &'static str,
}

/// What the status of a Horizon says.
#[derive(Clone, Copy, Debug)]
struct DashboardState {
    direct: bool,
    /// What preflights show, and since when, in seconds since 1970.
    verdict: Option<(&'static str, i64)>,
}

type ResourceRef = (&'static str, Key);

/// The operator's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciles: Family<ReconcileLabels, Counter>,
    steps: Family<StepLabels, Counter>,
    resources: Family<ResourceLabels, Gauge>,
    /// Kind and resource → ready and reason.
    standing: Mutex<BTreeMap<ResourceRef, (bool, Reason)>>,
    dashboards: Mutex<BTreeMap<Key, DashboardState>>,
    direct: Family<HorizonLabels, Gauge>,
    verdict_since: Family<VerdictLabels, Gauge>,
    leader: Gauge<i64, AtomicI64>,
    frozen: Gauge<i64, AtomicI64>,
    preflights: Family<PreflightLabels, Counter>,
    preflight_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("direct_upload");
        let reconciles = Family::default();
        let steps = Family::default();
        let resources = Family::<ResourceLabels, Gauge>::default();
        let (leader, frozen) = <(Gauge<_, _>, Gauge<_, _>)>::default();
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("reconciles", "Reconciles by kind and outcome", reconciles.clone());
        registry.register("steps", "Steps carried out, by kind and name", steps.clone());
        registry.register("resources", "Resources by kind, readiness and reason", resources.clone());
        let preflights = Family::default();
        let preflight_seconds = Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
        registry.register("preflights", "Preflights by what they showed", preflights.clone());
        registry.register("preflight_seconds", "How long preflights took", preflight_seconds.clone());
        let (direct, verdict_since) = <(Family<_, _>, Family<_, _>)>::default();
        registry.register("horizon_direct", "1 if every pod of a Horizon uploads directly", direct.clone());
        registry.register(
            "horizon_verdict_timestamp_seconds",
            "What preflights show for a Horizon, and since when",
            verdict_since.clone(),
        );
        registry.register("leader", "1 while this replica acts", leader.clone());
        registry.register("frozen", "1 while nothing is written but statuses and events", frozen.clone());
        registry.register("build_info", "The version that runs", build);
        Self {
            registry,
            reconciles,
            steps,
            resources,
            standing: Mutex::default(),
            dashboards: Mutex::default(),
            direct,
            verdict_since,
            leader,
            frozen,
            preflights,
            preflight_seconds,
        }
    }
}

impl Metrics {
    /// Takes in a counter that is kept elsewhere.
    #[must_use]
    pub fn with_derivations(mut self, counter: Counter) -> Self {
        self.registry.register("derivations", "How often all that is seen was thought through", counter);
        self
    }

    /// A reconcile ended.
    pub fn reconciled(&self, kind: &'static str, ok: bool) {
        let outcome = if ok { "success" } else { "error" };
        self.reconciles.get_or_create(&ReconcileLabels { kind, outcome }).inc();
    }

    /// A step was carried out.
    pub fn step(&self, kind: &'static str, step: &'static str) {
        self.steps.get_or_create(&StepLabels { kind, step }).inc();
    }

    /// How a resource stands; `None` when it is gone.
    pub fn standing(&self, kind: &'static str, key: &Key, standing: Option<(bool, Reason)>) {
        let mut all = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => drop(all.insert((kind, key.clone()), standing)),
            None => drop(all.remove(&(kind, key.clone()))),
        }
    }

    /// What the status of a Horizon says now; `None` when it has none, or is gone.
    pub fn horizon(&self, key: &Key, status: Option<&HorizonStatus>) {
        let verdict = |v: &VerificationStatus| (v.verdict.into(), v.last_transition_time.0.as_second());
        let dashboard = status.map(|status| DashboardState {
            direct: status.upload_mode == Some(ConfiguredMode::Direct),
            verdict: status.verification.as_ref().map(verdict),
        });
        let mut all = self.dashboards.lock().unwrap_or_else(PoisonError::into_inner);
        match dashboard {
            Some(dashboard) => drop(all.insert(key.clone(), dashboard)),
            None => drop(all.remove(key)),
        }
    }

    /// A preflight was made.
    pub fn preflight(&self, answer: &ProbeAnswer, took: Duration) {
        self.preflights.get_or_create(&PreflightLabels { verdict: answer.into() }).inc();
        self.preflight_seconds.observe(took.as_secs_f64());
    }

    fn count_resources(&self) {
        let mut counts = BTreeMap::<_, i64>::new();
        for ((kind, _), standing) in self.standing.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            *counts.entry((*kind, *standing)).or_default() += 1;
        }
        self.resources.clear();
        for ((kind, (ready, reason)), count) in counts {
            let ready = if ready { "true" } else { "false" };
            self.resources.get_or_create(&ResourceLabels { kind, ready, reason: reason.to_string() }).set(count);
        }
    }

    fn tell_dashboards(&self) {
        self.direct.clear();
        self.verdict_since.clear();
        for (key, dashboard) in self.dashboards.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let Key { namespace, name } = key.clone();
            if let Some((verdict, since)) = dashboard.verdict {
                let judged = VerdictLabels { namespace: namespace.clone(), name: name.clone(), verdict };
                self.verdict_since.get_or_create(&judged).set(since);
            }
            self.direct.get_or_create(&HorizonLabels { namespace, name }).set(i64::from(dashboard.direct));
        }
    }

    /// Whether this replica acts.
    pub fn leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Whether writes are frozen.
    pub fn frozen(&self, frozen: bool) {
        self.frozen.set(i64::from(frozen));
    }

    /// The text that Prometheus scrapes.
    pub fn text(&self) -> String {
        self.count_resources();
        self.tell_dashboards();
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}
