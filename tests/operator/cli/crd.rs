//! `crd` prints the CRDs to install.

use serde_json::Value;

use super::{out, run};

#[test]
fn crds_are_two_documents_and_labelled() {
    let output = run(&["crd"], "");
    let crds: Vec<Value> =
        serde_yaml::Deserializer::from_str(out(&output)).map(|d| serde::Deserialize::deserialize(d).unwrap()).collect();
    let names: Vec<_> = crds.iter().map(|c| c["metadata"]["name"].as_str().unwrap()).collect();
    let expected =
        ["glances.glance.openstack.org", "horizons.horizon.openstack.org", "openstackapis.cors.openstack.org"];
    assert_eq!(names, expected);
    assert!(crds.iter().all(|c| c["metadata"]["labels"]["app.kubernetes.io/part-of"] == "direct-upload-operator"));
}
