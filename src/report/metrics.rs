//! Prometheus metrics. Labels are kinds, outcomes and reasons, never names.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::api::Reason;
use crate::observe::Key;
use crate::verify::Answered;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Done {
    kind: &'static str,
    step: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Standing {
    kind: &'static str,
    ready: &'static str,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Version {
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Preflight {
    verdict: &'static str,
}

type Subject = (&'static str, Key);

/// The operator's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciles: Family<Outcome, Counter>,
    steps: Family<Done, Counter>,
    resources: Family<Standing, Gauge>,
    /// Kind and resource → ready and reason.
    standing: Mutex<BTreeMap<Subject, (bool, Reason)>>,
    leader: Gauge<i64, AtomicI64>,
    preflights: Family<Preflight, Counter>,
    preflight_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("direct_upload");
        let reconciles = Family::default();
        let steps = Family::default();
        let resources = Family::<Standing, Gauge>::default();
        let leader = Gauge::default();
        let build = Family::<Version, Gauge>::default();
        build.get_or_create(&Version { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("reconciles", "Reconciles by kind and outcome", reconciles.clone());
        registry.register("steps", "Steps carried out, by kind and name", steps.clone());
        registry.register("resources", "Resources by kind, readiness and reason", resources.clone());
        let preflights = Family::default();
        let preflight_seconds = Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
        registry.register("preflights", "Preflights by what they showed", preflights.clone());
        registry.register("preflight_seconds", "How long preflights took", preflight_seconds.clone());
        registry.register("leader", "1 while this replica acts", leader.clone());
        registry.register("build_info", "The version that runs", build);
        Self {
            registry,
            reconciles,
            steps,
            resources,
            standing: Mutex::default(),
            leader,
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
        self.reconciles.get_or_create(&Outcome { kind, outcome }).inc();
    }

    /// A step was carried out.
    pub fn step(&self, kind: &'static str, step: &'static str) {
        self.steps.get_or_create(&Done { kind, step }).inc();
    }

    /// How a resource stands; `None` when it is gone.
    pub fn standing(&self, kind: &'static str, key: &Key, standing: Option<(bool, Reason)>) {
        let mut all = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Some(standing) => drop(all.insert((kind, key.clone()), standing)),
            None => drop(all.remove(&(kind, key.clone()))),
        }
    }

    /// A preflight was made.
    pub fn preflight(&self, answer: &Answered, took: Duration) {
        let verdict = match answer {
            Answered::Granted(_) => "granted",
            Answered::Refused(_) => "refused",
            Answered::Unknown(_) => "unknown",
        };
        self.preflights.get_or_create(&Preflight { verdict }).inc();
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
            self.resources.get_or_create(&Standing { kind, ready, reason: reason.to_string() }).set(count);
        }
    }

    /// Whether this replica acts.
    pub fn leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// The text that Prometheus scrapes.
    pub fn text(&self) -> String {
        self.count_resources();
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}
