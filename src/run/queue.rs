//! When to work on which resource: one at a time each, a limited number together, and failures with growing
//! pauses and jitter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::model::{Key, Kind};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::contain::{Failure, contain};
use super::health::{Pulse, ROUND};
use super::prober::jitter;

/// A resource to work on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub kind: Kind,
    pub key: Key,
}

/// Where to put in work.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::UnboundedSender<(Subject, Duration)>);

/// What the worker does with a resource.
pub(crate) trait Work: Send + Sync + 'static {
    /// Works on one resource until nothing is left to do now. Returns when to look again.
    ///
    /// # Errors
    /// Something failed that may succeed later.
    fn reconcile(&self, subject: &Subject) -> impl Future<Output = Result<Option<Duration>, ()>> + Send;

    /// It did not end by itself.
    fn failed(&self, subject: &Subject, failure: &Failure);
}

/// Work on one resource that takes longer is stopped and starts again.
const PATIENCE: Duration = Duration::from_secs(600);

/// First wait after a failure; doubled each time …
const BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// … up to this.
const BACKOFF_MOST: Duration = Duration::from_secs(300);

impl Queue {
    /// A queue and its worker. The worker ends when the queue is dropped.
    pub fn new(concurrency: usize) -> (Self, Worker) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let worker = Worker {
            receiver,
            concurrency: concurrency.max(1),
            patience: PATIENCE,
            due: HashMap::new(),
            busy: HashSet::new(),
            failures: HashMap::new(),
            running: JoinSet::new(),
        };
        (Self(sender), worker)
    }

    /// Requests work on a resource after a delay. An earlier request stays.
    pub fn push(&self, subject: Subject, delay: Duration) {
        // Without a worker, the program is about to end.
        let _ = self.0.send((subject, delay));
    }
}

type Finished = (Subject, Result<Option<Duration>, ()>);

/// Processes the queue.
pub(crate) struct Worker {
    receiver: mpsc::UnboundedReceiver<(Subject, Duration)>,
    concurrency: usize,
    patience: Duration,
    due: HashMap<Subject, Instant>,
    busy: HashSet<Subject>,
    failures: HashMap<Subject, u32>,
    running: JoinSet<Finished>,
}

impl Worker {
    /// Runs until the queue is dropped, then finishes the work in progress.
    pub async fn run<W: Work>(mut self, work: Arc<W>, pulse: Pulse) {
        let mut round = tokio::time::interval(ROUND);
        loop {
            pulse.beat();
            let next = self.next();
            tokio::select! {
                _ = round.tick() => {}
                pushed = self.receiver.recv() => match pushed {
                    Some((subject, delay)) => self.schedule(subject, delay),
                    None => break,
                },
                () = sleep_until(next.as_ref().map_or_else(Instant::now, |(_, at)| *at)), if next.is_some() => {
                    if let Some((subject, _)) = next {
                        self.start(subject, &work);
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

    /// Whatever happens to the work, the subject is released.
    fn start<W: Work>(&mut self, subject: Subject, work: &Arc<W>) {
        self.due.remove(&subject);
        self.busy.insert(subject.clone());
        let (work, patience) = (work.clone(), self.patience);
        self.running.spawn(async move {
            let result = contain(patience, work.reconcile(&subject)).await;
            let result = result.unwrap_or_else(|failure| {
                work.failed(&subject, &failure);
                Err(())
            });
            (subject, result)
        });
    }

    fn finish(&mut self, done: Result<Finished, tokio::task::JoinError>) {
        let (subject, result) = match done {
            Ok(outcome) => outcome,
            // Only the end of the program aborts work.
            Err(error) => return tracing::error!(%error, "a reconcile ended abnormally"),
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

/// Exponential back-off. Up to half of it is removed at random, so that many failures do not return
/// together.
fn backoff(failures: u32) -> Duration {
    let full = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(BACKOFF_MOST);
    full.mul_f64(1.0 - jitter() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::run::health::Health;

    /// Panics first, then never ends, then works.
    #[derive(Default)]
    struct Unlucky(Mutex<(u32, Vec<String>)>);

    impl Work for Unlucky {
        async fn reconcile(&self, _: &Subject) -> Result<Option<Duration>, ()> {
            let turn = {
                let mut state = self.0.lock().unwrap();
                state.0 += 1;
                state.0
            };
            match turn {
                1 => panic!("an odd object"),
                2 => std::future::pending().await,
                _ => Ok(None),
            }
        }

        fn failed(&self, _: &Subject, failure: &Failure) {
            self.0.lock().unwrap().1.push(failure.to_string());
        }
    }

    #[tokio::test]
    async fn work_that_panics_or_hangs_is_begun_anew() {
        let (queue, mut worker) = Queue::new(1);
        worker.patience = Duration::from_millis(20);
        let health = Arc::new(Health::default());
        let work = Arc::new(Unlucky::default());
        let worker = tokio::spawn(worker.run(work.clone(), health.begin("worker")));
        queue.push(Subject { kind: Kind::Glance, key: Key::new("cloud", "glance") }, Duration::ZERO);
        tokio::time::sleep(5 * BACKOFF_FIRST).await;
        let state = work.0.lock().unwrap().clone();
        assert_eq!(state, (3, vec!["panicked: an odd object".to_owned(), "did not end within 20ms".to_owned()]));
        assert_eq!(health.check(), Ok(()));
        drop(queue);
        worker.await.unwrap();
    }
}
