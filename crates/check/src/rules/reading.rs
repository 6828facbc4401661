//! DU006, DU007: `[cors]` options that have no effect.

use std::collections::BTreeSet;

use direct_upload_api::web::Origin;
use direct_upload_api::{CORS_OPTIONS, CorsOption, Rule, Severity};

use direct_upload_core::model::ResourceKind;
use direct_upload_core::openstack::{GLANCE, OpenStackService, Release};
use direct_upload_core::render::oslo::read::SyntaxError;

use crate::facts::api::{ApiFacts, Conf, Setting};
use crate::facts::cloud::{Cloud, ExposedDashboard};
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::finding::{Field, Finding, OptionName};
use crate::rules::refused;

/// From this release on, `[cors.NAME]` is not read.
pub(crate) const NO_SUBGROUPS: Release = Release::new(2026, 1);

/// DU006: `[cors.NAME]` that is not read.
pub fn subgroups(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        let base = glance.allowed_origins(false);
        for setting in glance.subgroups() {
            let lost: Vec<String> = setting.items().into_iter().filter(|item| !base.contains(item)).collect();
            let severity = match cloud.release_of(glance.unit) {
                Some(release) if release < NO_SUBGROUPS => continue,
                _ if lost.is_empty() => Severity::Note,
                Some(_) => refused(cloud, at),
                None => Severity::Warning,
            };
            findings.push(Finding::new(
                Rule::OldSubgroup,
                severity,
                &setting.place,
                format!("a [cors.NAME] group, ignored from 2026.1 on; its origins: {}", setting.items().join(", ")),
                "move its origins into [cors] allowed_origin, separated by commas",
            ));
        }
    }
    findings
}

fn cors_of(conf: &Conf<'_>, name: &str) -> Option<Setting> {
    let found = conf.ini.get("cors", name)?;
    let place = conf.file.option(found.line, OptionName::in_section("cors", name));
    Some(Setting {
        value: found.value.clone(),
        place,
        source: conf.file.called().to_owned(),
        in_paste: false,
        managed: conf.file.managed,
    })
}

/// Whether `[cors]` is only where nothing reads it, or in a file that does not parse.
pub(crate) fn is_told_elsewhere(glance: &GlanceFacts<'_>) -> bool {
    glance.outside.iter().any(|conf| cors_of(conf, "allowed_origin").is_some())
        || glance.confs.iter().any(|conf| !conf.ini.errors.is_empty())
}

/// DU007: a file that the CORS filter does not read, or that oslo.config refuses.
pub(crate) fn not_read(cloud: &Cloud<'_>) -> Vec<Finding> {
    let glances = cloud.glances.iter().enumerate();
    glances
        .flat_map(|(at, glance)| {
            let severity = if is_needed(cloud, glance) { refused(cloud, at) } else { Severity::Warning };
            outside(glance, severity).into_iter().chain(broken(glance, Severity::Error)).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether a dashboard may need what is only in files that the filter does not read: none of them is known, or one is
/// allowed there alone.
fn is_needed(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> bool {
    let mut near = cloud.dashboards_near(&glance.unit.scope).peekable();
    glance.cors_in_effect("allowed_origin").is_none()
        || near.peek().is_none()
        || near.any(|dashboard| is_lost(glance, dashboard))
}

/// Origins in files that the filter of an API does not read.
pub(crate) fn outside(api: &ApiFacts<'_>, severity: Severity) -> Vec<Finding> {
    let allowed = api.allowed_origins(true);
    let of = |conf: &Conf<'_>| {
        let setting = cors_of(conf, "allowed_origin")?;
        let lost = setting.items().iter().any(|item| !allowed.contains(item));
        let (found, fix) = unread(api, &setting);
        let severity = if lost { severity } else { Severity::Note };
        Some(Finding::new(Rule::NotRead, severity, &setting.place, found, fix))
    };
    api.outside.iter().filter_map(of).collect()
}

/// Files that oslo.config refuses, with which the service does not start.
pub(crate) fn broken(api: &ApiFacts<'_>, severity: Severity) -> Vec<Finding> {
    let name = api.name();
    let of = |conf: &Conf<'_>| {
        let not_utf8 = conf.file.text.lines().position(|line| line.contains(char::REPLACEMENT_CHARACTER)).map(|line| {
            let found = "oslo.config refuses the whole file: it is not UTF-8";
            let fix = format!("save it as UTF-8; {name} does not start with it");
            Finding::new(Rule::NotRead, severity, &conf.file.at(line + 1), found, fix)
        });
        let error = conf.ini.errors.first().map(|error| {
            let found = format!("oslo.config refuses the whole file: a line that {}", error.problem);
            let fix = match error.problem {
                SyntaxError::ByteOrderMark => {
                    format!("save it as UTF-8 without a byte order mark; {name} does not start with it")
                }
                _ => format!("correct the line; {name} does not start with it"),
            };
            Finding::new(Rule::NotRead, severity, &conf.file.at(error.line), found, fix)
        });
        not_utf8.into_iter().chain(error).collect::<Vec<_>>()
    };
    api.confs.iter().flat_map(of).collect()
}

/// Why the filter does not read a file, and what to do.
fn unread(api: &ApiFacts<'_>, setting: &Setting) -> (String, String) {
    let (setup, own) = (&api.filter, api.project);
    let source = &setting.source;
    let section = setup.filter.as_ref().map_or("filter:cors".to_owned(), |filter| format!("filter:{}", filter.name));
    if let Some(file) = &setup.config_file {
        let found = format!(
            "the CORS filter does not read {source}: [{section}] of the paste file says oslo_config_file = {file}"
        );
        return (found, format!("move [cors] to {file}, or remove oslo_config_file from [{section}]"));
    }
    match &setup.project {
        Some(project) if project != own => (
            format!(
                "the CORS filter does not read {source}: [{section}] of the paste file says oslo_config_project = {project}"
            ),
            format!("write oslo_config_project = {own} in [{section}]"),
        ),
        Some(_) if own == GLANCE.project && setup.program != "glance-api" => (
            format!(
                "the CORS filter does not read {source}: its program is {}, as [{section}] of the paste file has it",
                setup.program
            ),
            format!("write oslo_config_program = glance-api in [{section}]"),
        ),
        _ => {
            let main = api.service.map_or_else(|| format!("/etc/{own}/{own}.conf"), OpenStackService::config_file);
            (
                format!(
                    "the CORS filter does not read {source}, also if {} is started with --config-file or --config-dir for it",
                    api.name()
                ),
                format!("move [cors] to {main} or to a file {main}.d/NAME.conf"),
            )
        }
    }
}

/// DU007: a value that the filter's constructor refuses.
pub(crate) fn refused_values(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.glances.iter().filter_map(|glance| refused_value(cloud, glance, Severity::Error)).collect()
}

/// The value with which an API does not start.
pub(crate) fn refused_value(cloud: &Cloud<'_>, api: &ApiFacts<'_>, severity: Severity) -> Option<Finding> {
    let Reading::Refuses(setting, why) = &api.reading else { return None };
    let is_origins = setting.place.field.as_ref().and_then(Field::name) == Some("allowed_origin");
    let known = super::origin_list::known_origin(cloud, &api.unit.scope).filter(|_| is_origins && why.is_of_name());
    let comment = has_comment(&setting.value);
    let cause = if comment { "; a comment after a value is part of the value" } else { "" };
    let found = format!("{why}{cause}: the CORS filter raises an error, and {} does not start", api.name());
    let fix = match (comment, why.is_of_name(), known) {
        (true, ..) => "put the comment on a line of its own".to_owned(),
        (_, _, Some(origin)) => {
            format!("allowed_origin = {origin} (the value itself, instead of the name after the dollar sign)")
        }
        (_, true, None) => "write the value itself, instead of the name after the dollar sign".to_owned(),
        _ => "correct the value, or remove the line".to_owned(),
    };
    Some(Finding::new(Rule::NotRead, severity, &setting.place, found, fix))
}

/// Whether somebody wrote a comment after a value in the same line.
pub(crate) fn has_comment(value: &str) -> bool {
    value.split_whitespace().skip(1).any(|word| word.starts_with(['#', ';']))
}

/// DU007: a later file, or the paste file, overrides what an earlier one allows.
pub fn overridden(cloud: &Cloud<'_>) -> Vec<Finding> {
    let glances = cloud.glances.iter().enumerate();
    glances
        .flat_map(|(at, glance)| {
            let needed = |gone: &[String], kept: &BTreeSet<String>| {
                cloud.dashboards_near(&glance.unit.scope).any(|d| is_lost_from(gone, kept, d))
            };
            let severity = |gone: &[String], kept: &BTreeSet<String>| {
                if needed(gone, kept) { refused(cloud, at) } else { Severity::Warning }
            };
            replaced(glance, &severity)
        })
        .collect()
}

/// What a later file takes from an API. `severity`: of what is gone, and what is kept.
pub(crate) fn replaced(
    api: &ApiFacts<'_>,
    severity: &dyn Fn(&[String], &BTreeSet<String>) -> Severity,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut settings = api.cors("allowed_origin");
    let Some(last) = settings.pop() else { return findings };
    let kept: BTreeSet<String> = last.items().into_iter().collect();
    if kept.contains("*") || last.is_substituted() {
        return findings;
    }
    let kind = api.service.map_or(ResourceKind::OpenStackApi, |service| service.kind);
    for setting in settings {
        // An entry whose form never matches is not lost if its right form stays.
        let is_kept =
            |item: &String| kept.contains(item) || Origin::parse(item).is_ok_and(|o| kept.contains(o.as_str()));
        let gone: Vec<String> = setting.items().into_iter().filter(|item| !is_kept(item)).collect();
        let others = also_lost(api, &setting, &last);
        if gone.is_empty() && (others.is_empty() || !last.managed) {
            continue;
        }
        let severity = severity(&gone, &kept);
        let mut missed: Vec<String> =
            others.iter().map(|(option, value)| format!("{}: {value}", option.name)).collect();
        if !gone.is_empty() {
            missed.insert(0, gone.join(", "));
        }
        let mut field = format!("list {} in spec.cors.allowedOrigins", gone.join(", "));
        if gone.is_empty() {
            field.clear();
        }
        let (by, fix) = if last.managed {
            let fields = others.iter().map(|(option, value)| format!("{} ({value})", option.field));
            let fields: Vec<String> = Some(field).filter(|f| !f.is_empty()).into_iter().chain(fields).collect();
            (
                "the operator's file ",
                format!("{} of the {kind} resource: the operator writes that file again", fields.join(", and set ")),
            )
        } else {
            ("", format!("list all origins in {}, or remove allowed_origin there", last.source))
        };
        let found = format!("{by}{} replaces this value ({}); lost: {}", last.source, last.place, missed.join("; "));
        let finding = Finding::new(Rule::NotRead, severity, &setting.place, found, fix);
        findings.push(if last.managed { finding.changes_resource() } else { finding });
    }
    findings
}

/// What else of the same file the later file overrides: options, and the lost parts of their values.
fn also_lost(api: &ApiFacts<'_>, setting: &Setting, last: &Setting) -> Vec<(&'static CorsOption, String)> {
    let mut missed = Vec::new();
    for option in CORS_OPTIONS.iter().filter(|option| option.name != "allowed_origin") {
        let settings = api.cors(option.name);
        let (Some(own), Some(by)) =
            (settings.iter().find(|s| s.source == setting.source), settings.last().filter(|s| s.source == last.source))
        else {
            continue;
        };
        if option.is_set() {
            let kept: Vec<String> = by.items().iter().map(|item| item.to_lowercase()).collect();
            let gone: Vec<String> =
                own.items().into_iter().filter(|item| !kept.contains(&item.to_lowercase())).collect();
            if !gone.is_empty() {
                missed.push((option, gone.join(", ")));
            }
        } else if own.value.trim().to_lowercase() != by.value.trim().to_lowercase() {
            missed.push((option, own.value.trim().to_owned()));
        }
    }
    missed
}

fn is_lost_from(lost: &[String], kept: &BTreeSet<String>, dashboard: &ExposedDashboard) -> bool {
    let names = |item: &String| match &dashboard.origin {
        Some(origin) => item == origin.as_str(),
        None => item.split("://").nth(1).is_some_and(|rest| rest.split(':').next() == Some(&dashboard.host)),
    };
    lost.iter().any(names) && !kept.iter().any(names)
}

/// Whether an overridden value allows the dashboard's origin.
pub(crate) fn is_lost(glance: &GlanceFacts<'_>, dashboard: &ExposedDashboard) -> bool {
    let mut settings = glance.cors("allowed_origin");
    let Some(last) = settings.pop() else { return false };
    let outside = glance.outside.iter().filter_map(|conf| cors_of(conf, "allowed_origin"));
    let gone: Vec<String> = settings.into_iter().chain(outside).flat_map(|s| s.items()).collect();
    is_lost_from(&gone, &last.items().into_iter().collect(), dashboard)
}
