//! One policy, field by field.

use std::collections::BTreeSet;

use direct_upload_api::Rule;
use direct_upload_api::web::Origin;
use serde_json::{Map, Value};

use super::attached::Effective;
use super::authorization;
use super::lifting::lifting;
use super::limits::{LIMITS, Limit};
use super::path::Path;
use crate::derive::exposure::traefik_middleware::redirected;
use crate::derive::exposure_issue::tolerance::{PATIENT, body_fails, whole_fails};
use crate::derive::exposure_issue::{ExposureIssue, lacks, quantity};
use crate::model::{FieldPath, Id, PathElement, PolicyKind};

/// Of a SecurityPolicy or a Middleware.
const LOGINS: [&str; 7] = ["basicAuth", "digestAuth", "forwardAuth", "extAuth", "oidc", "jwt", "apiKeyAuth"];

/// More uploads at a time than people start.
const MANY: u64 = 20;

pub(super) struct Judge<'a> {
    own: &'a Effective<'a>,
    /// The path of browsers to Glance.
    through: &'a Path<'a>,
    origins: &'a BTreeSet<&'a Origin>,
    found: Vec<ExposureIssue>,
    /// Which of them are limits that a manifest may lift.
    limits: Vec<usize>,
}

/// The value that is no limit for the wait for an answer. Contour takes `0s` as unset; Istio's tries last at least 1 ms.
fn unlimited(kind: PolicyKind, field: &FieldPath) -> &'static str {
    match () {
        () if field.names().last() == Some("perTryTimeout") => "remove it, or set 1h",
        () if kind == PolicyKind::HTTPProxy => "set infinity, which is no limit, or 1h",
        () => "set 0s, which is no limit, or 1h",
    }
}

impl<'a> Judge<'a> {
    pub const fn new(own: &'a Effective<'a>, through: &'a Path<'a>, origins: &'a BTreeSet<&'a Origin>) -> Self {
        Self { own, through, origins, found: Vec::new(), limits: Vec::new() }
    }

    /// What blocks uploads in the whole object.
    pub fn issues(mut self) -> Vec<ExposureIssue> {
        self.walk(&self.own.spec(), &mut FieldPath::new(&["spec"]));
        let of = |at: &usize| self.found.get(*at);
        let fields: Vec<&FieldPath> = self.limits.iter().filter_map(of).map(|issue| &issue.field).collect();
        let manifest = lifting(self.own, &fields);
        let first = self.limits.iter().copied().min_by(|a, b| self.found[*a].cmp(&self.found[*b]));
        if let (Some(manifest), Some(first)) = (manifest, first) {
            let field = self.found[first].field.to_string();
            for at in &self.limits {
                let issue = &mut self.found[*at];
                if *at == first {
                    issue.manifest = Some(manifest.clone());
                } else {
                    issue.fix.push_str("; the manifest for ");
                    issue.fix.push_str(&field);
                    issue.fix.push_str(" does it, too");
                }
            }
        }
        self.found
    }

    const fn kind(&self) -> PolicyKind {
        self.own.policy.kind
    }

    fn walk(&mut self, value: &Value, path: &mut FieldPath) {
        if self.through.is_bypassed(self.own.policy, path) {
            return;
        }
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    path.push(PathElement::Name(key.clone()));
                    self.field(key, inner, path);
                    self.limit(inner, path);
                    self.walk(inner, path);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (at, inner) in items.iter().enumerate() {
                    path.push(PathElement::Item(at));
                    self.walk(inner, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value, path: &FieldPath) {
        if let (Some(map), true) = (value.as_object(), matches!(key, "cors" | "corsPolicy" | "headers")) {
            let lacks = self.lacking(map);
            if !lacks.is_empty() {
                let found = format!("answers preflights instead of Glance, without {}", lacks.join(", "));
                self.tell(Rule::CorsOnTheWay, true, path, found, "remove it, or add them to it");
                if let Some(told) = self.found.last_mut() {
                    told.lacks = lacks;
                }
            }
        }
        let in_rules = matches!(self.kind(), PolicyKind::IngressRoute | PolicyKind::VirtualService);
        if key.eq_ignore_ascii_case("access-control-allow-origin")
            && (!in_rules || path.names().any(|name| name == "headers"))
        {
            let names: Vec<&str> = path.names().collect();
            if matches!(names.as_slice(), [.., "add", _]) && self.kind() == PolicyKind::VirtualService {
                let found =
                    "adds a second Access-Control-Allow-Origin to Glance's own; browsers accept only one".to_owned();
                self.tell(Rule::CorsOnTheWay, true, path, found, "remove it: Glance's own [cors] answers the browser");
            } else {
                self.rewritten(value.as_str().filter(|text| !text.is_empty()), path);
            }
        }
        match (self.kind(), key) {
            (PolicyKind::VirtualService, "fault") => self.fault(value, path, 0.0),
            (PolicyKind::BackendTrafficPolicy, "faultInjection") => self.fault(value, path, 100.0),
            _ => {}
        }
        match (self.kind(), path.elements().len()) {
            (PolicyKind::HTTPProxy, 3) if path.names().any(|name| name == "virtualhost") => self.host(key, value, path),
            (_, 2) => self.setting(key, value, path),
            _ => {}
        }
    }

    /// Answers that a gateway gives instead of Glance, for tests (Istio, HTTPFaultInjection; Envoy Gateway, FaultInjection,
    /// whose `percentage` is 100 by default).
    fn fault(&mut self, value: &Value, path: &FieldPath, default: f64) {
        let abort = &value["abort"];
        let percentage = abort["percentage"]["value"].as_f64().or_else(|| abort["percentage"].as_f64());
        let percentage = percentage.unwrap_or(default);
        if abort.is_object() && percentage > 0.0 {
            let path = path.clone().field("abort");
            let found = format!("the gateway answers {percentage} % of the requests itself, without CORS headers");
            self.tell(Rule::OptionsFiltered, percentage >= 100.0, &path, found, "remove it");
        }
    }

    /// A setting of an HTTPProxy's virtual host (projectcontour/contour, apis/projectcontour/v1: AuthorizationServer,
    /// JWTProvider; routes may disable both).
    fn host(&mut self, key: &str, value: &Value, path: &FieldPath) {
        let (through, proxy) = (self.through, self.own.policy);
        let is_off = |name: &str| {
            let mut rules = through.met(proxy).into_iter().peekable();
            rules.peek().is_some() && rules.all(|(_, rule)| rule[name]["disabled"] == true)
        };
        let is_default = |own: &Value| own["default"] == true;
        if key == "authorization" && value["authPolicy"]["disabled"] != true && !is_off("authPolicy") {
            let found = "an external server decides about OPTIONS, which has no credentials, and about the upload, which has Glance's token only";
            let fix = "set authPolicy: {disabled: true} for Glance's routes, unless the server lets them pass";
            self.tell(Rule::OptionsFiltered, false, path, found.to_owned(), fix);
            let body = &value["withRequestBody"];
            if body.is_object() && body["allowPartialMessage"] != true {
                let path = path.clone().field("withRequestBody");
                let limit = body["maxRequestBytes"].as_u64().unwrap_or(1024);
                let found = format!("{limit}: larger images are refused with 413");
                self.tell(Rule::BodyLimit, true, &path, found, "set allowPartialMessage: true");
            }
        }
        let jwt = key == "jwtProviders" && value.as_array().is_some_and(|all| all.iter().any(is_default));
        if jwt && !is_off("jwtVerificationPolicy") {
            let found = "its default provider requires a JWT, which no request of an upload has".to_owned();
            let fix = "set jwtVerificationPolicy: {disabled: true} for Glance's routes";
            self.tell(Rule::OptionsFiltered, true, path, found, fix);
        }
    }

    /// A setting directly below `spec`.
    fn setting(&mut self, key: &str, value: &Value, path: &FieldPath) {
        if LOGINS.contains(&key) && value.is_object() && value["optional"] != true {
            let found = "it requires a login, which a browser's preflight never has".to_owned();
            self.tell(Rule::OptionsFiltered, true, path, found, "remove it: Glance checks the token itself");
        }
        match (self.kind(), key) {
            (PolicyKind::SecurityPolicy, "authorization") => {
                let answered = self.own.spec()["cors"].is_object();
                if let Some((fails, found)) = authorization::refusal(value, answered) {
                    let fix = "add a rule that allows OPTIONS and PUT of all clients: Glance checks the token itself";
                    self.tell(Rule::OptionsFiltered, fails, path, found.to_owned(), fix);
                }
            }
            (PolicyKind::ClientTrafficPolicy, "tls") => {
                let certificate = &value["clientValidation"];
                if certificate["caCertificateRefs"].is_array() && certificate["optional"] != true {
                    let path = path.clone().field("clientValidation");
                    let found = "it requires a client certificate, but a browser's preflight never has one".to_owned();
                    self.tell(Rule::OptionsFiltered, true, &path, found, "set optional: true");
                }
            }
            (PolicyKind::BackendTrafficPolicy, "requestBuffer") => {
                let limit = value["limit"].as_str().map_or_else(|| value["limit"].to_string(), str::to_owned);
                if quantity::bytes(&limit).is_some_and(|limit| body_fails(limit).is_none()) {
                    let found = "the gateway holds each image in memory before Glance gets the first byte".to_owned();
                    self.tell(Rule::TooSlow, false, path, found, "remove it");
                }
            }
            (PolicyKind::Middleware, _) => self.middleware(key, value, path),
            _ => {}
        }
    }

    /// A setting of a Middleware, which has one.
    fn middleware(&mut self, key: &str, value: &Value, path: &FieldPath) {
        let number = |name: &str| value[name].as_u64().unwrap_or_default();
        match key {
            "buffering" => {
                let limit = number("maxRequestBodyBytes");
                if let Some(fails) = body_fails(limit).filter(|_| limit > 0) {
                    let found = format!("maxRequestBodyBytes {limit}: larger images are refused with 413");
                    self.tell(Rule::BodyLimit, fails, path, found, "remove it");
                } else {
                    let found = "Traefik stores each image on its own disk before Glance gets the first byte";
                    self.tell(Rule::TooSlow, false, path, found.to_owned(), "remove it");
                }
            }
            "rateLimit" if number("average") > 0 && number("burst") < 2 => {
                let found = "it allows one request at a time, but an upload starts with two in a row: the preflight, then the PUT. The PUT may get 429".to_owned();
                self.tell(Rule::OptionsFiltered, false, path, found, "set burst to 100");
            }
            "inFlightReq" if number("amount") > 0 && number("amount") < MANY => {
                let found = format!(
                    "amount {}: each upload counts as long as it lasts; further ones, and their preflights, get 429",
                    number("amount")
                );
                self.tell(Rule::OptionsFiltered, false, path, found, "remove it, or set a greater amount");
            }
            "redirectScheme" => {
                let scheme = value["scheme"].as_str().unwrap_or_default();
                if scheme.eq_ignore_ascii_case("http") {
                    let found = format!("sends uploads to {scheme}, and browsers follow no redirect of a preflight");
                    self.tell(Rule::OptionsFiltered, true, path, found, "remove it");
                }
            }
            "redirectRegex" => {
                let to = self.through.decisions.urls().find_map(|url| redirected(value, &url));
                if let Some(to) = to {
                    let found = format!("sends uploads to {to}, and browsers follow no redirect of a preflight");
                    self.tell(
                        Rule::OptionsFiltered,
                        true,
                        path,
                        found,
                        "remove it, or except /v2/images from its pattern",
                    );
                }
            }
            "plugin" => {
                let found = "the operator cannot see what this plugin does to preflights and bodies".to_owned();
                let fix = "check that it answers no preflights, needs no login, and stores no bodies";
                self.tell(Rule::OptionsFiltered, false, path, found, fix);
            }
            _ => {}
        }
    }

    /// The entry of the table of limits for a field.
    fn limit(&mut self, value: &Value, path: &FieldPath) {
        let names: Vec<&str> = path.names().collect();
        let is_it = |(kind, field, _): &&(PolicyKind, &[&str], Limit)| *kind == self.kind() && names.ends_with(field);
        let Some((.., limit)) = LIMITS.iter().find(is_it) else { return };
        if names == ["spec", "timeout", "http", "requestTimeout"] && self.is_timed() {
            return;
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let time = || quantity::milliseconds(&text, 1000).filter(|time| *time > 0);
        let (rule, fails, found, fix) = match limit {
            Limit::Other => return,
            Limit::Whole => {
                let Some(fails) = time().and_then(whole_fails) else { return };
                let found = format!("{text}: an upload that takes longer is cut");
                (Rule::TooSlow, fails, found, "remove it: without it an upload may take any time")
            }
            Limit::Answer => {
                let is_contours = names.ends_with(&["timeoutPolicy", "response"]);
                let is_default = is_contours && quantity::milliseconds(&text, 1000) == Some(0);
                if !is_default && time().is_none_or(|time| time >= PATIENT) {
                    return;
                }
                let text = if is_default { format!("{text} (Contour's default, 15s)") } else { text };
                let found = format!(
                    "{text}: Glance must answer within this time after the image's last byte, but storing the image may take longer"
                );
                (Rule::TooSlow, false, found, unlimited(self.kind(), path))
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
                // Without the field, nginx's own 1 MiB applies.
                let fix = if self.kind() == PolicyKind::ClientSettingsPolicy { "set \"0\"" } else { "remove it" };
                (Rule::BodyLimit, fails, format!("{text}: larger images are refused with 413"), fix)
            }
        };
        self.tell(rule, fails, path, found, fix);
        self.limits.push(self.found.len() - 1);
    }

    /// Whether the routes' own rules state the request's time, which then counts instead.
    fn is_timed(&self) -> bool {
        let mut rules = self.own.routes.iter().flat_map(|route| self.through.met(route)).peekable();
        rules.peek().is_some() && rules.all(|(_, rule)| rule["timeouts"]["request"].is_string())
    }

    /// Actions on Glance's header, in OpenShift's Routes.
    pub(super) fn response_headers(mut self, actions: &Value) -> Vec<ExposureIssue> {
        for (at, action) in actions.as_array().into_iter().flatten().enumerate() {
            let path = FieldPath::new(&["spec", "httpHeaders", "actions", "response"]).item(at);
            let name = action["name"].as_str().unwrap_or_default();
            if name.eq_ignore_ascii_case("access-control-allow-origin") {
                let value = action["action"]["set"]["value"].as_str();
                self.rewritten(value, &path);
            }
        }
        self.found
    }

    /// Something else writes Glance's Access-Control-Allow-Origin; no value: it is removed.
    fn rewritten(&mut self, value: Option<&str>, path: &FieldPath) {
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
        // Traefik answers preflights as soon as one of these is set (HasCorsHeadersDefined).
        let answers = || {
            self.kind() == PolicyKind::Middleware
                && map.keys().any(|key| key.starts_with("accessControl") || key == "addVaryHeader")
        };
        let Some(named) = listed("alloworigin").or_else(|| answers().then(Vec::new)) else { return Vec::new() };
        let (headers, methods) =
            (listed("allowheaders").unwrap_or_default(), listed("allowmethods").unwrap_or_default());
        let mut lacks = lacks(&named, &headers, self.origins);
        if !methods.iter().any(|method| matches!(*method, "PUT" | "*")) {
            lacks.push("PUT".to_owned());
        }
        lacks
    }

    fn tell(&mut self, rule: Rule, fails: bool, path: &FieldPath, found: String, fix: &str) {
        let writer = self.own.writer(path);
        let object = Id::new(writer.kind, &writer.key);
        let (field, fix, remedy, manifest) = (path.clone(), fix.to_owned(), None, None);
        let lacks = Vec::new();
        self.found.push(ExposureIssue {
            rule,
            fails,
            written: true,
            object,
            field,
            found,
            fix,
            remedy,
            manifest,
            lacks,
        });
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
