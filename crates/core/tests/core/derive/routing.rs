//! Which rule of the routes takes the preflight and the PUT of an upload: an issue counts only where it decides.

use rstest::rstest;

use crate::derive::exposure::http_route::gateway;
use crate::derive::exposure_issue::issues;

const LISTENER: &str = "[{name: https, port: 443, protocol: HTTPS, hostname: glance.example.com, allowedRoutes: {namespaces: {from: All}}}]";

fn route(name: &str, rules: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{namespace: openstack, name: {name}}}, \
         spec: {{hostnames: [glance.example.com], parentRefs: [{{namespace: infra, name: public}}], rules: [{rules}]}}}}"
    )
}

/// A rule with these matches, which leads to a Service.
fn rule(matches: &str, service: &str) -> String {
    let matches = matches.replace("TOKEN", TOKEN);
    format!("{{matches: [{matches}], backendRefs: [{{name: {service}, port: 80}}], timeouts: {{request: 0s}}}}")
}

const TOKEN: &str = "headers: [{name: X-Auth-Token, type: RegularExpression, value: .+}]";

#[rstest]
#[case::any(&[("", "glance")], &[])]
#[case::no_put(&[("{method: GET}, {method: OPTIONS}", "glance")], &["[0].matches"])]
#[case::no_put_and_another_path(&[("{method: OPTIONS}", "glance"), ("{path: {value: /v1}}", "glance")], &["[0].matches"])]
#[case::options_go_elsewhere(&[("{method: OPTIONS}", "cors"), ("", "glance")], &["[0].matches"])]
#[case::options_of_another_path(&[("{method: OPTIONS, path: {value: /v1}}", "cors"), ("", "glance")], &[])]
#[case::the_longer_path_decides(&[("{path: {value: /}}", "glance"), ("{path: {value: /v2}, method: PUT}", "glance"), ("{path: {value: /v2}}", "cors")], &["[2].matches"])]
#[case::options_meet_the_rest(&[("{path: {value: /v2}, method: PUT}", "glance"), ("{path: {value: /}}", "glance")], &[])]
#[case::a_token_for_all(&[("{TOKEN}", "glance")], &["[0].matches"])]
#[case::a_token_for_one_path(&[("{path: {value: /v2/images}, TOKEN}", "glance"), ("{path: {value: /}}", "glance")], &[])]
#[case::a_token_and_the_rest_elsewhere(&[("{TOKEN}", "glance"), ("", "login")], &["[1].matches"])]
#[case::an_exact_path(&[("{path: {type: Exact, value: /v2/images}, method: GET}", "glance"), ("", "glance")], &[])]
// Below a path of its own.
#[case::below_a_path(&[("{path: {value: /image}, method: PUT}", "glance")], &["[0].matches"])]
// What only a header that nobody knows decides is not judged.
#[case::unknown(&[("{headers: [{name: X-Canary, value: a}]}", "glance")], &[])]
fn rules_of_an_http_route(#[case] rules: &[(&str, &str)], #[case] expected: &[&str]) {
    let rules: Vec<String> = rules.iter().map(|(matches, service)| rule(matches, service)).collect();
    let found = issues(&[&gateway(LISTENER), &route("glance", &rules.join(", "))]);
    let found: Vec<_> = found.into_iter().filter(|line| line.starts_with("DU020")).collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|field| format!("DU020 fails {}", field.replace(['[', ']'], ".").replace("..", ".")))
        .collect();
    assert_eq!(found, expected);
}

/// Two routes of one Gateway are asked together; those of another are not.
#[rstest]
#[case::both("infra", &[])]
#[case::elsewhere("internal", &["DU020 fails .0.matches", "DU020 fails .0.matches"])]
fn rules_of_two_routes(#[case] namespace: &str, #[case] expected: &[&str]) {
    let put = route("glance-put", &rule("{method: PUT}", "glance"));
    let options = route("glance-options", &rule("{method: OPTIONS}", "glance"))
        .replace("namespace: infra", &format!("namespace: {namespace}"));
    let found = issues(&[&gateway(LISTENER), &put, &options]);
    let found: Vec<_> = found.into_iter().filter(|line| line.starts_with("DU020")).collect();
    assert_eq!(found, expected);
}

/// A login of a rule by name: only where an upload meets it.
#[rstest]
#[case("admin", &[])]
#[case("images", &["DU020 fails spec.basicAuth"])]
fn a_login_of_one_rule(#[case] section: &str, #[case] expected: &[&str]) {
    let rules = format!(
        "{}, {}",
        rule("{path: {value: /v1}}", "glance").replace("{matches", "{name: admin, matches"),
        rule("{path: {value: /}}", "glance").replace("{matches", "{name: images, matches"),
    );
    let policy = format!(
        "{{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: SecurityPolicy, metadata: {{namespace: openstack, name: p}}, \
         spec: {{targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: glance, sectionName: {section}}}], basicAuth: {{users: {{name: x}}}}}}}}"
    );
    assert_eq!(issues(&[&gateway(LISTENER), &route("glance", &rules), &policy]), expected);
}

/// Traefik asks the longest rule first, unless a priority says otherwise.
#[rstest]
#[case::on_the_upload("Host(`glance.example.com`) && PathPrefix(`/v2`)", "Host(`glance.example.com`)", &["DU020 fails spec.forwardAuth"])]
#[case::on_another_path("Host(`glance.example.com`) && PathPrefix(`/v1`)", "Host(`glance.example.com`)", &[])]
#[case::on_the_put("Host(`glance.example.com`) && Method(`PUT`)", "Host(`glance.example.com`)", &["DU020 fails spec.forwardAuth"])]
#[case::on_reading("Host(`glance.example.com`) && Method(`GET`)", "Host(`glance.example.com`)", &[])]
#[case::before_the_longer("Host(`glance.example.com`)", "Host(`glance.example.com`) && PathPrefix(`/v2`)", &[])]
#[case::by_priority("Host(`glance.example.com`)', priority: '1000", "Host(`glance.example.com`) && PathPrefix(`/v2`)", &["DU020 fails spec.forwardAuth"])]
fn a_login_of_a_route_of_traefik(#[case] with_login: &str, #[case] without: &str, #[case] expected: &[&str]) {
    let with_login = with_login.replace("priority: '1000", "priority: 1000, kind: 'Rule");
    let route = format!(
        "{{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{tls: {{}}, routes: [{{match: '{with_login}', middlewares: [{{name: m}}], services: [{{name: glance, port: 80}}]}}, \
         {{match: '{without}', services: [{{name: glance, port: 80}}]}}]}}}}"
    );
    let middleware = "{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {namespace: openstack, name: m}, spec: {forwardAuth: {address: 'http://x'}}}";
    let found = issues(&[&route, middleware]);
    let found: Vec<_> = found.into_iter().filter(|line| line.starts_with("DU020")).collect();
    assert_eq!(found, expected);
}

/// Istio takes the first rule that matches, and Contour the longest prefix.
#[rstest]
#[case::the_first("{match: [{method: {exact: OPTIONS}}], route: [{destination: {host: cors}}]}, {route: [{destination: {host: glance}}]}", &["DU020 fails spec.http.0.match"])]
#[case::after_glance("{route: [{destination: {host: glance}}]}, {match: [{method: {exact: OPTIONS}}], route: [{destination: {host: cors}}]}", &[])]
#[case::another_path("{match: [{uri: {prefix: /healthcheck}, method: {exact: OPTIONS}}], route: [{destination: {host: cors}}]}, {route: [{destination: {host: glance}}]}", &[])]
#[case::a_limit_of_another_path("{match: [{uri: {prefix: /v1}}], route: [{destination: {host: glance}}], timeout: 5s}, {route: [{destination: {host: glance}}]}", &[])]
fn rules_of_a_virtual_service(#[case] rules: &str, #[case] expected: &[&str]) {
    let gateway = "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {namespace: infra, name: public}, \
                   spec: {servers: [{port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: ['*']}]}}";
    let service = format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{hosts: [glance.example.com], gateways: [infra/public], http: [{rules}]}}}}"
    );
    assert_eq!(issues(&[gateway, &service]), expected);
}

#[rstest]
#[case::longer("{conditions: [{prefix: /}], services: [{name: glance, port: 80}]}, {conditions: [{prefix: /v2}, {header: {name: X-Auth-Token, present: true}}], services: [{name: glance, port: 80}]}", &[])]
#[case::alone("{conditions: [{prefix: /v2}, {header: {name: X-Auth-Token, present: true}}], services: [{name: glance, port: 80}]}", &["DU020 fails spec.routes.0.conditions"])]
#[case::absent("{conditions: [{header: {name: X-Debug, notpresent: true}}], services: [{name: glance, port: 80}]}", &[])]
fn rules_of_an_http_proxy(#[case] rules: &str, #[case] expected: &[&str]) {
    let rules = rules.replace("services:", "timeoutPolicy: {response: infinity}, services:");
    let proxy = format!(
        "{{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{virtualhost: {{fqdn: glance.example.com, tls: {{secretName: x}}}}, routes: [{rules}]}}}}"
    );
    assert_eq!(issues(&[&proxy]), expected);
}
