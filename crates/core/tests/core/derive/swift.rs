//! `spec.swift`: through `render`, the real glance_store and the rehearsal's script.

use std::fs;

use direct_upload_api::Reason;
use direct_upload_core::simulate::{Simulation, manifests, rendered_files};
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{advice_lines, deployment, end, glance, join, render, sample};
use test_support::oracle::ask;

/// The user's own file.
const OWN: &str = "[DEFAULT]\nenabled_backends = tenants:swift\n[glance_store]\ndefault_backend = tenants\n\
                   [tenants]\nswift_store_multi_tenant = True\nswift_store_container = glance\n";
/// One with an account of Glance's own, in a file.
const FILE: &str = "[DEFAULT]\nenabled_backends = tenants:swift\n[tenants]\nswift_store_config_file = /x\n";
const SINGLE: &str = "{swift: [{store: tenants, tenancy: SingleTenant}]}";
const CREDENTIALS: &str = "[tenants]\nswift_store_auth_address = http://keystone/v3\nswift_store_user = service:glance\n\
                           swift_store_key = secret\n";

fn ours(outcome: &Simulation) -> String {
    let files = rendered_files(outcome);
    let [(_, "zz-direct-upload-glance.conf", text)] = files.as_slice() else { panic!("{files:#?}") };
    (*text).to_owned()
}

fn rendered(spec: &str) -> Simulation {
    render(&join(&[&glance(spec), &deployment("openstack", "glance")]))
}

/// A Glance whose own file is in a ConfigMap.
fn beside(own: &str, spec: &str) -> Simulation {
    beside_of("glance:2025.1", own, spec)
}

fn beside_of(image: &str, own: &str, spec: &str) -> Simulation {
    let pod = json!({
        "containers": [{"name": "glance", "image": image, "volumeMounts": [
            {"name": "etc", "mountPath": "/etc/glance/glance-api.conf", "subPath": "glance-api.conf"}]}],
        "volumes": [{"name": "etc", "configMap": {"name": "etc"}}],
    });
    let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "openstack", "name": "glance"},
        "spec": {"selector": {"matchLabels": {"app": "glance"}},
                 "template": {"metadata": {"labels": {"app": "glance"}}, "spec": pod}}});
    let source = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "openstack", "name": "etc"},
        "data": {"glance-api.conf": own}});
    render(&join(&[&glance(spec), &workload.to_string(), &source.to_string()]))
}

fn advice(outcome: &Simulation) -> String {
    advice_lines(&outcome.ends[0].advice).join("\n")
}

#[test]
fn the_sample_is_rendered() {
    let outcome = render(&join(&[&sample("swift/multi-tenant.yaml"), &deployment("openstack", "glance")]));
    assert_eq!(end(&outcome, "Glance openstack/glance").1, Reason::RolledOut);
    insta::assert_snapshot!(ours(&outcome), @r"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    [tenants]
    swift_store_multi_tenant = true
    swift_store_use_trusts = true
    default_swift_reference = ref1
    swift_store_expire_soon_interval = 60
    swift_store_retry_get_count = 3
    ");
    let single = render(&join(&[&sample("swift/single-tenant.yaml"), &deployment("openstack", "glance")]));
    insta::assert_snapshot!(ours(&single), @r"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    [images]
    swift_store_multi_tenant = false
    swift_store_expire_soon_interval = 60
    swift_store_retry_get_count = 3
    swift_store_large_object_size = 5120
    swift_store_large_object_chunk_size = 200
    ");
}

/// The Secret is named and never read: the kubelet makes it a file, before ours by its name.
#[test]
fn credentials_are_mounted_beside_our_file() {
    let outcome = render(&join(&[&sample("swift/multi-tenant.yaml"), &deployment("openstack", "glance")]));
    let all = manifests(&outcome);
    assert!(all.iter().filter(|o| o["kind"] != "Secret").all(|o| !o.to_string().contains("CHANGE-ME")));
    let workload = all.iter().find(|o| o["kind"] == "Deployment").unwrap();
    let pod = &workload["spec"]["template"]["spec"];
    let secret = pod["volumes"].as_array().unwrap().iter().find(|v| v.get("secret").is_some()).unwrap();
    assert_eq!(
        secret["secret"],
        json!({"secretName": "glance-swift", "items": [{"key": "swift.conf", "path": "swift.conf"}]})
    );
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let paths: Vec<&str> = mounts.iter().filter_map(|m| m["mountPath"].as_str()).collect();
    assert_eq!(
        paths,
        [
            "/etc/glance/glance.conf.d/zz-direct-upload-glance.conf",
            "/etc/glance/glance.conf.d/zz-direct-upload-credentials-tenants.conf"
        ]
    );
}

/// What the real glance_store reads: nothing of its defaults without our file, all of it with it.
#[test]
fn glance_store_re_authenticates_with_our_file_only() {
    let read = |files: &[&str]| ask::<Value>(&json!({"ask": "stores", "files": files}))["tenants"].clone();
    let silent = read(&[OWN, CREDENTIALS]);
    assert_eq!(silent["swift_store_use_trusts"], Value::Null);
    // Trusts alone do not do it: the credentials are looked up under a name that is None.
    let trusts = read(&[OWN, CREDENTIALS, "[tenants]\nswift_store_use_trusts = True\n"]);
    assert_eq!((&trusts["swift_store_use_trusts"], &trusts["credentials found"]), (&json!(true), &json!(false)));
    let ours = ours(&rendered("{swift: [{store: tenants, tenancy: MultiTenant, expireSoon: 5s, retries: 2}]}"));
    assert_eq!(
        read(&[OWN, CREDENTIALS, &ours]),
        json!({
            "swift_store_multi_tenant": true, "swift_store_use_trusts": true, "default_swift_reference": "ref1",
            "swift_store_expire_soon_interval": 5, "swift_store_retry_get_count": 2, "credentials found": true,
        })
    );
    let exclusive = format!("{OWN}swift_store_config_file = /etc/glance/swift.conf\n");
    assert_eq!(read(&[&exclusive, &ours]), Value::Null, "it is not set up");
}

#[test]
fn what_excludes_the_other_is_refused() {
    let spec = "{swift: [{store: tenants, tenancy: MultiTenant}]}";
    let outcome = beside(&format!("{OWN}swift_store_config_file = /x\n"), spec);
    assert_eq!(end(&outcome, "Glance openstack/glance").1, Reason::InvalidSpec);
    assert!(rendered_files(&outcome).is_empty());
    let single = beside(&format!("{OWN}swift_store_config_file = /x\n"), &spec.replace("Multi", "Single"));
    assert_eq!(end(&single, "Glance openstack/glance").1, Reason::RolledOut);
}

#[rstest]
#[case::silent(OWN, "{cors: {allowedOrigins: ['https://a.example']}}", Some("list tenants in spec.swift"))]
#[case::spoken_for(OWN, "{swift: [{store: tenants, tenancy: MultiTenant}]}", None)]
#[case::account_named(&format!("{FILE}default_swift_reference = ref1\n"), SINGLE, None)]
#[case::account_unnamed(FILE, SINGLE, Some("does not say default_swift_reference"))]
#[case::misspelt(OWN, "{swift: [{store: tenant, tenancy: MultiTenant}]}", Some("no store tenant:swift"))]
fn the_users_own_file_gives_advice(#[case] own: &str, #[case] spec: &str, #[case] expected: Option<&str>) {
    let said = advice(&beside(own, spec));
    match expected {
        Some(text) => assert!(said.contains(text), "{said}"),
        None => assert_eq!(said, ""),
    }
}

const MULTI: &str = "{swift: [{store: tenants, tenancy: MultiTenant}]}";
const LARGE: &str = "{swift: [{store: tenants, tenancy: MultiTenant, largeObjectSize: 10486}]}";

/// Images that the default store splits (DU027).
#[rstest]
#[case::old("glance:2025.1", OWN, MULTI, None)]
#[case::faulty(
    "glance:2026.1",
    OWN,
    MULTI,
    Some(
        "uploads by browsers from 5242880000 bytes on end with 500 (DU027); set largeObjectSize: 10486 for the store tenants in spec.swift; Swift must accept objects of 10737664000 bytes"
    )
)]
#[case::nobody_knows("x", OWN, MULTI, Some("5242880000 bytes"))]
#[case::mended("glance:2026.1", OWN, LARGE, None)]
#[case::mended_in_the_file("x", &format!("{OWN}swift_store_large_object_size = 10486\n"), MULTI, None)]
#[case::another_store(
    "x",
    "[DEFAULT]\nenabled_backends = tenants:swift,fast:file\n[glance_store]\ndefault_backend = fast\n",
    MULTI,
    None
)]
#[case::not_in_the_spec(
    "x",
    "[glance_store]\ndefault_store = swift\n",
    "{cors: {allowedOrigins: ['https://a.example']}}",
    Some("for the store glance_store in spec.swift")
)]
#[case::a_cap("x", &format!("[DEFAULT]\nimage_size_cap = 5000000000\n{OWN}"), MULTI, None)]
fn images_that_a_store_splits_give_advice(
    #[case] image: &str,
    #[case] own: &str,
    #[case] spec: &str,
    #[case] expected: Option<&str>,
) {
    let said = advice(&beside_of(image, own, spec));
    match expected {
        Some(text) => assert!(said.contains(text), "{said}"),
        None => assert!(!said.contains("DU027"), "{said}"),
    }
}

/// The file is not seen, so a store of the spec may be the default one.
#[test]
fn a_store_of_the_spec_alone_gives_advice() {
    assert!(advice(&rendered(MULTI)).contains("[tenants] is a Swift store"));
    assert!(!advice(&rendered(LARGE)).contains("DU027"));
}

/// A rehearsal sees what the operator may not read.
#[rstest]
#[case::fine("", CREDENTIALS, None)]
#[case::no_credentials("", "", Some("swift_store_auth_address, swift_store_user, swift_store_key"))]
#[case::exclusive("swift_store_config_file = /x\n", CREDENTIALS, Some("swift_store_config_file in another file"))]
fn a_rehearsal_sees_what_the_operator_may_not_read(
    #[case] own: &str,
    #[case] credentials: &str,
    #[case] expected: Option<&str>,
) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".glance");
    fs::create_dir_all(folder.join("glance.conf.d")).unwrap();
    let place = |name: &str| folder.join("glance.conf.d").join(name);
    fs::write(folder.join("glance-api.conf"), format!("{OWN}{own}")).unwrap();
    fs::write(place("zz-direct-upload-credentials-tenants.conf"), credentials).unwrap();
    let ours = ours(&rendered("{swift: [{store: tenants, tenancy: MultiTenant}]}"));
    fs::write(place("zz-direct-upload-glance.conf"), ours).unwrap();
    let path = place("zz-direct-upload-glance.conf");
    let (_, answer) = crate::workload::rehearsal::rehearse_file(home.path(), "--options", &path);
    match expected {
        None => assert_eq!(answer["problem"], Value::Null, "{answer}"),
        Some(text) => assert!(answer["problem"]["text"].as_str().unwrap().contains(text), "{answer}"),
    }
    assert!(!answer.to_string().contains("secret"), "values are never told");
}
