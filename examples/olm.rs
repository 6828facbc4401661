//! Writes the bundle for OLM (Operator Lifecycle Manager) of the manifests that everybody else applies:
//!
//!     olm OUT IMAGE HOMEPAGE CONTACT
//!
//! CONTACT is an address of the maintainer. What nothing else says is in deploy/olm/csv.yaml.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NAME: &str = env!("CARGO_PKG_NAME");
const CHANNEL: &str = "stable";

/// Custom resources to start with.
const EXAMPLES: [&str; 2] = ["samples/quickstart/direct-upload.yaml", "samples/openstackapi/portal.yaml"];
/// What a bundle takes unchanged, in addition to the CRDs.
const AS_THEY_ARE: [&str; 3] = ["service", "pod-disruption-budget", "user-roles"];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, image, homepage, contact] = args.as_slice() else {
        return Err("usage: olm OUT IMAGE HOMEPAGE CONTACT".into());
    };
    let manifests = Path::new(out).join("manifests");
    fs::create_dir_all(&manifests)?;
    fs::create_dir_all(Path::new(out).join("metadata"))?;

    let crds =
        direct_upload_api::crds().iter().map(serde_json::to_value).collect::<std::result::Result<Vec<_>, _>>()?;
    let parts = AS_THEY_ARE.iter().map(|name| documents(&format!("deploy/operator/{name}.yaml")));
    let parts = parts.collect::<Result<Vec<_>>>()?.into_iter().flatten();
    for mut object in crds.iter().cloned().chain(parts) {
        // OLM says which namespace.
        object["metadata"].as_object_mut().ok_or("no metadata")?.remove("namespace");
        let name = format!("{}.{}.yaml", text(&object["metadata"]["name"]), text(&object["kind"]).to_lowercase());
        write(&manifests.join(name), &object)?;
    }
    let mut version = version(&crds, image)?;
    version["spec"]["links"] = json!([{"name": "Documentation", "url": homepage}]);
    version["spec"]["maintainers"] = json!([{"name": NAME, "email": contact}]);
    write(&manifests.join(format!("{NAME}.clusterserviceversion.yaml")), &version)?;
    let annotations = json!({"annotations": {
        "operators.operatorframework.io.bundle.mediatype.v1": "registry+v1",
        "operators.operatorframework.io.bundle.manifests.v1": "manifests/",
        "operators.operatorframework.io.bundle.metadata.v1": "metadata/",
        "operators.operatorframework.io.bundle.package.v1": NAME,
        "operators.operatorframework.io.bundle.channels.v1": CHANNEL,
        "operators.operatorframework.io.bundle.channel.default.v1": CHANNEL,
    }});
    write(&Path::new(out).join("metadata/annotations.yaml"), &annotations)
}

/// The ClusterServiceVersion.
fn version(crds: &[Value], image: &str) -> Result<Value> {
    let [mut csv] = <[Value; 1]>::try_from(documents("deploy/olm/csv.yaml")?).map_err(|_| "one document")?;
    let examples = EXAMPLES.iter().map(|path| documents(path)).collect::<Result<Vec<_>>>()?.concat();
    let owned_kinds: Vec<&Value> = crds.iter().map(|crd| &crd["spec"]["names"]["kind"]).collect();
    let examples: Vec<Value> = examples.into_iter().filter(|o| owned_kinds.contains(&&o["kind"])).collect();
    csv["metadata"]["name"] = json!(format!("{NAME}.v{VERSION}"));
    csv["metadata"]["annotations"]["containerImage"] = json!(image);
    csv["metadata"]["annotations"]["alm-examples"] = json!(serde_json::to_string_pretty(&examples)?);
    let spec = &mut csv["spec"];
    spec["version"] = json!(VERSION);
    spec["relatedImages"] = json!([{"name": "operator", "image": image}]);
    spec["icon"] =
        json!([{"base64data": ByteString(fs::read(file("deploy/olm/icon.svg"))?), "mediatype": "image/svg+xml"}]);
    spec["customresourcedefinitions"]["owned"] = crds.iter().map(owned).collect();

    let [mut deployment] =
        <[Value; 1]>::try_from(documents("deploy/operator/deployment.yaml")?).map_err(|_| "one document")?;
    name_image(&mut deployment, image);
    let rbac = documents("deploy/operator/rbac.yaml")?;
    let rules = |kind: &str| -> Value {
        let rules = rbac.iter().filter(|o| o["kind"] == kind).filter_map(|o| o["rules"].as_array());
        json!([{"serviceAccountName": NAME, "rules": rules.flatten().collect::<Vec<_>>()}])
    };
    spec["install"] = json!({"strategy": "deployment", "spec": {
        "clusterPermissions": rules("ClusterRole"),
        "permissions": rules("Role"),
        "deployments": [{"name": NAME, "spec": deployment["spec"]}],
    }});
    Ok(csv)
}

fn owned(crd: &Value) -> Value {
    let version = &crd["spec"]["versions"][0];
    json!({
        "name": crd["metadata"]["name"],
        "kind": crd["spec"]["names"]["kind"],
        "version": version["name"],
        "displayName": crd["spec"]["names"]["kind"],
        "description": version["schema"]["openAPIV3Schema"]["description"],
    })
}

/// Puts the image in where deploy/operator/kustomization.yaml does.
fn name_image(deployment: &mut Value, image: &str) {
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    container["image"] = json!(image);
    for variable in container["env"].as_array_mut().into_iter().flatten() {
        if variable["name"] == "DIRECT_UPLOAD_OPERATOR_IMAGE" {
            variable["value"] = json!(image);
        }
    }
}

fn documents(path: &str) -> Result<Vec<Value>> {
    use serde::Deserialize as _;
    let text = fs::read_to_string(file(path)).map_err(|error| format!("{path}: {error}"))?;
    serde_yaml::Deserializer::from_str(&text).map(|document| Ok(Value::deserialize(document)?)).collect()
}

fn write(path: &Path, object: &Value) -> Result<()> {
    Ok(fs::write(path, serde_yaml::to_string(object)?)?)
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
