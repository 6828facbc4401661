//! Which of the kinds that a cluster may lack it serves. Asked repeatedly.
//!
//! In: the API server's discovery, which every ServiceAccount may read. It covers CustomResourceDefinitions
//! and aggregated APIs (OpenShift's) alike. Out: the resource of each kind, or that there is none. If there
//! is none, no object of the kind exists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use direct_upload_core::model::{Kind, Known, Unknown};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, APIResource, APIResourceList};
use kube::Client;
use kube::api::ApiResource;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How often to ask. A kind is found this long after its installation.
const INTERVAL: Duration = Duration::from_secs(15);

/// A kind's resource; none if it is not served; or why that is unknown.
pub type Availability = Known<Option<ApiResource>>;

/// What is known about each kind. A kind that was never asked for is missing.
pub type Served = BTreeMap<Kind, Availability>;

/// Asks forever. The task ends with the handle's owner, or when nobody listens.
pub fn start(client: Client) -> (watch::Receiver<Served>, AbortHandle) {
    let (sender, receiver) = watch::channel(Served::new());
    let task = tokio::spawn(async move {
        let mut missing = BTreeSet::new();
        loop {
            let now = ask(&client).await;
            let settled = settle(&sender.borrow(), now, &mut missing);
            sender.send_if_modified(|before| {
                let changed = *before != settled;
                *before = settled;
                changed
            });
            tokio::time::sleep(INTERVAL).await;
        }
    });
    (receiver, task.abort_handle())
}

async fn ask(client: &Client) -> Served {
    let mut served = Served::new();
    let mut lists = BTreeMap::new();
    let groups = client.list_api_groups().await;
    for kind in Kind::ALL.iter().copied().filter(|kind| kind.registration().optional) {
        let entry = served.entry(kind).or_insert(Ok(None));
        for api_version in kind.registration().api_versions {
            match &groups {
                // A group that the cluster lacks costs no separate request.
                Ok(groups) if !has(groups, api_version) => continue,
                Ok(_) => {}
                Err(error) => *entry = Err(unasked(kind, error)),
            }
            if groups.is_ok() && !lists.contains_key(api_version) {
                lists.insert(api_version, client.list_api_group_resources(api_version).await);
            }
            if let (Ok(None), Some(list)) = (&entry, lists.get(api_version)) {
                *entry = answer(kind, api_version, list);
            }
        }
    }
    served
}

fn has(groups: &APIGroupList, api_version: &str) -> bool {
    groups.groups.iter().flat_map(|group| &group.versions).any(|version| version.group_version == api_version)
}

fn unasked(kind: Kind, error: &kube::Error) -> Unknown {
    let why = format!("the operator does not know whether the cluster serves {}: {error}", kind.registration().name);
    Unknown { why, pending: false }
}

/// What one version's list says about a kind.
fn answer(kind: Kind, api_version: &str, list: &Result<APIResourceList, kube::Error>) -> Availability {
    let registration = kind.registration();
    let of = |resource: &APIResource| resource.kind == registration.name && resource.name == registration.plural;
    match list {
        Ok(list) => Ok(list.resources.iter().any(of).then(|| registration.resource(api_version))),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(unasked(kind, error)),
    }
}

/// Merges an answer into the earlier ones. A failed request changes nothing that is known. A kind that was
/// served counts as gone only if it is missing twice in a row.
fn settle(before: &Served, now: Served, missing: &mut BTreeSet<Kind>) -> Served {
    let settled = now.into_iter().map(|(kind, answer)| {
        let known = before.get(&kind).filter(|answer| answer.is_ok());
        let was_served = matches!(known, Some(Ok(Some(_))));
        let absent = answer == Ok(None);
        let first_time = absent && was_served && missing.insert(kind);
        if !absent && answer.is_ok() {
            missing.remove(&kind);
        }
        let keep = first_time || answer.is_err();
        (kind, known.filter(|_| keep).cloned().unwrap_or(answer))
    });
    settled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_after_the_other() {
        let some = || Ok(Some(Kind::Gateway.resource()));
        let error = || Err(Unknown { why: "503".into(), pending: false });
        let mut missing = BTreeSet::new();
        let mut before = Served::new();
        let steps: [(Availability, Availability); 10] = [
            (error(), error()),
            (Ok(None), Ok(None)),
            (error(), Ok(None)),
            (some(), some()),
            (error(), some()),
            (Ok(None), some()),
            (some(), some()),
            (Ok(None), some()),
            (error(), some()),
            (Ok(None), Ok(None)),
        ];
        for (nth, (now, expected)) in steps.into_iter().enumerate() {
            before = settle(&before, Served::from([(Kind::Gateway, now)]), &mut missing);
            assert_eq!(before[&Kind::Gateway], expected, "step {nth}");
        }
    }
}
