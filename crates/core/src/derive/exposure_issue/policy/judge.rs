//! One policy, field by field.

use std::collections::BTreeSet;

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;
use serde_json::{Map, Value};

use super::PolicyObject;
use super::lifting::lifting;
use super::limits::{LIMITS, Limit};
use super::path::Path;
use crate::derive::exposure_issue::{ExposureIssue, body_fails, lacks, quantity};
use crate::model::Id;

const LOGINS: [&str; 6] = ["basicAuth", "digestAuth", "forwardAuth", "extAuth", "oidc", "jwt"];

/// A limit on the duration of a whole upload: below this many milliseconds, it will cut some uploads …
pub(super) const SHORT: u64 = 1_800_000;

/// … and a limit above this will not.
pub(super) const LONG: u64 = 7_200_000;

/// A shorter allowed silence, or a shorter wait for the answer, ends uploads while Glance stores their end.
const PATIENT: u64 = 600_000;

pub(super) struct Judge<'a> {
    pub policy: &'a PolicyObject<'a>,
    /// The path of browsers to Glance.
    pub through: &'a Path<'a>,
    pub origins: &'a BTreeSet<&'a Origin>,
    pub found: &'a mut Vec<(ExposureIssue, Vec<String>)>,
}

/// The value that is no limit for the wait for an answer. Contour takes `0s` as unset; Istio's tries last at least 1 ms.
fn unlimited(kind: &str, field: &str) -> &'static str {
    match kind {
        "HTTPProxy" => "set infinity, which is no limit, or 1h",
        "VirtualService" if field.ends_with("perTryTimeout") => "remove it, or set 1h",
        _ => "set 0s, which is no limit, or 1h",
    }
}

impl Judge<'_> {
    pub fn walk(&mut self, value: &Value, path: &mut Vec<String>) {
        if self.through.is_bypassed(self.policy, path) {
            return;
        }
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    path.push(key.clone());
                    self.field(key, inner, path);
                    self.limit(inner, path);
                    self.walk(inner, path);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (at, inner) in items.iter().enumerate() {
                    path.push(at.to_string());
                    self.walk(inner, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value, path: &[String]) {
        if let (Some(map), true) = (value.as_object(), matches!(key, "cors" | "corsPolicy" | "headers")) {
            let lacks = self.lacking(map);
            if !lacks.is_empty() {
                let found = format!("answers preflights instead of Glance, without {}", lacks.join(", "));
                self.tell(Rule::CorsOnTheWay, true, path, found, "remove it, or add them to it");
            }
        }
        if key.eq_ignore_ascii_case("access-control-allow-origin")
            && !matches!(self.policy.kind, "IngressRoute" | "VirtualService" if !path.iter().any(|p| p == "headers"))
        {
            self.rewritten(value.as_str().filter(|text| !text.is_empty()), path);
        }
        if key == "maxRequestBodyBytes"
            && let Some(limit) = value.as_u64().filter(|limit| *limit > 0)
            && let Some(fails) = body_fails(limit)
        {
            self.tell(
                Rule::BodyLimit,
                fails,
                path,
                format!("{limit}: larger images are refused with 413"),
                "remove it",
            );
        }
        if LOGINS.contains(&key) && value.is_object() {
            let found = "it requires a login, which a browser's preflight never has".to_owned();
            self.tell(Rule::OptionsFiltered, true, path, found, "remove it: Glance checks the token itself");
        }
    }

    /// The entry of the table of limits for a field.
    fn limit(&mut self, value: &Value, path: &[String]) {
        let names: Vec<&str> = path.iter().map(String::as_str).filter(|step| step.parse::<usize>().is_err()).collect();
        let written = names.join(".");
        let is_it = |field: &&(&str, &str, Limit)| {
            field.0 == self.policy.kind && (written == field.1 || written.ends_with(&format!(".{}", field.1)))
        };
        let Some((.., limit)) = LIMITS.iter().find(is_it) else { return };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let time = || quantity::milliseconds(&text, 1000).filter(|time| *time > 0);
        let (rule, fails, found, fix) = match limit {
            Limit::Other => return,
            Limit::Whole => {
                let Some(time) = time().filter(|time| *time < LONG) else { return };
                let found = format!("{text}: an upload that takes longer is cut");
                (Rule::TooSlow, time < SHORT, found, "remove it: without it an upload may take any time")
            }
            Limit::Answer => {
                let is_default = self.policy.kind == "HTTPProxy" && quantity::milliseconds(&text, 1000) == Some(0);
                if !is_default && time().is_none_or(|time| time >= PATIENT) {
                    return;
                }
                let text = if is_default { format!("{text} (Contour's default, 15s)") } else { text };
                let found = format!(
                    "{text}: Glance must answer within this time after the image's last byte, but storing the image may take longer"
                );
                (Rule::TooSlow, false, found, unlimited(self.policy.kind, &written))
            }
            Limit::Silence => {
                if time().is_none_or(|time| time >= PATIENT / 2) {
                    return;
                }
                let found = format!(
                    "{text}: the upload is cut after a silence of this length, for example while Glance stores the last part"
                );
                (Rule::TooSlow, false, found, "set 1h")
            }
            Limit::Size => {
                let Some(fails) = quantity::bytes(&text).filter(|size| *size > 0).and_then(body_fails) else { return };
                (Rule::BodyLimit, fails, format!("{text}: larger images are refused with 413"), "remove it")
            }
        };
        self.tell(rule, fails, path, found, fix);
        if let Some((issue, _)) = self.found.last_mut() {
            issue.manifest = lifting(self.policy, self.through, path);
        }
    }

    /// Actions on Glance's header, in OpenShift's Routes.
    pub fn response_headers(&mut self, actions: &Value) {
        for (at, action) in actions.as_array().into_iter().flatten().enumerate() {
            let path = ["spec", "httpHeaders", "actions", "response", &at.to_string()].map(str::to_owned);
            let name = action["name"].as_str().unwrap_or_default();
            if name.eq_ignore_ascii_case("access-control-allow-origin") {
                let value = action["action"]["set"]["value"].as_str();
                self.rewritten(value, &path);
            }
        }
    }

    /// Something else writes Glance's Access-Control-Allow-Origin; no value: it is removed.
    fn rewritten(&mut self, value: Option<&str>, path: &[String]) {
        let other = |value: &str| {
            !value.contains(['*', '%', '$']) && self.origins.iter().any(|origin| origin.as_str() != value)
        };
        let (fails, found) = match value {
            None => (true, "removes Glance's Access-Control-Allow-Origin".to_owned()),
            Some(value) if other(value) => (
                true,
                format!(
                    "replaces Glance's Access-Control-Allow-Origin with {value}, which is not the dashboard's origin"
                ),
            ),
            Some(_) => {
                (false, "replaces Glance's Access-Control-Allow-Origin with one value for every dashboard".to_owned())
            }
        };
        self.tell(Rule::CorsOnTheWay, fails, path, found, "remove it: Glance's own [cors] answers the browser");
    }

    /// What a grant lacks; nothing if it is not a grant.
    fn lacking(&self, map: &Map<String, Value>) -> Vec<String> {
        let listed = |name: &str| {
            let of =
                map.iter().filter(|(key, _)| key.to_lowercase().trim_start_matches("accesscontrol").starts_with(name));
            let found: Vec<(&String, &Value)> = of.collect();
            (!found.is_empty())
                .then(|| found.into_iter().flat_map(|(key, value)| texts(key, value)).collect::<Vec<_>>())
        };
        let Some(named) = listed("alloworigin") else { return Vec::new() };
        let (headers, methods) =
            (listed("allowheaders").unwrap_or_default(), listed("allowmethods").unwrap_or_default());
        let mut lacks = lacks(&named, &headers, self.origins);
        if !methods.iter().any(|method| matches!(*method, "PUT" | "*")) {
            lacks.push("PUT".to_owned());
        }
        lacks
    }

    fn tell(&mut self, rule: Rule, fails: bool, path: &[String], found: String, fix: &str) {
        let object = Id { kind: self.policy.kind.to_owned(), key: self.policy.key.clone() };
        let (field, fix, remedy, manifest) = (path.join("."), fix.to_owned(), None, None);
        self.found.push((ExposureIssue { rule, fails, object, field, found, fix, remedy, manifest }, path.to_vec()));
    }
}

/// The entries of a list, also if each says how it is compared. If only a pattern decides, the value may be
/// anything.
fn texts<'a>(key: &str, list: &'a Value) -> Vec<&'a str> {
    let pattern = key.ends_with("Regex");
    let entry = |item: &'a Value| match item {
        _ if pattern => Some("*"),
        Value::String(text) => Some(text.as_str()),
        Value::Object(map) => map.get("exact").or(map.get("value")).and_then(Value::as_str).or(Some("*")),
        _ => None,
    };
    match list {
        Value::Array(items) => items.iter().filter_map(entry).collect(),
        Value::String(text) => text.split(',').collect(),
        _ => Vec::new(),
    }
}
