//! Which resource is worked on when: one at a time each, a bounded number at once, failures later
//! and later with jitter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::model::{Key, Kind};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::prober::jitter;
use super::reconcile::Reconciler;

/// A resource to work on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub kind: Kind,
    pub key: Key,
}

/// Where work is put in.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::UnboundedSender<(Subject, Duration)>);

/// First wait after a failure; doubled each time …
const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// … up to this.
const BACKOFF_MOST: Duration = Duration::from_secs(300);

impl Queue {
    /// A queue and the worker that empties it. The worker ends when the queue is dropped.
    pub fn new(concurrency: usize) -> (Self, Worker) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let worker = Worker {
            receiver,
            concurrency: concurrency.max(1),
            due: HashMap::new(),
            busy: HashSet::new(),
            failures: HashMap::new(),
            running: JoinSet::new(),
        };
        (Self(sender), worker)
    }

    /// Asks for work on a resource after a delay; an earlier request stands.
    pub fn push(&self, subject: Subject, delay: Duration) {
        // Without a worker the program is about to end.
        let _ = self.0.send((subject, delay));
    }
}

type Finished = (Subject, Result<Option<Duration>, ()>);

/// Works the queue off.
pub(crate) struct Worker {
    receiver: mpsc::UnboundedReceiver<(Subject, Duration)>,
    concurrency: usize,
    due: HashMap<Subject, Instant>,
    busy: HashSet<Subject>,
    failures: HashMap<Subject, u32>,
    running: JoinSet<Finished>,
}

impl Worker {
    /// Runs until the queue is dropped, then finishes what is under way.
    pub async fn run(mut self, reconciler: Arc<Reconciler>) {
        loop {
            let next = self.next();
            tokio::select! {
                pushed = self.receiver.recv() => match pushed {
                    Some((subject, delay)) => self.schedule(subject, delay),
                    None => break,
                },
                () = sleep_until(next.as_ref().map_or_else(Instant::now, |(_, at)| *at)), if next.is_some() => {
                    if let Some((subject, _)) = next {
                        self.start(subject, &reconciler);
                    }
                }
                Some(done) = self.running.join_next(), if !self.running.is_empty() => self.finish(done),
            }
        }
        while self.running.join_next().await.is_some() {}
    }

    /// The next subject that may start, and when.
    fn next(&self) -> Option<(Subject, Instant)> {
        if self.running.len() >= self.concurrency {
            return None;
        }
        let free = self.due.iter().filter(|(subject, _)| !self.busy.contains(*subject));
        free.min_by_key(|(_, at)| **at).map(|(subject, at)| (subject.clone(), *at))
    }

    fn schedule(&mut self, subject: Subject, delay: Duration) {
        let at = Instant::now() + delay;
        self.due.entry(subject).and_modify(|due| *due = (*due).min(at)).or_insert(at);
    }

    fn start(&mut self, subject: Subject, reconciler: &Arc<Reconciler>) {
        self.due.remove(&subject);
        self.busy.insert(subject.clone());
        let reconciler = reconciler.clone();
        self.running.spawn(async move {
            let result = reconciler.reconcile(&subject).await;
            (subject, result)
        });
    }

    fn finish(&mut self, done: Result<Finished, tokio::task::JoinError>) {
        let (subject, result) = match done {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(%error, "a reconcile ended abnormally");
                return;
            }
        };
        self.busy.remove(&subject);
        let delay = if let Ok(wake) = result {
            self.failures.remove(&subject);
            wake
        } else {
            let failures = self.failures.entry(subject.clone()).or_default();
            *failures += 1;
            Some(backoff(*failures))
        };
        if let Some(delay) = delay {
            self.schedule(subject, delay);
        }
    }
}

/// Exponential, with up to half of it taken off at random, so that many failures don't come back
/// together.
fn backoff(failures: u32) -> Duration {
    let full = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(BACKOFF_MOST);
    full.mul_f64(1.0 - jitter() / 2.0)
}
