//! What a preflight must show before Horizon's mode changes, and what preflights have shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::horizon::{HorizonView, Intent, Partner};
use super::problem::Problem;
use crate::api::{Fallback, HorizonSpec, Reason, Verification};
use crate::observe::{Key, Known, Snapshot};
use crate::verify::{Answered, Epoch, Question, Reach, Reply};

/// Horizons that change their mode because of preflights, at the same time.
const AT_ONCE: usize = 4;
/// With so many endpoints or more, most of them refusing at once casts doubt on the prober.
const COMPARABLE: usize = 3;

/// What is to be proven for one Horizon, and what has been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// What is asked; nothing where no answer would matter.
    pub questions: BTreeSet<Question>,
    /// The state of the server that is asked.
    pub epoch: Epoch,
    pub evidence: Evidence,
    pub turn: Turn,
    /// The ConfigMap with certificate authorities.
    pub source: Option<Key>,
}

/// What preflights have shown, over all origins: the worst counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Evidence {
    /// Nothing is asked.
    #[default]
    None,
    /// There is no verdict yet.
    Pending,
    /// A browser would send the upload.
    Granted(Weight, Vec<String>),
    /// It would not: origin and why.
    Refused(Weight, Vec<(String, Reply)>),
    /// The operator gets no answer: origin and how far it came.
    Unknown(Vec<(String, Reply)>),
}

/// How much a verdict counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// It speaks of what Glance's pods run with now.
    pub fresh: bool,
    /// It has lasted ([`crate::verify::ledger::FIRM`]).
    pub firm: bool,
}

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

/// Fills in what is asked for a Horizon, and what is known of it.
pub(super) fn fill(snapshot: &Snapshot, view: &mut HorizonView) {
    let Ok(spec) = &view.object.spec else { return };
    let asked = view.object.meta.deleting.is_none()
        && view.intent == Intent::Direct
        && spec.directly_verified()
        && view.target.is_ok();
    let (Ok(endpoint), Ok(origins), true) = (&view.endpoint, view.origins(), asked) else { return };
    let mut proof = Proof { source: ca(&view.object.meta.key, spec), epoch: epoch(view), ..Proof::default() };
    proof.evidence = match reach(snapshot, view, spec, proof.source.as_ref()) {
        Err(unknown) if unknown.pending => Evidence::Pending,
        Err(unknown) => Evidence::Unknown(vec![(endpoint.to_string(), no_ca(unknown.why))]),
        Ok(reach) => {
            let reach = Arc::new(reach);
            let question = |origin| Question { origin, endpoint: endpoint.clone().into(), reach: reach.clone() };
            proof.questions = origins.into_iter().map(question).collect();
            evidence(snapshot, &proof)
        }
    };
    view.proof = proof;
}

impl HorizonSpec {
    fn directly_verified(&self) -> bool {
        self.direct_upload.enabled && self.direct_upload.verification != Verification::Off
    }
}

/// Which state of Glance an answer would speak of: none while it is being rolled.
fn epoch(view: &HorizonView) -> Epoch {
    match (&view.partner, &view.glance) {
        (Ok(Partner::External(url)), _) => Some(url.to_string()),
        (Ok(Partner::Glance(_)), Some(glance)) => {
            let origins = view.origins().unwrap_or_default();
            let accepted = glance.accepts.as_ref().is_ok_and(|accepts| origins.is_subset(accepts));
            glance.config_map.clone().filter(|_| accepted && glance.rolled_out.is_ok())
        }
        _ => None,
    }
}

fn ca(key: &Key, spec: &HorizonSpec) -> Option<Key> {
    let named = spec.direct_upload.probe.ca_config_map.as_ref()?;
    Some(Key::new(key.namespace.clone(), named.name.clone()))
}

fn reach(snapshot: &Snapshot, view: &HorizonView, spec: &HorizonSpec, source: Option<&Key>) -> Known<Reach> {
    let hosts = view.hosts.clone();
    let Some(source) = source.filter(|_| !snapshot.answers.are_assumed()) else {
        return Ok(Reach { ca: String::new(), hosts });
    };
    let named = spec.direct_upload.probe.ca_config_map.as_ref().and_then(|c| c.key.as_deref()).unwrap_or("ca.crt");
    let missing = |what: &str| crate::observe::Unknown { why: format!("ConfigMap {source} {what}"), pending: false };
    let config_map = snapshot.sources.get_named(source)?.ok_or_else(|| missing("does not exist"))?;
    let ca = config_map.data.get(named).cloned().ok_or_else(|| missing(&format!("has no key {named:?}")))?;
    Ok(Reach { ca, hosts })
}

fn no_ca(why: String) -> Reply {
    Reply {
        rule: None,
        requirement: "certificate".into(),
        message: why,
        received: String::new(),
        fix: "put the certificate authorities there, or change spec.directUpload.probe.caConfigMap".into(),
    }
}

/// Reads `spec.directUpload.probe.hostAliases`.
///
/// # Errors
/// An address that is none.
pub(super) fn hosts(spec: &HorizonSpec) -> Result<BTreeMap<String, std::net::IpAddr>, Problem> {
    let mut hosts = BTreeMap::new();
    for alias in &spec.direct_upload.probe.host_aliases {
        let address = alias.ip.parse().map_err(|_| {
            let message = format!("spec.directUpload.probe.hostAliases: {:?} is no IP address", alias.ip);
            Problem::new(Reason::InvalidSpec, message)
        })?;
        for name in &alias.hostnames {
            hosts.entry(name.to_lowercase()).or_insert(address);
        }
    }
    Ok(hosts)
}

fn evidence(snapshot: &Snapshot, proof: &Proof) -> Evidence {
    let (mut refused, mut unknown, mut advice) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut weight = Weight { fresh: true, firm: true };
    // A refusal counts as much as its own answers do; a grant as the least of all.
    let mut against = Weight { fresh: false, firm: false };
    let mut pending = proof.questions.is_empty();
    for question in &proof.questions {
        let Some(standing) = snapshot.answers.get(question, &proof.epoch) else {
            pending = true;
            continue;
        };
        let fresh = proof.epoch.as_ref() == Some(&standing.epoch);
        weight = Weight { fresh: weight.fresh && fresh, firm: weight.firm && standing.firm };
        match standing.verdict {
            Answered::Granted(unwise) => advice.extend(unwise),
            Answered::Refused(reply) => {
                let (fresh, firm) = (against.fresh || fresh, against.firm || (fresh && standing.firm));
                against = Weight { fresh, firm };
                refused.push((question.origin.to_string(), reply));
            }
            Answered::Unknown(reply) => unknown.push((question.origin.to_string(), reply)),
        }
    }
    match (refused.is_empty(), pending, unknown.is_empty()) {
        (false, ..) => Evidence::Refused(against, refused),
        (_, true, _) => Evidence::Pending,
        (_, _, false) => Evidence::Unknown(unknown),
        _ => Evidence::Granted(weight, advice.into_iter().collect()),
    }
}

/// Decides who may change a mode because of preflights now, among all Horizons.
pub(super) fn take_turns(horizons: &mut BTreeMap<Key, HorizonView>) {
    let direct = |v: &&HorizonView| v.applied.as_ref().is_some_and(super::Applied::sets_direct);
    let endpoint = |v: &HorizonView| v.endpoint.as_ref().ok().map(|url| url.origin().clone());
    let of = |test: &dyn Fn(&HorizonView) -> bool| -> BTreeSet<_> {
        horizons.values().filter(direct).filter(|v| test(v)).filter_map(endpoint).collect()
    };
    let asked = of(&|v| !v.proof.questions.is_empty());
    let broken = of(&|v| v.proof.is_broken());
    let frozen = asked.len() >= COMPARABLE && 2 * broken.len() > asked.len();
    let rolling = |v: &&HorizonView| {
        let rollout = v.applied.as_ref().and_then(|a| a.rollout.as_ref().err());
        rollout.is_some_and(|problem| problem.reason == Reason::RollingOut)
    };
    let mut free = AT_ONCE.saturating_sub(horizons.values().filter(rolling).count());
    for view in horizons.values_mut().filter(|v| v.changes_mode()) {
        let breaks = view.proof.is_broken();
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

impl Proof {
    /// Whether the path is refused so long and so often that falling back is due.
    pub fn is_broken(&self) -> bool {
        matches!(self.evidence, Evidence::Refused(Weight { fresh: true, firm: true }, _))
    }

    /// Whether it is granted by the server as it is now; `firm`: and has been for long enough.
    pub fn is_granted(&self, firm: bool) -> bool {
        matches!(&self.evidence, Evidence::Granted(weight, _) if weight.fresh && (weight.firm || !firm))
    }
}

impl HorizonView {
    /// Whether preflights ask for another mode than the one that is in force: those that begin are
    /// not meant.
    fn changes_mode(&self) -> bool {
        let Some(applied) = &self.applied else { return false };
        let falls = applied.sets_direct() && self.proof.is_broken() && self.falls_back();
        falls || (applied.mount.is_none() && self.backed_out().is_some() && self.proof.is_granted(true))
    }

    /// Whether a broken path makes it fall back.
    pub fn falls_back(&self) -> bool {
        self.object.spec.as_ref().is_ok_and(|spec| spec.direct_upload.fallback == Fallback::Legacy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::applied::Applied;
    use super::*;
    use crate::check::Rule;
    use crate::derive::PublicUrl;
    use crate::observe::{ConfigMap, HorizonObject, Meta};
    use crate::plan::mount::Mount;
    use crate::render::File;
    use rstest::rstest;

    fn reply() -> Reply {
        Reply {
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
        let text = "HORIZON_IMAGES_UPLOAD_MODE = 'direct'".to_owned();
        let config_map = ConfigMap { data: BTreeMap::from([("x.py".to_owned(), text)]), ..ConfigMap::default() };
        let files: [File; 0] = [];
        view.applied = Some(Applied {
            mount: Some(Mount::of(&crate::observe::Container::default(), "files", &files, "")),
            config_maps: Ok(BTreeMap::from([("files".to_owned(), Arc::new(config_map))])),
            referenced: Ok(BTreeSet::new()),
            rollout: if rolling { Err(Problem::new(Reason::RollingOut, "")) } else { Ok(()) },
            running: BTreeSet::new(),
            bare: false,
            rehearsals: Ok(BTreeMap::new()),
        });
        let failure = vec![(String::new(), reply())];
        view.proof.evidence = match letter {
            'b' => Evidence::Refused(Weight { fresh: true, firm: true }, failure),
            'r' => Evidence::Refused(Weight { fresh: true, firm: false }, failure),
            'u' => Evidence::Unknown(failure),
            _ => Evidence::Granted(Weight { fresh: true, firm: true }, vec![]),
        };
        let origin = url.origin().clone();
        let question = Question { origin, endpoint: url.clone().into(), reach: Arc::default() };
        view.proof.questions.insert(question);
        view.endpoint = Ok(url);
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
