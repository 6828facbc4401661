//! DU015: Traefik's entry points, in its own file.
//!
//! An entry point reads a request, with its body, for `transport.respondingTimeouts.readTimeout`. The
//! default is 60 s since v2.11.2 and v3.0 (Traefik's migration notes; canonical/traefik-k8s-operator#719).

use direct_upload_api::Rule;
use direct_upload_core::derive::exposure_issue::quantity;
use direct_upload_core::manifests::documents;

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::finding::Finding;
use crate::unit::ConfigFile;

/// A limit on the duration of a whole upload: below this many milliseconds, it will cut some uploads.
const LONG: u64 = 7_200_000;

/// Entry points that cut browsers' uploads.
pub(crate) fn entry_points(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::Traefik));
    files.flat_map(of_file).collect()
}

/// Below an entry point.
const PATH: [&str; 3] = ["transport", "respondingTimeouts", "readTimeout"];

fn of_file(file: &ConfigFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in documents(&file.name, file.text.as_bytes()).unwrap_or_default() {
        let Some(entry_points) = document.value["entryPoints"].as_object() else { continue };
        for (name, own) in entry_points {
            // The API's own entry point, and those without requests.
            let other = matches!(name.as_str(), "traefik" | "metrics" | "diagnostics");
            let redirects = own["http"]["redirections"].is_object();
            if other || redirects || own["address"].as_str().is_some_and(|address| address.ends_with("/udp")) {
                continue;
            }
            let written = PATH.iter().fold(own, |value, step| &value[*step]);
            let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
            let (time, said) = if written.is_null() {
                (60_000, "is missing, so it is 60s since v2.11.2".to_owned())
            } else {
                (quantity::milliseconds(&text, 1000).unwrap_or_default(), text)
            };
            if time == 0 || time >= LONG {
                continue;
            }
            let path = ["entryPoints", name.as_str()].into_iter().chain(PATH);
            let line = document.node.line_of(path);
            let option = format!("entryPoints.{name}.{}", PATH.join("."));
            let found = format!("{option} {said}: an upload that takes longer is cut");
            let fix = format!("{option}: 0s, which is no limit");
            findings.push(Finding::warning(Rule::TooSlow, &file.option(line, &option), found, fix));
        }
    }
    findings
}
