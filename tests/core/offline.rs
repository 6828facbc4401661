//! Manifests in, manifests out: what `render` leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use direct_upload_api::Reason;
use direct_upload_api::web::Origin;
use direct_upload_core::manifests::{self, Input};
use direct_upload_core::model::{Advice, Key};
use direct_upload_core::plan::{Options, State};
use direct_upload_core::render::effects;
use direct_upload_core::simulate::{self, Cluster, Outcome, Stage};
use rstest::rstest;
use serde_json::{Value, json};

/// A file of the repository.
pub fn sample(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(path)).unwrap()
}

/// The quickstart's workloads, without custom resources.
pub fn cloud() -> String {
    [sample("quickstart/horizon.yaml"), sample("quickstart/glance.yaml")].join("\n---\n")
}

/// Documents, joined.
pub fn join(documents: &[&str]) -> String {
    documents.join("\n---\n")
}

pub fn glance(spec: &str) -> String {
    resource("glance", "Glance", "openstack", "glance", spec)
}

pub fn horizon(spec: &str) -> String {
    resource("horizon", "Horizon", "openstack", "horizon", spec)
}

/// A custom resource; `spec` in flow style.
pub fn resource(group: &str, kind: &str, namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: {group}.openstack.org/v1beta1, kind: {kind}, metadata: {{namespace: {namespace}, name: {name}}}, spec: {spec}}}"
    )
}

/// A Deployment with its Service and an Ingress with TLS.
pub fn service(namespace: &str, name: &str, host: &str) -> String {
    join(&[&deployment(namespace, name), &exposed(namespace, name, host)])
}

/// What leads browsers to a workload.
pub fn exposed(namespace: &str, name: &str, host: &str) -> String {
    join(&[&svc(namespace, name), &ingress(namespace, name, host)])
}

pub fn deployment(namespace: &str, name: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{namespace: {namespace}, name: {name}}}, spec: {{selector: {{matchLabels: {{app: {name}}}}}, \
         template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: {name}, image: x}}]}}}}}}}}"
    )
}

pub fn svc(namespace: &str, name: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{namespace: {namespace}, name: {name}}}, spec: {{selector: {{app: {name}}}}}}}"
    )
}

pub fn ingress(namespace: &str, name: &str, host: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{namespace: {namespace}, name: {name}}}, spec: {{tls: [{{hosts: ['{host}']}}], \
         rules: [{{host: '{host}', http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}]}}}}]}}}}"
    )
}

pub fn read(yaml: &str) -> Input {
    manifests::parse("in.yaml", yaml.as_bytes()).unwrap_or_else(|errors| panic!("{errors:#?}\n{yaml}"))
}

pub fn render(yaml: &str) -> Outcome {
    staged(yaml, Stage::Horizon)
}

pub fn staged(yaml: &str, stage: Stage) -> Outcome {
    let options = Options { image: "operator:1".into() };
    let outcome = simulate::simulate(Cluster::of(read(yaml)), stage, "2026-06-01T00:00:00Z".parse().unwrap(), &options);
    assert!(!outcome.unsettled, "{:#?}", outcome.steps);
    outcome
}

/// Steps as sentences.
pub fn sentences(outcome: &Outcome) -> Vec<String> {
    outcome.steps.iter().map(|taken| format!("{}: {}", taken.resource, taken.step.action)).collect()
}

/// The reason with which a resource ends, and whether that is what its spec asks.
pub fn end(outcome: &Outcome, resource: &str) -> (bool, Reason, String) {
    let end = outcome.ends.iter().find(|end| end.resource.to_string() == resource).unwrap();
    match &end.state {
        State::Done(problem) => (true, problem.reason, problem.message().clone()),
        State::Unmet(_, problem) => (false, problem.reason, problem.message().clone()),
        other => panic!("{resource}: {other:?}"),
    }
}

/// Advice, as it is printed.
pub fn advice_lines(advice: &[Advice]) -> Vec<String> {
    advice.iter().map(ToString::to_string).collect()
}

/// The origins in a rendered file.
pub fn origins_in(text: &str) -> BTreeSet<Origin> {
    effects(&BTreeMap::from([("zz-direct-upload.conf".to_owned(), text.to_owned())])).origins
}

/// The origins that a Glance accepts in the end.
pub fn origins(outcome: &Outcome, glance: &str) -> Vec<String> {
    let resource = format!("Glance {glance}");
    let files = simulate::rendered_files(outcome);
    let texts = files.iter().filter(|(id, name, _)| id.to_string() == resource && *name == "zz-direct-upload.conf");
    texts.flat_map(|(_, _, text)| origins_in(text)).map(|o| o.to_string()).collect()
}

pub fn is_direct(outcome: &Outcome, horizon: &str) -> bool {
    let resource = format!("Horizon {horizon}");
    let workloads = simulate::manifests(outcome);
    let end = outcome.ends.iter().find(|end| end.resource.to_string() == resource).unwrap();
    let Some(Key { name, .. }) = &end.config_map else { return false };
    workloads.iter().any(|w| {
        w["spec"]["template"]["spec"]["volumes"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|v| v["configMap"]["name"] == **name)
    })
}

/// What `render -o yaml` prints, as one text.
pub fn printed(outcome: &Outcome) -> String {
    direct_upload_operator::cli::yaml::document(
        &json!({"apiVersion": "v1", "kind": "List", "items": simulate::manifests(outcome)}),
    )
}

/// All of the input that is not printed again, and what was printed: the input of a next time.
pub fn fed_back(yaml: &str, outcome: &Outcome) -> String {
    let rest = read(yaml)
        .manifests
        .into_iter()
        .map(|m| m.object)
        .filter(|o| o["kind"] != "Deployment" && o["kind"] != "StatefulSet")
        .map(|o| o.to_string());
    let rest: Vec<String> = rest.chain([printed(outcome)]).collect();
    join(&rest.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn glance_comes_first_and_horizon_becomes_direct() {
    let outcome = render(&join(&[&cloud(), &glance("{}"), &horizon("{}")]));
    insta::assert_snapshot!(sentences(&outcome).join("\n"), @r"
    Glance openstack/glance: add the finalizer
    Glance openstack/glance: create ConfigMap openstack/glance-direct-upload-4a5a2065f4
    Glance openstack/glance: rehearse glance-direct-upload-4a5a2065f4 in the image of Deployment openstack/glance
    Glance openstack/glance: wait until the rehearsal has passed
    Glance openstack/glance: mount glance-direct-upload-4a5a2065f4 in Deployment openstack/glance
    Glance openstack/glance: wait until Deployment openstack/glance is rolled out
    Horizon openstack/horizon: add the finalizer
    Horizon openstack/horizon: create ConfigMap openstack/horizon-direct-upload-3263560975
    Horizon openstack/horizon: rehearse horizon-direct-upload-3263560975 in the image of Deployment openstack/horizon
    Horizon openstack/horizon: wait until the rehearsal has passed
    Horizon openstack/horizon: see that the preflight passes for each origin
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
    let outcome = staged(&yaml, Stage::Glance);
    assert!(sentences(&outcome).iter().all(|s| s.starts_with("Glance")), "{:?}", sentences(&outcome));
    let after = simulate::manifests(&outcome);
    let horizon =
        |list: &[Value]| list.iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == "horizon").cloned();
    assert_eq!(horizon(&before), horizon(&after));
    let config_maps: Vec<_> = after.iter().filter(|o| o["kind"] == "ConfigMap").collect();
    assert_eq!(config_maps.len(), 1);
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
    // The second half goes on where the first ended.
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
#[case::volume("name: images\n", "name: direct-upload\n", "its volume \"direct-upload\" is of another type")]
fn foreign_entries_with_our_key_are_left_alone(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
    let theirs = sample("quickstart/glance.yaml").replace(from, to);
    let outcome = render(&join(&[&theirs, &sample("quickstart/horizon.yaml"), &glance("{}"), &horizon("{}")]));
    let (fine, reason, message) = end(&outcome, "Glance openstack/glance");
    assert_eq!((fine, reason), (false, Reason::FieldConflict));
    assert!(message.contains(said), "{message}");
    assert!(!is_direct(&outcome, "openstack/horizon"));
    let glance = |o: &Outcome| {
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
