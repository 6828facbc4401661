//! Makes the uploads that Horizons request (`spec.directUpload.canary`), and puts the results into the
//! snapshot.
//!
//! In: the queries of the [`World`](direct_upload_core::derive::World). Out: their outcomes, in [`Live`].
//! The Secret is read by its name immediately before its use, and never kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use direct_upload_api::web::PublicUrl;
use direct_upload_core::derive::CanaryQueries;
use direct_upload_core::model::{CanaryOutcome, CanaryQuery, Epoch, Key, StuckReading};
use kube::Client;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::contain::contain;
use super::health::{Pulse, ROUND};
use super::prober::jitter;
use super::secret::SecretText;
use crate::observe::Live;
use crate::probe::Gate;
use crate::probe::canary::{CanaryUpload, stuck, upload};
use crate::report::Metrics;

/// How many uploads may run at the same time.
const AT_ONCE: usize = 4;

/// An upload ends when it takes this much longer than its pace requires.
const PATIENCE: Duration = Duration::from_secs(900);

/// After a failure, the next one comes sooner.
const RETRY: Duration = Duration::from_secs(120);

/// Makes uploads until it is dropped.
pub(crate) struct Canaries {
    client: Client,
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    gate: Gate,
    entries: BTreeMap<CanaryQuery, Entry>,
    running: JoinSet<(Epoch, Ended, Duration)>,
    /// What each task uploads.
    under_way: BTreeMap<Id, CanaryQuery>,
}

/// How an upload ended, and which images were stuck at that time.
type Ended = (CanaryOutcome, Option<StuckReading>);

struct Entry {
    epoch: Epoch,
    /// When the next is due.
    due: Instant,
}

impl Canaries {
    /// A task without work.
    pub fn new(client: Client, live: Arc<Live>, metrics: Arc<Metrics>, gate: Gate) -> Self {
        let (entries, running, under_way) = <(BTreeMap<_, _>, JoinSet<_>, BTreeMap<_, _>)>::default();
        Self { client, live, metrics, gate, entries, running, under_way }
    }

    /// Works until `wanted` is closed.
    pub async fn run(mut self, mut wanted: watch::Receiver<Arc<CanaryQueries>>, pulse: Pulse) {
        let mut round = tokio::time::interval(ROUND);
        loop {
            pulse.beat();
            self.start();
            let next = self.next().filter(|_| self.running.len() < AT_ONCE);
            tokio::select! {
                _ = round.tick() => {}
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let queries = wanted.borrow_and_update().clone();
                    self.want(&queries);
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                Some(done) = self.running.join_next_with_id(), if !self.running.is_empty() => match done {
                    Ok((id, (epoch, ended, took))) => self.enter(id, &epoch, ended, took),
                    Err(error) => {
                        tracing::error!(%error, "a canary's upload ended abnormally");
                        self.under_way.remove(&error.id());
                    }
                },
            }
        }
    }

    /// When the next is due.
    fn next(&self) -> Option<Instant> {
        self.entries.iter().filter(|(query, entry)| self.may_start(query, entry)).map(|(_, entry)| entry.due).min()
    }

    /// While Glance's pods are replaced, results do not last. And two uploads with the same mark would
    /// delete each other's image.
    fn may_start(&self, query: &CanaryQuery, entry: &Entry) -> bool {
        entry.epoch.is_some() && self.under_way.values().all(|other| other.mark() != query.mark())
    }

    fn want(&mut self, queries: &CanaryQueries) {
        let gone: Vec<_> = self.entries.keys().filter(|query| !queries.contains_key(query)).cloned().collect();
        for query in gone {
            self.entries.remove(&query);
            self.metrics.canary(&query, None);
            self.live.saw_canary(query, None);
        }
        for (query, epoch) in queries {
            let entry = self.entries.entry(query.clone()).or_insert(Entry { epoch: None, due: Instant::now() });
            if epoch.is_some() && *epoch != entry.epoch {
                entry.due = Instant::now();
            }
            entry.epoch.clone_from(epoch);
        }
    }

    /// Starts what is due.
    fn start(&mut self) {
        let now = Instant::now();
        while self.running.len() < AT_ONCE {
            let due = |(query, entry): &(&CanaryQuery, &Entry)| entry.due <= now && self.may_start(query, entry);
            let Some((query, entry)) = self.entries.iter().find(due) else { return };
            let (query, epoch, client) = (query.clone(), entry.epoch.clone(), self.client.clone());
            let (gate, asked) = (self.gate.clone(), query.clone());
            let metrics = self.metrics.clone();
            let task = self.running.spawn(async move {
                let begin = Instant::now();
                let ended = contain(asked.pace + PATIENCE, both(&client, &asked, &gate)).await;
                let (ended, took) = ended.unwrap_or_else(|failure| {
                    metrics.gave_up("canary", failure.cause());
                    let why = format!("the operator's upload {failure}");
                    let stuck = asked.stuck_secret.as_ref().map(|_| Err(why.clone()));
                    ((CanaryOutcome::Unknown(why), stuck), begin.elapsed())
                });
                (epoch, ended, took)
            });
            if let Some(entry) = self.entries.get_mut(&query) {
                entry.due = now + query.interval;
            }
            self.under_way.insert(task.id(), query);
        }
    }

    fn enter(&mut self, id: Id, epoch: &Epoch, (outcome, stuck): Ended, took: Duration) {
        let Some(query) = self.under_way.remove(&id) else { return };
        let Some(entry) = self.entries.get_mut(&query) else { return };
        // Results from before Glance's pods were replaced do not count.
        if entry.epoch != *epoch {
            return;
        }
        let interval = if matches!(outcome, CanaryOutcome::Passed(_)) { query.interval } else { RETRY };
        entry.due = Instant::now() + interval.min(query.interval).mul_f64(0.9 + 0.2 * jitter());
        tell(&query, &outcome);
        self.metrics.canary(&query, Some((&outcome, took)));
        self.metrics.stuck(&query, stuck.as_ref());
        self.live.saw_canary(query, Some((outcome, stuck)));
    }
}

/// One upload, and how long it took. After it, the stuck images that another credential lists, if there is
/// one.
async fn both(client: &Client, query: &CanaryQuery, gate: &Gate) -> (Ended, Duration) {
    let begin = Instant::now();
    let ended = one(client, query, gate).await;
    let (outcome, stuck) = ended.unwrap_or_else(|why| (CanaryOutcome::Unknown(why), None));
    let took = begin.elapsed();
    let stuck = match &query.stuck_secret {
        Some(secret) => Some(others(client, query, secret, gate).await),
        None => stuck,
    };
    ((outcome, stuck), took)
}

/// One upload with the current contents of the Secret.
async fn one(client: &Client, query: &CanaryQuery, gate: &Gate) -> Result<Ended, String> {
    Ok(upload(&with_secret(client, query, &query.secret, gate).await?).await)
}

/// The stuck images that another credential lists.
async fn others(client: &Client, query: &CanaryQuery, secret: &Key, gate: &Gate) -> StuckReading {
    stuck(&with_secret(client, query, secret, gate).await?).await
}

/// The request, with the contents of a Secret.
async fn with_secret<'a>(
    client: &Client,
    query: &'a CanaryQuery,
    secret: &Key,
    gate: &Gate,
) -> Result<CanaryUpload<'a>, String> {
    let text = SecretText::read(client, secret, "deploy/canary").await?;
    let auth_url = PublicUrl::parse(&text.required("authURL")?).map_err(|_| {
        format!("Secret {secret}: its key \"authURL\" is not a URL such as https://keystone.example.com/v3")
    })?;
    let credential = text.credential()?;
    let ca = text.text("ca.crt").unwrap_or_default();
    Ok(CanaryUpload { query, auth_url, credential, ca, gate: gate.clone() })
}

fn tell(query: &CanaryQuery, outcome: &CanaryOutcome) {
    let horizon = &query.horizon;
    match outcome {
        CanaryOutcome::Passed(endpoint) => tracing::debug!(%horizon, %endpoint, "the canary's upload passes"),
        CanaryOutcome::Failed(endpoint, failure) => {
            let why = &failure.cause;
            tracing::warn!(%horizon, %endpoint, rule = why.rule.map(direct_upload_api::Rule::id), "the canary's upload fails: {}; {}", why.message, why.fix);
        }
        CanaryOutcome::Unknown(why) => tracing::warn!(%horizon, "the canary makes no upload: {why}"),
    }
}
