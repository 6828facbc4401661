//! Which of the kinds that a cluster may lack are served, asked again and again.
//!
//! In: the API server's discovery, which every ServiceAccount may read and which speaks for
//! CustomResourceDefinitions and aggregated APIs (OpenShift's) alike. Out: the resource of each kind,
//! or that there is none, which is an answer too: then no object of it exists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use direct_upload_core::model::{Kind, Known, Unknown};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use kube::Client;
use kube::api::ApiResource;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How often is asked: so long after its installation a kind is picked up.
const INTERVAL: Duration = Duration::from_secs(15);

/// Group and version, and the kinds in it. An earlier line is preferred.
const OPTIONAL: [(&str, &[Kind]); 3] = [
    ("gateway.networking.k8s.io/v1", &[Kind::HTTPRoute, Kind::Gateway, Kind::ReferenceGrant]),
    ("gateway.networking.k8s.io/v1beta1", &[Kind::ReferenceGrant]),
    ("route.openshift.io/v1", &[Kind::Route]),
];

/// A kind's resource; none if it is not served; or why that is not known.
pub type Answer = Known<Option<ApiResource>>;

/// What is known of each kind; a kind that was not asked for yet is not in it.
pub type Served = BTreeMap<Kind, Answer>;

/// Whether a cluster may lack the kind.
pub fn is_optional(kind: Kind) -> bool {
    OPTIONAL.iter().any(|(_, kinds)| kinds.contains(&kind))
}

/// Asks for ever. The task ends with the handle's owner, or when nobody listens.
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
    for (group_version, kinds) in OPTIONAL {
        let list = client.list_api_group_resources(group_version).await;
        for kind in kinds {
            let answer = match &list {
                Ok(list) => {
                    let of = |r: &&APIResource| r.kind == format!("{kind:?}") && !r.name.contains('/');
                    Ok(list.resources.iter().find(of).map(|r| resource(group_version, &r.kind, &r.name)))
                }
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
                Err(error) => {
                    let why = format!("whether the cluster serves {kind:?} is not known: {error}");
                    Err(Unknown { why, pending: false })
                }
            };
            let entry = served.entry(*kind).or_insert(Ok(None));
            if *entry == Ok(None) {
                *entry = answer;
            }
        }
    }
    served
}

fn resource(api_version: &str, kind: &str, plural: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// Joins an answer to the ones before: a failure to ask changes nothing that is known, and a kind
/// that was served is gone only when it is missing twice in a row.
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
        let some = || Ok(Some(resource("gateway.networking.k8s.io/v1", "Gateway", "gateways")));
        let error = || Err(Unknown { why: "503".into(), pending: false });
        let mut missing = BTreeSet::new();
        let mut before = Served::new();
        let steps: [(Answer, Answer); 10] = [
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
