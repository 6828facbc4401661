//! Routes to Glance of which the requests go elsewhere, or to nothing.
//!
//! In: objects. Out: one sentence.

use direct_upload_core::model::PolicyKind;
use serde_json::Value;

use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;

/// All of an object.
pub(super) fn of_object(objects: Objects<'_>, object: &Object) -> Option<String> {
    of_weight(objects, object)
        .or_else(|| of_canary(objects, object))
        .or_else(|| of_subset(objects, object))
        .or_else(|| of_old_tls(objects, object))
}

/// Backends of which all requests go to another one than Glance's: `weight: 0` (Gateway API, Istio, Contour, Traefik).
fn of_weight(objects: Objects<'_>, route: &Object) -> Option<String> {
    if kinds::route(route).is_none() || !objects.leads_to_glance(route) {
        return None;
    }
    let spec = &route.value["spec"];
    let rules = ["rules", "http", "routes"].into_iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
    let backends = |rule: &'_ Value| -> Vec<Value> {
        let lists = ["backendRefs", "route", "services"].into_iter();
        lists.flat_map(|list| rule[list].as_array().cloned().unwrap_or_default()).collect()
    };
    let is_glances = |own: &Value| objects.names_glance(route, own);
    let is_lost = |rule: &Value| {
        let all = backends(rule);
        let (own, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|own| is_glances(own));
        !own.is_empty() && own.iter().all(|own| own["weight"] == 0) && others.iter().any(|own| own["weight"] != 0)
    };
    let mut rules = rules.filter(|rule| backends(rule).iter().any(is_glances)).peekable();
    (rules.peek().is_some() && rules.all(is_lost))
        .then(|| format!("{}: the weight of Glance's Service is 0, so another one gets the requests", route.id()))
}

/// ingress-nginx: a canary that gets all requests of a host that leads to Glance (ingress-nginx, Canary).
fn of_canary(objects: Objects<'_>, canary: &Object) -> Option<String> {
    let annotation =
        |name: &str| canary.value["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")].as_str();
    let is_whole = annotation("canary") == Some("true")
        && annotation("canary-weight") == Some(annotation("canary-weight-total").unwrap_or("100"));
    if !is_whole || canary.kind() != "Ingress" || leads_there(objects, canary) {
        return None;
    }
    let hosts = |route: &Object| -> Vec<String> {
        let rules = route.value["spec"]["rules"].as_array().into_iter().flatten();
        rules.filter_map(|rule| Some(rule["host"].as_str()?.to_owned())).collect()
    };
    let own = hosts(canary);
    let takes = |route: &Object| {
        route.kind() == "Ingress"
            && route.namespace() == canary.namespace()
            && !std::ptr::eq(route, canary)
            && hosts(route).iter().any(|host| own.contains(host))
    };
    objects.routes().any(takes).then(|| format!("{}: it gets each request of a host that leads to Glance", canary.id()))
}

/// Whether a backend of an Ingress is Glance's; its host may have Glance's name.
fn leads_there(objects: Objects<'_>, ingress: &Object) -> bool {
    let rules = ingress.value["spec"]["rules"].as_array().into_iter().flatten();
    let mut paths = rules.flat_map(|rule| rule["http"]["paths"].as_array().into_iter().flatten());
    paths.any(|path| objects.names_glance(ingress, &path["backend"]))
}

/// Istio: a subset of Glance's Service that no DestinationRule has.
fn of_subset(objects: Objects<'_>, route: &Object) -> Option<String> {
    if route.policy_kind() != PolicyKind::VirtualService || !objects.leads_to_glance(route) {
        return None;
    }
    let rules = route.value["spec"]["http"].as_array()?.iter();
    let mut named = rules.flat_map(|rule| rule["route"].as_array().into_iter().flatten()).filter_map(|own| {
        let destination = &own["destination"];
        destination["subset"].as_str().filter(|_| objects.names_glance(route, destination))
    });
    let has = |rule: &Object, name: &str| {
        let mut subsets = rule.value["spec"]["subsets"].as_array().into_iter().flatten();
        rule.kind() == "DestinationRule" && subsets.any(|own| own["name"] == name)
    };
    let missing = named.find(|name| !objects.iter().any(|rule| has(rule, name)))?;
    Some(format!("{}: no DestinationRule in the input has the subset {missing}", route.id()))
}

/// Traefik: a TLSOption that no browser of today can use.
fn of_old_tls(objects: Objects<'_>, route: &Object) -> Option<String> {
    let named = &route.value["spec"]["tls"]["options"];
    let name = named["name"].as_str().filter(|_| objects.leads_to_glance(route))?;
    let namespace = named["namespace"].as_str().unwrap_or(route.namespace());
    let is_it = |o: &&Object| o.kind() == "TLSOption" && o.name() == name && o.namespace() == namespace;
    let version = objects.iter().find(is_it)?.value["spec"]["maxVersion"].as_str()?;
    matches!(version, "VersionTLS10" | "VersionTLS11")
        .then(|| format!("{}: its TLSOption {name} has only TLS that browsers do not accept", route.id()))
}
