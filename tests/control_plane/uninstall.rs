//! Uninstall in every order: the table in docs/install.md. Each test has its own cluster, with what deploy/
//! installs and a cloud with direct uploads.

use std::process::{Command, Output};

use rstest::rstest;
use serde_json::Value;

use crate::harness::{BINARY, Cluster, Operator, SYSTEM, Site, file, fixtures};

const CLOUD: &str = "openstack";
const WORKLOADS: [&str; 2] = ["deployment/glance", "deployment/horizon"];
const EVERYTHING: &str = "horizons,glances,openstackapis";

/// Nothing may take longer, except what is known to wait.
const AT_ONCE: &str = "--timeout=60s";

/// The site, each workload's spec before it was touched, and while it is direct.
struct Installed<'a> {
    site: Site<'a>,
    untouched: [Value; 2],
    direct: [Value; 2],
}

fn specs(site: &Site) -> [Value; 2] {
    WORKLOADS.map(|workload| site.get(workload)["spec"].clone())
}

impl<'a> Installed<'a> {
    fn on(cluster: &'a Cluster) -> Self {
        cluster.install();
        cluster.create_namespace(CLOUD);
        let mut site = Site { cluster, namespace: CLOUD.into(), operator: None, flags: Vec::new() };
        site.apply(&fixtures::cloud());
        site.await_rollouts();
        let untouched = specs(&site);
        let operator = Operator::start(cluster, &[]);
        operator.wait_ready();
        site.operator = Some(operator);
        site.apply(&fixtures::resources());
        site.await_pair();
        let direct = specs(&site);
        assert_ne!(untouched, direct);
        Self { site, untouched, direct }
    }

    /// Uploads go on: pods run with what they had, and the files are there.
    fn goes_on(&self) {
        assert_eq!(specs(&self.site), self.direct);
        assert!(WORKLOADS.iter().all(|workload| self.site.files(workload).is_some()));
    }

    fn resources_go(&self) {
        self.site.cluster.kubectl(&["delete", EVERYTHING, "--all", "--all-namespaces", AT_ONCE]);
    }

    fn crds_go(&self) {
        self.site.cluster.kubectl(&["delete", AT_ONCE, "-k", &file("crds").display().to_string()]);
    }
}

fn operator_goes(cluster: &Cluster) {
    let deploy = file("deploy").display().to_string();
    cluster.kubectl(&["delete", AT_ONCE, "--ignore-not-found", "-k", &deploy]);
}

/// As an administrator at a terminal.
fn detach(cluster: &Cluster, args: &[&str]) -> Output {
    let kubeconfig = cluster.folder().join("admin.kubeconfig");
    Command::new(BINARY).arg("detach").args(args).env("KUBECONFIG", kubeconfig).output().expect("it runs")
}

fn detached(cluster: &Cluster, args: &[&str]) -> String {
    let output = detach(cluster, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The documented order gives everything back; and so it is where the CRDs take the resources along.
#[rstest]
#[case::resources("resources-first", true)]
#[case::crds("crds-first", false)]
fn while_the_operator_runs(#[case] name: &str, #[case] resources_first: bool) {
    let cluster = Cluster::start(name);
    let mut installed = Installed::on(&cluster);
    if resources_first {
        installed.resources_go();
    } else {
        installed.crds_go();
    }
    assert_eq!(specs(&installed.site), installed.untouched);
    drop(installed.site.operator.take());
    operator_goes(&cluster);
    if resources_first {
        installed.crds_go();
    }
    assert_eq!(specs(&installed.site), installed.untouched);
}

/// The operator is gone before its resources: they are detached, and then nothing waits for it.
#[test]
fn operator_first() {
    let cluster = Cluster::start("operator-first");
    let mut installed = Installed::on(&cluster);
    let refused = detach(&cluster, &["--all-namespaces"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("is still active"), "not while it runs: {said}");

    installed.site.stop();
    operator_goes(&cluster);
    let said = detached(&cluster, &["--namespace", CLOUD]);
    assert_eq!(said, "horizons/horizon in openstack: detached\nglances/glance in openstack: detached\n");
    assert_eq!(detached(&cluster, &["--all-namespaces"]), "", "nothing is left to detach");
    installed.goes_on();
    installed.resources_go();
    installed.crds_go();
    installed.goes_on();

    // Back again, the same resources take over what stands there; then it can be given back.
    cluster.install();
    let operator = Operator::start(&cluster, &[]);
    operator.wait_ready();
    installed.site.operator = Some(operator);
    installed.site.apply(&fixtures::resources());
    installed.site.await_pair();
    installed.goes_on();
    installed.resources_go();
    assert_eq!(specs(&installed.site), installed.untouched);
}

/// All of it deleted at once, its rights first: what waits is let go by one command.
#[test]
fn everything_at_once() {
    let cluster = Cluster::start("at-once");
    let mut installed = Installed::on(&cluster);
    cluster.kubectl(&["delete", "--wait=false", "-k", &file("deploy").display().to_string()]);
    cluster.kubectl(&["delete", "--wait=false", "-k", &file("crds").display().to_string()]);
    // Without rights it may have ended by itself.
    drop(installed.site.operator.take());
    detached(&cluster, &["--all-namespaces", "--stop", "direct-upload-operator"]);
    for crd in ["horizons.horizon", "glances.glance", "openstackapis.cors"] {
        cluster.kubectl(&["wait", "--for=delete", &format!("crd/{crd}.openstack.org"), AT_ONCE]);
    }
    cluster.kubectl(&["wait", "--for=delete", &format!("namespace/{SYSTEM}"), AT_ONCE]);
    installed.goes_on();
}

/// The cloud's namespace is deleted: immediately with an operator, without one after a detach.
#[test]
fn namespace_first() {
    let cluster = Cluster::start("namespace-first");
    let mut installed = Installed::on(&cluster);
    installed.site.stop();
    cluster.kubectl(&["delete", "namespace", SYSTEM, AT_ONCE]);
    installed.goes_on();
    cluster.kubectl(&["delete", "namespace", CLOUD, "--wait=false"]);
    detached(&cluster, &["--namespace", CLOUD]);
    cluster.kubectl(&["wait", "--for=delete", &format!("namespace/{CLOUD}"), AT_ONCE]);
    installed.crds_go();
    operator_goes(&cluster);
}
