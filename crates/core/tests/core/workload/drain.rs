//! Which workloads get a preStop sleep, and what is reported about rolls if they do not.

use direct_upload_core::derive::World;
use direct_upload_core::model::{Advice, ResourceKind};
use direct_upload_core::plan::{self, Options, Plan};
use direct_upload_core::simulate;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{advice_lines, exposed, fed_back, glance, horizon, join, printed, read, render, service};

/// A Glance workload with more in its spec, its pod and its container.
fn workload(kind: &str, spec: &str, pod: &str, container: &str) -> String {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"namespace": "openstack", "name": "glance"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "glance"}}, "template": {
            "metadata": {"labels": {"app": "glance"}},
            "spec": {"containers": [{"name": "glance", "image": "x"}]},
        }},
    });
    merge(&mut object["spec"]["template"]["spec"]["containers"][0], container);
    merge(&mut object["spec"]["template"]["spec"], pod);
    merge(&mut object["spec"], spec);
    object.to_string()
}

fn merge(into: &mut Value, yaml: &str) {
    let more: Value = serde_yaml::from_str(yaml).unwrap();
    for (field, value) in more.as_object().unwrap() {
        into[field] = value.clone();
    }
}

fn cloud(workload: &str, spec: &str) -> String {
    join(&[
        workload,
        &exposed("openstack", "glance", "glance.example.com"),
        &service("openstack", "horizon", "horizon.example.com"),
        &glance(spec),
        &horizon("{}"),
    ])
}

/// What the container does before it ends, once all is in effect; and what is advised.
fn outcome(yaml: &str) -> (Value, String) {
    let outcome = render(yaml);
    let objects = simulate::manifests(&outcome);
    let workload = objects.iter().find(|o| o["metadata"]["name"] == "glance" && o["kind"] != "ConfigMap").unwrap();
    let hook = workload["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"].clone();
    let end = outcome.ends.iter().find(|end| end.resource.kind == ResourceKind::Glance).unwrap();
    (hook, of_rolls(&end.advice).join("\n"))
}

/// What is reported about rolls, and not about the steps before.
fn of_rolls(advice: &[Advice]) -> Vec<String> {
    advice_lines(advice).into_iter().filter(|text| !text.starts_with("Ingress")).collect()
}

fn ours(seconds: u32) -> Value {
    json!({"exec": {"command": ["sh", "-c", format!("sleep {seconds} # direct-upload")]}})
}

#[rstest]
#[case::default("{}", "{}", 20)]
#[case::grace_at_its_default("{terminationGracePeriodSeconds: 30}", "{}", 20)]
#[case::grace_that_is_longer("{terminationGracePeriodSeconds: 600}", "{}", 20)]
#[case::longer_sleep("{terminationGracePeriodSeconds: 600}", "{drain: {preStopSeconds: 590}}", 590)]
#[case::shorter_sleep("{terminationGracePeriodSeconds: 15}", "{drain: {preStopSeconds: 5}}", 5)]
#[case::asked_for("{}", "{drain: {enabled: true}}", 20)]
fn pods_sleep_where_their_grace_period_allows_it(#[case] pod: &str, #[case] rollout: &str, #[case] seconds: u32) {
    let yaml = cloud(&workload("Deployment", "{}", pod, "{}"), &format!("{{rollout: {rollout}}}"));
    assert_eq!(outcome(&yaml), (ours(seconds), String::new()));
    let first = render(&yaml);
    assert_eq!(printed(&render(&fed_back(&yaml, &first))), printed(&first), "again, nothing to do");
}

#[rstest]
#[case::too_short(
    "{terminationGracePeriodSeconds: 29}",
    "{}",
    "{}",
    "{spec: {template: {spec: {terminationGracePeriodSeconds: 30}}}}"
)]
#[case::too_long(
    "{}",
    "{}",
    "{drain: {enabled: true, preStopSeconds: 50}}",
    "{spec: {template: {spec: {terminationGracePeriodSeconds: 60}}}}"
)]
#[case::stop_script(
    "{}",
    "{lifecycle: {preStop: {exec: {command: [/tmp/glance-api.sh, stop]}}}}",
    "{}",
    "{spec: {template: {spec: {terminationGracePeriodSeconds: 300}}}}"
)]
#[case::http(
    "{terminationGracePeriodSeconds: 900}",
    "{lifecycle: {preStop: {httpGet: {port: 80}}}}",
    "{}",
    "terminationGracePeriodSeconds: 900"
)]
#[case::sleep("{}", "{lifecycle: {preStop: {sleep: {seconds: 5}}}}", "{}", "")]
#[case::script_that_sleeps(
    "{}",
    "{lifecycle: {preStop: {exec: {command: [bash, -c, 'nginx -s quit; /bin/sleep 5']}}}}",
    "{}",
    ""
)]
#[case::off("{terminationGracePeriodSeconds: 5}", "{}", "{drain: {enabled: false}}", "")]
fn pods_do_not_sleep_where_grace_or_another_hook_forbids_it(
    #[case] pod: &str,
    #[case] container: &str,
    #[case] rollout: &str,
    #[case] told: &str,
) {
    let workload = workload("Deployment", "{}", pod, container);
    let before: Value = serde_json::from_str(&workload).unwrap();
    let (hook, advice) = outcome(&cloud(&workload, &format!("{{rollout: {rollout}}}")));
    assert_eq!(hook, before["spec"]["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]);
    assert!(advice.contains(told), "{advice}");
    assert_eq!(advice.is_empty(), told.is_empty(), "{advice}");
}

/// Another hook of the container's lifecycle stays together with ours.
#[test]
fn another_hook_of_the_lifecycle_stays_beside_ours() {
    let start = "{lifecycle: {postStart: {exec: {command: [/start]}}}}";
    let workload = workload("Deployment", "{}", "{}", start);
    let yaml = cloud(&workload, "{}");
    assert_eq!(outcome(&yaml).0, ours(20));
    let off = fed_back(&cloud(&workload, "{rollout: {drain: {enabled: false}}}"), &render(&yaml));
    let objects = simulate::manifests(&render(&off));
    let lifecycle = &objects.iter().find(|o| o["metadata"]["name"] == "glance").unwrap()["spec"]["template"]["spec"]["containers"]
        [0]["lifecycle"];
    assert_eq!(*lifecycle, json!({"postStart": {"exec": {"command": ["/start"]}}}));
}

/// Workloads whose roll leaves no pod to answer, and where a sleep would make that longer.
#[rstest]
#[case::two("Deployment", "{replicas: 2}", false, true)]
#[case::one_with_surge("Deployment", "{replicas: 1}", false, true)]
#[case::one_first_away("Deployment", "{replicas: 1, strategy: {rollingUpdate: {maxUnavailable: 1}}}", true, true)]
#[case::all_first_away("Deployment", "{replicas: 3, strategy: {rollingUpdate: {maxUnavailable: '100%'}}}", true, true)]
#[case::most_first_away("Deployment", "{replicas: 3, strategy: {rollingUpdate: {maxUnavailable: '99%'}}}", false, true)]
#[case::no_room(
    "Deployment",
    "{replicas: 1, strategy: {rollingUpdate: {maxUnavailable: '50%', maxSurge: 0}}}",
    true,
    true
)]
#[case::recreate("Deployment", "{replicas: 3, strategy: {type: Recreate}}", true, false)]
#[case::stateful_one("StatefulSet", "{replicas: 1, serviceName: glance}", true, false)]
#[case::stateful_two("StatefulSet", "{replicas: 2, serviceName: glance}", false, true)]
fn a_roll_that_leaves_nobody_to_answer_is_said(
    #[case] kind: &str,
    #[case] spec: &str,
    #[case] absent: bool,
    #[case] sleeps: bool,
) {
    let cloud = |drain: &str| {
        cloud(
            &workload(kind, spec, "{}", "{}"),
            &format!("{{workloadRef: {{kind: {kind}}}, rollout: {{drain: {drain}}}}}"),
        )
    };
    let (hook, advice) = outcome(&cloud("{}"));
    assert_eq!(hook == ours(20), sleeps, "{hook}");
    assert_eq!(advice.contains("no pod answers in between"), absent, "{advice}");
    assert_eq!(advice.contains("the outage longer"), !sleeps, "{advice}");
    let (hook, advice) = outcome(&cloud("{enabled: true}"));
    assert_eq!(hook, ours(20));
    assert_eq!(advice.contains("no pod answers in between"), absent, "{advice}");
}

/// No sleep is added to a container that another manager applies server-side. Other containers and other
/// kinds of updates do not matter.
#[rstest]
#[case::this_container("Apply", "team", r#"k:{"name":"glance"}"#, false)]
#[case::another_container("Apply", "team", r#"k:{"name":"exporter"}"#, true)]
#[case::client_side("Update", "kubectl-client-side-apply", r#"k:{"name":"glance"}"#, true)]
#[case::ourselves("Apply", "direct-upload-operator/default/Glance", r#"k:{"name":"glance"}"#, true)]
fn a_container_that_somebody_applies_server_side_is_left_alone(
    #[case] operation: &str,
    #[case] manager: &str,
    #[case] field: &str,
    #[case] sleeps: bool,
) {
    let mut object: Value = serde_json::from_str(&workload("Deployment", "{}", "{}", "{}")).unwrap();
    let fields = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {field: {"f:image": {}}}}}}});
    object["metadata"]["managedFields"] = json!([{
        "manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
    }]);
    let (hook, advice) = outcome(&cloud(&object.to_string(), "{}"));
    assert_eq!((hook == ours(20), advice.is_empty()), (sleeps, sleeps), "{hook} {advice}");
    let (hook, _) = outcome(&cloud(&object.to_string(), "{rollout: {drain: {enabled: true}}}"));
    assert_eq!(hook, ours(20), "asked for all the same");
}

fn plan_of(yaml: &str) -> (Plan, Vec<String>) {
    let world = World::of(&read(yaml).snapshot);
    let view = world.glances.values().next().unwrap();
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    (plan::glance(view, now, &Options { image: "operator:1".into() }).0, of_rolls(&view.public.advice))
}

/// A roll that nothing protects says so before it comes, also while it is held or only imagined.
#[rstest]
#[case::held("{rollout: {notBefore: '2030-01-01T00:00:00Z'}}")]
#[case::suspended("{suspend: true}")]
fn what_the_first_roll_costs_is_said_before_it_comes(#[case] spec: &str) {
    let one = "{replicas: 1, strategy: {rollingUpdate: {maxUnavailable: 1}}}";
    let yaml = cloud(&workload("Deployment", one, "{}", "{}"), spec);
    let (plan, advice) = plan_of(&yaml);
    let Some((_, problem)) = plan.state.lacks() else { panic!("{:?}", plan.state) };
    for cost in ["do not drain yet, so uploads in flight are cut", "no pod answers in between"] {
        assert!(problem.message().contains(cost), "{}", problem.message());
    }
    assert!(advice[0].contains("adds a preStop sleep of 20 s"), "{advice:?}");
    assert!(advice[0].contains("spec.rollout.notBefore"), "{advice:?}");
    assert!(advice[1].contains("no pod answers in between"), "{advice:?}");
}

/// The event of a roll that comes at once says what it costs. Advice would disappear a moment later.
#[test]
fn a_roll_that_comes_at_once_is_no_advice() {
    let (_, advice) = plan_of(&cloud(&workload("Deployment", "{}", "{}", "{}"), "{}"));
    assert!(!advice.iter().any(|line| line.contains("do not drain yet")), "{advice:?}");
}

/// Our own hook, where somebody now applies the container server-side: the next roll removes it, and what replaces it has
/// its seconds.
#[rstest]
#[case::ours(
    "{lifecycle: {preStop: {exec: {command: [sh, -c, 'sleep 7 # direct-upload']}}}}",
    "the next roll removes the operator's preStop hook",
    7
)]
#[case::none("{}", "a roll cuts uploads in flight", 20)]
fn who_applies_the_container_is_told_which_hook_to_add(
    #[case] container: &str,
    #[case] told: &str,
    #[case] seconds: u32,
) {
    let mut object: Value = serde_json::from_str(&workload("Deployment", "{}", "{}", container)).unwrap();
    let fields =
        json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {r#"k:{"name":"glance"}"#: {"f:image": {}}}}}}});
    object["metadata"]["managedFields"] = json!([{
        "manager": "team", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
    }]);
    let (_, advice) = plan_of(&cloud(&object.to_string(), "{}"));
    let advice = advice.join("\n");
    assert!(advice.contains(told) && advice.contains(&format!("sleep {seconds} # direct-upload")), "{advice}");
}
