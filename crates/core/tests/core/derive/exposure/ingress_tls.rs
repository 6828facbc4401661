//! Ingresses whose TLS is in annotations: the controllers' own sources and documentation.

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::model::Key;
use rstest::rstest;
use test_support::manifests::{advice_lines, deployment, horizon, join, read, svc};

use crate::derive::exposure::{BACKEND, urls};

fn ingress(annotations: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{namespace: openstack, name: horizon, annotations: {{{annotations}}}}}, \
         spec: {{{rest}rules: [{{host: a.io, http: {{paths: [{{path: /, pathType: Prefix, {BACKEND}}}]}}}}]}}}}"
    )
}

/// pkg/provider/kubernetes/ingress of traefik/traefik (annotations.go; fixtures "TLS support" and "Ingress with
/// annotations"); traefik/values.yaml of its Helm chart gives `websecure` TLS.
#[rstest]
#[case::tls("traefik.ingress.kubernetes.io/router.tls: 'true'", "https://a.io", "port 443 is assumed")]
#[case::no_tls("traefik.ingress.kubernetes.io/router.tls: 'false'", "http://a.io", "")]
#[case::section("traefik.ingress.kubernetes.io/router.tls.certresolver: x", "https://a.io", "")]
#[case::off_wins(
    "traefik.ingress.kubernetes.io/router.tls: 'false', traefik.ingress.kubernetes.io/router.tls.certresolver: x",
    "http://a.io",
    ""
)]
#[case::both(
    "traefik.ingress.kubernetes.io/router.entrypoints: websecure, traefik.ingress.kubernetes.io/router.tls: 'true'",
    "https://a.io",
    ""
)]
#[case::entry_point(
    "traefik.ingress.kubernetes.io/router.entrypoints: websecure",
    "https://a.io",
    "https is assumed, because Traefik's Helm chart gives that one TLS"
)]
#[case::entry_points("traefik.ingress.kubernetes.io/router.entrypoints: 'web, websecure'", "https://a.io", "")]
#[case::plain("traefik.ingress.kubernetes.io/router.entrypoints: web", "http://a.io", "")]
fn traefik(#[case] annotations: &str, #[case] expected: &str, #[case] said: &str) {
    check(annotations, "", expected, said);
}

/// docs/guide/ingress/annotations.md and pkg/ingress/model_build_listener.go of the AWS Load Balancer Controller.
#[rstest]
#[case::https("listen-ports: '[{\"HTTPS\":443}]'", "https://a.io")]
#[case::another_port("listen-ports: '[{\"HTTPS\":8443}]'", "https://a.io:8443")]
#[case::in_one_object("listen-ports: '[{\"HTTP\":80,\"HTTPS\":443}]'", "https://a.io")]
#[case::certificate("certificate-arn: 'arn:aws:acm:x'", "https://a.io")]
#[case::certificate_and_http("certificate-arn: 'arn:aws:acm:x', listen-ports: '[{\"HTTP\":8080}]'", "http://a.io:8080")]
#[case::redirect("listen-ports: '[{\"HTTP\":80},{\"HTTPS\":443}]', ssl-redirect: '443'", "https://a.io")]
#[case::neither("scheme: internet-facing", "http://a.io")]
fn alb(#[case] annotations: &str, #[case] expected: &str) {
    let names = ["listen-ports", "certificate-arn", "ssl-redirect", "scheme"];
    let annotations = names.iter().fold(annotations.to_owned(), |all, name| {
        all.replace(&format!("{name}:"), &format!("alb.ingress.kubernetes.io/{name}:"))
    });
    check(&annotations, "", expected, "");
}

/// With a port of its own, nothing is assumed; and `spec.tls` opens no listener.
#[test]
fn alb_listens_on_the_ports_that_it_names() {
    let annotations = "alb.ingress.kubernetes.io/listen-ports: '[{\"HTTPS\":8443}]'";
    let (found, notes) = urls("{}", &[&ingress(annotations, "tls: [{hosts: [a.io]}], ")]);
    assert_eq!((found.as_str(), notes.as_str()), ("https://a.io:8443", ""));
    let (found, notes) = urls("{}", &[&ingress("alb.ingress.kubernetes.io/listen-ports: 'HTTPS'", "")]);
    assert_eq!(found, "http://a.io");
    assert!(notes.contains("listen-ports cannot be read"), "{notes}");
}

/// GKE (Ingress routing and security), Azure's and OpenShift's controllers, haproxy-ingress's keys.md.
#[rstest]
#[case::gke("ingress.gcp.kubernetes.io/pre-shared-cert: c", "https://a.io", "")]
#[case::gke_managed("networking.gke.io/managed-certificates: c", "https://a.io", "")]
#[case::azure("appgw.ingress.kubernetes.io/appgw-ssl-certificate: c", "https://a.io", "")]
#[case::openshift("route.openshift.io/termination: edge", "https://a.io", "")]
#[case::openshift_unknown("route.openshift.io/termination: none", "http://a.io", "")]
#[case::haproxy_ingress("haproxy-ingress.github.io/ssl-always-add-https: 'true'", "https://a.io", "")]
#[case::nginx_passes(
    "nginx.ingress.kubernetes.io/ssl-passthrough: 'true'",
    "https://a.io",
    "the pods must end it themselves"
)]
#[case::haproxy_passes("haproxy.org/ssl-passthrough: 'true'", "https://a.io", "the pods must end it themselves")]
#[case::cilium_passes("ingress.cilium.io/tls-passthrough: enabled", "https://a.io", "the pods must end it themselves")]
#[case::nginx_sends(
    "nginx.ingress.kubernetes.io/force-ssl-redirect: 'true'",
    "https://a.io",
    "sends browsers to https, so https is assumed"
)]
#[case::nginx_sends_only_with_tls("nginx.ingress.kubernetes.io/ssl-redirect: 'true'", "http://a.io", "")]
#[case::f5_sends("nginx.org/redirect-to-https: 'true'", "https://a.io", "so https is assumed")]
#[case::haproxy_does_not("haproxy.org/ssl-redirect: 'false'", "http://a.io", "")]
fn others(#[case] annotations: &str, #[case] expected: &str, #[case] said: &str) {
    check(annotations, "", expected, said);
}

fn check(annotations: &str, rest: &str, expected: &str, said: &str) {
    let (found, notes) = urls("{}", &[&ingress(annotations, rest)]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

/// `spec.tls` stays the usual way, and nothing more is said about it.
#[test]
fn annotations_add_nothing_to_spec_tls() {
    let rest = "tls: [{hosts: [a.io]}], ";
    let (found, notes) = urls("{}", &[&ingress("nginx.ingress.kubernetes.io/force-ssl-redirect: 'true'", rest)]);
    assert_eq!(found, "https://a.io");
    assert!(!notes.contains("force-ssl-redirect"), "{notes}");
}

/// A dashboard with its TLS in an annotation is not one of plain http.
#[test]
fn a_dashboard_with_tls_by_annotation_has_an_origin() {
    let of = |annotations: &str| {
        let all =
            [horizon("{}"), deployment("openstack", "horizon"), svc("openstack", "horizon"), ingress(annotations, "")];
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let world = World::of(&read(&join(&all)).snapshot);
        let exposures = world.horizons[&Key::new("openstack", "horizon")].dashboard.exposures.clone();
        exposures.map(|found| found.urls[0].url.to_string()).map_err(|problem| problem.reason)
    };
    assert_eq!(of(""), Err(Reason::PlainHttp));
    assert_eq!(of("traefik.ingress.kubernetes.io/router.tls: 'true'"), Ok("https://a.io".to_owned()));
}

/// docs/user-guide/nginx-configuration/annotations.md of ingress-nginx: Server Alias, Permanent and Temporal Redirect.
#[test]
fn nginx_serves_aliases_and_redirects_whole_hosts() {
    let tls = "tls: [{hosts: [a.io]}], ";
    let alias = "nginx.ingress.kubernetes.io/server-alias: 'b.io, *.c.io'";
    let (found, notes) = urls("{}", &[&ingress(alias, tls)]);
    assert_eq!(found, "https://a.io https://b.io");
    assert!(notes.contains("host *.c.io is a wildcard"), "{notes}");
    for name in ["permanent-redirect", "temporal-redirect"] {
        let (found, notes) =
            urls("{}", &[&ingress(&format!("nginx.ingress.kubernetes.io/{name}: 'https://new.io'"), tls)]);
        assert_eq!(found, "");
        assert!(notes.contains("sends all its requests to \"https://new.io\""), "{notes}");
    }
}

/// Traefik answers plain http itself where a middleware redirects it, so such an Ingress claims no host and gives
/// no URL.
#[test]
fn an_ingress_of_traefik_that_redirects() {
    let annotations = "traefik.ingress.kubernetes.io/router.entrypoints: web, traefik.ingress.kubernetes.io/router.middlewares: 'openstack-to-https@kubernetescrd'";
    let plain = ingress(annotations, "").replace("name: horizon, annotations", "name: plain, annotations");
    let secure = ingress("traefik.ingress.kubernetes.io/router.tls: 'true'", "");
    let middleware = |spec: &str| {
        format!(
            "{{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {{namespace: openstack, name: to-https}}, spec: {spec}}}"
        )
    };
    let said = |middleware: &str| {
        let all = [
            horizon("{}"),
            deployment("openstack", "horizon"),
            svc("openstack", "horizon"),
            secure.clone(),
            plain.clone(),
            plain
                .replace("name: plain", "name: other")
                .replace(BACKEND, "backend: {service: {name: x, port: {number: 80}}}"),
            middleware.to_owned(),
        ];
        let world = World::of(&read(&all.join("\n---\n")).snapshot);
        advice_lines(&world.horizons[&Key::new("openstack", "horizon")].advice).join("\n")
    };
    let redirects = said(&middleware("{redirectScheme: {scheme: https}}"));
    assert!(!redirects.contains("http://a.io is left out") && !redirects.contains("also claimed"), "{redirects}");
    assert!(!redirects.contains("port 80"), "{redirects}");
    let serves = said(&middleware("{headers: {}}"));
    assert!(serves.contains("http://a.io is left out"), "{serves}");
    assert!(serves.contains("a.io is also claimed by Ingress openstack/other"), "{serves}");
}
