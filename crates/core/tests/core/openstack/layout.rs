//! Where each layout's files are mounted, and how they are copied where nothing can be mounted.

use direct_upload_core::plan::State;
use direct_upload_core::simulate;
use rstest::rstest;
use serde_json::json;
use test_support::manifests::{render, sample};

#[rstest]
#[case::debian("debian", &["horizon: /etc/openstack-dashboard/local_settings.d/zz-direct-upload.py", "glance-api: /etc/glance/glance-api.conf.d/zz-direct-upload.conf"])]
#[case::kolla("kolla", &["horizon: /etc/openstack-dashboard/local_settings.d/zz-direct-upload.py", "glance-api: /etc/glance/glance-api.conf.d/zz-direct-upload.conf"])]
#[case::openstackhelm("openstackhelm", &[
    "horizon: /var/lib/openstack/lib/python3.12/site-packages/openstack_dashboard/local/local_settings.d/zz-direct-upload.py",
    "direct-upload-copy: /direct-upload/from", "direct-upload-copy: /direct-upload/to",
    "glance-api: /etc/glance/glance-api.conf.d/zz-direct-upload.conf"])]
#[case::redhat("redhat", &["horizon: /usr/share/openstack-dashboard/openstack_dashboard/local/local_settings.d/zz-direct-upload.py", "glance-api: /etc/glance/glance-api.conf.d/zz-direct-upload.conf"])]
fn layouts_mount_at_their_places(#[case] layout: &str, #[case] expected: &[&str]) {
    let outcome = render(&sample(&format!("layouts/{layout}.yaml")));
    assert!(outcome.ends.iter().all(|end| matches!(end.state, State::Done(_))), "{:#?}", outcome.ends);
    let mut mounts = Vec::new();
    for workload in simulate::manifests(&outcome).iter().filter(|o| o["kind"] != "ConfigMap") {
        let pod = &workload["spec"]["template"]["spec"];
        for container in
            ["containers", "initContainers"].iter().flat_map(|list| pod[list].as_array().into_iter().flatten())
        {
            for mount in container["volumeMounts"].as_array().into_iter().flatten() {
                if mount["name"].as_str().unwrap().starts_with("direct-upload") {
                    mounts.push(format!(
                        "{}: {}",
                        container["name"].as_str().unwrap(),
                        mount["mountPath"].as_str().unwrap()
                    ));
                }
            }
        }
    }
    assert_eq!(mounts, expected);
}

#[test]
fn the_copier_is_like_its_container() {
    let helm = sample("layouts/openstackhelm.yaml")
        .replace("          lifecycle:", "          resources: {limits: {memory: 1Gi}}\n          lifecycle:");
    let outcome = render(&helm);
    let horizon = simulate::manifests(&outcome)
        .into_iter()
        .find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == "horizon")
        .unwrap();
    let init = &horizon["spec"]["template"]["spec"]["initContainers"][0];
    assert_eq!(init["image"], "operator:1");
    assert_eq!(init["resources"], json!({"limits": {"memory": "1Gi"}}));
    assert_eq!(init["securityContext"]["runAsUser"], 0);
    assert_eq!(init["args"], json!(["copy", "--to", "/direct-upload/to", "/direct-upload/from/zz-direct-upload.py"]));
}
