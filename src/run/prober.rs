//! Sends the preflights that are needed now, and puts the results into the snapshot.
//!
//! In: the questions of the [`World`](direct_upload_core::derive::World). Out: their records, in [`Live`].
//! [`ProbeScheduler`] decides when to send and what answers mean; this file sends.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::derive::ProbeTargets;
use direct_upload_core::judge::{Due, Pace, ProbeScheduler};
use direct_upload_core::model::{Cause, Observation, ProbeAnswer, ProbeRecord, ProbeTarget};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::contain::{Failure, contain};
use super::health::{Pulse, ROUND};
use crate::observe::Live;
use crate::probe::{Depth, Gate, Host, Probe, Trust, Uploads};
use crate::report::Metrics;

/// How to send preflights.
#[derive(Clone, Debug, Default)]
pub struct ProberSettings {
    pub pace: Pace,
    pub gate: Gate,
}

/// How many preflights may run at the same time.
const AT_ONCE: usize = 16;

/// A preflight, with everything requested together with it, ends after this time.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sends preflights until it is dropped.
pub(crate) struct Prober {
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    settings: ProberSettings,
    scheduler: ProbeScheduler,
    start: Instant,
    running: JoinSet<(Due, Observation, Duration)>,
}

impl Prober {
    /// A prober without requests.
    pub fn new(live: Arc<Live>, metrics: Arc<Metrics>, settings: ProberSettings) -> Self {
        Self {
            live,
            metrics,
            scheduler: ProbeScheduler::new(settings.pace),
            settings,
            start: Instant::now(),
            running: JoinSet::new(),
        }
    }

    /// Works until `wanted` is closed.
    pub async fn run(mut self, mut wanted: watch::Receiver<Arc<ProbeTargets>>, pulse: Pulse) {
        let mut round = tokio::time::interval(ROUND);
        loop {
            pulse.beat();
            self.ask();
            let next = self.scheduler.next().filter(|_| self.running.len() < AT_ONCE);
            tokio::select! {
                _ = round.tick() => {}
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let questions = wanted.borrow_and_update().clone();
                    for gone in self.scheduler.want(&questions, self.start.elapsed()) {
                        self.live.answer(gone, None);
                    }
                }
                () = sleep_until(self.start + next.unwrap_or_default()), if next.is_some() => {}
                Some(done) = self.running.join_next(), if !self.running.is_empty() => match done {
                    Ok((due, observation, took)) => self.enter(&due, observation, took),
                    Err(error) => tracing::error!(%error, "a preflight ended abnormally"),
                },
            }
        }
    }

    /// Sends what is due.
    fn ask(&mut self) {
        let free = AT_ONCE.saturating_sub(self.running.len());
        for due in self.scheduler.take(self.start.elapsed(), free) {
            let (gate, metrics) = (self.settings.gate.clone(), self.metrics.clone());
            self.running.spawn(async move {
                let begin = Instant::now();
                let observation = contain(PATIENCE, observe(&due, gate)).await;
                let observation = observation.unwrap_or_else(|failure| {
                    tracing::error!(origin = %due.target.origin, endpoint = %due.target.endpoint, "a preflight {failure}");
                    metrics.gave_up("preflight", failure.cause());
                    Observation::of_preflight(due.target.panel, ProbeAnswer::Unknown(unmade(&failure)))
                });
                (due, observation, begin.elapsed())
            });
        }
    }

    fn enter(&mut self, due: &Due, observation: Observation, took: Duration) {
        self.metrics.preflight(&observation.preflight, took);
        let now = self.start.elapsed();
        if let Some(record) = self.scheduler.record(&due.target, &due.epoch, observation, now, jitter()) {
            tell(&due.target, &record);
            self.live.answer(due.target.clone(), Some(record));
        }
    }
}

/// A failure of the operator itself says nothing about the path.
fn unmade(failure: &Failure) -> Cause {
    Cause {
        rule: None,
        requirement: "answer".into(),
        message: format!("the operator's preflight {failure}"),
        received: String::new(),
        fix: "report this with the operator's log".into(),
    }
}

async fn observe(due: &Due, gate: Gate) -> Observation {
    let question = &due.target;
    let trust = match Trust::with(question.reach.ca.as_bytes()) {
        Ok(trust) => trust,
        Err(error) => {
            let unknown = ProbeAnswer::Unknown(Cause {
                rule: None,
                requirement: "certificate".into(),
                message: format!("the certificate authorities cannot be used: {error}"),
                received: String::new(),
                fix: "correct the ConfigMap that spec.directUpload.probe.caConfigMap names".into(),
            });
            return Observation::of_preflight(question.panel, unknown);
        }
    };
    let endpoint = question.endpoint.clone();
    let port = endpoint.port();
    let host =
        |(name, address): (&String, &std::net::IpAddr)| Host { name: name.clone(), port, address: Some(*address) };
    let hosts = question.reach.hosts.iter().map(host).collect();
    let asked = Probe {
        origin: question.origin.clone(),
        endpoint,
        panel: question.panel,
        hosts,
        trust,
        gate,
        uploads: question.uploads.map(|size| Uploads { size }),
        page: question.page.clone(),
        address_spaces: question.address_spaces,
        depth: if due.checks { Depth::Checks } else { Depth::Preflight },
    };
    let observation = match &question.call {
        Some(call) => crate::probe::call(&asked, call).await,
        None => Observation::from(crate::probe::probe(&asked).await),
    };
    // Behind a proxy, only the proxy knows the address.
    let proxied = asked.proxy(&asked.site(asked.endpoint.origin())).is_some();
    Observation { reached: observation.reached.filter(|_| !proxied), ..observation }
}

fn tell(question: &ProbeTarget, record: &ProbeRecord) {
    let what = if question.call.is_some() { "calls" } else { "uploads" };
    let (origin, endpoint) = (&question.origin, &question.endpoint);
    match &record.observation.verdict() {
        ProbeAnswer::Granted(_) => tracing::info!(%origin, %endpoint, "{what} pass"),
        ProbeAnswer::Refused(why) => {
            tracing::warn!(%origin, %endpoint, rule = why.rule.map(direct_upload_api::Rule::id), "{what} are refused: {}; {}", why.message, why.fix);
        }
        ProbeAnswer::Unknown(why) => {
            tracing::warn!(%origin, %endpoint, "preflights get no answer: {}; {}", why.message, why.fix);
        }
    }
}

/// A number from 0 to 1. The hasher's keys are random; nothing here is secret.
pub fn jitter() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
