//! Options that Glance itself reads.
//!
//! In: [`OwnSettings`]. Out: the file, or none if there is nothing to write. A cloud that needs nothing
//! keeps its files.

use super::import::ImportSettings;
use crate::render::error::{RenderError, Unwritable};
use crate::render::file::HEADER;
use crate::render::oslo::write::Writer;
use crate::render::settings::{OwnSettings, SwiftStore, SwiftTenancy};

/// Renders the file.
pub fn options(settings: &OwnSettings) -> Result<Option<String>, RenderError> {
    if settings.swift.is_empty() && settings.import == ImportSettings::default() {
        return Ok(None);
    }
    let mut ini = Writer::new(&HEADER);
    super::import::options(&mut ini, &settings.import)?;
    for store in &settings.swift {
        swift(&mut ini, store).map_err(|e| e.in_setting("spec.swift"))?;
    }
    Ok(Some(ini.finish()))
}

/// With `enabled_backends`, `glance_store` 5.4.0 to 5.7.0 read some options of a store's own group raw: an
/// option that is not written there is None, whatever its default. If `swift_store_use_trusts`, or the name
/// under which the credentials are looked up, is None, re-authentication is silently off.
fn swift(ini: &mut Writer, store: &SwiftStore) -> Result<(), Unwritable> {
    ini.section(&store.name)?;
    match store.tenancy {
        SwiftTenancy::Multi { trusts } => {
            ini.set("swift_store_multi_tenant", "true")?;
            ini.set("swift_store_use_trusts", if trusts { "true" } else { "false" })?;
            ini.set("default_swift_reference", "ref1")?;
        }
        SwiftTenancy::Single => ini.set("swift_store_multi_tenant", "false")?,
    }
    ini.set("swift_store_expire_soon_interval", &store.expire_soon.to_string())?;
    ini.set("swift_store_retry_get_count", &store.retries.to_string())?;
    let sizes = [
        ("swift_store_large_object_size", store.large_object_size),
        ("swift_store_large_object_chunk_size", store.large_object_chunk_size),
    ];
    for (name, size) in sizes {
        if let Some(size) = size {
            ini.set(name, &size.to_string())?;
        }
    }
    Ok(())
}
