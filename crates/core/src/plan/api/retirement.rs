//! Origins that nobody requests any more stay for a while.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::seconds;
use direct_upload_api::web::Origin;
use jiff::{SignedDuration, Timestamp};

use super::OriginPlan;
use crate::derive::{ApiView, Terms};
use crate::plan::finalize::deadline;
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
}

impl Retirement {
    pub fn derive(view: &ApiView, terms: &Terms, now: Timestamp) -> Self {
        let after = i64::try_from(seconds(terms.retire_after, RETIRE_AFTER)).unwrap_or(i64::MAX);
        let applied = view.api.tenure.applied.as_ref().ok();
        let in_effect = applied.map(Applied::in_effect).unwrap_or_default();
        let pending = applied.and_then(Applied::pending);
        let mut noted = BTreeMap::<String, Timestamp>::new();
        for config_map in in_effect.iter().copied().chain(pending) {
            let text = config_map.meta.ours.get(annotations::RETIRING);
            let times = text.and_then(|text| serde_json::from_str::<BTreeMap<_, _>>(text).ok());
            noted.extend(times.unwrap_or_default());
        }
        let mut origins = BTreeSet::new();
        for config_map in in_effect {
            origins.extend(config_map.effects.origins.iter().cloned());
        }
        let mut retirement = Self::default();
        for origin in origins {
            if view.wanted.contains_key(&origin) || view.api.asked.carried.contains_key(&origin) {
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
        if self.since.is_empty() {
            return BTreeMap::new();
        }
        let since: BTreeMap<_, _> = self.since.iter().map(|(o, t)| (o.as_str(), rfc3339(*t))).collect();
        let text = serde_json::to_string(&since).unwrap_or_default();
        BTreeMap::from([(annotations::RETIRING.to_owned(), text)])
    }

    pub fn origins(&self, view: &ApiView) -> Vec<OriginPlan> {
        if view.wanted.is_empty() && self.kept.is_empty() {
            return Vec::new();
        }
        let mut by = view.wanted.clone();
        for (origin, source) in &view.api.asked.carried {
            by.entry(origin.clone()).or_default().extend(source.iter().cloned());
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

/// The objects that give an origin. If nothing gives it any more: those that gave it, as the status has it.
pub fn sources(view: &ApiView, origin: &Origin) -> Vec<String> {
    if view.wanted.contains_key(origin) {
        return view.sources.get(origin).into_iter().flatten().cloned().collect();
    }
    let before = view.api.resource.status.iter().flat_map(|status| &status.origins);
    before.filter(|before| before.origin == origin.as_str()).flat_map(|before| before.from.iter().cloned()).collect()
}
