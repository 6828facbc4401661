//! What to do after a fragment is merged, or before, as comment lines with commands.

use direct_upload_api::web::Endpoint;
use direct_upload_api::{CorsFilter, Panel};

use super::contents::Contents;
use super::{Component, FragmentInput, PreflightCommand};
use crate::openstack::{OpenStackService, swift};

/// Comment lines.
#[derive(Clone, Debug, Default)]
pub struct Next {
    /// What a fragment is for. It follows the name of the tool.
    pub purpose: String,
    /// The commands.
    pub lines: Vec<String>,
}

impl Next {
    pub fn of(source: &FragmentInput<'_>, contents: &Contents) -> Self {
        let lines = match source.service {
            Component::Glance => after_glance(source.preflights),
            Component::Horizon if contents.direct => before_horizon(source),
            Component::Horizon => Vec::new(),
            Component::Api(service) => after_api(service, source.preflights),
        };
        Self { purpose: purpose(source.service, contents), lines }
    }
}

fn purpose(service: Component, contents: &Contents) -> String {
    let uploads = !contents.origins.is_empty();
    match service {
        Component::Glance if uploads => ", stage 1 of 2: Glance accepts uploads from the dashboard's pages.".to_owned(),
        Component::Glance => ", stage 1 of 2: Glance's own settings, without [cors].".to_owned(),
        Component::Horizon if contents.direct => {
            ", stage 2 of 2: Horizon's pages upload straight to Glance.".to_owned()
        }
        Component::Horizon => ": Horizon behind something that terminates TLS.".to_owned(),
        Component::Api(service) => format!(": {} accepts calls from pages of other origins.", service.name),
    }
}

fn after_glance(preflights: &[PreflightCommand]) -> Vec<String> {
    if preflights.is_empty() {
        return Vec::new();
    }
    let first = "Continue with Horizon when Glance runs with it and each of these says \"granted\":".to_owned();
    std::iter::once(first).chain(preflights.iter().map(preflight)).collect()
}

fn before_horizon(source: &FragmentInput<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if !source.preflights.is_empty() {
        lines.push("Here is no fragment for these Glances. First, each of these must say \"granted\":".to_owned());
        lines.extend(source.preflights.iter().map(preflight));
    }
    for url in source.own_paths {
        let path = if url.path().is_empty() { "/" } else { url.path() };
        lines.push(format!("Uploads go to {url}, the dashboard's own origin. So the web server or load balancer in"));
        lines.push(format!("front of it must pass {path} to Glance, which this fragment does not configure (see"));
        lines.push("docs/same-origin.md). First, this must show Glance's list of versions:".to_owned());
        lines.push(format!("  curl -s {}", quoted(&format!("{}/versions", url.to_string().trim_end_matches('/')))));
    }
    lines
}

/// A preflight of an upload would ask for another method and other headers.
fn after_api(service: &OpenStackService, preflights: &[PreflightCommand]) -> Vec<String> {
    let asked: Vec<_> = preflights
        .iter()
        .filter_map(|asked| Some((asked, asked.url.as_ref()?)))
        .map(|(asked, url)| call(service, asked, url))
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let header = "Then each of these must show the header Access-Control-Allow-Origin:".to_owned();
    std::iter::once(header).chain(asked).collect()
}

fn call(service: &OpenStackService, asked: &PreflightCommand, url: &Endpoint) -> String {
    let base = url.to_string();
    let url = match service.filter {
        CorsFilter::OsloMiddleware => base,
        CorsFilter::Swift => format!("{}{}", url.origin(), swift::preflight_path(url.path())),
    };
    let headers = [
        format!("Origin: {}", asked.origin),
        "Access-Control-Request-Method: GET".to_owned(),
        "Access-Control-Request-Headers: x-auth-token".to_owned(),
    ];
    let headers = headers.map(|header| format!("-H {}", quoted(&header))).join(" ");
    format!("  curl -si -X OPTIONS {headers} {}", quoted(&url))
}

fn preflight(asked: &PreflightCommand) -> String {
    let url = asked.url.as_ref().map_or_else(|| "GLANCE-PUBLIC-ENDPOINT".to_owned(), ToString::to_string);
    let panel = match asked.panel {
        Some(Panel::Angular) => " --panel angular",
        Some(Panel::Django) => " --panel django",
        Some(Panel::Unknown) | None => "",
    };
    let origin = quoted(asked.origin.as_str());
    format!("  direct-upload-operator preflight --origin {origin} --url {}{panel}", quoted(&url))
}

/// One word of a shell. Some shells read brackets of an IPv6 address as a pattern.
fn quoted(word: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/".contains(&b);
    if word.bytes().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
