//! Options of Swift stores in Glance's configuration, and the URL of preflights to Swift itself.

use super::release::Release;

/// The key of a Secret with the credentials of a store, if a resource names none.
pub const CREDENTIALS_KEY: &str = "swift.conf";

/// Where Swift's proxy is asked whether it knows an origin, below the path of its public URL. Only for containers and
/// objects does it look at the origin; neither account nor container need exist (`swift/proxy/controllers/base.py`,
/// `OPTIONS`).
pub fn preflight_path(public: &str) -> String {
    let mut root = String::new();
    for segment in public.split('/').filter(|segment| !segment.is_empty()) {
        root.push('/');
        root.push_str(segment);
        if matches!(segment, "v1" | "v1.0") {
            return format!("{root}{CONTAINER}");
        }
    }
    format!("{root}/v1{CONTAINER}")
}

const CONTAINER: &str = "/AUTH_direct-upload-operator/preflight";

/// A multi-tenant store, as Glance's options describe it.
#[derive(Debug, PartialEq, Eq)]
pub struct MultiTenant {
    /// Its group.
    pub name: String,
    /// `enabled_backends` names it, so options are read raw from its group.
    pub named: bool,
    /// It has a `swift_store_config_file`, with which it is not set up at all.
    pub config_file: bool,
    /// `swift_store_use_trusts`, if it is set.
    pub trusts: Option<bool>,
    /// Whether `default_swift_reference` is set, under which credentials are looked up.
    pub reference: bool,
}

impl MultiTenant {
    /// The options that its group must set, but does not.
    pub fn unsaid(&self) -> Option<&'static str> {
        match (self.named, self.trusts) {
            (true, None) => Some("swift_store_use_trusts"),
            (true, Some(true)) if !self.reference => Some("default_swift_reference"),
            _ => None,
        }
    }
}

/// The multi-tenant stores, from options (section, name).
pub fn multi_tenant(option: impl Fn(&str, &str) -> Option<String>) -> Vec<MultiTenant> {
    let backends = option("DEFAULT", "enabled_backends").unwrap_or_default();
    let mut names = named(&backends);
    let any = !backends.trim().is_empty();
    if !any {
        names.push("glance_store".to_owned());
    }
    let said = |group: &str, name: &str| option(group, name).filter(|value| !value.trim().is_empty());
    let multi = |name: &String| said(name, "swift_store_multi_tenant").is_some_and(|value| is_true(&value));
    let stores = names.into_iter().filter(multi).map(|name| MultiTenant {
        named: any,
        config_file: said(&name, "swift_store_config_file").is_some(),
        trusts: said(&name, "swift_store_use_trusts").map(|value| is_true(&value)),
        reference: said(&name, "default_swift_reference").is_some(),
        name,
    });
    stores.collect()
}

/// The single-tenant stores of `enabled_backends` with credentials in a separate file, under a name that no
/// option sets.
pub fn unreferenced(option: impl Fn(&str, &str) -> Option<String>) -> Vec<String> {
    let said = |group: &str, name: &str| option(group, name).filter(|value| !value.trim().is_empty());
    let mut names = named(&said("DEFAULT", "enabled_backends").unwrap_or_default());
    names.retain(|name| {
        said(name, "swift_store_config_file").is_some()
            && said(name, "default_swift_reference").is_none()
            && !said(name, "swift_store_multi_tenant").is_some_and(|value| is_true(&value))
    });
    names
}

/// The Swift stores that are to buffer uploads and have no folder for it: glance_store sets them up not at all
/// (`validate_buffering` in `glance_store/_drivers/swift/buffered.py`).
pub fn unbuffered(option: impl Fn(&str, &str) -> Option<String>) -> Vec<String> {
    let said = |group: &str, name: &str| option(group, name).filter(|value| !value.trim().is_empty());
    let backends = said("DEFAULT", "enabled_backends");
    let mut names = backends.map_or_else(|| vec!["glance_store".to_owned()], |backends| named(&backends));
    names.retain(|name| {
        said(name, "swift_buffer_on_upload").is_some_and(|value| is_true(&value))
            && said(name, "swift_upload_buffer_dir").is_none()
    });
    names
}

/// A Swift store, and from which size on it splits an image into segments.
///
/// glance_store 5.0.0 to 5.7.0 announce each segment as a whole one. If the size of the upload is known, Swift then
/// waits for a rest of the last segment that never comes (`add` in `glance_store/_drivers/swift/store.py`).
#[derive(Debug, PartialEq, Eq)]
pub struct Segmented {
    /// Its group.
    pub name: String,
    /// `swift_store_large_object_size`, in glance_store's megabytes.
    pub megabytes: u64,
    /// The group that sets it, if one does.
    pub set_in: Option<String>,
    pub takes: Takes,
}

/// Which images go to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Those for which nobody names a store, as with uploads from dashboards.
    Uploads,
    /// Perhaps these.
    Perhaps,
    /// Only those for which somebody names it.
    Named,
}

/// Whether a release has that fault; none if nobody knows. glance_store 5.0.0 came with 2025.2, and 2026.2 has 5.7.0.
pub fn splits_wrongly(release: Option<Release>) -> Option<bool> {
    match release {
        Some(release) if release < Release::new(2025, 2) => Some(false),
        Some(release) if release <= Release::new(2026, 2) => Some(true),
        _ => None,
    }
}

/// What has that fault.
pub const SPLITS_WRONGLY: &str = "glance_store 5.0.0 to 5.7.0 (2025.2 to 2026.2)";

/// The option from which on a store splits images.
pub const LARGE_OBJECT_SIZE: &str = "swift_store_large_object_size";

/// The size of a segment.
const CHUNK_SIZE: &str = "swift_store_large_object_chunk_size";

/// glance_store's megabyte (`ONE_MB` in `glance_store/_drivers/swift/store.py`).
const MEGABYTE: u64 = 1_024_000;

/// The size of an object that Swift accepts by default (`max_file_size` in `swift/common/constraints.py`).
pub const MAX_FILE_SIZE: u64 = 5_368_709_122;

/// Where several stores share options, since glance_store 5.4.0 (`SHARED_CONF_GROUP` in `glance_store/driver.py`).
const SHARED: &str = "backend_defaults";

impl Segmented {
    /// Bytes of the smallest image that it splits.
    pub const fn bytes(&self) -> u64 {
        self.megabytes.saturating_mul(MEGABYTE)
    }

    /// The `swift_store_large_object_size` with which it does not split an image of these bytes.
    pub const fn above(bytes: u64) -> u64 {
        bytes / MEGABYTE + 1
    }

    /// The `[swift-constraints] max_file_size` that Swift then needs.
    pub const fn max_file_size(megabytes: u64) -> u64 {
        megabytes.saturating_mul(MEGABYTE)
    }
}

/// The Swift stores, from options (section, name); `shared`: glance_store reads `[backend_defaults]`, too. Without a
/// `default_backend` each may be the default one, because the rest may be in a file that is not seen.
pub fn segmented(option: impl Fn(&str, &str) -> Option<String>, shared: bool) -> Vec<Segmented> {
    let said = |group: &str, name: &str| option(group, name).filter(|value| !value.trim().is_empty());
    let of = |(name, takes): (String, Takes)| {
        let set = set(&said, &name, LARGE_OBJECT_SIZE, shared);
        let megabytes = match &set {
            Some((_, value)) => u64::try_from(integer(value)?).ok().filter(|size| *size > 0)?,
            None => 5120,
        };
        Some(Segmented { name, megabytes, set_in: set.map(|(group, _)| group), takes })
    };
    stores(&said).into_iter().filter_map(of).collect()
}

/// Sizes of Swift stores that are no whole number above 0, with which Glance does not start: group, option, value
/// (`IntOpt` with `min=1` in `glance_store/_drivers/swift/store.py`).
pub fn no_sizes(option: impl Fn(&str, &str) -> Option<String>, shared: bool) -> Vec<(String, &'static str, String)> {
    let said = |group: &str, name: &str| option(group, name).filter(|value| !value.trim().is_empty());
    let is_wrong = |value: &str| !value.contains('$') && integer(value).is_none_or(|number| number < 1);
    let of = |(name, _): &(String, Takes)| {
        let set = |option| set(&said, name, option, shared).map(|(group, value)| (group, option, value));
        [LARGE_OBJECT_SIZE, CHUNK_SIZE].into_iter().filter_map(set).collect::<Vec<_>>()
    };
    let mut found: Vec<_> = stores(&said).iter().flat_map(of).filter(|(.., value)| is_wrong(value)).collect();
    found.dedup();
    found
}

/// Where an option of a store is set.
fn set(
    said: &impl Fn(&str, &str) -> Option<String>,
    store: &str,
    option: &str,
    shared: bool,
) -> Option<(String, String)> {
    let shared = (shared && said("DEFAULT", "enabled_backends").is_some()).then_some(SHARED);
    let groups = [Some(store), shared];
    groups.into_iter().flatten().find_map(|group| Some((group.to_owned(), said(group, option)?)))
}

/// The Swift stores, and what goes to them.
fn stores(said: &impl Fn(&str, &str) -> Option<String>) -> Vec<(String, Takes)> {
    match (said("DEFAULT", "enabled_backends"), said("glance_store", "default_backend")) {
        (Some(backends), Some(default)) if !default.contains('$') => {
            let takes = |name: &String| if *name == default.trim() { Takes::Uploads } else { Takes::Named };
            let of = |name: String| {
                let takes = takes(&name);
                (name, takes)
            };
            named(&backends).into_iter().map(of).collect()
        }
        (Some(backends), _) => {
            let names = named(&backends);
            let alone = names.len() == 1 && backends.split(',').filter(|pair| !pair.trim().is_empty()).count() == 1;
            let takes = if alone { Takes::Uploads } else { Takes::Perhaps };
            names.into_iter().map(|name| (name, takes)).collect()
        }
        // The schemes of the driver.
        (None, _) => match said("glance_store", "default_store").as_deref().map(str::trim) {
            Some("swift" | "swift+http" | "swift+https" | "swift+config") => {
                vec![("glance_store".to_owned(), Takes::Uploads)]
            }
            _ => Vec::new(),
        },
    }
}

/// The Swift stores of `enabled_backends`.
pub fn named(backends: &str) -> Vec<String> {
    let pairs = backends.split(',').filter_map(|pair| pair.split_once(':'));
    pairs.filter(|(_, kind)| kind.trim() == "swift").map(|(name, _)| name.trim().to_owned()).collect()
}

/// As oslo.config reads a `BoolOpt`.
pub fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes")
}

/// As oslo.config reads an `IntOpt`: Python's `int()`.
pub fn integer(value: &str) -> Option<i128> {
    let digits = value.trim();
    let groups = digits.trim_start_matches(['+', '-']).split('_').all(|group| !group.is_empty());
    digits.replace('_', "").parse().ok().filter(|_| groups)
}
