//! Whose mode may change now because of preflights, among all Horizons.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::{Fallback, Reason};

use crate::derive::destination::Destination;
use crate::derive::horizon::HorizonView;
use crate::model::Key;
use crate::workload::Applied;

/// Horizons that change their mode because of preflights, at the same time.
const AT_ONCE: usize = 4;

/// With so many endpoints or more, most of them refusing at once casts doubt on the prober.
const COMPARABLE: usize = 3;

/// Whether a mode that is in force may change because of preflights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    #[default]
    Now,
    /// Others change theirs at the moment.
    Later,
    /// Most endpoints refuse at once: the operator's own way to them is more likely to be broken
    /// than all of them are.
    Frozen,
}

/// Decides who may change a mode because of preflights now, among all Horizons.
pub fn take_turns(horizons: &mut BTreeMap<Key, HorizonView>) {
    let direct = |v: &&HorizonView| v.applied.as_ref().is_some_and(Applied::sets_direct);
    let endpoint = |d: &Destination| d.endpoint.as_ref().ok().map(|endpoint| endpoint.origin().clone());
    let of = |test: &dyn Fn(&Destination) -> bool| -> BTreeSet<_> {
        let all = horizons.values().filter(direct).flat_map(|v| &v.destinations);
        all.filter(|d| test(d)).filter_map(endpoint).collect()
    };
    let asked = of(&|d| !d.questions.is_empty());
    let broken = of(&|d| d.evidence.is_broken());
    let frozen = asked.len() >= COMPARABLE && 2 * broken.len() > asked.len();
    let rolling = |v: &&HorizonView| {
        let rollout = v.applied.as_ref().and_then(|a| a.rollout.as_ref().err());
        rollout.is_some_and(|problem| problem.reason == Reason::RollingOut)
    };
    let mut free = AT_ONCE.saturating_sub(horizons.values().filter(rolling).count());
    for view in horizons.values_mut().filter(|v| v.changes_mode()) {
        let breaks = view.proof.evidence.is_broken();
        view.proof.turn = match free {
            _ if frozen && breaks => Turn::Frozen,
            0 => Turn::Later,
            _ => Turn::Now,
        };
        if view.proof.turn == Turn::Now {
            free -= 1;
        }
    }
}

impl HorizonView {
    /// Whether preflights ask for another mode than the one that is in force: those that begin are
    /// not meant.
    fn changes_mode(&self) -> bool {
        let Some(applied) = &self.applied else { return false };
        let falls = applied.sets_direct() && self.proof.evidence.is_broken() && self.falls_back();
        falls || (applied.mount.is_none() && self.backed_out().is_some() && self.proof.evidence.is_granted(true))
    }

    /// Whether a broken path makes it fall back.
    pub fn falls_back(&self) -> bool {
        self.object.spec.as_ref().is_ok_and(|spec| spec.direct_upload.fallback == Fallback::Legacy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::derive::destination::Partner;
    use crate::derive::proof::Evidence;
    use crate::derive::proof::Failed;
    use crate::derive::proof::Weight;
    use crate::model::Cause;
    use crate::model::ConfigMap;
    use crate::model::Effects;
    use crate::model::HorizonObject;
    use crate::model::Meta;
    use crate::model::ProbeTarget;
    use crate::model::Problem;
    use crate::model::Snapshot;
    use crate::render::File;
    use crate::workload::Mount;
    use direct_upload_api::HorizonSpec;
    use direct_upload_api::Rule;
    use direct_upload_api::web::PublicUrl;
    use rstest::rstest;

    fn reply() -> Cause {
        Cause {
            rule: Some(Rule::OriginMissing),
            requirement: "allow-origin".into(),
            message: String::new(),
            received: String::new(),
            fix: String::new(),
        }
    }

    /// A direct Horizon that uploads to an endpoint: `b`roken for long, `r`efused of late, `u`nknown,
    /// `g`ranted.
    fn horizon(number: usize, endpoint: usize, letter: char, rolling: bool) -> (Key, HorizonView) {
        let key = Key::new("cloud", format!("h{number:02}"));
        let meta = Meta { key: key.clone(), ..Meta::default() };
        let object = HorizonObject { meta, finalizer: true, spec: Ok(HorizonSpec::default()), status: None };
        let mut view = HorizonView::of(&Snapshot::complete(), &Arc::new(object));
        let url = PublicUrl::parse(&format!("https://glance{endpoint}.example.com")).unwrap();
        let effects = Effects { direct: true, ..Effects::default() };
        let config_map = ConfigMap { effects, ..ConfigMap::default() };
        let files: [File; 0] = [];
        view.applied = Some(Applied {
            mount: Some(Mount::of(&crate::model::Container::default(), "files", &files, "")),
            config_maps: Ok(BTreeMap::from([("files".to_owned(), Arc::new(config_map))])),
            referenced: Ok(BTreeSet::new()),
            rollout: if rolling { Err(Problem::new(Reason::RollingOut, "")) } else { Ok(()) },
            running: BTreeSet::new(),
            bare: false,
            rehearsals: Ok(BTreeMap::new()),
        });
        let failure = vec![Failed { region: None, origin: String::new(), reply: reply() }];
        let evidence = match letter {
            'b' => Evidence::Refused(Weight { fresh: true, firm: true }, failure),
            'r' => Evidence::Refused(Weight { fresh: true, firm: false }, failure),
            'u' => Evidence::Unknown(failure),
            _ => Evidence::Granted(Weight { fresh: true, firm: true }, vec![]),
        };
        let origin = url.origin().clone();
        let question = ProbeTarget { origin, endpoint: url.clone().into(), reach: Arc::default() };
        view.proof.evidence = evidence.clone();
        view.destinations = vec![Destination {
            region: None,
            named: None,
            partner: Ok(Partner::External(url.clone())),
            endpoint: Ok(url.into()),
            glance: None,
            questions: BTreeSet::from([question]),
            epoch: None,
            evidence,
        }];
        (key, view)
    }

    /// One letter for each Horizon, at endpoints of their own; N: falls back now, L: later, F: the
    /// prober is in doubt, `-`: stays.
    #[rstest]
    #[case::one("b", "N")]
    #[case::one_of_three("bgg", "N--")]
    #[case::most_of_three("bbg", "FF-")]
    #[case::half_of_four("bbgg", "NN--")]
    #[case::two_cannot_be_compared("bb", "NN")]
    #[case::refused_of_late_or_not_answered("rug", "---")]
    #[case::unknown_is_not_broken("buuu", "N---")]
    #[case::all("bbbbb", "FFFFF")]
    fn doubt(#[case] letters: &str, #[case] expected: &str) {
        let mut horizons = letters.chars().enumerate().map(|(n, l)| horizon(n, n, l, false)).collect();
        take_turns(&mut horizons);
        assert_eq!(turns(&horizons), expected);
    }

    /// All at one endpoint; capitals roll at the moment.
    #[rstest]
    #[case::four_at_once("bbbbbb", "NNNNLL")]
    #[case::others_roll("bbbGG", "NNL--")]
    #[case::many_roll("bGGGG", "L----")]
    fn one_after_the_other(#[case] letters: &str, #[case] expected: &str) {
        let view = |(n, l): (usize, char)| horizon(n, 0, l.to_ascii_lowercase(), l.is_uppercase());
        let mut horizons = letters.chars().enumerate().map(view).collect();
        take_turns(&mut horizons);
        assert_eq!(turns(&horizons), expected);
    }

    fn turns(horizons: &BTreeMap<Key, HorizonView>) -> String {
        let letter = |v: &HorizonView| match v.proof.turn {
            _ if !v.changes_mode() => '-',
            Turn::Now => 'N',
            Turn::Later => 'L',
            Turn::Frozen => 'F',
        };
        horizons.values().map(letter).collect()
    }
}
