//! What Glance does with images that it imports.
//!
//! In: [`ImportSettings`]. Out: the sections. Some lists need brackets, and Glance does not start without
//! them. Other lists must not have brackets, which would become part of the items.

use std::collections::BTreeMap;

use crate::render::error::{RenderError, Unwritable};
use crate::render::file::absolute;
use crate::render::oslo::write::Writer;

/// Import options. Options without a value keep what Glance's own file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSettings {
    /// Names that Glance uses.
    pub methods: Option<Vec<&'static str>>,
    /// In the order in which they run; if empty, Glance's own file decides.
    pub plugins: Vec<String>,
    /// How many stores an import writes at the same time. Glance 33 has the option
    /// (`glance/async_/flows/api_image_import.py`); oslo.config ignores it in older ones.
    pub parallel_stores: Option<u32>,
    /// For the conversion.
    pub output_format: Option<&'static str>,
    /// For the conversion, under uWSGI.
    pub python_interpreter: Option<String>,
    /// Properties for images.
    pub inject: BTreeMap<String, String>,
    /// Roles whose images get none.
    pub ignore_user_roles: Option<Vec<String>>,
    /// The staging folder.
    pub staging: Option<String>,
    /// Schemes of web-download's URLs.
    pub schemes: Option<Filter>,
    /// Hosts of web-download's URLs.
    pub hosts: Option<Filter>,
    /// Ports of web-download's URLs.
    pub ports: Option<Filter>,
}

/// What passes. Glance reads the second list only if the first is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Only these.
    Allow(Vec<String>),
    /// All except these.
    Deny(Vec<String>),
}

/// Writes what is set; nothing if nothing is.
pub fn options(ini: &mut Writer, import: &ImportSettings) -> Result<(), RenderError> {
    let of = |setting| move |refused: Unwritable| refused.in_setting(setting);
    let staging = import.staging.as_deref().map(|path| absolute("spec.imageImport.staging.path", path)).transpose()?;
    if import.methods.is_some() || staging.is_some() {
        ini.section("DEFAULT").map_err(of("spec.imageImport"))?;
    }
    if let Some(methods) = &import.methods {
        ini.set_bounded_list("enabled_import_methods", methods.iter().copied())
            .map_err(of("spec.imageImport.methods"))?;
    }
    if let Some(path) = staging {
        let of = of("spec.imageImport.staging.path");
        // It is read if there is no `enabled_backends`; the store's group is read if there is.
        ini.set("node_staging_uri", &format!("file://{path}")).map_err(of)?;
        ini.section("os_glance_staging_store").map_err(of)?;
        ini.set("filesystem_store_datadir", path).map_err(of)?;
    }
    if !import.plugins.is_empty() || import.parallel_stores.is_some() {
        ini.section("image_import_opts").map_err(of("spec.imageImport"))?;
    }
    if !import.plugins.is_empty() {
        ini.set_bounded_list("image_import_plugins", import.plugins.iter().map(String::as_str))
            .map_err(of("spec.imageImport.additionalPlugins"))?;
    }
    if let Some(count) = import.parallel_stores {
        ini.set("max_parallel_stores", &count.to_string()).map_err(of("spec.imageImport.maxParallelStores"))?;
    }
    if let Some(format) = import.output_format {
        ini.section("image_conversion").map_err(of("spec.imageImport.conversion"))?;
        ini.set("output_format", format).map_err(of("spec.imageImport.conversion"))?;
    }
    if let Some(python) = &import.python_interpreter {
        const SETTING: &str = "spec.imageImport.conversion.pythonInterpreter";
        ini.section("wsgi").map_err(of(SETTING))?;
        ini.set("python_interpreter", absolute(SETTING, python)?).map_err(of(SETTING))?;
    }
    if !import.inject.is_empty() {
        ini.section("inject_metadata_properties").map_err(of("spec.imageImport.metadata"))?;
        ini.set_dict("inject", &import.inject).map_err(of("spec.imageImport.metadata.properties"))?;
        if let Some(roles) = &import.ignore_user_roles {
            // The one list here that is read without brackets, whatever its help says.
            ini.set_list("ignore_user_roles", roles.iter().map(String::as_str))
                .map_err(of("spec.imageImport.metadata.ignoreUserRoles"))?;
        }
    }
    filters(ini, import).map_err(of("spec.imageImport.webDownload"))
}

/// A deny list counts only while the allow list is empty, and Glance's default allow list is not. So the
/// allow list is written, too.
fn filters(ini: &mut Writer, import: &ImportSettings) -> Result<(), Unwritable> {
    let sorts = [("schemes", &import.schemes), ("hosts", &import.hosts), ("ports", &import.ports)];
    if sorts.iter().all(|(_, filter)| filter.is_none()) {
        return Ok(());
    }
    ini.section("import_filtering_opts")?;
    for (sort, filter) in sorts {
        let (allowed, disallowed): (&[String], &[String]) = match filter {
            None => continue,
            Some(Filter::Allow(items)) => (items, &[]),
            Some(Filter::Deny(items)) => (&[], items),
        };
        ini.set_bounded_list(&format!("allowed_{sort}"), allowed.iter().map(String::as_str))?;
        ini.set_bounded_list(&format!("disallowed_{sort}"), disallowed.iter().map(String::as_str))?;
    }
    Ok(())
}
