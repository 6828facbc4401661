//! DU001, DU003 to DU007, DU017 in the `[cors]` of other services, DU008 and DU020 in their paste files, DU012 and
//! DU020 in the web servers in front of them. Someone who gave Glance an origin often gave it to them, too, and they
//! read it with the same filter. No upload depends on it.

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::render::configparser::{self, IniOption, Section};
use direct_upload_core::render::oslo::read::{self, Assignment};

use crate::classify::Kind;
use crate::facts::api::{ApiFacts, Setting};
use crate::facts::cloud::Cloud;
use crate::facts::filter::Reading;
use crate::facts::other_servers::OtherServer;
use crate::facts::paste::{Filter, Paste};
use crate::facts::server::ScopedDirective;
use crate::finding::{Finding, Location, OptionName};
use crate::formats::directives::Directive;
use crate::rules::haproxy_header::response_header;
use crate::rules::options::is_options;
use crate::rules::origin_list::{self, Listed, ORIGINS};
use crate::rules::proxy_headers::{doubles, header};
use crate::rules::refused::is_login;
use crate::rules::{headers, reading, unknown};
use crate::unit::{ConfigFile, Unit};
use direct_upload_core::openstack::needed::ALLOW_ORIGIN;

/// `[cors]` of each other service.
pub(crate) fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.apis.iter().flat_map(|api| of_api(cloud, api)).collect()
}

/// The paste file of each other service that has origins.
pub(crate) fn pipelines(cloud: &Cloud<'_>) -> Vec<Finding> {
    let of = |api: &ApiFacts<'_>| api.paste.as_ref().map(|(file, _)| of_paste(api, file)).unwrap_or_default();
    cloud.apis.iter().flat_map(of).collect()
}

/// Where a service has origins.
fn origins_of(api: &ApiFacts<'_>) -> Option<Location> {
    let setting = api.cors_in_effect(ORIGINS)?;
    (!setting.value.trim().is_empty()).then_some(setting.place)
}

/// What it means that a service does not start. Without Keystone nobody logs in, so nobody uploads.
fn down(api: &ApiFacts<'_>) -> Severity {
    if api.project == "keystone" { Severity::Error } else { Severity::Warning }
}

fn of_paste(api: &ApiFacts<'_>, file: &ConfigFile) -> Vec<Finding> {
    let Some(origins) = origins_of(api) else { return Vec::new() };
    let sections = match configparser::read(&file.text) {
        Ok(sections) => sections,
        Err((line, why)) => {
            let found = format!("PasteDeploy refuses the whole file: the line {why}");
            let fix = "correct the line; the service does not start with it";
            return vec![Finding::new(Rule::NotRead, down(api), &file.at(line), found, fix)];
        }
    };
    let pipelines = Pipelines { api, sections: &sections, paste: Paste::read(&file.text) };
    let loaded = loaded(&sections);
    let options = loaded.iter().flat_map(|section| section.options.iter().map(move |option| (*section, option)));
    let mut faults: Vec<(Location, PipelineFault<'_>)> = Vec::new();
    for (section, option) in options.filter(|(section, option)| has_filters(section, option)) {
        let place = file.option(option.line, OptionName::in_section(&section.name, &option.name));
        faults.extend(pipelines.faults(section, option).into_iter().map(|fault| (place.clone(), fault)));
    }
    faults.dedup_by(|(_, a), (_, b)| a == b);
    faults.into_iter().map(|(place, fault)| pipelines.finding(fault, &place, &origins)).collect()
}

/// Whether an option is a list of filters.
fn has_filters(section: &Section, option: &IniOption) -> bool {
    let is_pipeline = section.name.starts_with("pipeline:") && option.name == "pipeline";
    is_pipeline || (section.name.starts_with("composit") && option.name != "use")
}

/// What is wrong with a list of filters.
#[derive(PartialEq)]
enum PipelineFault<'a> {
    /// It names `cors`, and the file has no such section.
    NoSection,
    /// The CORS filter of that name does not find its options.
    NoSource(String),
    /// The filter of that name refuses preflights before the CORS filter answers them.
    LoginFirst(String),
    /// It has no CORS filter.
    NoFilter(&'a Section, &'a IniOption),
}

/// The pipelines of a service's paste file.
struct Pipelines<'a> {
    api: &'a ApiFacts<'a>,
    sections: &'a [Section],
    paste: Paste,
}

impl<'a> Pipelines<'a> {
    fn has_section(&self, name: &str) -> bool {
        self.sections.iter().any(|section| section.name.split_once(':').is_some_and(|(_, own)| own.trim() == name))
    }

    fn filter(&self, name: &str) -> Filter {
        self.paste.loose(name).unwrap_or_else(|| Filter { name: name.to_owned(), ..Filter::default() })
    }

    fn faults(&self, section: &'a Section, option: &'a IniOption) -> Vec<PipelineFault<'a>> {
        let filters: Vec<Filter> = option.value.split_whitespace().map(|name| self.filter(name)).collect();
        let mut faults = Vec::new();
        // If a file lacks several, it is an excerpt.
        let lacking = filters.iter().filter(|filter| !filter.name.contains(':') && !self.has_section(&filter.name));
        if lacking.count() == 1 && !self.has_section("cors") && filters.iter().any(|filter| filter.name == "cors") {
            faults.push(PipelineFault::NoSection);
        }
        let mut sourceless = filters.iter().filter(|filter| filter.is_cors() && filter.lacks_source());
        if let Some(filter) = sourceless.find(|filter| self.has_section(&filter.name)) {
            faults.push(PipelineFault::NoSource(filter.name.clone()));
        }
        faults.extend(self.order(&filters, section, option));
        faults
    }

    /// Whether a preflight reaches the CORS filter before something asks for a token.
    fn order(&self, filters: &[Filter], section: &'a Section, option: &'a IniOption) -> Option<PipelineFault<'a>> {
        let is_cors = |filter: &Filter| filter.is_cors() || (filter.factory.is_empty() && filter.name == "cors");
        let login = filters.iter().position(Filter::asks_for_token)?;
        match filters.iter().position(is_cors) {
            Some(at) if at < login || self.api.is_delayed(&filters[login]) => None,
            Some(_) => Some(PipelineFault::LoginFirst(filters[login].name.clone())),
            None if filters.iter().any(Filter::is_foreign_cors) => None,
            None => Some(PipelineFault::NoFilter(section, option)),
        }
    }

    fn finding(&self, fault: PipelineFault<'_>, place: &Location, origins: &Location) -> Finding {
        let (api, name) = (self.api, self.api.name());
        let stops = |found: String, fix: String| Finding::new(Rule::NoSuchFlavor, down(api), place, found, fix);
        match fault {
            PipelineFault::NoSection => stops(
                format!("cors is in the pipeline, but the file has no [filter:cors]: {name} does not start"),
                format!("add [filter:cors] with {}", filter_options(api.project)),
            ),
            PipelineFault::NoSource(filter) => stops(
                format!(
                    "[filter:{filter}] has neither oslo_config_project nor allowed_origin: the filter raises a TypeError, and {name} does not start"
                ),
                format!("write oslo_config_project = {} in it", api.project),
            ),
            PipelineFault::LoginFirst(filter) => {
                let found = format!("{filter} comes before cors, and refuses each preflight, which has no token");
                Finding::warning(Rule::OptionsFiltered, place, found, "put cors first in the pipeline")
            }
            PipelineFault::NoFilter(section, option) => {
                let found = format!("no cors filter in the pipeline, so [cors] ({origins}) has no effect");
                let options = filter_options(api.project).replace(", ", ", and [filter:cors] ");
                let with_filter =
                    if self.has_section("cors") { String::new() } else { format!(", and [filter:cors] {options}") };
                let all = option.value.split_whitespace().collect::<Vec<_>>().join(" ");
                let fix = format!("[{}] {} = cors {all}{with_filter}", section.name, option.name);
                Finding::warning(Rule::NoSuchFlavor, place, found, fix)
            }
        }
    }
}

/// The filter, of which an older file may have none.
fn filter_options(project: &str) -> String {
    format!("paste.filter_factory = oslo_middleware.cors:filter_factory, oslo_config_project = {project}")
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

/// Web servers in front of a service that has origins: they must leave preflights and answers to it.
pub(crate) fn edges(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (unit, server) in
        cloud.units.iter().flat_map(|unit| OtherServer::find(unit).into_iter().map(move |s| (unit, s)))
    {
        if !has_origins(cloud, unit, server.service) {
            continue;
        }
        findings.extend(server.items.iter().filter_map(|item| at_edge(&server, item)));
    }
    findings.dedup_by(|a, b| a.place == b.place);
    findings
}

/// Whether another service of a unit has origins.
fn has_origins(cloud: &Cloud<'_>, unit: &Unit, service: &str) -> bool {
    let mut own = cloud.apis.iter().filter(|api| api.project == service && api.unit.scope == unit.scope);
    own.any(|api| origins_of(api).is_some())
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
            let Some(service) = unit.other_service(file) else { continue };
            if !has_origins(cloud, unit, service) {
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

fn of_api(cloud: &Cloud<'_>, api: &ApiFacts<'_>) -> Vec<Finding> {
    let mut findings = reading::broken(api, down(api));
    findings.extend(reading::outside(api, Severity::Warning));
    findings.extend(reading::refused_value(cloud, api, down(api)));
    findings.extend(reading::replaced(api, &|_, _| Severity::Warning));
    findings.extend(unknown::names(api, Severity::Warning));
    // A few other dashboards may use the service; none of the seen ones need it.
    let known = origin_list::known_origin(cloud, &api.unit.scope);
    let subgroups = api.subgroups();
    let all: Vec<&Setting> = subgroups.iter().collect();
    let in_effect = api.cors_in_effect(ORIGINS);
    let all = in_effect.iter().chain(all);
    let entries: BTreeSet<String> = all.clone().flat_map(Setting::items).collect();
    for setting in all {
        let items = setting.items();
        let listed = Listed { option: ORIGINS, items: &items, place: &setting.place };
        let of = |item: &String| origin_list::entry(item, &entries, &listed, known.as_deref(), Severity::Warning);
        findings.extend(items.iter().filter_map(of));
    }
    findings.extend(subgroups.iter().map(|setting| {
        let found = "a [cors.NAME] group, which services ignore from 2026.1 on";
        let fix = "move its origins into [cors] allowed_origin, separated by commas";
        Finding::note(Rule::OldSubgroup, &setting.place, found, fix)
    }));
    findings.extend(lists(api));
    findings
}

/// What pages of an allowed origin cannot do.
fn lists(api: &ApiFacts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Reading::Runs(options) = &api.reading else { return findings };
    if options.allowed_origin.is_empty() {
        return findings;
    }
    let name = api.name();
    // Ironic's own filter always allows it (ironic/api/app.py).
    let has_token = |header: &String| header.eq_ignore_ascii_case("X-Auth-Token");
    let lacks_token = api.project != "ironic" && !options.allow_headers.iter().any(has_token);
    if let Some(setting) = api.cors_in_effect("allow_headers").filter(|_| lacks_token) {
        let found = format!(
            "allow_headers lacks X-Auth-Token, which carries the user's token, so pages cannot use {name} (the list replaces {name}'s own; * is not understood)"
        );
        let fix = format!("allow_headers = {}", headers::with_needed(Some(&options.allow_headers), false));
        findings.push(Finding::warning(Rule::HeaderMissing, &setting.place, found, fix).changes("allow_headers"));
    }
    if let Some(setting) = api.cors_in_effect("allow_methods") {
        findings.extend(methods(api, &setting, &options.allow_methods));
    }
    // A page reads the token of its login from there.
    let has_subject = |header: &String| header == "*" || header.eq_ignore_ascii_case("X-Subject-Token");
    if let Some(setting) = api.cors_in_effect("expose_headers").filter(|_| api.project == "keystone")
        && !setting.is_substituted()
        && !setting.items().iter().any(has_subject)
    {
        let listed = setting.items();
        let found = "expose_headers lacks X-Subject-Token, in which Keystone sends the token: pages cannot log in";
        let all: Vec<&str> = listed.iter().map(String::as_str).chain(["X-Subject-Token"]).collect();
        let fix = format!("expose_headers = {}", all.join(","));
        findings.push(Finding::warning(Rule::HeaderMissing, &setting.place, found, fix).changes("expose_headers"));
    }
    findings
}

/// Methods that pages cannot use. Reading is the least that they need; somebody may want no more.
fn methods(api: &ApiFacts<'_>, setting: &Setting, listed: &[String]) -> Option<Finding> {
    let name = api.name();
    let has = |method: &str| listed.iter().any(|own| own == method);
    let own = api.service.map_or(&["GET", "PUT", "POST", "DELETE", "PATCH"][..], |service| service.allow_methods);
    let all = format!("allow_methods = {}", own.join(","));
    let is_wrong =
        |method: &&String| *method == "*" || own.iter().any(|own| method.eq_ignore_ascii_case(own) && method != own);
    let found = match listed.iter().find(is_wrong) {
        Some(wrong) if wrong == "*" => format!("allow_methods holds *, which {name} does not understand"),
        Some(wrong) => format!("allow_methods holds {wrong:?}; methods are compared in upper case"),
        None if !has("GET") => format!("allow_methods lacks GET, so pages cannot read from {name}"),
        None => {
            let lacking: Vec<&str> = own.iter().copied().filter(|method| *method != "HEAD" && !has(method)).collect();
            return (!lacking.is_empty()).then(|| {
                let found =
                    format!("allow_methods lacks {}, which pages then cannot send to {name}", lacking.join(", "));
                let fix = format!("{all} (no change is necessary if pages only read)");
                Finding::note(Rule::MethodMissing, &setting.place, found, fix).changes("allow_methods")
            });
        }
    };
    Some(Finding::warning(Rule::MethodMissing, &setting.place, found, all).changes("allow_methods"))
}
