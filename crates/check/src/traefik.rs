//! DU015: Traefik's entry points that uploads pass, if routes of the Gateway API use them, or if Traefik's static
//! file has them.
//!
//! In: objects. Out: findings, and which part of Traefik's configuration the input does not show. Traefik takes its static
//! configuration from a file (`--configFile`, else /etc/traefik/traefik.yml, .yaml or .toml) or from arguments, not from both
//! (doc.traefik.io, Boot Environment). Of a Gateway's listeners
//! Traefik serves those whose port is an entry point's (doc.traefik.io, Kubernetes Gateway API provider).

use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::exposure_issue::ingress::TRAEFIK;
use direct_upload_core::derive::exposure_issue::read_timeout::{self, Cut, OPTION};
use direct_upload_core::manifests::Lines;
use direct_upload_core::model::{FieldPath, PathElement};
use serde_json::Value;

use crate::classify::Kind;
use crate::facts::cloud::PlacedIssue;
use crate::facts::traefik::{document, without_limit};
use crate::finding::{Field, Finding, Location};
use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;
use crate::objects::object_set::ObjectSet;
use crate::unit::Unit;

/// One entry point.
struct EntryPoint {
    name: String,
    port: Option<u64>,
    read_timeout: Option<String>,
    place: Location,
    /// How the fix is written.
    fix: String,
}

/// What a Traefik's static configuration says.
enum Static {
    EntryPoints(Vec<EntryPoint>),
    /// It is in a file that the input lacks, or in a format that is not read.
    Unseen(String),
}

/// What cuts uploads at Traefik. `is_wanted`: whether direct uploads are.
pub(crate) fn entry_points(objects: Objects<'_>, is_wanted: impl Fn(&str) -> bool) -> (Vec<Finding>, Vec<String>) {
    let mut findings = Vec::new();
    let mut unseen = Vec::new();
    for route in objects.routes().filter(|route| kinds::may_be_traefiks(route)) {
        let Some(ports) = ports(&objects, route) else { continue };
        let names = names(route);
        for (traefik, container) in objects.iter().filter_map(|o| Some((o, container(o)?))) {
            match read(&objects, traefik, container) {
                Static::Unseen(what) => unseen.push(what),
                Static::EntryPoints(all) => {
                    let image = traefik.value["spec"]["template"]["spec"]["containers"][container]["image"].as_str();
                    let wanted = is_wanted(route.namespace());
                    findings.extend(
                        chosen(&all, &ports, &names).filter_map(|own| cut(own, image.unwrap_or_default(), wanted)),
                    );
                }
            }
        }
    }
    findings.dedup();
    unseen.dedup();
    (findings, unseen)
}

/// The ports on which Traefik serves a route; empty: not known. None: Traefik does not serve it.
fn ports(objects: &[Object], route: &Object) -> Option<Vec<u64>> {
    if route.kind() != "HTTPRoute" {
        let annotated = &route.value["metadata"]["annotations"]["kubernetes.io/ingress.class"];
        let class = route.value["spec"]["ingressClassName"].as_str().or_else(|| annotated.as_str());
        let is_its = route.kind() == "IngressRoute" || class.is_some_and(|class| class.contains("traefik"));
        return is_its.then(Vec::new);
    }
    let parents = route.value["spec"]["parentRefs"].as_array()?;
    let gateway = |parent: &Value| {
        let namespace = parent["namespace"].as_str().unwrap_or(route.namespace()).to_owned();
        objects
            .iter()
            .find(|o| o.kind() == "Gateway" && o.namespace() == namespace && Some(o.name()) == parent["name"].as_str())
    };
    let (parent, gateway) = parents.iter().find_map(|p| Some((p, gateway(p).filter(|g| is_traefiks(objects, g))?)))?;
    let section = parent["sectionName"].as_str();
    let listeners = gateway.value["spec"]["listeners"].as_array().into_iter().flatten();
    let named = listeners.filter(|l| section.is_none() || l["name"].as_str() == section);
    Some(named.filter_map(|listener| listener["port"].as_u64()).collect())
}

/// The entry points that a route names.
fn names(route: &Object) -> Vec<String> {
    let listed = route.value["spec"]["entryPoints"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let annotated = route.value["metadata"]["annotations"][format!("{TRAEFIK}/router.entrypoints")].as_str();
    let annotated = annotated.into_iter().flat_map(|text| text.split(','));
    listed.chain(annotated).map(|name| name.trim().to_lowercase()).collect()
}

/// By the controller of its class, or by the class's name.
fn is_traefiks(objects: &[Object], gateway: &Object) -> bool {
    let class = gateway.value["spec"]["gatewayClassName"].as_str().unwrap_or_default();
    let own = objects.iter().find(|o| o.kind() == "GatewayClass" && o.name() == class);
    let controller = own.and_then(|own| own.value["spec"]["controllerName"].as_str());
    controller.map_or_else(|| class.contains("traefik"), |name| name.starts_with("traefik.io/"))
}

/// The position of Traefik's container.
fn container(object: &Object) -> Option<usize> {
    read_timeout::container(object.policy_kind(), &object.value["spec"])
}

fn is_in_file(container: &Value) -> bool {
    let own = read_timeout::arguments(container);
    own.iter().any(|(name, _)| name == "configfile") || !own.iter().any(|(name, _)| name.starts_with("entrypoints."))
}

fn read(objects: &[Object], traefik: &Object, at: usize) -> Static {
    let pod = &traefik.value["spec"]["template"]["spec"];
    let container = &pod["containers"][at];
    if !is_in_file(container) {
        return Static::EntryPoints(of_arguments(traefik, at, &read_timeout::arguments(container)));
    }
    let own = read_timeout::arguments(container);
    let written = own.iter().find(|(name, _)| name == "configfile").map(|(_, path)| *path);
    let defaults = ["/etc/traefik/traefik.yml", "/etc/traefik/traefik.yaml", "/etc/traefik/traefik.toml"];
    let paths = written.map_or_else(|| defaults.to_vec(), |path| vec![path]);
    let of = |path: &str| mounted(objects, traefik.namespace(), pod, container, path);
    let unseen =
        |path: &str, why: &str| Static::Unseen(format!("{}: {path}, Traefik's static file, {why}", traefik.id()));
    match paths.iter().find_map(|path| Some((*path, of(path)?))) {
        None => unseen(paths[0], "is not in the input"),
        Some((path, file)) => of_file(path, &file).map_or_else(|| unseen(path, "is not readable"), Static::EntryPoints),
    }
}

fn of_arguments(traefik: &Object, at: usize, arguments: &[(String, &str)]) -> Vec<EntryPoint> {
    let number = at.to_string();
    let place = traefik.place(&["spec", "template", "spec", "containers", &number, "args"]);
    let entry_point = |own: read_timeout::StatedEntryPoint<'_>| EntryPoint {
        port: port(own.address),
        read_timeout: own.read_timeout.map(str::to_owned),
        place: place.clone(),
        fix: format!("set the argument --{}=0", read_timeout::option(&own.name)),
        name: own.name,
    };
    read_timeout::entry_points(arguments).into_iter().map(entry_point).collect()
}

/// A file of a ConfigMap.
struct Mounted<'a> {
    text: &'a str,
    place: Location,
    lines: Lines,
}

/// The static file, of the ConfigMap that is mounted at its path.
fn mounted<'a>(
    objects: &'a [Object],
    namespace: &str,
    pod: &Value,
    container: &Value,
    path: &str,
) -> Option<Mounted<'a>> {
    let mounts = container["volumeMounts"].as_array()?.iter();
    let (mount, key) = mounts.filter_map(|mount| Some((mount, key_at(mount, path)?))).next_back()?;
    let volume = pod["volumes"].as_array()?.iter().find(|volume| volume["name"] == mount["name"])?;
    let name = volume["configMap"]["name"].as_str()?;
    let renamed = volume["configMap"]["items"]
        .as_array()
        .and_then(|items| items.iter().find(|item| item["path"] == key.as_str()).and_then(|item| item["key"].as_str()));
    let key = renamed.map_or(key, str::to_owned);
    let map = objects.iter().find(|o| o.kind() == "ConfigMap" && o.name() == name && o.namespace() == namespace)?;
    let text = map.value["data"][&key].as_str()?;
    let place = map.place_of(&FieldPath::new(&["data"]).then(PathElement::File(key.clone())));
    let node = map.node.as_ref().and_then(|node| node.at(["data", key.as_str()]));
    let lines = node.map_or(Lines::Nowhere, |node| node.lines.clone());
    Some(Mounted { text, place, lines })
}

/// Its entry points; none if nothing here can read it.
fn of_file(path: &str, file: &Mounted<'_>) -> Option<Vec<EntryPoint>> {
    let document = document(path, file.text)?;
    let of = |(name, own): (&String, &Value)| {
        let option = read_timeout::option(name);
        let written = OPTION.iter().fold(own, |value, step| &value[*step]);
        let read_timeout =
            (!written.is_null()).then(|| written.as_str().map_or_else(|| written.to_string(), str::to_owned));
        let line = document.node.line_of(["entryPoints", name.as_str()]);
        let field = Field { option: Some((&option).into()), ..file.place.field.clone().unwrap_or_default() };
        EntryPoint {
            name: name.clone(),
            port: own["address"].as_str().and_then(port),
            read_timeout,
            place: Location { line: file.lines.line(line), field: Some(field), ..file.place.clone() },
            fix: without_limit(path, name),
        }
    };
    Some(document.value["entryPoints"].as_object()?.iter().map(of).collect())
}

/// The key under which a mount brings a path.
fn key_at(mount: &Value, path: &str) -> Option<String> {
    let at = mount["mountPath"].as_str()?.trim_end_matches('/');
    match mount["subPath"].as_str() {
        Some(key) if at == path => Some(key.to_owned()),
        Some(_) => None,
        None => path.strip_prefix(at)?.strip_prefix('/').map(str::to_owned),
    }
}

/// `:8443/tcp` → 8443.
fn port(address: &str) -> Option<u64> {
    let (_, rest) = address.rsplit_once(':')?;
    rest.split('/').next()?.parse().ok()
}

/// Those that serve the listeners, or that the route names; where that is not known, all that may carry uploads.
fn chosen<'a>(all: &'a [EntryPoint], ports: &'a [u64], names: &'a [String]) -> impl Iterator<Item = &'a EntryPoint> {
    let serves = |own: &EntryPoint| {
        names.contains(&own.name.to_lowercase()) || own.port.is_some_and(|port| ports.contains(&port))
    };
    let known = !names.is_empty() || all.iter().any(serves);
    all.iter().filter(move |own| if known { serves(own) } else { read_timeout::is_usual(&own.name) })
}

/// Leaves to `entry_points` what the operator's own rules find for Traefik: without its configuration they only warn
/// of its default. Returns whose configuration the input lacks.
pub(crate) fn apply(objects: &ObjectSet, units: &[Unit], issues: &mut Vec<PlacedIssue>) -> Vec<String> {
    let is_seen = objects.iter().any(|o| container(o).is_some()) || units.iter().any(|unit| unit.has(Kind::Traefik));
    let mut lacking = Vec::new();
    issues.retain_mut(|placed| {
        let Some(object) = objects.of_id(&placed.issue.object) else { return true };
        let field = &placed.issue.field;
        let is_spec = *field == FieldPath::new(&["spec"]);
        let is_about_it = placed.issue.rule == Rule::TooSlow
            && match object.kind() {
                "IngressRoute" => is_spec,
                "Ingress" => field.annotation().is_some_and(|own| own == format!("{TRAEFIK}/router.entrypoints")),
                "HTTPRoute" => is_spec && ports(objects, object).is_some(),
                _ => container(object).is_some(),
            };
        if !is_about_it {
            return true;
        }
        if !is_seen {
            lacking.push(format!(
                "{}: Traefik's static configuration, with the readTimeout of its entry points",
                placed.issue.object
            ));
        }
        !is_seen
    });
    lacking.sort();
    lacking.dedup();
    lacking
}

fn cut(own: &EntryPoint, image: &str, is_wanted: bool) -> Option<Finding> {
    let Cut { fails, said } = read_timeout::cut(own.read_timeout.as_deref(), image)?;
    let found = format!("readTimeout of Traefik's entry point {} {said}: an upload that takes longer is cut", own.name);
    let severity = if fails && is_wanted { Severity::Error } else { Severity::Warning };
    Some(Finding::new(Rule::TooSlow, severity, &own.place, found, own.fix.clone()))
}
