//! Where pages call an OpenStackAPI: its exposure, the preflights that are sent there, and the resulting state.

use direct_upload_api::Reason;
use direct_upload_core::model::{ProbeTarget, ResourceKind};
use direct_upload_core::simulate::Simulation;
use rstest::rstest;
use test_support::manifests::{advice_lines, deployment, end, exposed, horizon, join, render, resource, service, svc};

use crate::derive::exposure::http_route::gateway;

const PORTAL: &str = "https://portal.example.com";

fn keystone(spec: &str) -> String {
    resource("cors", "OpenStackAPI", "openstack", "keystone", &spec.replacen('{', "{service: Keystone, ", 1))
}

fn cloud(spec: &str) -> String {
    join(&[
        &keystone(spec),
        &deployment("openstack", "keystone"),
        &exposed("openstack", "keystone", "keystone.example.com"),
    ])
}

fn calls(outcome: &Simulation) -> Vec<ProbeTarget> {
    outcome
        .cluster
        .world()
        .probe_targets
        .keys()
        .filter(|target| target.call.is_some())
        .map(|target| (**target).clone())
        .collect()
}

fn stands(outcome: &Simulation) -> (bool, Reason) {
    let (done, reason, _) = end(outcome, "OpenStackAPI openstack/keystone");
    (done, reason)
}

fn advice(outcome: &Simulation) -> String {
    let end = outcome.ends.iter().find(|end| end.resource.kind == ResourceKind::OpenStackApi).unwrap();
    advice_lines(&end.advice).join("\n")
}

#[test]
fn it_is_asked_where_it_is_exposed_for_its_own_methods_and_headers() {
    let spec = "{cors: {allowedOrigins: ['https://portal.example.com'], allowHeaders: [X-Portal]}}";
    let outcome = render(&cloud(spec));
    assert_eq!(stands(&outcome), (true, Reason::Verified));
    let asked = calls(&outcome);
    let [target] = asked.as_slice() else { panic!("{asked:#?}") };
    assert_eq!(
        (target.origin.as_str(), target.endpoint.to_string().as_str()),
        (PORTAL, "https://keystone.example.com")
    );
    let call = target.call.as_ref().unwrap();
    assert_eq!((call.service, call.credentials), ("Keystone", false));
    assert_eq!(call.methods, ["GET", "PUT", "POST", "DELETE", "PATCH"]);
    for name in ["x-auth-token", "x-subject-token", "content-type", "x-portal"] {
        assert!(call.headers.iter().any(|header| header == name), "{:?}", call.headers);
    }
    assert!(!target.has_checks(), "no upload is tried at Keystone");
}

#[test]
fn a_stated_url_is_asked_and_nothing_where_none_is_known() {
    let spec =
        "{publicURL: 'https://cloud.example.com/identity/v3', cors: {allowedOrigins: ['https://portal.example.com']}}";
    let outcome = render(&join(&[&keystone(spec), &deployment("openstack", "keystone")]));
    assert_eq!(calls(&outcome)[0].endpoint.to_string(), "https://cloud.example.com/identity/v3");
    let spec = "{cors: {allowedOrigins: ['https://portal.example.com']}}";
    let outcome = render(&join(&[&keystone(spec), &deployment("openstack", "keystone")]));
    assert!(calls(&outcome).is_empty());
    assert_eq!(stands(&outcome), (true, Reason::RolledOut));
}

#[rstest]
#[case::ignored("{verification: {preflight: Ignore}, cors: {allowedOrigins: ['https://portal.example.com']}}")]
#[case::of_its_own_origin("{cors: {allowedOrigins: ['https://keystone.example.com']}}")]
fn nothing_is_asked(#[case] spec: &str) {
    let outcome = render(&cloud(spec));
    assert!(calls(&outcome).is_empty());
    assert_eq!(stands(&outcome), (true, Reason::RolledOut));
}

/// The preflight allows cookies only for dashboards whose pages send cookies.
#[test]
fn cookies_are_asked_for_the_dashboards_that_send_them() {
    let spec = "{cors: {allowedOrigins: ['https://portal.example.com'], horizons: [{name: horizon}], \
        dashboards: [{name: skyline, withCredentials: true}]}}";
    let yaml = join(&[
        &cloud(spec),
        &horizon("{directUpload: {enabled: false}}"),
        &service("openstack", "horizon", "horizon.example.com"),
        &service("openstack", "skyline", "skyline.example.com"),
    ]);
    let asked = calls(&render(&yaml));
    let with: Vec<_> = asked.iter().map(|t| (t.origin.as_str(), t.call.as_ref().unwrap().credentials)).collect();
    let skyline = ("https://skyline.example.com", true);
    assert_eq!(with, [("https://horizon.example.com", false), (PORTAL, false), skyline]);
}

/// Only what answers preflights matters to calls, no limit of size or time.
#[test]
fn what_answers_in_its_place_is_advice_and_limits_are_not() {
    let spec = "{cors: {allowedOrigins: ['https://portal.example.com']}}";
    let said = |annotations: &str| {
        let yaml = cloud(spec).replace(
            "kind: Ingress, metadata: {",
            &format!("kind: Ingress, metadata: {{annotations: {{{annotations}}}, "),
        );
        advice(&render(&yaml))
    };
    let cors = said("nginx.ingress.kubernetes.io/enable-cors: 'true'");
    assert!(cors.contains("DU012") && cors.contains("instead of Keystone") && !cors.contains("Glance"), "{cors}");
    let login = said("nginx.ingress.kubernetes.io/auth-url: 'https://login'");
    assert!(login.contains("DU020") && login.contains("Keystone checks the token itself"), "{login}");
    let limit = said("nginx.ingress.kubernetes.io/proxy-body-size: 1m");
    assert!(!limit.contains("DU0"), "{limit}");
}

/// A gateway's own grant must have all that pages need; what it lacks is named, and nothing else.
#[rstest]
#[case::everything("['*']", "['*']", "['*']", "")]
#[case::by_name("['https://portal.example.com']", "[PUT, DELETE, PATCH]", "['*']", "")]
#[case::by_pattern("['https://*.example.com']", "[PUT, DELETE, PATCH, GET]", "['*']", "")]
#[case::another_origin("['https://other.example.com']", "['*']", "['*']", PORTAL)]
#[case::another_pattern("['https://*.example.org']", "['*']", "['*']", PORTAL)]
#[case::a_pattern_for_more("['https://portal.example.com*']", "['*']", "['*']", PORTAL)]
#[case::no_origin("[]", "['*']", "['*']", PORTAL)]
#[case::a_method("['*']", "[PUT, DELETE]", "['*']", "PATCH")]
#[case::methods("['*']", "[GET, HEAD, POST]", "['*']", "PUT, DELETE, PATCH")]
#[case::a_header(
    "['*']",
    "['*']",
    "[x-auth-token, X-Subject-Token, content-type, X-IDENTITY-STATUS, x-roles, x-service-catalog, x-user-id, x-tenant-id, x-project-id, x-project-name, x-project-domain-id, x-project-domain-name, x-domain-id, x-domain-name, openstack-system-scope, openstack-auth-receipt, x-openstack-request-id]",
    "x-portal"
)]
fn a_gateways_grant_lacks_what_it_does_not_list(
    #[case] origins: &str,
    #[case] methods: &str,
    #[case] headers: &str,
    #[case] lacking: &str,
) {
    let spec = "{cors: {allowedOrigins: ['https://portal.example.com'], allowHeaders: [X-Portal]}}";
    let listener = "[{name: https, port: 443, protocol: HTTPS, hostname: keystone.example.com, allowedRoutes: {namespaces: {from: All}}}]";
    let route = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{namespace: openstack, name: keystone}}, \
         spec: {{parentRefs: [{{namespace: infra, name: public}}], rules: [{{backendRefs: [{{name: keystone, port: 80}}], \
         filters: [{{type: CORS, cors: {{allowOrigins: {origins}, allowMethods: {methods}, allowHeaders: {headers}}}}}]}}]}}}}"
    );
    let yaml = join(&[
        &keystone(spec),
        &deployment("openstack", "keystone"),
        &svc("openstack", "keystone"),
        &gateway(listener),
        &route,
    ]);
    let told = advice(&render(&yaml));
    let found =
        told.lines().find_map(|line| line.split_once("instead of Keystone, without ")).map_or("", |(_, rest)| rest);
    let found: String = found.split(['.', ';', ':']).next().unwrap_or_default().to_lowercase();
    let expected = lacking.to_lowercase();
    let expected = expected.split(['.', ';', ':']).next().unwrap_or_default();
    assert_eq!(found, expected, "{told}");
}
