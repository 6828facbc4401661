//! May pods be replaced now? Not before the time that the resource says, not too soon after the last roll,
//! and not against somebody who takes our fields away again and again.

use std::collections::BTreeMap;

use direct_upload_api::{Reason, seconds};
use jiff::{SignedDuration, Timestamp};

use super::compare::Change;
use super::{Desired, drain};
use crate::model::{Problem, describe};
use crate::plan::step::{Action, Step};
use crate::workload::{LastRoll, annotations, rfc3339};

/// Least time between rolls that others cause, in seconds.
const MIN_INTERVAL: u64 = 30;

/// Putting our fields back this often …
const CONTENDED_TIMES: usize = 3;

/// … within this many seconds is a war that nobody wins.
const CONTENDED_SPAN: i64 = 600;

impl Desired<'_> {
    /// May pods be replaced now?
    ///
    /// # Errors
    /// [`Reason::HeldBack`] with the time to come back at, or [`Reason::Contended`].
    pub fn may_roll(&self, change: &Change, now: Timestamp) -> Result<Option<Step>, (Problem, Option<Timestamp>)> {
        if let Some(not_before) = self.rollout.not_before.as_ref().map(|t| t.0).filter(|t| now < *t) {
            let cost = drain::cost(self.kind, self.target, self.applied);
            let until = rfc3339(not_before);
            let message = format!("a roll is due and held back by spec.rollout.notBefore until {until}{cost}");
            return Err((Problem::new(Reason::HeldBack, message), Some(not_before)));
        }
        if let Some((rolled, generation)) = self.last_roll() {
            let interval = i64::try_from(seconds(self.rollout.min_interval, MIN_INTERVAL)).unwrap_or(i64::MAX);
            let next = rolled.saturating_add(SignedDuration::from_secs(interval)).unwrap_or(Timestamp::MAX);
            if now < next && generation == self.meta.generation {
                let message =
                    format!("a roll is due and held back by spec.rollout.minInterval until {}", rfc3339(next));
                return Err((Problem::new(Reason::HeldBack, message), Some(next)));
            }
        }
        self.contended(change, now).map_err(|problem| (problem, None))
    }

    /// When pods were last replaced by us, and for which generation of the resource.
    fn last_roll(&self) -> Option<(Timestamp, i64)> {
        let rolled = LastRoll::parse(self.target.workload.meta.ours.get(annotations::ROLLED_AT)?)?;
        Some((rolled.at, rolled.generation))
    }

    /// All our fields are gone, or some, although the same ConfigMap and spec brought them.
    fn taken(&self, change: &Change) -> bool {
        let same_spec = self.last_roll().is_some_and(|(_, generation)| generation == self.meta.generation);
        self.applied.mount.as_ref().is_none_or(|m| m.config_map == change.config_map && same_spec)
    }

    /// Pods run with the very ConfigMap that the workload no longer names: somebody took our
    /// fields away. Counts how often, on the ConfigMap; once that was too often, it does not matter
    /// any more what pods run with.
    fn contended(&self, change: &Change, now: Timestamp) -> Result<Option<Step>, Problem> {
        let Some(config_map) = self.applied.config_map(&change.config_map).filter(|_| self.taken(change)) else {
            return Ok(None);
        };
        let name = annotations::PUT_BACK;
        let text = config_map.meta.ours.get(name).map_or("", String::as_str);
        let since = now.saturating_sub(SignedDuration::from_secs(CONTENDED_SPAN)).unwrap_or(Timestamp::MIN);
        let mut times: Vec<Timestamp> = text.split(' ').filter_map(|t| t.parse().ok()).filter(|t| *t > since).collect();
        if times.len() >= CONTENDED_TIMES {
            let who = self.target.workload.other_manager.as_deref().unwrap_or("somebody");
            let message = format!(
                "our fields were taken out of {} {} times within ten minutes (the API server notes nobody who only removes; of the managers that it notes, {who} wrote last); let that tool leave the volume, mounts and annotations of direct-upload-operator alone, or set spec.suspend",
                describe(self.target.workload.kind, &self.target.workload.meta.key),
                times.len() + 1
            );
            return Err(Problem::new(Reason::Contended, message));
        }
        if !self.applied.running.contains(&change.config_map) {
            return Ok(None);
        }
        times.push(now);
        let value = times.iter().map(|t| rfc3339(*t)).collect::<Vec<_>>().join(" ");
        let action = Action::Annotate {
            config_map: config_map.meta.key.clone(),
            annotations: BTreeMap::from([(name.to_owned(), Some(value))]),
        };
        Ok(Some(Step::new(action, "to count how often our fields were taken away")))
    }
}
