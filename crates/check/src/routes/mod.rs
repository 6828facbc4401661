//! DU012, DU020: what routes to Glance do, where the input shows no workload of Glance to which they lead; and DU010, the
//! ports of its Services.
//!
//! In: objects. Out: findings. The operator's own rules read the routes; here Glance's Services are recognised by their
//! names.

mod answers;
mod groups;
mod middlewares;
mod paths;
mod ports;
mod redirected;
mod unused;

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::Backends;
use direct_upload_core::derive::exposure_issue::policy::{self, PolicyObject};
use direct_upload_core::openstack::cors_request::UPLOAD_PATH;
use serde_json::Value;

pub(crate) use self::answers::{answers, spare};
pub(crate) use self::paths::paths;
pub(crate) use self::ports::{lead_to, ports};
pub(crate) use self::redirected::redirected;
pub(crate) use self::unused::unused;
use crate::derived::{is_refused, policy_object};
use crate::facts::cloud::PlacedIssue;
use crate::finding::{Finding, Location};
use crate::glances::Objects;
use crate::names;
use crate::objects::{Object, any_text};

/// Routes of Gateway API whose redirect leads uploads to another host (HTTPRequestRedirectFilter). `is_wanted`: whether
/// direct uploads are.
pub(crate) fn redirects(objects: Objects<'_>, is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for object in objects.routes().filter(|object| object.kind() == "HTTPRoute") {
        let spec = &object.value["spec"];
        let severity = if is_wanted(object.namespace()) { Severity::Error } else { Severity::Warning };
        let hosts: Vec<&str> = spec["hostnames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // A prefix of Glance's own is not known here.
        let may_take = |rule: &Value| {
            paths::takes("HTTPRoute", rule, UPLOAD_PATH) != Some(false)
                || any_text(&rule["matches"], &|text| text.contains("image"))
        };
        let rules = spec["rules"].as_array().into_iter().flatten().enumerate();
        for (at, rule) in rules.filter(|(_, rule)| may_take(rule)) {
            for (nth, filter) in rule["filters"].as_array().into_iter().flatten().enumerate() {
                let target = filter["requestRedirect"]["hostname"].as_str();
                if let Some(target) = target.filter(|target| !hosts.is_empty() && !hosts.contains(target)) {
                    let place = object.place(&["spec", "rules", &at.to_string(), "filters", &nth.to_string()]);
                    let what = format!("redirects to {target}, and browsers follow no redirect of a preflight");
                    let fix = "remove it: Glance checks the token itself";
                    found.push(Finding::new(Rule::OptionsFiltered, severity, &place, what, fix));
                }
            }
        }
    }
    found
}

/// What blocks uploads on routes and policies, in namespaces for which the input shows no workload of Glance with its
/// Services: Services that are named so count.
pub(crate) fn issues(objects: Objects<'_>) -> Vec<PlacedIssue> {
    let written: Vec<PolicyObject<'_>> = objects.iter().filter(|o| !is_refused(o)).map(policy_object).collect();
    let namespaces: BTreeSet<&str> =
        objects.iter().filter(|o| objects.leads_to_glance(o)).map(Object::namespace).collect();
    let mut found = Vec::new();
    let seen: BTreeSet<&str> = objects.services.iter().map(|(_, namespace)| *namespace).collect();
    for namespace in namespaces {
        let own = objects.in_namespace(namespace);
        let is_seen = seen.contains(namespace);
        // OpenShift's Routes name them at the top.
        let tops = own.clone().flat_map(|o| ["to", "alternateBackends"].map(|list| &o.value["spec"][list]));
        let rules = own.flat_map(|o| ["rules", "http", "routes"].map(|list| &o.value["spec"][list]));
        let rules = rules.filter_map(Value::as_array).flatten();
        let backends = rules.flat_map(|rule| ["backendRefs", "route", "services"].map(|list| &rule[list]));
        let mut names = BTreeSet::new();
        backends.chain(tops).for_each(|value| named(value, &mut names));
        if is_seen || names.is_empty() {
            continue;
        }
        let backends =
            Backends { namespace: namespace.to_owned(), services: names.into_iter().collect(), ..Backends::default() };
        for issue in policy::issues(&written, &backends, &BTreeSet::new()) {
            let object = objects.of_id(&issue.object);
            let unseen = || Location::default().field(issue.field.clone());
            let place = object.map_or_else(unseen, |o| o.place_of(&issue.field));
            found.push(PlacedIssue { issue, place, asked: false, scope: vec![namespace.to_owned()] });
        }
    }
    found
}

/// The Services of Glance in the backends of a rule.
fn named(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if names::is_glances(text) => {
            names.extend(text.split('.').next().map(str::to_owned));
        }
        Value::Array(all) => all.iter().for_each(|value| named(value, names)),
        Value::Object(all) => all.values().for_each(|value| named(value, names)),
        _ => {}
    }
}

/// Whether a route names a middleware, in its rules or by Traefik's annotation.
fn uses(route: &Object, middleware: &Object) -> bool {
    let annotated = route.value["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"].as_str();
    let long = format!("{}-{}@kubernetescrd", middleware.namespace(), middleware.name());
    annotated.is_some_and(|all| all.split(',').any(|name| name.trim() == long))
        || (route.namespace() == middleware.namespace()
            && any_text(&route.value["spec"], &|text| text == middleware.name()))
}
