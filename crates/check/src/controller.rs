//! Controllers of nginx: the limits in their own ConfigMap, for an Ingress that sets none; and what they write into nginx's
//! configuration for the Ingresses of Glance and the dashboard.
//!
//! In: objects, and what the Ingresses in front of Glance or the dashboard do. Out: the same, with the controller's
//! own values if the input has them, and a list of those that it lacks; and files of nginx. The keys of the ConfigMap
//! are those of the annotations, without prefix.

use direct_upload_api::Rule;

use crate::classify::Kind;
use crate::derived::{SNIPPETS, exposures_of};
use crate::facts::cloud::PlacedIssue;
use crate::finding::Location;
use crate::ingress_class::{self, COMMUNITY, F5, NginxController};
use crate::objects::Object;
use crate::objects::object_set::ObjectSet;
use crate::unit::{ConfigFile, Program, Unit};
use direct_upload_core::derive::exposure_issue::quantity;
use direct_upload_core::derive::exposure_issue::tolerance::{LARGE, PATIENT, SMALL};
use direct_upload_core::derive::{ExposingObject, ExposureIssue, Exposures};
use direct_upload_core::manifests::Lines;
use direct_upload_core::model::{FieldPath, Id, PathElement, Snapshot};

const PREFIX: &str = COMMUNITY.prefix;

/// Replaces usual values by the controller's own. Returns what the input does not show.
pub(crate) fn apply(objects: &ObjectSet, issues: &mut Vec<PlacedIssue>) -> Vec<String> {
    let mut unseen = Vec::new();
    issues.retain_mut(|placed| {
        let annotation = placed.issue.field.annotation().unwrap_or_default();
        let of = |own: &'static NginxController| Some((own, annotation.strip_prefix(own.prefix)?.to_owned()));
        let (Some((controller, key)), false) = ([&COMMUNITY, &F5].into_iter().find_map(of), placed.issue.written)
        else {
            return true;
        };
        let Some(own) = controller.config_map(objects) else {
            if placed.issue.rule == Rule::BodyLimit {
                unseen.push(format!(
                    "{}: {key} is not set there, and the input lacks the ingress controller's own ConfigMap",
                    placed.issue.object
                ));
            }
            return true;
        };
        let Some(value) = own.value["data"][&key].as_str() else {
            if placed.issue.rule == Rule::BodyLimit {
                placed.issue.fails = true;
                placed.issue.found = format!(
                    "is missing, and {} does not set it either, so nginx refuses bodies above 1m with 413",
                    own.id()
                );
            }
            return true;
        };
        if is_enough(&key, value) {
            return false;
        }
        placed.issue.fails = placed.issue.rule == Rule::BodyLimit
            && quantity::bytes(value).is_some_and(|limit| limit > 0 && limit < SMALL);
        placed.issue.found = format!("is not set, and {} sets it to {value}", own.id());
        true
    });
    unseen
}

fn is_enough(key: &str, value: &str) -> bool {
    match key {
        "proxy-body-size" | "client-max-body-size" => {
            quantity::bytes(value).is_some_and(|limit| limit == 0 || limit >= LARGE)
        }
        "proxy-request-buffering" => value == "off",
        "proxy-read-timeout" | "proxy-send-timeout" => {
            quantity::milliseconds(value, 1000).is_some_and(|time| time >= PATIENT)
        }
        _ => false,
    }
}

/// In the keys of the text around all servers.
const HTTP_SNIPPET: &str = "http-snippet";

fn named(place: &Location) -> String {
    place.field.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// A file of nginx at the place of its text.
fn written((text, place): (String, Location)) -> ConfigFile {
    let lines = place.line.map_or(Lines::Nowhere, Lines::At);
    ConfigFile {
        kind: Kind::Nginx,
        path: None,
        name: named(&place),
        text,
        place,
        lines,
        managed: false,
        partial: false,
    }
}

/// What the controller writes into nginx's configuration for Ingresses in front of Glance and the dashboard: each text
/// as a location that leads there, or as a server around it.
pub(crate) fn snippets(snapshot: &Snapshot, objects: &ObjectSet, units: &[Unit]) -> Vec<Unit> {
    let mut found = Vec::new();
    for (service, upstream) in [(Program::Glance, "glance"), (Program::Horizon, "horizon")] {
        for (unit, exposures) in exposures_of(snapshot, units, service) {
            for ingress in ingresses(objects, &exposures) {
                let all = texts(objects, &ingress);
                // Its variables count in the others.
                let common = all.iter().find(|(_, place)| named(place).contains(HTTP_SNIPPET)).cloned();
                for (text, place) in all {
                    let name = named(&place);
                    let mut parts = Parts::default();
                    match () {
                        () if name.contains(HTTP_SNIPPET) => parts.http = text,
                        () if name.contains("server-snippet") => parts.server = text,
                        () => parts.location = text,
                    }
                    let others = common.iter().filter(|_| parts.http.is_empty()).cloned();
                    let text = parts.leading_to(upstream);
                    let files = std::iter::once((text, place)).chain(others).map(written).collect();
                    let (name, scope) = (ingress.object.id().to_string(), unit.scope.clone());
                    found.push(Unit { name, scope, files, ..Unit::default() });
                }
            }
            for (name, files) in exposures.exposing.iter().flat_map(|own| filters(objects, &own.object(), upstream)) {
                found.push(Unit { name, scope: unit.scope.clone(), files: vec![files], ..Unit::default() });
            }
        }
    }
    found
}

/// Texts in nginx's configuration, by where they are.
#[derive(Default)]
struct Parts {
    http: String,
    server: String,
    location: String,
}

impl Parts {
    /// With a location that leads to a program, and has the limits that other rules judge.
    fn leading_to(&self, upstream: &str) -> String {
        let Self { http, server, location } = self;
        format!(
            "{http}\nserver {{ {server}\nlocation / {{ client_max_body_size 0; proxy_request_buffering off; {location}\nproxy_pass http://{upstream}; }} }}"
        )
    }
}

/// The texts of SnippetsFilters that an HTTPRoute names (docs.nginx.com, NGINX Gateway Fabric, Snippets), as files that lead
/// to a program.
fn filters(objects: &ObjectSet, route: &Id, upstream: &str) -> Vec<(String, ConfigFile)> {
    let Some(route) = objects.of_id(route).filter(|own| own.kind() == "HTTPRoute") else { return Vec::new() };
    let rules = route.value["spec"]["rules"].as_array().into_iter().flatten();
    let named = rules.flat_map(|rule| rule["filters"].as_array().into_iter().flatten()).map(|own| &own["extensionRef"]);
    let named = named.filter(|own| own["kind"] == "SnippetsFilter").filter_map(|own| own["name"].as_str());
    let own = named.filter_map(|name| objects.named("SnippetsFilter", route.namespace(), name));
    let texts = own.flat_map(|own| {
        let snippets = own.value["spec"]["snippets"].as_array().into_iter().flatten().enumerate();
        snippets.map(move |(at, snippet)| (own, at, snippet))
    });
    let read = texts.filter_map(|(own, at, snippet)| {
        let text = snippet["value"].as_str()?.to_owned();
        let mut parts = Parts::default();
        match snippet["context"].as_str()? {
            "http" => parts.http = text,
            "http.server" => parts.server = text,
            "http.server.location" => parts.location = text,
            _ => return None,
        }
        let place = own.place(&["spec", "snippets", &at.to_string(), "value"]);
        Some((own.id().to_string(), written((parts.leading_to(upstream), place))))
    });
    read.collect()
}

/// The login that the controller's ConfigMap demands for each Ingress (`global-auth-url`): a preflight has none.
pub(crate) fn logins(snapshot: &Snapshot, objects: &ObjectSet, units: &[Unit]) -> Vec<PlacedIssue> {
    const OFF: &str = "enable-global-auth";
    let is_set = |own: &&Object| own.value["data"]["global-auth-url"].as_str().is_some_and(|url| !url.is_empty());
    let Some(own) = COMMUNITY.config_map(objects).filter(is_set) else { return Vec::new() };
    let mut found = Vec::new();
    for (unit, exposures) in exposures_of(snapshot, units, Program::Glance) {
        for ingress in ingresses(objects, &exposures).into_iter().filter(|ingress| ingress.is_of(&COMMUNITY)) {
            let annotation =
                |name: &str| ingress.object.value["metadata"]["annotations"][format!("{PREFIX}{name}")].as_str();
            // The Ingress's own login replaces the common one.
            if annotation(OFF) == Some("false") || annotation("auth-url").is_some() {
                continue;
            }
            let name = format!("{PREFIX}{OFF}");
            let field = FieldPath::of_annotation(&name);
            let issue = ExposureIssue {
                rule: Rule::OptionsFiltered,
                fails: true,
                written: true,
                object: ingress.object.id(),
                field: field.clone(),
                found: format!(
                    "is not set, and global-auth-url of {} requires a login, but a browser's preflight never has one",
                    own.id()
                ),
                fix: "set \"false\", which leaves global-auth-url to other Ingresses: Glance checks the token itself"
                    .to_owned(),
                remedy: Some((name, "false")),
                manifest: None,
                lacks: Vec::new(),
            };
            let place = ingress.object.place_of(&field);
            found.push(PlacedIssue { issue, place, asked: false, scope: unit.scope.clone() });
        }
    }
    found
}

/// An Ingress, and the controller of nginx that serves it.
struct Served<'a> {
    object: &'a Object,
    controller: Option<&'static NginxController>,
}

impl Served<'_> {
    fn is_of(&self, controller: &NginxController) -> bool {
        self.controller.is_some_and(|own| own.class == controller.class)
    }
}

fn ingresses<'a>(objects: &'a ObjectSet, exposures: &Exposures) -> Vec<Served<'a>> {
    let of_one = |exposing: ExposingObject| {
        let id = exposing.object();
        let object = objects.of_id(&id)?;
        let ExposingObject::Ingress(ingress, _) = exposing else { return None };
        let annotated = object.value["metadata"]["annotations"].as_object();
        let has =
            |own: &NginxController| annotated.is_some_and(|all| all.keys().any(|name| name.starts_with(own.prefix)));
        let is_called = |own: &NginxController| ingress.class.as_deref().is_some_and(|class| class.contains(own.class));
        let all: [&'static NginxController; 2] = [&F5, &COMMUNITY];
        let controller = all.into_iter().find(|own| has(own)).or_else(|| all.into_iter().find(|own| is_called(own)));
        Some(Served { object, controller })
    };
    ingress_class::told(objects, &exposures.exposing).into_iter().filter_map(of_one).collect()
}

/// ConfigMaps of headers that the controller or an Ingress of Glance or the dashboard names, and that the input lacks.
pub(crate) fn missing_headers(snapshot: &Snapshot, objects: &ObjectSet, units: &[Unit]) -> Vec<String> {
    let mut unseen = Vec::new();
    let ingresses =
        [Program::Glance, Program::Horizon].into_iter().flat_map(|service| exposures_of(snapshot, units, service));
    for id in ingresses.flat_map(|(_, own)| own.exposing).map(|exposing| exposing.object()) {
        let Some(ingress) = objects.of_id(&id).filter(|own| own.kind() == "Ingress") else { continue };
        let named = [(ingress, &ingress.value["metadata"]["annotations"][format!("{PREFIX}custom-headers")])];
        let own = COMMUNITY.config_map(objects).into_iter();
        let shared = own.flat_map(|own| ["add-headers", "proxy-set-headers"].map(|key| (own, &own.value["data"][key])));
        for (object, name) in named.into_iter().chain(shared) {
            let Some(name) = name.as_str().filter(|name| config_map(objects, name).is_none()) else { continue };
            unseen.push(format!("{}: ConfigMap {name}, whose headers it adds, is not in the input", object.id()));
        }
    }
    unseen.dedup();
    unseen
}

/// `NAMESPACE/NAME`.
fn config_map<'a>(objects: &'a ObjectSet, named: &str) -> Option<&'a Object> {
    let (namespace, name) = named.split_once('/')?;
    objects.named("ConfigMap", namespace, name)
}

/// Text of nginx, and where it comes from.
type Written = Vec<(String, Location)>;

/// The texts of an Ingress's own annotations, and what the controller's ConfigMap adds to each Ingress.
fn texts(objects: &ObjectSet, ingress: &Served<'_>) -> Written {
    let annotations = &ingress.object.value["metadata"]["annotations"];
    let names = SNIPPETS.iter().flat_map(|name| [&COMMUNITY, &F5].map(|own| format!("{}{name}", own.prefix)));
    let snippets = names.filter_map(|name| {
        Some((annotations[&name].as_str()?.to_owned(), ingress.object.place(&["metadata", "annotations", &name])))
    });
    // It is inside quotes there (ingress-nginx, nginx.tmpl).
    let rules = annotations[format!("{PREFIX}modsecurity-snippet")].as_str();
    let rules = rules.filter(|_| annotations[format!("{PREFIX}enable-modsecurity")] != "false").map(|rules| {
        let place = ingress.object.place(&["metadata", "annotations", &format!("{PREFIX}modsecurity-snippet")]);
        (format!("modsecurity_rules '{}';", rules.replace('\'', "\\'")), place)
    });
    let snippets = snippets.chain(rules);
    let own_headers = annotations[format!("{PREFIX}custom-headers")].as_str().into_iter();
    let mut found: Written =
        snippets.chain(own_headers.flat_map(|map| headers(objects, map, "more_set_headers"))).collect();
    let Some((controller, own)) = ingress.controller.and_then(|own| Some((own, own.config_map(objects)?))) else {
        return found;
    };
    let data = |key: &str| own.value["data"][key].as_str();
    let place = |key: &str| own.place_of(&FieldPath::new(&["data"]).then(PathElement::Key(key.to_owned())));
    found.extend(controller.snippets.into_iter().filter_map(|key| Some((data(key)?.to_owned(), place(key)))));
    let hidden = data("hide-headers").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    found.extend(hidden.map(|name| (format!("proxy_hide_header {name};"), place("hide-headers"))));
    for (key, directive) in [("add-headers", "more_set_headers"), ("proxy-set-headers", "proxy_set_header")] {
        found.extend(data(key).into_iter().flat_map(|named| headers(objects, named, directive)));
    }
    found
}

/// The headers of the ConfigMap `NAMESPACE/NAME`, each as a directive.
fn headers(objects: &ObjectSet, named: &str, directive: &str) -> Written {
    let Some(map) = config_map(objects, named) else { return Vec::new() };
    let all = map.value["data"].as_object().into_iter().flatten();
    let of_one = |(header, value): (&String, &serde_json::Value)| {
        let value = value.as_str()?.replace('"', "\\\"");
        let text = match directive {
            "more_set_headers" => format!("{directive} \"{header}: {value}\";"),
            _ => format!("{directive} {header} \"{value}\";"),
        };
        Some((text, map.place_of(&FieldPath::new(&["data"]).then(PathElement::Key(header.clone())))))
    };
    all.filter_map(of_one).collect()
}
