//! Whether every task of the operator runs and makes progress.
//!
//! In: a beat from each task, once in each round of its loop. Out: what `/healthz` says. A task completes a
//! round at least every `ROUND`, so one without a round for `STUCK` hangs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A task without work completes a round this often.
pub(crate) const ROUND: Duration = Duration::from_secs(10);

/// A task without a round for this time hangs.
pub(crate) const STUCK: Duration = Duration::from_secs(300);

/// The state of each task.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<&'static str, Vitals>>);

#[derive(Clone, Debug)]
enum Vitals {
    /// When its last round started.
    Moves(Instant),
    /// Why it does not do its work any more.
    Fails(String),
}

/// The handle for a task's beats. A task that drops it has ended.
#[derive(Debug)]
pub struct Pulse {
    health: Arc<Health>,
    task: &'static str,
}

impl Health {
    /// A task starts.
    pub fn begin(self: &Arc<Self>, task: &'static str) -> Pulse {
        self.set(task, Vitals::Moves(Instant::now()));
        Pulse { health: self.clone(), task }
    }

    /// Checks whether all tasks run and make progress.
    ///
    /// # Errors The tasks that do not, one per line.
    pub fn check(&self) -> Result<(), String> {
        self.check_at(Instant::now())
    }

    fn check_at(&self, now: Instant) -> Result<(), String> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let failing = tasks.iter().filter_map(|(task, vitals)| match vitals {
            Vitals::Moves(since) => {
                let silence = now.duration_since(*since);
                (silence > STUCK).then(|| format!("{task}: has completed no round for {} s\n", silence.as_secs()))
            }
            Vitals::Fails(why) => Some(format!("{task}: {why}\n")),
        });
        let failing: String = failing.collect();
        if failing.is_empty() { Ok(()) } else { Err(failing) }
    }

    fn set(&self, task: &'static str, vitals: Vitals) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task, vitals);
    }
}

impl Pulse {
    /// A round starts.
    pub fn beat(&self) {
        self.health.set(self.task, Vitals::Moves(Instant::now()));
    }

    /// The task cannot do its work.
    pub fn fail(&self, why: impl Into<String>) {
        self.health.set(self.task, Vitals::Fails(why.into()));
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.fail("the task has ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_hangs_or_ends_is_named() {
        let health = Arc::new(Health::default());
        let (one, other) = (health.begin("one"), health.begin("other"));
        let later = Instant::now() + STUCK + ROUND;
        assert_eq!(health.check(), Ok(()));
        let hang = "one: has completed no round for 310 s\nother: has completed no round for 310 s\n";
        assert_eq!(health.check_at(later), Err(hang.to_owned()));

        one.fail("a watch has ended");
        assert_eq!(health.check(), Err("one: a watch has ended\n".to_owned()));
        one.beat();
        assert_eq!(health.check(), Ok(()));
        let task = tokio::spawn(async move {
            let _pulse = other;
            panic!("as a defect would");
        });
        assert!(task.await.is_err());
        assert_eq!(health.check(), Err("other: the task has ended\n".to_owned()));
    }
}
