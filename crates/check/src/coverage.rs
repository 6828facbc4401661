//! What was checked, and which parts of an upload's path could not be seen.
//!
//! In: units, facts, objects. Out: [`Subject`]s, and one sentence for each part that an upload needs and
//! the input lacks: a Glance, a dashboard, how browsers reach each of them.

use direct_upload_core::derive::{Exposures, World};
use direct_upload_core::model::Key;
use direct_upload_core::openstack::Release;
use serde_json::Value;

use crate::beyond;
use crate::classify::Kind;
use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard, shared};
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::facts::haproxy;
use crate::facts::horizon::{HorizonFacts, MODE, Mode};
use crate::facts::server::{ScopedDirective, Server};
use crate::formats::python;
use crate::glances::Objects;
use crate::objects::{Object, any_text};
use crate::report::Subject;
use crate::rules;
use crate::unit::{ConfigFile, Program, Unit};
use crate::{ingress_class, kinds, names};

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
                Kind::Traefik => "Traefik",
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
pub(crate) fn gaps(cloud: &Cloud<'_>, world: &World, units: &[Unit], objects: Objects<'_>) -> Vec<String> {
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
    gaps.extend(ways(cloud, world, objects));
    gaps.extend(cloud.horizons.iter().filter_map(|horizon| without_glance(cloud, horizon)));
    gaps.extend(cloud.glances.iter().filter_map(|glance| without_dashboard(cloud, glance)));
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
    gaps.extend(beyond::gaps(cloud, objects));
    gaps.extend(rules::open_conditions(cloud));
    gaps.extend(cloud.glances.iter().filter_map(|glance| unrouted(cloud, world, glance, objects)));
    let made = units.iter().flat_map(|unit| &unit.files).filter(|file| file.partial);
    gaps.extend(made.filter_map(|file| Some(format!("{}: {}", file.place.file.as_ref()?, made_of(file)))));
    gaps.extend(cloud.horizons.iter().filter_map(of_environment));
    gaps.extend(cloud.horizons.iter().filter_map(of_any_name));
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
    gaps.extend(objects.iter().filter_map(|object| foreign_annotations(objects, object)));
    gaps.extend(objects.iter().filter_map(|object| ingress_class::unknown(objects, object)));
    gaps.extend(objects.iter().filter_map(|object| of_one_nginx(objects, object)));
    gaps.sort();
    gaps.dedup();
    gaps
}

/// How browsers reach each Glance and each dashboard, where that does not show.
fn ways(cloud: &Cloud<'_>, world: &World, objects: Objects<'_>) -> Vec<String> {
    let mut gaps = Vec::new();
    let (closed, open): (Vec<_>, Vec<_>) =
        cloud.glances.iter().partition(|glance| !is_glance_exposed(cloud, world, glance));
    if open.is_empty() && !closed.is_empty() {
        gaps.extend(unreached(cloud, objects));
    } else {
        gaps.extend(closed.iter().filter(|glance| !has_route(objects, glance.unit)).map(|glance| of_next(glance.unit)));
    }
    let (closed, open): (Vec<_>, Vec<_>) =
        cloud.horizons.iter().partition(|horizon| !is_dashboard_exposed(cloud, world, horizon));
    if open.is_empty() && !closed.is_empty() {
        let what = "how browsers reach the dashboard";
        let leads = |o: &&Object| any_text(&o.value["spec"], &|text| text.contains("horizon"));
        gaps.extend(match Routed::of(objects.iter().filter(leads), false) {
            Routed::Leads => None,
            Routed::Short(why) => Some(format!("{what}: {why}")),
            Routed::No => Some(format!("{what}: the input has no web server, proxy or route in front of it")),
        });
    } else {
        let closed = closed.iter().filter(|horizon| !has_route(objects, horizon.unit));
        gaps.extend(closed.map(|horizon| of_next(horizon.unit)));
    }
    gaps
}

/// One of several, of which browsers reach another one.
fn of_next(unit: &Unit) -> String {
    format!("how browsers reach {}: the input has no web server, proxy or route in front of it", unit.name)
}

/// Whether a route next to a workload may lead there although its URL does not show.
fn has_route(objects: Objects<'_>, unit: &Unit) -> bool {
    let Some((_, key)) = &unit.workload else { return false };
    objects.iter().any(|object| {
        object.namespace() == key.namespace
            && kinds::route(object).is_some()
            && (kinds::may_lack_url(object) || kinds::is_old(object))
    })
}

/// A dashboard of which the Glance is not there: those of the input are other dashboards', and allow none of its
/// origins.
fn without_glance(cloud: &Cloud<'_>, horizon: &HorizonFacts<'_>) -> Option<String> {
    let scope = &horizon.unit.scope;
    let is_others = |glance: &GlanceFacts<'_>| {
        let near = |own: &HorizonFacts<'_>| shared(&own.unit.scope, &glance.unit.scope);
        cloud.horizons.iter().any(|other| near(other) > near(horizon))
    };
    let mut own = cloud.dashboards.iter().filter(|d| d.scope == *scope);
    let is_alone = !cloud.glances.is_empty() && cloud.glances.iter().all(is_others);
    (is_alone && horizon.wants_direct() && !own.any(|dashboard| cloud.glances.iter().any(|g| allows(g, dashboard))))
        .then(|| {
            format!(
                "the Glance of {}: those of the input are next to other dashboards, and allow none of its origins",
                horizon.unit.name
            )
        })
}

/// A Glance with a public URL of its own that allows no dashboard: users of one may choose its region.
fn without_dashboard(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let of = |own: &GlanceFacts<'_>| {
        cloud.published.iter().find(|published| published.scope == own.unit.scope).map(|published| &published.url)
    };
    let url = of(glance)?;
    let is_next_to_one = cloud.horizons.iter().any(|horizon| {
        let near = |other: &GlanceFacts<'_>| shared(&horizon.unit.scope, &other.unit.scope);
        cloud.glances.iter().all(|other| near(other) <= near(glance))
    });
    let has_others = cloud.glances.iter().any(|other| of(other).is_some_and(|other| other != url));
    let grants = cloud.dashboards.iter().any(|dashboard| allows(glance, dashboard));
    (!cloud.dashboards.is_empty() && !is_next_to_one && has_others && !grants).then(|| {
        format!(
            "which dashboard uploads to {}: it is published at {url}, and allows none of the dashboards in the input",
            glance.unit.name
        )
    })
}

/// Whether Glance has an origin of a dashboard in its list.
fn allows(glance: &GlanceFacts<'_>, dashboard: &ExposedDashboard) -> bool {
    let listed = glance.allowed_origins(true);
    listed.iter().any(|item| match &dashboard.origin {
        Some(origin) => item == "*" || item == origin.as_str(),
        None => {
            item == "*" || item.split("://").nth(1).is_some_and(|rest| rest.split(':').next() == Some(&dashboard.host))
        }
    })
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

/// What may assign any name after the last value of the mode. Star imports of Horizon's and Django's modules do not.
fn of_any_name(horizon: &HorizonFacts<'_>) -> Option<String> {
    let last = horizon.assignments(MODE).pop();
    let after = match &last {
        None => horizon.snippets.as_slice(),
        Some((own, _)) => {
            let at = horizon.snippets.iter().position(|snippet| std::ptr::eq(snippet, *own))?;
            &horizon.snippets[at..]
        }
    };
    // People put files of their own into `openstack_dashboard.local`.
    let of_own = |module: &str| {
        let parts: Vec<&str> = module.split('.').collect();
        let is_local = parts.starts_with(&["openstack_dashboard", "local"]);
        !is_local && ["horizon", "openstack_dashboard", "openstack_auth", "django"].contains(&parts[0])
    };
    let may_assign = |opening: &python::Opening| match opening {
        python::Opening::Star(module) => !of_own(module),
        python::Opening::Computed => true,
    };
    let (snippet, (opening, line)) = after.iter().filter(|snippet| snippet.unread.is_none()).find_map(|snippet| {
        let first = last.as_ref().filter(|(own, _)| std::ptr::eq(snippet, *own)).map_or(0, |(_, last)| last.line);
        let own = snippet.settings.open.iter().find(|(opening, line)| *line > first && may_assign(opening))?;
        Some((snippet, own))
    })?;
    let place = snippet.file.at(*line);
    Some(match opening {
        python::Opening::Star(module) => {
            format!("{place}: what {module} sets, of which this line imports all names; it may set {MODE}")
        }
        python::Opening::Computed => format!("{place}: which names this line sets; it may set {MODE}"),
    })
}

/// What routes show of the way to a program whose URL they do not give.
enum Routed {
    /// One of a kind whose host may be in another object leads there.
    Leads,
    /// One leads there, but something is missing.
    Short(String),
    No,
}

impl Routed {
    /// `is_there`: whether the program's Service is in the input.
    fn of<'a>(leading: impl Iterator<Item = &'a Object>, is_there: bool) -> Self {
        let routes: Vec<&Object> = leading.filter(|object| kinds::route(object).is_some()).collect();
        let (refused, served): (Vec<&Object>, Vec<&Object>) = routes.into_iter().partition(|own| is_rejected(own));
        match (served.first(), refused.first()) {
            // The report names the object itself, which nothing reads.
            _ if served.iter().any(|own| kinds::may_lack_url(own) || kinds::is_old(own)) => Self::Leads,
            (Some(route), _) if is_there => Self::Short(format!(
                "{} leads to it, and no listener, host or entry point in the input takes the route",
                route.id()
            )),
            (Some(route), _) => {
                Self::Short(format!("{} leads to a Service of it that is not in the input", route.id()))
            }
            (None, Some(route)) => Self::Short(format!("{} leads to it, and its controller refuses it", route.id())),
            (None, None) => Self::No,
        }
    }
}

/// Whether a route's controller says that it does not serve it: of Gateway API in each parent, of Contour as a whole.
fn is_rejected(route: &Object) -> bool {
    let status = &route.value["status"];
    let is_false = |conditions: &Value, name: &str| {
        let mut all = conditions.as_array().into_iter().flatten();
        all.any(|own| own["type"] == name && own["status"] == "False")
    };
    let mut parents = status["parents"].as_array().into_iter().flatten().peekable();
    is_false(&status["conditions"], "Valid")
        || (parents.peek().is_some() && parents.all(|parent| is_false(&parent["conditions"], "Accepted")))
}

/// What to report if the input does not show how browsers reach Glance. It names what mentions Glance's URL
/// anyway.
fn unreached(cloud: &Cloud<'_>, objects: Objects<'_>) -> Option<String> {
    let what = "how browsers reach Glance";
    let is_there = objects.backends.iter().any(|own| !own.services.is_empty());
    match Routed::of(objects.routes(), is_there) {
        Routed::Leads => return None,
        Routed::Short(why) => return Some(format!("{what}: {why}")),
        Routed::No => {}
    }
    Some(match cloud.published.iter().find(|p| p.source == UrlSource::Glance) {
        Some(own) => format!(
            "{what}: no web server, proxy or route before it, and nothing that fills the catalog, is in the input; public_endpoint says {}",
            own.url
        ),
        None => format!("{what}: the input has no web server, proxy or route in front of it, and no public endpoint"),
    })
}

fn is_glance_exposed(cloud: &Cloud<'_>, world: &World, glance: &GlanceFacts<'_>) -> bool {
    let scope = &glance.unit.scope;
    let views = world.glances.iter().filter(|(key, _)| is_next_to(glance.unit, key));
    let views = views.filter_map(|(_, view)| view.service.exposures.as_ref().ok());
    let belongs = |own: &[String]| {
        let mut others = cloud.glances.iter();
        others.all(|other| shared(&other.unit.scope, own) <= shared(scope, own))
    };
    let published = |p: &Published| near(&p.scope, scope) && p.source != UrlSource::Glance;
    // One that shares connections out may lead to other machines.
    let is_before = |server: &Server<'_>| belongs(&server.scope) || server.of_name("server").nth(1).is_some();
    cloud.published.iter().any(published)
        || cloud.servers_near(scope, Program::Glance).any(is_before)
        || cloud.is_same_origin(glance.unit)
        || exposed(views)
        || glance.serves_itself()
}

/// Whether a resource may be about a unit.
fn is_next_to(unit: &Unit, resource: &Key) -> bool {
    unit.workload.as_ref().is_none_or(|(_, own)| own.namespace == resource.namespace)
}

/// The catalog has a URL for a Glance in pods, and nothing in the input leads from there to the pods, or what does ends
/// no TLS.
fn unrouted(cloud: &Cloud<'_>, world: &World, glance: &GlanceFacts<'_>, objects: Objects<'_>) -> Option<String> {
    let (_, key) = glance.unit.workload.as_ref()?;
    let published = cloud.published.iter().find(|own| own.scope == glance.unit.scope)?;
    let views = world.glances.values().filter_map(|view| view.service.exposures.as_ref().ok());
    if matches!(published.source, UrlSource::Exposed | UrlSource::Both)
        || glance.serves_itself()
        || cloud.servers_near(&glance.unit.scope, Program::Glance).next().is_some()
        || cloud.is_same_origin(glance.unit)
        || exposed(views)
    {
        return None;
    }
    // The report names one that is not read.
    let may_lead = |o: &Object| kinds::route(o).is_some() || kinds::is_unread(o);
    if objects.iter().any(|object| may_lead(object) && objects.leads_to_glance(object)) {
        return None;
    }
    let services: Vec<&Object> =
        objects.iter().filter(|o| o.namespace() == key.namespace && objects.is_glances_service(o)).collect();
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
    let views = world.horizons.iter().filter(|(key, _)| is_next_to(horizon.unit, key));
    let views = views.filter_map(|(_, view)| view.dashboard.exposures.as_ref().ok());
    let scope = &horizon.unit.scope;
    let belongs = |own: &[String]| {
        let mut others = cloud.horizons.iter();
        others.all(|other| shared(&other.unit.scope, own) <= shared(scope, own))
    };
    let is_before = |server: &Server<'_>| belongs(&server.scope) || server.of_name("server").nth(1).is_some();
    let mut dashboards = cloud.dashboards_near(scope).filter(|d| belongs(&d.scope));
    // The pod's own web server is not what exposes the pod.
    let is_pod = horizon.unit.workload.is_some();
    (!is_pod && cloud.servers_near(scope, Program::Horizon).any(is_before))
        || dashboards.any(|d| d.certainty == Certainty::Exposed || (!is_pod && d.origin.is_some()))
        || exposed(views)
}

/// Scripts that HAProxy or nginx run on requests to Glance: nothing here reads them.
fn scripts(cloud: &Cloud<'_>) -> Vec<String> {
    let is_script = |item: &ScopedDirective<'_>| {
        let first = item.directive.arg(0).unwrap_or_default();
        match item.directive.name.as_str() {
            "http-request" | "http-response" => {
                let service = item.directive.arg(1).filter(|_| first == "use-service").unwrap_or_default();
                first.starts_with("lua.") || service.starts_with("lua.")
            }
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
fn foreign_annotations(objects: Objects<'_>, object: &Object) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object()?;
    let foreign = |name: &&String| CONTROLLERS.iter().any(|prefix| name.starts_with(prefix));
    let names: Vec<&str> = annotations.keys().filter(foreign).map(String::as_str).collect();
    let about = object.kind() == "Ingress" && concerns(objects, object);
    (about && !names.is_empty())
        .then(|| format!("{}: check does not know what {} does to uploads", object.id(), names.join(", ")))
}

/// Annotations that count for one controller of nginx and not for the other, both of which people call `nginx`.
fn of_one_nginx(objects: Objects<'_>, object: &Object) -> Option<String> {
    let annotations = object.value["metadata"]["annotations"].as_object()?;
    let has = |prefix: &str| annotations.keys().any(|name| name.starts_with(prefix));
    let class = object.value["spec"]["ingressClassName"].as_str()?;
    let known = objects.iter().any(|o| o.kind() == "IngressClass" && o.name() == class)
        || ingress_class::F5.config_map(&objects).is_some();
    let about = object.kind() == "Ingress" && concerns(objects, object);
    (about && has("nginx.org/") && !has("nginx.ingress.kubernetes.io/") && !known).then(|| {
        format!(
            "{}: its annotations of nginx.org count only if class {class} is NGINX's own controller; the IngressClass is not in the input",
            object.id()
        )
    })
}

/// Objects from which other programs make the objects that would have to be read.
const RENDERED: [&str; 4] = ["HelmRelease", "HelmChart", "Application", "OpenStackControlPlane"];

/// An object that affects an upload, but that nothing here reads.
fn unread(object: &Object, units: &[Unit]) -> Option<String> {
    // `derived` names one that leads to a Service of another name.
    let about = || any_text(&object.value["spec"], &names::is_ours) || names::is_ours(object.name());
    let told = |why: &str| Some(format!("{}: {why}", object.id()));
    if RENDERED.contains(&object.kind()) {
        let about = object.kind() == "OpenStackControlPlane" || about();
        return about.then(|| told("what it deploys is not in the input; render it, or use --live")).flatten();
    }
    let near = || {
        units.iter().any(|unit| unit.service().is_some() && unit.scope.iter().any(|scope| scope == object.namespace()))
    };
    // These change whatever passes the proxy.
    let patches = matches!(object.kind(), "EnvoyFilter" | "EnvoyPatchPolicy");
    if !kinds::is_unread(object) || !(about() || patches && near()) {
        return None;
    }
    if kinds::is_old(object) {
        return told(&format!("check does not read {} of this kind", object.api_version()));
    }
    told("check does not read objects of this kind")
}

/// Whether an object names a Service or host of Glance or the dashboard.
fn concerns(objects: Objects<'_>, object: &Object) -> bool {
    objects.leads_to_glance(object) || any_text(&object.value["spec"], &names::is_ours)
}
