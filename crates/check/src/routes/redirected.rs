//! DU020: routes that answer an upload with a redirect. A browser follows no redirect of a preflight, and of the PUT of
//! an image only to a URL that grants it, too (Fetch standard, HTTP-network-or-cache fetch, HTTP-redirect fetch).
//!
//! In: objects and published URLs. Out: findings. Fields by the references of Gateway API (HTTPRequestRedirectFilter),
//! Istio (HTTPRedirect), Contour (HTTPRequestRedirectPolicy), Traefik (RedirectScheme) and the controllers of Ingresses.
//! The operator's own rules read Traefik's RedirectRegex, which needs no published URL.

use std::collections::BTreeMap;

use direct_upload_api::{Rule, Severity};
use serde_json::Value;

use super::paths::takes;
use super::uses;
use crate::facts::catalog::Published;
use crate::finding::Finding;
use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;
use direct_upload_core::model::FieldPath;
use direct_upload_core::openstack::cors_request::UPLOAD_PATH;

const FIX: &str = "remove it; or let the catalog publish the URL to which it leads";

/// What redirects the uploads to a published URL.
pub(crate) fn redirected(
    objects: Objects<'_>,
    published: &[Published],
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut uploads: BTreeMap<&str, Vec<Upload>> = BTreeMap::new();
    for own in published {
        if let Some((scope, upload)) = own.scope.first().zip(Upload::to(own)) {
            uploads.entry(scope).or_default().push(upload);
        }
    }
    let none = Vec::new();
    for object in objects.iter() {
        let urls = uploads.get(object.namespace()).unwrap_or(&none);
        let severity = if is_wanted(object.namespace()) { Severity::Error } else { Severity::Warning };
        for (path, target) in of_object(objects, object, urls) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let found = format!("redirects uploads to {target}, and browsers follow no redirect of a preflight");
            let place = match path.as_slice() {
                ["metadata", "annotations", name] => object.place_of(&FieldPath::of_annotation(name)),
                _ => object.place(&path),
            };
            findings.push(Finding::new(Rule::OptionsFiltered, severity, &place, found, FIX));
        }
    }
    findings
}

/// The URL of an upload.
struct Upload {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Upload {
    fn to(published: &Published) -> Option<Self> {
        let url = url::Url::parse(&published.url).ok()?;
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port(),
            path: format!("{}{UPLOAD_PATH}", published.prefix()?),
        })
    }

    fn port(&self) -> u64 {
        self.port.map_or(if self.scheme == "https" { 443 } else { 80 }, u64::from)
    }

    /// Whether a route with these hosts may take it.
    fn is_of(&self, hosts: &Value) -> bool {
        let is = |name: &str| {
            name == "*" || name == self.host || name.strip_prefix('*').is_some_and(|rest| self.host.ends_with(rest))
        };
        match hosts {
            Value::Array(all) if !all.is_empty() => all.iter().filter_map(Value::as_str).any(is),
            Value::String(own) => is(own),
            _ => true,
        }
    }
}

type Redirect = (Vec<String>, String);

fn of_object(objects: Objects<'_>, object: &Object, urls: &[Upload]) -> Vec<Redirect> {
    let spec = &object.value["spec"];
    match object.kind() {
        "VirtualService" => urls
            .iter()
            .filter(|url| url.is_of(&spec["hosts"]))
            .filter_map(|url| of_istio(objects, object, url))
            .take(1)
            .collect(),
        "HTTPProxy" => urls
            .iter()
            .filter(|url| url.is_of(&spec["virtualhost"]["fqdn"]))
            .filter_map(|url| of_contour(spec, url))
            .take(1)
            .collect(),
        "Middleware" if is_used(objects, object) => {
            urls.iter().filter_map(|url| of_traefik(spec, url)).take(1).collect()
        }
        "Ingress" if objects.leads_to_glance(object) => of_ingress(object, urls),
        _ => Vec::new(),
    }
}

/// Whether a route to Glance names a Middleware, or one that chains it.
fn is_used(objects: Objects<'_>, middleware: &Object) -> bool {
    let chains = |other: &&Object| {
        other.kind() == "Middleware"
            && !std::ptr::eq(*other, middleware)
            && other.namespace() == middleware.namespace()
            && other.value["spec"]["chain"]["middlewares"]
                .as_array()
                .is_some_and(|all| all.iter().any(|own| own["name"] == middleware.name()))
    };
    let named = |own: &Object| objects.routes().any(|route| kinds::may_be_traefiks(route) && uses(route, own));
    named(middleware) || objects.iter().filter(chains).any(named)
}

/// The first rule that certainly takes the upload's path; one that may take it before leaves it open.
fn of_istio(objects: Objects<'_>, object: &Object, url: &Upload) -> Option<Redirect> {
    let spec = &object.value["spec"];
    for (at, rule) in spec["http"].as_array()?.iter().enumerate() {
        let conditions = rule["match"].as_array().into_iter().flatten();
        let asks_more = conditions
            .clone()
            .any(|own| own.as_object().is_some_and(|own| own.keys().any(|key| key != "uri" && key != "name")));
        match takes("VirtualService", rule, &url.path) {
            Some(false) => {}
            Some(true) if !asks_more => {
                let own = &rule["redirect"];
                // Another rule says that Glance's own does not get the preflight.
                let others = spec["http"].as_array()?.iter().any(|other| objects.names_glance(object, &other["route"]));
                if !own.is_object() || others {
                    return None;
                }
                let scheme = own["scheme"].as_str().unwrap_or(&url.scheme);
                let host = own["authority"].as_str().unwrap_or(&url.host);
                let port = own["port"].as_u64().map(|port| format!(":{port}")).unwrap_or_default();
                let path = own["uri"].as_str().unwrap_or(&url.path);
                return Some((
                    steps(&["spec", "http", &at.to_string(), "redirect"]),
                    format!("{scheme}://{host}{port}{path}"),
                ));
            }
            _ => return None,
        }
    }
    None
}

/// The rule with the longest prefix.
fn of_contour(spec: &Value, url: &Upload) -> Option<Redirect> {
    let rules = spec["routes"].as_array()?.iter().enumerate();
    let taking: Option<Vec<_>> =
        rules.map(|(at, rule)| Some((at, rule, takes("HTTPProxy", rule, &url.path)?))).collect();
    let length = |rule: &Value| {
        let conditions = rule["conditions"].as_array().into_iter().flatten();
        conditions.filter_map(|own| own["prefix"].as_str()).map(str::len).max().unwrap_or_default()
    };
    let is_plain =
        |rule: &Value| rule["conditions"].as_array().is_none_or(|all| all.iter().all(|own| own["prefix"].is_string()));
    let (at, rule, _) = taking?.into_iter().filter(|(.., takes)| *takes).max_by_key(|(_, rule, _)| length(rule))?;
    let own = &rule["requestRedirectPolicy"];
    if !own.is_object() || !is_plain(rule) {
        return None;
    }
    let scheme = own["scheme"].as_str().unwrap_or(&url.scheme);
    let host = own["hostname"].as_str().unwrap_or(&url.host);
    let port = own["port"].as_u64().map(|port| format!(":{port}")).unwrap_or_default();
    let path = own["path"].as_str().or_else(|| own["prefix"].as_str()).unwrap_or(&url.path);
    Some((
        steps(&["spec", "routes", &at.to_string(), "requestRedirectPolicy"]),
        format!("{scheme}://{host}{port}{path}"),
    ))
}

/// `redirectScheme` to another port or scheme than the published URL has.
fn of_traefik(spec: &Value, url: &Upload) -> Option<Redirect> {
    let own = &spec["redirectScheme"];
    let scheme = own["scheme"].as_str()?;
    let port = own["port"].as_u64().or_else(|| own["port"].as_str()?.parse().ok());
    let port = port.or_else(|| match scheme {
        _ if scheme == url.scheme => None,
        "https" => Some(443),
        _ => Some(80),
    });
    let differs = scheme != url.scheme || port.is_some_and(|port| port != url.port());
    let shown = port.map(|port| format!(":{port}")).unwrap_or_default();
    differs.then(|| (steps(&["spec", "redirectScheme"]), format!("{scheme}://{}{shown}{}", url.host, url.path)))
}

/// Annotations that redirect each request, and those that lead from http to https.
fn of_ingress(object: &Object, urls: &[Upload]) -> Vec<Redirect> {
    const ALL: [&str; 3] = [
        "nginx.ingress.kubernetes.io/permanent-redirect",
        "nginx.ingress.kubernetes.io/temporal-redirect",
        "haproxy.org/request-redirect",
    ];
    const TO_HTTPS: [&str; 7] = [
        "nginx.ingress.kubernetes.io/force-ssl-redirect",
        "nginx.ingress.kubernetes.io/ssl-redirect",
        "haproxy-ingress.github.io/ssl-redirect",
        "haproxy.org/ssl-redirect",
        "ingress.kubernetes.io/force-ssl-redirect",
        "alb.ingress.kubernetes.io/ssl-redirect",
        "nginx.org/redirect-to-https",
    ];
    let spec = &object.value["spec"];
    let annotations = &object.value["metadata"]["annotations"];
    let written = |name: &str| annotations[name].as_str().map(str::trim).filter(|value| !value.is_empty());
    let at = |name: &str| steps(&["metadata", "annotations", name]);
    let hosts: Vec<&Value> = spec["rules"].as_array().into_iter().flatten().map(|rule| &rule["host"]).collect();
    let is_its = |url: &&Upload| hosts.iter().any(|host| url.is_of(host));
    if let Some((name, target)) = ALL.iter().find_map(|name| Some((*name, written(name)?))) {
        return vec![(at(name), target.to_owned())];
    }
    let Some(plain) = urls.iter().filter(is_its).find(|url| url.scheme == "http") else { return Vec::new() };
    let is_on = |name: &&str| written(name).is_some_and(|value| !matches!(value, "false" | "off"));
    // ingress-nginx: only a host with TLS, unless it is forced.
    let has_tls = spec["tls"].as_array().is_some_and(|tls| !tls.is_empty());
    let forced = TO_HTTPS
        .iter()
        .copied()
        .find(is_on)
        .filter(|name| has_tls || !name.ends_with("io/ssl-redirect") || name.starts_with("alb"));
    forced.map(|name| (at(name), format!("https://{}{}", plain.host, plain.path))).into_iter().collect()
}

fn steps(steps: &[&str]) -> Vec<String> {
    steps.iter().map(|step| (*step).to_owned()).collect()
}
