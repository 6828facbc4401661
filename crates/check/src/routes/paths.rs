//! DU020: whether routes take the path of an upload to the URL that is published.
//!
//! In: objects and published URLs. Out: findings, and URLs whose host no route has.

use direct_upload_api::web::PublicUrl;
use direct_upload_api::{Rule, Severity};
use direct_upload_core::derive::exposure_issue::policy::any;
use direct_upload_core::model::FieldPath;
use direct_upload_core::openstack::cors_request::UPLOAD_PATH;
use regex::Regex;
use serde_json::Value;

use super::groups::with_groups;
use super::middlewares;
use crate::facts::catalog::{Published, UrlSource};
use crate::facts::traefik_rule;
use crate::finding::{Finding, Location};
use crate::glances::Objects;
use crate::kinds;
use crate::objects::Object;

/// A condition of a rule on the path of a request.
struct PathRule<'a> {
    object: &'a Object,
    steps: Vec<String>,
    /// Empty: any host.
    hosts: Vec<String>,
    /// Whether it takes the upload's path, if that is known.
    takes: Option<bool>,
    /// The path that it makes of the upload's, changed or not, if that is known.
    made: Option<String>,
}

/// DU020: a published URL to which routes lead, but not the path of an upload; and URLs whose host no route has.
/// `is_mounted`: whether something in Glance's pods serves a path.
#[expect(clippy::too_many_lines, reason = "one finding after the other, of the same values")]
pub(crate) fn paths(
    objects: Objects<'_>,
    published: &[Published],
    is_wanted: impl Fn(&str) -> bool,
    is_mounted: impl Fn(&str) -> bool,
) -> (Vec<Finding>, Vec<String>) {
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    for own in published.iter().filter(|own| own.source != UrlSource::Exposed) {
        let (Ok(url), [namespace]) = (PublicUrl::parse(&own.url), own.scope.as_slice()) else { continue };
        let prefix = own.prefix().unwrap_or_default();
        let path = format!("{prefix}{UPLOAD_PATH}");
        let near = objects.in_namespace(namespace);
        let rules: Vec<PathRule<'_>> = near.clone().flat_map(|object| path_rules(objects, object, &path)).collect();
        // Kinds whose hosts are not compared here.
        let elsewhere = near.clone().any(|object| {
            (kinds::is_below_http(object) && objects.leads_to_glance(object))
                || (objects.is_glances_service(object)
                    && matches!(object.value["spec"]["type"].as_str(), Some("LoadBalancer" | "NodePort")))
        });
        if rules.is_empty() || elsewhere {
            continue;
        }
        let host = url.origin().host();
        let serves = |own: &&PathRule<'_>| {
            own.hosts.is_empty()
                || own.hosts.iter().any(|name| {
                    name == host || name == "*" || name.strip_prefix('*').is_some_and(|rest| host.ends_with(rest))
                })
        };
        let serving: Vec<&PathRule<'_>> = rules.iter().filter(serves).collect();
        let Some(first) = serving.first() else {
            unseen.push(format!("{} ({}): no route to Glance in the input has the host {host}", own.url, own.place));
            continue;
        };
        let port = url::Url::parse(&own.url).ok().and_then(|url| url.port());
        if let Some(port) = port.filter(|_| serving.iter().all(|rule| rule.object.kind() == "Ingress")) {
            unseen.push(format!(
                "{} ({}): {} serves the ports of its controller, and what listens on port {port} is not in the input",
                own.url,
                own.place,
                first.object.id()
            ));
        }
        let taking = serving.iter().filter(|rule| rule.takes != Some(false));
        let is_lost = |made: &String| {
            let rest = made.strip_suffix(UPLOAD_PATH);
            rest.is_none_or(|prefix| !prefix.is_empty() && !is_mounted(prefix))
        };
        let lost = |rule: &&&PathRule<'_>| rule.made.as_ref().is_some_and(is_lost);
        if let Some(rule) = taking.clone().find(lost).filter(|_| taking.clone().all(|rule| lost(&rule))) {
            let severity = if is_wanted(namespace) { Severity::Error } else { Severity::Warning };
            let made = rule.made.as_deref().unwrap_or_default();
            let does = if made == path { "passes" } else { "rewrites" };
            let to = if made == path { "on as it is".to_owned() } else { format!("to {made}") };
            let what = format!(
                "it {does} {path}, which is where {} leads uploads, {to}: Glance stores no image there",
                own.url
            );
            let fix = match (prefix.as_str(), rule.object.kind()) {
                ("", _) => "remove it: Glance's paths start at the root".to_owned(),
                (_, "Ingress") => {
                    format!("write the path {prefix}(/|$)(.*) with pathType ImplementationSpecific, and the target /$2")
                }
                (_, "HTTPRoute") => format!(
                    "match PathPrefix {prefix}, and write urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: /}}}}"
                ),
                _ => format!("replace {prefix}/ by /"),
            };
            found.push(Finding::new(Rule::OptionsFiltered, severity, &rewriting(rule), what, fix));
        }
        if serving.iter().all(|rule| rule.takes == Some(false)) {
            let severity = if is_wanted(namespace) { Severity::Error } else { Severity::Warning };
            let steps: Vec<&str> = first.steps.iter().map(String::as_str).collect();
            let what =
                format!("no route to Glance takes {path}, which is where {} ({}) leads uploads", own.url, own.place);
            let fix = format!("let the route take each path below {prefix}/");
            found.push(Finding::new(Rule::OptionsFiltered, severity, &first.object.place(&steps), what, fix));
        }
    }
    (found, unseen)
}

/// The hosts of a route's rules that lead to Glance; none for any.
pub(super) fn hosts(objects: Objects<'_>, route: &Object) -> Vec<String> {
    let rules = path_rules(objects, route, UPLOAD_PATH);
    if rules.iter().any(|rule| rule.hosts.is_empty()) {
        return Vec::new();
    }
    rules.into_iter().flat_map(|rule| rule.hosts).collect()
}

/// Where a rule rewrites paths.
fn rewriting(rule: &PathRule<'_>) -> Location {
    let object = rule.object;
    let annotations = ["nginx.ingress.kubernetes.io/rewrite-target", "haproxy.router.openshift.io/rewrite-target"];
    let named = annotations.into_iter().find(|name| object.value["metadata"]["annotations"][*name].is_string());
    match named {
        Some(name) => object.place_of(&FieldPath::of_annotation(name)),
        None => object.place(&rule.steps.iter().map(String::as_str).take(3).collect::<Vec<_>>()),
    }
}

/// A path with one prefix in place of another (Gateway API, ReplacePrefixMatch; Istio, HTTPRewrite).
fn with_prefix(path: &str, old: &str, new: &str) -> Option<String> {
    let rest = path.strip_prefix(old.trim_end_matches('/'))?.trim_start_matches('/');
    Some(format!("{}/{rest}", new.trim_end_matches('/')))
}

/// The path that a rule makes of another one, changed or not; none if that is not known.
fn rewritten(kind: &str, rule: &Value, path: &str) -> Option<String> {
    let prefixes = |list: &str, field: &str| -> Vec<String> {
        let all = rule[list].as_array().into_iter().flatten().map(|own| own[field].clone());
        let texts = all.filter_map(|own| own["value"].as_str().or_else(|| own["prefix"].as_str()).map(str::to_owned));
        texts.filter(|prefix| path.starts_with(prefix.trim_end_matches('/'))).collect()
    };
    let unchanged = || Some(path.to_owned());
    match kind {
        "HTTPRoute" => {
            let filters = || rule["filters"].as_array().into_iter().flatten();
            // A filter of another kind may rewrite, too.
            if filters().any(|own| own["extensionRef"].is_object()) {
                return None;
            }
            let Some(own) = filters().find_map(|own| own["urlRewrite"]["path"].as_object()) else { return unchanged() };
            if let Some(whole) = own.get("replaceFullPath").and_then(Value::as_str) {
                return Some(whole.to_owned());
            }
            let new = own.get("replacePrefixMatch").and_then(Value::as_str)?;
            let old = prefixes("matches", "path").into_iter().max_by_key(String::len).unwrap_or_else(|| "/".to_owned());
            with_prefix(path, &old, new)
        }
        "VirtualService" => {
            let rewrite = &rule["rewrite"];
            let Some(new) = rewrite["uri"].as_str() else {
                let is_plain = rewrite["uriRegexRewrite"].is_null() && rule["delegate"].is_null();
                return unchanged().filter(|_| is_plain);
            };
            let old = prefixes("match", "uri").into_iter().max_by_key(String::len)?;
            // Istio replaces the text of the prefix, slashes and all.
            path.strip_prefix(old.as_str()).map(|rest| format!("{new}{rest}"))
        }
        // Contour: the prefix of the rule's condition, unless the entry is for another one (ReplacePrefix).
        "HTTPProxy" => {
            let condition = prefix_of(rule).unwrap_or("/");
            let mut entries = rule["pathRewritePolicy"]["replacePrefix"].as_array().into_iter().flatten();
            let is_its = |own: &&Value| own["prefix"].as_str().is_none_or(|prefix| prefix == condition);
            match entries.find(is_its) {
                None => unchanged(),
                Some(own) => with_prefix(path, condition, own["replacement"].as_str()?),
            }
        }
        _ => None,
    }
}

/// The prefix that a rule of an HTTPProxy asks for.
fn prefix_of(rule: &Value) -> Option<&str> {
    rule["conditions"].as_array()?.iter().find_map(|own| own["prefix"].as_str())
}

/// Whether no annotation of an Ingress may change paths.
fn keeps_paths(ingress: &Object) -> bool {
    const WORDS: [&str; 5] = ["rewrite", "middlewares", "strip", "snippet", "app-root"];
    let annotations = ingress.value["metadata"]["annotations"].as_object();
    !annotations.into_iter().flatten().any(|(name, _)| WORDS.iter().any(|word| name.contains(word)))
}

/// `rewrite-target` of ingress-nginx: `rewrite "(?i)PATH" TARGET break`
/// (ingress-nginx, `buildProxyPass`).
fn by_target(path: &str, written: &str, target: &str) -> Option<String> {
    let pattern = Regex::new(&format!("(?i){written}")).ok()?;
    let found = pattern.captures(path)?;
    with_groups(&found, target)
}

/// The rules of a route that lead to Glance.
#[expect(clippy::too_many_lines, reason = "a table, with one arm for each kind of route")]
fn path_rules<'a>(objects: Objects<'_>, object: &'a Object, path: &str) -> Vec<PathRule<'a>> {
    let spec = &object.value["spec"];
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let list = |value: &'a Value| {
        value.as_array().into_iter().flatten().enumerate().filter(|(_, rule)| objects.names_glance(object, rule))
    };
    let mut rules = Vec::new();
    match object.kind() {
        "Ingress" => return ingress_rules(objects, object, path),
        "Route" if objects.names_glance(object, &spec["to"]) => {
            let host = spec["host"].as_str().unwrap_or_default();
            let of_subdomain = spec["wildcardPolicy"] == "Subdomain";
            let host = host
                .split_once('.')
                .filter(|_| of_subdomain)
                .map_or_else(|| host.to_owned(), |(_, rest)| format!("*.{rest}"));
            let prefix = spec["path"].as_str().unwrap_or("/");
            let target = object.value["metadata"]["annotations"]["haproxy.router.openshift.io/rewrite-target"].as_str();
            rules.push(PathRule {
                object,
                steps: vec!["spec".to_owned(), "path".to_owned()],
                hosts: Some(host).filter(|host| !host.is_empty()).into_iter().collect(),
                takes: Some(is_below(path, prefix)),
                made: target.map_or_else(|| Some(path.to_owned()), |target| with_prefix(path, prefix, target)),
            });
        }
        "HTTPRoute" => {
            for (at, rule) in list(&spec["rules"]) {
                let steps = ["spec", "rules", &at.to_string(), "matches"].map(str::to_owned).to_vec();
                let takes = takes(object.kind(), rule, path);
                let made = rewritten(object.kind(), rule, path);
                rules.push(PathRule { object, steps, hosts: texts(&spec["hostnames"]), takes, made });
            }
        }
        "VirtualService" => {
            for (at, rule) in list(&spec["http"]) {
                let steps = ["spec", "http", &at.to_string(), "match"].map(str::to_owned).to_vec();
                let takes = takes(object.kind(), rule, path);
                let made = rewritten(object.kind(), rule, path);
                rules.push(PathRule { object, steps, hosts: texts(&spec["hosts"]), takes, made });
            }
        }
        "IngressRoute" => {
            for (at, rule) in list(&spec["routes"]) {
                let matchers = rule["match"].as_str().and_then(traefik_rule::matchers);
                let takes = matchers.as_ref().and_then(|all| traefik_rule::takes(all, path));
                let hosts = matchers.map(|all| traefik_rule::hosts(&all)).unwrap_or_default();
                let steps = ["spec", "routes", &at.to_string(), "match"].map(str::to_owned).to_vec();
                let made = middlewares::behind(objects, object, &rule["middlewares"], path);
                rules.push(PathRule { object, steps, hosts, takes, made });
            }
        }
        "HTTPProxy" if !spec["includes"].is_array() => {
            let hosts: Vec<String> = spec["virtualhost"]["fqdn"].as_str().map(str::to_owned).into_iter().collect();
            for (at, rule) in list(&spec["routes"]) {
                let takes = takes(object.kind(), rule, path);
                let steps = ["spec", "routes", &at.to_string(), "conditions"].map(str::to_owned).to_vec();
                let made = rewritten(object.kind(), rule, path);
                rules.push(PathRule { object, steps, hosts: hosts.clone(), takes, made });
            }
        }
        _ => {}
    }
    rules
}

/// The same of an Ingress.
fn ingress_rules<'a>(objects: Objects<'_>, object: &'a Object, path: &str) -> Vec<PathRule<'a>> {
    let list = |value: &'a Value| {
        value.as_array().into_iter().flatten().enumerate().filter(|(_, rule)| objects.names_glance(object, rule))
    };
    let mut rules = Vec::new();
    let annotation =
        |name: &str| object.value["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")].as_str();
    let target = annotation("rewrite-target").filter(|target| !target.is_empty());
    // With a target, each path of the host is a pattern.
    let regex = annotation("use-regex") == Some("true") || target.is_some();
    for (at, rule) in list(&object.value["spec"]["rules"]) {
        let hosts: Vec<String> = rule["host"].as_str().map(str::to_owned).into_iter().collect();
        for (number, own) in list(&rule["http"]["paths"]) {
            let text = own["path"].as_str().unwrap_or("/");
            let takes = match own["pathType"].as_str() {
                Some("Exact") if !regex => Some(text == path),
                _ if regex => Regex::new(&format!("(?i)^{text}")).ok().map(|pattern| pattern.is_match(path)),
                _ if text.contains(['(', '*', '^', '$', '?', '[']) => None,
                _ => Some(is_below(path, text)),
            };
            let steps = ["spec", "rules", &at.to_string(), "http", "paths", &number.to_string(), "path"];
            let steps = steps.map(str::to_owned).to_vec();
            let made = match target {
                Some(target) if target != text => by_target(path, text, target),
                // ingress-nginx: a target that is the path itself changes nothing (`buildProxyPass`).
                Some(_) => Some(path.to_owned()),
                None => Some(path.to_owned()).filter(|_| keeps_paths(object)),
            };
            rules.push(PathRule { object, steps, hosts: hosts.clone(), takes, made });
        }
    }
    rules
}

/// Whether a rule of an HTTPRoute, VirtualService or HTTPProxy takes a path, whatever else it asks for.
pub(super) fn takes(kind: &str, rule: &Value, path: &str) -> Option<bool> {
    match kind {
        "HTTPRoute" => {
            any_of(&rule["matches"], |own| match (own["path"]["type"].as_str(), own["path"]["value"].as_str()) {
                (_, None) => Some(true),
                (Some("Exact"), Some(text)) => Some(text == path),
                (None | Some("PathPrefix"), Some(text)) => Some(is_below(path, text)),
                _ => None,
            })
        }
        "VirtualService" => any_of(&rule["match"], |own| match &own["uri"] {
            Value::Null => Some(true),
            uri => match (uri["prefix"].as_str(), uri["exact"].as_str()) {
                (Some(text), _) => Some(path.starts_with(text)),
                (_, Some(text)) => Some(path == text),
                _ => None,
            },
        }),
        _ => {
            let mut conditions = rule["conditions"].as_array().into_iter().flatten();
            let unknown = conditions.clone().any(|own| !own["regex"].is_null() || !own["exact"].is_null());
            let takes = conditions.all(|own| own["prefix"].as_str().is_none_or(|text| path.starts_with(text)));
            if unknown { None } else { Some(takes) }
        }
    }
}

/// Whether one of some alternatives holds; true if there are none.
fn any_of(alternatives: &Value, one: impl Fn(&Value) -> Option<bool>) -> Option<bool> {
    match alternatives.as_array().map(Vec::as_slice) {
        None | Some([]) => Some(true),
        Some(all) => any(all.iter().map(one)),
    }
}

/// Whether a path is at or below another one, by whole names (Kubernetes and Gateway API, prefix).
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
