//! Reads Keystone's catalog if a Horizon says how, and puts the result into the snapshot.
//!
//! In: the queries of the [`World`](direct_upload_core::derive::World). Out: their readings, in [`Live`].
//! The Secret is read by its name immediately before its use, and never kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::derive::CatalogQueries;
use direct_upload_core::model::{CatalogQuery, CatalogReading};
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::contain::contain;
use super::health::{Pulse, ROUND};
use super::prober::{ProberSettings, jitter};
use super::secret::SecretText;
use crate::observe::Live;
use crate::probe::{Credential, keystone};

/// How many queries may run at the same time.
const AT_ONCE: usize = 4;

/// A query ends after this time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A catalog is read once in this many preflight intervals.
const SELDOM: u32 = 10;

/// Asks until it is dropped.
pub(crate) struct Cataloger {
    client: Client,
    live: Arc<Live>,
    settings: ProberSettings,
    /// When each is due; none while an answer is awaited.
    entries: BTreeMap<CatalogQuery, Option<Instant>>,
    running: JoinSet<(CatalogQuery, CatalogReading)>,
}

impl Cataloger {
    /// A task without requests.
    pub fn new(client: Client, live: Arc<Live>, settings: ProberSettings) -> Self {
        Self { client, live, settings, entries: BTreeMap::new(), running: JoinSet::new() }
    }

    /// Works until `wanted` is closed.
    pub async fn run(mut self, mut wanted: watch::Receiver<Arc<CatalogQueries>>, pulse: Pulse) {
        let mut round = tokio::time::interval(ROUND);
        loop {
            pulse.beat();
            self.ask();
            let next = self.entries.values().flatten().min().copied().filter(|_| self.running.len() < AT_ONCE);
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
                Some(done) = self.running.join_next(), if !self.running.is_empty() => match done {
                    Ok((query, reading)) => self.enter(query, reading),
                    Err(error) => tracing::error!(%error, "a request for the Keystone catalog ended abnormally"),
                },
            }
        }
    }

    fn want(&mut self, queries: &CatalogQueries) {
        let gone: Vec<_> = self.entries.keys().filter(|query| !queries.contains(query)).cloned().collect();
        for query in gone {
            self.entries.remove(&query);
            self.live.read_catalog(query, None);
        }
        for query in queries {
            self.entries.entry(query.clone()).or_insert_with(|| Some(Instant::now()));
        }
    }

    /// Sends what is due.
    fn ask(&mut self) {
        let now = Instant::now();
        let free = AT_ONCE.saturating_sub(self.running.len());
        let due = self.entries.iter_mut().filter(|(_, due)| due.is_some_and(|due| due <= now)).take(free);
        for (query, due) in due {
            *due = None;
            let (query, client) = (query.clone(), self.client.clone());
            let gate = self.settings.gate.clone();
            self.running.spawn(async move {
                let inquiry = async {
                    let credential = credential(&client, &query).await?;
                    let answer = keystone::ask(&query, &credential, &gate).await;
                    answer.map_err(|why| format!("Keystone at {}: {why}", query.auth_url))
                };
                let answer = contain(PATIENCE, inquiry).await;
                let answer =
                    answer.unwrap_or_else(|failure| Err(format!("the operator's request for the catalog {failure}")));
                (query, answer.map_or_else(CatalogReading::Unknown, CatalogReading::Known))
            });
        }
    }

    fn enter(&mut self, query: CatalogQuery, reading: CatalogReading) {
        let interval = self.settings.pace.interval;
        let wait = match &reading {
            CatalogReading::Known(_) => interval * SELDOM,
            CatalogReading::Unknown(why) => {
                tracing::warn!(secret = %query.secret, "the Keystone catalog is not read: {why}");
                interval
            }
        };
        let Some(due) = self.entries.get_mut(&query) else { return };
        *due = Some(Instant::now() + wait.max(Duration::from_millis(1)).mul_f64(0.8 + 0.4 * jitter()));
        self.live.read_catalog(query, Some(reading));
    }
}

/// The application credential in a Secret. Error messages do not contain its contents.
async fn credential(client: &Client, query: &CatalogQuery) -> Result<Credential, String> {
    let secret = SecretText::read(client, &query.secret, "deploy/catalog").await?;
    if let Some(url) = secret.text("authURL")
        && direct_upload_api::web::PublicUrl::parse(&url).ok().as_ref() != Some(&query.auth_url)
    {
        return Err(format!("Secret {} is for another Keystone: its key \"authURL\" says so", query.secret));
    }
    secret.credential()
}
