//! A rendered file, and what all files have in common.

use direct_upload_api::Delivery;

use super::error::{FormatLimit, RenderError, Unwritable};

/// One file in one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// File name, which is also its key in the `ConfigMap`.
    pub name: String,
    /// Absolute path in the container.
    pub path: String,
    /// Its bytes.
    pub contents: String,
    /// Its language.
    pub format: FileFormat,
    /// How it gets to its path.
    pub delivery: Delivery,
    /// Headers in `allow_headers` that nobody requested and an earlier release did not write. A file that
    /// lacks only these is still good.
    pub late_headers: Vec<&'static str>,
}

/// The languages that we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// oslo.config's ini.
    OsloConfig,
    /// Python source, run by `exec`.
    Python,
    /// httpd directives.
    Httpd,
    /// oslo.policy's YAML rules, one per line.
    Policy,
    /// The ini of Swift's proxy, read by PasteDeploy.
    SwiftProxy,
}

/// The first lines of every file. A release must not change them, because the bytes name the `ConfigMap`.
pub(crate) const HEADER: [&str; 2] = [
    "Written by direct-upload-operator; do not edit.",
    "Change the custom resource instead: edits of this file are lost.",
];

/// Horizon's snippet: behind `_9999-custom-settings.py` and everything else that is usual (DU016).
pub const SNIPPET_FILE: &str = "zz-direct-upload.py";

/// The file of options that Glance itself reads. It comes after every other file of its folder.
pub const OWN_FILE: &str = "zz-direct-upload-glance.conf";

/// The file for httpd, of Glance and of Horizon.
pub const HTTPD_FILE: &str = "zz-direct-upload-httpd.conf";

/// A file in a folder that the user may have named.
pub fn file(
    setting: &'static str,
    dir: &str,
    name: &str,
    contents: String,
    format: FileFormat,
    delivery: Delivery,
) -> Result<File, RenderError> {
    let dir = absolute(setting, dir)?;
    let separator = if dir.ends_with('/') { "" } else { "/" };
    Ok(File {
        name: name.to_owned(),
        path: format!("{dir}{separator}{name}"),
        contents,
        format,
        delivery,
        late_headers: Vec::new(),
    })
}

/// An absolute, normalised path, without the trailing slash.
pub fn absolute<'a>(setting: &'static str, path: &'a str) -> Result<&'a str, RenderError> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let normal =
        trimmed.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")));
    if normal && !path.contains(char::is_control) {
        Ok(trimmed)
    } else {
        Err(Unwritable::new(path, FormatLimit::Path).in_setting(setting))
    }
}

/// Seconds for httpd, which does not accept 0 and reads them into an `int`.
pub fn seconds(setting: &'static str, seconds: u32) -> Result<String, RenderError> {
    let text = seconds.to_string();
    if (1..=i32::MAX.cast_unsigned()).contains(&seconds) {
        Ok(text)
    } else {
        Err(Unwritable::new(&text, FormatLimit::Range).in_setting(setting))
    }
}

/// Bytes for `LimitRequestBody`, which are read into a signed `apr_off_t`.
pub fn bytes(setting: &'static str, bytes: u64) -> Result<String, RenderError> {
    let text = bytes.to_string();
    if bytes <= i64::MAX.cast_unsigned() {
        Ok(text)
    } else {
        Err(Unwritable::new(&text, FormatLimit::Range).in_setting(setting))
    }
}
