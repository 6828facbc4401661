//! Stage 6: whose mode may change now because of preflights, among all Horizons.

use std::collections::{BTreeMap, BTreeSet};

use super::destination_view::DestinationView;
use super::horizon::Dashboard;
use super::proof::Proof;
use crate::model::Key;
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

/// Decides for all Horizons which of them may change their mode because of preflights now.
pub fn all(horizons: &[(&Dashboard, &Proof)]) -> BTreeMap<Key, Throttle> {
    let all = || horizons.iter().copied();
    let direct = Dashboard::is_direct;
    let endpoint = |d: &DestinationView| d.to.endpoint.as_ref().ok().map(|endpoint| endpoint.origin().clone());
    let of = |test: &dyn Fn(&DestinationView) -> bool| -> BTreeSet<_> {
        let all = all().filter(|(dashboard, _)| direct(dashboard)).flat_map(|(_, proof)| &proof.destinations);
        all.filter(|d| test(d)).filter_map(endpoint).collect()
    };
    let asked = of(&|d| !d.questions.is_empty());
    let broken = of(&|d| d.evidence.is_broken());
    let frozen = asked.len() >= COMPARABLE && 2 * broken.len() > asked.len();
    let rolling = |(dashboard, _): &(&Dashboard, &Proof)| {
        let rollout = dashboard.tenure.applied.as_ref().ok().and_then(|a| a.rollout.as_ref().err());
        rollout.is_some_and(Unfinished::is_rolling)
    };
    let mut free = AT_ONCE.saturating_sub(all().filter(rolling).count());
    let mut throttles = BTreeMap::new();
    for (dashboard, proof) in all() {
        let throttle = match free {
            _ if !changes_mode(dashboard, proof) => Throttle::default(),
            _ if frozen && proof.evidence.is_broken() => Throttle::Frozen,
            0 => Throttle::Later,
            _ => {
                free -= 1;
                Throttle::Now
            }
        };
        throttles.insert(dashboard.object.meta.key.clone(), throttle);
    }
    throttles
}

/// Whether preflights require another mode than the one in effect. Horizons that start do not count.
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
            reference: WorkloadRef::default(),
            named: unseen(),
            target: unseen(),
            applied: Ok(applied),
            handover: Ok(Handover::default()),
        };
        let failure =
            vec![Failed { region: None, origin: String::new(), reason: Reason::PreflightRefused, reply: reply() }];
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
        let questions = BTreeSet::from([question]);
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
        let horizons = horizons.map(|(dashboard, proof)| (dashboard.object.meta.key.clone(), (dashboard, proof)));
        let horizons: BTreeMap<_, _> = horizons.collect();
        let throttles = all(&horizons.values().map(|(dashboard, proof)| (dashboard, proof)).collect::<Vec<_>>());
        let letter = |(key, throttle): (&Key, &Throttle)| match throttle {
            _ if !changes_mode(&horizons[key].0, &horizons[key].1) => '-',
            Throttle::Now => 'N',
            Throttle::Later => 'L',
            Throttle::Frozen => 'F',
        };
        throttles.iter().map(letter).collect()
    }
}
