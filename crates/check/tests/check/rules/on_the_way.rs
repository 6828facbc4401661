//! Which objects are between browsers and Glance, and which only look so.

use direct_upload_check as check;
use rstest::rstest;

use super::ways::{HORIZON, NO_LIMIT, cloud, horizon, published};
use super::{CONF, DASHBOARD};

fn network_policy(version: &str, spec: &str) -> String {
    format!("apiVersion: {version}\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: o}}\nspec: {{{spec}}}\n")
}

const KUBERNETES: &str = "networking.k8s.io/v1";

/// A policy is about the pods that its selector matches, whatever names are in it. Calico has a kind of the same name.
#[rstest]
#[case::by_another_label("tier: api", KUBERNETES, "podSelector: {matchLabels: {tier: api}}", true)]
#[case::by_an_expression(
    "tier: api",
    KUBERNETES,
    "podSelector: {matchExpressions: [{key: tier, operator: Exists}]}",
    true
)]
#[case::by_another_expression(
    "tier: api",
    KUBERNETES,
    "podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [nova]}]}",
    true
)]
#[case::all_but_glance(
    "tier: api",
    KUBERNETES,
    "podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [glance]}]}",
    false
)]
#[case::its_database("tier: api", KUBERNETES, "podSelector: {matchLabels: {app: glance, tier: db}}", false)]
#[case::of_calico("tier: api", "crd.projectcalico.org/v1", "selector: app == 'glance', types: [Egress]", false)]
fn network_policies_select_pods(#[case] label: &str, #[case] version: &str, #[case] spec: &str, #[case] unseen: bool) {
    let pods = "labels: {app: glance}}";
    let text =
        cloud(NO_LIMIT, &network_policy(version, spec)).replace(pods, &format!("labels: {{app: glance, {label}}}}}"));
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    assert_eq!(report.unseen.iter().any(|what| what.contains("NetworkPolicy o/p: it blocks")), unseen, "{report:#?}");
    assert_eq!(report.verdict() == check::Verdict::Fine, !unseen, "{report:#?}");
}

const EMPTY: &str = "backendRefs: []";

/// The host of the published URL leads to something else. A Service without a selector may be anything.
#[rstest]
#[case::nothing(EMPTY, "", true)]
#[case::a_service_that_is_not_there("backendRefs: [{name: images, port: 80}]", "", true)]
#[case::another_namespace("backendRefs: [{name: glance-api, namespace: x, port: 80}]", "", true)]
#[case::another_by_weight(
    "backendRefs: [{name: glance-api, port: 9292, weight: 0}, {name: images, port: 80}]",
    "",
    true
)]
#[case::one_of_two("backendRefs: [{name: images, port: 80}, {name: glance-api, port: 9292}]", "", false)]
#[case::without_a_selector(
    "backendRefs: [{name: images, port: 80}]",
    "apiVersion: v1\nkind: Service\nmetadata: {name: images, namespace: o}\nspec: {ports: [{port: 80}]}\n",
    false
)]
#[case::another_kind("backendRefs: [{kind: Backend, group: gateway.envoyproxy.io, name: images}]", "", false)]
#[case::a_second_route(
    EMPTY,
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: second, namespace: o}\nspec: {hostnames: ['*.example'], parentRefs: [{name: gw, namespace: g, sectionName: glance}], rules: [{timeouts: {request: 0s}, backendRefs: [{name: glance-api, port: 9292}]}]}\n",
    false
)]
fn the_published_host_leads_elsewhere(#[case] backends: &str, #[case] objects: &str, #[case] unseen: bool) {
    let objects = format!("{}---\n{objects}", published("https://g.example"));
    let text = cloud(NO_LIMIT, &objects).replacen("backendRefs: [{name: glance-api, port: 9292}]", backends, 1);
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    let said = report.unseen.iter().any(|what| what.contains("leads to no Service of Glance that is in the input"));
    assert_eq!(said, unseen, "{report:#?}");
    assert_eq!(report.verdict() == check::Verdict::Fine, !unseen, "{report:#?}");
}

/// Objects of another group have only the name of a kind, and lists of addresses count where they are used.
#[rstest]
#[case::a_route_of_knative(
    "apiVersion: serving.knative.dev/v1\nkind: Route\nmetadata: {name: glance, namespace: o, annotations: {haproxy.router.openshift.io/ip_whitelist: 10.0.0.0/8}}\nspec: {traffic: [{revisionName: glance-1}]}\n"
)]
#[case::a_middleware_of_others(
    "apiVersion: hub.example.com/v1\nkind: Middleware\nmetadata: {name: glance, namespace: o}\nspec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}\n"
)]
#[case::a_middleware_that_nothing_names(
    "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: admin, namespace: o}\nspec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}\n"
)]
#[case::a_policy_of_another_route(
    "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {name: p, namespace: o}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: keystone}], authorization: {defaultAction: Deny, rules: [{name: glance, action: Allow, principal: {clientCIDRs: [10.0.0.0/8]}}]}}\n"
)]
#[case::an_authorizer_of_another_namespace(
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: glance, namespace: o}\nspec: {hosts: [g.example], http: [{route: [{destination: {host: glance-api}}]}]}\n---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: monitoring}\nspec: {selector: {matchLabels: {app: grafana}}, action: CUSTOM, provider: {name: oauth2}, rules: [{}]}\n"
)]
fn what_is_not_on_the_way_is_not_missed(#[case] objects: &str) {
    let report = crate::reports::report(&[("cloud.yaml", &cloud(NO_LIMIT, objects))]);
    assert_eq!((report.verdict(), report.unseen), (check::Verdict::Fine, vec![]));
}

const ADDRESSES: &str = "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: l, namespace: o}\nspec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}\n---\n";

fn ingress_route(middleware: &str) -> String {
    format!(
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {{name: i, namespace: o}}\nspec: {{routes: [{{match: Host(`g.example`), services: [{{name: glance-api, port: 9292}}], middlewares: [{{name: {middleware}}}]}}]}}\n"
    )
}

#[rstest]
#[case::a_list(&format!("{ADDRESSES}{}", ingress_route("l")), "Middleware o/l: it lets only some addresses pass")]
#[case::a_list_of_a_chain(&format!("{ADDRESSES}apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {{name: c, namespace: o}}\nspec: {{chain: {{middlewares: [{{name: l}}]}}}}\n---\n{}", ingress_route("c")), "Middleware o/l: it lets only some addresses pass")]
#[case::a_list_of_an_entry_point(&format!("{ADDRESSES}apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: traefik, namespace: t}}\nspec: {{template: {{spec: {{containers: [{{name: traefik, args: ['--entryPoints.websecure.http.middlewares=o-l@kubernetescrd']}}]}}}}}}\n"), "Middleware o/l: it lets only some addresses pass")]
#[case::a_middleware_of_others(&format!("apiVersion: hub.example.com/v1\nkind: Middleware\nmetadata: {{name: l, namespace: o}}\nspec: {{}}\n---\n{}", ingress_route("l")), "Middleware o/l, which IngressRoute o/i names, is not in the input")]
fn what_is_on_the_way_is_named(#[case] objects: &str, #[case] expected: &str) {
    let report = crate::reports::report(&[("cloud.yaml", &cloud(NO_LIMIT, objects))]);
    assert!(report.unseen.iter().any(|what| what.contains(expected)), "{report:#?}");
}

/// Calico's policies name pods in a language of their own (projectcalico.org/v3, NetworkPolicy).
#[rstest]
#[case::denied("selector: \"app == 'glance'\", types: [Ingress], ingress: [{action: Deny}]", true)]
#[case::for_some(
    "selector: \"app == 'glance'\", ingress: [{action: Allow, source: {selector: \"app == 'nova'\"}}]",
    true
)]
#[case::allowed(
    "selector: \"app == 'glance'\", types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [9292]}}]",
    false
)]
#[case::what_leaves("selector: \"app == 'glance'\", egress: [{action: Allow}]", false)]
#[case::other_pods(
    "selector: \"app == 'mariadb'\", ingress: [{action: Allow, source: {selector: \"app == 'glance'\"}}]",
    false
)]
#[case::of_all_pods("types: [Ingress], ingress: []", true)]
#[case::of_all_pods_in_words("selector: all(), types: [Ingress]", true)]
#[case::by_another_label("selector: \"has(app) && app != 'nova'\", types: [Ingress]", true)]
#[case::another_port(
    "selector: \"app == 'glance'\", ingress: [{action: Allow, source: {selector: \"app == 'gateway'\"}}]",
    false
)]
fn policies_of_calico(#[case] spec: &str, #[case] unseen: bool) {
    let text = cloud(NO_LIMIT, &network_policy("projectcalico.org/v3", spec));
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    let said = report.unseen.iter().any(|what| what.contains("does not read which connections to Glance's pods"));
    assert_eq!(said, unseen, "{report:#?}");
    assert_eq!(report.verdict() == check::Verdict::Fine, !unseen, "{report:#?}");
}

/// The first rule that fits decides, in the order of the policies.
#[rstest]
#[case::allowed_before("10", false)]
#[case::allowed_after("30", false)]
#[case::denied_before("10, ingress: [{action: Deny}]", true)]
fn policies_of_calico_have_an_order(#[case] order: &str, #[case] unseen: bool) {
    let calico = |name: &str, spec: &str| {
        network_policy("projectcalico.org/v3", spec).replace("name: p", &format!("name: {name}"))
    };
    let policies = [
        calico("all", &format!("types: [Ingress], order: {order}")),
        calico("glance", "selector: \"app == 'glance'\", order: 20, ingress: [{action: Allow, protocol: TCP}]"),
    ];
    let report = crate::reports::report(&[("cloud.yaml", &cloud(NO_LIMIT, &policies.join("---\n")))]);
    assert_eq!(report.verdict() == check::Verdict::Fine, !unseen, "{report:#?}");
}

/// A Service is Glance's by its selector, whatever its name is.
#[test]
fn a_route_leads_to_glance_by_its_service() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: o, annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8}}\nspec: {ingressClassName: nginx, rules: [{host: i.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: images, port: {number: 9292}}}}]}}]}\n";
    let text = cloud(NO_LIMIT, ingress)
        .replace("name: glance-api, namespace: o}\nspec: {selector", "name: images, namespace: o}\nspec: {selector");
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    assert!(
        report.unseen.iter().any(|what| what.starts_with("Ingress o/i: it lets only some addresses pass")),
        "{report:#?}"
    );
}

/// A route that its controller refuses leads nowhere.
#[test]
fn a_refused_proxy_is_no_way() {
    let proxy = |status: &str| {
        format!(
            "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {{name: p, namespace: o}}\nspec: {{routes: [{{services: [{{name: glance-api, port: 9292}}]}}]}}\nstatus: {{{status}}}\n"
        )
    };
    let refused = "conditions: [{type: Valid, status: 'False', reason: ErrorPresent}]";
    let conf = "[cors]\nallowed_origin = https://d.example\n";
    let unseen =
        |status: &str| crate::reports::report(&[("proxy.yaml", &proxy(status)), DASHBOARD, (CONF, conf)]).unseen;
    let what = "how browsers reach Glance: HTTPProxy o/p leads to it, and its controller refuses it";
    assert!(unseen(refused).contains(&what.to_owned()), "{:#?}", unseen(refused));
    assert!(!unseen("").iter().any(|own| own.starts_with("how browsers reach Glance")), "{:#?}", unseen(""));
}

/// A VirtualService is served by the Gateways that it names, for hosts that both have.
#[rstest]
#[case::seen("gw", "'*/g.example'", None)]
#[case::of_all_hosts("gw", "'*'", None)]
#[case::another_name("gateway", "g.example", Some("Gateway i/gateway, which it names, is not in the input"))]
#[case::other_hosts("gw", "d.example", Some("no server of Gateway i/gw has one of its hosts"))]
fn gateways_of_istio(#[case] named: &str, #[case] host: &str, #[case] expected: Option<&str>) {
    let objects = format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v, namespace: o}}\nspec: {{hosts: [g.example], gateways: [i/{named}], http: [{{route: [{{destination: {{host: glance-api}}}}]}}]}}\n---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: i}}\nspec: {{servers: [{{port: {{number: 443, protocol: HTTPS, name: s}}, hosts: [{host}], tls: {{mode: SIMPLE, credentialName: c}}}}]}}\n"
    );
    let report = crate::reports::report(&[("cloud.yaml", &cloud(NO_LIMIT, &objects))]);
    let told = report.unseen.iter().find(|what| what.starts_with("VirtualService o/v: "));
    assert_eq!(told.map(|what| what.trim_start_matches("VirtualService o/v: ")), expected, "{report:#?}");
}

/// A type of filter that is not known may do anything.
#[test]
fn a_filter_of_an_unknown_type_is_named() {
    let filters = format!("{NO_LIMIT}\n    filters: [{{type: ExternalAuth, externalAuth: {{protocol: HTTP}}}}]");
    let report = crate::reports::report(&[("cloud.yaml", &cloud(&filters, ""))]);
    assert_eq!(report.unseen, ["HTTPRoute o/glance: check does not read its filters of type ExternalAuth"]);
}

/// A filter that a rule names must be there, with its group.
#[rstest]
#[case::of_nginx(
    "gateway.nginx.org",
    "SnippetsFilter",
    "HTTPRoute o/glance: SnippetsFilter f, which it names, is not in the input"
)]
#[case::of_traefik("traefik.io", "Middleware", "HTTPRoute o/glance: Middleware f, which it names, is not in the input")]
#[case::of_envoy(
    "gateway.envoyproxy.io",
    "HTTPRouteFilter",
    "HTTPRoute o/glance: HTTPRouteFilter f, which it names, is not in the input"
)]
#[case::of_others("x.example.com", "Middleware", "HTTPRoute o/glance: check does not read Middleware f")]
fn a_named_filter_is_looked_for(#[case] group: &str, #[case] kind: &str, #[case] expected: &str) {
    let filters = format!(
        "{NO_LIMIT}\n    filters: [{{type: ExtensionRef, extensionRef: {{group: {group}, kind: {kind}, name: f}}}}]"
    );
    let report = crate::reports::report(&[("cloud.yaml", &cloud(&filters, ""))]);
    assert!(report.unseen.iter().any(|what| what.contains(expected)), "{report:#?}");
}

const GRANTS: &str = "accessControlAllowOriginList: ['https://d.example'], accessControlAllowMethods: [GET, PUT, OPTIONS], accessControlAllowHeaders: [content-type, x-auth-token, x-csrftoken]";

/// A middleware in Traefik's file answers instead of a Glance without `[cors]`, as its Middleware does.
#[rstest]
#[case::it_grants("m", GRANTS, "warning DU002")]
#[case::in_a_chain("c", GRANTS, "warning DU002")]
#[case::another_origin(
    "m",
    "accessControlAllowOriginList: ['https://e.example'], accessControlAllowMethods: [GET, PUT, OPTIONS], accessControlAllowHeaders: ['*']",
    "error DU002"
)]
#[case::without_a_method(
    "m",
    "accessControlAllowOriginList: ['https://d.example'], accessControlAllowMethods: [GET], accessControlAllowHeaders: ['*']",
    "error DU002"
)]
#[case::nothing("m", "stsSeconds: 1", "error DU002")]
#[case::not_named("other", GRANTS, "error DU002")]
fn a_file_of_traefik_answers_instead_of_glance(#[case] named: &str, #[case] headers: &str, #[case] expected: &str) {
    let text = format!(
        "http:\n  routers:\n    glance: {{rule: 'Host(`g.example`)', entryPoints: [web], service: glance, middlewares: [{named}@file]}}\n  services:\n    glance: {{loadBalancer: {{servers: [{{url: 'http://127.0.0.1:9292'}}]}}}}\n  middlewares:\n    c: {{chain: {{middlewares: [m]}}}}\n    other: {{compress: {{}}}}\n    m: {{headers: {{{headers}}}}}\n"
    );
    let entry = "entryPoints:\n  web: {address: ':443', transport: {respondingTimeouts: {readTimeout: 0}}}\n";
    // Where TLS ends is not always seen; the host is.
    for host in [horizon(443, true, ""), horizon(8080, false, "")] {
        let files = [
            ("etc/traefik/traefik.yml", entry),
            ("etc/traefik/dynamic/glance.yml", text.as_str()),
            (HORIZON, host.as_str()),
            DASHBOARD,
            (CONF, "[DEFAULT]\nworkers = 2\n[paste_deploy]\nflavor = keystone\n"),
        ];
        let found_in = |files: &[(&str, &str)]| -> Vec<String> {
            let report = crate::reports::report(files);
            report.findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect()
        };
        let found = found_in(&files);
        assert!(found.contains(&expected.to_owned()), "{found:?}");
        // The Angular panel's request has no credentials, the Django panel's has.
        assert!(!found.iter().any(|line| line.contains("DU024")), "{found:?}");
        let django = format!("{}ANGULAR_FEATURES = {{'images_panel': False}}\n", DASHBOARD.1);
        let files = files.map(|file| if file == DASHBOARD { (file.0, django.as_str()) } else { file });
        let found = found_in(&files);
        let granted = expected.starts_with("warning");
        assert_eq!(found.contains(&"error DU024".to_owned()), granted, "{found:?}");
    }
}

/// The report says once that it does not read an old version.
#[test]
fn an_old_ingress_is_told_of_itself() {
    let ingress = |name: &str, service: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {{name: {name}, namespace: o}}\nspec: {{ingressClassName: nginx, rules: [{{host: {name}.example, http: {{paths: [{{backend: {{serviceName: {service}, servicePort: 80}}}}]}}}}]}}\n---\n"
        )
    };
    let text = cloud(NO_LIMIT, "");
    let (before, _) = text.split_once("apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway").unwrap();
    let objects = [ingress("d", "horizon"), ingress("g", "glance-api"), published("https://g.example")].concat();
    let report = crate::reports::report(&[("cloud.yaml", &format!("{before}{objects}"))]);
    let told = |name: &str| format!("Ingress o/{name}: check does not read networking.k8s.io/v1beta1 of this kind");
    assert_eq!(report.unseen, [told("d"), told("g")]);
}
