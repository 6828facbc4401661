//! Prometheus metrics. Labels are kinds, outcomes and reasons. Names appear only for Horizon resources.

mod canary;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use direct_upload_api::{
    ConditionType, ConfiguredMode, GlanceStatus, HorizonStatus, ProbeVerdict, Reason, VerificationStatus,
};
use direct_upload_core::model::{
    CanaryOutcome, CanaryQuery, Key, Kind, ProbeAnswer, ResourceId, ResourceKind, StuckReading,
};
use direct_upload_core::plan::Action;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use self::canary::CanaryMetrics;
use crate::observe::live::BlindSpots;

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
struct FailureLabels {
    work: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
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
    /// The preflights' verdict, and since when, in seconds since 1970.
    verdict: Option<(&'static str, i64)>,
}

/// The operator's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciles: Family<ReconcileLabels, Counter>,
    steps: Family<StepLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    unread: Family<KindLabels, Gauge>,
    unreadable: Family<KindLabels, Gauge>,
    resources: Family<ResourceLabels, Gauge>,
    /// Whether each is ready, and the reason.
    standing: Mutex<BTreeMap<ResourceId, (bool, Reason)>>,
    dashboards: Mutex<BTreeMap<Key, DashboardState>>,
    direct: Family<HorizonLabels, Gauge>,
    verdict_since: Family<VerdictLabels, Gauge>,
    apis: Mutex<BTreeMap<Key, (&'static str, i64)>>,
    api_verdict_since: Family<VerdictLabels, Gauge>,
    leader: Gauge<i64, AtomicI64>,
    frozen: Gauge<i64, AtomicI64>,
    preflights: Family<PreflightLabels, Counter>,
    preflight_seconds: Histogram,
    canaries: CanaryMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("direct_upload");
        let to = &mut registry;
        let metrics = Self {
            reconciles: added(to, "reconciles", "Reconciles by kind and outcome"),
            steps: added(to, "steps", "Steps carried out, by kind and name"),
            failures: added(to, "failures", "Work that panicked or did not end, by work and cause"),
            unread: added(to, "unread_scopes", "Scopes of a kind that are watched and cannot be read"),
            unreadable: added(to, "unreadable_objects", "Objects of a kind that cannot be decoded"),
            resources: added(to, "resources", "Resources by kind, readiness and reason"),
            standing: Mutex::default(),
            preflights: added(to, "preflights", "Preflights by verdict"),
            preflight_seconds: {
                let seconds = Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
                to.register("preflight_seconds", "How long preflights took", seconds.clone());
                seconds
            },
            dashboards: Mutex::default(),
            direct: added(to, "horizon_direct", "1 if every pod of a Horizon makes browsers upload directly"),
            verdict_since: added(
                to,
                "horizon_verdict_timestamp_seconds",
                "What preflights and the canary show for a Horizon, and since when",
            ),
            apis: Mutex::default(),
            api_verdict_since: added(
                to,
                "api_verdict_timestamp_seconds",
                "What preflights show for an OpenStackAPI, and since when",
            ),
            canaries: CanaryMetrics::registered(to),
            leader: added(to, "leader", "1 while this replica is the active leader"),
            frozen: added(to, "frozen", "1 while nothing is written but statuses and events"),
            registry: Registry::default(),
        };
        let build: Family<BuildLabels, Gauge> = added(to, "build_info", "The version that runs");
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        metrics.start_counters();
        Self { registry, ..metrics }
    }
}

/// A new metric, under this name and with this help text.
fn added<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// All counters exist from the start, so that alerts and panels see the first event: a rate needs a value
    /// before it. See "Avoid missing metrics", https://prometheus.io/docs/practices/instrumentation/.
    fn start_counters(&self) {
        for kind in ResourceKind::ALL.map(ResourceKind::name) {
            for outcome in ["success", "error"] {
                drop(self.reconciles.get_or_create(&ReconcileLabels { kind, outcome }));
            }
            for step in Action::names() {
                drop(self.steps.get_or_create(&StepLabels { kind, step }));
            }
        }
        for work in ["reconcile", "preflight", "derivation", "canary"] {
            for cause in ["panic", "timeout"] {
                drop(self.failures.get_or_create(&FailureLabels { work, cause }));
            }
        }
        for verdict in ["granted", "refused", "unknown"] {
            drop(self.preflights.get_or_create(&PreflightLabels { verdict }));
        }
    }

    /// Takes in a counter that is kept elsewhere.
    #[must_use]
    pub fn with_derivations(mut self, counter: Counter) -> Self {
        self.registry.register("derivations", "How often the desired state was derived from the snapshot", counter);
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

    /// Work panicked or did not end.
    pub fn gave_up(&self, work: &'static str, cause: &'static str) {
        self.failures.get_or_create(&FailureLabels { work, cause }).inc();
    }

    /// What cannot be seen now.
    pub fn blind_spots(&self, spots: &BTreeMap<Kind, BlindSpots>) {
        // Two kinds share a name.
        let mut counts = BTreeMap::<_, BlindSpots>::new();
        for kind in Kind::ALL {
            let spots = spots.get(kind).copied().unwrap_or_default();
            let count = counts.entry(kind.registration().name).or_default();
            count.scopes += spots.scopes;
            count.objects += spots.objects;
        }
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (kind, BlindSpots { scopes, objects }) in counts {
            let labels = KindLabels { kind };
            self.unread.get_or_create(&labels).set(number(scopes));
            self.unreadable.get_or_create(&labels).set(number(objects));
        }
    }

    /// A resource's state; `None` when it is gone.
    pub fn standing(&self, resource: &ResourceId, standing: Option<(bool, Reason)>) {
        let mut all = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => drop(all.insert(resource.clone(), standing)),
            None => drop(all.remove(resource)),
        }
    }

    /// What the status of a Horizon says now; `None` if it has none or is gone.
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

    /// What preflights of an OpenStackAPI's calls show, with the status that says so; `None` when there is no verdict,
    /// or the resource is gone.
    pub fn api(&self, key: &Key, judged: Option<(ProbeVerdict, &GlanceStatus)>) {
        let verified = ConditionType::Verified.to_string();
        let judged = judged.and_then(|(verdict, status)| {
            let condition = status.conditions.iter().find(|condition| condition.type_ == verified)?;
            Some((verdict.into(), condition.last_transition_time.0.as_second()))
        });
        let mut all = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        match judged {
            Some(judged) => drop(all.insert(key.clone(), judged)),
            None => drop(all.remove(key)),
        }
    }

    /// A preflight was made.
    pub fn preflight(&self, answer: &ProbeAnswer, took: Duration) {
        self.preflights.get_or_create(&PreflightLabels { verdict: answer.into() }).inc();
        self.preflight_seconds.observe(took.as_secs_f64());
    }

    /// An upload of a canary ended; `None` when no canary is requested any more.
    pub fn canary(&self, query: &CanaryQuery, ended: Option<(&CanaryOutcome, Duration)>) {
        self.canaries.ended(query, ended);
    }

    /// A canary counted stuck images. A count that is unknown is not reported.
    pub fn stuck(&self, query: &CanaryQuery, counted: Option<&StuckReading>) {
        self.canaries.counted(query, counted);
    }

    fn count_resources(&self) {
        let mut counts = BTreeMap::<_, i64>::new();
        for (resource, standing) in self.standing.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            *counts.entry((resource.kind.name(), *standing)).or_default() += 1;
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

    fn tell_apis(&self) {
        self.api_verdict_since.clear();
        for (key, (verdict, since)) in self.apis.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let Key { namespace, name } = key.clone();
            self.api_verdict_since.get_or_create(&VerdictLabels { namespace, name, verdict }).set(*since);
        }
    }

    /// Whether this replica is active.
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
        self.tell_apis();
        self.canaries.tell();
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}
