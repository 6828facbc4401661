//! `spec.exposure.manage`: what is set on the objects that lead to Glance, and what is left alone.

use direct_upload_api::Rule;
use direct_upload_core::derive::World;
use direct_upload_core::model::Key;
use direct_upload_core::simulate::{Simulation, manifests};
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

/// Ours, as the API server notes it; the Glance no longer asks for anything.
#[test]
fn what_nobody_asks_for_any_longer_is_taken_back() {
    let ours = format!(
        ", annotations: {{'{NGINX}/proxy-body-size': '0', '{NGINX}/proxy-read-timeout': '7200', direct-upload.openstack.org/claim: Glance/openstack/glance/offline/Glance/openstack/glance}}, managedFields: [{{manager: direct-upload-operator/default/Glance, operation: Apply, fieldsV1: {{'f:metadata': {{'f:annotations': {{'f:{NGINX}/proxy-body-size': {{}}, 'f:direct-upload.openstack.org/claim': {{}}}}}}}}}}]"
    );
    let yaml = cloud("{}", &of_class("nginx", &ours));
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
    let yaml = cloud(MANAGE, &of_class("nginx", &ours));
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
