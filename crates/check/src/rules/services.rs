//! DU001, DU006, DU007, DU017 in the `[cors]` of other services, DU008 and DU020 in their paste files, DU012 and
//! DU020 in the web servers in front of them. Someone who gave Glance an origin often gave it to them, too, and they
//! read it with the same filter. No upload depends on it.

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::swift::is_true;
use direct_upload_core::render::configparser::{self, Section};
use direct_upload_core::render::oslo::read::{self, Assignment};

use crate::classify::{self, Kind};
use crate::facts::cloud::Cloud;
use crate::facts::glance::Setting;
use crate::facts::paste::{Filter, Paste};
use crate::facts::server::{OtherServer, ScopedDirective};
use crate::finding::{Finding, Location};
use crate::formats::directives::Directive;
use crate::rules::haproxy::response_header;
use crate::rules::options::is_options;
use crate::rules::origins::{self, Listed, ORIGINS};
use crate::rules::proxy_headers::{doubles, header};
use crate::rules::refused::is_login;
use crate::rules::unknown;
use crate::unit::{ConfigFile, Unit};
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;

/// Each file of another service that has `[cors]`.
pub(crate) fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::Oslo));
    files.flat_map(|file| of_file(cloud, file)).collect()
}

/// Each paste file of another service that has origins.
pub(crate) fn pipelines(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::OsloPaste).map(move |file| (unit, file)));
    files.flat_map(|(unit, file)| of_paste(unit, file)).collect()
}

/// Where a service has origins: in `[cors]` of a unit's files.
fn origins_of(unit: &Unit) -> Option<Location> {
    let found = unit.of_kind(Kind::Oslo).filter_map(|file| {
        let ini = read::parse(&file.text);
        let set = ini.get("cors", ORIGINS).filter(|found| !found.value.trim().is_empty())?;
        Some(file.option(set.line, "[cors] allowed_origin"))
    });
    found.last()
}

fn of_paste(unit: &Unit, file: &ConfigFile) -> Vec<Finding> {
    let Some(origins) = origins_of(unit) else { return Vec::new() };
    let sections = match configparser::read(&file.text) {
        Ok(sections) => sections,
        Err((line, why)) => {
            let found = format!("PasteDeploy refuses the whole file: the line {why}");
            let fix = "correct the line; the service does not start with it";
            return vec![Finding::warning(Rule::NotRead, &file.at(line), found, fix)];
        }
    };
    let paste = Paste::read(&file.text);
    let named = |name: &str| paste.loose(name).unwrap_or_else(|| Filter { name: name.to_owned(), ..Filter::default() });
    let mut findings = Vec::new();
    let loaded = loaded(&sections);
    for (section, option) in loaded.iter().flat_map(|section| section.options.iter().map(move |o| (section, o))) {
        let is_pipeline = section.name.starts_with("pipeline:") && option.name == "pipeline";
        let in_composite = section.name.starts_with("composit") && option.name != "use";
        if !is_pipeline && !in_composite {
            continue;
        }
        let filters: Vec<Filter> = option.value.split_whitespace().map(named).collect();
        let Some(login) = filters.iter().position(Filter::asks_for_token) else { continue };
        let is_cors = |filter: &Filter| filter.is_cors() || (filter.factory.is_empty() && filter.name == "cors");
        let place = file.option(option.line, &format!("[{}] {}", section.name, option.name));
        match filters.iter().position(is_cors) {
            Some(at) if at < login => {}
            Some(_) if filters[login].option("delay_auth_decision").is_some_and(|o| is_true(&o.value)) => {}
            Some(_) => {
                let name = &filters[login].name;
                let found = format!("{name} comes before cors, and refuses each preflight, which has no token");
                findings.push(Finding::warning(Rule::OptionsFiltered, &place, found, "put cors first in the pipeline"));
            }
            None if filters.iter().any(Filter::is_foreign_cors) => {}
            None => {
                let found = format!("no cors filter in the pipeline, so [cors] ({origins}) has no effect");
                let has_filter = sections.iter().any(|section| section.name == "filter:cors");
                let fix = if has_filter { String::new() } else { with_filter(file) };
                let all = option.value.split_whitespace().collect::<Vec<_>>().join(" ");
                let fix = format!("[{}] {} = cors {all}{fix}", section.name, option.name);
                findings.push(Finding::warning(Rule::NoSuchFlavor, &place, found, fix));
            }
        }
    }
    findings
}

/// The sections that the service may load: those to which `main` leads. Without `main`, the service loads others by
/// name, and which ones is not known. (PasteDeploy, `loadapp`; Barbican's file has pipelines for nobody.)
fn loaded(sections: &[Section]) -> Vec<&Section> {
    let name = |section: &'_ Section| section.name.split_once(':').map(|(_, name)| name.trim().to_owned());
    let mut reached = BTreeSet::from(["main".to_owned()]);
    let is_reached =
        |section: &&Section, reached: &BTreeSet<String>| name(section).is_some_and(|n| reached.contains(&n));
    if !sections.iter().any(|section| is_reached(&section, &reached)) {
        return sections.iter().collect();
    }
    loop {
        let here = sections.iter().filter(|section| is_reached(section, &reached));
        let named = here.flat_map(|section| &section.options).flat_map(|option| option.value.split_whitespace());
        let named: BTreeSet<String> = named.map(str::to_owned).collect();
        if named.is_subset(&reached) {
            return sections.iter().filter(|section| is_reached(section, &reached)).collect();
        }
        reached.extend(named);
    }
}

/// The filter, of which an older file may have none.
fn with_filter(file: &ConfigFile) -> String {
    let path = file.path.as_deref().or(file.place.file.as_deref()).unwrap_or(&file.name);
    let project = classify::service_of(path).unwrap_or("THE_SERVICE");
    format!(
        ", and [filter:cors] paste.filter_factory = oslo_middleware.cors:filter_factory, and [filter:cors] oslo_config_project = {project}"
    )
}

/// Web servers in front of a service that has origins: they must leave preflights and answers to it.
pub(crate) fn edges(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (unit, server) in
        cloud.units.iter().flat_map(|unit| OtherServer::find(unit).into_iter().map(move |s| (unit, s)))
    {
        let near = cloud.units.iter().filter(|other| other.scope == unit.scope);
        let mut own = near.filter(|other| other.of_kind(Kind::Oslo).any(|file| is_of(other, file, server.service)));
        if own.find_map(origins_of).is_none() {
            continue;
        }
        findings.extend(server.items.iter().filter_map(|item| at_edge(&server, item)));
    }
    findings.dedup_by(|a, b| a.place == b.place);
    findings
}

fn is_of(unit: &Unit, file: &ConfigFile, service: &str) -> bool {
    let path = file.path.as_deref().or(file.place.file.as_deref()).unwrap_or(&file.name);
    classify::service_of(path).or_else(|| classify::service_of(&unit.name)) == Some(service)
}

fn at_edge(server: &OtherServer<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let service = server.service;
    let leave = format!("remove it: {service}'s own [cors] answers the browser");
    let written = format!("{} {}", item.directive.written, item.directive.text());
    let found = match item.directive.name.as_str() {
        "header" => {
            let (always, action, _) = header(item, ALLOW_ORIGIN)?;
            if doubles(always, &action, false) {
                format!("{written}: a second value in addition to {service}'s own; browsers accept only one")
            } else if action == "unset" && !always {
                format!("{written}: {service}'s answer never reaches the browser")
            } else if action == "set" && !always {
                format!("{written} replaces {service}'s answer by one fixed value for every dashboard")
            } else {
                return None;
            }
        }
        "add_header" if item.directive.word() == ALLOW_ORIGIN => {
            if item.within.iter().any(is_options) {
                format!("{written}: nginx answers preflights instead of {service}")
            } else {
                format!("{written}: a second value in addition to {service}'s own; browsers accept only one")
            }
        }
        "require" | "auth_basic" => return login(server, item),
        _ if server.kind == Kind::Haproxy => return by_haproxy(server, item),
        _ => return None,
    };
    Some(Finding::warning(Rule::CorsOnTheWay, &item.place(), found, leave))
}

/// HAProxy's own answers and headers. What only some requests meet is not judged, unless these are preflights.
fn by_haproxy(server: &OtherServer<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let service = server.service;
    let written = format!("{} {}", item.directive.written, item.directive.text());
    let leave = format!("remove it: {service}'s own [cors] answers the browser");
    let condition = item.directive.args.iter().position(|word| matches!(word.as_str(), "if" | "unless"));
    let of_options = condition.is_some_and(|at| {
        let words = &item.directive.args[at..];
        words[0] == "if"
            && (words[1..] == ["METH_OPTIONS"]
                || words[1..].join(" ").trim_matches(['{', '}', ' ']) == "method OPTIONS")
    });
    if let Some((action, _)) = response_header(item, ALLOW_ORIGIN).filter(|_| condition.is_none()) {
        let removed = server
            .items
            .iter()
            .any(|other| response_header(other, ALLOW_ORIGIN).is_some_and(|(action, _)| action == "del-header"));
        let written_anew = server
            .items
            .iter()
            .any(|other| response_header(other, ALLOW_ORIGIN).is_some_and(|(action, _)| action != "del-header"));
        let found = match action {
            "add-header" if !removed => {
                format!("{written}: a second value in addition to {service}'s own; browsers accept only one")
            }
            "add-header" | "set-header" => {
                format!("{written} replaces {service}'s answer by one fixed value for every dashboard")
            }
            "del-header" if !written_anew => format!("{written}: {service}'s answer never reaches the browser"),
            _ => return None,
        };
        return Some(Finding::warning(Rule::CorsOnTheWay, &item.place(), found, leave));
    }
    if item.directive.name != "http-request" {
        return None;
    }
    let action = item.directive.arg(0).unwrap_or_default();
    match action {
        "auth" if condition.is_none() => {
            let found = "http-request auth also applies to OPTIONS, which has no credentials".to_owned();
            let fix = format!("remove it: {service} checks the token itself");
            Some(Finding::warning(Rule::OptionsFiltered, &item.place(), found, fix))
        }
        "return" | "deny" | "reject" | "tarpit" | "silent-drop" if of_options => {
            let grants = item.directive.text().to_lowercase().contains(ALLOW_ORIGIN);
            let rule = if grants { Rule::CorsOnTheWay } else { Rule::OptionsFiltered };
            let found = format!("{written}: HAProxy answers preflights instead of {service}");
            Some(Finding::warning(rule, &item.place(), found, leave))
        }
        _ => None,
    }
}

/// uWSGI's own headers, in front of a service that has origins.
pub(crate) fn uwsgi(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for unit in cloud.units {
        for file in unit.of_kind(Kind::Uwsgi) {
            let path = file.path.as_deref().or(file.place.file.as_deref()).unwrap_or(&file.name);
            let Some(service) = classify::service_of(path).or_else(|| classify::service_of(&unit.name)) else {
                continue;
            };
            let near = cloud.units.iter().filter(|other| other.scope == unit.scope);
            let mut own = near.filter(|other| other.of_kind(Kind::Oslo).any(|file| is_of(other, file, service)));
            if own.find_map(origins_of).is_none() {
                continue;
            }
            let ini = read::parse(&file.text);
            let adds = |own: &&Assignment| {
                own.name.replace('_', "-") == "add-header" && own.value.to_lowercase().trim().starts_with(ALLOW_ORIGIN)
            };
            findings.extend(ini.assignments.iter().filter(adds).map(|own| {
                let found = format!(
                    "add-header = {}: a second value in addition to {service}'s own; browsers accept only one",
                    own.value
                );
                let fix = format!("remove it: {service}'s own [cors] answers the browser");
                Finding::warning(Rule::CorsOnTheWay, &file.option(own.line, "add-header"), found, fix)
            }));
        }
    }
    findings
}

/// A login that also applies to OPTIONS.
fn login(server: &OtherServer<'_>, item: &ScopedDirective<'_>) -> Option<Finding> {
    let excepts = |block: &Directive| {
        matches!(block.name.as_str(), "limitexcept" | "limit_except")
            && block.args.iter().any(|arg| arg.eq_ignore_ascii_case("OPTIONS"))
    };
    let limited = item.within.iter().any(|block| block.name == "limit");
    let exempt = server.items.iter().any(|other| {
        other.directive.name == "require"
            && other.directive.word() == "method"
            && other.directive.args.iter().any(|arg| arg.eq_ignore_ascii_case("OPTIONS"))
    });
    let asks = match server.kind {
        Kind::Nginx => item.directive.word() != "off",
        _ => is_login(&item.directive.word()) && !exempt,
    };
    (asks && !limited && !item.within.iter().any(excepts)).then(|| {
        let service = server.service;
        let found = format!("{} also applies to OPTIONS, which has no credentials", item.directive.written);
        let fix = format!("remove it: {service} checks the token itself");
        Finding::warning(Rule::OptionsFiltered, &item.place(), found, fix)
    })
}

fn of_file(cloud: &Cloud<'_>, file: &ConfigFile) -> Vec<Finding> {
    let ini = read::parse(&file.text);
    let mut findings = Vec::new();
    if let Some(error) = ini.errors.first() {
        let found = format!("oslo.config refuses the whole file: a line that {}", error.problem);
        let fix = "correct the line; the service does not start with it";
        findings.push(Finding::warning(Rule::NotRead, &file.at(error.line), found, fix));
    }
    // A few other dashboards may use the service; none of the seen ones need it.
    let near = cloud.units.iter().find(|unit| unit.files.iter().any(|other| std::ptr::eq(other, file)));
    let known = near.and_then(|unit| origins::known_origin(cloud, &unit.scope));
    for assignment in &ini.assignments {
        let section = assignment.normalized_section();
        let option = format!("[{}] {}", assignment.section, assignment.name);
        let place = file.option(assignment.line, &option);
        if section == "cors" && assignment.name == "allowed_origin" {
            let setting = setting(file, assignment, &option);
            let items = setting.items();
            let entries: BTreeSet<String> = items.iter().cloned().collect();
            let listed = Listed { option: ORIGINS, items: &items, place: &setting.place };
            let of = |item: &String| origins::entry(item, &entries, &listed, known.as_deref(), Severity::Warning);
            findings.extend(items.iter().filter_map(of));
        } else if section.starts_with("cors.") && assignment.name == "allowed_origin" {
            let found = "a [cors.NAME] group, which services ignore from 2026.1 on";
            let fix = "move its origins into [cors] allowed_origin, separated by commas";
            findings.push(Finding::note(Rule::OldSubgroup, &place, found, fix));
        } else if let Some(found) = unknown::is_unknown(assignment) {
            let fix = "correct its name, or remove it";
            findings.push(Finding::note(Rule::Unknown, &place, found, fix));
        }
    }
    findings
}

fn setting(file: &ConfigFile, assignment: &Assignment, option: &str) -> Setting {
    Setting {
        value: assignment.value.clone(),
        place: file.option(assignment.line, option),
        source: file.called().to_owned(),
        in_paste: false,
        managed: file.managed,
    }
}
