//! What Glance does with images that it imports.
//!
//! In: [`ImportSettings`]. Out: the sections, in brackets where Glance reads a list so: the same text
//! without them is refused at start, and with them where it reads none becomes part of the items.

use std::collections::BTreeMap;

use crate::render::error::{RenderError, Unwritable};
use crate::render::file::absolute;
use crate::render::oslo::write::Writer;

/// Imports. What is none keeps what Glance's own file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSettings {
    /// As Glance calls them.
    pub methods: Option<Vec<&'static str>>,
    /// In the order in which they run; none keep what Glance's own file says.
    pub plugins: Vec<String>,
    /// Of the conversion.
    pub output_format: Option<&'static str>,
    /// Of the conversion, under uWSGI.
    pub python_interpreter: Option<String>,
    /// Properties that images get.
    pub inject: BTreeMap<String, String>,
    /// Whose images get none.
    pub ignore_user_roles: Option<Vec<String>>,
    /// The staging folder.
    pub staging: Option<String>,
    /// Of web-download's URLs.
    pub schemes: Option<Filter>,
    /// Of web-download's URLs.
    pub hosts: Option<Filter>,
    /// Of web-download's URLs.
    pub ports: Option<Filter>,
}

/// What passes: Glance looks at the second list only where the first is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Only these.
    Allow(Vec<String>),
    /// All but these.
    Deny(Vec<String>),
}

/// Writes what is set; nothing where nothing is.
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
        // Read where there is no `enabled_backends`; the store's group where there is.
        ini.set("node_staging_uri", &format!("file://{path}")).map_err(of)?;
        ini.section("os_glance_staging_store").map_err(of)?;
        ini.set("filesystem_store_datadir", path).map_err(of)?;
    }
    if !import.plugins.is_empty() {
        let of = of("spec.imageImport.additionalPlugins");
        ini.section("image_import_opts").map_err(of)?;
        ini.set_bounded_list("image_import_plugins", import.plugins.iter().map(String::as_str)).map_err(of)?;
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
            // The one list here that is read without brackets, whatever its own help says.
            ini.set_list("ignore_user_roles", roles.iter().map(String::as_str))
                .map_err(of("spec.imageImport.metadata.ignoreUserRoles"))?;
        }
    }
    filters(ini, import).map_err(of("spec.imageImport.webDownload"))
}

/// What is denied counts only while nothing is allowed, and Glance allows some by default: the other
/// list is written, too.
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
