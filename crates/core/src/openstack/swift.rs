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

/// A Swift store that takes uploads, and from which size on it splits an image into segments.
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
    /// Uploads certainly go to this store.
    pub certain: bool,
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

/// The Swift stores into which Glance puts uploads that name no store, from options (section, name); `shared`:
/// glance_store reads `[backend_defaults]`, too. Without a `default_backend` these are all Swift stores, because the
/// rest may be in a file that is not seen.
pub fn segmented(option: impl Fn(&str, &str) -> Option<String>, shared: bool) -> Vec<Segmented> {
    let said = |group: &str, name: &str| option(group, name).filter(|value| !value.trim().is_empty());
    let backends = said("DEFAULT", "enabled_backends");
    let (names, certain) = match (&backends, said("glance_store", "default_backend")) {
        (Some(backends), Some(default)) if !default.contains('$') => {
            let is_default = |name: &String| name == default.trim();
            (named(backends).into_iter().filter(is_default).collect(), true)
        }
        (Some(backends), _) => {
            let names = named(backends);
            let certain = names.len() == 1 && backends.split(',').filter(|pair| !pair.trim().is_empty()).count() == 1;
            (names, certain)
        }
        // The schemes of the driver.
        (None, _) => match said("glance_store", "default_store").as_deref().map(str::trim) {
            Some("swift" | "swift+http" | "swift+https" | "swift+config") => (vec!["glance_store".to_owned()], true),
            _ => (Vec::new(), true),
        },
    };
    let of = |name: String| {
        let shared = (shared && backends.is_some()).then_some(SHARED);
        let groups = [Some(name.as_str()), shared];
        let set = groups.into_iter().flatten().find_map(|group| Some((group, said(group, LARGE_OBJECT_SIZE)?)));
        let megabytes = set.as_ref().map_or(Some(5120), |(_, value)| value.trim().parse().ok())?;
        let set_in = set.map(|(group, _)| group.to_owned());
        Some(Segmented { name, megabytes, set_in, certain })
    };
    names.into_iter().filter_map(of).collect()
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
