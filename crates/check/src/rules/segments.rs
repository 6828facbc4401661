//! DU027: images that Glance splits into segments for its Swift store.
//!
//! A browser announces an upload's size, so glance_store announces the size of each segment, and with some releases a
//! wrong one of the last (`add` in `glance_store/_drivers/swift/store.py`; docs/swift.md has the measurements).
//! `swift_buffer_on_upload` changes nothing of it. Horizon's legacy mode announces no size (`_chunk_body` in
//! `glanceclient/common/http.py`), and works.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;
use direct_upload_core::openstack::swift::{
    LARGE_OBJECT_SIZE, MAX_FILE_SIZE, SPLITS_WRONGLY, Segmented, Takes, segmented, splits_wrongly,
};
use direct_upload_core::render::configparser;

use crate::classify::Kind;
use crate::facts::cloud::{Cloud, shared};
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::finding::{Finding, Location, OptionName};
use crate::unit::Unit;

/// The first release whose stores share options in `[backend_defaults]`.
pub(super) const SHARING: Release = Release::new(2026, 1);

/// Glance's default of `image_size_cap` (`glance/common/config.py`): 1 TiB.
const CAP: u64 = 1 << 40;

/// No store splits an image that users may upload, or sends one that Swift refuses.
pub(crate) fn segments(cloud: &Cloud<'_>) -> Vec<Finding> {
    let glances = cloud.glances.iter().enumerate();
    once(glances.flat_map(|(at, glance)| of_glance(cloud, at, glance)))
}

/// The same of several Glances, as of each controller of a cloud, is one finding, with the other places.
fn once(all: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<(Finding, Vec<String>)> = Vec::new();
    for finding in all {
        let same = |other: &(Finding, Vec<String>)| {
            (&other.0.found, other.0.severity, &other.0.fix) == (&finding.found, finding.severity, &finding.fix)
        };
        match findings.iter_mut().find(|other| same(other)) {
            Some((_, others)) => others.push(finding.place.to_string()),
            None => findings.push((finding, Vec::new())),
        }
    }
    let told = |(mut finding, others): (Finding, Vec<String>)| {
        if !others.is_empty() {
            finding.found = format!("{} (also {})", finding.found, others.join(", "));
        }
        finding
    };
    findings.into_iter().map(told).collect()
}

fn of_glance(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> Vec<Finding> {
    let release = cloud.release_of(glance.unit);
    let faulty = splits_wrongly(release);
    let option = |section: &str, name: &str| glance.option(section, name).map(|setting| setting.value);
    let stores = segmented(option, release.is_none_or(|release| release >= SHARING));
    let cap = option("DEFAULT", "image_size_cap").and_then(|cap| cap.trim().parse().ok()).unwrap_or(CAP);
    let largest = cap.min(cloud.largest_of(at));
    let limit = limit(cloud, glance);
    let of = |store: &Segmented| {
        let severity = |is_known| match store.takes {
            Takes::Uploads => severity(cloud, at, is_known),
            Takes::Perhaps => severity(cloud, at, is_known).max(Severity::Warning),
            Takes::Named => Severity::Note,
        };
        let refused = one_request(glance, store, largest, limit.as_ref(), severity(true), faulty != Some(false));
        let splits = store.bytes() <= largest && faulty != Some(false);
        let is_certain = store.takes != Takes::Named || faulty.is_some();
        let split = || split(glance, store, largest, limit.as_ref(), severity(faulty.is_some()));
        refused.into_iter().chain((splits && is_certain).then(split).flatten()).collect::<Vec<_>>()
    };
    stores.iter().flat_map(of).collect()
}

/// What it means for uploads from dashboards.
fn severity(cloud: &Cloud<'_>, glance: usize, is_known: bool) -> Severity {
    let modes: Vec<Mode> = cloud.horizons_of(glance).map(HorizonFacts::mode).collect();
    match () {
        () if modes.contains(&Mode::Direct) && is_known => Severity::Error,
        () if !modes.is_empty() && modes.iter().all(|mode| matches!(mode, Mode::Legacy | Mode::Off)) => Severity::Note,
        () => Severity::Warning,
    }
}

/// The size of an object that Swift accepts, from its `swift.conf` near Glance.
fn limit(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<(u64, Location)> {
    let scope = &glance.unit.scope;
    let near = |unit: &&Unit| unit.scope == *scope || shared(&unit.scope, scope) > 0;
    let files = cloud.units.iter().filter(near).flat_map(|unit| unit.of_kind(Kind::SwiftConf));
    let stated = files.filter_map(|file| {
        let sections = configparser::read(&file.text).ok()?;
        let own = sections.iter().find(|section| section.name == CONSTRAINTS)?.get("max_file_size")?;
        Some((own.value.parse().ok()?, file.option(own.line, OptionName::in_section(CONSTRAINTS, "max_file_size"))))
    });
    stated.last()
}

/// The section of `swift.conf` (`swift/common/constraints.py`).
const CONSTRAINTS: &str = "swift-constraints";

/// Which uploads are meant, in words.
fn whose(store: &Segmented, severity: Severity) -> &'static str {
    match (store.takes, severity) {
        (Takes::Named, _) => "if somebody names this store, ",
        (_, Severity::Note) => "in direct mode, ",
        _ => "",
    }
}

fn split(
    glance: &GlanceFacts<'_>,
    store: &Segmented,
    largest: u64,
    limit: Option<&(u64, Location)>,
    severity: Severity,
) -> Option<Finding> {
    let (place, managed) = place(glance, store)?;
    let name = &store.name;
    let found = format!(
        "[{name}] is a Swift store, in which {SPLITS_WRONGLY} fail at the last segment of an image: {}uploads from {} bytes on end with 500",
        whose(store, severity),
        store.bytes()
    );
    let size = Segmented::above(largest);
    let swift = match Segmented::max_file_size(size) {
        bytes if bytes > limit.map_or(MAX_FILE_SIZE, |(limit, _)| *limit) => format!(
            " (first set [{CONSTRAINTS}] max_file_size = {bytes} in swift.conf of Swift, or rgw_max_put_size = {bytes} of Ceph)"
        ),
        _ => String::new(),
    };
    let fix = if managed {
        format!("set largeObjectSize: {size} for the store {name} in spec.swift of the Glance resource{swift}")
    } else {
        let group = store.set_in.as_ref().unwrap_or(name);
        format!("[{group}] {LARGE_OBJECT_SIZE} = {size}{swift}")
    };
    let finding = Finding::new(Rule::SwiftSegments, severity, &place, found, fix);
    Some(if managed { finding.changes_resource() } else { finding })
}

/// Images that Swift accepts in one request only if its own limit is high enough. Without Swift's file, its default is
/// a guess.
fn one_request(
    glance: &GlanceFacts<'_>,
    store: &Segmented,
    largest: u64,
    limit: Option<&(u64, Location)>,
    severity: Severity,
    may_split: bool,
) -> Option<Finding> {
    let bytes = Segmented::max_file_size(store.megabytes);
    let one = largest.min(bytes);
    let Some((limit, swifts)) = limit else {
        let (place, _) = place(glance, store)?;
        return (may_split && bytes > largest && largest > MAX_FILE_SIZE).then(|| {
            let found = format!(
                "[{}] sends images of up to {bytes} bytes in one request, and Swift refuses more than {MAX_FILE_SIZE} by default",
                store.name
            );
            let fix = format!(
                "[{CONSTRAINTS}] max_file_size = {bytes} in swift.conf of Swift, or rgw_max_put_size = {bytes} of Ceph"
            );
            Finding::note(Rule::SwiftSegments, &place, found, fix)
        });
    };
    (one > *limit).then(|| {
        let found = format!(
            "Swift refuses objects above {limit} bytes, and [{}] sends images of up to {one} bytes in one request: {}larger uploads fail",
            store.name,
            whose(store, severity)
        );
        let fix = format!("[{CONSTRAINTS}] max_file_size = {bytes}");
        Finding::new(Rule::SwiftSegments, severity, swifts, found, fix)
    })
}

/// Where the option is set, or where it belongs; and whether the operator writes that file.
fn place(glance: &GlanceFacts<'_>, store: &Segmented) -> Option<(Location, bool)> {
    if let Some(set) = store.set_in.as_deref().and_then(|group| glance.option(group, LARGE_OBJECT_SIZE)) {
        return Some((set.place, set.managed));
    }
    let own = glance.users_section(&store.name, LARGE_OBJECT_SIZE);
    let backends = || {
        const BACKENDS: (&str, &str) = ("DEFAULT", "enabled_backends");
        let place = glance.option(BACKENDS.0, BACKENDS.1)?.place;
        let mut field = place.field.clone().unwrap_or_default();
        if field.option == Some(OptionName::in_section(BACKENDS.0, BACKENDS.1)) {
            field.option = Some(OptionName::in_section(&store.name, LARGE_OBJECT_SIZE));
        }
        Some(place.field(field))
    };
    own.or_else(backends).map(|place| (place, false))
}
