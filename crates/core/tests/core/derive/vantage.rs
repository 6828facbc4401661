//! What the operator sees at an address for which the cluster itself answers is an assumption about browsers.

use std::sync::Arc;

use direct_upload_core::derive::World;
use direct_upload_core::model::{Answers, Epoch, Key, Observation, ProbeRecord, ProbeTarget, Snapshot};
use rstest::rstest;
use test_support::manifests::{horizon, join, read, service};

const VIP: &str = "10.96.0.7";

fn object(kind: &str, version: &str, more: &str) -> String {
    format!("{{apiVersion: {version}, kind: {kind}, metadata: {{namespace: openstack, name: edge}}, {more}}}")
}

/// What is assumed where this address answered each preflight.
fn assumed(more: &str, probe: &str, reached: Option<&str>) -> Vec<String> {
    let spec = format!("{{directUpload: {{glanceEndpoint: 'https://glance.example.com', probe: {{{probe}}}}}}}");
    let cloud = service("openstack", "horizon", "horizon.example.com");
    let mut snapshot: Snapshot = read(&join(&[&cloud, &horizon(&spec), more])).snapshot;
    let answered = |(target, epoch): (&Arc<ProbeTarget>, &Epoch)| {
        let record = Answers::Assumed.get(target, epoch).unwrap();
        let reached = reached.map(|address| address.parse().unwrap());
        let observation = Observation { reached, ..record.observation };
        (target.clone(), Arc::new(ProbeRecord { observation, ..record }))
    };
    snapshot.answers = Answers::Given(Arc::default());
    let targets = World::of(&snapshot).probe_targets;
    snapshot.answers = Answers::Given(Arc::new(targets.iter().map(answered).collect()));
    let view = World::of(&snapshot).horizons[&Key::new("openstack", "horizon")].clone();
    view.proof.assumptions.iter().filter(|sentence| sentence.contains("run outside the cluster")).cloned().collect()
}

#[rstest]
#[case::cluster_ip(
    "Service",
    "v1",
    "spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7]}",
    "an address of Service openstack/edge"
)]
#[case::external_ip("Service", "v1", "spec: {externalIPs: [10.96.0.7]}", "an address of Service openstack/edge")]
#[case::load_balancer(
    "Service",
    "v1",
    "spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 10.96.0.7}]}}",
    "an address of Service openstack/edge"
)]
#[case::passed_by_traffic_from_inside(
    "Service",
    "v1",
    "spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 10.96.0.7, ipMode: Proxy}]}}",
    ""
)]
#[case::another("Service", "v1", "spec: {clusterIP: 10.96.0.8}", "")]
#[case::headless("Service", "v1", "spec: {clusterIP: None}", "")]
#[case::ingress(
    "Ingress",
    "networking.k8s.io/v1",
    "spec: {}, status: {loadBalancer: {ingress: [{ip: 10.96.0.7}]}}",
    "the address in the status of Ingress openstack/edge"
)]
#[case::gateway(
    "Gateway",
    "gateway.networking.k8s.io/v1",
    "spec: {gatewayClassName: x, listeners: []}, status: {addresses: [{type: IPAddress, value: 10.96.0.7}]}",
    "the address in the status of Gateway openstack/edge"
)]
fn an_address_of_the_cluster_is_told(
    #[case] kind: &str,
    #[case] version: &str,
    #[case] more: &str,
    #[case] whose: &str,
) {
    let found = assumed(&object(kind, version, more), "", Some(VIP));
    assert_eq!(found.len(), usize::from(!whose.is_empty()), "{found:?}");
    let next = "preflight --origin https://horizon.example.com --url https://glance.example.com, or verify --dashboard https://horizon.example.com";
    assert!(found.iter().all(|sentence| sentence.contains(whose) && sentence.contains(next)), "{found:?}");
    assert!(assumed(&object(kind, version, more), "", None).is_empty(), "no address answered, or a proxy's");
}

/// In the same words; and once.
#[test]
fn an_alias_is_told() {
    let more = object("Service", "v1", "spec: {clusterIP: 10.96.0.7}");
    let aliases = "hostAliases: [{ip: 10.96.0.7, hostnames: [glance.example.com]}]";
    let found = assumed(&more, aliases, Some(VIP));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("10.96.0.7, which spec.directUpload.probe.hostAliases names"), "{found:?}");
    assert!(found[0].contains("preflight --origin https://horizon.example.com --url https://glance.example.com"));
}
