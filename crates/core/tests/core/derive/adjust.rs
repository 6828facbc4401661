//! `spec.exposure.manage`: what is set on the objects that lead to Glance, and what is left alone.

use std::collections::BTreeMap;

use direct_upload_api::{ExposureKind, Reason, Rule};
use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, RefusedWrite, Snapshot};
use direct_upload_core::plan::{self, Action, Options, Plan, State};
use direct_upload_core::simulate::{Simulation, manifests};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use test_support::manifests::{advice_lines, deployment, glance, horizon, ingress, join, read, render, service, svc};

const NGINX: &str = "nginx.ingress.kubernetes.io";
const MANAGE: &str = "{exposure: {manage: true}}";

/// Glance's Ingress of a class, with further metadata.
fn of_class(class: &str, metadata: &str) -> String {
    ingress("openstack", "glance", "glance.example.com")
        .replace("name: glance}, spec: {", &format!("name: glance{metadata}}}, spec: {{ingressClassName: {class}, "))
}

fn cloud(spec: &str, exposing: &str) -> String {
    let dashboard = service("openstack", "horizon", "horizon.example.com");
    let own = [&glance(spec), &horizon("{}"), &dashboard, &deployment("openstack", "glance")];
    join(&[&own.map(String::as_str)[..], &[&svc("openstack", "glance"), exposing]].concat())
}

fn object(outcome: &Simulation, kind: &str) -> Option<Value> {
    manifests(outcome).into_iter().find(|object| object["kind"] == kind)
}

/// The annotations that an Ingress has in the end; null where it is not printed.
fn annotations(yaml: &str) -> Value {
    object(&render(yaml), "Ingress").map(|ingress| ingress["metadata"]["annotations"].clone()).unwrap_or_default()
}

fn advice(yaml: &str) -> String {
    advice_lines(&World::of(&read(yaml).snapshot).glances[&Key::new("openstack", "glance")].public.advice).join("\n")
}

fn nginx(values: [&str; 4]) -> Value {
    let names = ["proxy-body-size", "proxy-read-timeout", "proxy-request-buffering", "proxy-send-timeout"];
    names.into_iter().zip(values).map(|(name, value)| (format!("{NGINX}/{name}"), Value::from(value))).collect()
}

#[test]
fn what_uploads_need_and_nobody_has_set_is_set() {
    let bare = of_class("nginx", "");
    assert_eq!(annotations(&cloud(MANAGE, &bare)), nginx(["0", "3600", "off", "3600"]));
    assert_eq!(annotations(&cloud("{}", &bare)), Value::Null, "by default it only reports");
    let end = render(&cloud(MANAGE, &bare));
    assert!(
        end.ends.iter().all(|end| !end.advice.iter().any(|a| matches!(a.rule, Some(Rule::BodyLimit | Rule::TooSlow))))
    );
    let steps: Vec<_> = end.steps.iter().map(|taken| taken.step.to_string()).collect();
    let adjusts: Vec<_> =
        steps.iter().filter(|step| step.starts_with("annotate Ingress openstack/glance with")).collect();
    assert_eq!(adjusts.len(), 1, "{steps:#?}");

    let haproxy = "{apiVersion: route.openshift.io/v1, kind: Route, metadata: {namespace: openstack, name: glance}, spec: {host: glance.example.com, tls: {}, to: {name: glance}}}";
    let route = object(&render(&cloud(MANAGE, haproxy)), "Route").unwrap();
    assert_eq!(route["metadata"]["annotations"], serde_json::json!({"haproxy.router.openshift.io/timeout": "1h"}));
    assert_eq!(annotations(&cloud(MANAGE, &of_class("contour", ""))), Value::Null, "nothing is needed there");
    let inc = of_class("x", ", annotations: {nginx.org/mergeable-ingress-type: minion}");
    assert_eq!(annotations(&cloud(MANAGE, &inc))["nginx.org/client-max-body-size"], "0");
}

/// A second `render` changes nothing.
#[test]
fn what_was_rendered_once_stays_as_it_is() {
    let first = render(&cloud(MANAGE, &of_class("nginx", "")));
    let ingress = object(&first, "Ingress").unwrap();
    let second = render(&cloud(MANAGE, &ingress.to_string()));
    assert_eq!(object(&second, "Ingress").unwrap(), ingress);
    assert!(!second.steps.iter().any(|taken| taken.step.to_string().starts_with("annotate Ingress")));
}

#[test]
fn what_somebody_else_has_set_is_theirs() {
    let owned = format!(
        ", annotations: {{'{NGINX}/proxy-body-size': 8m}}, managedFields: [{{manager: helm, operation: Update, fieldsV1: {{'f:metadata': {{'f:annotations': {{'f:{NGINX}/proxy-body-size': {{}}}}}}}}}}]"
    );
    let yaml = cloud(MANAGE, &of_class("nginx", &owned));
    assert_eq!(annotations(&yaml), nginx(["8m", "3600", "off", "3600"]));
    let left = "set \"0\"; spec.exposure.manage does not change it: the field manager \"helm\" has set it";
    assert!(advice(&yaml).contains(left), "{}", advice(&yaml));
}

/// Metadata with annotations of ours, as the API server notes them.
fn ours() -> String {
    format!(
        ", annotations: {{'{NGINX}/proxy-body-size': '0', '{NGINX}/proxy-read-timeout': '7200', direct-upload.openstack.org/claim: Glance/openstack/glance/offline/Glance/openstack/glance}}, managedFields: [{{manager: direct-upload-operator/default/Glance, operation: Apply, fieldsV1: {{'f:metadata': {{'f:annotations': {{'f:{NGINX}/proxy-body-size': {{}}, 'f:direct-upload.openstack.org/claim': {{}}}}}}}}}}]"
    )
}

/// The Glance no longer asks for anything.
#[test]
fn what_nobody_asks_for_any_longer_is_taken_back() {
    let yaml = cloud("{}", &of_class("nginx", &ours()));
    let outcome = render(&yaml);
    let steps: Vec<_> = outcome.steps.iter().map(|taken| taken.step.to_string()).collect();
    assert!(
        steps.iter().any(|step| step.starts_with("remove the operator's annotations from Ingress openstack/glance")),
        "{steps:#?}"
    );
    // A claim in somebody's copy of the object does not count as ours.
    let copy =
        ", annotations: {direct-upload.openstack.org/claim: Glance/openstack/glance/offline/Glance/openstack/glance}";
    assert!(!render(&cloud("{}", &of_class("nginx", copy))).unsettled);
    // Still managed: what is missing comes, what is theirs stays.
    let yaml = cloud(MANAGE, &of_class("nginx", &ours()));
    assert_eq!(annotations(&yaml), nginx(["0", "7200", "off", "3600"]));
}

#[test]
fn an_object_that_leads_elsewhere_too_is_left_alone() {
    let other = "- {path: /dash, pathType: Prefix, backend: {service: {name: horizon, port: {number: 80}}}}";
    let path = "{path: /, pathType: Prefix, backend: {service: {name: glance, port: {number: 80}}}}";
    let shared =
        of_class("nginx", "").replace(&format!("[{path}]"), &format!("[{path}, {}]", other.trim_start_matches("- ")));
    let yaml = cloud(MANAGE, &shared);
    assert_eq!(annotations(&yaml), Value::Null);
    let left = "does not change it: it also leads to horizon, and its annotations would apply there, too";
    assert!(advice(&yaml).contains(left), "{}", advice(&yaml));
    let resource = "backend: {resource: {apiGroup: x.io, kind: Bucket, name: b}}";
    let mixed = of_class("nginx", "")
        .replace(&format!("[{path}]"), &format!("[{path}, {{path: /b, pathType: Prefix, {resource}}}]"));
    assert!(advice(&cloud(MANAGE, &mixed)).contains("it also leads to a backend that is not a Service"));
}

#[test]
fn rules_of_an_http_route_are_one_field() {
    let route = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: openstack, name: glance}, spec: {parentRefs: [{name: public}], hostnames: [glance.example.com], rules: [{backendRefs: [{name: glance, port: 80}]}]}}";
    let gateway = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: openstack, name: public}, spec: {gatewayClassName: x, listeners: [{name: https, port: 443, protocol: HTTPS}]}}";
    let yaml = cloud(MANAGE, &join(&[route, gateway]));
    let left =
        "spec.exposure.manage does not change it: all rules of an HTTPRoute are one field, which belongs to its author";
    assert!(advice(&yaml).contains(left), "{}", advice(&yaml));
    assert!(object(&render(&yaml), "HTTPRoute").is_none());
}

#[test]
fn a_stated_url_leads_through_no_object() {
    let spec = "{publicURL: 'https://glance.example.com', exposure: {manage: true}}";
    let yaml = cloud(spec, &of_class("nginx", ""));
    assert_eq!(annotations(&yaml), Value::Null);
    assert!(advice(&yaml).contains("name them in spec.exposedBy instead"));
}

/// So many seconds after the beginning.
fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

/// The Glance's plan, what it writes on exposing objects, and its advice.
fn planned(snapshot: &Snapshot, now: Timestamp) -> (Plan, Vec<BTreeMap<String, String>>, Vec<String>) {
    let view = World::of(snapshot).glances[&Key::new("openstack", "glance")].clone();
    let plan = plan::glance(&view, now, &Options { image: "operator:1".into() }).0;
    let writes = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Adjust(adjustment) => Some(adjustment.annotations.clone()),
        _ => None,
    });
    let writes = writes.collect();
    (plan, writes, advice_lines(&view.public.advice))
}

fn refuse(snapshot: &mut Snapshot, annotations: BTreeMap<String, String>, until: Timestamp) {
    let refusal = RefusedWrite { annotations, why: "a webhook says no".to_owned(), until };
    snapshot.refused_writes.insert((ExposureKind::Ingress, Key::new("openstack", "glance")), refusal);
}

/// `spec.deletion.timeout`, if nothing is set.
const TIMEOUT: i64 = 600;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the API server refused is not written again before its time, and delays no other write. The plan wakes then.
    #[test]
    fn a_refused_write_waits_for_its_time(until in 0i64..3, now in 0i64..3, same: bool) {
        let mut snapshot = read(&cloud(MANAGE, &of_class("nginx", ""))).snapshot;
        let (_, wanted, told) = planned(&snapshot, at(now));
        prop_assert_eq!(wanted.len(), 1);
        prop_assert!(!told.iter().any(|line| line.contains("a webhook says no")), "{:#?}", told);

        let refused = if same { wanted[0].clone() } else { BTreeMap::from([("another".to_owned(), "write".to_owned())]) };
        refuse(&mut snapshot, refused, at(until));
        let (plan, writes, told) = planned(&snapshot, at(now));
        let held = same && now < until;
        prop_assert_eq!(&writes, if held { &[][..] } else { &wanted });
        prop_assert_eq!(plan.wake == Some(at(until)), held, "{:?}", plan.wake);
        prop_assert_eq!(told.iter().any(|line| line == "spec.exposure.manage: a webhook says no"), same, "{:#?}", told);
    }

    /// Nothing of ours stays behind, unless the API server refuses to remove it until the deletion's deadline.
    #[test]
    fn a_deletion_waits_for_a_refused_write_until_its_deadline(
        until in select(vec![0, 1, TIMEOUT - 1, TIMEOUT, TIMEOUT + 1]),
        now in select(vec![0, 1, TIMEOUT - 1, TIMEOUT, TIMEOUT + 1]),
    ) {
        let alone = [&glance(MANAGE), &deployment("openstack", "glance"), &svc("openstack", "glance"), &of_class("nginx", &ours())];
        let mut snapshot = read(&join(&alone.map(String::as_str))).snapshot;
        let key = Key::new("openstack", "glance");
        let mut object = (**snapshot.glances.get(&key).unwrap().unwrap()).clone();
        object.meta.deleting = Some(at(0));
        object.finalizer = true;
        snapshot.glances.insert(key, object);
        let (_, writes, _) = planned(&snapshot, at(now));
        prop_assert_eq!(&writes, &[BTreeMap::new()], "our annotations go");

        refuse(&mut snapshot, BTreeMap::new(), at(until));
        let (plan, writes, _) = planned(&snapshot, at(now));
        prop_assert_eq!(writes.is_empty(), now < until);
        let waits = now < until && now < TIMEOUT;
        let goes = plan.steps.iter().any(|step| step.action == Action::RemoveFinalizer);
        let told = matches!(&plan.state, State::Unmet(_, problem) if problem.reason == Reason::WriteFailed);
        prop_assert_eq!((goes, told), (!waits, waits), "{:?}", plan);
        prop_assert!(!waits || plan.wake == Some(at(until.min(TIMEOUT))), "{:?}", plan.wake);
    }
}
