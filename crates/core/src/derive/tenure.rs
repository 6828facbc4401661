//! Which workload each resource names, and who manages it if several name the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::{Reason, Rollout, WorkloadKind, WorkloadRef};
use jiff::Timestamp;

use super::target;
use crate::model::{
    Advice, ApiObject, ConfigMap, GlanceObject, HorizonObject, Key, Known, Map, Meta, Problem, ResourceKind, Set,
    Snapshot, Workload, describe,
};
use crate::openstack::{GLANCE, OpenStackService};
use crate::workload::{Applied, Claim, Inventory, Purpose, Target, drain};

/// Naming that a Horizon workload usually has.
const HORIZONS: [&str; 1] = ["horizon"];

/// The workload of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenure {
    /// How the resource names it; none if its spec cannot be read.
    pub reference: Option<WorkloadRef>,
    /// What the resource names, no matter who manages it.
    pub named: Result<Target, Problem>,
    /// The same, if this resource manages it.
    pub target: Result<Target, Problem>,
    /// What the cluster has of ours for the workload that it names; or why there is none, or why that is
    /// unknown.
    pub applied: Result<Applied, Problem>,
    /// The uid of the workload that `applied` is of.
    pub pods_of: Option<Arc<str>>,
    /// What else must be known before anything is released.
    pub handover: Known<Handover>,
}

impl Tenure {
    /// What rolls cost, if one is expected.
    pub(crate) fn cost_of_rolls(&self, is_glance: bool, suspended: bool, rollout: &Rollout) -> Vec<Advice> {
        let Ok(target) = &self.target else { return Vec::new() };
        // Is the first roll about to start?
        let first = self.applied.as_ref().is_ok_and(|applied| applied.mount.is_none());
        let soon = !suspended && rollout.not_before.is_none() && first;
        drain::advice(is_glance, &rollout.drain, target, soon)
    }
}

/// What a resource leaves behind, and to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handover {
    /// Other workloads with this resource's claim.
    pub orphans: Vec<Arc<Workload>>,
    /// Another resource will manage the target when this one is gone.
    pub has_successor: bool,
    /// Naming of this resource's ConfigMaps with which pods of the namespace run, of any workload.
    pub running: Set<String>,
}

/// The workloads of all resources of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tenures {
    pub horizons: Map<Key, Arc<Tenure>>,
    pub glances: Map<Key, Arc<Tenure>>,
    /// Internal APIs of Glances.
    pub internals: Map<Key, Arc<Tenure>>,
    pub apis: Map<Key, Arc<Tenure>>,
}

impl Tenures {
    /// The workloads of all kinds of resources.
    pub fn all(&self) -> impl Iterator<Item = &Tenure> {
        [&self.horizons, &self.glances, &self.internals, &self.apis].into_iter().flat_map(Map::values).map(|t| &**t)
    }

    /// Decides for all of them, which name workloads of their own namespace. Dashboards compete with dashboards, APIs
    /// with APIs.
    pub fn derive(snapshot: &Snapshot, namespace: &str) -> Self {
        let inventory = &Inventory::take(snapshot, namespace);
        let horizons: Vec<_> = snapshot.horizons.seen(namespace).map(|object| of_horizon(inventory, object)).collect();
        let glances: Vec<_> = snapshot.glances.seen(namespace).map(|object| of_glance(inventory, object)).collect();
        let internals: Vec<_> = snapshot
            .glances
            .seen(namespace)
            .zip(&glances)
            .filter_map(|(object, public)| of_internal(snapshot, object, public))
            .collect();
        let apis: Vec<_> = snapshot.apis.seen(namespace).map(|object| of_api(inventory, object)).collect();

        let dashboards = WorkloadClaims::new(&horizons);
        let accepting = WorkloadClaims::new(glances.iter().chain(&internals).chain(&apis));
        let settle = |names: Vec<Naming<'_>>, claims: &WorkloadClaims, orphans: &Orphans<'_>| {
            let one = |names: Naming<'_>| {
                (names.meta.key.clone(), Arc::new(claims.settle(inventory, &names, orphans(&names))))
            };
            names.into_iter().map(one).collect::<Map<_, _>>()
        };
        let own = |names: &Naming<'_>| orphans(inventory, names);
        let internal: BTreeMap<_, _> = internals.iter().map(|i| (&i.meta.key, &i.workload)).collect();
        // A Glance also has a claim on the workload of its internal API.
        let of_glances = |names: &Naming<'_>| match internal.get(&names.meta.key) {
            None => own(names),
            Some(Ok(target)) => {
                let other = |w: &Arc<Workload>| w.meta.uid != target.workload.meta.uid;
                Ok(own(names)?.into_iter().filter(other).collect())
            }
            // Any of them may be the one that is unknown now.
            Some(Err(_)) => Ok(Vec::new()),
        };
        Self {
            horizons: settle(horizons, &dashboards, &own),
            glances: settle(glances, &accepting, &of_glances),
            apis: settle(apis, &accepting, &own),
            internals: settle(internals.clone(), &accepting, &|_| Ok(Vec::new())),
        }
    }
}

/// Other workloads with the claim of a resource.
type Orphans<'a> = dyn Fn(&Naming<'_>) -> Known<Vec<Arc<Workload>>> + 'a;

/// A resource, and the workload that it names.
#[derive(Clone)]
struct Naming<'a> {
    kind: ResourceKind,
    meta: &'a Meta,
    reference: Option<WorkloadRef>,
    workload: Result<Target, Problem>,
    /// What a resource has if its spec cannot be read: what its claim says.
    held: Option<Arc<Workload>>,
}

impl<'a> Naming<'a> {
    fn find(
        inventory: &Inventory<'_>,
        kind: ResourceKind,
        meta: &'a Meta,
        reference: Result<&WorkloadRef, &String>,
        usual: &[&str],
    ) -> Self {
        let (workload, held) = match reference {
            Ok(reference) => (target::find(inventory.snapshot(), &meta.key, reference, usual), None),
            Err(why) => {
                let held = claimed_by(inventory, kind, meta).into_iter().flatten().next().cloned();
                (Err(Problem::new(Reason::Undecodable, why)), held)
            }
        };
        Self { kind, meta, reference: reference.ok().cloned(), workload, held }
    }
}

fn of_horizon<'a>(inventory: &Inventory<'_>, object: &'a HorizonObject) -> Naming<'a> {
    let reference = object.spec.as_ref().map(|spec| &spec.workload_ref);
    Naming::find(inventory, ResourceKind::Horizon, &object.meta, reference, &HORIZONS)
}

fn of_glance<'a>(inventory: &Inventory<'_>, object: &'a GlanceObject) -> Naming<'a> {
    let reference = object.spec.as_ref().map(|spec| &spec.workload_ref);
    Naming::find(inventory, ResourceKind::Glance, &object.meta, reference, GLANCE.workloads)
}

/// The workload of the internal API; none if the resource requests none.
fn of_internal<'a>(snapshot: &Snapshot, object: &'a GlanceObject, public: &Naming<'_>) -> Option<Naming<'a>> {
    let api = object.spec.as_ref().ok()?.apis.internal.as_ref().filter(|_| object.meta.deleting.is_none())?;
    let is_public = |t: &Target| public.workload.as_ref().is_ok_and(|own| own.workload.meta.uid == t.workload.meta.uid);
    let workload = match target::find(snapshot, &object.meta.key, &api.workload_ref, &[]) {
        Ok(target) if is_public(&target) => Err(Problem::new(
            Reason::InvalidSpec,
            "workloadRef names the resource's own workload, which is the public API; name another one",
        )),
        found => found,
    };
    Some(Naming {
        kind: ResourceKind::Glance,
        meta: &object.meta,
        reference: Some(api.workload_ref.clone()),
        workload,
        held: None,
    })
}

fn of_api<'a>(inventory: &Inventory<'_>, object: &'a ApiObject) -> Naming<'a> {
    let (reference, usual) = match &object.spec {
        Ok(spec) => (Ok(&spec.workload_ref), <&OpenStackService>::from(spec.service).workloads),
        Err(why) => (Err(why), [].as_slice()),
    };
    Naming::find(inventory, ResourceKind::OpenStackApi, &object.meta, reference, usual)
}

/// Workloads of the namespace with a resource's claim.
fn claimed_by<'a>(inventory: &Inventory<'a>, kind: ResourceKind, meta: &Meta) -> Known<Vec<&'a Arc<Workload>>> {
    inventory.claimed(&Claim::new(kind, meta).to_string())
}

/// Workloads of the namespace with this resource's claim that it does not name.
fn orphans(inventory: &Inventory<'_>, names: &Naming<'_>) -> Known<Vec<Arc<Workload>>> {
    let is_named = |w: &Workload| {
        names.workload.as_ref().is_ok_and(|t| t.workload.kind == w.kind && t.workload.meta.key == w.meta.key)
    };
    let claimed = claimed_by(inventory, names.kind, names.meta)?;
    Ok(claimed.into_iter().filter(|w| !is_named(w)).cloned().collect())
}

/// Naming of a resource's ConfigMaps with which pods of its namespace run.
fn running(inventory: &Inventory<'_>, names: &Naming<'_>) -> Known<Set<String>> {
    let is_for = |c: &ConfigMap| Purpose::of(&c.meta) == Some(Purpose::Files(names.kind));
    let ours = inventory.named_after(&names.meta.key.name)?.filter(|c| is_for(c)).map(|c| &c.meta.key.name);
    ours.filter_map(|name| inventory.runs_with(name).map(|runs| runs.then(|| name.clone())).transpose()).collect()
}

/// Whether all resources are known that may name the same workload. They are in the same namespace.
fn rivals(snapshot: &Snapshot, names: &Naming<'_>) -> Known<()> {
    let namespace = &names.meta.key.namespace;
    if names.kind == ResourceKind::Horizon {
        return snapshot.horizons.known(namespace);
    }
    snapshot.glances.known(namespace).and_then(|()| snapshot.apis.known(namespace))
}

/// Age of a resource: the oldest comes first.
type Age = (Timestamp, String, Key);

/// Who claims which workload, oldest first; resources that are being deleted come last.
struct WorkloadClaims(BTreeMap<(WorkloadKind, Key), Vec<(bool, Age)>>);

impl WorkloadClaims {
    fn new<'a, 'b: 'a>(resources: impl IntoIterator<Item = &'a Naming<'b>>) -> Self {
        let mut claims: BTreeMap<_, Vec<(bool, Age)>> = BTreeMap::new();
        for Naming { meta, workload, held, .. } in resources {
            let named = workload.as_ref().ok().map(|target| &target.workload);
            if let Some(workload) = named.or(held.as_ref()) {
                let key = (workload.kind, workload.meta.key.clone());
                let age = (meta.born(), meta.uid.clone(), meta.key.clone());
                claims.entry(key).or_default().push((meta.deleting.is_some(), age));
            }
        }
        for list in claims.values_mut() {
            list.sort();
        }
        Self(claims)
    }

    /// Refuses the target to all but the oldest resource.
    fn settle(&self, inventory: &Inventory<'_>, resource: &Naming<'_>, orphans: Known<Vec<Arc<Workload>>>) -> Tenure {
        let (reference, named) = (resource.reference.clone(), resource.workload.clone());
        let handover = |has_successor| -> Known<Handover> {
            rivals(inventory.snapshot(), resource)?;
            Ok(Handover { orphans: orphans?, has_successor, running: running(inventory, resource)? })
        };
        let workload = named.as_ref().map(|target| &target.workload);
        let read = workload.or_else(|problem| resource.held.as_ref().ok_or(problem));
        let pods_of = read.ok().map(|workload| workload.meta.uid.as_str().into());
        let applied = match read {
            Ok(workload) => Applied::find(inventory, workload, &resource.meta.key.name).map_err(Problem::from),
            Err(problem) => Err(problem.clone()),
        };
        let Ok(target) = &named else {
            return Tenure { reference, target: named.clone(), named, applied, pods_of, handover: handover(false) };
        };
        let (workload, meta) = (&target.workload, resource.meta);
        let all = self.0.get(&(workload.kind, workload.meta.key.clone())).map_or(&[][..], Vec::as_slice);
        let is_other = |age: &Age| age.1 != meta.uid || age.2 != meta.key;
        let has_successor = all.iter().any(|(deleting, other)| !deleting && is_other(other));
        let first = all.first().map(|(_, age)| age).filter(|first| is_other(first) && meta.deleting.is_none());
        let target = match first {
            Some((_, _, first)) => {
                let name = describe(workload.kind, &workload.meta.key);
                let message = format!("{name} is already managed by {first}, which is older");
                Err(Problem::new(Reason::WorkloadClaimed, message))
            }
            None => Ok(target.clone()),
        };
        Tenure { reference, named, target, applied, pods_of, handover: handover(has_successor) }
    }
}
