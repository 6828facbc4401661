//! The two resources as the seed document writes them.

use rstest::rstest;

use crate::harness::{Site, fixtures, workload_patches};

/// They are accepted; the endpoint in them is one that no browser reaches, so Horizon is left alone
/// and its status says why.
#[rstest]
#[case::with_the_workloads(true)]
#[case::without_the_workloads(false)]
fn the_seeds(#[case] workloads: bool) {
    let cloud = if workloads { fixtures::cloud() } else { vec![] };
    let site = Site::with("seed", &cloud);
    let before = site.find("deployment/horizon");
    let mark = site.mark();
    for name in ["horizon", "glance"] {
        site.apply_sample(&format!("samples/seed/{name}.yaml"));
    }
    site.await_ready("horizon/horizon", "False EndpointNotPublic");
    let message = site.message("horizon/horizon", "Ready");
    for part in ["DU010", "spec.directUpload.glanceEndpoint", "https://glance.openstack.svc.cluster.local:9292"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(site.condition("horizon/horizon", "Stalled"), "True EndpointNotPublic");
    let expected = if workloads { "True NoOrigins" } else { "False WorkloadNotFound" };
    site.await_ready("glance/glance", expected);

    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    if let Some(before) = before {
        assert_eq!(site.get("deployment/horizon")["spec"], before["spec"]);
    }
    site.kubectl(&["delete", "horizon/horizon", "glance/glance", "--timeout=30s"]);
}
