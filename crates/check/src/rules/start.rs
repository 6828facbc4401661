//! DU008, DU018, DU022: how Glance starts and what runs it.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::facts::paste::{Defect, Filter, LoadError, Pipeline};
use crate::facts::server::{ScopedDirective, Server};
use crate::facts::uwsgi_options::Uwsgi;
use crate::finding::{Field, Finding, Location, OptionName};
use crate::unit::{ConfigFile, Program};

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

/// DU008 (and DU020): the flavor must have a pipeline that loads, with CORS before any login.
pub fn flavor(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.glances.iter().flat_map(|glance| flavor_of(cloud, glance)).collect()
}

fn flavor_of(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Vec<Finding> {
    let setting = glance.option("paste_deploy", "flavor").filter(|s| !s.value.contains('$'));
    let flavor = setting.as_ref().map_or("", |s| s.value.trim());
    let place = setting.as_ref().map(|s| s.place.clone());
    let Some((file, _)) = &glance.paste else {
        let elsewhere = glance.option("paste_deploy", "config_file").is_some();
        return if elsewhere || FLAVORS.contains(&flavor) {
            Vec::new()
        } else {
            vec![no_such(flavor, &place.unwrap_or_default())]
        };
    };
    match &glance.pipeline {
        // A fragment of a paste file has no pipelines at all.
        None => Vec::new(),
        Some(Err(LoadError::NoApplication)) => vec![no_such(flavor, &place.unwrap_or_else(|| file.at(1)))],
        Some(Err(LoadError::At(line, defect))) => {
            let found = format!("{defect}; paste refuses the application and Glance does not start");
            vec![does_not_serve(&file.option(*line, "pipeline"), found, mended(defect))]
        }
        Some(Ok(pipeline)) => {
            let place = file.option(pipeline.line, "pipeline");
            let mut findings = cors_filter(glance, file, pipeline);
            findings.extend(no_healthcheck(cloud, glance, &pipeline.filters).map(|found| {
                let fix = "remove healthcheck from the pipeline; Glance's newer paste file has it as an app";
                does_not_serve(&place, found, fix)
            }));
            findings
        }
    }
}

/// Whether a pipeline has the CORS filter, before any login, and with its options.
fn cors_filter(glance: &GlanceFacts<'_>, file: &ConfigFile, pipeline: &Pipeline) -> Vec<Finding> {
    let place = file.option(pipeline.line, "pipeline");
    let filters = &pipeline.filters;
    let Some(at) = filters.iter().position(Filter::is_cors) else {
        return vec![no_cors_filter(&place, filters)];
    };
    let (before, cors) = (&filters[..at], &filters[at]);
    let login = before.iter().find(|filter| filter.asks_for_token() && !glance.is_delayed(filter)).map(|filter| {
        let found = format!(
            "{} comes before {} in the pipeline: preflights have no token and are refused with 401",
            filter.name, cors.name
        );
        Finding::error(Rule::OptionsFiltered, &place, found, "put cors first in the pipeline")
    });
    let no_source = cors.lacks_source().then(|| {
        let found = "it has neither oslo_config_project nor allowed_origin: the filter raises a TypeError and Glance does not start";
        let place = file.option(pipeline.line, OptionName::section(format!("filter:{}", cors.name)));
        does_not_serve(&place, found.to_owned(), "write oslo_config_project = glance in it")
    });
    login.into_iter().chain(no_source).collect()
}

fn no_cors_filter(place: &Location, filters: &[Filter]) -> Finding {
    if let Some(other) = filters.iter().find(|filter| filter.is_foreign_cors()) {
        let found = format!(
            "{} ({}) is not oslo.middleware's CORS filter: Glance's [cors] has no effect",
            other.name, other.factory
        );
        let fix = format!("replace the contents of [filter:{}] with: {CORS_FILTER}", other.name);
        return Finding::warning(Rule::NoSuchFlavor, place, found, fix);
    }
    let names: Vec<&str> = filters.iter().map(|filter| filter.name.as_str()).collect();
    let found = format!("no cors filter in the pipeline: {}", names.join(" "));
    does_not_serve(place, found, "put cors first in the pipeline, as Glance's own paste file has it")
}

/// With this pipeline Glance does not start, or no upload passes.
fn does_not_serve(place: &Location, found: String, fix: impl Into<String>) -> Finding {
    Finding::error(Rule::NoSuchFlavor, place, found, fix)
}

/// The options of the CORS filter in Glance's own paste file.
const CORS_FILTER: &str = "paste.filter_factory = oslo_middleware.cors:filter_factory, oslo_config_project = glance, oslo_config_program = glance-api";

/// What to write if the pipeline does not load.
fn mended(defect: &Defect) -> String {
    match defect {
        Defect::Missing { kind: "filter", name } if name == "cors" => format!("add [filter:cors] with {CORS_FILTER}"),
        Defect::Missing { kind: "filter", name } => format!("remove {name} from the pipeline, or add [filter:{name}]"),
        Defect::Missing { .. } | Defect::Other(_) => "correct the line, as Glance's own paste file has it".to_owned(),
    }
}

/// oslo.middleware 7.0.0 dropped its health check as a filter.
fn no_healthcheck(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, filters: &[Filter]) -> Option<String> {
    let release = cloud.release_of(glance.unit).filter(|release| *release >= super::reading::NO_SUBGROUPS)?;
    let filter = filters.iter().find(|filter| filter.factory.to_lowercase().contains("healthcheck"))?;
    Some(format!("{} is a filter that oslo.middleware no longer has in {release}: Glance does not start", filter.name))
}

fn no_such(flavor: &str, place: &Location) -> Finding {
    Finding::error(
        Rule::NoSuchFlavor,
        place,
        format!("flavor = {flavor}: the paste file has no pipeline glance-api-{flavor}, so Glance does not start"),
        "flavor = keystone (or keystone+caching, keystone+cachemanagement); CORS is in each of them",
    )
}

/// DU018: the release must have the program or module.
pub fn program(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for glance in &cloud.glances {
        let Some(release) = cloud.release_of(glance.unit) else { continue };
        let mut used: Vec<(String, Location)> = glance.unit.commands.clone();
        let options = glance.uwsgi().map(|own| own.options).unwrap_or_default();
        let loads = ["wsgi-file", "module", "mount", "manage-script-name"];
        let options = options.into_iter().filter(|own| loads.contains(&own.name.as_str()));
        used.extend(options.map(|own| (own.value, own.place)));
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
        "the module glance.wsgi.api exists only since 2025.1"
    } else if first.rsplit('/').next() == Some("glance-api") && release >= Release::new(2026, 2) {
        "since 2026.2, glance-api only prints an error, because it has no eventlet server"
    } else {
        return None;
    };
    let error = |fix| Finding::error(Rule::WrongStart, place, format!("{found}, and this is {release}"), fix);
    let wsgi_file = place.field.as_ref().and_then(Field::name) == Some("wsgi-file");
    Some(if release >= Release::new(2025, 1) && wsgi_file {
        error("module = glance.wsgi.api:application (instead of wsgi-file)").changes("module")
    } else if release >= Release::new(2025, 1) {
        error("start the module glance.wsgi.api:application under uWSGI or mod_wsgi")
    } else {
        error("start the script glance-wsgi-api")
    })
}

/// How much glanceclient sends at once.
const CHUNK: u64 = 1 << 20;

/// DU022: legacy uploads must pass the server that runs Glance.
pub fn chunked(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let scope = &glance.unit.scope;
        let modes: Vec<Mode> = cloud.horizons_of(at).map(HorizonFacts::mode).collect();
        let legacy = cloud.horizons_of(at).any(HorizonFacts::is_legacy);
        findings.extend(cloud.servers_near(scope, Program::Glance).filter(|_| legacy).filter_map(refuses_chunks));
        // Any proxy in front of uWSGI forwards chunks in smaller pieces.
        let behind_proxy = cloud.servers_near(scope, Program::Glance).next().is_some();
        let is_whole = |own: &Uwsgi<'_>| own.is_whole && own.file.is_none_or(|file| !file.partial);
        let Some(uwsgi) = glance.uwsgi().filter(|own| !behind_proxy && is_whole(own)) else { continue };
        let found = uwsgi.last("chunked-input-limit");
        if found.is_some_and(|a| a.value.trim().parse::<u64>().map_or(true, |limit| limit > CHUNK)) {
            continue;
        }
        let (severity, now) = if legacy {
            (Severity::Error, "Horizon uploads in legacy mode")
        } else if modes.contains(&Mode::Direct) {
            (Severity::Note, "direct uploads are not affected, but going back to legacy would be")
        } else {
            (Severity::Warning, "legacy uploads fail, direct ones do not")
        };
        let place = match found {
            Some(found) => found.place.clone(),
            None => uwsgi.place(),
        };
        findings.push(
            Finding::new(
                Rule::ChunkedLimit,
                severity,
                &place,
                format!("no chunked-input-limit above 1 MiB; {now}"),
                "chunked-input-limit = 67108864",
            )
            .changes("chunked-input-limit"),
        );
    }
    findings.sort();
    findings.dedup();
    findings
}

/// httpd refuses the chunks of legacy uploads: mod_proxy_uwsgi always, mod_wsgi by default.
fn refuses_chunks(server: &Server<'_>) -> Option<Finding> {
    if server.kind != Kind::Httpd {
        return None;
    }
    let uwsgi = |item: &&ScopedDirective<'_>| {
        item.directive.name.starts_with("proxypass") && item.directive.text().contains("uwsgi://")
    };
    if let Some(item) = server.items.iter().find(uwsgi) {
        let found =
            "Horizon uploads in legacy mode, in chunks, which mod_proxy_uwsgi refuses with 411; the image stays queued";
        let fix = "pass requests by http:// to uWSGI's http-socket, or set HORIZON_IMAGES_UPLOAD_MODE = 'direct'";
        return Some(Finding::error(Rule::ChunkedLimit, &item.place(), found, fix));
    }
    let item = server.last("wsgiscriptalias")?;
    let told = server.last("wsgichunkedrequest").is_some_and(|item| item.directive.word() == "on");
    let found = "Horizon uploads in legacy mode, in chunks, which mod_wsgi refuses with 411 without WSGIChunkedRequest On; the image stays queued";
    (!told).then(|| {
        Finding::error(Rule::ChunkedLimit, &item.place(), found, "WSGIChunkedRequest On in Glance's virtual host")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::paste::Paste;

    /// What is missing decides, not the words in which the file names it.
    #[test]
    fn a_name_is_not_read_as_a_sentence() {
        let text = "[composite:glance-api]\n/ = cors is in the pipeline, but the file has no [filter:cors]\n";
        let Err(LoadError::At(_, defect)) = Paste::read(text).pipeline("") else { panic!("it loads") };
        assert_eq!(mended(&defect), "correct the line, as Glance's own paste file has it");
    }
}
