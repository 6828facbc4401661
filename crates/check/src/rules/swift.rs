//! DU001, DU005, DU007, DU017, DU020 in the file of Swift's proxy, which has its own CORS options. No upload depends
//! on it: pages of other dashboards may call it.
//!
//! A test compares what counts with Swift's own proxy (tests/check/rules/swift.rs).

use std::collections::BTreeSet;
use std::path::Path;

use direct_upload_api::{CorsFilter, CorsOption, Rule, SWIFT_ORIGINS, SWIFT_STRICT, Severity};
use direct_upload_core::openstack::swift::is_true as is_flag;
use direct_upload_core::render::configparser::{IniOption, Section, read};
use direct_upload_core::render::swift_proxy::{self, SwiftProxy, is_proxy};

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::paste::Paste;
use crate::finding::{Finding, Location, OptionName};
use crate::rules::origin_list::{self, Listed};
use crate::rules::unknown::distance;
use crate::unit::{ConfigFile, Unit};

/// Each proxy.
pub(crate) fn cors(cloud: &Cloud<'_>) -> Vec<Finding> {
    let of = |unit: &Unit| {
        let known = origin_list::known_origin(cloud, &unit.scope);
        let not_read = unit.of_kind(Kind::Swift).filter_map(not_conf);
        let proxies = proxies(unit);
        not_read.chain(proxies.iter().flat_map(|files| of_proxy(files, known.as_deref()))).collect::<Vec<_>>()
    };
    cloud.units.iter().flat_map(of).collect()
}

/// The files that one proxy reads: one, or those of a folder in the order of their names.
struct Files<'a>(Vec<&'a ConfigFile>);

/// The folder from which a proxy reads all files, if the file is in one.
fn folder(file: &ConfigFile) -> Option<&str> {
    let path = file.path.as_deref().or(file.place.file.as_deref())?;
    path.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| has_extension(folder, "d"))
}

fn is_conf(file: &ConfigFile) -> bool {
    has_extension(&file.name, "conf") && !file.name.starts_with('.')
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|own| own == extension)
}

/// All proxies of a unit. A command may say which file or folder it reads.
fn proxies(unit: &Unit) -> Vec<Files<'_>> {
    let mut proxies: Vec<Files<'_>> = Vec::new();
    for file in unit.of_kind(Kind::Swift).filter(|file| folder(file).is_none() || is_conf(file)) {
        let together = |own: &&mut Files<'_>| folder(file).is_some() && folder(own.0[0]) == folder(file);
        match proxies.iter_mut().find(together) {
            Some(own) => own.0.push(file),
            None => proxies.push(Files(vec![file])),
        }
    }
    let is_started = |own: &Files<'_>| {
        let path = folder(own.0[0]).or(own.0[0].path.as_deref());
        path.is_some_and(|path| {
            unit.commands.iter().any(|(command, _)| command.split_whitespace().any(|word| word == path))
        })
    };
    if proxies.iter().any(is_started) {
        proxies.retain(is_started);
    }
    for own in &mut proxies {
        own.0.sort_by(|a, b| a.name.cmp(&b.name));
    }
    proxies
}

impl Files<'_> {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|file| file.text.as_str())
    }

    /// The file of a line that counts on through all of them, and the line there.
    fn at(&self, line: usize) -> (&ConfigFile, usize) {
        let mut left = line;
        for file in &self.0 {
            let own = file.text.lines().count();
            if left <= own {
                return (file, left);
            }
            left -= own;
        }
        (self.0[0], 1)
    }

    fn place(&self, line: usize, option: impl Into<OptionName>) -> Location {
        let (file, line) = self.at(line);
        file.option(line, option)
    }

    /// A line in words.
    fn shown(&self, line: usize) -> String {
        let (file, line) = self.at(line);
        let number = file.lines.line(line).unwrap_or(line);
        if self.0.len() == 1 { format!("line {number}") } else { format!("{} line {number}", file.name) }
    }
}

/// The proxy leaves out a file of its folder with another name (`read_conf_dir`).
fn not_conf(file: &ConfigFile) -> Option<Finding> {
    let says = read(&file.text)
        .ok()?
        .into_iter()
        .flat_map(|section| section.options)
        .any(|option| option.name == SWIFT_ORIGINS);
    (folder(file).is_some() && !is_conf(file) && says).then(|| {
        let found = format!("Swift's proxy reads only *.conf of this folder, not {}", file.name);
        Finding::warning(Rule::NotRead, &file.at(1), found, "give the file a name that ends in .conf")
    })
}

fn of_proxy(files: &Files<'_>, known: Option<&str>) -> Vec<Finding> {
    let proxy = match SwiftProxy::read_all(files.texts()) {
        Ok(proxy) => proxy,
        Err((line, why)) => {
            let found = format!("Swift's proxy refuses the whole file: the line {why}");
            let fix = "correct the line; the proxy does not start with it";
            let (file, line) = files.at(line);
            return vec![Finding::warning(Rule::NotRead, &file.at(line), found, fix)];
        }
    };
    let mut findings = Vec::new();
    for section in proxy.written() {
        let here = section.options.iter();
        findings.extend(here.filter_map(|option| placed(files, &proxy, section, option)));
    }
    findings.extend(listed(files, &proxy, known));
    findings.extend(strict(files, &proxy));
    findings.extend(login(files, &proxy));
    findings
}

/// An option where the proxy does not read it, or under a name that it does not have.
fn placed(files: &Files<'_>, proxy: &SwiftProxy, section: &Section, option: &IniOption) -> Option<Finding> {
    let place = files.place(option.line, OptionName::in_section(&section.name, &option.name));
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
        let found = format!("[{}] {} replaces it", counts.section, files.shown(counts.line));
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
fn listed(files: &Files<'_>, proxy: &SwiftProxy, known: Option<&str>) -> Vec<Finding> {
    let Some(option) = proxy.option(SWIFT_ORIGINS) else { return Vec::new() };
    let items: Vec<String> = swift_proxy::items(&option.value).map(str::to_owned).collect();
    let entries: BTreeSet<String> = items.iter().cloned().collect();
    let place = files.place(option.line, OptionName::in_section(option.section, SWIFT_ORIGINS));
    let listed = Listed { option: SWIFT_ORIGINS, items: &items, place: &place };
    let of = |item: &String| origin_list::entry(item, &entries, &listed, known, Severity::Warning);
    items.iter().filter_map(of).collect()
}

/// Without the strict mode each site may read what needs no preflight.
fn strict(files: &Files<'_>, proxy: &SwiftProxy) -> Option<Finding> {
    let option = proxy.option(SWIFT_STRICT).filter(|option| !swift_proxy::is_true(&option.value))?;
    let place = files.place(option.line, OptionName::in_section(option.section, SWIFT_STRICT));
    let found = "each web site may read what Swift answers without a token, whatever origins are listed";
    Some(Finding::note(Rule::AnyOrigin, &place, found, "strict_cors_mode = true, which is the default"))
}

/// A preflight has no token, so the token's check must leave it to Swift.
fn login(files: &Files<'_>, proxy: &SwiftProxy) -> Option<Finding> {
    proxy.option(SWIFT_ORIGINS).filter(|option| swift_proxy::items(&option.value).next().is_some())?;
    let pipeline = Paste::read_all(files.texts()).main()?;
    let filter = pipeline.filters.iter().find(|filter| filter.asks_for_token())?;
    let said = filter.option("delay_auth_decision");
    if said.is_some_and(|option| is_flag(&option.value)) {
        return None;
    }
    let line = said.map_or(pipeline.line, |option| option.line);
    let place = files.place(line, OptionName::in_section(format!("filter:{}", filter.name), "delay_auth_decision"));
    let found = format!("{} refuses each preflight, which has no token, before Swift sees it", filter.name);
    let fix = format!("[filter:{}] delay_auth_decision = true", filter.name);
    Some(Finding::warning(Rule::OptionsFiltered, &place, found, fix))
}
