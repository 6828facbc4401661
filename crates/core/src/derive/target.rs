//! Which workload and container a resource means.

use std::sync::Arc;

use direct_upload_api::{Reason, WorkloadKind, WorkloadRef};

use crate::model::{Container, Key, Problem, Snapshot, Workload, describe};
use crate::workload::Target;

/// Finds the workload and the container.
///
/// `guesses` are names to try after the resource's own name if none is given.
///
/// # Errors
/// [`Problem`] if there is none, if several match, or if workloads cannot be seen.
pub fn find(snapshot: &Snapshot, key: &Key, reference: &WorkloadRef, guesses: &[&str]) -> Result<Target, Problem> {
    let workload = match &reference.name {
        Some(name) => named(snapshot, key, reference.kind, name)?,
        None => guessed(snapshot, key, reference.kind, guesses)?,
    };
    if let Some(owner) = workload.owner.as_ref().filter(|_| !reference.allow_owned) {
        return Err(Problem::new(
            Reason::WorkloadOwned,
            format!(
                "{} is owned by {owner}, which would undo every change; configure that controller instead, or set spec.workloadRef.allowOwned: true",
                describe(workload.kind, &workload.meta.key)
            ),
        ));
    }
    let container = container(&workload, key, reference)?;
    Ok(Target { workload, container })
}

fn named(snapshot: &Snapshot, key: &Key, kind: WorkloadKind, name: &str) -> Result<Arc<Workload>, Problem> {
    let wanted = Key::new(key.namespace.clone(), name);
    match snapshot.workloads(kind).get(&wanted)? {
        Some(workload) => Ok(workload.clone()),
        None => Err(Problem::new(
            Reason::WorkloadNotFound,
            format!("there is no {} (spec.workloadRef)", describe(kind, &wanted)),
        )),
    }
}

fn guessed(snapshot: &Snapshot, key: &Key, kind: WorkloadKind, guesses: &[&str]) -> Result<Arc<Workload>, Problem> {
    let store = snapshot.workloads(kind);
    let mut names = guesses.to_vec();
    // The resource's own name is the documented default. If it is also a usual name, another workload with
    // a usual name could be meant.
    if !guesses.contains(&key.name.as_str()) {
        if let Some(own) = store.get(key)? {
            return Ok(own.clone());
        }
        names.insert(0, &key.name);
    }
    let mut found = Vec::new();
    for name in &names {
        found.extend(store.get(&Key::new(key.namespace.clone(), *name))?);
    }
    match found.as_slice() {
        [one] => Ok(Arc::clone(one)),
        [] => Err(Problem::new(
            Reason::WorkloadNotFound,
            format!("there is no {kind} {} in namespace {}; set spec.workloadRef", names.join(" or "), key.namespace),
        )),
        several => Err(Problem::new(
            Reason::WorkloadAmbiguous,
            format!(
                "several workloads match: {}; set spec.workloadRef.name",
                several.iter().map(|w| describe(kind, &w.meta.key)).collect::<Vec<_>>().join(" or ")
            ),
        )),
    }
}

pub fn container(workload: &Workload, key: &Key, reference: &WorkloadRef) -> Result<Arc<Container>, Problem> {
    let containers = &workload.template.containers;
    let of_name = |name: &str| containers.iter().find(|c| c.name == name);
    let found = match &reference.container {
        Some(name) => of_name(name),
        None => match containers.as_slice() {
            [only] => Some(only),
            _ => of_name(&workload.meta.key.name).or_else(|| of_name(&key.name)),
        },
    };
    found.cloned().ok_or_else(|| {
        let names = containers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        Problem::new(
            Reason::ContainerUnknown,
            format!(
                "{} has the containers {names}; name one in spec.workloadRef.container",
                describe(workload.kind, &workload.meta.key)
            ),
        )
    })
}
