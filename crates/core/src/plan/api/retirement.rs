//! Origins that nobody requests any more stay for a while.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::seconds;
use direct_upload_api::web::Origin;
use jiff::{SignedDuration, Timestamp};

use super::OriginPlan;
use crate::derive::{ApiView, Requester, Terms};
use crate::model::{Id, Key, Kind};
use crate::plan::finalize::deadline;
use crate::plan::step::{Action, Step};
use crate::workload::{Applied, annotations, rfc3339};

/// Open tabs of a dashboard keep the mode that they loaded. In seconds.
const RETIRE_AFTER: u64 = 3600;

/// Which origins stay although nobody requests them.
#[derive(Debug, Default)]
pub struct Retirement {
    /// Origin → when it may leave.
    pub kept: BTreeMap<Origin, Timestamp>,
    /// Those that nobody requests since now.
    pub new: BTreeSet<Origin>,
    /// Origin → since when nobody requests it.
    since: BTreeMap<Origin, Timestamp>,
    /// ConfigMaps that note such a time of an origin that somebody requests again → what they should note.
    outdated: BTreeMap<Key, Option<String>>,
}

impl Retirement {
    pub fn derive(view: &ApiView, terms: &Terms, now: Timestamp) -> Self {
        let after = i64::try_from(seconds(terms.retire_after, RETIRE_AFTER)).unwrap_or(i64::MAX);
        let applied = view.api.tenure.applied.as_ref().ok();
        let in_effect = applied.map(Applied::in_effect).unwrap_or_default();
        let pending = applied.and_then(Applied::pending);
        let requested = view.wanted.keys().chain(view.api.asked.carried.keys());
        let requested: BTreeSet<&str> = requested.map(Origin::as_str).collect();
        let (mut noted, mut outdated) = (BTreeMap::<String, Timestamp>::new(), BTreeMap::new());
        for config_map in in_effect.iter().copied().chain(pending) {
            let text = config_map.meta.ours.get(annotations::RETIRING);
            let times = text.and_then(|text| serde_json::from_str::<BTreeMap<String, Timestamp>>(text).ok());
            let (again, times): (BTreeMap<_, _>, BTreeMap<_, _>) =
                times.unwrap_or_default().into_iter().partition(|(origin, _)| requested.contains(origin.as_str()));
            if !again.is_empty() {
                outdated.insert(config_map.meta.key.clone(), text_of(&times));
            }
            noted.extend(times);
        }
        let mut origins = BTreeSet::new();
        for config_map in in_effect {
            origins.extend(config_map.effects.origins.iter().cloned());
        }
        let mut retirement = Self { outdated, ..Self::default() };
        for origin in origins {
            if requested.contains(origin.as_str()) {
                continue;
            }
            // Without consent, it retires when its Horizon's pods are gone. A tenant who keeps the pods
            // gains only the time that a safe deletion has, too.
            let since = noted.get(origin.as_str()).copied();
            let since = if view.grants.leaving.contains(&origin) {
                since.unwrap_or_else(|| deadline(Some(now), terms.deletion.timeout))
            } else {
                since.map_or(now, |since| since.min(now))
            };
            let until = since.saturating_add(SignedDuration::from_secs(after)).unwrap_or(Timestamp::MAX);
            if now < until || view.incomplete.is_some() || view.grants.is_frozen(&origin) {
                retirement.kept.insert(origin.clone(), until);
                if !noted.contains_key(origin.as_str()) {
                    retirement.new.insert(origin.clone());
                }
                retirement.since.insert(origin, since);
            }
        }
        retirement
    }

    pub fn annotation(&self) -> BTreeMap<String, String> {
        let since = self.since.iter().map(|(origin, since)| (origin.to_string(), *since)).collect();
        text_of(&since).map(|text| (annotations::RETIRING.to_owned(), text)).into_iter().collect()
    }

    /// Removes outdated times, unless the plan does so: a roll, which would, may be delayed for long. When nobody requests
    /// such an origin any more, its time starts again.
    pub fn corrections(&self, planned: &[Step]) -> Vec<Step> {
        let writes = |step: &Step, key: &Key| match &step.action {
            Action::ApplyConfigMap(draft) => draft.key == *key,
            Action::Annotate { config_map, .. } => config_map == key,
            _ => false,
        };
        let left = self.outdated.iter().filter(|(key, _)| !planned.iter().any(|step| writes(step, key)));
        left.map(|(key, text)| {
            let annotations = BTreeMap::from([(annotations::RETIRING.to_owned(), text.clone())]);
            let action = Action::Annotate { config_map: key.clone(), annotations };
            Step::new(action, "an origin that was to leave is requested again")
        })
        .collect()
    }

    pub fn origins(&self, view: &ApiView) -> Vec<OriginPlan> {
        if view.wanted.is_empty() && self.kept.is_empty() {
            return Vec::new();
        }
        let mut by = view.wanted.clone();
        for (origin, file) in &view.api.asked.carried {
            by.entry(origin.clone()).or_default().push(Requester::File(file.clone()));
        }
        let wanted = by.iter().map(|(origin, by)| (origin, by.clone(), None));
        let kept = self.kept.iter().map(|(origin, until)| (origin, Vec::new(), Some(*until)));
        let mut all: Vec<_> = wanted
            .chain(kept)
            .map(|(origin, wanted_by, retires_at)| {
                let from = sources(view, origin);
                OriginPlan { origin: origin.clone(), wanted_by, from, retires_at }
            })
            .collect();
        all.sort_by(|a, b| a.origin.cmp(&b.origin));
        all
    }
}

/// Times as an annotation has them; none if there are none.
fn text_of(since: &BTreeMap<String, Timestamp>) -> Option<String> {
    let since: BTreeMap<_, _> = since.iter().map(|(origin, since)| (origin, rfc3339(*since))).collect();
    (!since.is_empty()).then(|| serde_json::to_string(&since).unwrap_or_default())
}

/// The objects that give an origin. If nothing gives it any more: those that gave it, as the status has it.
pub fn sources(view: &ApiView, origin: &Origin) -> Vec<Id> {
    if view.wanted.contains_key(origin) {
        let mut sources: Vec<_> = view.grants.sources.get(origin).into_iter().flatten().cloned().collect();
        // In the order in which statuses list them.
        sources.sort_by_cached_key(Id::to_string);
        return sources;
    }
    let before = view.api.resource.status.iter().flat_map(|status| &status.origins);
    let before = before.filter(|before| before.origin == origin.as_str());
    before.flat_map(|before| before.from.iter().filter_map(|object| read(object))).collect()
}

/// An object as the status names it: `Ingress namespace/name`.
fn read(object: &str) -> Option<Id> {
    let (kind, key) = object.split_once(' ')?;
    Kind::named(kind)?;
    Some(Id { kind: kind.to_owned(), key: key.parse().ok()? })
}
