//! Manifests in, manifests out: what `render` leaves behind.

use direct_upload_api::Reason;
use direct_upload_core::simulate::{self, RolloutStage, Simulation};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{
    beside, cloud, deployment, end, exposed, fed_back, glance, horizon, is_direct, join, origins, printed, read,
    render, resource, sample, sentences, service, staged,
};

#[test]
fn glance_comes_first_and_horizon_becomes_direct() {
    let outcome = render(&join(&[&cloud(), &glance("{}"), &horizon("{}")]));
    insta::assert_snapshot!(sentences(&outcome).join("\n"), @r"
    Glance openstack/glance: add the finalizer
    Glance openstack/glance: create ConfigMap openstack/glance-direct-upload-5c60b129ef
    Glance openstack/glance: rehearse glance-direct-upload-5c60b129ef in the image of Deployment openstack/glance
    Glance openstack/glance: wait until the rehearsal has passed
    Glance openstack/glance: mount glance-direct-upload-5c60b129ef in Deployment openstack/glance
    Glance openstack/glance: wait until Deployment openstack/glance is rolled out
    Horizon openstack/horizon: add the finalizer
    Horizon openstack/horizon: create ConfigMap openstack/horizon-direct-upload-3263560975
    Horizon openstack/horizon: rehearse horizon-direct-upload-3263560975 in the image of Deployment openstack/horizon
    Horizon openstack/horizon: wait until the rehearsal has passed
    Horizon openstack/horizon: check that the preflight passes for each origin
    Horizon openstack/horizon: switch Deployment openstack/horizon to direct by mounting horizon-direct-upload-3263560975
    Horizon openstack/horizon: wait until Deployment openstack/horizon is rolled out
    ");
    assert_eq!(end(&outcome, "Horizon openstack/horizon").1, Reason::Verified);
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
    assert!(is_direct(&outcome, "openstack/horizon"));
}

/// Idempotence in both senses: the same bytes again, and nothing to do on what was rendered.
#[rstest]
#[case::quickstart(join(&[&cloud(), &glance("{}"), &horizon("{}")]))]
#[case::debian(sample("layouts/debian.yaml"))]
#[case::kolla(sample("layouts/kolla.yaml"))]
#[case::openstackhelm(sample("layouts/openstackhelm.yaml"))]
#[case::redhat(sample("layouts/redhat.yaml"))]
fn rendering_again_changes_nothing(#[case] yaml: String) {
    let first = render(&yaml);
    assert_eq!(printed(&first), printed(&render(&yaml)));
    let again = render(&fed_back(&yaml, &first));
    assert_eq!(sentences(&again), Vec::<String>::new());
    assert_eq!(printed(&again), printed(&first));
}

#[test]
fn stage_glance_leaves_horizon_as_it_is() {
    let yaml = join(&[&cloud(), &glance("{}"), &horizon("{}")]);
    let before = simulate::manifests(&render(&cloud()));
    let outcome = staged(&yaml, RolloutStage::Glance);
    assert!(sentences(&outcome).iter().all(|s| s.starts_with("Glance")), "{:?}", sentences(&outcome));
    let after = simulate::manifests(&outcome);
    let horizon =
        |list: &[Value]| list.iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == "horizon").cloned();
    assert_eq!(horizon(&before), horizon(&after));
    let config_maps: Vec<_> = after.iter().filter(|o| o["kind"] == "ConfigMap").collect();
    assert_eq!(config_maps.len(), 1);
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
    // The second half continues where the first ended.
    let second = render(&fed_back(&yaml, &outcome));
    assert!(sentences(&second).iter().all(|s| s.starts_with("Horizon")), "{:?}", sentences(&second));
    assert_eq!(printed(&second), printed(&render(&yaml)));
}

#[test]
fn two_horizons_are_one_roll_of_glance() {
    let second = service("openstack", "portal", "portal.example.com");
    let portal = resource("horizon", "Horizon", "openstack", "portal", "{workloadRef: {name: portal}}");
    let outcome = render(&join(&[&cloud(), &second, &glance("{}"), &horizon("{}"), &portal]));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com", "https://portal.example.com"]);
    assert!(is_direct(&outcome, "openstack/horizon") && is_direct(&outcome, "openstack/portal"));
    let rolls: Vec<_> =
        sentences(&outcome).into_iter().filter(|s| s.contains("in Deployment openstack/glance")).collect();
    assert_eq!(rolls.len(), 1, "{rolls:?}");
}

#[test]
fn the_seeds_resources_are_accepted_and_the_endpoint_is_named() {
    let yaml = join(&[&cloud(), &sample("seed/glance.yaml"), &sample("seed/horizon.yaml")]);
    let outcome = render(&yaml);
    let (fine, reason, message) = end(&outcome, "Horizon openstack/horizon");
    assert_eq!((fine, reason), (false, Reason::EndpointNotPublic));
    assert!(message.contains("glance.openstack.svc.cluster.local"), "{message}");
    assert_eq!(simulate::manifests(&outcome), simulate::manifests(&render(&cloud())));
}

#[test]
fn switching_off_gives_every_byte_back() {
    let yaml = join(&[&cloud(), &glance("{}"), &horizon("{}")]);
    let off = fed_back(&yaml, &render(&yaml)).replace(r#""kind":"Horizon","metadata":{"name":"horizon","namespace":"openstack"},"spec":{}"#,
        r#""kind":"Horizon","metadata":{"name":"horizon","namespace":"openstack"},"spec":{"directUpload":{"enabled":false}}"#);
    assert!(off.contains(r#""enabled":false"#));
    let outcome = render(&off);
    assert_eq!(end(&outcome, "Horizon openstack/horizon").1, Reason::DirectDisabled);
    let deployment =
        |list: Vec<Value>| list.into_iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == "horizon");
    assert_eq!(deployment(simulate::manifests(&outcome)), deployment(simulate::manifests(&render(&cloud()))));
    // Open tabs still upload: the origin stays for a while.
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
    assert!(!outcome.ends[0].retiring.is_empty());
}

/// Parts of a workload that are its users' own. Ours come and go in addition.
const THEIRS: [(&str, &str); 8] = [
    ("/metadata/annotations", r#"{"theirs": "kept"}"#),
    ("/spec/template/metadata/annotations", r#"{"theirs": "kept"}"#),
    (
        "/spec/template/spec/initContainers",
        r#"[{"name": "init", "image": "x", "env": [{"name": "POD_IP", "value": "1"}]}]"#,
    ),
    ("/spec/template/spec/volumes", r#"[{"name": "own", "emptyDir": {}}]"#),
    ("/spec/template/spec/containers/0/volumeMounts", r#"[{"name": "own", "mountPath": "/own"}]"#),
    ("/spec/template/spec/containers/0/env", r#"[{"name": "OWN", "value": "1"}]"#),
    ("/spec/template/spec/containers/0/lifecycle", r#"{"postStart": {"exec": {"command": ["/start"]}}}"#),
    ("/spec/template/spec/containers/1", r#"{"name": "sidecar", "image": "y", "volumeMounts": []}"#),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever else is in a workload, mounting our files and removing them restores every byte of it.
    #[test]
    fn what_comes_goes_without_a_trace(parts in [any::<bool>(); 8]) {
        let mut dashboard: Value = read(&deployment("openstack", "horizon")).manifests[0].object.clone();
        for ((field, theirs), _) in THEIRS.iter().zip(parts).filter(|(_, there)| *there) {
            set(&mut dashboard, field, serde_json::from_str(theirs).unwrap());
        }
        let rest = [&exposed("openstack", "horizon", "horizon.example.com"), &service("openstack", "glance", "glance.example.com"), &glance("{}")];
        let all = |dashboard: &Value, spec: &str| join(&[&rest.map(String::as_str)[..], &[&dashboard.to_string(), &horizon(spec)]].concat());
        let of = |outcome: &Simulation| {
            simulate::manifests(outcome).into_iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == "horizon").unwrap()
        };
        let before = of(&render(&all(&dashboard, "{directUpload: {enabled: false}}")));
        let on = render(&all(&dashboard, "{}"));
        prop_assert!(is_direct(&on, "openstack/horizon"));
        let off = render(&beside(&all(&dashboard, "{directUpload: {enabled: false}}"), &printed(&on)));
        prop_assert_eq!(of(&off), before);
    }
}

/// Sets a field, and what is around it.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let field = pointer.split('/').skip(1).fold(object, |at, step| match step.parse::<usize>() {
        Ok(nth) => {
            let items = at.as_array_mut().unwrap();
            items.resize(items.len().max(nth + 1), Value::Null);
            &mut items[nth]
        }
        Err(_) => &mut at[step],
    });
    *field = value;
}

#[test]
fn suspended_resources_change_nothing_and_say_what_they_would() {
    let outcome = render(&join(&[&cloud(), &glance("{suspend: true}"), &horizon("{suspend: true}")]));
    assert_eq!(sentences(&outcome), Vec::<String>::new());
    let (_, reason, message) = end(&outcome, "Glance openstack/glance");
    assert_eq!(reason, Reason::Suspended);
    assert!(message.contains("mount glance-direct-upload-"), "{message}");
}

#[rstest]
#[case::paused("replicas: 2", "paused: true", "is resumed")]
#[case::zero("replicas: 2", "replicas: 0", "is scaled up")]
fn rollouts_are_assumed_and_said(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
    let outcome = render(&join(&[
        &cloud().replace(from, to),
        &glance("{rollout: {notBefore: '2099-01-01T00:00:00Z'}}"),
        &horizon("{}"),
    ]));
    assert!(is_direct(&outcome, "openstack/horizon"));
    let assumptions = outcome.cluster.assumptions.join("\n");
    assert!(assumptions.contains(said) && assumptions.contains("notBefore"), "{assumptions}");
    let printed = printed(&outcome);
    assert!(printed.contains(to), "the user's own field stays: {printed}");
}

#[rstest]
#[case::mount_path(
    "/var/lib/glance\n",
    "/etc/glance/glance-api.conf.d/zz-direct-upload.conf\n",
    "containers glance-api: volumeMounts /etc/glance"
)]
#[case::volume("name: images\n", "name: direct-upload\n", "its volume \"direct-upload\" has a different type")]
fn foreign_entries_with_our_key_are_left_alone(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
    let theirs = sample("quickstart/glance.yaml").replace(from, to);
    let outcome = render(&join(&[&theirs, &sample("quickstart/horizon.yaml"), &glance("{}"), &horizon("{}")]));
    let (fine, reason, message) = end(&outcome, "Glance openstack/glance");
    assert_eq!((fine, reason), (false, Reason::FieldConflict));
    assert!(message.contains(said), "{message}");
    assert!(!is_direct(&outcome, "openstack/horizon"));
    let glance = |o: &Simulation| {
        simulate::manifests(o).into_iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == "glance")
    };
    assert_eq!(glance(&outcome), glance(&render(&theirs)));
}

#[test]
fn what_is_of_one_cluster_is_not_printed() {
    let mut live: Value = serde_json::from_str(
        &serde_json::to_string(&read(&deployment("openstack", "glance")).manifests[0].object).unwrap(),
    )
    .unwrap();
    live["metadata"]["uid"] = json!("9d1c");
    live["metadata"]["resourceVersion"] = json!("77");
    live["metadata"]["generation"] = json!(3);
    live["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    live["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    live["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": "{}", "theirs": "kept"});
    live["status"] = json!({"replicas": 1, "observedGeneration": 2});
    let yaml = join(&[&live.to_string(), &glance("{cors: {allowedOrigins: ['https://a.example']}}")]);
    let outcome = render(&yaml);
    for text in [
        "9d1c",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "last-applied",
        "status",
        "generation",
        "claim",
        "rolled-at",
        "direct-upload.openstack.org/for",
        "ownerReferences",
    ] {
        assert!(!printed(&outcome).contains(text), "{text} in {}", printed(&outcome));
    }
    assert!(printed(&outcome).contains("theirs: kept"));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://a.example"]);
    // The uid names a workload, not its files.
    let other = render(&yaml.replace("9d1c", "0000"));
    assert_eq!(printed(&outcome), printed(&other));
}

/// A claim and a finalizer of a live cluster are of another time than the files in Git.
#[test]
fn a_live_dump_is_taken_over() {
    let yaml = join(&[&cloud(), &glance("{}"), &horizon("{}")]);
    let mut list: Value = json!({"kind": "List", "apiVersion": "v1", "items": simulate::manifests(&render(&yaml))});
    for item in list["items"].as_array_mut().unwrap() {
        let name = item["metadata"]["name"].as_str().unwrap().to_owned();
        let kind = if name.starts_with("glance") { "Glance/openstack/glance" } else { "Horizon/openstack/horizon" };
        let annotations = if item["kind"] == "Deployment" {
            json!({"direct-upload.openstack.org/claim": format!("{kind}/live-uid"), "direct-upload.openstack.org/rolled-at": "2026-06-01T00:00:00Z generation=1"})
        } else {
            let mut map = item["metadata"]["annotations"].clone();
            map["direct-upload.openstack.org/for"] = json!("x/live-workload-uid");
            map
        };
        item["metadata"]["annotations"] = annotations;
        item["metadata"]["uid"] = json!(format!("uid-{name}"));
    }
    let rest: Vec<String> = read(&yaml)
        .manifests
        .iter()
        .map(|m| &m.object)
        .filter(|o| o["kind"] != "Deployment")
        .map(Value::to_string)
        .collect();
    let rest = join(&rest.iter().map(String::as_str).collect::<Vec<_>>());
    let again = render(&join(&[&rest, &list.to_string()]));
    assert_eq!(sentences(&again), Vec::<String>::new());
    // A change replaces the ConfigMap, and the old one goes.
    let moved = render(&join(&[&rest.replace("horizon.example.com", "moved.example.com"), &list.to_string()]));
    assert_eq!(origins(&moved, "openstack/glance"), ["https://horizon.example.com", "https://moved.example.com"]);
    let config_maps = simulate::manifests(&moved).into_iter().filter(|o| o["kind"] == "ConfigMap").count();
    assert_eq!(config_maps, 2, "{:?}", sentences(&moved));
}
