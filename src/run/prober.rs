//! Asks the preflights that matter now, and keeps the snapshot told of what they show.
//!
//! In: the questions of the [`World`](direct_upload_core::derive::World). Out: their standings, in [`Live`].
//! When to ask and what answers mean is [`Ledger`]'s; here is only the asking.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_api::Panel;
use direct_upload_core::judge::{Ledger, Pace};
use direct_upload_core::model::{Cause, Epoch, ProbeAnswer, ProbeTarget, Standing};
use ipnet::IpNet;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::observe::Live;
use crate::probe::{Host, Probe, Proxies, Trust};
use crate::report::Metrics;

/// What is to be asked, and of which state of the server.
pub type Wanted = BTreeMap<ProbeTarget, Epoch>;

/// How preflights are made.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub pace: Pace,
    /// Never asked, beside link-local addresses and metadata services.
    pub denied: Vec<IpNet>,
}

/// Preflights under way at once.
const AT_ONCE: usize = 16;

/// Makes preflights until it is dropped.
pub struct Prober {
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    settings: Settings,
    proxies: Proxies,
    ledger: Ledger,
    start: Instant,
    running: JoinSet<(ProbeTarget, String, ProbeAnswer, Duration)>,
}

impl Prober {
    /// A prober that has nothing to ask yet.
    pub fn new(live: Arc<Live>, metrics: Arc<Metrics>, settings: Settings) -> Self {
        Self {
            live,
            metrics,
            ledger: Ledger::new(settings.pace),
            settings,
            proxies: Proxies::from_env(),
            start: Instant::now(),
            running: JoinSet::new(),
        }
    }

    /// Works until `wanted` is closed.
    pub async fn run(mut self, mut wanted: watch::Receiver<Wanted>) {
        loop {
            self.ask();
            let next = self.ledger.next().filter(|_| self.running.len() < AT_ONCE);
            tokio::select! {
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let questions = wanted.borrow_and_update().clone();
                    for gone in self.ledger.want(questions, self.start.elapsed()) {
                        self.live.answer(gone, None);
                    }
                }
                () = sleep_until(self.start + next.unwrap_or_default()), if next.is_some() => {}
                Some(done) = self.running.join_next(), if !self.running.is_empty() => match done {
                    Ok((question, epoch, answer, took)) => self.enter(&question, &epoch, answer, took),
                    Err(error) => tracing::error!(%error, "a preflight ended abnormally"),
                },
            }
        }
    }

    /// Sends what is due.
    fn ask(&mut self) {
        let free = AT_ONCE.saturating_sub(self.running.len());
        for (question, epoch) in self.ledger.take(self.start.elapsed(), free) {
            let (proxies, denied) = (self.proxies.clone(), self.settings.denied.clone());
            self.running.spawn(async move {
                let begin = Instant::now();
                let answer = answer(&question, proxies, denied).await;
                (question, epoch, answer, begin.elapsed())
            });
        }
    }

    fn enter(&mut self, question: &ProbeTarget, epoch: &str, answer: ProbeAnswer, took: Duration) {
        self.metrics.preflight(&answer, took);
        let now = self.start.elapsed();
        if let Some(standing) = self.ledger.enter(question, epoch, answer, now, jitter()) {
            tell(question, &standing);
            self.live.answer(question.clone(), Some(standing));
        }
    }
}

async fn answer(question: &ProbeTarget, proxies: Proxies, denied: Vec<IpNet>) -> ProbeAnswer {
    let trust = match Trust::with(question.reach.ca.as_bytes()) {
        Ok(trust) => trust,
        Err(error) => {
            return ProbeAnswer::Unknown(Cause {
                rule: None,
                requirement: "certificate".into(),
                message: format!("the certificate authorities cannot be used: {error}"),
                received: String::new(),
                fix: "correct the ConfigMap that spec.directUpload.probe.caConfigMap names".into(),
            });
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
        // Targets do not say yet which panel their dashboard has: Horizon's default.
        panel: Panel::Angular,
        hosts,
        trust,
        proxies,
        denied,
        narrow: true,
        uploads: None,
        panels: false,
    };
    ProbeAnswer::from(crate::probe::probe(&asked).await.preflight)
}

fn tell(question: &ProbeTarget, standing: &Standing) {
    let (origin, endpoint) = (&question.origin, &question.endpoint);
    match &standing.verdict {
        ProbeAnswer::Granted(_) => tracing::info!(%origin, %endpoint, "preflights pass"),
        ProbeAnswer::Refused(why) => {
            tracing::warn!(%origin, %endpoint, rule = why.rule.map(direct_upload_api::Rule::id), "preflights are refused: {}; {}", why.message, why.fix);
        }
        ProbeAnswer::Unknown(why) => {
            tracing::warn!(%origin, %endpoint, "preflights get no answer: {}; {}", why.message, why.fix);
        }
    }
}

/// From 0 to 1. The hasher's keys are random; nothing here is a secret.
pub fn jitter() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
