//! DU008, DU018, DU022: how Glance starts and what runs it.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;
use direct_upload_core::render::oslo::read::{Assignment, Ini};

use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::facts::server::Server;
use crate::finding::{Finding, Location};
use crate::unit::Program;

/// Flavors of the paste files that Glance has shipped.
const FLAVORS: [&str; 9] = [
    "",
    "caching",
    "cachemanagement",
    "keystone",
    "keystone+caching",
    "keystone+cachemanagement",
    "trusted-auth",
    "trusted-auth+cachemanagement",
    "fakeauth",
];

/// DU008 (and DU020): the flavor has a pipeline, and CORS stands in it before any login.
pub fn flavor(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.glances.iter().filter_map(flavor_of).collect()
}

fn flavor_of(glance: &GlanceFacts<'_>) -> Option<Finding> {
    let setting = glance.option("paste_deploy", "flavor").filter(|s| !s.value.contains('$'));
    let flavor = setting.as_ref().map_or("", |s| s.value.trim());
    let place = setting.as_ref().map(|s| s.place.clone());
    let Some((file, ini)) = &glance.paste else {
        let elsewhere = glance.option("paste_deploy", "config_file").is_some();
        return (!elsewhere && !FLAVORS.contains(&flavor)).then(|| no_such(flavor, &place.unwrap_or_default()));
    };
    let application = if flavor.is_empty() { "glance-api".to_owned() } else { format!("glance-api-{flavor}") };
    let has = |section: &str| ini.assignments.iter().any(|a| a.section == section);
    let sections = ["pipeline", "composite", "app"].map(|kind| format!("{kind}:{application}"));
    if !sections.iter().any(|section| has(section)) {
        // A fragment of a paste file has no pipelines at all.
        let whole = ini.assignments.iter().any(|a| a.section.contains(":glance-api"));
        return whole.then(|| no_such(flavor, &place.unwrap_or_else(|| file.at(1))));
    }
    let (line, filters) = pipeline(ini, &application, flavor)?;
    let place = file.option(line, &format!("pipeline {application}"));
    let is_cors = |filter: &str| {
        let factory = ini.get(&format!("filter:{filter}"), "paste.filter_factory");
        filter == "cors" || factory.is_some_and(|f| f.value.contains("cors"))
    };
    match filters.iter().position(|f| is_cors(f)) {
        None => Some(Finding::error(
            Rule::NoSuchFlavor,
            &place,
            format!("no cors filter in the pipeline: {}", filters.join(" ")),
            "put cors first in the pipeline, as Glance's own paste file has it",
        )),
        Some(at) => filters[..at].iter().find(|f| f.contains("auth")).map(|f| {
            Finding::error(
                Rule::OptionsFiltered,
                &place,
                format!("{f} stands before cors in the pipeline: preflights carry no token and are refused with 401"),
                "put cors first in the pipeline",
            )
        }),
    }
}

fn no_such(flavor: &str, place: &Location) -> Finding {
    Finding::error(
        Rule::NoSuchFlavor,
        place,
        format!("flavor = {flavor}: the paste file has no pipeline glance-api-{flavor}, so Glance does not start"),
        "flavor = keystone (or keystone+caching, keystone+cachemanagement); CORS is in each of them",
    )
}

/// The filters of an application, and the line on which they stand.
fn pipeline(ini: &Ini, application: &str, flavor: &str) -> Option<(usize, Vec<String>)> {
    let words = |found: &Assignment| (found.line, found.value.split_whitespace().map(str::to_owned).collect());
    if let Some(found) = ini.get(&format!("pipeline:{application}"), "pipeline") {
        return Some(words(found));
    }
    // Newer files lead to one composite, in which each flavor has a key.
    let target = ini.get(&format!("composite:{application}"), "/")?.value.clone();
    let key = if flavor.is_empty() { "default" } else { flavor };
    let section = format!("composite:{target}");
    ini.get(&section, key).or_else(|| ini.get(&section, "default")).map(words)
}

/// DU018: the program or module is one that the release has.
pub fn program(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for glance in &cloud.glances {
        let Some(release) = cloud.release_of(glance.unit) else { continue };
        let mut used: Vec<(String, Location)> = glance.unit.commands.clone();
        if let Some((file, ini)) = glance.uwsgi() {
            for name in ["wsgi-file", "module", "mount", "manage-script-name"] {
                let found = ini.assignments.iter().filter(|a| a.name == name);
                used.extend(found.map(|a| (a.value.clone(), file.option(a.line, name))));
            }
        }
        let near = |s: &&Server<'_>| s.scope == glance.unit.scope || cloud.glances.len() == 1;
        for server in cloud.servers.iter().filter(|s| s.service == Program::Glance).filter(near) {
            used.extend(server.of_name("wsgiscriptalias").map(|item| (item.directive.text(), item.place())));
        }
        findings.extend(used.iter().filter_map(|(text, place)| outdated(release, text, place)));
    }
    findings
}

fn outdated(release: Release, text: &str, place: &Location) -> Option<Finding> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let found = if text.contains("glance-wsgi-api") && release >= Release::new(2026, 1) {
        "the script glance-wsgi-api is gone since 2026.1"
    } else if text.contains("glance.wsgi.api") && release < Release::new(2025, 1) {
        "the module glance.wsgi.api exists since 2025.1"
    } else if first.rsplit('/').next() == Some("glance-api") && release >= Release::new(2026, 2) {
        "glance-api only prints an error since 2026.2: there is no eventlet server any more"
    } else {
        return None;
    };
    let fix = if release >= Release::new(2025, 1) {
        "start the module glance.wsgi.api:application under uWSGI or mod_wsgi"
    } else {
        "start the script glance-wsgi-api"
    };
    Some(Finding::error(Rule::WrongStart, place, format!("{found}, and this is {release}"), fix))
}

/// What glanceclient sends at once.
const CHUNK: u64 = 1 << 20;

/// DU022: legacy uploads pass uWSGI.
pub fn chunked(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let Some((file, ini)) = glance.uwsgi() else { continue };
        let found = ini.assignments.iter().rfind(|a| a.name.replace('_', "-") == "chunked-input-limit");
        if found.is_some_and(|a| a.value.trim().parse::<u64>().map_or(true, |limit| limit > CHUNK)) {
            continue;
        }
        let modes: Vec<Mode> = cloud.horizons_of(at).map(HorizonFacts::mode).collect();
        let (severity, now) = if modes.iter().any(|m| matches!(m, Mode::Legacy | Mode::Unset | Mode::Invalid)) {
            (Severity::Error, "Horizon uploads in legacy mode")
        } else if modes.contains(&Mode::Direct) {
            (Severity::Note, "direct uploads are not affected, but going back to legacy would be")
        } else {
            (Severity::Warning, "legacy uploads fail, direct ones do not")
        };
        let place = match found {
            Some(found) => file.option(found.line, "chunked-input-limit"),
            None => file.at(1).field("[uwsgi]"),
        };
        findings.push(Finding::new(
            Rule::ChunkedLimit,
            severity,
            &place,
            format!("no chunked-input-limit above 1 MiB; {now}"),
            "chunked-input-limit = 67108864",
        ));
    }
    findings
}
