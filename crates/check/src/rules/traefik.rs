//! DU012, DU014, DU015, DU020: Traefik's entry points, routers and middlewares, in its own files.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use direct_upload_api::web::Origin;
use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::exposure_issue::policy::{self, PolicyObject};
use direct_upload_core::derive::exposure_issue::read_timeout::{self, Cut, OPTION};
use direct_upload_core::derive::{Backends, ExposureIssue};
use direct_upload_core::model::{Key, PolicyKind};
use serde_json::{Value, json};

use crate::classify::Kind;
use crate::facts::answering::{ALLOW, Answering, Credentials, NOTHING, REMOVE, STAR};
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::traefik::{self, document, without_limit};
use crate::finding::Finding;
use crate::rules::origin_list::origins_at;
use crate::unit::{ConfigFile, Program, Unit};

/// Entry points that cut browsers' uploads.
pub(crate) fn entry_points(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::Traefik));
    files.flat_map(of_file).collect()
}

/// Routers and middlewares of the file provider have the fields of IngressRoutes and Middlewares (doc.traefik.io, File
/// provider), so the operator's rules for these read them.
pub(crate) fn middlewares(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.units.iter().flat_map(|unit| of_unit(cloud, unit)).map(|told| told.finding).collect()
}

/// A finding about a router or middleware.
struct Told {
    kind: PolicyKind,
    name: String,
    /// The part of its spec.
    part: Option<String>,
    finding: Finding,
}

fn of_unit(cloud: &Cloud<'_>, unit: &Unit) -> Vec<Told> {
    let files = traefik::written(unit);
    let mut objects = Vec::new();
    let mut places = Vec::new();
    for own in &files {
        for (name, router) in traefik::routers(&files, &own.1) {
            let named: Vec<&str> = traefik::middlewares(router).collect();
            let rule = router["rule"].as_str().unwrap_or("PathPrefix(`/`)");
            let listed: Vec<Value> = named.iter().map(|name| json!({"name": name})).collect();
            let routes = json!([{"match": rule, "services": [{"name": GLANCE}], "middlewares": listed}]);
            objects.push(object(PolicyKind::IngressRoute, name, json!({"routes": routes})));
            places.push((PolicyKind::IngressRoute, name.to_owned(), own, ["http", "routers"]));
        }
    }
    if objects.is_empty() {
        return Vec::new();
    }
    let all = files.iter().flat_map(|own| {
        let all = own.1.value["http"]["middlewares"].as_object().into_iter().flatten();
        all.map(move |(name, value)| (own, name, value))
    });
    for (own, name, value) in all {
        // A chain names its middlewares alone.
        let chained = value["chain"]["middlewares"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let chained: Vec<Value> =
            chained.map(|name| json!({"name": name.strip_suffix("@file").unwrap_or(name)})).collect();
        let mut spec = value.clone();
        if !chained.is_empty() {
            spec["chain"] = json!({"middlewares": chained});
        }
        objects.push(object(PolicyKind::Middleware, name, spec));
        places.push((PolicyKind::Middleware, name.clone(), own, ["http", "middlewares"]));
    }
    let backends = Backends { namespace: String::new(), services: vec![GLANCE.to_owned()], ports: BTreeMap::new() };
    let origins = known_origins(cloud, &unit.scope);
    let origins = origins.iter().collect();
    let found = policy::issues(&objects, &backends, &origins).into_iter();
    let told = |issue: ExposureIssue| {
        let is_it = |(kind, name, ..): &&(PolicyKind, String, _, _)| {
            kind.name() == issue.object.kind && *name == issue.object.key.name
        };
        let (kind, name, (file, document), list) = places.iter().find(is_it)?;
        let steps = issue.field.texts();
        let rest: Vec<&str> = match kind {
            // A router is one rule. What depends on entry points is found there.
            PolicyKind::IngressRoute if steps.iter().any(|step| step == "match") => vec!["rule"],
            PolicyKind::IngressRoute => return None,
            _ => steps.iter().skip(1).map(String::as_str).collect(),
        };
        let path: Vec<&str> = list.iter().copied().chain([name.as_str()]).chain(rest).collect();
        let option = path.join(".");
        let line = document.node.line_of(path);
        let severity = issue.severity(cloud.is_direct_in(&unit.scope));
        let found = format!("{option}: {}", issue.found);
        let finding = Finding::new(issue.rule, severity, &file.option(line, &option), found, issue.fix);
        Some(Told { kind: *kind, name: name.clone(), part: steps.get(1).cloned(), finding })
    };
    found.filter_map(told).collect()
}

/// Middlewares of routers to Glance that grant uploads themselves, so that Glance's own `[cors]` is not needed.
pub(crate) fn answering(cloud: &Cloud<'_>) -> Vec<Answering> {
    cloud.units.iter().flat_map(|unit| answering_in(cloud, unit)).collect()
}

fn answering_in(cloud: &Cloud<'_>, unit: &Unit) -> Vec<Answering> {
    const LISTS: [&str; 2] = ["accessControlAllowOriginList", "accessControlAllowOriginListRegex"];
    const CREDENTIALS: &str = "accessControlAllowCredentials";
    let files = traefik::written(unit);
    let named = files
        .iter()
        .flat_map(|own| traefik::routers(&files, &own.1))
        .flat_map(|(_, router)| traefik::middlewares(router));
    let chained = |name| {
        let own = traefik::middleware(&files, name).map(|(_, own)| own);
        let listed = own.and_then(|own| own["chain"]["middlewares"].as_array()).into_iter().flatten();
        [name].into_iter().chain(listed.filter_map(Value::as_str).map(traefik::bare)).collect::<Vec<_>>()
    };
    let all: BTreeSet<&str> = named.flat_map(chained).collect();
    let refused = of_unit(cloud, unit);
    let hosts: Vec<&str> = cloud.dashboards_near(&unit.scope).map(|own| own.host.as_str()).collect();
    let of_one = |name: &str| {
        let ((file, document), own) = traefik::middleware(&files, name)?;
        let headers = &own["headers"];
        let is_written = |list: &str| headers[list].as_array().is_some_and(|list| !list.is_empty());
        let what = format!("http.middlewares.{name}.headers");
        let of_headers = |told: &&Told| {
            told.kind == PolicyKind::Middleware && told.name == name && told.part.as_deref() == Some("headers")
        };
        let is_refusal = |f: &Finding| f.rule == Rule::CorsOnTheWay && f.severity == Severity::Error;
        let is_refused = refused.iter().filter(of_headers).any(|told| is_refusal(&told.finding));
        if !LISTS.into_iter().any(is_written) || is_refused {
            return None;
        }
        let place = |option: &str| {
            let line = document.node.line_of(["http", "middlewares", name, "headers", option]);
            file.option(line, &format!("{what}.{option}"))
        };
        // Where only the dashboards' hosts are known, a list must have one of them.
        let listed = headers[LISTS[0]].as_array().into_iter().flatten().filter_map(Value::as_str);
        let is_other = |text: &str| Origin::parse(text).is_ok_and(|own| !hosts.contains(&own.host()));
        let mut listed = listed.peekable();
        if !hosts.is_empty() && !is_written(LISTS[1]) && listed.peek().is_some() && listed.all(is_other) {
            return None;
        }
        let any = headers[LISTS[0]].as_array().is_some_and(|all| all.iter().any(|own| own == "*"));
        let without_credentials = match () {
            () if any => Some(Credentials { place: place(LISTS[0]), what: STAR, fix: REMOVE }),
            () if headers[CREDENTIALS] != true => {
                Some(Credentials { place: place(CREDENTIALS), what: NOTHING, fix: ALLOW })
            }
            () => None,
        };
        let namespace = unit.scope.first().cloned().unwrap_or_default();
        Some(Answering {
            what: format!("{what} ({})", file.called()),
            namespace,
            without_credentials,
            is_extended: false,
        })
    };
    all.into_iter().filter_map(of_one).collect()
}

/// The dashboards' origins. Where only a host is known, Glance's own list or the dashboard's server may have the rest.
fn known_origins(cloud: &Cloud<'_>, scope: &[String]) -> Vec<Origin> {
    let listed = || cloud.glances.iter().filter_map(|glance| glance.cors_in_effect("allowed_origin"));
    let of_host = |host: &str| {
        let all = listed().flat_map(|setting| setting.items());
        all.filter_map(|item| Origin::parse(&item).ok()).find(|origin| origin.host() == host)
    };
    let edges = cloud.edges(scope, Program::Horizon);
    let of_server = |host: &str| origins_at(host, &edges)?.into_iter().next();
    let of =
        |own: &ExposedDashboard| own.origin.clone().or_else(|| of_host(&own.host)).or_else(|| of_server(&own.host));
    cloud.dashboards_near(scope).filter_map(of).collect()
}

/// What the synthetic routes lead to.
const GLANCE: &str = "glance-api";

fn object(kind: PolicyKind, name: &str, spec: Value) -> PolicyObject<'static> {
    PolicyObject {
        kind,
        key: Key::new("", name),
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
        controllers: Vec::new(),
        spec: Cow::Owned(spec),
    }
}

fn of_file(file: &ConfigFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(document) = document(&file.name, &file.text)
        && let Some(entry_points) = document.value["entryPoints"].as_object()
    {
        for (name, own) in entry_points {
            // The API's own entry point, and those without requests.
            let other = matches!(name.as_str(), "traefik" | "metrics" | "diagnostics");
            let redirects = own["http"]["redirections"].is_object();
            if other || redirects || own["address"].as_str().is_some_and(|address| address.ends_with("/udp")) {
                continue;
            }
            let written = OPTION.iter().fold(own, |value, step| &value[*step]);
            let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
            let text = (!written.is_null()).then_some(text.as_str());
            let Some(Cut { said, .. }) = read_timeout::cut(text, "") else { continue };
            // The file does not show the release.
            let said = if text.is_none() { format!("{said} since v2.11.2") } else { said };
            let line = document.node.line_of(["entryPoints", name.as_str()].into_iter().chain(OPTION));
            let option = read_timeout::option(name);
            let found = format!("{option} {said}: an upload that takes longer is cut");
            let fix = without_limit(&file.name, name);
            findings.push(Finding::warning(Rule::TooSlow, &file.option(line, &option), found, fix));
        }
    }
    findings
}
