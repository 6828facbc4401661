//! DU027: images that Glance splits into segments for its Swift store.
//!
//! A browser announces an upload's size, so glance_store announces the size of each segment, and with some releases a
//! wrong one of the last (`add` in `glance_store/_drivers/swift/store.py`; docs/swift.md has the measurements).
//! `swift_buffer_on_upload` changes nothing of it. Horizon's legacy mode announces no size (`_chunk_body` in
//! `glanceclient/common/http.py`), and works.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;
use direct_upload_core::openstack::swift::{
    LARGE_OBJECT_SIZE, MAX_FILE_SIZE, SPLITS_WRONGLY, Segmented, segmented, splits_wrongly,
};

use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::finding::{Finding, Location};

/// The first release whose stores share options in `[backend_defaults]`.
const SHARING: Release = Release::new(2026, 1);

/// Glance's default of `image_size_cap` (`glance/common/config.py`): 1 TiB.
const CAP: u64 = 1 << 40;

/// The default store splits no image that users may upload.
pub(crate) fn segments(cloud: &Cloud<'_>) -> Vec<Finding> {
    let glances = cloud.glances.iter().enumerate();
    glances.flat_map(|(at, glance)| of_glance(cloud, at, glance)).collect()
}

fn of_glance(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> Vec<Finding> {
    let release = cloud.release_of(glance.unit);
    let faulty = splits_wrongly(release);
    if faulty == Some(false) {
        return Vec::new();
    }
    let option = |section: &str, name: &str| glance.option(section, name).map(|setting| setting.value);
    let stores = segmented(option, release.is_none_or(|release| release >= SHARING));
    let cap = option("DEFAULT", "image_size_cap").and_then(|cap| cap.trim().parse().ok()).unwrap_or(CAP);
    let largest = cap.min(cloud.largest_of(at));
    let severity = severity(cloud, at, faulty.is_some());
    stores.iter().filter_map(|store| of_store(glance, store, largest, severity)).collect()
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

fn of_store(glance: &GlanceFacts<'_>, store: &Segmented, largest: u64, severity: Severity) -> Option<Finding> {
    let (place, managed) = place(glance, store)?;
    let name = &store.name;
    if store.bytes() > largest {
        return one_request(store, largest, &place);
    }
    let severity = if store.certain { severity } else { severity.max(Severity::Warning) };
    let mode = match severity {
        Severity::Note => "in direct mode, ",
        _ => "",
    };
    let found = format!(
        "[{name}] is a Swift store, in which {SPLITS_WRONGLY} fail at the last segment of an image: {mode}uploads from {} bytes on end with 500",
        store.bytes()
    );
    let size = Segmented::above(largest);
    let swift = match Segmented::max_file_size(size) {
        bytes if bytes > MAX_FILE_SIZE => format!(
            " (first set [swift-constraints] max_file_size = {bytes} in swift.conf of Swift, or rgw_max_put_size = {bytes} of Ceph)"
        ),
        _ => String::new(),
    };
    Some(if managed {
        let fix =
            format!("set largeObjectSize: {size} for the store {name} in spec.swift of the Glance resource{swift}");
        Finding::new(Rule::SwiftSegments, severity, &place, found, fix).changes_resource()
    } else {
        let group = store.set_in.as_ref().unwrap_or(name);
        let fix = format!("[{group}] {LARGE_OBJECT_SIZE} = {size}{swift}");
        Finding::new(Rule::SwiftSegments, severity, &place, found, fix)
    })
}

/// Images that Swift accepts in one request only if its own limit was raised, too.
fn one_request(store: &Segmented, largest: u64, place: &Location) -> Option<Finding> {
    (largest > MAX_FILE_SIZE).then(|| {
        let bytes = Segmented::max_file_size(store.megabytes);
        let found = format!(
            "[{}] sends images of up to {bytes} bytes in one request, and Swift refuses more than {MAX_FILE_SIZE} by default",
            store.name
        );
        let fix = format!(
            "[swift-constraints] max_file_size = {bytes} in swift.conf of Swift, or rgw_max_put_size = {bytes} of Ceph"
        );
        Finding::note(Rule::SwiftSegments, place, found, fix)
    })
}

/// Where the option is set, or where it belongs; and whether the operator writes that file.
fn place(glance: &GlanceFacts<'_>, store: &Segmented) -> Option<(Location, bool)> {
    if let Some(set) = store.set_in.as_deref().and_then(|group| glance.option(group, LARGE_OBJECT_SIZE)) {
        return Some((set.place, set.managed));
    }
    let own = glance.users_section(&store.name, LARGE_OBJECT_SIZE);
    let backends = || {
        let place = glance.option("DEFAULT", "enabled_backends")?.place;
        let here = format!("[{}] {LARGE_OBJECT_SIZE}", store.name);
        let field = place.field.as_deref().unwrap_or_default().replace("[DEFAULT] enabled_backends", &here);
        Some(place.field(field))
    };
    own.or_else(backends).map(|place| (place, false))
}
