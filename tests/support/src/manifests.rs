//! Manifests of small clouds, the result of their simulation, and helpers that describe it.

use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::Reason;
use direct_upload_api::web::Origin;
use direct_upload_core::manifests::{self, Input};
use direct_upload_core::model::{Advice, Key};
use direct_upload_core::plan::Options;
use direct_upload_core::render::effects;
use direct_upload_core::simulate::{self, Cluster, RolloutStage, Simulation};
use serde_json::json;

/// A file of `samples/`.
pub fn sample(path: &str) -> String {
    std::fs::read_to_string(crate::file("samples").join(path)).unwrap()
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

pub fn render(yaml: &str) -> Simulation {
    staged(yaml, RolloutStage::Horizon)
}

pub fn staged(yaml: &str, stage: RolloutStage) -> Simulation {
    let options = Options { image: "operator:1".into() };
    let outcome =
        simulate::simulate(Cluster::from_input(read(yaml)), stage, "2026-06-01T00:00:00Z".parse().unwrap(), &options);
    assert!(!outcome.unsettled, "{:#?}", outcome.steps);
    outcome
}

/// Steps as sentences.
pub fn sentences(outcome: &Simulation) -> Vec<String> {
    outcome.steps.iter().map(|taken| format!("{}: {}", taken.resource, taken.step.action)).collect()
}

/// The reason with which a resource ends, and whether that is what its spec asks.
pub fn end(outcome: &Simulation, resource: &str) -> (bool, Reason, String) {
    let end = outcome.ends.iter().find(|end| end.resource.to_string() == resource).unwrap();
    let problem = end.state.why().unwrap_or_else(|| panic!("{resource}: {:?}", end.state));
    (end.state.lacks().is_none(), problem.reason, problem.message().clone())
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
pub fn origins(outcome: &Simulation, glance: &str) -> Vec<String> {
    let resource = format!("Glance {glance}");
    let files = simulate::rendered_files(outcome);
    let texts = files.iter().filter(|(id, name, _)| id.to_string() == resource && *name == "zz-direct-upload.conf");
    texts.flat_map(|(_, _, text)| origins_in(text)).map(|o| o.to_string()).collect()
}

pub fn is_direct(outcome: &Simulation, horizon: &str) -> bool {
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

/// The manifests in the end, as one YAML text.
pub fn printed(outcome: &Simulation) -> String {
    serde_yaml::to_string(&json!({"apiVersion": "v1", "kind": "List", "items": simulate::manifests(outcome)})).unwrap()
}

/// The input of a next time: what was printed, and all of the input that is not printed again.
pub fn fed_back(yaml: &str, outcome: &Simulation) -> String {
    beside(yaml, &printed(outcome))
}

/// All of the input that is not printed again, and this.
pub fn beside(yaml: &str, printed: &str) -> String {
    let rest = read(yaml)
        .manifests
        .into_iter()
        .map(|m| m.object)
        .filter(|o| o["kind"] != "Deployment" && o["kind"] != "StatefulSet")
        .map(|o| o.to_string());
    let rest: Vec<String> = rest.chain([printed.to_owned()]).collect();
    join(&rest.iter().map(String::as_str).collect::<Vec<_>>())
}
