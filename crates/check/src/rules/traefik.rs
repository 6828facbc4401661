//! DU015: Traefik's entry points, in its own file.

use direct_upload_api::Rule;
use direct_upload_core::derive::exposure_issue::read_timeout::{self, Cut, OPTION};

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::traefik::{document, without_limit};
use crate::finding::Finding;
use crate::unit::ConfigFile;

/// Entry points that cut browsers' uploads.
pub(crate) fn entry_points(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::Traefik));
    files.flat_map(of_file).collect()
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
