//! Preflights and their effect on modes: no switch before they pass, fallback if they are refused for long,
//! and no change if they get no answer.

use serde_json::{Value, json};

use crate::harness::{Answer, Site, fixtures, workload_patches};

/// A cloud whose Glance has its own host, which answers like this.
fn cloud(host: &str, answer: Answer) -> Vec<Value> {
    crate::harness::shared().edge().set(host, answer);
    [
        fixtures::service("Deployment", "horizon"),
        vec![fixtures::workload("Deployment", "glance")],
        fixtures::exposed("glance", host),
    ]
    .concat()
}

/// Both resources; what is said of `directUpload`.
fn resources(direct_upload: &Value) -> [Value; 2] {
    [fixtures::glance("glance", json!({})), fixtures::horizon("horizon", json!({"directUpload": direct_upload}))]
}

impl Site<'_> {
    /// Waits until a host was asked so many times more.
    fn await_preflights(&self, host: &str, count: usize) {
        let edge = self.cluster.edge();
        let goal = edge.asked(host) + count;
        self.wait(&format!("{host} was asked {count} times"), || (edge.asked(host) >= goal).then_some(()));
    }

    fn uploads(&self) -> Value {
        self.get("horizon/horizon")["status"]["uploadMode"].clone()
    }

    fn verdict(&self) -> Value {
        self.get("horizon/horizon")["status"]["verification"]["verdict"].clone()
    }
}

/// Refused: Horizon stays as it is, and the status says what to do. Once granted, it switches.
#[test]
fn nothing_switches_before_the_preflight_passes() {
    let host = "glance-refusing.example.com";
    let site = Site::with("refused", &cloud(host, Answer::Refuses));
    let before = site.get("deployment/horizon")["spec"].clone();
    site.apply(&resources(&json!({})));
    site.await_ready("horizon/horizon", "False PreflightRefused");
    for (type_, expected) in [
        ("Accepted", "True Accepted"),
        ("ConfigRendered", "True Rendered"),
        ("RolledOut", "False PreflightRefused"),
        ("Verified", "False PreflightRefused"),
        ("Stalled", "True PreflightRefused"),
    ] {
        assert_eq!(site.condition("horizon/horizon", type_), expected, "{type_}");
    }
    let status = site.get("horizon/horizon")["status"]["verification"].clone();
    assert_eq!((&status["verdict"], &status["failures"][0]["rule"]), (&json!("Refused"), &json!("DU002")), "{status}");
    assert_eq!(status["failures"][0]["origin"], "https://horizon.example.com");
    assert_eq!(site.get("deployment/horizon")["spec"], before);

    let mark = site.mark();
    site.await_preflights(host, 6);
    assert!(site.settled_writes(mark).is_empty(), "the same verdict is written once");

    site.cluster.edge().set(host, Answer::Grants);
    site.await_ready("horizon/horizon", "True Verified");
    assert_eq!((site.uploads(), site.verdict()), (json!("direct"), json!("Granted")));
}

/// Without an answer `Required` waits, and `BestEffort` switches and says so.
#[test]
fn no_answer() {
    let host = "glance-silent.example.com";
    let site = Site::with("silent", &cloud(host, Answer::Hangs));
    site.apply(&resources(&json!({})));
    site.await_ready("horizon/horizon", "False PreflightUnanswered");
    assert_eq!(site.condition("horizon/horizon", "Verified"), "Unknown PreflightUnanswered");
    assert_eq!(site.condition("horizon/horizon", "Stalled"), "False Settled");
    assert_eq!(site.uploads(), "own");

    site.edit("horizon/horizon", &json!({"spec": {"directUpload": {"verification": "BestEffort"}}}));
    site.await_ready("horizon/horizon", "True ReadyUnverified");
    assert!(site.message("horizon/horizon", "Ready").contains("gets no answer"));
    assert_eq!((site.uploads(), site.verdict()), (json!("direct"), json!("Unknown")));

    site.cluster.edge().set(host, Answer::Refuses);
    site.await_ready("horizon/horizon", "False PreflightRefused");
    assert_eq!(site.uploads(), "direct", "not for long enough");
}

/// `Off` asks nothing.
#[test]
fn off() {
    let host = "glance-unasked.example.com";
    let site = Site::with("off", &cloud(host, Answer::Refuses));
    site.apply(&resources(&json!({"verification": "Off"})));
    site.await_ready("horizon/horizon", "True ReadyUnverified");
    assert_eq!(site.condition("horizon/horizon", "Verified"), "Unknown NotVerified");
    assert_eq!((site.uploads(), site.cluster.edge().asked(host)), (json!("direct"), 0));
}

/// Refused for as long as the operator's patience: Horizon falls back, once, and returns with the
/// same patience; a new operator knows where it stands.
#[test]
fn falls_back_and_returns() {
    let host = "glance-breaking.example.com";
    let mut site = Site::new("fall-back");
    site.flags = vec!["--preflight-patience", "3s"];
    site.apply(&cloud(host, Answer::Grants));
    site.await_rollouts();
    site.start();
    let before = site.get("deployment/horizon")["spec"].clone();
    site.apply(&resources(&json!({})));
    site.await_ready("horizon/horizon", "True Verified");

    let mark = site.mark();
    site.cluster.edge().set(host, Answer::Refuses);
    site.await_ready("horizon/horizon", "False FallenBack");
    site.wait("the old mode is in force", || (site.uploads() == "own").then_some(()));
    assert_eq!(site.get("deployment/horizon")["spec"], before);
    assert!(site.message("horizon/horizon", "Ready").contains("DU002"), "{}", site.message("horizon/horizon", "Ready"));
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/horizon"], "Glance stays as it is");

    site.operator.take().expect("an operator runs").kill();
    site.flags = vec!["--preflight-patience", "1h"];
    site.start();
    site.cluster.edge().set(host, Answer::Grants);
    site.await_preflights(host, 8);
    assert_eq!(site.condition("horizon/horizon", "Ready"), "False FallenBack", "the new operator has patience, too");

    site.stop();
    site.flags = vec!["--preflight-patience", "2s"];
    site.start();
    site.await_ready("horizon/horizon", "True Verified");
    assert_eq!(workload_patches(&site.settled_writes(mark)), ["patch deployments/horizon"; 2]);
    let kept =
        site.list("configmap").into_iter().any(|c| c["metadata"]["annotations"].to_string().contains("backed-out"));
    assert!(!kept, "nothing is left to be remembered");
}

/// `fallback: None` reports, and no more.
#[test]
fn no_fallback() {
    let host = "glance-reported.example.com";
    let mut site = Site::new("no-fall-back");
    site.flags = vec!["--preflight-patience", "1s"];
    site.apply(&cloud(host, Answer::Grants));
    site.await_rollouts();
    site.start();
    site.apply(&resources(&json!({"fallback": "None"})));
    site.await_ready("horizon/horizon", "True Verified");
    let mark = site.mark();
    site.cluster.edge().set(host, Answer::Refuses);
    site.await_ready("horizon/horizon", "False PreflightRefused");
    site.await_preflights(host, 10);
    assert!(workload_patches(&site.settled_writes(mark)).is_empty());
    assert_eq!(site.uploads(), "direct");
}

/// A path that flaps, and one that does not answer, never change the mode.
#[test]
fn neither_flapping_nor_silence_changes_a_mode() {
    let host = "glance-flapping.example.com";
    let mut site = Site::new("flapping");
    site.flags = vec!["--preflight-patience", "1s"];
    site.apply(&cloud(host, Answer::Grants));
    site.await_rollouts();
    site.start();
    site.apply(&resources(&json!({})));
    site.await_ready("horizon/horizon", "True Verified");

    let mark = site.mark();
    site.cluster.edge().set(host, Answer::Flaps);
    site.await_preflights(host, 30);
    site.await_ready("horizon/horizon", "False PreflightRefused");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("some requests pass, and some do not"), "{message}");
    assert!(workload_patches(&site.settled_writes(mark)).is_empty());
    assert_eq!(site.uploads(), "direct");

    site.cluster.edge().set(host, Answer::Hangs);
    site.await_ready("horizon/horizon", "False PreflightUnanswered");
    site.await_preflights(host, 20);
    assert!(workload_patches(&site.settled_writes(mark)).is_empty());
    assert_eq!(site.uploads(), "direct");
    site.cluster.edge().set(host, Answer::Grants);
    site.await_ready("horizon/horizon", "True Verified");
}

/// A Glance without a resource: the preflight alone decides.
#[test]
fn a_glance_elsewhere() {
    let host = "glance-elsewhere.example.com";
    let site = Site::with("elsewhere", &fixtures::service("Deployment", "horizon"));
    site.cluster.edge().set(host, Answer::Refuses);
    let direct_upload = json!({"glanceEndpoint": format!("https://{host}")});
    site.apply(&[fixtures::horizon("horizon", json!({"directUpload": direct_upload}))]);
    site.await_ready("horizon/horizon", "False PreflightRefused");
    assert_eq!(site.uploads(), "own");
    site.cluster.edge().set(host, Answer::Grants);
    site.await_ready("horizon/horizon", "True Verified");
    assert_eq!(site.uploads(), "direct");
}

/// The operator reaches the public name by an address and a CA that only the spec tells.
#[test]
fn an_address_and_a_ca_of_its_own() {
    let edge = crate::harness::shared().edge();
    let mut site = Site::new("reach");
    site.apply(&fixtures::cloud());
    site.await_rollouts();
    site.start();
    let probe = json!({
        "caConfigMap": {"name": "public-ca"},
        "hostAliases": [{"ip": crate::harness::Edge::private_address(), "hostnames": ["glance.example.org"]}],
    });
    let endpoint = format!("https://glance.example.org:{}", edge.private_port());
    site.apply(&resources(&json!({"glanceEndpoint": endpoint, "probe": probe})));
    site.await_ready("horizon/horizon", "False PreflightUnanswered");
    let message = site.message("horizon/horizon", "Ready");
    assert!(message.contains("ConfigMap") && message.contains("public-ca does not exist"), "{message}");

    let config_map = |ca: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "public-ca"}, "data": {"ca.crt": ca}});
    site.apply(&[config_map("no certificate")]);
    site.wait("the bad CA is named", || {
        site.message("horizon/horizon", "Ready").contains("the certificate authorities cannot be used").then_some(())
    });
    site.apply(&[config_map(&std::fs::read_to_string(edge.private_ca()).expect("a CA"))]);
    site.await_ready("horizon/horizon", "True Verified");
}
