//! The preStop sleep that comes with a roll. The API server refuses none of the user's own changes next to
//! it.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

const HOOK: &str = "/spec/template/spec/containers/0/lifecycle/preStop";

fn ours(seconds: u32) -> Value {
    json!({"exec": {"command": ["sh", "-c", format!("sleep {seconds} # direct-upload")]}})
}

fn hook(site: &Site, workload: &str) -> Option<Value> {
    site.get(workload).pointer(HOOK).cloned()
}

/// Glance's Deployment as its owner writes it, with something more in its pod or its container.
fn glance(pod: &Value, container: &Value) -> Value {
    let mut workload = fixtures::workload("Deployment", "glance");
    let spec = &mut workload["spec"]["template"]["spec"];
    merge(&mut spec["containers"][0], container);
    merge(spec, pod);
    workload
}

fn merge(into: &mut Value, more: &Value) {
    for (field, value) in more.as_object().into_iter().flatten() {
        into[field] = value.clone();
    }
}

/// A cloud with this Glance, and its pair of resources.
fn pair(name: &str, glance: Value, spec: Value) -> Site<'static> {
    let mut objects = fixtures::cloud();
    objects[0] = glance;
    let site = Site::with(name, &objects);
    site.apply(&[fixtures::glance("glance", spec), fixtures::horizon("horizon", json!({}))]);
    site.await_pair();
    site
}

/// A second change, which rolls Glance in any case.
fn roll(site: &Site, host: &str) {
    site.apply(&fixtures::exposed("horizon", host));
    site.wait("the new origin is accepted", || site.files("deployment/glance")?.contains(host).then_some(()));
    site.await_rollouts();
    site.await_pair();
}

fn advice(site: &Site, object: &str) -> String {
    let status = site.get(object)["status"].clone();
    let told = status["advice"].as_array().into_iter().flatten().filter_map(|text| text.as_str());
    // What is said of rolls, and not of the way there, nor of files about which the stand-in's Jobs say nothing.
    told.filter(|text| !text.starts_with("Ingress") && !text.starts_with("[cors]")).collect::<Vec<_>>().join("\n")
}

/// The first roll brings it to Glance, and says what itself costs; Horizon gets none.
#[test]
fn it_comes_with_the_first_roll() {
    let site = pair("drain", glance(&json!({}), &json!({})), json!({}));
    assert_eq!(hook(&site, "deployment/glance"), Some(ours(20)));
    assert_eq!(hook(&site, "deployment/horizon"), None);
    assert_eq!(site.get("deployment/glance")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 30);
    assert_eq!(advice(&site, "glance/glance"), "");
    let events = site.kubectl(&["get", "events", "-o", "jsonpath={range .items[*]}{.reason} {.message}{\"\\n\"}{end}"]);
    let cost = |event: &str| {
        events.lines().filter(|l| l.starts_with(event) && l.contains("uploads in flight are cut")).count()
    };
    assert_eq!((cost("Mount"), cost("SwitchMode")), (1, 1), "{events}");
}

/// Whatever the user's next file holds, `kubectl apply` takes it; what it says stands, and when our
/// fields go, the workload is what that file says.
#[rstest]
#[case::nothing_new(json!({}), json!({}), Some(ours(20)))]
#[case::another_grace(json!({"terminationGracePeriodSeconds": 90}), json!({}), Some(ours(20)))]
#[case::a_shorter_grace(json!({"terminationGracePeriodSeconds": 5}), json!({}), Some(ours(20)))]
#[case::a_hook(json!({}), json!({"lifecycle": {"preStop": {"exec": {"command": ["/stop"]}}}}), Some(json!({"exec": {"command": ["/stop"]}})))]
#[case::another_hook(json!({}), json!({"lifecycle": {"postStart": {"exec": {"command": ["/start"]}}}}), Some(ours(20)))]
fn then_the_users_own_apply(#[case] pod: Value, #[case] container: Value, #[case] expected: Option<Value>) {
    let site = pair("drain-apply", glance(&json!({}), &json!({})), json!({}));
    let mark = site.mark();
    site.apply(&[glance(&pod, &container)]);
    site.await_rollouts();
    site.await_pair();
    assert_eq!(hook(&site, "deployment/glance"), expected);
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0, "no roll for the drain's sake");

    site.kubectl(&["delete", "glance/glance", "horizon/horizon", "--timeout=60s"]);
    site.await_rollouts();
    let released = site.get("deployment/glance")["spec"].clone();
    site.kubectl(&["delete", "deployment/glance"]);
    site.apply(&[glance(&pod, &container)]);
    assert_eq!(site.get("deployment/glance")["spec"], released);
}

fn apply_server_side(site: &Site, workload: &Value) {
    site.kubectl_with(&["apply", "--server-side", "--field-manager=team", "-f", "-"], &workload.to_string());
    site.await_rollouts();
}

/// Where somebody applies the container server-side, nothing of ours is in the way of what comes
/// next: neither a grace period nor the hook that the advice says, or any other.
#[rstest]
#[case::grace(json!({"terminationGracePeriodSeconds": 90}), json!({}))]
#[case::sleep(json!({}), json!({"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}))]
#[case::exec(json!({"terminationGracePeriodSeconds": 60}), json!({"lifecycle": {"preStop": {"exec": {"command": ["/stop"]}}}}))]
fn then_a_server_side_apply(#[case] pod: Value, #[case] container: Value) {
    let site = Site::with("drain-ssa", &fixtures::cloud()[1..]);
    apply_server_side(&site, &glance(&json!({}), &json!({})));
    site.apply(&fixtures::resources());
    site.await_pair();
    assert_eq!(hook(&site, "deployment/glance"), None);
    let told = advice(&site, "glance/glance");
    assert!(told.contains(r#""team" applies it server-side"#), "{told}");

    apply_server_side(&site, &glance(&pod, &container));
    site.await_pair();
    assert_eq!(hook(&site, "deployment/glance").as_ref(), container.pointer("/lifecycle/preStop"));
}

/// Whoever begins to apply server-side later gets the hook out of the way with the next roll, or
/// pastes what the advice says, and keeps it.
#[rstest]
#[case::as_it_was(false)]
#[case::with_what_the_advice_says(true)]
fn a_change_to_server_side_apply(#[case] pasted: bool) {
    let site = pair("drain-change", glance(&json!({}), &json!({})), json!({}));
    let mark = site.mark();
    apply_server_side(&site, &glance(&json!({}), &json!({})));
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    assert_eq!(hook(&site, "deployment/glance"), Some(ours(20)));
    let told = site.wait("the advice says so", || {
        let advice = advice(&site, "glance/glance");
        advice.contains("applies it server-side").then_some(advice)
    });
    if pasted {
        let (_, yaml) = told.split_once("in its own manifest, ").expect("YAML to paste");
        let object: Value = serde_yaml::from_str(yaml).expect("YAML");
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        apply_server_side(&site, &glance(&json!({}), container));
        site.wait("it is followed", || advice(&site, "glance/glance").is_empty().then_some(()));
    }
    roll(&site, "cloud.example.com");
    assert_eq!(hook(&site, "deployment/glance"), pasted.then(|| ours(20)));
}

/// A hook of the user's, of whichever type, stays as it is, and nothing is refused.
#[rstest]
#[case::sleep(json!({"sleep": {"seconds": 5}}), "")]
#[case::exec_that_sleeps(json!({"exec": {"command": ["/bin/sleep", "15"]}}), "")]
#[case::exec(json!({"exec": {"command": ["/stop"]}}), "its own preStop hook")]
#[case::http(json!({"httpGet": {"path": "/stop", "port": 80, "scheme": "HTTP"}}), "its own preStop hook")]
fn beside_a_hook_of_the_users(#[case] theirs: Value, #[case] told: &str) {
    let workload = glance(&json!({}), &json!({"lifecycle": {"preStop": theirs}}));
    let site = pair("drain-theirs", workload, json!({"rollout": {"drain": {"enabled": true}, "minInterval": "1s"}}));
    assert_eq!(hook(&site, "deployment/glance"), Some(theirs));
    let advice = advice(&site, "glance/glance");
    assert!(advice.contains(told) && (advice.is_empty() == told.is_empty()), "{advice}");
}

/// A workload that has our mount gets the hook with its next roll. Its removal happens at once.
#[test]
fn on_and_off() {
    let spec = |drain: Value| json!({"spec": {"rollout": {"minInterval": "1s", "drain": drain}}});
    let site = pair("drain-later", glance(&json!({}), &json!({})), spec(json!({"enabled": false}))["spec"].clone());
    assert_eq!(hook(&site, "deployment/glance"), None);

    let mark = site.mark();
    site.edit("glance/glance", &spec(json!({"enabled": null, "preStopSeconds": 15})));
    site.wait("the advice names the next roll", || {
        advice(&site, "glance/glance").contains("the next roll").then_some(())
    });
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 0);
    roll(&site, "cloud.example.com");
    assert_eq!(hook(&site, "deployment/glance"), Some(ours(15)));

    site.edit("glance/glance", &spec(json!({"preStopSeconds": 18})));
    site.quiet();
    assert_eq!(hook(&site, "deployment/glance"), Some(ours(15)), "a longer one comes with the next roll");

    let mark = site.mark();
    site.edit("glance/glance", &spec(json!({"enabled": false})));
    site.wait("it is gone", || hook(&site, "deployment/glance").is_none().then_some(()));
    site.await_rollouts();
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)).len(), 1);
}

/// `kubectl rollout restart` and `undo` keep it, and a file that replaces all gets it back.
#[test]
fn through_kubectl_rollout_and_replace() {
    let site = pair("drain-rollout", glance(&json!({}), &json!({})), json!({}));
    site.kubectl(&["rollout", "restart", "deployment/glance"]);
    site.await_rollouts();
    assert_eq!(hook(&site, "deployment/glance"), Some(ours(20)));
    let back = |site: &Site| {
        site.wait("our fields are back", || site.mounted("deployment/glance"));
        site.await_rollouts();
        site.await_pair();
        assert_eq!(hook(site, "deployment/glance"), Some(ours(20)));
    };
    site.kubectl(&["rollout", "undo", "deployment/glance", "--to-revision=1"]);
    back(&site);
    site.kubectl_with(&["replace", "-f", "-"], &glance(&json!({}), &json!({})).to_string());
    back(&site);
}
