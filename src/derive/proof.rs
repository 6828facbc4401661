//! What a preflight must show before Horizon's mode changes, and what preflights have shown.

mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::horizon::{HorizonView, Intent, Partner};
use super::problem::Problem;
use crate::api::{HorizonSpec, Reason, Verification};
use crate::observe::{Key, Known, Snapshot};
use crate::verify::{Answered, Epoch, Question, Reach, Reply};

pub use turns::Turn;
pub(super) use turns::take_turns;

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
