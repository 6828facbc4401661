//! What is in front of Glance in a cluster without the operator: Ingresses, routes and gateways' policies.

use rstest::rstest;

use crate::rules::found_in;

/// A cloud without custom resources, and what leads to its Glance.
fn cluster(way: &str) -> Vec<String> {
    let workload = |name: &str, file: &str, port: u16| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: openstack}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: {name}\n        volumeMounts: [{{name: c, mountPath: {file}, subPath: {base}}}]\n      volumes: [{{name: c, configMap: {{name: {name}}}}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: openstack}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: {port}}}]}}\n---\n",
            base = file.rsplit('/').next().unwrap()
        )
    };
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance-api, namespace: openstack}\ndata:\n  glance-api.conf: |\n    [cors]\n    allowed_origin = https://d.example\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: horizon, namespace: openstack}\ndata:\n  local_settings: |\n    CSRF_TRUSTED_ORIGINS = ['https://d.example']\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n---\n";
    let glance = workload("glance-api", "/etc/glance/glance-api.conf", 9292);
    let horizon = workload("horizon", "/etc/openstack-dashboard/local_settings", 80);
    found_in(&[("cloud.yaml", &format!("{config}{glance}{horizon}{way}"))], Some("2025.1"))
}

fn ingress(class: &str, annotations: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: image\n  namespace: openstack\n  annotations: {{{annotations}}}\nspec:\n  ingressClassName: {class}\n  tls: [{{hosts: [g.example], secretName: t}}]\n  rules:\n  - host: g.example\n    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: glance-api, port: {{number: 9292}}}}}}}}]}}\n"
    )
}

const NGINX: &str = "nginx.ingress.kubernetes.io";

#[rstest]
#[case::enough(&["proxy-body-size: '0'", "proxy-request-buffering: 'off'", "proxy-read-timeout: '3600'", "proxy-send-timeout: '3600'"], &[])]
#[case::usual_patience(&["proxy-body-size: '0'", "proxy-request-buffering: 'off'"], &["note DU015"])]
#[case::usual_limit(&["proxy-request-buffering: 'off'"], &["warning DU014", "note DU015"])]
#[case::an_empty_limit(&["proxy-body-size: ''", "proxy-request-buffering: 'off'"], &["warning DU014", "note DU015"])]
#[case::small(&["proxy-body-size: 100m", "proxy-request-buffering: 'off'"], &["error DU014", "note DU015"])]
#[case::answers(&["proxy-body-size: '0'", "enable-cors: 'true'"], &["error DU012", "note DU015"])]
#[case::login(&["proxy-body-size: '0'", "auth-url: https://login.example"], &["error DU020", "note DU015"])]
#[case::certificate(&["proxy-body-size: '0'", "auth-tls-secret: openstack/ca"], &["error DU020", "note DU015"])]
#[case::optional_certificate(&["proxy-body-size: '0'", "auth-tls-secret: openstack/ca", "auth-tls-verify-client: optional"], &["note DU015"])]
#[case::owasps_rules(&["proxy-body-size: '0'", "enable-owasp-core-rules: 'true'", "modsecurity-snippet: 'SecRuleEngine On'"], &["error DU020", "note DU015"])]
#[case::owasps_rules_with_put(&["proxy-body-size: '0'", "enable-owasp-core-rules: 'true'", "modsecurity-snippet: \"SecRuleEngine On SecAction id:900200,pass,setvar:'tx.allowed_methods=GET PUT OPTIONS'\""], &["note DU015"])]
#[case::owasps_rules_watch(&["proxy-body-size: '0'", "enable-owasp-core-rules: 'true'"], &["note DU015"])]
#[case::a_rule_of_modsecurity(&["proxy-body-size: '0'", "enable-modsecurity: 'true'", "modsecurity-snippet: \"SecRuleEngine On\\nSecRequestBodyAccess Off\\nSecRule REQUEST_METHOD \\\"^OPTIONS$\\\" \\\"id:5,phase:1,deny,status:403\\\"\""], &["error DU020", "note DU015"])]
#[case::a_rule_for_others(&["proxy-body-size: '0'", "enable-modsecurity: 'true'", "modsecurity-snippet: \"SecRuleEngine On\\nSecRequestBodyAccess Off\\nSecRule REQUEST_METHOD \\\"^TRACE$\\\" \\\"id:5,phase:1,deny,status:403\\\"\""], &["note DU015"])]
#[case::a_rule_that_watches(&["proxy-body-size: '0'", "enable-modsecurity: 'true'", "modsecurity-snippet: \"SecRequestBodyAccess Off\\nSecRule REQUEST_METHOD \\\"^OPTIONS$\\\" \\\"id:5,phase:1,deny,status:403\\\"\""], &["note DU015"])]
#[case::snippet(&["proxy-body-size: '0'", "configuration-snippet: 'if ($request_method = PUT) { return 405; }'"], &["error DU020", "note DU015"])]
#[case::snippet_of_others(&["proxy-body-size: '0'", "server-snippet: 'if ($request_method = TRACE) { return 405; }'"], &["note DU015"])]
fn annotations_of_ingress_nginx_are_judged(#[case] annotations: &[&str], #[case] expected: &[&str]) {
    let annotations: Vec<_> = annotations.iter().map(|line| format!("{NGINX}/{line}")).collect();
    assert_eq!(cluster(&ingress("nginx", &annotations.join(", "))), expected);
}

fn route(rule: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: openstack}}\nspec: {{gatewayClassName: x, listeners: [{{name: a, protocol: HTTPS, port: 443, tls: {{certificateRefs: [{{name: t}}]}}}}]}}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: image, namespace: openstack}}\nspec:\n  parentRefs: [{{name: gw}}]\n  hostnames: [g.example]\n  rules:\n  - backendRefs: [{{name: glance-api, port: 9292}}]\n    timeouts: {{request: 0s}}\n{rule}"
    )
}

const GRANT: &str = "allowMethods: [PUT], allowHeaders: [X-Auth-Token, Content-Type, X-CSRFToken]";

#[rstest]
#[case::fine(route(""), &[])]
#[case::filter(route("    filters: [{type: CORS, cors: {allowOrigins: ['https://e.example']}}]\n"), &["error DU012"])]
#[case::redirect_of_another_path(route("  - matches: [{path: {value: /docs}}]\n    filters: [{type: RequestRedirect, requestRedirect: {hostname: docs.example}}]\n"), &[])]
#[case::envoys_policy(route(&envoy("cors: {allowOrigins: ['https://e.example'], allowMethods: [GET]}")), &["error DU012"])]
#[case::envoys_policy_grants(route(&envoy(&format!("cors: {{allowOrigins: ['https://*.example'], {GRANT}}}"))), &[])]
#[case::envoys_login(route(&envoy("basicAuth: {users: {name: x}}")), &["error DU020"])]
#[case::envoys_policy_of_another(route(&envoy("cors: {allowOrigins: []}").replace("name: image", "name: other")), &[])]
#[case::istios(istio("corsPolicy: {allowOrigins: [{exact: 'https://e.example'}], allowMethods: [GET]}"), &["error DU012"])]
#[case::istios_by_pattern(istio(&format!("corsPolicy: {{allowOrigins: [{{regex: '.*'}}], {GRANT}}}")), &[])]
#[case::contours(contour("corsPolicy: {allowOrigin: ['*'], allowMethods: [GET, PUT]}"), &["error DU012", "note DU015"])]
fn policies_of_gateways_are_judged(#[case] way: String, #[case] expected: &[&str]) {
    assert_eq!(cluster(&way), expected, "{way}");
}

fn envoy(policy: &str) -> String {
    format!(
        "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\nmetadata: {{name: p, namespace: openstack}}\nspec: {{targetRefs: [{{kind: HTTPRoute, name: image}}], {policy}}}\n"
    )
}

fn istio(rule: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v, namespace: openstack}}\nspec: {{hosts: [g.example], http: [{{route: [{{destination: {{host: glance-api.openstack.svc.cluster.local}}}}], {rule}}}]}}\n"
    )
}

fn contour(host: &str) -> String {
    format!(
        "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {{name: p, namespace: openstack}}\nspec: {{virtualhost: {{fqdn: g.example, tls: {{secretName: x}}, {host}}}, routes: [{{services: [{{name: glance-api, port: 9292}}]}}]}}\n"
    )
}

#[rstest]
#[case::headers("headers: {accessControlAllowOriginList: ['https://e.example'], accessControlAllowMethods: [PUT]}", &["error DU012"])]
#[case::buffering("buffering: {maxRequestBodyBytes: 2000000}", &["error DU014"])]
#[case::other("headers: {customResponseHeaders: {X-Frame-Options: DENY}}", &[])]
fn middlewares_of_traefik_are_judged(#[case] middleware: &str, #[case] expected: &[&str]) {
    let annotation = "traefik.ingress.kubernetes.io/router.middlewares: openstack-m@kubernetescrd";
    let way = format!(
        "{}---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {{name: m, namespace: openstack}}\nspec: {{{middleware}}}\n",
        ingress("traefik", annotation)
    );
    let found: Vec<_> = cluster(&way).into_iter().filter(|line| line.starts_with("error")).collect();
    assert_eq!(found, expected, "{way}");
}

/// Traefik's own arguments decide how long an upload may take.
#[rstest]
#[case::default("--entryPoints.websecure.address=:8443", "v3.1", &["error DU015"])]
#[case::before_the_limit("--entryPoints.websecure.address=:8443", "v2.10.7", &[])]
#[case::off("--entryPoints.websecure.address=:8443, --entrypoints.websecure.transport.respondingTimeouts.readTimeout=0", "v3.1", &[])]
#[case::long("--entryPoints.websecure.address=:8443, --entrypoints.websecure.transport.respondingTimeouts.readTimeout=1h", "v3.1", &["warning DU015"])]
#[case::another_entry_point("--entryPoints.web.address=:8000", "v3.1", &[])]
#[case::not_there("", "", &["warning DU015"])]
fn entry_points_of_traefik(#[case] args: &str, #[case] tag: &str, #[case] expected: &[&str]) {
    let traefik = match tag {
        "" => String::new(),
        tag => format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: traefik, namespace: traefik}}\nspec:\n  selector: {{matchLabels: {{app: t}}}}\n  template:\n    metadata: {{labels: {{app: t}}}}\n    spec: {{containers: [{{name: traefik, image: 'docker.io/traefik:{tag}', args: [{args}]}}]}}\n"
        ),
    };
    let route = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: image, namespace: openstack}\nspec:\n  entryPoints: [websecure]\n  routes: [{match: 'Host(`g.example`)', kind: Rule, services: [{name: glance-api, port: 9292}]}]\n  tls: {secretName: t}\n";
    assert_eq!(cluster(&format!("{route}{traefik}")), expected);
}

/// The way to the dashboard gives the same origin, whether `spec.tls` or an annotation gives it TLS, and whichever
/// port the gateway has inside.
#[rstest]
#[case::traefik(dashboard("traefik.ingress.kubernetes.io/router.tls: 'true'", ""), true)]
#[case::traefiks_entry_point(dashboard("traefik.ingress.kubernetes.io/router.entrypoints: websecure", ""), true)]
#[case::aws(dashboard("alb.ingress.kubernetes.io/listen-ports: '[{\"HTTPS\":443}]'", ""), true)]
#[case::aws_on_another_port(dashboard("alb.ingress.kubernetes.io/listen-ports: '[{\"HTTPS\":8443}]'", ""), false)]
#[case::gke(dashboard("networking.gke.io/managed-certificates: c", ""), true)]
#[case::traefiks_gateway(dashboards_gateway("traefik", 8443), true)]
#[case::another_gateway(dashboards_gateway("envoy", 8443), false)]
#[case::another_gateway_on_443(dashboards_gateway("envoy", 443), true)]
fn the_dashboards_origin_is_what_browsers_use(#[case] way: String, #[case] same: bool) {
    let by_spec = cluster(&dashboard("", "tls: [{hosts: [d.example]}], "));
    assert!(!by_spec.contains(&"error DU002".to_owned()), "{by_spec:?}");
    let found = cluster(&way);
    assert_eq!(found == by_spec, same, "{found:?}");
}

fn dashboard(annotations: &str, tls: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: horizon, namespace: openstack, annotations: {{{annotations}}}}}\nspec: {{{tls}rules: [{{host: d.example, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: horizon, port: {{number: 80}}}}}}}}]}}}}]}}\n"
    )
}

fn dashboards_gateway(class: &str, port: u16) -> String {
    format!(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: openstack}}\nspec: {{gatewayClassName: {class}, listeners: [{{name: websecure, protocol: HTTPS, port: {port}, tls: {{certificateRefs: [{{name: t}}]}}}}]}}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: horizon, namespace: openstack}}\nspec: {{hostnames: [d.example], parentRefs: [{{name: gw}}], rules: [{{backendRefs: [{{name: horizon, port: 80}}]}}]}}\n"
    )
}

/// What the operator's resources are for: with a gateway that ends uploads the verdict is an error, and each finding has the
/// line of the object.
#[rstest]
#[case::limit("proxy-body-size: 100m", "", &["error DU014", "note DU015"])]
#[case::of_the_user("proxy-body-size: 100m", "exposure: {manage: true}", &["error DU014"])]
#[case::usual("proxy-request-buffering: 'off'", "", &["warning DU014", "note DU015"])]
#[case::the_operator_sets_it("proxy-request-buffering: 'off'", "exposure: {manage: true}", &[])]
fn an_issue_is_as_grave_with_resources(#[case] annotation: &str, #[case] spec: &str, #[case] expected: &[&str]) {
    let resources = format!(
        "---\napiVersion: glance.openstack.org/v1beta1\nkind: Glance\nmetadata: {{name: glance, namespace: openstack}}\nspec: {{workloadRef: {{name: glance-api}}, {spec}}}\n---\n\
         apiVersion: horizon.openstack.org/v1beta1\nkind: Horizon\nmetadata: {{name: horizon, namespace: openstack}}\nspec: {{publicURL: 'https://d.example'}}\n"
    );
    let way = format!("{}{resources}", ingress("nginx", &format!("{NGINX}/{annotation}")));
    let found = cluster(&way);
    let found: Vec<_> = found.iter().filter(|line| line.contains("DU014") || line.contains("DU015")).collect();
    assert_eq!(found, expected);
}

/// What redirects the requests of an upload, and what only redirects others.
#[rstest]
#[case::istio("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: openstack}\nspec: {hosts: [g.example], http: [{redirect: {authority: images.example}}]}\n", &["error DU020"])]
#[case::istio_of_another_path("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: openstack}\nspec: {hosts: [g.example], http: [{match: [{uri: {exact: /}}], redirect: {uri: /v2}}]}\n", &[])]
#[case::istio_of_another_host("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: openstack}\nspec: {hosts: [old.example], http: [{redirect: {authority: g.example}}]}\n", &[])]
#[case::contour("apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: p, namespace: openstack}\nspec: {virtualhost: {fqdn: g.example, tls: {secretName: x}}, routes: [{requestRedirectPolicy: {hostname: images.example}}]}\n", &["error DU020"])]
#[case::contour_of_another_path("apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: p, namespace: openstack}\nspec: {virtualhost: {fqdn: g.example, tls: {secretName: x}}, routes: [{services: [{name: glance-api, port: 9292}], timeoutPolicy: {response: infinity}}, {conditions: [{prefix: /docs}], requestRedirectPolicy: {hostname: docs.example}}]}\n", &[])]
fn routes_that_redirect(#[case] way: &str, #[case] expected: &[&str]) {
    let published = "apiVersion: keystone.openstack.org/v1beta1\nkind: KeystoneEndpoint\nmetadata: {name: glance, namespace: openstack}\nspec: {serviceName: glance, endpoints: {public: 'https://g.example'}}\n---\n";
    assert_eq!(cluster(&format!("{published}{way}")), expected, "{way}");
}

#[rstest]
#[case::to_another_host("redirectRegex: {regex: '^https://g.example/(.*)', replacement: 'https://images.example/${1}'}", &["error DU020"])]
#[case::of_another_path("redirectRegex: {regex: '^https://g.example/$', replacement: 'https://docs.example/'}", &[])]
#[case::to_itself("redirectRegex: {regex: '^http://(.*)', replacement: 'https://${1}'}", &[])]
#[case::to_https("redirectScheme: {scheme: https}", &[])]
#[case::to_https_and_its_port("redirectScheme: {scheme: https, port: '443'}", &[])]
#[case::to_another_port("redirectScheme: {scheme: https, port: '8443'}", &["error DU020"])]
#[case::to_http("redirectScheme: {scheme: http}", &["error DU020"])]
fn middlewares_that_redirect(#[case] spec: &str, #[case] expected: &[&str]) {
    let middleware = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {{name: {name}, namespace: openstack}}\nspec: {{{spec}}}\n"
        )
    };
    for (named, chain) in [("m", ""), ("c", "chain: {middlewares: [{name: m}]}")] {
        let route = format!(
            "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {{name: image, namespace: openstack}}\nspec:\n  entryPoints: [websecure]\n  routes: [{{match: 'Host(`g.example`)', kind: Rule, middlewares: [{{name: {named}}}], services: [{{name: glance-api, port: 9292}}]}}]\n  tls: {{secretName: t}}\n"
        );
        let chain = if chain.is_empty() { String::new() } else { middleware(named, chain) };
        let found = cluster(&format!("{route}{chain}{}", middleware("m", spec)));
        let found: Vec<_> = found.into_iter().filter(|line| line.starts_with("error")).collect();
        assert_eq!(found, expected, "{spec}");
    }
}

#[rstest]
#[case::permanent("permanent-redirect: https://images.example", &["error DU020"])]
#[case::temporal("temporal-redirect: https://images.example", &["error DU020"])]
#[case::to_https("force-ssl-redirect: 'true'", &[])]
fn annotations_that_redirect(#[case] annotation: &str, #[case] expected: &[&str]) {
    let patient = ["proxy-read-timeout: '3600'", "proxy-send-timeout: '3600'"];
    let all = ["proxy-body-size: '0'", "proxy-request-buffering: 'off'", annotation].into_iter().chain(patient);
    let all: Vec<_> = all.map(|own| format!("{NGINX}/{own}")).collect();
    assert_eq!(cluster(&ingress("nginx", &all.join(", "))), expected);
}

/// Errors that a gateway makes on purpose.
#[rstest]
#[case::istio(istio("fault: {abort: {httpStatus: 503, percentage: {value: 100}}}"), &["error DU020"])]
#[case::istio_of_some(istio("fault: {abort: {httpStatus: 503, percentage: {value: 5}}}"), &["warning DU020"])]
#[case::istio_of_none(istio("fault: {abort: {httpStatus: 503}}"), &[])]
#[case::istio_only_delays(istio("fault: {delay: {fixedDelay: 1s, percentage: {value: 100}}}"), &[])]
#[case::envoy(route(&envoys_fault("abort: {httpStatus: 503}")), &["error DU020"])]
#[case::envoy_only_delays(route(&envoys_fault("delay: {fixedDelay: 1s}")), &[])]
#[case::a_second_origin(istio("headers: {response: {add: {Access-Control-Allow-Origin: 'https://d.example'}}}"), &["error DU012"])]
fn faults_on_purpose(#[case] way: String, #[case] expected: &[&str]) {
    assert_eq!(cluster(&way), expected, "{way}");
}

fn envoys_fault(fault: &str) -> String {
    format!(
        "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\nmetadata: {{name: p, namespace: openstack}}\nspec: {{targetRefs: [{{kind: HTTPRoute, name: image}}], faultInjection: {{{fault}}}}}\n"
    )
}

/// The Service's own port, by number or name.
#[rstest]
#[case::ingress(ingress("nginx", &format!("{NGINX}/proxy-body-size: '0', {NGINX}/proxy-request-buffering: 'off'")), false)]
#[case::ingress_to_another(ingress("nginx", &format!("{NGINX}/proxy-body-size: '0', {NGINX}/proxy-request-buffering: 'off'")).replace("number: 9292", "number: 9191"), true)]
#[case::route(route(""), false)]
#[case::route_to_another(route("").replace("port: 9292", "port: 9191"), true)]
#[case::contour_to_another(contour("").replace("port: 9292", "port: 9191").replace(", }", "}"), true)]
fn routes_lead_to_a_port_of_the_service(#[case] way: String, #[case] fails: bool) {
    let found = cluster(&way);
    assert_eq!(found.contains(&"error DU020".to_owned()), fails, "{way} {found:?}");
}
