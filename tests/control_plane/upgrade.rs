//! A newer operator takes over the objects of an older one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Site, fixtures, mounted, workload_patches};

/// The name that a ConfigMap of these files has.
fn content_name(resource: &str, data: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for text in data.iter().flat_map(|(key, text)| [key, text]) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let hash = hash.finalize();
    format!("{resource}-direct-upload-{:02x}{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3], hash[4])
}

/// Makes it so as if an older build, which wrote other comments, had done the work.
fn as_an_older_build(site: &Site, resource: &str, kind: &str) -> String {
    let workload = site.get(&format!("deployment/{resource}"));
    let mut config_map = site.get(&format!("configmap/{}", mounted(&workload).expect("mounted")));
    let data: BTreeMap<String, String> = serde_json::from_value(config_map["data"].clone()).expect("text");
    assert_eq!(content_name(resource, &data), config_map["metadata"]["name"], "the name scheme");
    let older: BTreeMap<_, _> =
        data.into_iter().map(|(k, text)| (k, format!("# An older build's comment.\n\n{text}"))).collect();
    let name = content_name(resource, &older);
    config_map["data"] = json!(older);
    let kept = ["labels", "annotations", "ownerReferences"].map(|f| (f, config_map["metadata"][f].clone()));
    config_map["metadata"] = kept.into_iter().collect();
    config_map["metadata"]["name"] = json!(name);
    site.kubectl_with(&["create", "-f", "-"], &config_map.to_string());

    let pod = &workload["spec"]["template"]["spec"];
    let of = |list: &Value| {
        list.as_array().into_iter().flatten().filter(|o| o["name"] == "direct-upload").cloned().collect::<Vec<_>>()
    };
    let mut volumes = of(&pod["volumes"]);
    volumes[0]["configMap"] = json!({"name": name});
    let annotations: BTreeMap<String, Value> = workload["metadata"]["annotations"]
        .as_object()
        .expect("annotations")
        .clone()
        .into_iter()
        .filter(|(k, _)| k.starts_with("direct-upload."))
        .collect();
    let patch = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": resource, "annotations": annotations},
        "spec": {"template": {"spec": {"volumes": volumes, "containers": [
            {"name": resource, "volumeMounts": of(&pod["containers"][0]["volumeMounts"])},
        ]}}},
    });
    let manager = format!("direct-upload-operator/default/{kind}");
    site.cluster.apply_as(&manager, &site.namespace, &format!("deployment/{resource}"), &patch);
    name
}

/// Other bytes with the same meaning roll no pod.
#[test]
fn a_cosmetic_change() {
    let mut site = Site::with_pair("upgrade", json!({}), json!({}));
    site.stop();
    let older = [as_an_older_build(&site, "glance", "Glance"), as_an_older_build(&site, "horizon", "Horizon")];
    site.await_rollouts();
    let mark = site.mark();
    site.start();
    site.quiet();
    site.await_pair();
    assert_eq!(workload_patches(&site.writes(mark)).len(), 0);
    assert_eq!([site.mounted("deployment/glance"), site.mounted("deployment/horizon")], older.map(Some));

    let drain =
        |site: &Site| site.get("deployment/glance").pointer("/spec/template/spec/containers/0/lifecycle").cloned();
    assert_eq!(drain(&site), None, "the older build knew none");

    // With the next change of meaning the new comments come along, and the drain.
    site.apply(&fixtures::exposed("horizon", "cloud.example.com"));
    site.wait("the new origin is accepted", || {
        site.files("deployment/glance")?.contains("cloud.example.com").then_some(())
    });
    assert!(!site.files("deployment/glance").unwrap().contains("An older build's comment"));
    assert!(drain(&site).is_some());
}

/// ConfigMaps go when no revision refers to them any more, and not before.
#[test]
fn garbage() {
    let mut objects = fixtures::cloud();
    objects[0]["spec"]["revisionHistoryLimit"] = json!(1);
    let site = Site::with("garbage", &objects);
    site.apply(&fixtures::resources());
    site.await_pair();
    let mut seen = BTreeSet::from([site.mounted("deployment/glance")]);
    for host in ["a.example.com", "b.example.com", "c.example.com"] {
        site.apply(&fixtures::exposed("horizon", host));
        site.wait("the new origin is accepted", || site.files("deployment/glance")?.contains(host).then_some(()));
        site.await_rollouts();
        site.await_pair();
        seen.insert(site.mounted("deployment/glance"));
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    site.wait("only what is referred to is left", || {
        let sets = site.list("replicaset");
        let referred: BTreeSet<_> =
            sets.iter().filter_map(mounted).filter(|name| name.starts_with("glance-")).collect();
        let left: BTreeSet<_> = site
            .list("configmap")
            .iter()
            .filter_map(|c| Some(c["metadata"]["name"].as_str()?.to_owned()))
            .filter(|name| name.starts_with("glance-direct-upload-"))
            .collect();
        (left == referred && left.len() == 2).then_some(())
    });
    assert!(site.files("deployment/glance").is_some());
}
