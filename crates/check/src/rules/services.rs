//! DU001, DU006, DU007, DU017 in the `[cors]` of other services. Someone who gave Glance an origin often
//! gave it to them, too, and they read it with the same filter. No upload depends on it.

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::render::oslo::read::{self, Assignment};

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::glance::Setting;
use crate::finding::Finding;
use crate::rules::{origins, unknown};
use crate::unit::ConfigFile;

/// Each file of another service that has `[cors]`.
pub(crate) fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::Oslo));
    files.flat_map(|file| of_file(cloud, file)).collect()
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
            let of = |item: &String| origins::entry(item, &entries, &setting, known.as_deref(), Severity::Warning);
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
