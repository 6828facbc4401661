//! Checks that the CRDs are ours. Another project has kinds of the same group and name.

use direct_upload_api::{OPERATOR, PART_OF, crds};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt};

use crate::run::RunError;

/// Checks before the first write.
///
/// # Errors
/// [`RunError::Crd`] says what to do.
pub(crate) async fn check_crds(client: &Client) -> Result<(), RunError> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in crds() {
        let name = crd.name_any();
        let found = match api.get_opt(&name).await {
            Ok(found) => found,
            Err(kube::Error::Api(status)) if status.code == 403 => {
                tracing::warn!(
                    crd = name,
                    "this ServiceAccount may not read it, so the operator cannot check that it is its own"
                );
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let Some(found) = found else {
            return Err(RunError::Crd(format!(
                "CustomResourceDefinition {name} is not installed; run kubectl apply --server-side -k crds"
            )));
        };
        if found.labels().get(PART_OF).map(String::as_str) != Some(OPERATOR) {
            return Err(RunError::Crd(format!(
                "CustomResourceDefinition {name} belongs to another project (it lacks the label {PART_OF}={OPERATOR}, as in openstack-k8s-operators); this operator cannot share a cluster with it and has changed nothing"
            )));
        }
    }
    Ok(())
}
