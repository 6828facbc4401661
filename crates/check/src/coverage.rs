//! What was checked, and which parts of an upload's path could not be seen.
//!
//! In: units, facts, objects. Out: [`Subject`]s, and one sentence for each part that an upload needs and
//! the input lacks: a Glance, a dashboard, how browsers reach each of them.

use direct_upload_core::derive::{Backends, Exposures, World};
use direct_upload_core::model;
use direct_upload_core::openstack::Release;
use serde_json::Value;

use crate::beyond;
use crate::classify::Kind;
use crate::facts::catalog::{Published, Source};
use crate::facts::cloud::{Certainty, Cloud, shared};
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::facts::haproxy;
use crate::facts::horizon::{HorizonFacts, MODE, Mode};
use crate::facts::server::ScopedDirective;
use crate::formats::python;
use crate::ingress_class;
use crate::objects::{Object, any_text};
use crate::report::Subject;
use crate::rules;
use crate::unit::{ConfigFile, Program, Unit};

/// The services that were checked.
pub fn subjects(cloud: &Cloud<'_>) -> Vec<Subject> {
    let glances = cloud.glances.iter().map(|g| subject(cloud, g.unit, Program::Glance));
    let horizons = cloud.horizons.iter().map(|h| subject(cloud, h.unit, Program::Horizon));
    let others = cloud.units.iter().flat_map(others);
    glances.chain(horizons).chain(others).collect()
}

/// Other services, whose CORS options are read.
fn others(unit: &Unit) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for file in unit.files.iter().filter(|file| matches!(file.kind, Kind::Oslo | Kind::OsloPaste | Kind::Swift)) {
        let service = if file.kind == Kind::Swift { "swift" } else { unit.other_service(file).unwrap_or("service") };
        match subjects.iter_mut().find(|subject| subject.service == service) {
            Some(subject) => subject.files.push(file.called().to_owned()),
            None => subjects.push(Subject {
                service,
                name: unit.name.clone(),
                release: unit.release.map(|release| (release.to_string(), "image")),
                files: vec![file.called().to_owned()],
                before: Vec::new(),
            }),
        }
    }
    subjects
}

fn subject(cloud: &Cloud<'_>, unit: &Unit, program: Program) -> Subject {
    let stated = cloud.release.map(|release: Release| (release.to_string(), "--release"));
    let of_image = || unit.release.map(|release| (release.to_string(), "image"));
    let mut before: Vec<String> = cloud
        .servers_near(&unit.scope, program)
        .map(|server| {
            let kind = match server.kind {
                Kind::Nginx | Kind::Stream => "nginx",
                Kind::Haproxy => "HAProxy",
                _ => "httpd",
            };
            format!("{kind} {}", server.place())
        })
        .collect();
    match program {
        Program::Glance => {
            let near = cloud.published.iter().filter(|p| near(&p.scope, &unit.scope));
            before.extend(near.map(|p| format!("{} ({})", p.url, p.place)));
        }
        Program::Horizon => {
            let near = cloud.dashboards_near(&unit.scope).filter(|d| d.certainty == Certainty::Exposed);
            before.extend(near.map(|d| {
                let url = d.origin.as_ref().map_or_else(|| d.host.clone(), ToString::to_string);
                format!("{url} ({})", d.source)
            }));
        }
    }
    before.dedup();
    Subject {
        service: match program {
            Program::Glance => "Glance",
            Program::Horizon => "dashboard",
        },
        name: if unit.name.is_empty() { ".".to_owned() } else { unit.name.clone() },
        release: stated.or_else(of_image),
        files: unit.files.iter().map(|file| file.called().to_owned()).collect(),
        before,
    }
}

fn near(a: &[String], b: &[String]) -> bool {
    a == b || a.is_empty() || b.is_empty() || shared(a, b) > 0
}

/// What an upload needs and the input lacks.
pub fn gaps(
    cloud: &Cloud<'_>,
    world: &World,
    units: &[Unit],
    objects: &[Object],
    backends: &[Backends],
) -> Vec<String> {
    let mut gaps = Vec::new();
    for unit in units.iter().filter(|unit| unit.service().is_some()) {
        gaps.extend(unit.unseen.iter().map(|what| format!("{}: {what}", unit.name)));
    }
    if cloud.glances.is_empty() {
        gaps.push("Glance: the input has no readable configuration of it (glance-api.conf)".into());
    }
    if cloud.horizons.is_empty() {
        gaps.push("the dashboard: the input has no readable settings of it (local_settings)".into());
    }
    if !cloud.glances.is_empty()
        && !cloud.glances.iter().any(|g| is_glance_exposed(cloud, world, g) || routed(objects, "glance"))
    {
        gaps.push(unreached(cloud, objects));
    }
    if !cloud.horizons.is_empty()
        && !cloud.horizons.iter().any(|h| is_dashboard_exposed(cloud, world, h) || routed(objects, "horizon"))
    {
        let what = "how browsers reach the dashboard";
        let leads = |o: &&Object| matches!(o.kind(), "HTTPRoute" | "Ingress" | "Route") && leads_to(o, "horizon");
        match objects.iter().find(leads) {
            // The report says it of the object itself.
            Some(route) if is_old(route) => {}
            Some(route) => {
                gaps.push(format!("{what}: {} leads to a Service of it that is not in the input", route.id()));
            }
            None => gaps.push(format!("{what}: the input has no web server, proxy or route in front of it")),
        }
    }
    for glance in cloud.glances.iter().filter(|g| !g.has_main() && g.unit.unseen.is_empty()) {
        gaps.push(format!(
            "{}: only fragments of Glance's configuration are there; glance-api.conf is not",
            glance.unit.name
        ));
    }
    for unit in units.iter().filter(|unit| unit.has(Kind::Haproxy)) {
        let maps = haproxy::missing_maps(unit).into_iter();
        gaps.extend(maps.map(|map| format!("{map}: HAProxy chooses backends by it, and it is not in the input")));
    }
    gaps.extend(scripts(cloud));
    let without = |glance: &&GlanceFacts<'_>| glance.cors_in_effect("allowed_origin").is_none();
    let extended =
        cloud.glances.iter().filter(without).filter_map(|g| cloud.answering_for(g)).filter(|a| a.is_extended);
    gaps.extend(extended.map(|own| {
        format!("{}: whether the gateway's controller carries out its CORS filter, which is optional for it", own.what)
    }));
    gaps.extend(beyond::gaps(cloud, objects, backends));
    gaps.extend(rules::open_conditions(cloud));
    gaps.extend(cloud.glances.iter().filter_map(|glance| unrouted(cloud, world, glance, objects)));
    let made = units.iter().flat_map(|unit| &unit.files).filter(|file| file.partial);
    gaps.extend(made.filter_map(|file| Some(format!("{}: {}", file.place.file.as_ref()?, made_of(file)))));
    gaps.extend(cloud.horizons.iter().filter_map(of_environment));
    gaps.extend(cloud.horizons.iter().filter_map(of_star));
    for horizon in cloud.horizons.iter().filter(|h| h.mode() == Mode::Unknown && h.unit.unseen.is_empty()) {
        gaps.push(format!("{}: {MODE} comes from something that is not in the input", horizon.unit.name));
    }
    for glance in &cloud.glances {
        let name = &glance.unit.name;
        if let Some(file) = glance.lacks_config_file() {
            gaps.push(format!("{name}: {file}, which oslo_config_file of the paste file names, is not in the input"));
        }
        if glance.reading == Reading::Unknown {
            gaps.push(format!("{name}: [cors] depends on options of Glance that are not in the input"));
        }
        let foreign = glance.pipeline.iter().flatten().flat_map(|pipeline| &pipeline.filters);
        gaps.extend(foreign.filter(|filter| filter.is_foreign_cors()).map(|filter| {
            format!(
                "{name}: {} ({}) answers for CORS, and check does not read its options",
                filter.name, filter.factory
            )
        }));
    }
    gaps.extend(objects.iter().filter_map(|object| unread(object, units)));
    gaps.extend(objects.iter().filter_map(foreign_annotations));
    gaps.extend(objects.iter().filter_map(|object| ingress_class::unknown(objects, object)));
    gaps.extend(objects.iter().filter_map(|object| of_one_nginx(object, objects)));
    gaps.sort();
    gaps.dedup();
    gaps
}

/// What a file is made of that lacks a part.
fn made_of(file: &ConfigFile) -> &'static str {
    let name = file.place.field.as_ref().and_then(|field| field.path.names().next()).unwrap_or("glance_");
    let of_role = ["glance_", "horizon_"].iter().any(|role| name.starts_with(role)) || name.ends_with("_overrides");
    if of_role && !name.contains("_helm_values") {
        "variables of openstack-ansible; what the roles' templates add is not in the input: check the files that the playbooks write, too"
    } else {
        "Helm values; what the chart adds is not in the input: check what helm template prints, too"
    }
}

/// An environment variable that decides the mode. What starts Horizon may set it.
fn of_environment(horizon: &HorizonFacts<'_>) -> Option<String> {
    let skipped = horizon.snippets.iter().filter(|snippet| snippet.unread.is_none());
    let skipped = skipped.flat_map(|snippet| &snippet.settings.skipped).find(|(name, _)| name == MODE);
    let last = horizon.assignments(MODE).pop().map(|(_, last)| last).filter(|last| last.certain);
    let own = last.filter(|last| last.value != python::Value::Unknown).and_then(|last| last.variable.as_deref());
    let variable = own.or_else(|| skipped.map(|(_, variable)| variable.as_str()))?;
    Some(format!(
        "the environment variable {variable}, on which {MODE} ({}) depends: check read the settings as if it were not set",
        horizon.place()
    ))
}

/// A star import after the last value of the mode: it may set another one. Modules of Horizon and Django do not.
fn of_star(horizon: &HorizonFacts<'_>) -> Option<String> {
    let last = horizon.assignments(MODE).pop();
    let after = match &last {
        None => horizon.snippets.as_slice(),
        Some((own, _)) => {
            let at = horizon.snippets.iter().position(|snippet| std::ptr::eq(snippet, *own))?;
            &horizon.snippets[at..]
        }
    };
    let of_own = |module: &str| {
        ["horizon", "openstack_dashboard", "openstack_auth", "django"]
            .iter()
            .any(|own| module.split('.').next() == Some(own))
    };
    let (snippet, (module, line)) = after.iter().filter(|snippet| snippet.unread.is_none()).find_map(|snippet| {
        let first = last.as_ref().filter(|(own, _)| std::ptr::eq(snippet, *own)).map_or(0, |(_, last)| last.line);
        let star = snippet.settings.stars.iter().find(|(module, line)| *line > first && !of_own(module))?;
        Some((snippet, star))
    })?;
    Some(format!(
        "{}: what {module} sets, of which this line imports all names; it may set {MODE}",
        snippet.file.at(*line)
    ))
}

/// What to report if the input does not show how browsers reach Glance. It names what mentions Glance's URL
/// anyway.
fn unreached(cloud: &Cloud<'_>, objects: &[Object]) -> String {
    let what = "how browsers reach Glance";
    let route = objects.iter().find(|o| matches!(o.kind(), "HTTPRoute" | "Ingress" | "Route") && leads_to(o, "glance"));
    if let Some(route) = route {
        return format!("{what}: {} leads to a Service of it that is not in the input", route.id());
    }
    match cloud.published.iter().find(|p| p.source == Source::Glance) {
        Some(own) => format!(
            "{what}: no web server, proxy or route before it, and nothing that fills the catalog, is in the input; public_endpoint says {}",
            own.url
        ),
        None => format!("{what}: the input has no web server, proxy or route in front of it, and no public endpoint"),
    }
}

fn is_glance_exposed(cloud: &Cloud<'_>, world: &World, glance: &GlanceFacts<'_>) -> bool {
    let scope = &glance.unit.scope;
    let views = world.glances.values().filter_map(|view| view.service.exposures.as_ref().ok());
    let published = |p: &Published| near(&p.scope, scope) && p.source != Source::Glance;
    cloud.published.iter().any(published)
        || cloud.servers_near(scope, Program::Glance).next().is_some()
        || cloud.is_same_origin(glance.unit)
        || exposed(views)
        || glance.serves_itself()
}

/// The catalog has a URL for a Glance in pods, and nothing in the input leads from there to the pods, or what does ends
/// no TLS.
fn unrouted(cloud: &Cloud<'_>, world: &World, glance: &GlanceFacts<'_>, objects: &[Object]) -> Option<String> {
    const ROUTES: [&str; 8] =
        ["Ingress", "Route", "HTTPRoute", "IngressRoute", "HTTPProxy", "VirtualService", "TLSRoute", "GRPCRoute"];
    let (_, key) = glance.unit.workload.as_ref()?;
    let published = cloud.published.iter().find(|own| own.scope == glance.unit.scope)?;
    let views = world.glances.values().filter_map(|view| view.service.exposures.as_ref().ok());
    if published.source == Source::Exposed
        || glance.serves_itself()
        || cloud.servers_near(&glance.unit.scope, Program::Glance).next().is_some()
        || cloud.is_same_origin(glance.unit)
        || exposed(views)
    {
        return None;
    }
    let near = || objects.iter().filter(|object| object.namespace() == key.namespace);
    let selects = |service: &&Object| {
        service.kind() == "Service" && any_text(&service.value["spec"]["selector"], &|text| text.contains("glance"))
    };
    let services: Vec<&Object> =
        near().filter(|o| selects(o) || o.kind() == "Service" && o.name().contains("glance")).collect();
    let is_its = |text: &str| text.contains("glance") || services.iter().any(|service| service.name() == text);
    let is_route = |object: &&Object| {
        let of_group =
            ON_THE_WAY.iter().any(|name| object.value["apiVersion"].as_str().is_some_and(|own| own.contains(name)));
        (ROUTES.contains(&object.kind()) || (of_group && !KNOWN.contains(&object.kind())))
            && any_text(&object.value["spec"], &is_its)
    };
    if objects.iter().any(|object| is_route(&object)) {
        return None;
    }
    let what = format!("{} ({})", published.url, published.place);
    let opens =
        |service: &&&Object| matches!(service.value["spec"]["type"].as_str(), Some("LoadBalancer" | "NodePort"));
    match services.iter().find(opens) {
        None => Some(format!("{what}: no Ingress or other route in the input leads to Glance")),
        Some(service) => published.url.starts_with("https:").then(|| {
            format!("{what}: what ends TLS before Glance; {} passes connections on as they are", service.id())
        }),
    }
}

fn is_dashboard_exposed(cloud: &Cloud<'_>, world: &World, horizon: &HorizonFacts<'_>) -> bool {
    let views = world.horizons.values().filter_map(|view| view.dashboard.exposures.as_ref().ok());
    let mut dashboards = cloud.dashboards_near(&horizon.unit.scope);
    // The pod's own web server is not what exposes the pod.
    let is_pod = horizon.unit.workload.is_some();
    (!is_pod && cloud.servers_near(&horizon.unit.scope, Program::Horizon).next().is_some())
        || dashboards.any(|d| d.certainty == Certainty::Exposed || (!is_pod && d.origin.is_some()))
        || exposed(views)
}

/// Scripts that HAProxy or nginx run on requests to Glance: nothing here reads them.
fn scripts(cloud: &Cloud<'_>) -> Vec<String> {
    let is_script = |item: &ScopedDirective<'_>| {
        let first = item.directive.arg(0).unwrap_or_default();
        match item.directive.name.as_str() {
            "http-request" | "http-response" => first.starts_with("lua."),
            "filter" => matches!(first, "spoe" | "lua"),
            name => name.ends_with("_by_lua_block") || name.ends_with("_by_lua_file") || name.starts_with("js_"),
        }
    };
    let before = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    let mut found: Vec<String> = before
        .flat_map(|server| &server.items)
        .filter(|item| is_script(item))
        .map(|item| {
            format!(
                "{}: check does not read what the script of {} does to uploads",
                item.place(),
                item.directive.written
            )
        })
        .collect();
    found.dedup();
    found
}

/// Whether a route of a kind whose URL is not derived leads to a Service of that name.
fn routed(objects: &[Object], name: &str) -> bool {
    const KINDS: [&str; 3] = ["IngressRoute", "HTTPProxy", "VirtualService"];
    objects.iter().any(|object| KINDS.contains(&object.kind()) && leads_to(object, name))
}

fn leads_to(object: &Object, name: &str) -> bool {
    any_text(&object.value["spec"], &|text| text.contains(name))
}

fn exposed<'a>(mut views: impl Iterator<Item = &'a Exposures>) -> bool {
    views.any(|exposures| exposures.primary().is_some())
}

/// Prefixes of annotations with which controllers that are not read change requests.
const CONTROLLERS: [&str; 10] = [
    "konghq.com/",
    "haproxy.org/",
    "haproxy-ingress.github.io/",
    "alb.ingress.kubernetes.io/",
    "appgw.ingress.kubernetes.io/",
    "ingress.cilium.io/",
    "k8s.apisix.apache.org/",
    "networking.gke.io/",
    "ingress.pomerium.io/",
    "getambassador.io/",
];

/// Annotations of an Ingress to Glance or the dashboard that nothing here reads.
fn foreign_annotations(object: &Object) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object()?;
    let foreign = |name: &&String| CONTROLLERS.iter().any(|prefix| name.starts_with(prefix));
    let names: Vec<&str> = annotations.keys().filter(foreign).map(String::as_str).collect();
    let about = object.kind() == "Ingress" && concerns(&object.value["spec"]);
    (about && !names.is_empty())
        .then(|| format!("{}: check does not know what {} does to uploads", object.id(), names.join(", ")))
}

/// Annotations that count for one controller of nginx and not for the other, both of which people call `nginx`.
fn of_one_nginx(object: &Object, objects: &[Object]) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object()?;
    let has = |prefix: &str| annotations.keys().any(|name| name.starts_with(prefix));
    let class = object.value["spec"]["ingressClassName"].as_str()?;
    let known = objects.iter().any(|o| o.kind() == "IngressClass" && o.name() == class);
    let about = object.kind() == "Ingress" && concerns(&object.value["spec"]);
    (about && has("nginx.org/") && !has("nginx.ingress.kubernetes.io/") && !known).then(|| {
        format!(
            "{}: its annotations of nginx.org count only if class {class} is NGINX's own controller; the IngressClass is not in the input",
            object.id()
        )
    })
}

/// API groups whose objects are between browsers and a Service.
const ON_THE_WAY: [&str; 20] = [
    "extensions",
    "gateway",
    "networking",
    "route.openshift.io",
    "traefik",
    "projectcontour.io",
    "istio.io",
    "konghq.com",
    "apisix.apache.org",
    "getambassador.io",
    "nginx.org",
    "haproxy",
    "envoyproxy.io",
    "cilium.io",
    "linkerd.io",
    "zalando.org",
    "solo.io",
    "kgateway",
    "cloud.google.com",
    "elbv2.k8s.aws",
];

/// Kinds that are read, and kinds that do not affect a request.
const KNOWN: [&str; 41] = [
    "CustomResourceDefinition",
    "AuthorizationPolicy",
    "RequestAuthentication",
    "HTTPRouteFilter",
    "BackendTLSPolicy",
    "GRPCRoute",
    "UDPRoute",
    "TraefikService",
    "TLSStore",
    "Ingress",
    "IngressClass",
    "HTTPRoute",
    "Route",
    "Gateway",
    "GatewayClass",
    "ReferenceGrant",
    "ListenerSet",
    "XListenerSet",
    "TLSRoute",
    "IngressRoute",
    "Middleware",
    "HTTPProxy",
    "SecurityPolicy",
    "ClientTrafficPolicy",
    "BackendTrafficPolicy",
    "VirtualService",
    "NetworkPolicy",
    "AdminNetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "PeerAuthentication",
    "ServiceEntry",
    "Sidecar",
    "Telemetry",
    "EnvoyProxy",
    "ManagedCertificate",
    "TLSOption",
    "TLSCertificateDelegation",
    "CiliumLoadBalancerIPPool",
    "CiliumL2AnnouncementPolicy",
    "IPAddress",
];

/// Objects from which other programs make the objects that would have to be read.
const RENDERED: [&str; 4] = ["HelmRelease", "HelmChart", "Application", "OpenStackControlPlane"];

/// An object that affects an upload, but that nothing here reads.
fn unread(object: &Object, units: &[Unit]) -> Option<String> {
    let group = object.value["apiVersion"].as_str().unwrap_or_default();
    let told = |why: &str| Some(format!("{}: {why}", object.id()));
    if RENDERED.contains(&object.kind()) {
        let about =
            object.kind() == "OpenStackControlPlane" || concerns(&object.value["spec"]) || is_ours(object.name());
        return about.then(|| told("what it deploys is not in the input; render it, or use --live")).flatten();
    }
    let (group, _) = group.split_once('/')?;
    let is_old = is_old(object);
    let is_known = KNOWN.contains(&object.kind()) && !is_old;
    if !ON_THE_WAY.iter().any(|name| group.contains(name)) || is_known {
        return None;
    }
    let near = units.iter().any(|unit| unit.service().is_some() && unit.scope.iter().any(|s| s == object.namespace()));
    let about = concerns(&object.value["spec"]) || is_ours(object.name());
    // These change whatever passes the proxy.
    let patches = matches!(object.kind(), "EnvoyFilter" | "EnvoyPatchPolicy");
    let why = if is_old {
        format!("check does not read {} of this kind", object.value["apiVersion"].as_str().unwrap_or_default())
    } else {
        "check does not read objects of this kind".to_owned()
    };
    (about || near && patches).then(|| told(&why)).flatten()
}

/// Whether an object is of a version that is not read, although its kind is.
fn is_old(object: &Object) -> bool {
    let version = object.value["apiVersion"].as_str().unwrap_or_default();
    model::Kind::named(object.kind()).is_some() && model::Kind::registered(version, object.kind()).next().is_none()
}

fn is_ours(name: &str) -> bool {
    name.contains("glance") || name.contains("horizon")
}

/// Whether a value names a Service or host of Glance or the dashboard, in the usual ways.
fn concerns(value: &Value) -> bool {
    any_text(value, &is_ours)
}
