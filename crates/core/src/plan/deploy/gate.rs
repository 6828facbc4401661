//! Whether pods may be replaced now: not before the time in the resource, not too soon after the last roll,
//! and not if somebody removes our fields repeatedly.

use std::collections::BTreeMap;

use direct_upload_api::{ConditionStatus, ConditionType, Reason, seconds};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::compare::Change;
use super::{Desired, drain};
use crate::model::{Problem, describe};
use crate::plan::step::{Action, Step};
use crate::workload::{LastRoll, Purpose, annotations, rfc3339};

/// Least time between rolls that others cause, in seconds.
const MIN_INTERVAL: u64 = 30;

/// Stop with Contended after this many re-applies …
const CONTENDED_TIMES: usize = 3;

/// … in this window, in seconds.
const CONTENDED_SPAN: i64 = 600;

/// What the resource's status says about the last observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastStatus {
    /// The spec it is about.
    generation: Option<i64>,
    config_maps: Vec<String>,
    /// Every pod ran with them.
    rolled_out: bool,
}

impl LastStatus {
    pub fn new(generation: Option<i64>, config_maps: &[String], conditions: &[Condition]) -> Self {
        let rolled_out = ConditionType::RolledOut.to_string();
        let rolled_out =
            conditions.iter().any(|c| c.type_ == rolled_out && ConditionStatus::of(c) == ConditionStatus::True);
        Self { generation, config_maps: config_maps.to_vec(), rolled_out }
    }
}

impl Desired<'_> {
    /// May pods be replaced now?
    ///
    /// # Errors
    /// [`Reason::HeldBack`] with the time to come back at, or [`Reason::Contended`].
    pub fn may_roll(&self, change: &Change, now: Timestamp) -> Result<Option<Step>, (Problem, Option<Timestamp>)> {
        if let Some(not_before) = self.rollout.not_before.as_ref().map(|t| t.0).filter(|t| now < *t) {
            let cost = drain::cost(self.kind, self.target, self.applied);
            let until = rfc3339(not_before);
            let message = format!("a roll is due, but spec.rollout.notBefore delays it until {until}{cost}");
            return Err((Problem::new(Reason::HeldBack, message), Some(not_before)));
        }
        if let Some((rolled, generation)) = self.last_roll() {
            let interval = i64::try_from(seconds(self.rollout.min_interval, MIN_INTERVAL)).unwrap_or(i64::MAX);
            let next = rolled.saturating_add(SignedDuration::from_secs(interval)).unwrap_or(Timestamp::MAX);
            if now < next && generation == self.meta.generation {
                let message = format!("a roll is due, but spec.rollout.minInterval delays it until {}", rfc3339(next));
                return Err((Problem::new(Reason::HeldBack, message), Some(next)));
            }
        }
        self.contended(change, now).map_err(|problem| (problem, None))
    }

    /// The ConfigMap that was last mounted for exactly this spec. It is still mounted, or somebody else has
    /// removed it.
    pub fn brought(&self) -> Option<String> {
        let mounted = self.applied.mount.as_ref().map(|mount| mount.config_map.clone());
        let uid = &self.target.workload.meta.uid;
        let ours = |name: &&String| {
            self.applied.config_map(name).is_some_and(|c| Purpose::for_workload(&c.meta, uid).is_some())
        };
        let known = || self.last_status.config_maps.iter().find(ours).cloned();
        mounted.or_else(|| known().filter(|_| self.last_status.generation == Some(self.meta.generation)))
    }

    /// When pods were last replaced by us, and for which generation of the resource.
    fn last_roll(&self) -> Option<(Timestamp, i64)> {
        let rolled = LastRoll::parse(self.target.workload.meta.ours.get(annotations::ROLLED_AT)?)?;
        Some((rolled.at, rolled.generation))
    }

    /// Somebody removed some or all of our fields: they were there for exactly this spec, and we did not
    /// remove them.
    fn taken(&self, change: &Change, counted: bool) -> bool {
        let (last, config_map) = (&self.last_status, &change.config_map);
        let unchanged = last.generation == Some(self.meta.generation) && last.config_maps.contains(config_map);
        let there = counted || last.rolled_out || self.applied.running.contains(config_map);
        let backed_out =
            self.applied.config_map(config_map).is_some_and(|c| c.meta.ours.contains_key(annotations::BACKED_OUT));
        let same_spec = self.last_roll().is_some_and(|(_, generation)| generation == self.meta.generation);
        let gone = self.applied.mount.as_ref().is_none_or(|m| m.config_map == *config_map && same_spec);
        unchanged && there && gone && !backed_out
    }

    /// Counts on the ConfigMap how often our fields were removed. After too many times, they are not
    /// restored.
    fn contended(&self, change: &Change, now: Timestamp) -> Result<Option<Step>, Problem> {
        let Some(config_map) = self.applied.config_map(&change.config_map) else { return Ok(None) };
        let name = annotations::PUT_BACK;
        let text = config_map.meta.ours.get(name).map_or("", String::as_str);
        let since = now.saturating_sub(SignedDuration::from_secs(CONTENDED_SPAN)).unwrap_or(Timestamp::MIN);
        let mut times: Vec<Timestamp> = text.split(' ').filter_map(|t| t.parse().ok()).collect();
        if !self.taken(change, !times.is_empty()) {
            return Ok(None);
        }
        times.retain(|time| *time > since);
        if times.len() >= CONTENDED_TIMES {
            let who = self.target.workload.other_manager.as_deref().unwrap_or("somebody");
            let message = format!(
                "somebody removed the operator's fields from {} {} times within ten minutes. The API server does not record who removes fields; {who} wrote last. Configure that tool to keep the volume, mounts and annotations of direct-upload-operator, or set spec.suspend",
                describe(self.target.workload.kind, &self.target.workload.meta.key),
                times.len() + 1
            );
            return Err(Problem::new(Reason::Contended, message));
        }
        times.push(now);
        let value = times.iter().map(|t| rfc3339(*t)).collect::<Vec<_>>().join(" ");
        let action = Action::Annotate {
            config_map: config_map.meta.key.clone(),
            annotations: BTreeMap::from([(name.to_owned(), Some(value))]),
        };
        Ok(Some(Step::new(action, "to count how often the operator's fields were removed")))
    }
}
