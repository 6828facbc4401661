//! `detach`: lets go of the resources without touching a workload, for an operator that is leaving or gone.
//!
//! In: a cluster in which no operator acts. Out: resources without our finalizer; deleting them then
//! waits for nobody. All that stands in workloads stays, so uploads go on as they did.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args as ClapArgs;
use direct_upload_api::{FINALIZER, Glance, Horizon, OPERATOR, OpenStackAPI};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use thiserror::Error;

use super::output;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator detach --all-namespaces
  direct-upload-operator detach -n openstack --stop direct-upload-operator

To have everything taken back instead, delete the resources while the operator runs.";

/// A leader that ends gives its lease back; one that was killed loses it after 15 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `detach`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Resources of this namespace; may be repeated
    #[arg(short, long, value_name = "NS", required_unless_present = "all_namespaces")]
    namespace: Vec<String>,
    /// Resources of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// First scale this Deployment of the operator to zero, in the namespace of its Lease
    #[arg(long, value_name = "DEPLOYMENT")]
    stop: Option<String>,
    /// Namespace of the operator's Lease, which tells whether one still acts
    #[arg(long, value_name = "NS", default_value = "direct-upload-system")]
    lease_namespace: String,
    /// The operator's --instance
    #[arg(long, value_name = "NAME", default_value = "default")]
    instance: String,
}

/// Why it did not come to its end.
#[derive(Debug, Error)]
pub enum DetachError {
    #[error("no cluster: {0}; set KUBECONFIG, or name a context with kubectl config use-context")]
    Client(#[source] kube::Error),
    #[error(
        "{0} still acts, and would put the finalizers back; to have everything taken back, delete the resources and leave it running; otherwise scale its Deployment to zero (--stop DEPLOYMENT), or wait until it has ended"
    )]
    Acts(String),
    #[error("{0}: {1}; check your rights")]
    Refused(String, #[source] kube::Error),
    #[error("{0}")]
    Output(#[from] std::io::Error),
}

/// Lets go of all resources in scope.
pub async fn main(args: Args) -> Result<(), DetachError> {
    let client = Client::try_default().await.map_err(DetachError::Client)?;
    if let Some(name) = &args.stop {
        stop(&client, &args.lease_namespace, name).await?;
    }
    await_rest(&client, &args).await?;
    let namespaces: BTreeSet<_> = args.namespace.iter().cloned().map(Some).collect();
    for namespace in if args.all_namespaces { BTreeSet::from([None]) } else { namespaces } {
        detach::<Horizon>(&client, namespace.as_deref()).await?;
        detach::<Glance>(&client, namespace.as_deref()).await?;
        detach::<OpenStackAPI>(&client, namespace.as_deref()).await?;
    }
    Ok(())
}

async fn stop(client: &Client, namespace: &str, name: &str) -> Result<(), DetachError> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    match api.patch_scale(name, &PatchParams::default(), &none).await {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some(404) => Ok(()),
        Err(error) => Err(DetachError::Refused(format!("Deployment {namespace}/{name} cannot be scaled"), error)),
    }
}

/// Waits until nobody holds the Lease; only where something was stopped is there anything to wait for.
async fn await_rest(client: &Client, args: &Args) -> Result<(), DetachError> {
    let api: Api<Lease> = Api::namespaced(client.clone(), &args.lease_namespace);
    let name = format!("{OPERATOR}-{}", args.instance);
    let end = tokio::time::Instant::now() + if args.stop.is_some() { PATIENCE } else { Duration::ZERO };
    loop {
        let lease = api.get_opt(&name).await;
        let lease = lease
            .map_err(|e| DetachError::Refused(format!("Lease {}/{name} cannot be read", args.lease_namespace), e))?;
        let Some(holder) = lease.and_then(|lease| holder(&lease.spec?, Timestamp::now())) else { return Ok(()) };
        if tokio::time::Instant::now() >= end {
            return Err(DetachError::Acts(holder));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Who holds a lease that has not run out.
fn holder(lease: &LeaseSpec, now: Timestamp) -> Option<String> {
    let until = lease.renew_time.as_ref()?.0 + SignedDuration::from_secs(lease.lease_duration_seconds?.into());
    lease.holder_identity.clone().filter(|holder| !holder.is_empty() && now < until)
}

/// Reads metadata only, so that a resource which does not decode is no obstacle.
async fn detach<K>(client: &Client, namespace: Option<&str>) -> Result<(), DetachError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let of = |namespace: Option<&str>| match namespace {
        Some(namespace) => Api::<K>::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let plural = K::plural(&());
    let list = match of(namespace).list_metadata(&ListParams::default()).await {
        Ok(list) => list.items,
        // Its CRD is gone.
        Err(error) if code(&error) == Some(404) => return Ok(()),
        Err(error) => return Err(DetachError::Refused(format!("{plural} cannot be listed"), error)),
    };
    for object in list.iter().filter(|object| object.finalizers().iter().any(|f| f == FINALIZER)) {
        let (home, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let others: Vec<_> = object.finalizers().iter().filter(|f| *f != FINALIZER).collect();
        // With the version that was read: a finalizer that somebody adds meanwhile is not lost.
        let patch = json!({"metadata": {"finalizers": others, "resourceVersion": object.resource_version()}});
        match of(Some(&home)).patch_metadata(&name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(_) => output::data(&format!("{plural}/{name} in {home}: detached\n"))?,
            Err(error) if code(&error) == Some(404) => {}
            Err(error) => return Err(DetachError::Refused(format!("{plural}/{name} in {home}"), error)),
        }
    }
    Ok(())
}

fn code(error: &kube::Error) -> Option<u16> {
    if let kube::Error::Api(status) = error { Some(status.code) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_was_given_back_or_has_run_out_is_nobodys() {
        let lease = |holder: Option<&str>, renewed: &str| {
            let lease = json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed});
            holder_at(&serde_json::from_value(lease).unwrap())
        };
        assert_eq!(lease(Some("pod"), "2026-01-01T00:00:00.000000Z").as_deref(), Some("pod"));
        assert_eq!(lease(Some("pod"), "2025-12-31T23:59:45.000000Z"), None);
        assert_eq!(lease(Some(""), "2026-01-01T00:00:00.000000Z"), None);
        assert_eq!(lease(None, "2026-01-01T00:00:00.000000Z"), None);
    }

    fn holder_at(lease: &LeaseSpec) -> Option<String> {
        holder(lease, "2026-01-01T00:00:00Z".parse().unwrap())
    }
}
