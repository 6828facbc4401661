//! A cloud in Kubernetes: what gateways, routes and policies do to uploads.

use direct_upload_check::Verdict;
use rstest::rstest;

use super::verdict;

/// Glance in uWSGI and the dashboard, with their Services.
const WORKLOADS: &str = r#"
kind: ConfigMap
apiVersion: v1
metadata: {name: glance-etc, namespace: openstack}
data:
  glance-api.conf: |
    [DEFAULT]
    public_endpoint = https://g.example
    [keystone_authtoken]
    [cors]
    allowed_origin = https://d.example
    allow_headers = X-Auth-Token,X-CSRFToken
  uwsgi.ini: |
    [uwsgi]
    http-socket = 0.0.0.0:9292
    module = glance.wsgi.api
    chunked-input-limit = 4194304
    buffer-size = 65535
    socket-timeout = 600
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: glance-api, namespace: openstack}
spec:
  selector: {matchLabels: {app: glance}}
  template:
    metadata: {labels: {app: glance}}
    spec:
      containers:
      - name: glance-api
        image: example/glance:@RELEASE@
        command: [uwsgi, --ini, /etc/glance/uwsgi.ini]
        ports: [{name: api, containerPort: 9292}]
        volumeMounts:
        - {name: etc, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}
        - {name: etc, mountPath: /etc/glance/uwsgi.ini, subPath: uwsgi.ini}
      volumes: [{name: etc, configMap: {name: glance-etc}}]
---
kind: Service
apiVersion: v1
metadata: {name: glance-api, namespace: openstack}
spec: {selector: {app: glance}, ports: [{port: 9292, targetPort: api}]}
---
kind: ConfigMap
apiVersion: v1
metadata: {name: horizon-etc, namespace: openstack}
data:
  local_settings: |
    ALLOWED_HOSTS = ['d.example']
    HORIZON_IMAGES_UPLOAD_MODE = 'direct'
    @SETTING@
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: horizon, namespace: openstack}
spec:
  selector: {matchLabels: {app: horizon}}
  template:
    metadata: {labels: {app: horizon}}
    spec:
      containers:
      - name: horizon
        image: example/horizon:@RELEASE@
        volumeMounts: [{name: etc, mountPath: /etc/openstack-dashboard/local_settings, subPath: local_settings}]
      volumes: [{name: etc, configMap: {name: horizon-etc}}]
---
kind: Service
apiVersion: v1
metadata: {name: horizon, namespace: openstack}
spec: {selector: {app: horizon}, ports: [{port: 80}]}
"#;

const INGRESSES: &str = r#"
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata:
  name: glance
  namespace: openstack
  annotations:
    nginx.ingress.kubernetes.io/proxy-body-size: "0"
    nginx.ingress.kubernetes.io/proxy-request-buffering: "off"
    nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
    nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
    example/more: "1"
spec:
  ingressClassName: nginx
  tls: [{hosts: [g.example]}]
  rules:
  - host: g.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: glance-api, port: {number: 9292}}}}]}
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: horizon, namespace: openstack}
spec:
  ingressClassName: nginx
  tls: [{hosts: [d.example]}]
  rules:
  - host: d.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: horizon, port: {number: 80}}}}]}
"#;

const GATEWAY: &str = r#"
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: gw, namespace: openstack}
spec:
  gatewayClassName: eg
  listeners:
  - {name: g, port: 443, protocol: HTTPS, hostname: "*.example", tls: {mode: Terminate, certificateRefs: [{name: t}]}}
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: glance, namespace: openstack}
spec:
  hostnames: [g.example]
  parentRefs: [{name: gw}]
  rules:
  - backendRefs: [{name: glance-api, port: 9292@BACKEND@}]
    timeouts: {request: 0s, backendRequest: 0s}
    filters: [@FILTER@]
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: horizon, namespace: openstack}
spec:
  hostnames: [d.example]
  parentRefs: [{name: gw}]
  rules: [{backendRefs: [{name: horizon, port: 80}]}]
"#;

const TRAEFIK: &str = r#"
kind: Deployment
apiVersion: apps/v1
metadata: {name: traefik, namespace: traefik}
spec:
  selector: {matchLabels: {app: traefik}}
  template:
    metadata: {labels: {app: traefik}}
    spec:
      containers:
      - name: traefik
        image: traefik:v3.4
        args:
        - --entrypoints.websecure.address=:8443
        - --entrypoints.websecure.transport.respondingTimeouts.readTimeout=0
        - --providers.kubernetescrd
---
kind: IngressRoute
apiVersion: traefik.io/v1alpha1
metadata: {name: glance, namespace: openstack}
spec:
  entryPoints: [websecure]
  routes:
  - {kind: Rule, match: 'Host(`g.example`)@MATCH@', middlewares: [@MIDDLEWARE@], services: [{name: glance-api, port: 9292@SERVICE@}]}
  tls: {secretName: t}
---
kind: IngressRoute
apiVersion: traefik.io/v1alpha1
metadata: {name: horizon, namespace: openstack}
spec:
  entryPoints: [websecure]
  routes: [{kind: Rule, match: Host(`d.example`), services: [{name: horizon, port: 80}]}]
  tls: {secretName: t}
"#;

const CONTOUR: &str = r#"
kind: HTTPProxy
apiVersion: projectcontour.io/v1
metadata: {name: glance, namespace: openstack}
spec:
  virtualhost: {fqdn: g.example, tls: {secretName: t}}
  routes:
  - services: [{name: glance-api, port: 9292@SERVICE@}]
    timeoutPolicy: {response: infinity, idle: infinity}
    @ROUTE@
---
kind: HTTPProxy
apiVersion: projectcontour.io/v1
metadata: {name: horizon, namespace: openstack}
spec:
  virtualhost: {fqdn: d.example, tls: {secretName: t}}
  routes: [{services: [{name: horizon, port: 80}]}]
"#;

/// The verdict on a cloud of a release with these objects in front. Marks that are not replaced are left out.
fn of_release(release: &str, changes: &[(&str, &str)], objects: &[&str]) -> Verdict {
    let mut text = [&[WORKLOADS], objects].concat().join("---");
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    for mark in ["@SETTING@", "@BACKEND@", "@FILTER@", "@MATCH@", "@MIDDLEWARE@", "@SERVICE@", "@ROUTE@"] {
        text = text.replace(mark, "");
    }
    let report = verdict::of_release(&[("cloud.yaml", &text.replace("@RELEASE@", release))], None);
    println!("{:?} {:?}", report.findings, report.unseen);
    report.verdict()
}

fn verdict(changes: &[(&str, &str)], objects: &[&str]) -> Verdict {
    of_release("2025.1", changes, objects)
}

#[test]
fn whole_clouds_are_fine() {
    for objects in [INGRESSES, GATEWAY, TRAEFIK, CONTOUR] {
        assert_eq!(verdict(&[], &[objects]), Verdict::Fine, "{objects}");
    }
}

/// X-CSRFToken is demanded of gateways only where this Horizon sends it.
#[rstest]
#[case("2025.1", "", Verdict::Incomplete)]
#[case("2025.1", "CSRF_COOKIE_HTTPONLY = True", Verdict::Fails)]
#[case("2026.1", "", Verdict::Fails)]
#[case("2026.2", "", Verdict::Incomplete)]
fn what_a_gateway_must_allow(#[case] release: &str, #[case] setting: &str, #[case] verdict: Verdict) {
    let filter = "{type: CORS, cors: {allowOrigins: ['https://d.example'], allowMethods: [PUT], allowHeaders: [content-type, x-auth-token]}}";
    let of_gateway = of_release(release, &[("@SETTING@", setting), ("@FILTER@", filter)], &[GATEWAY]);
    assert!(of_gateway == verdict || (verdict, of_gateway) == (Verdict::Incomplete, Verdict::Fine));
    let annotations = "nginx.ingress.kubernetes.io/enable-cors: \"true\"\n    nginx.ingress.kubernetes.io/cors-allow-origin: https://d.example\n    nginx.ingress.kubernetes.io/cors-allow-headers: content-type,x-auth-token";
    let changes = [("@SETTING@", setting), ("example/more: \"1\"", annotations)];
    let of_ingress = of_release(release, &changes, &[INGRESSES]);
    assert_eq!(of_ingress == Verdict::Fails, verdict == Verdict::Fails);
}

/// The last hop: where uWSGI listens in the pod, and in which protocol.
#[rstest]
#[case(&[("http-socket = 0.0.0.0:9292", "http-socket = 127.0.0.1:9292")], INGRESSES)]
#[case(&[("http-socket = 0.0.0.0:9292", "uwsgi-socket = 0.0.0.0:9292")], INGRESSES)]
#[case(&[("targetPort: api", "targetPort: 9191")], INGRESSES)]
#[case(&[("example/more: \"1\"", "nginx.ingress.kubernetes.io/backend-protocol: HTTPS")], INGRESSES)]
#[case(&[("example/more: \"1\"", "nginx.ingress.kubernetes.io/ssl-passthrough: \"true\"")], INGRESSES)]
#[case(&[("@SERVICE@", ", scheme: https")], TRAEFIK)]
#[case(&[("@SERVICE@", ", protocol: tls")], CONTOUR)]
fn the_last_hop_to_pods(#[case] changes: &[(&str, &str)], #[case] objects: &str) {
    assert_eq!(verdict(changes, &[objects]), Verdict::Incomplete);
}

/// What Traefik's rule and Middlewares make of the path.
#[rstest]
#[case("", "", "", Verdict::Fine)]
#[case("", "{name: m}", "stripPrefix: {prefixes: [/v2]}", Verdict::Fails)]
#[case("", "{name: m}", "stripPrefix: {prefixes: [/image]}", Verdict::Fine)]
#[case("", "{name: m}", "addPrefix: {prefix: /image}", Verdict::Fails)]
#[case("", "{name: m}", "replacePath: {path: /v2/images}", Verdict::Fails)]
#[case("", "{name: m}", "replacePathRegex: {regex: ^/v2/(.*), replacement: /$1}", Verdict::Fails)]
#[case("", "{name: m}", "replacePathRegex: {regex: ^/image/(.*), replacement: /$1}", Verdict::Fine)]
#[case("", "{name: m}", "chain: {middlewares: [{name: n}]}", Verdict::Incomplete)]
#[case("", "{name: m}", "plugin: {waf: {}}", Verdict::Incomplete)]
#[case(" && Path(`/v2/images`)", "", "", Verdict::Fails)]
#[case(" && PathPrefix(`/v2`)", "", "", Verdict::Fine)]
#[case(" && ClientIP(`192.0.2.0/24`)", "", "", Verdict::Incomplete)]
#[case(" && Header(`X-Edge`, `x`)", "", "", Verdict::Incomplete)]
fn traefiks_routes(#[case] rule: &str, #[case] name: &str, #[case] spec: &str, #[case] expected: Verdict) {
    let middleware = format!(
        "\nkind: Middleware\napiVersion: traefik.io/v1alpha1\nmetadata: {{name: m, namespace: openstack}}\nspec: {{{spec}}}\n"
    );
    let changes = [("@MATCH@", rule), ("@MIDDLEWARE@", name)];
    let objects: &[&str] = if name.is_empty() { &[TRAEFIK] } else { &[TRAEFIK, &middleware] };
    assert_eq!(verdict(&changes, objects), expected);
}

/// A Middleware of an entry point.
#[rstest]
#[case("basicAuth: {secret: x}", Verdict::Incomplete)]
#[case("compress: {}", Verdict::Fine)]
fn middlewares_of_entry_points(#[case] spec: &str, #[case] expected: Verdict) {
    let middleware = format!(
        "\nkind: Middleware\napiVersion: traefik.io/v1alpha1\nmetadata: {{name: m, namespace: openstack}}\nspec: {{{spec}}}\n"
    );
    let argument =
        "--providers.kubernetescrd\n        - --entrypoints.websecure.http.middlewares=openstack-m@kubernetescrd";
    assert_eq!(verdict(&[("--providers.kubernetescrd", argument)], &[TRAEFIK, &middleware]), expected);
}

/// Headers of answers that Contour or one backend of an HTTPRoute changes.
#[rstest]
#[case("@ROUTE@", "responseHeadersPolicy: {remove: [Access-Control-Allow-Origin]}", CONTOUR, Verdict::Fails)]
#[case("@ROUTE@", "responseHeadersPolicy: {remove: [Server]}", CONTOUR, Verdict::Fine)]
#[case(
    "@ROUTE@",
    "responseHeadersPolicy: {set: [{name: Access-Control-Allow-Origin, value: 'https://e.example'}]}",
    CONTOUR,
    Verdict::Fails
)]
#[case(
    "@ROUTE@",
    "responseHeadersPolicy: {set: [{name: Access-Control-Allow-Origin, value: 'https://d.example'}]}",
    CONTOUR,
    Verdict::Fine
)]
#[case("@SERVICE@", ", responseHeadersPolicy: {remove: [access-control-allow-origin]}", CONTOUR, Verdict::Fails)]
#[case(
    "@BACKEND@",
    ", filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Access-Control-Allow-Origin]}}]",
    GATEWAY,
    Verdict::Fails
)]
#[case(
    "@FILTER@",
    "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: access-control-allow-origin, value: 'https://d.example'}]}}",
    GATEWAY,
    Verdict::Fine
)]
#[case(
    "@FILTER@",
    "{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: access-control-allow-origin, value: 'https://e.example'}]}}",
    GATEWAY,
    Verdict::Fails
)]
fn headers_of_answers(#[case] mark: &str, #[case] text: &str, #[case] objects: &str, #[case] expected: Verdict) {
    assert_eq!(verdict(&[(mark, text)], &[objects]), expected);
}

/// Objects that are attached to what leads to Glance, and fields that no rule reads.
#[rstest]
#[case(
    "kuadrant.io/v1",
    "AuthPolicy",
    "targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: glance}",
    Verdict::Incomplete
)]
#[case(
    "kuadrant.io/v1",
    "AuthPolicy",
    "targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: gw}",
    Verdict::Incomplete
)]
#[case(
    "kuadrant.io/v1",
    "AuthPolicy",
    "targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: horizon}",
    Verdict::Fine
)]
#[case(
    "autoscaling.k8s.io/v1",
    "VerticalPodAutoscaler",
    "targetRef: {kind: Deployment, name: glance-api}",
    Verdict::Fine
)]
#[case(
    "gateway.envoyproxy.io/v1alpha1",
    "BackendTrafficPolicy",
    "targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: glance}]\n  rateLimit: {type: Local, local: {rules: [{limit: {requests: 1, unit: Hour}}]}}",
    Verdict::Incomplete
)]
#[case(
    "gateway.envoyproxy.io/v1alpha1",
    "BackendTrafficPolicy",
    "targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: glance}]\n  rateLimit: {type: Local, local: {rules: [{limit: {requests: 100, unit: Second}}]}}",
    Verdict::Fine
)]
#[case(
    "gateway.envoyproxy.io/v1alpha1",
    "ClientTrafficPolicy",
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]\n  headers: {earlyRequestHeaders: {remove: [origin]}}",
    Verdict::Incomplete
)]
#[case(
    "gateway.envoyproxy.io/v1alpha1",
    "ClientTrafficPolicy",
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]\n  tls: {maxVersion: '1.1'}",
    Verdict::Incomplete
)]
fn what_is_attached(#[case] version: &str, #[case] kind: &str, #[case] spec: &str, #[case] expected: Verdict) {
    let object = format!(
        "\nkind: {kind}\napiVersion: {version}\nmetadata: {{name: p, namespace: openstack}}\nspec:\n  {spec}\n"
    );
    assert_eq!(verdict(&[], &[GATEWAY, &object]), expected);
}

#[test]
fn a_service_of_no_weight_gets_nothing() {
    let backends = ", weight: 0}, {name: horizon, port: 80";
    assert_eq!(verdict(&[("@BACKEND@", backends)], &[GATEWAY]), Verdict::Incomplete);
    let services = ", weight: 0}, {name: horizon, port: 80";
    assert_eq!(verdict(&[("@SERVICE@", services)], &[CONTOUR]), Verdict::Incomplete);
}

/// ingress-nginx's own ConfigMap.
#[rstest]
#[case("whitelist-source-range: 192.0.2.0/24", Verdict::Incomplete)]
#[case("ssl-protocols: TLSv1", Verdict::Incomplete)]
#[case("ssl-protocols: TLSv1.2 TLSv1.3", Verdict::Fine)]
#[case("large-client-header-buffers: 4 16k", Verdict::Fine)]
#[case("large-client-header-buffers: 2 256", Verdict::Incomplete)]
fn the_controllers_own_options(#[case] line: &str, #[case] expected: Verdict) {
    let map = format!(
        "\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: ingress-nginx-controller, namespace: ingress-nginx}}\ndata: {{{line}}}\n"
    );
    assert_eq!(verdict(&[], &[INGRESSES, &map]), expected);
}

/// A route for another host than the published one.
#[rstest]
#[case("int.example", "", Verdict::Fine)]
#[case("int.example", "https://int.example", Verdict::Fails)]
fn a_route_that_browsers_do_not_use(#[case] host: &str, #[case] endpoint: &str, #[case] expected: Verdict) {
    let other = format!(
        "\nkind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata:\n  name: other\n  namespace: openstack\n  annotations: {{nginx.ingress.kubernetes.io/auth-url: https://x, nginx.ingress.kubernetes.io/proxy-body-size: 1m}}\nspec:\n  ingressClassName: nginx\n  tls: [{{hosts: [{host}]}}]\n  rules:\n  - host: {host}\n    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: glance-api, port: {{number: 9292}}}}}}}}]}}\n"
    );
    let url = format!("public_endpoint = {endpoint}");
    let changes: &[(&str, &str)] =
        if endpoint.is_empty() { &[] } else { &[("public_endpoint = https://g.example", &url)] };
    assert_eq!(verdict(changes, &[INGRESSES, &other]), expected);
}

/// TLS may end before the controller: cookies that are for https only show it.
#[test]
fn the_scheme_of_a_dashboard_behind_something_that_ends_tls() {
    let plain = INGRESSES.replace("  tls: [{hosts: [g.example]}]\n", "").replace("  tls: [{hosts: [d.example]}]\n", "");
    let secure = "CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = True";
    assert_eq!(verdict(&[("@SETTING@", secure)], &[&plain]), Verdict::Incomplete);
    assert_eq!(verdict(&[], &[&plain]), Verdict::Fails);
}

/// A ConfigMap that may be there replaces options in a folder of drop-in files.
#[rstest]
#[case("/etc/glance/glance-api.conf.d", Verdict::Incomplete)]
#[case("/etc/other", Verdict::Fine)]
fn an_optional_config_map(#[case] path: &str, #[case] expected: Verdict) {
    let mount = format!("subPath: uwsgi.ini}}\n        - {{name: more, mountPath: {path}}}");
    let volumes =
        "volumes: [{name: etc, configMap: {name: glance-etc}}, {name: more, configMap: {name: more, optional: true}}]";
    let changes =
        [("subPath: uwsgi.ini}", mount.as_str()), ("volumes: [{name: etc, configMap: {name: glance-etc}}]", volumes)];
    assert_eq!(verdict(&changes, &[INGRESSES]), expected);
}
