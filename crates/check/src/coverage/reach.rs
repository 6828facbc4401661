//! How browsers reach each Glance and each dashboard, where the input does not show it.

use direct_upload_core::derive::{Exposures, World};
use direct_upload_core::model::Key;
use serde_json::Value;

use super::near;
use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::{Certainty, Cloud, shared};
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::HorizonFacts;
use crate::facts::server::Server;
use crate::glances::Objects;
use crate::kinds;
use crate::objects::{Object, any_text};
use crate::unit::{Program, Unit};

/// How browsers reach each Glance and each dashboard, where that does not show.
pub(super) fn gaps(cloud: &Cloud<'_>, world: &World, objects: Objects<'_>) -> Vec<String> {
    let unrouted = cloud.glances.iter().filter_map(|glance| unrouted(cloud, world, glance, objects));
    let mut gaps: Vec<String> = unrouted.collect();
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

fn exposed<'a>(mut views: impl Iterator<Item = &'a Exposures>) -> bool {
    views.any(|exposures| exposures.primary().is_some())
}
