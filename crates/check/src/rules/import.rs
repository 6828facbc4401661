//! DU019, DU021, DU026: stores and imports.

use direct_upload_api::{Rule, Severity};
use direct_upload_core::openstack::Release;
use direct_upload_core::openstack::swift::{
    LARGE_OBJECT_SIZE, MultiTenant, Segmented, is_true, multi_tenant, no_sizes, unbuffered, unreferenced,
};
use direct_upload_core::render::oslo::read;

use crate::classify::Kind;
use crate::facts::api::Setting;
use crate::facts::cloud::{Cloud, shared};
use crate::facts::glance::GlanceFacts;
use crate::facts::horizon::{HorizonFacts, Mode};
use crate::finding::{Finding, Location, OptionName};
use crate::rules::segments::SHARING;
use crate::unit::Unit;

/// The first release whose glance_store reads Swift's options raw from a store's own group.
const RAW: Release = Release::new(2026, 1);

/// DU026: the default store must be there, and take images.
pub fn store(cloud: &Cloud<'_>) -> Vec<Finding> {
    let glances = cloud.glances.iter().enumerate();
    glances.flat_map(|(at, glance)| sizes_of(cloud, at, glance).into_iter().chain(store_of(glance))).collect()
}

/// Sizes with which Glance does not start.
fn sizes_of(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> Vec<Finding> {
    let shared = cloud.release_of(glance.unit).is_none_or(|release| release >= SHARING);
    let wrong = no_sizes(|group, name| glance.option(group, name).map(|setting| setting.value), shared);
    let of = |(group, name, value): (String, &str, String)| {
        let found = format!("{name} = {value} is not a whole number above 0: Glance does not start");
        let size = if name == LARGE_OBJECT_SIZE { Segmented::above(cloud.largest_of(at)) } else { 200 };
        let fix = format!("[{group}] {name} = {size} (in units of 1024000 bytes)");
        Some(Finding::error(Rule::NoStore, &glance.option(&group, name)?.place, found, fix))
    };
    wrong.into_iter().filter_map(of).collect()
}

fn store_of(glance: &GlanceFacts<'_>) -> Option<Finding> {
    if !glance.is_whole() {
        return None;
    }
    let error =
        |setting: &Setting, found: String, fix: &str| Some(Finding::error(Rule::NoStore, &setting.place, found, fix));
    let reads_only = |name: &str, kind: &str| {
        format!("{name} is of type {kind}, which only reads: Glance answers each upload with 410")
    };
    let written = |section: &str, name: &str| {
        glance.option(section, name).filter(|setting| !setting.value.trim().is_empty() && !setting.value.contains('$'))
    };
    let another = "make a store of another type the default one, for example of type file";
    let Some(backends) = written("DEFAULT", "enabled_backends") else {
        let own = written("glance_store", "default_store")?;
        let kind = own.value.trim();
        if kind.starts_with("http") {
            return error(&own, reads_only("the default store", kind), another);
        }
        // glance_store, `verify_default_store`. Other types have more names than one.
        let stores = written("glance_store", "stores").filter(|_| matches!(kind, "file" | "rbd" | "cinder"))?;
        let names: Vec<&str> =
            stores.value.split(',').map(|name| name.trim().trim_matches(['[', ']', '\'', '"'])).collect();
        let is_there = names.iter().any(|name| *name == kind || name.contains(['.', '$']) || *name == "filesystem");
        return if is_there {
            None
        } else {
            let found = format!("no enabled store is of type {kind} ({}): Glance does not start", stores.place);
            error(&stores, found, &format!("[glance_store] stores = {},{kind}", names.join(",")))
        };
    };
    let stores: Vec<(&str, &str)> =
        backends.value.split(',').filter_map(|store| store.trim().split_once(':')).collect();
    // Without one Glance does not start, so a file that lacks it is an excerpt.
    let default = written("glance_store", "default_backend")?;
    let name = default.value.trim();
    match stores.iter().find(|(own, _)| own.trim() == name) {
        Some((_, kind)) if kind.trim() == "http" => error(&default, reads_only(&format!("[{name}]"), "http"), another),
        Some(_) => None,
        None => {
            let found = format!("no enabled store has the name {name} ({}): Glance does not start", backends.place);
            let first = stores.first()?.0.trim();
            error(&default, found, &format!("[glance_store] default_backend = {first}"))
        }
    }
}

/// DU019: re-authentication of the Swift store.
pub fn swift(cloud: &Cloud<'_>) -> Vec<Finding> {
    cloud.glances.iter().flat_map(|glance| swift_of(cloud, glance)).collect()
}

/// How long Keystone's tokens live, where its own file is seen near Glance.
fn lifetime(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<(u64, Location)> {
    let scope = &glance.unit.scope;
    let near = |unit: &&Unit| unit.scope == *scope || shared(&unit.scope, scope) > 0;
    let files = cloud.units.iter().filter(near).flat_map(|unit| unit.of_kind(Kind::Oslo));
    let stated = files.filter_map(|file| {
        let ini = read::parse(&file.text);
        let found = ini.get("token", "expiration")?;
        Some((found.value.trim().parse().ok()?, file.option(found.line, OptionName::in_section("token", "expiration"))))
    });
    stated.last()
}

/// What a token's lifetime does to long uploads. Keystone looks at the token when an upload starts; only a multi-tenant
/// store uses it again (docs/swift.md).
fn outlived(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, group: &str, renews: bool) -> Option<Finding> {
    let (seconds, place) = lifetime(cloud, glance)?;
    if !renews {
        let found = format!(
            "a token lives {seconds} s, and the Swift store [{group}] does not renew it: an upload that takes longer fails with 401"
        );
        let fix = format!(
            "turn re-authentication on in [{group}]; a longer lifetime applies to every token of every service (docs/swift.md)"
        );
        return Some(Finding::note(Rule::SwiftExpiry, &place, found, fix));
    }
    (seconds < LIFETIME).then(|| {
        let found = format!(
            "a token lives {seconds} s, less than by default: Glance answers a longer upload to the Swift store [{group}] with 500, although the image is complete"
        );
        Finding::note(Rule::SwiftExpiry, &place, found, format!("[token] expiration = {LIFETIME}, which is the default"))
    })
}

/// Keystone's default of `[token] expiration` (`keystone/conf/token.py`).
const LIFETIME: u64 = 3600;

fn swift_of(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Vec<Finding> {
    let said = |group: &str, name: &str| glance.option(group, name).map(|setting| setting.value);
    let expiring = multi_tenant(said).into_iter().flat_map(|store| renewal(cloud, glance, &store));
    let full = unbuffered(said).into_iter().filter_map(|group| no_buffer(glance, &group));
    let lost = unreferenced(said).into_iter().filter_map(|group| no_reference(cloud, glance, &group));
    expiring.chain(full).chain(lost).collect()
}

/// Whether a multi-tenant store continues when the token of an upload expires.
fn renewal(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, store: &MultiTenant) -> Vec<Finding> {
    let group = store.name.as_str();
    let option = |name: &str| glance.option(group, name);
    let Some(multi) = option("swift_store_multi_tenant") else { return Vec::new() };
    let renews = store.trusts != Some(false) && (store.unsaid().is_none() || raw(cloud, glance).is_none());
    let expired = outlived(cloud, glance, group, renews);
    let buffers = |setting: &Setting| !renews && is_true(&setting.value);
    let buffered = option("swift_buffer_on_upload").filter(buffers).map(|buffer| {
        let found =
            format!("[{group}] sends a segment again with the same token, which Swift refuses once it has expired");
        let fix = format!("turn re-authentication on in [{group}]: buffering does not replace it (docs/swift.md)");
        Finding::note(Rule::SwiftExpiry, &buffer.place, found, fix)
    });
    let contradicts = option("swift_store_config_file").filter(|_| store.config_file).map(|file| {
        let found = format!(
            "[{group}] has swift_store_config_file and swift_store_multi_tenant ({}), which exclude each other: the store is not set up",
            multi.place
        );
        Finding::error(Rule::SwiftExpiry, &file.place, found, "remove one of the two")
    });
    let findings = expired.into_iter().chain(buffered).chain(contradicts);
    findings.chain(no_trusts(cloud, glance, store, &multi)).collect()
}

/// A multi-tenant store that does not authenticate again: it must not, or nothing says that it may.
fn no_trusts(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, store: &MultiTenant, multi: &Setting) -> Option<Finding> {
    let group = store.name.as_str();
    let all = format!("write in [{group}]: {ALL_FOR_TRUSTS}");
    if let Some(off) = glance.option(group, "swift_store_use_trusts").filter(|_| store.trusts == Some(false)) {
        let found = "without trusts an upload that outlasts its token fails with 401";
        let fix = raw(cloud, glance).map_or_else(|| "swift_store_use_trusts = True".to_owned(), |_| all);
        return Some(Finding::warning(Rule::SwiftExpiry, &off.place, found, fix));
    }
    let (option, severity) = (store.unsaid()?, raw(cloud, glance)?);
    let found = format!(
        "[{group}] does not set {option}; glance_store 5.4.0 to 5.7.0 (2026.1) then ignore its default and do not re-authenticate"
    );
    let fix = format!("list {group} in spec.swift of the Glance resource, or {all}");
    Some(Finding::new(Rule::SwiftExpiry, severity, &multi.place, found, fix))
}

/// What a multi-tenant store needs where its defaults are not read.
const ALL_FOR_TRUSTS: &str = "swift_store_use_trusts = True, default_swift_reference = ref1, swift_store_expire_soon_interval = 60, swift_store_retry_get_count = 0";

/// A store that buffers uploads without a folder for them.
fn no_buffer(glance: &GlanceFacts<'_>, group: &str) -> Option<Finding> {
    let buffer = glance.option(group, "swift_buffer_on_upload")?;
    let found = format!("[{group}] buffers uploads and does not say swift_upload_buffer_dir: the store is not set up");
    let fix = format!(
        "[{group}] swift_upload_buffer_dir = a folder with space for one segment of each upload in progress; or remove swift_buffer_on_upload, which does not help when the token has expired"
    );
    Some(Finding::error(Rule::SwiftExpiry, &buffer.place, found, fix))
}

/// A store that does not say under which name its credentials are.
fn no_reference(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>, group: &str) -> Option<Finding> {
    let (file, severity) = (glance.option(group, "swift_store_config_file")?, raw(cloud, glance)?);
    let found = format!(
        "[{group}] does not set default_swift_reference; glance_store 5.4.0 to 5.7.0 (2026.1) then ignore its default and store images that Glance cannot find again"
    );
    let fix =
        format!("[{group}] default_swift_reference = ref1 (the name of its credentials in {})", file.value.trim());
    Some(Finding::new(Rule::SwiftExpiry, severity, &file.place, found, fix))
}

/// The severity of relying on the defaults of a store's own group; none before they were read raw.
fn raw(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<Severity> {
    match cloud.release_of(glance.unit) {
        Some(release) if release < RAW => None,
        Some(_) => Some(Severity::Error),
        None => Some(Severity::Warning),
    }
}

/// DU021: plugins that direct uploads bypass.
pub(crate) fn bypassed(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, glance) in cloud.glances.iter().enumerate() {
        if !cloud.horizons_of(at).any(|h: &HorizonFacts<'_>| h.mode() == Mode::Direct) {
            continue;
        }
        let Some(setting) = glance.option("image_import_opts", "image_import_plugins") else { continue };
        let plugins = setting.value.split(|c: char| c.is_whitespace() || "[],'\"".contains(c));
        let named: Vec<&str> = plugins.filter(|plugin| !matches!(*plugin, "" | "no_op")).collect();
        if !named.is_empty() {
            findings.push(Finding::warning(
                Rule::ImportBypassed,
                &setting.place,
                format!("the plugins {} run on imports only; images that are uploaded from the dashboard stay as they are", named.join(", ")),
                "if every image must pass them, set HORIZON_IMAGES_UPLOAD_MODE = 'off' and import by glance-direct or web-download; a Glance resource does that with spec.imageImport.required: true",
            ));
        }
    }
    findings
}
