//! Options of Swift stores in Glance's configuration, and the URL of preflights to Swift itself.

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

/// The Swift stores of `enabled_backends`.
pub fn named(backends: &str) -> Vec<String> {
    let pairs = backends.split(',').filter_map(|pair| pair.split_once(':'));
    pairs.filter(|(_, kind)| kind.trim() == "swift").map(|(name, _)| name.trim().to_owned()).collect()
}

/// As oslo.config reads a `BoolOpt`.
pub fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes")
}
