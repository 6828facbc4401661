//! Leader election: one replica is active at a time.
//!
//! In: a Lease in the cluster. Out: whether this replica leads, and a [`Fence`] for its writes. `Election`
//! decides what to request and what answers mean; this file sends the requests.

use std::sync::Arc;

use direct_upload_api::OPERATOR;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as LeaseObject, LeaseSpec};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::election::{ANSWER, DURATION, Election, GIVEN_BACK, LeaseRequest, LeaseResponse};
use crate::apply::fence::{Fence, MARGIN, now};
use crate::run::health::{Health, Pulse};
use crate::run::{Lease, RunError, Settings};

/// Whether this replica is active.
pub struct Leader {
    fence: Fence,
    task: Option<Task>,
    /// Without election: not yet informed that it leads.
    alone: bool,
}

/// The election, in the background.
struct Task {
    leads: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    end: JoinHandle<String>,
}

/// Starts to compete for the lease, or leads immediately if there is none.
///
/// # Errors
/// [`RunError::Leadership`] if the lease cannot be used.
pub async fn follow(client: &Client, settings: &Settings, health: &Arc<Health>) -> Result<Leader, RunError> {
    let alone = Leader { fence: Fence::open(), task: None, alone: true };
    let (namespace, required) = match &settings.lease {
        Lease::None => return Ok(alone),
        Lease::Required(namespace) => (namespace, true),
        Lease::IfAllowed(namespace) => (namespace, false),
    };
    let elector = Elector {
        api: Api::namespaced(client.clone(), namespace),
        name: format!("{OPERATOR}-{}", settings.instance),
        // A container that restarts in the same pod is another process.
        identity: format!("{}_{}", settings.identity, uuid::Uuid::new_v4()),
        fence: Fence::shut(),
        trouble: String::new(),
    };
    match elector.try_out().await {
        Ok(()) => {
            let fence = elector.fence.clone();
            let (told, leads) = watch::channel(false);
            let (stop, stopped) = oneshot::channel();
            let end = tokio::spawn(elector.run(told, stopped, health.begin("leader")));
            Ok(Leader { fence, task: Some(Task { leads, stop, end }), alone: false })
        }
        Err(error) if required || !is_refusal(&error) => Err(RunError::Leadership(format!(
            "the Lease in namespace {namespace} cannot be used: {error}; the operator needs get, create and patch of leases.coordination.k8s.io there"
        ))),
        Err(error) => {
            tracing::warn!(%error, namespace, "no Lease can be used here, so this process runs without leader election; set --lease-namespace where a second one may run");
            Ok(alone)
        }
    }
}

impl Leader {
    /// What lets writes pass while this replica leads.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Whether another replica may have led before.
    pub fn competes(&self) -> bool {
        self.task.is_some()
    }

    /// Waits until this replica becomes active. The returned future ends when it is not any more, and says
    /// why.
    pub async fn changed(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.alone) {
            return Ok(());
        }
        let Some(task) = &mut self.task else { return std::future::pending().await };
        if task.leads.changed().await.is_ok() {
            return Ok(());
        }
        Err((&mut task.end).await.unwrap_or_else(|error| format!("the election ended abnormally: {error}")))
    }

    /// Releases the lease, so that the next replica need not wait until it expires. No write may be in
    /// progress.
    pub async fn release(self) {
        let Some(task) = self.task else { return };
        // An election that has ended has no lease to release.
        if task.stop.send(()).is_ok() && timeout(2 * ANSWER, task.end).await.is_err() {
            tracing::warn!("the Lease was not released; the next replica waits until it expires");
        }
    }
}

/// Sends the requests.
struct Elector {
    api: Api<LeaseObject>,
    name: String,
    identity: String,
    fence: Fence,
    /// The last failure, so that it is reported once.
    trouble: String,
}

impl Elector {
    /// Finds out whether the Lease may be used.
    async fn try_out(&self) -> kube::Result<()> {
        self.api.get_opt(&self.name).await?;
        let params = PostParams { dry_run: true, ..PostParams::default() };
        match self.api.create(&params, &self.object(None)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Runs until another replica leads or this one stops, then says why it does not lead.
    async fn run(mut self, told: watch::Sender<bool>, mut stop: oneshot::Receiver<()>, pulse: Pulse) -> String {
        let mut election = Election::new(self.identity.clone());
        let mut standing = None;
        loop {
            pulse.beat();
            let (when, request) = election.next().clone();
            let turn = async {
                tokio::time::sleep(when.saturating_sub(now())).await;
                let sent = now();
                (sent, self.ask(&request, standing.as_ref()).await)
            };
            let (sent, (answer, seen)) = tokio::select! {
                _ = &mut stop => {
                    self.give_back().await;
                    return "this replica stops".to_owned();
                }
                turn = turn => turn,
            };
            standing = seen.or(standing);
            let led = election.renewed().is_some();
            election.answer(sent, now(), answer);
            if let Some(renewed) = election.renewed() {
                self.fence.permit(renewed + DURATION.saturating_sub(MARGIN));
                if !led {
                    told.send_replace(true);
                }
            }
            if let Some(why) = election.deposed() {
                self.fence.close();
                return why.to_owned();
            }
        }
    }

    /// Sends one request. Returns what the Lease is known to contain after it.
    async fn ask(
        &mut self,
        request: &LeaseRequest,
        standing: Option<&LeaseSpec>,
    ) -> (LeaseResponse, Option<LeaseSpec>) {
        let asked = async {
            Ok::<_, kube::Error>(match request {
                LeaseRequest::Look => {
                    let found = self.api.get_opt(&self.name).await?;
                    let found = found.map(|lease| (version(&lease), lease.spec.unwrap_or_default()));
                    let spec = found.as_ref().map(|(_, spec)| spec.clone());
                    (LeaseResponse::Seen(found), spec)
                }
                LeaseRequest::Prepare => {
                    let spec = LeaseSpec { holder_identity: None, ..self.spec(standing) };
                    let object = LeaseObject { spec: Some(spec), ..self.object(standing) };
                    let made = self.api.create(&PostParams::default(), &object).await?;
                    (LeaseResponse::Prepared, made.spec)
                }
                LeaseRequest::Take(None) => {
                    let taken = self.api.create(&PostParams::default(), &self.object(standing)).await?;
                    (LeaseResponse::Taken(version(&taken)), taken.spec)
                }
                LeaseRequest::Take(Some(version_seen)) => {
                    let spec = json!(self.spec(standing));
                    let taken = self.patch(version_seen, spec).await?;
                    (LeaseResponse::Taken(version(&taken)), taken.spec)
                }
            })
        };
        let error = match timeout(ANSWER, asked).await {
            Ok(Ok(answer)) => {
                self.trouble.clear();
                return answer;
            }
            Ok(Err(kube::Error::Api(status))) if [404, 409].contains(&status.code) => {
                return (LeaseResponse::Conflict, None);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ANSWER.as_secs()),
        };
        if self.trouble != error {
            tracing::warn!(lease = self.name, %error, "the Lease cannot be read or written; trying again");
            self.trouble = error;
        }
        (LeaseResponse::Failed, None)
    }

    /// A merge patch with the version that was seen, because the granted rights do not include update.
    async fn patch(&self, version: &str, spec: Value) -> kube::Result<LeaseObject> {
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": spec});
        let params = PatchParams { field_manager: Some(OPERATOR.to_owned()), ..PatchParams::default() };
        self.api.patch(&self.name, &params, &Patch::Merge(patch)).await
    }

    async fn give_back(&self) {
        let given = async {
            let Some(lease) = self.api.get_opt(&self.name).await? else { return Ok(()) };
            let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
            if holder == Some(self.identity.as_str()) {
                let spec = json!({"holderIdentity": null, "leaseDurationSeconds": GIVEN_BACK});
                self.patch(&version(&lease), spec).await?;
            }
            Ok::<_, kube::Error>(())
        };
        match timeout(ANSWER, given).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the Lease was not released"),
            Err(_) => tracing::warn!("the Lease was not released: no answer within {} s", ANSWER.as_secs()),
        }
    }

    fn object(&self, standing: Option<&LeaseSpec>) -> LeaseObject {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        LeaseObject { metadata, spec: Some(self.spec(standing)) }
    }

    /// The times are for people; no replica reads them.
    fn spec(&self, standing: Option<&LeaseSpec>) -> LeaseSpec {
        let time = k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime(Timestamp::now());
        let before = standing.filter(|spec| spec.holder_identity.as_ref() == Some(&self.identity));
        let transitions = standing.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: before.map_or_else(|| Some(time.clone()), |spec| spec.acquire_time.clone()),
            lease_transitions: Some(if before.is_some() { transitions } else { transitions.saturating_add(1) }),
            renew_time: Some(time),
            ..LeaseSpec::default()
        }
    }
}

/// Whether the API server forbids a Lease there, and is not merely unreachable.
fn is_refusal(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if [403, 404].contains(&status.code))
}

fn version(lease: &LeaseObject) -> String {
    lease.metadata.resource_version.clone().unwrap_or_default()
}
