//! Routes that choose requests by their method: the preflight is an OPTIONS.

use direct_upload_api::Rule;
use serde_json::Value;

use super::PolicyObject;
use super::path::{Path, mentions};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::Id;

/// Routes that choose requests by their method, and none of which accepts OPTIONS.
pub(super) fn no_options(path: &Path<'_>) -> Vec<(ExposureIssue, Vec<String>)> {
    let mut found = Vec::new();
    let choices: Vec<Choice<'_>> = path.routes.iter().flat_map(|route| chosen(route, &path.services)).collect();
    let passes = |methods: &Option<Vec<String>>| {
        methods.as_ref().is_none_or(|methods| methods.iter().any(|m| m.eq_ignore_ascii_case("OPTIONS")))
    };
    // One route with OPTIONS is enough, whichever object has it.
    if choices.iter().any(|(.., methods)| passes(methods)) {
        return found;
    }
    if let Some((route, path, _)) = choices.into_iter().next() {
        let issue = ExposureIssue {
            rule: Rule::OptionsFiltered,
            fails: true,
            object: Id { kind: route.kind.to_owned(), key: route.key.clone() },
            field: path.join("."),
            found:
                "it forwards only some methods, and OPTIONS is not one of them, so the preflight never reaches Glance"
                    .into(),
            fix: "add OPTIONS to the methods, or match only path and host".into(),
            remedy: None,
            manifest: None,
        };
        found.push((issue, path));
    }
    found
}

/// A rule of a route: the object, the place of its choice, and its methods; none: all.
type Choice<'a> = (&'a PolicyObject<'a>, Vec<String>, Option<Vec<String>>);

/// The rules of a route that lead to the Services, and the methods of each; none: all.
fn chosen<'a>(route: &'a PolicyObject<'a>, services: &[&str]) -> Vec<Choice<'a>> {
    let spec = &route.spec;
    let list = |name: &str| spec[name].as_array().into_iter().flatten().enumerate();
    let path = |parts: [&str; 3], at: usize| -> Vec<String> {
        vec![parts[0].to_owned(), parts[1].to_owned(), at.to_string(), parts[2].to_owned()]
    };
    match route.kind {
        "HTTPRoute" => list("rules")
            .filter(|(_, rule)| mentions(&rule["backendRefs"], services))
            .map(|(at, rule)| {
                let methods = all_of(rule["matches"].as_array(), |m| Some(vec![m["method"].as_str()?.to_owned()]));
                (route, path(["spec", "rules", "matches"], at), methods)
            })
            .collect(),
        "VirtualService" => list("http")
            .filter(|(_, rule)| mentions(&rule["route"], services))
            .map(|(at, rule)| {
                let methods = all_of(rule["match"].as_array(), |m| matched_methods(&m["method"]));
                (route, path(["spec", "http", "match"], at), methods)
            })
            .collect(),
        "HTTPProxy" => list("routes")
            .filter(|(_, rule)| mentions(&rule["services"], services))
            .map(|(at, rule)| {
                let on_method =
                    |c: &&Value| c["header"]["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(":method"));
                let condition = rule["conditions"].as_array().into_iter().flatten().find(on_method);
                let methods = condition.map(|c| header_methods(&c["header"]));
                (route, path(["spec", "routes", "conditions"], at), methods)
            })
            .collect(),
        "IngressRoute" => list("routes")
            .filter(|(_, rule)| mentions(&rule["services"], services))
            .map(|(at, rule)| (route, path(["spec", "routes", "match"], at), traefik_methods(rule["match"].as_str())))
            .collect(),
        _ => vec![(route, Vec::new(), None)],
    }
}

/// The methods of all matches; none if one of them accepts any.
fn all_of(matches: Option<&Vec<Value>>, of: impl Fn(&Value) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let matches = matches.filter(|matches| !matches.is_empty())?;
    let each: Option<Vec<Vec<String>>> = matches.iter().map(of).collect();
    each.map(|methods| methods.concat())
}

/// Istio's StringMatch.
fn matched_methods(found: &Value) -> Option<Vec<String>> {
    if let Some(exact) = found["exact"].as_str() {
        return Some(vec![exact.to_owned()]);
    }
    if let Some(prefix) = found["prefix"].as_str() {
        return Some(if "OPTIONS".starts_with(prefix) { vec!["OPTIONS".to_owned()] } else { vec![prefix.to_owned()] });
    }
    let pattern = regex::Regex::new(&format!("^(?:{})$", found["regex"].as_str()?)).ok()?;
    Some(if pattern.is_match("OPTIONS") { vec!["OPTIONS".to_owned()] } else { Vec::new() })
}

/// Contour's header condition.
fn header_methods(header: &Value) -> Vec<String> {
    let is = |name: &str| header[name].as_str();
    let takes = match (is("exact"), is("contains"), is("notexact"), is("notcontains"), is("regex")) {
        (Some(text), ..) => text == "OPTIONS",
        (_, Some(text), ..) => "OPTIONS".contains(text),
        (_, _, Some(text), ..) => text != "OPTIONS",
        (_, _, _, Some(text), _) => !"OPTIONS".contains(text),
        (.., Some(text)) => regex::Regex::new(&format!("^(?:{text})$")).is_ok_and(|regex| regex.is_match("OPTIONS")),
        _ => true,
    };
    if takes { vec!["OPTIONS".to_owned()] } else { Vec::new() }
}

/// ``Host(`g.example`) && (Method(`GET`) || Method(`PUT`))``.
fn traefik_methods(rule: Option<&str>) -> Option<Vec<String>> {
    let rule = rule?;
    let mut methods = Vec::new();
    for part in rule.split("Method(").skip(1) {
        let arguments = part.split(')').next().unwrap_or_default();
        methods.extend(arguments.split(',').map(|m| m.trim_matches([' ', '`', '"']).to_owned()));
    }
    (!methods.is_empty() && !rule.contains("!Method(")).then_some(methods)
}
