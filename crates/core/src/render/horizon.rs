//! Horizon's files.
//!
//! In: [`HorizonSettings`]. Out: a snippet for `local_settings.d`, and directives for the httpd that serves
//! Horizon. Each is written only if it would set something.

pub mod httpd;
pub mod proxy;
pub mod snippet;

use direct_upload_api::Delivery;

use super::error::RenderError;
use super::file::{File, FileFormat, HTTPD_FILE, SNIPPET_FILE, file};
use super::settings::HorizonSettings;

/// Renders Horizon's files; none if there is nothing to set.
///
/// # Errors
/// Names the setting whose value cannot be written.
pub fn horizon(settings: &HorizonSettings) -> Result<Vec<File>, RenderError> {
    let mut files = Vec::new();
    if let Some(contents) = snippet::snippet(settings)? {
        files.push(file(
            "spec.paths.localSettingsDir",
            &settings.local_settings_dir,
            SNIPPET_FILE,
            contents,
            FileFormat::Python,
            settings.delivery,
        )?);
    }
    if let Some(settings_httpd) = &settings.httpd
        && let Some(contents) = httpd::fragment(settings_httpd)?
    {
        files.push(file(
            "spec.paths.httpdConfDir",
            &settings_httpd.conf_dir,
            HTTPD_FILE,
            contents,
            FileFormat::Httpd,
            Delivery::Mount,
        )?);
    }
    Ok(files)
}
