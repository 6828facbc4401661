//! DU001, DU005, DU007, DU017, DU020 in the file of Swift's proxy, which has its own CORS options. No upload depends
//! on it: pages of other dashboards may call it.
//!
//! A test compares what counts with Swift's own proxy (tests/check/rules/swift.rs).

use std::collections::BTreeSet;

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::swift::is_true as is_flag;
use direct_upload_core::openstack::{CorsFilter, CorsOption, SWIFT_ORIGINS, SWIFT_STRICT};
use direct_upload_core::render::configparser::{IniOption, Section};
use direct_upload_core::render::swift_proxy::{self, SwiftProxy, is_proxy};

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::paste::Paste;
use crate::finding::Finding;
use crate::rules::origins::{self, Listed};
use crate::rules::unknown::distance;
use crate::unit::ConfigFile;

/// Each file of a proxy.
pub(crate) fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let files = cloud.units.iter().flat_map(|unit| unit.of_kind(Kind::Swift).map(move |file| (unit, file)));
    files.flat_map(|(unit, file)| of_file(file, origins::known_origin(cloud, &unit.scope).as_deref())).collect()
}

fn of_file(file: &ConfigFile, known: Option<&str>) -> Vec<Finding> {
    let proxy = match SwiftProxy::read(&file.text) {
        Ok(proxy) => proxy,
        Err((line, why)) => {
            let found = format!("Swift's proxy refuses the whole file: the line {why}");
            let fix = "correct the line; the proxy does not start with it";
            return vec![Finding::warning(Rule::NotRead, &file.at(line), found, fix)];
        }
    };
    let mut findings = Vec::new();
    for section in proxy.sections() {
        let here = section.options.iter();
        findings.extend(here.filter_map(|option| placed(file, &proxy, section, option)));
    }
    findings.extend(listed(file, &proxy, known));
    findings.extend(strict(file, &proxy));
    findings.extend(login(file, &proxy));
    findings
}

fn place(file: &ConfigFile, section: &str, option: &IniOption) -> crate::finding::Location {
    file.option(option.line, &format!("[{section}] {}", option.name))
}

/// An option where the proxy does not read it, or under a name that it does not have.
fn placed(file: &ConfigFile, proxy: &SwiftProxy, section: &Section, option: &IniOption) -> Option<Finding> {
    let place = place(file, &section.name, option);
    let name = option.name.strip_prefix("set ").map_or(option.name.as_str(), str::trim);
    let named = CorsFilter::option(CorsFilter::Swift.section(), name).filter(|option| is_swifts(option));
    let Some(named) = named else {
        let meant = meant(&section.name, name)?;
        let found = if section.name.eq_ignore_ascii_case("cors") {
            format!("Swift's proxy does not read [{}]", section.name)
        } else {
            format!("Swift's proxy has no option {name}")
        };
        let fix = format!("write {meant} in [DEFAULT]");
        return Some(Finding::warning(Rule::Unknown, &place, found, fix));
    };
    let in_default = section.name == CorsFilter::Swift.section();
    if !in_default && !is_proxy(section) {
        let found = format!("{name} is in [{}], where Swift's proxy does not read it", section.name);
        let fix = format!("[DEFAULT] {name} = {} (instead of this line)", option.value);
        return Some(Finding::warning(Rule::NotRead, &place, found, fix));
    }
    let counts = proxy.option(named.name)?;
    (counts.line != option.line).then(|| {
        let found =
            format!("[{}] line {} replaces it", counts.section, file.lines.line(counts.line).unwrap_or(counts.line));
        Finding::warning(Rule::NotRead, &place, found, "remove it, or the line that replaces it")
    })
}

fn is_swifts(option: &CorsOption) -> bool {
    CorsFilter::Swift.options().iter().any(|own| own.name == option.name)
}

/// The option that a person meant: of oslo.middleware's filter, or nearly Swift's own.
fn meant(section: &str, name: &str) -> Option<&'static str> {
    let plain = name.to_lowercase().replace('-', "_");
    let own = CorsFilter::Swift.options().iter();
    let near = own.map(|option| (distance(&plain, option.name), option.name)).min();
    let is_cors = section.eq_ignore_ascii_case("cors");
    match plain.as_str() {
        "allowed_origin"
        | "allowed_origins"
        | "allow_origin"
        | "allow_origins"
        | "cors_allowed_origin"
        | "cors_allowed_origins" => Some(SWIFT_ORIGINS),
        "expose_headers" | "exposed_headers" => Some("cors_expose_headers"),
        _ => near.filter(|(far, _)| *far <= 2).map(|(_, name)| name),
    }
    .or_else(|| (is_cors && plain.contains("origin")).then_some(SWIFT_ORIGINS))
}

/// The origins that count.
fn listed(file: &ConfigFile, proxy: &SwiftProxy, known: Option<&str>) -> Vec<Finding> {
    let Some(option) = proxy.option(SWIFT_ORIGINS) else { return Vec::new() };
    let items: Vec<String> = swift_proxy::items(&option.value).map(str::to_owned).collect();
    let entries: BTreeSet<String> = items.iter().cloned().collect();
    let place = file.option(option.line, &format!("[{}] {SWIFT_ORIGINS}", option.section));
    let listed = Listed { option: SWIFT_ORIGINS, items: &items, place: &place };
    let of = |item: &String| origins::entry(item, &entries, &listed, known, Severity::Warning);
    items.iter().filter_map(of).collect()
}

/// Without the strict mode each site may read what needs no preflight.
fn strict(file: &ConfigFile, proxy: &SwiftProxy) -> Option<Finding> {
    let option = proxy.option(SWIFT_STRICT).filter(|option| !swift_proxy::is_true(&option.value))?;
    let place = file.option(option.line, &format!("[{}] {SWIFT_STRICT}", option.section));
    let found = "each web site may read what Swift answers without a token, whatever origins are listed";
    Some(Finding::note(Rule::AnyOrigin, &place, found, "strict_cors_mode = true, which is the default"))
}

/// A preflight has no token, so the token's check must leave it to Swift.
fn login(file: &ConfigFile, proxy: &SwiftProxy) -> Option<Finding> {
    proxy.option(SWIFT_ORIGINS).filter(|option| swift_proxy::items(&option.value).next().is_some())?;
    let pipeline = Paste::read(&file.text).main()?;
    let filter = pipeline.filters.iter().find(|filter| filter.asks_for_token())?;
    let said = filter.option("delay_auth_decision");
    if said.is_some_and(|option| is_flag(&option.value)) {
        return None;
    }
    let line = said.map_or(pipeline.line, |option| option.line);
    let place = file.option(line, &format!("[filter:{}] delay_auth_decision", filter.name));
    let found = format!("{} refuses each preflight, which has no token, before Swift sees it", filter.name);
    let fix = format!("[filter:{}] delay_auth_decision = true", filter.name);
    Some(Finding::warning(Rule::OptionsFiltered, &place, found, fix))
}
