//! Envoy Gateway's HTTPRouteFilter, which rules of an HTTPRoute name (gateway.envoyproxy.io, API reference).

use direct_upload_api::Rule;
use regex::Regex;

use super::{PolicyObject, found};
use crate::derive::exposure_issue::ExposureIssue;
use crate::model::FieldPath;
use crate::openstack::cors_request::UPLOAD_PATH;

const REMOVE: &str = "remove it for Glance's rule";

/// Whether all of its fields are read.
pub fn is_read(spec: &serde_json::Value) -> bool {
    const READ: [&str; 3] = ["directResponse", "urlRewrite", "credentialInjection"];
    spec.as_object().is_some_and(|spec| spec.keys().all(|name| READ.contains(&name.as_str())))
}

/// What it does to uploads.
pub(super) fn issues(filter: &PolicyObject<'_>) -> Vec<ExposureIssue> {
    let spec = &filter.spec;
    let path = |steps: &[&str]| FieldPath::new(steps);
    let mut all = Vec::new();
    let mut tell = |field, what: &str| {
        all.push(found(filter, Rule::OptionsFiltered, true, field, what.to_owned(), REMOVE));
    };
    if spec["directResponse"].is_object() {
        tell(path(&["spec", "directResponse"]), "the gateway answers each request itself, without CORS headers");
    }
    let regex = &spec["urlRewrite"]["path"]["replaceRegexMatch"];
    if let (Some(pattern), Some(text)) = (regex["pattern"].as_str(), regex["substitution"].as_str())
        && let Some(new) = rewritten(pattern, text)
        && new != UPLOAD_PATH
    {
        tell(path(&["spec", "urlRewrite", "path"]), "it changes the path of uploads, so Glance answers 404");
    }
    let injected = &spec["credentialInjection"];
    let is_token = injected["header"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("x-auth-token"));
    if is_token && injected["overwrite"] == true {
        tell(path(&["spec", "credentialInjection"]), "it replaces the user's token, X-Auth-Token");
    }
    all
}

/// The path of an upload after Envoy's regex rewrite, which writes groups as `\1`.
fn rewritten(pattern: &str, text: &str) -> Option<String> {
    let regex = Regex::new(pattern).ok()?;
    let groups = Regex::new(r"\\(\d)").ok()?;
    let text = groups.replace_all(&text.replace('$', "$$"), "$${$1}").into_owned();
    // A pattern about a prefix before Glance's own path does not match this one.
    regex.is_match(UPLOAD_PATH).then(|| regex.replace_all(UPLOAD_PATH, text.as_str()).into_owned())
}
