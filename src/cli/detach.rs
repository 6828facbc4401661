//! `detach`: removes our finalizers without touching a workload, if the operator leaves or is gone.
//!
//! In: a cluster in which no operator is active. Out: resources without our finalizer, whose deletion then
//! waits for nobody. Everything in the workloads stays, so uploads continue.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args as ClapArgs;
use direct_upload_api::{FINALIZER, Glance, Horizon, OPERATOR, OpenStackAPI};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use thiserror::Error;

use super::output;
use crate::apply::fence::now;
use crate::run::election::Watched;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator detach --all-namespaces
  direct-upload-operator detach -n openstack --stop direct-upload-operator

To release the workloads instead, delete the resources while the operator runs.";

/// A leader that ends releases its lease. One that was killed loses it after 15 seconds.
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
    /// First scale this Deployment of the operator to zero; it is in the namespace of the Lease
    #[arg(long, value_name = "DEPLOYMENT")]
    stop: Option<String>,
    /// Namespace of the operator's Lease, which shows whether an operator is still active
    #[arg(long, value_name = "NS", default_value = "direct-upload-system")]
    lease_namespace: String,
    /// The operator's --instance
    #[arg(long, value_name = "NAME", default_value = "default")]
    instance: String,
}

/// Why it did not finish.
#[derive(Debug, Error)]
pub enum DetachError {
    #[error("no cluster: {0}; set KUBECONFIG, or name a context with kubectl config use-context")]
    Client(#[source] kube::Error),
    #[error(
        "{0} is still active, and would restore the finalizers; to release everything, delete the resources while it runs; otherwise scale its Deployment to zero (--stop DEPLOYMENT), or wait until it has ended"
    )]
    Acts(String),
    #[error("{0}: {1}; check your rights")]
    Refused(String, #[source] kube::Error),
    #[error("{0}")]
    Output(#[from] std::io::Error),
}

/// Removes the finalizer of all resources in scope.
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

/// Waits until nobody holds the Lease, or its holder has not renewed it for its whole duration. A holder
/// that renews it is still active. Only if this command stopped something may it end soon.
async fn await_rest(client: &Client, args: &Args) -> Result<(), DetachError> {
    let api: Api<Lease> = Api::namespaced(client.clone(), &args.lease_namespace);
    let name = format!("{OPERATOR}-{}", args.instance);
    let patience = if args.stop.is_some() { PATIENCE } else { Duration::ZERO };
    let (begin, mut watched, mut first) = (now(), Watched::default(), None);
    loop {
        let lease = api.get_opt(&name).await;
        let lease = lease
            .map_err(|e| DetachError::Refused(format!("Lease {}/{name} cannot be read", args.lease_namespace), e))?;
        let Some(spec) = lease.and_then(|lease| lease.spec) else { return Ok(()) };
        let Some(holder) = spec.holder_identity.clone().filter(|holder| !holder.is_empty()) else { return Ok(()) };
        let time = now();
        if time >= watched.end(time, spec.clone()) {
            return Ok(());
        }
        let is_renewed = *first.get_or_insert_with(|| spec.clone()) != spec;
        if is_renewed && time >= begin + patience {
            return Err(DetachError::Acts(holder));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Reads only metadata, so that it also works for a resource that cannot be decoded.
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
        // The CRD does not exist.
        Err(error) if code(&error) == Some(404) => return Ok(()),
        Err(error) => return Err(DetachError::Refused(format!("{plural} cannot be listed"), error)),
    };
    for object in list.iter().filter(|object| object.finalizers().iter().any(|f| f == FINALIZER)) {
        let (home, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let others: Vec<_> = object.finalizers().iter().filter(|f| *f != FINALIZER).collect();
        // With the version that was read, so that a finalizer that somebody adds in between is not lost.
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
