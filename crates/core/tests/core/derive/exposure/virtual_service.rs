//! Istio's VirtualServices and Gateways, with the cases of its API's documentation (istio.io/api,
//! networking/v1alpha3/gateway.proto, virtual_service.proto) and of pilot's own tests (gateway_test.go,
//! virtualservice_test.go, names_test.go).

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind};
use rstest::rstest;
use test_support::manifests::{horizon, read};

use crate::derive::exposure::{exposures, urls};

/// An Istio Gateway `infra/public` with these servers.
fn gateway(servers: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {{namespace: infra, name: public}}, spec: {{selector: {{istio: ingressgateway}}, servers: {servers}}}}}"
    )
}

fn service(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{namespace: {namespace}, name: {name}}}, spec: {spec}}}"
    )
}

const HTTPS: &str =
    "{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: x}, hosts: ['*']}";
const ROUTE: &str = "http: [{route: [{destination: {host: horizon}}]}]";

/// What a VirtualService of `a.io` gives with a server.
fn by_server(server: &str) -> (String, String) {
    let spec = format!(
        "{{hosts: [a.io], gateways: [infra/public], {ROUTE}, tls: [{{match: [{{sniHosts: [a.io]}}], route: [{{destination: {{host: horizon}}}}]}}], \
         tcp: [{{route: [{{destination: {{host: horizon}}}}]}}]}}"
    );
    urls("{}", &[&gateway(&format!("[{server}]")), &service("openstack", "horizon", &spec)])
}

#[rstest]
#[case::http("{port: {number: 80, protocol: HTTP}, hosts: ['*']}", "http://a.io")]
#[case::http2("{port: {number: 8080, protocol: HTTP2}, hosts: ['*']}", "http://a.io:8080")]
#[case::redirect("{port: {number: 80, protocol: HTTP}, tls: {httpsRedirect: true}, hosts: ['*']}", "")]
#[case::simple("{port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: ['*']}", "https://a.io")]
#[case::lower_case("{port: {number: 443, protocol: https}, tls: {mode: SIMPLE}, hosts: ['*']}", "https://a.io")]
#[case::other_port("{port: {number: 9443, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: ['*']}", "https://a.io:9443")]
#[case::mutual("{port: {number: 443, protocol: HTTPS}, tls: {mode: MUTUAL}, hosts: ['*']}", "https://a.io")]
#[case::optional_mutual(
    "{port: {number: 443, protocol: HTTPS}, tls: {mode: OPTIONAL_MUTUAL}, hosts: ['*']}",
    "https://a.io"
)]
#[case::istio_mutual("{port: {number: 443, protocol: HTTPS}, tls: {mode: ISTIO_MUTUAL}, hosts: ['*']}", "")]
#[case::auto_passthrough("{port: {number: 443, protocol: TLS}, tls: {mode: AUTO_PASSTHROUGH}, hosts: ['*']}", "")]
#[case::passthrough("{port: {number: 443, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: ['*']}", "https://a.io")]
#[case::passthrough_https(
    "{port: {number: 443, protocol: HTTPS}, tls: {mode: PASSTHROUGH}, hosts: ['*']}",
    "https://a.io"
)]
#[case::no_mode_is_passthrough(
    "{port: {number: 443, protocol: HTTPS}, tls: {credentialName: x}, hosts: ['*']}",
    "https://a.io"
)]
#[case::terminated_tcp("{port: {number: 443, protocol: TLS}, tls: {mode: SIMPLE}, hosts: ['*']}", "https://a.io")]
#[case::https_without_tls("{port: {number: 443, protocol: HTTPS}, hosts: ['*']}", "")]
#[case::tcp("{port: {number: 443, protocol: TCP}, hosts: ['*']}", "")]
#[case::mongo("{port: {number: 27017, protocol: MONGO}, hosts: ['*']}", "")]
fn the_servers_protocol_and_tls_give_the_scheme(#[case] server: &str, #[case] expected: &str) {
    let (found, notes) = by_server(server);
    assert_eq!(found, expected, "{notes}");
}

#[rstest]
#[case::passed_through(
    "{port: {number: 443, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: ['*']}",
    "the pods must end it themselves"
)]
#[case::mutual(
    "{port: {number: 443, protocol: HTTPS}, tls: {mode: MUTUAL}, hosts: ['*']}",
    "requires a client certificate"
)]
#[case::nothing(
    "{port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: [b.io]}",
    "no server of Istio Gateway infra/public accepts any of its hosts"
)]
fn what_a_server_asks_for_is_told(#[case] server: &str, #[case] said: &str) {
    let (_, notes) = by_server(server);
    assert!(notes.contains(said), "{notes}");
}

/// Hosts of a server may name the namespaces whose VirtualServices may bind.
#[rstest]
#[case::all("['*']", &["a.io"], "https://a.io")]
#[case::exact("[a.io]", &["a.io", "b.io"], "https://a.io")]
#[case::suffix("['*.example.com']", &["dev.example.com", "prod.example.com", "example.com", "newexample.com"],
    "https://dev.example.com https://prod.example.com")]
#[case::wildcard_of_the_service("[foo.bar.com]", &["*.bar.com"], "https://foo.bar.com")]
#[case::both_wildcards("['*.bar.com']", &["*.bar.com"], "")]
#[case::any_namespace("['*/a.io']", &["a.io"], "https://a.io")]
#[case::its_namespace("['openstack/*']", &["a.io"], "https://a.io")]
#[case::its_namespace_other_host("['openstack/foo.bar.com']", &["a.io"], "")]
#[case::other_namespace("['ns1/*']", &["a.io"], "")]
#[case::own_namespace_of_the_gateway("['./*']", &["a.io"], "")]
#[case::case("[A.IO]", &["a.Io"], "https://a.io")]
fn hosts_are_those_that_server_and_service_share(
    #[case] of_server: &str,
    #[case] of_service: &[&str],
    #[case] expected: &str,
) {
    let gateway =
        gateway(&format!("[{{port: {{number: 443, protocol: HTTPS}}, tls: {{mode: SIMPLE}}, hosts: {of_server}}}]"));
    let spec = format!("{{hosts: {of_service:?}, gateways: [infra/public], {ROUTE}}}");
    let (found, notes) = urls("{}", &[&gateway, &service("openstack", "horizon", &spec)]);
    assert_eq!(found, expected, "{notes}");
}

#[rstest]
#[case::remote("gateways: [infra/public]", "https://a.io", "")]
#[case::own("gateways: [public]", "", "there is no Istio Gateway openstack/public")]
#[case::dot("gateways: [./public]", "", "there is no Istio Gateway openstack/public")]
#[case::old_way("gateways: [public.infra.svc.cluster.local]", "https://a.io", "")]
#[case::old_short_way("gateways: [public.infra]", "https://a.io", "")]
#[case::mesh_beside("gateways: [mesh, infra/public]", "https://a.io", "")]
#[case::mesh("gateways: [mesh]", "", "applies only inside the mesh")]
#[case::none("exportTo: ['*']", "", "applies only inside the mesh")]
#[case::exported("exportTo: ['*'], gateways: [infra/public]", "https://a.io", "")]
#[case::exported_there("exportTo: [infra], gateways: [infra/public]", "https://a.io", "")]
#[case::hidden("exportTo: ['.'], gateways: [infra/public]", "", "exportTo hides it from Istio Gateway infra/public")]
fn gateways_are_named_and_must_see_the_service(#[case] rest: &str, #[case] expected: &str, #[case] said: &str) {
    let spec = format!("{{hosts: [a.io], {rest}, {ROUTE}}}");
    let (found, notes) = urls("{}", &[&gateway(&format!("[{HTTPS}]")), &service("openstack", "horizon", &spec)]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

#[rstest]
#[case::short("[{route: [{destination: {host: horizon}}]}]", "https://a.io")]
// HTTPMatchRequest of virtual_service.proto: pages and uploads have no header that only a test sends.
#[case::header("[{match: [{headers: {x-canary: {exact: '1'}}}], route: [{destination: {host: horizon}}]}]", "")]
#[case::query("[{match: [{queryParams: {v: {exact: '1'}}}], route: [{destination: {host: horizon}}]}]", "")]
#[case::token("[{match: [{headers: {X-Auth-Token: {}}}], route: [{destination: {host: horizon}}]}]", "https://a.io")]
#[case::canary_first(
    "[{match: [{headers: {x-canary: {exact: '1'}}}], route: [{destination: {host: x}}]}, {route: [{destination: {host: horizon}}]}]",
    "https://a.io"
)]
#[case::long("[{route: [{destination: {host: horizon.openstack.svc.cluster.local}}]}]", "https://a.io")]
#[case::other_domain("[{route: [{destination: {host: horizon.openstack.svc.cloud.example}}]}]", "https://a.io")]
#[case::half("[{route: [{destination: {host: horizon.openstack}}]}]", "")]
#[case::other_namespace("[{route: [{destination: {host: horizon.other.svc.cluster.local}}]}]", "")]
#[case::single_weight("[{route: [{destination: {host: horizon}, weight: 0}]}]", "https://a.io")]
#[case::weighed(
    "[{route: [{destination: {host: x}, weight: 80}, {destination: {host: horizon}, weight: 20}]}]",
    "https://a.io"
)]
#[case::weightless("[{route: [{destination: {host: x}, weight: 100}, {destination: {host: horizon}}]}]", "")]
#[case::prefix(
    "[{match: [{uri: {prefix: /dashboard/}}], route: [{destination: {host: horizon}}]}]",
    "https://a.io/dashboard"
)]
#[case::two(
    "[{match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}], route: [{destination: {host: horizon}}]}]",
    "https://a.io/a https://a.io/b"
)]
#[case::exact("[{match: [{uri: {exact: /login}}], route: [{destination: {host: horizon}}]}]", "https://a.io")]
#[case::regex("[{match: [{uri: {regex: '/x.*'}}], route: [{destination: {host: horizon}}]}]", "https://a.io")]
#[case::header("[{match: [{headers: {cookie: {exact: x}}}], route: [{destination: {host: horizon}}]}]", "https://a.io")]
#[case::redirect(
    "[{match: [{uri: {prefix: /x}}], redirect: {uri: /x}}, {match: [{uri: {prefix: /y}}], route: [{destination: {host: horizon}}]}]",
    "https://a.io/y"
)]
#[case::redirect_of_all(
    "[{redirect: {uri: /x}}, {match: [{uri: {prefix: /y}}], route: [{destination: {host: horizon}}]}]",
    ""
)]
#[case::redirect_alone("[{redirect: {uri: /x}, route: [{destination: {host: horizon}}]}]", "")]
#[case::direct_response("[{directResponse: {status: 503}, route: [{destination: {host: horizon}}]}]", "")]
#[case::other_port("[{match: [{port: 80}], route: [{destination: {host: horizon}}]}]", "")]
#[case::its_port("[{match: [{port: 443}], route: [{destination: {host: horizon}}]}]", "https://a.io")]
#[case::other_gateway("[{match: [{gateways: [infra/other]}], route: [{destination: {host: horizon}}]}]", "")]
#[case::mesh("[{match: [{gateways: [mesh]}], route: [{destination: {host: horizon}}]}]", "")]
#[case::scheme("[{match: [{scheme: {exact: http}}], route: [{destination: {host: horizon}}]}]", "")]
#[case::authority("[{match: [{authority: {exact: b.io}}], route: [{destination: {host: horizon}}]}]", "")]
fn rules_that_lead_to_the_workload_give_the_paths(#[case] http: &str, #[case] expected: &str) {
    let spec = format!("{{hosts: [a.io], gateways: [infra/public], http: {http}}}");
    let (found, notes) = urls("{}", &[&gateway(&format!("[{HTTPS}]")), &service("openstack", "horizon", &spec)]);
    assert_eq!(found, expected, "{notes}");
}

/// A VirtualService that delegates (virtualservice_test.go, TestMergeVirtualServices): what both match.
#[rstest]
#[case::root_alone("{uri: {prefix: /dashboard}}", "{}", "https://a.io/dashboard", "")]
#[case::subset(
    "{uri: {prefix: /dashboard}}",
    "{match: [{uri: {prefix: /dashboard/v2}}], ",
    "https://a.io/dashboard/v2",
    ""
)]
#[case::contradiction(
    "{uri: {prefix: /dashboard}}",
    "{match: [{uri: {prefix: /other}}], ",
    "",
    "contradicts the one that delegates to it"
)]
#[case::patterns("{uri: {regex: '^/d'}}", "{match: [{uri: {prefix: /d}}], ", "", "contradicts")]
#[case::ports("{port: 443}", "{match: [{port: 80}], ", "", "contradicts")]
fn a_service_that_is_delegated_to_completes_the_match(
    #[case] root: &str,
    #[case] leaf: &str,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let leaf = leaf.replace("{}", "{");
    let root = service(
        "openstack",
        "root",
        &format!(
            "{{hosts: [a.io], gateways: [infra/public], http: [{{match: [{root}], delegate: {{name: horizon}}}}]}}"
        ),
    );
    let leaf =
        service("openstack", "horizon", &format!("{{http: [{leaf}route: [{{destination: {{host: horizon}}}}]}}]}}"));
    let (found, notes) = urls("{}", &[&gateway(&format!("[{HTTPS}]")), &root, &leaf]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
    let (_, alone) = urls("{}", &[&leaf]);
    assert!(alone.contains("name that one in spec.exposedBy"), "{alone}");
}

/// A VirtualService of another namespace counts only if this namespace names it.
#[test]
fn a_service_of_another_namespace_counts_only_if_it_is_named() {
    let spec = "{hosts: [a.io], gateways: [public], http: [{route: [{destination: {host: horizon.openstack.svc.cluster.local}}]}]}";
    let objects = [gateway(&format!("[{HTTPS}]")), service("infra", "all", spec)];
    let objects = objects.each_ref().map(String::as_str);
    assert_eq!(urls("{}", &objects).0, "");
    let named = "{exposedBy: [{kind: VirtualService, namespace: infra, name: all}]}";
    assert_eq!(urls(named, &objects).0, "https://a.io");
    let world = World::of(&read(&[&objects[..], &[&horizon(named)]].concat().join("\n---\n")).snapshot);
    assert!(world.needs.routes_of[&Kind::VirtualService].contains("infra"));
    assert_eq!(world.needs.named[&Kind::IstioGateway], [Key::new("infra", "public")].into());
}

/// Which object gave an origin, and which Gateways are watched.
#[test]
fn only_gateways_of_services_that_lead_to_us_are_watched() {
    let own = service("openstack", "horizon", &format!("{{hosts: [a.io], gateways: [infra/public], {ROUTE}}}"));
    let foreign = service(
        "openstack",
        "x",
        "{hosts: [b.io], gateways: [infra/private], http: [{route: [{destination: {host: x.elsewhere.svc.cluster.local}}]}]}",
    );
    let found = exposures("{}", &[&gateway(&format!("[{HTTPS}]")), &own, &foreign]).unwrap();
    assert_eq!(found.urls[0].source.to_string(), "VirtualService openstack/horizon");
    let world = World::of(&read(&[horizon("{}"), own, foreign].join("\n---\n")).snapshot);
    assert_eq!(world.needs.named[&Kind::IstioGateway], [Key::new("infra", "public")].into());
    let none = exposures("{}", &[]).unwrap_err();
    assert_eq!(none.reason, Reason::NotExposed);
    assert!(none.message().contains("VirtualService"), "{}", none.message());
}

/// A short name is a Service of the rule's own namespace; a longer one must be the Service's whole name (istio.io/api,
/// `Destination.host`; pilot, `ResolveShortnameToFQDN`).
#[rstest]
#[case::short("horizon", true)]
#[case::whole("horizon.openstack.svc.cluster.local", true)]
#[case::another_namespace("horizon.web.svc.cluster.local", false)]
#[case::another_name("glance.openstack.svc.cluster.local", false)]
#[case::of_a_namespace("horizon.openstack", false)]
#[case::without_a_domain("horizon.openstack.svc", false)]
#[case::outside("horizon.openstack.example.com", false)]
fn which_service_a_host_is(#[case] host: &str, #[case] ours: bool) {
    let spec =
        format!("{{hosts: [a.io], gateways: [infra/public], http: [{{route: [{{destination: {{host: {host}}}}}]}}]}}");
    let (found, notes) = urls("{}", &[&gateway(&format!("[{HTTPS}]")), &service("openstack", "horizon", &spec)]);
    assert_eq!(found == "https://a.io", ours, "{found} {notes}");
}
