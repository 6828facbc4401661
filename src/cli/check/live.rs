//! A running cluster → [`CheckInput`]. Reads with the user's own rights, and changes nothing.
//!
//! Secrets are not read; the report lists their contents as not seen.

use direct_upload_check::{CheckInput, Object};
use direct_upload_core::manifests::insert;
use direct_upload_core::model::Kind;
use direct_upload_core::openstack::Release;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use thiserror::Error;

/// What is read in addition to the kinds that the operator knows and clusters may lack ([`Kind`]): group,
/// version, kind, and whether clusters may lack it.
const KINDS: [(&str, &str, &str, bool); 11] = [
    ("", "v1", "ConfigMap", false),
    ("", "v1", "Service", false),
    ("apps", "v1", "Deployment", false),
    ("apps", "v1", "StatefulSet", false),
    ("apps", "v1", "DaemonSet", false),
    ("batch", "v1", "Job", false),
    ("networking.k8s.io", "v1", "Ingress", false),
    ("horizon.openstack.org", "v1beta1", "Horizon", true),
    ("glance.openstack.org", "v1beta1", "Glance", true),
    ("cors.openstack.org", "v1beta1", "OpenStackAPI", true),
    ("keystone.openstack.org", "v1beta1", "KeystoneEndpoint", true),
];

/// Objects per page: the API server's own default for large lists.
const PAGE: u32 = 500;

/// Which namespaces to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceScope {
    All,
    /// The kubeconfig's namespace.
    Default,
    Namespace(String),
}

/// The cluster cannot be read.
#[derive(Debug, Error)]
pub enum LiveError {
    #[error("no cluster: {0}; set KUBECONFIG, or name a context with kubectl config use-context")]
    Client(#[source] kube::Error),
    #[error("{0} objects cannot be listed: {1}")]
    List(String, #[source] kube::Error),
}

/// Lists the relevant objects. Also returns what could not be seen.
///
/// # Errors
/// [`LiveError`] if there is no cluster, or not even workloads can be listed.
pub async fn read(scope: &NamespaceScope, release: Option<Release>) -> Result<(CheckInput, Vec<String>), LiveError> {
    let client = Client::try_default().await.map_err(LiveError::Client)?;
    let mut input = CheckInput::new(release);
    let mut notes = Vec::new();
    let fixed = KINDS.map(|(group, version, kind, optional)| {
        (vec![ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))], optional)
    });
    let registered = Kind::ALL.iter().map(|kind| kind.registration()).filter(|kind| kind.optional);
    let registered =
        registered.map(|kind| (kind.api_versions.iter().map(|version| kind.resource(version)).collect(), true));
    for (versions, optional) in fixed.into_iter().chain(registered) {
        for resource in versions {
            let kind = resource.kind.as_str();
            match list(&client, scope, &resource).await {
                Ok(objects) => {
                    for object in objects {
                        add(&mut input, &resource, object, &mut notes);
                    }
                    break;
                }
                Err(kube::Error::Api(status)) if optional && matches!(status.code, 403 | 404) => {}
                Err(kube::Error::Api(status)) if status.code == 403 && kind != "Deployment" => {
                    notes.push(format!("{kind} objects: {}", status.message));
                }
                Err(error) => return Err(LiveError::List(kind.to_owned(), error)),
            }
        }
    }
    Ok((input, notes))
}

async fn list(
    client: &Client,
    scope: &NamespaceScope,
    resource: &ApiResource,
) -> Result<Vec<DynamicObject>, kube::Error> {
    let api: Api<DynamicObject> = match scope {
        NamespaceScope::All => Api::all_with(client.clone(), resource),
        NamespaceScope::Default => Api::default_namespaced_with(client.clone(), resource),
        NamespaceScope::Namespace(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
    };
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await?;
        objects.extend(list.items);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(objects),
        }
    }
}

fn add(input: &mut CheckInput, resource: &ApiResource, mut object: DynamicObject, notes: &mut Vec<String>) {
    object.managed_fields_mut().clear();
    let name = object.name_any();
    let Ok(mut value) = serde_json::to_value(object) else { return };
    // Items of a list have no apiVersion and kind.
    value["apiVersion"] = resource.api_version.as_str().into();
    value["kind"] = resource.kind.as_str().into();
    if let Err(why) = insert(&mut input.snapshot, value.clone()) {
        notes.push(direct_upload_check::error(&format!("{} {name}: {why}", resource.kind)));
    }
    input.objects.push(Object { value, file: None, node: None });
}
