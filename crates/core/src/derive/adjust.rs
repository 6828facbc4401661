//! What the operator writes on the objects that lead browsers to Glance, if `spec.exposure.manage` requests
//! it. Pure.
//!
//! In: those objects, and the issues on them. Out: [`Adjustment`]s, one for each object to write, and the
//! reason for each object that does not change. An annotation that somebody else has set belongs to them,
//! whatever its value. An object that also leads elsewhere does not change, because its annotations apply
//! to all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use direct_upload_api::{ExposureKind, Rule, is_ours};

use super::exposing_object::ExposingObject;
use super::exposure_issue::{self, ExposureIssue};
use super::glance::ImageService;
use crate::model::{
    Advice, FieldPath, Id, Ingress, Key, Known, Meta, Owners, RefusedWrite, ResourceKind, Route, Snapshot,
};
use crate::workload::{Claim, annotations};

/// An object on which our annotations must change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    pub kind: ExposureKind,
    pub key: Key,
    pub uid: String,
    /// The annotations that must be ours. Empty: remove ours.
    pub annotations: BTreeMap<String, String>,
    /// The API server refused exactly this write.
    pub refused: Option<RefusedWrite>,
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

/// What [`derive()`] finds.
#[derive(Debug)]
pub struct Adjustments {
    /// Unknown until all objects are seen that may have annotations of ours.
    pub adjustments: Known<Vec<Adjustment>>,
    /// Why a whole object does not change.
    left: BTreeMap<Id, String>,
}

/// An object whose annotations configure its controller.
struct Annotated<'a> {
    kind: ExposureKind,
    meta: &'a Meta,
    annotations: &'a BTreeMap<String, String>,
    owners: &'a Owners,
}

impl Annotated<'_> {
    fn is_ours(&self, annotation: &str) -> bool {
        self.owners.get(annotation).is_some_and(|owner| is_ours(owner))
    }

    /// Whether there is nothing to write. A claim that somebody else put there (for example with a copy of
    /// the object) does not count as ours.
    fn is_settled(&self, wanted: &BTreeMap<String, String>, claimed: bool) -> bool {
        let mut ours = self.annotations.iter().filter(|(name, _)| self.is_ours(name));
        if wanted.is_empty() {
            return !claimed || (!self.is_ours(annotations::CLAIM) && ours.next().is_none());
        }
        claimed && ours.eq(wanted)
    }

    fn object(&self) -> Id {
        Id { kind: self.kind.to_string(), key: self.meta.key.clone() }
    }

    fn is(&self, through: &ExposingObject) -> bool {
        through.annotations().is_some() && through.object() == self.object()
    }
}

impl<'a> From<&'a Arc<Ingress>> for Annotated<'a> {
    fn from(ingress: &'a Arc<Ingress>) -> Self {
        let Ingress { meta, annotations, owners, .. } = &**ingress;
        Self { kind: ExposureKind::Ingress, meta, annotations, owners }
    }
}

impl<'a> From<&'a Arc<Route>> for Annotated<'a> {
    fn from(route: &'a Arc<Route>) -> Self {
        let Route { meta, annotations, owners, .. } = &**route;
        Self { kind: ExposureKind::Route, meta, annotations, owners }
    }
}

/// What to write for a Glance.
pub fn derive(snapshot: &Snapshot, glance: &ImageService) -> Adjustments {
    let mut left = BTreeMap::new();
    let adjustments = adjustments(snapshot, glance, &mut left);
    Adjustments { adjustments, left }
}

fn adjustments(snapshot: &Snapshot, glance: &ImageService, left: &mut BTreeMap<Id, String>) -> Known<Vec<Adjustment>> {
    let mut adjustments = Vec::new();
    let Some(through) = managed(glance) else { return Ok(adjustments) };
    let meta = &glance.object.meta;
    let claim = Claim::new(ResourceKind::Glance, meta);
    let namespace = &meta.key.namespace;
    let ingresses = snapshot.ingresses.list(namespace)?.map(Annotated::from);
    for object in ingresses.chain(snapshot.routes.list(namespace)?.map(Annotated::from)) {
        let claimed = Claim::read(object.meta).filter(|claim| claim.is_by(ResourceKind::Glance));
        let leads = through.iter().find(|through| object.is(through));
        let wanted = match leads.map(|through| (through, why_left(snapshot, through, claimed.as_ref(), meta))) {
            None => BTreeMap::new(),
            Some((through, None)) => remedies(through),
            Some((_, Some(why))) => {
                left.insert(object.object(), why);
                BTreeMap::new()
            }
        };
        if !object.is_settled(&wanted, claimed.is_some_and(|claim| claim.is(meta))) {
            let mut annotations = wanted;
            if !annotations.is_empty() {
                annotations.insert(annotations::CLAIM.to_owned(), claim.to_string());
            }
            let refused = snapshot.refused_writes.get(&(object.kind, object.meta.key.clone()));
            adjustments.push(Adjustment {
                kind: object.kind,
                key: object.meta.key.clone(),
                uid: object.meta.uid.clone(),
                refused: refused.filter(|refusal| refusal.annotations == annotations).cloned(),
                annotations,
            });
        }
    }
    Ok(adjustments)
}

/// The objects that we may adjust; none if this is not requested any more. `None` while it is unknown; then
/// nothing changes.
fn managed(glance: &ImageService) -> Option<&[ExposingObject]> {
    if glance.public.resource.terminating {
        return None;
    }
    if glance.object.meta.deleting.is_some() || !glance.object.spec.as_ref().ok()?.exposure.manage {
        return Some(&[]);
    }
    glance.public.tenure.target.as_ref().ok()?;
    match &glance.exposures {
        Ok(exposures) => Some(&exposures.exposing),
        Err(problem) if problem.is_unknown() => None,
        Err(_) => Some(&[]),
    }
}

/// Why an object does not change.
fn why_left(snapshot: &Snapshot, through: &ExposingObject, claimed: Option<&Claim>, meta: &Meta) -> Option<String> {
    let (ExposingObject::Ingress(_, others) | ExposingObject::Route(_, others)) = through else { return None };
    if !others.is_empty() {
        return Some(format!("it also leads to {}, and its annotations would apply there, too", others.join(", ")));
    }
    let other = claimed.filter(|claim| !claim.is(meta))?;
    let lives = match snapshot.glances.get(&other.key) {
        Ok(glance) => glance.is_some_and(|glance| other.is(&glance.meta)),
        // What cannot be seen keeps what it has.
        Err(_) => true,
    };
    lives.then(|| format!("Glance {} manages it", other.key))
}

/// What uploads need and nobody else has set, as if our annotations were not there.
fn remedies(through: &ExposingObject) -> BTreeMap<String, String> {
    let theirs = |annotations: &BTreeMap<String, String>, owners: &Owners| -> BTreeMap<String, String> {
        let ours = |name: &String| owners.get(name).is_some_and(|owner| is_ours(owner));
        annotations.iter().filter(|(name, _)| !ours(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    let (bare, annotations) = match through {
        ExposingObject::Ingress(ingress, others) => {
            let annotations = theirs(&ingress.annotations, &ingress.owners);
            let bare = Ingress { annotations: annotations.clone(), ..Ingress::clone(ingress) };
            (ExposingObject::Ingress(Arc::new(bare), others.clone()), annotations)
        }
        ExposingObject::Route(route, others) => {
            let annotations = theirs(&route.annotations, &route.owners);
            let bare = Route { annotations: annotations.clone(), ..Route::clone(route) };
            (ExposingObject::Route(Arc::new(bare), others.clone()), annotations)
        }
        ExposingObject::HttpRoute(..) | ExposingObject::Other(..) => return BTreeMap::new(),
    };
    let remedies = exposure_issue::find([&bare], &BTreeSet::new()).into_iter().filter_map(|issue| issue.remedy);
    let free = remedies.filter(|(name, _)| !annotations.contains_key(name));
    free.map(|(name, value)| (name, value.to_owned())).collect()
}

/// The field that lets the operator set annotations.
fn manage() -> FieldPath {
    FieldPath::new(&["spec", "exposure", "manage"])
}

impl Adjustments {
    /// What to report about the objects that lead browsers to a Glance. `wanted`: some dashboard uploads through them.
    pub fn of_exposures(&self, glance: &ImageService, issues: &[ExposureIssue], wanted: bool) -> Vec<Advice> {
        let Ok(exposures) = &glance.exposures else { return Vec::new() };
        let manages = glance.manages_exposure();
        let tell = |issue: &ExposureIssue| {
            if manages { self.advice(issue, &exposures.exposing, wanted) } else { issue.advice(wanted) }
        };
        let mut advice: Vec<_> = issues.iter().map(tell).collect();
        if manages && exposures.is_stated() {
            let found = "with spec.publicURL the operator reads no exposing object, so it manages none";
            let stated = Advice::new(found).field(manage());
            advice.push(stated.fix("name them in spec.exposedBy instead"));
        }
        advice
    }

    /// What to report about an issue if the operator should fix it.
    fn advice(&self, issue: &ExposureIssue, through: &[ExposingObject], wanted: bool) -> Advice {
        let advice = issue.advice(wanted);
        match self.why(issue, through) {
            Some(why) => advice.fix(format!("{}; spec.exposure.manage does not change it: {why}", issue.fix)),
            None => advice,
        }
    }

    fn why(&self, issue: &ExposureIssue, through: &[ExposingObject]) -> Option<String> {
        if issue.object.is_a(ExposureKind::HTTPRoute) {
            let timeout = issue.rule == Rule::TooSlow;
            return timeout.then(|| "all rules of an HTTPRoute are one field, which belongs to its author".to_owned());
        }
        let (annotation, _) = issue.remedy.as_ref()?;
        if let Some(why) = self.left.get(&issue.object) {
            return Some(why.clone());
        }
        let through = through.iter().find(|through| through.object() == issue.object)?;
        let (annotations, owners) = through.annotations()?;
        annotations.get(annotation)?;
        let who = owners.get(annotation).map_or("somebody else", String::as_str);
        Some(format!("the field manager {who:?} has set it"))
    }

    /// What to report about refused writes.
    pub fn refusals(&self) -> impl Iterator<Item = Advice> {
        let refused = self.adjustments.iter().flatten().filter_map(|adjustment| adjustment.refused.as_ref());
        refused.map(|refused| Advice::new(&refused.why).field(manage()))
    }
}
