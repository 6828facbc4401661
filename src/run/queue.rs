//! When to work on which resource: one at a time each, a limited number together, and failures with growing
//! pauses and jitter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use direct_upload_core::model::ResourceId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::contain::{Failure, contain};
use super::health::{Pulse, ROUND};
use super::prober::jitter;

/// Where to put in work.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::UnboundedSender<ResourceId>);

/// What the worker does with a resource.
pub(crate) trait Work: Send + Sync + 'static {
    /// Works on one resource until nothing is left to do now. Returns when to look again.
    ///
    /// # Errors
    /// Something failed that may succeed later.
    fn reconcile(&self, resource: &ResourceId) -> impl Future<Output = Result<Option<Duration>, ()>> + Send;

    /// It did not end by itself.
    fn failed(&self, resource: &ResourceId, failure: &Failure);
}

/// Work on one resource that takes longer is stopped and starts again.
const PATIENCE: Duration = Duration::from_secs(600);

/// Work on a changed resource starts when it has not changed again for this long: what was applied together is seen
/// together …
const QUIET: Duration = Duration::from_millis(100);

/// … and this long after its first change at the latest. A resource that changes all the time is worked on this often.
const LONGEST: Duration = Duration::from_millis(700);

/// So many times in a row, work starts after the short time.
const BURST: u32 = 4;

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
            paced: HashMap::new(),
            busy: HashSet::new(),
            failures: HashMap::new(),
            running: JoinSet::new(),
        };
        (Self(sender), worker)
    }

    /// Requests work on a resource that changed.
    pub fn push(&self, resource: ResourceId) {
        // Without a worker, the program is about to end.
        let _ = self.0.send(resource);
    }
}

/// When to work on a resource.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    /// Further changes do not delay it more.
    latest: Instant,
}

type Finished = (ResourceId, Result<Option<Duration>, ()>);

/// Processes the queue.
pub(crate) struct Worker {
    receiver: mpsc::UnboundedReceiver<ResourceId>,
    concurrency: usize,
    patience: Duration,
    due: HashMap<ResourceId, Due>,
    /// Until when recent work, at one per [`LONGEST`], would have taken (the generic cell rate algorithm).
    paced: HashMap<ResourceId, Instant>,
    busy: HashSet<ResourceId>,
    failures: HashMap<ResourceId, u32>,
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
                _ = round.tick() => self.paced.retain(|_, until| *until > Instant::now()),
                pushed = self.receiver.recv() => match pushed {
                    Some(resource) => self.changed(resource, Instant::now()),
                    None => break,
                },
                () = sleep_until(next.as_ref().map_or_else(Instant::now, |(_, at)| *at)), if next.is_some() => {
                    if let Some((resource, _)) = next {
                        self.start(resource, &work);
                    }
                }
                Some(done) = self.running.join_next(), if !self.running.is_empty() => self.finish(done),
            }
        }
        while self.running.join_next().await.is_some() {}
    }

    /// The next resource that may start, and when.
    fn next(&self) -> Option<(ResourceId, Instant)> {
        if self.running.len() >= self.concurrency {
            return None;
        }
        let free = self.due.iter().filter(|(resource, _)| !self.busy.contains(*resource));
        free.min_by_key(|(_, due)| due.at).map(|(resource, due)| (resource.clone(), due.at))
    }

    /// Schedules work after a change.
    fn changed(&mut self, resource: ResourceId, now: Instant) {
        let is_frequent = self.paced.get(&resource).is_some_and(|until| *until > now + LONGEST * (BURST - 1));
        let quiet = if is_frequent { LONGEST } else { QUIET };
        let due = self.due.entry(resource).or_insert(Due { at: now + quiet, latest: now + LONGEST });
        due.latest = due.latest.min(now + LONGEST);
        due.at = due.latest.min(now + quiet);
    }

    /// Schedules work at a time. An earlier one stays.
    fn wake(&mut self, resource: ResourceId, at: Instant) {
        let due = self.due.entry(resource).or_insert(Due { at, latest: at });
        due.latest = due.latest.min(at);
        due.at = due.at.min(at);
    }

    fn begin(&mut self, resource: &ResourceId, now: Instant) {
        self.due.remove(resource);
        self.busy.insert(resource.clone());
        let until = self.paced.entry(resource.clone()).or_insert(now);
        *until = (*until).max(now) + LONGEST;
    }

    /// Whatever happens to the work, the resource is released.
    fn start<W: Work>(&mut self, resource: ResourceId, work: &Arc<W>) {
        self.begin(&resource, Instant::now());
        let (work, patience) = (work.clone(), self.patience);
        self.running.spawn(async move {
            let result = contain(patience, work.reconcile(&resource)).await;
            let result = result.unwrap_or_else(|failure| {
                work.failed(&resource, &failure);
                Err(())
            });
            (resource, result)
        });
    }

    fn finish(&mut self, done: Result<Finished, tokio::task::JoinError>) {
        let (resource, result) = match done {
            Ok(outcome) => outcome,
            // Only the end of the program aborts work.
            Err(error) => return tracing::error!(%error, "a reconcile ended abnormally"),
        };
        self.busy.remove(&resource);
        let delay = if let Ok(wake) = result {
            self.failures.remove(&resource);
            wake
        } else {
            let failures = self.failures.entry(resource.clone()).or_default();
            *failures += 1;
            Some(backoff(*failures))
        };
        if let Some(delay) = delay {
            self.wake(resource, Instant::now() + delay);
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

    use direct_upload_core::model::{Key, ResourceKind};
    use rstest::rstest;

    use super::*;
    use crate::run::health::Health;

    /// Panics first, then never ends, then works.
    #[derive(Default)]
    struct Unlucky(Mutex<(u32, Vec<String>)>);

    impl Work for Unlucky {
        async fn reconcile(&self, _: &ResourceId) -> Result<Option<Duration>, ()> {
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

        fn failed(&self, _: &ResourceId, failure: &Failure) {
            self.0.lock().unwrap().1.push(failure.to_string());
        }
    }

    fn glance() -> ResourceId {
        ResourceId { kind: ResourceKind::Glance, key: Key::new("cloud", "glance") }
    }

    /// Changes at these times, in milliseconds; a run takes no time. Returns when work starts.
    fn starts(changes: &[u64]) -> Vec<u64> {
        let (_queue, mut worker) = Queue::new(1);
        let begin = Instant::now();
        let mut starts = Vec::new();
        let mut changes = changes.iter().map(|at| begin + Duration::from_millis(*at)).peekable();
        loop {
            let due = worker.next().map(|(_, at)| at);
            match (changes.peek().copied(), due) {
                (Some(change), due) if due.is_none_or(|due| change <= due) => {
                    worker.changed(glance(), change);
                    changes.next();
                }
                (_, Some(due)) => {
                    worker.begin(&glance(), due);
                    worker.busy.clear();
                    starts.push(u64::try_from((due - begin).as_millis()).unwrap());
                }
                (_, None) => return starts,
            }
        }
    }

    #[rstest]
    #[case::one_change(&[0], &[100])]
    #[case::applied_together(&[0, 60, 120], &[220])]
    #[case::changes_without_a_pause(&[0, 90, 180, 270, 360, 450, 540, 630, 690, 780], &[700, 880])]
    #[case::one_leads_to_the_next(&[0, 150, 300, 450], &[100, 250, 400, 550])]
    #[case::many(&[0, 150, 300, 450, 600, 750, 1300, 1450], &[100, 250, 400, 550, 1300, 2150])]
    #[case::after_a_rest(&[0, 150, 300, 450, 9000], &[100, 250, 400, 550, 9100])]
    fn work_starts_when_changes_pause_and_not_too_often(#[case] changes: &[u64], #[case] expected: &[u64]) {
        assert_eq!(starts(changes), expected);
    }

    #[test]
    fn a_change_does_not_delay_what_was_to_come_sooner() {
        let (_queue, mut worker) = Queue::new(1);
        let now = Instant::now();
        worker.wake(glance(), now + QUIET / 2);
        worker.changed(glance(), now);
        assert_eq!(worker.next().map(|(_, at)| at), Some(now + QUIET / 2));
        worker.wake(glance(), now + LONGEST);
        assert_eq!(worker.next().map(|(_, at)| at), Some(now + QUIET / 2));
    }

    #[tokio::test]
    async fn work_that_panics_or_hangs_is_begun_anew() {
        let (queue, mut worker) = Queue::new(1);
        worker.patience = Duration::from_millis(20);
        let health = Arc::new(Health::default());
        let work = Arc::new(Unlucky::default());
        let worker = tokio::spawn(worker.run(work.clone(), health.begin("worker")));
        queue.push(glance());
        tokio::time::sleep(5 * BACKOFF_FIRST).await;
        let state = work.0.lock().unwrap().clone();
        assert_eq!(state, (3, vec!["panicked: an odd object".to_owned(), "did not end within 20ms".to_owned()]));
        assert_eq!(health.check(), Ok(()));
        drop(queue);
        worker.await.unwrap();
    }
}
