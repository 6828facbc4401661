//! Stage 6: whose mode may change now because of preflights, among all Horizons.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;

use super::destination_view::DestinationView;
use super::horizon::Dashboard;
use super::proof::Proof;
use crate::model::{Key, Set};
use crate::workload::Unfinished;

/// How many Horizons may change their mode because of preflights at the same time.
const AT_ONCE: usize = 4;

/// With this many endpoints or more, it is suspicious if most of them refuse at once.
const COMPARABLE: usize = 3;

/// Whether a mode in effect may change because of preflights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttle {
    #[default]
    Now,
    /// Others change theirs now.
    Later,
    /// Most endpoints refuse at once. The operator's own network is then a more likely cause than all of
    /// them.
    Frozen,
}

/// What matters of one Horizon.
#[derive(Debug, PartialEq)]
pub struct Candidate {
    /// The endpoints that are asked for it while it is direct.
    asked: Set<Origin>,
    /// Those of them that refuse, and have for long.
    broken: Set<Origin>,
    /// Its pods are replaced now.
    is_rolling: bool,
    /// Preflights require another mode than the one in effect. Horizons that start do not count.
    changes_mode: bool,
    /// What they require it for.
    is_broken: bool,
}

impl Candidate {
    /// What matters of this one.
    pub fn of(dashboard: &Dashboard, proof: &Proof) -> Self {
        let of = |test: &dyn Fn(&DestinationView) -> bool| -> Set<Origin> {
            let all = proof.destinations.iter().filter(|d| dashboard.is_direct() && test(d));
            all.filter_map(|d| Some(d.to.endpoint.as_ref().ok()?.origin().clone())).collect()
        };
        let rollout = dashboard.tenure.applied.as_ref().ok().and_then(|applied| applied.rollout.as_ref().err());
        Self {
            asked: of(&|d| !d.questions.is_empty()),
            broken: of(&|d| d.evidence.is_broken()),
            is_rolling: rollout.is_some_and(Unfinished::is_rolling),
            changes_mode: changes_mode(dashboard, proof),
            is_broken: proof.evidence.is_broken(),
        }
    }
}

/// Decides for all Horizons which of them may change their mode because of preflights now. Returns those that would.
pub fn all<'a>(horizons: impl Iterator<Item = (&'a Key, &'a Candidate)> + Clone) -> BTreeMap<Key, Throttle> {
    let all = || horizons.clone().map(|(_, candidate)| candidate);
    let asked: BTreeSet<_> = all().flat_map(|candidate| candidate.asked.iter()).collect();
    let broken: BTreeSet<_> = all().flat_map(|candidate| candidate.broken.iter()).collect();
    let frozen = asked.len() >= COMPARABLE && 2 * broken.len() > asked.len();
    let mut free = AT_ONCE.saturating_sub(all().filter(|candidate| candidate.is_rolling).count());
    let throttle = |candidate: &Candidate| match free {
        _ if frozen && candidate.is_broken => Throttle::Frozen,
        0 => Throttle::Later,
        _ => {
            free -= 1;
            Throttle::Now
        }
    };
    let changing: Vec<_> = horizons.filter(|(_, candidate)| candidate.changes_mode).collect();
    let throttles = changing.iter().map(|(_, candidate)| *candidate).map(throttle);
    changing.iter().map(|(key, _)| (*key).clone()).zip(throttles).collect()
}

/// Whether preflights require another mode than the one in effect.
fn changes_mode(dashboard: &Dashboard, proof: &Proof) -> bool {
    let Ok(applied) = &dashboard.tenure.applied else { return false };
    let falls = applied.sets_direct() && proof.evidence.is_broken() && dashboard.falls_back();
    falls || (applied.mount.is_none() && dashboard.backed_out().is_some() && proof.evidence.is_granted(true))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use direct_upload_api::web::PublicUrl;
    use direct_upload_api::{HorizonSpec, Panel, Reason, Rule, WorkloadRef};
    use rstest::rstest;

    use super::*;
    use crate::derive::destination::{Destination, Partner};
    use crate::derive::evidence::{Evidence, Failed, Weight};
    use crate::derive::{Handover, Tenure};
    use crate::model::{
        Cause, ConfigMap, Container, Effects, HorizonObject, Map, Meta, ProbeTarget, Problem, Set, Snapshot,
    };
    use crate::render::File;
    use crate::workload::{Applied, Mount};

    fn reply() -> Cause {
        Cause {
            rule: Some(Rule::OriginMissing),
            requirement: "allow-origin".into(),
            message: String::new(),
            received: String::new(),
            fix: String::new(),
        }
    }

    /// A direct Horizon that uploads to an endpoint: `b`roken for long, `r`efused recently, `u`nknown,
    /// `g`ranted.
    fn horizon(number: usize, endpoint: usize, letter: char, rolling: bool) -> (Dashboard, Proof) {
        let key = Key::new("cloud", format!("h{number:02}"));
        let meta = Meta { key, ..Meta::default() };
        let object = HorizonObject { meta, finalizer: true, spec: Ok(HorizonSpec::default()), status: None };
        let effects = Effects { direct: true, ..Effects::default() };
        let config_map = ConfigMap { effects, ..ConfigMap::default() };
        let files: [File; 0] = [];
        let applied = Applied {
            mount: Some(Mount::new(&Container::default(), "files", &files, "")),
            config_maps: Map::from_iter([("files".to_owned(), Arc::new(config_map))]),
            referenced: Ok(Set::default()),
            rollout: if rolling { Err(Unfinished::Rolling(Problem::new(Reason::RollingOut, ""))) } else { Ok(()) },
            held_up: None,
            running: Set::default(),
            unconfigured: false,
            rehearsals: Ok(BTreeMap::new()),
            place: None,
            tried: BTreeMap::new(),
        };
        let unseen = || Err(Problem::new(Reason::WorkloadNotFound, ""));
        let tenure = Tenure {
            pods_of: None,
            reference: Some(WorkloadRef::default()),
            named: unseen(),
            target: unseen(),
            applied: Ok(applied),
            handover: Ok(Handover::default()),
        };
        let failure = vec![Failed { region: None, origin: String::new(), check: None, reply: reply() }];
        let evidence = match letter {
            'b' => Evidence::Refused(Weight { fresh: true, firm: true }, failure),
            'r' => Evidence::Refused(Weight { fresh: true, firm: false }, failure),
            'u' => Evidence::Unknown(failure),
            _ => Evidence::Granted(Weight { fresh: true, firm: true }, vec![]),
        };
        let url = PublicUrl::parse(&format!("https://glance{endpoint}.example.com")).unwrap();
        let origin = url.origin().clone();
        let (panel, endpoint) = (Panel::Unknown, url.clone().into());
        let (uploads, page, call, reach) = (None, None, None, Arc::default());
        let question = ProbeTarget { origin, endpoint, panel, uploads, page, address_spaces: false, call, reach };
        let to = Destination {
            region: None,
            named: None,
            partner: Ok(Partner::External(url.clone())),
            endpoint: Ok(url.into()),
            assumed: false,
        };
        let questions = BTreeSet::from([Arc::new(question)]);
        let destination =
            DestinationView { to, glance: None, questions, epoch: None, canary: None, evidence: evidence.clone() };
        let proof = Proof { destinations: vec![destination], evidence, assumptions: Vec::new(), authorities: None };
        (Dashboard::derive(&Snapshot::complete(), &Arc::new(object), Arc::new(tenure)), proof)
    }

    /// One letter for each Horizon, with its own endpoint; N: falls back now, L: later, F: the prober is
    /// suspicious, `-`: stays.
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
        assert_eq!(throttles(letters.chars().enumerate().map(|(n, l)| horizon(n, n, l, false))), expected);
    }

    /// All at one endpoint; capitals are rolling now.
    #[rstest]
    #[case::four_at_once("bbbbbb", "NNNNLL")]
    #[case::others_roll("bbbGG", "NNL--")]
    #[case::many_roll("bGGGG", "L----")]
    fn one_after_the_other(#[case] letters: &str, #[case] expected: &str) {
        let horizon = |(n, l): (usize, char)| horizon(n, 0, l.to_ascii_lowercase(), l.is_uppercase());
        assert_eq!(throttles(letters.chars().enumerate().map(horizon)), expected);
    }

    fn throttles(horizons: impl Iterator<Item = (Dashboard, Proof)>) -> String {
        let key = |dashboard: &Dashboard| dashboard.object.meta.key.clone();
        let horizons = horizons.map(|(dashboard, proof)| (key(&dashboard), Candidate::of(&dashboard, &proof)));
        let horizons: BTreeMap<_, _> = horizons.collect();
        let throttles = all(horizons.iter());
        let letter = |key| match throttles.get(key) {
            None => '-',
            Some(Throttle::Now) => 'N',
            Some(Throttle::Later) => 'L',
            Some(Throttle::Frozen) => 'F',
        };
        horizons.keys().map(letter).collect()
    }
}
