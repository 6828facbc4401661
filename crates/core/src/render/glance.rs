//! Glance's files, and those of any other API with the same CORS filter.
//!
//! In: [`ApiSettings`], and the service. Out: the complete `[cors]` section in a file that the CORS
//! filter reads, options that Glance itself reads, and directives for the httpd in front of glance-api, if
//! there is one.

pub mod httpd;
pub mod import;
pub mod own;
pub mod policy;

use direct_upload_api::web::{Origin, is_token};
use direct_upload_api::{CorsFilter, CorsKey, CorsKind, CorsOption, CorsValue, Delivery};

use super::error::{FormatLimit, RenderError, Unwritable};
use super::file::{File, FileFormat, HEADER, HTTPD_FILE, OWN_FILE, file};
use super::oslo::write::Writer;
use super::settings::{ApiSettings, CorsSettings};
use crate::openstack::{GLANCE, OpenStackService};

/// Renders Glance's files; none if there is nothing to write.
///
/// # Errors
/// Names the setting whose value cannot be written.
pub fn glance(settings: &ApiSettings) -> Result<Vec<File>, RenderError> {
    api(settings, &GLANCE)
}

/// The same for any service.
///
/// # Errors
/// As [`glance`].
pub fn api(settings: &ApiSettings, service: &OpenStackService) -> Result<Vec<File>, RenderError> {
    let mut files = Vec::new();
    if let Some(settings_cors) = &settings.cors {
        let file = file(
            "spec.paths.configDir",
            &settings.config_dir,
            // It is read after every other file of the folder, so it counts.
            "zz-direct-upload.conf",
            cors(settings_cors, service)?,
            match service.filter {
                CorsFilter::OsloMiddleware => FileFormat::OsloConfig,
                CorsFilter::Swift => FileFormat::SwiftProxy,
            },
            Delivery::Mount,
        )?;
        files.push(File { late_headers: late_headers(settings_cors, service), ..file });
    }
    if let Some(options) = own::options(&settings.own)? {
        files.push(file(
            "spec.paths.serviceConfigDir",
            &settings.own.dir,
            OWN_FILE,
            options,
            FileFormat::OsloConfig,
            Delivery::Mount,
        )?);
    }
    if !settings.policy.rules.is_empty() {
        files.push(file(
            "spec.paths.policyDir",
            &settings.policy.dir,
            // The last file counts.
            "zz-direct-upload-policy.yaml",
            policy::rules(&settings.policy.rules)?,
            FileFormat::Policy,
            Delivery::Mount,
        )?);
    }
    if let Some(settings_httpd) = &settings.httpd {
        files.push(file(
            "spec.paths.httpdConfDir",
            &settings_httpd.conf_dir,
            HTTPD_FILE,
            httpd::fragment(settings_httpd)?,
            FileFormat::Httpd,
            Delivery::Mount,
        )?);
    }
    Ok(files)
}

/// Writes every option: one that is left out keeps the value of another file, and the filter's own defaults
/// are not the service's.
fn cors(settings: &CorsSettings, service: &OpenStackService) -> Result<String, RenderError> {
    let mut ini = Writer::new(&HEADER);
    ini.section(service.filter.section()).map_err(|refused| refused.in_setting("cors"))?;
    for option in service.filter.options() {
        let stated = settings.options.get(&option.key);
        write(&mut ini, option, stated, settings, service).map_err(|refused| refused.in_setting(option.field))?;
    }
    Ok(ini.finish())
}

/// The late headers that nobody set.
fn late_headers(settings: &CorsSettings, service: &OpenStackService) -> Vec<&'static str> {
    let stated = match settings.options.get(&CorsKey::AllowHeaders) {
        Some(CorsValue::List(names)) => names.as_slice(),
        _ => &[],
    };
    let unasked = |late: &&'static str| !stated.iter().any(|stated| stated.eq_ignore_ascii_case(late));
    service.late_headers.iter().copied().filter(unasked).collect()
}

fn write(
    ini: &mut Writer,
    option: &CorsOption,
    stated: Option<&CorsValue>,
    settings: &CorsSettings,
    service: &OpenStackService,
) -> Result<(), Unwritable> {
    let extras = match stated {
        Some(CorsValue::List(names)) => names.as_slice(),
        _ => &[],
    };
    if let (CorsFilter::Swift, Some(item)) = (service.filter, extras.iter().find(|item| item.contains(SPECIAL))) {
        return Err(Unwritable::new(item, FormatLimit::Special));
    }
    match (option.kind, stated) {
        (CorsKind::Origins, _) => ini.set_list(option.name, settings.origins.iter().map(Origin::as_str)),
        (CorsKind::Methods, _) => ini.set_list(option.name, union(service.defaults(option.key), extras, str::eq)?),
        (CorsKind::Headers, _) => {
            let mut all = union(service.defaults(option.key), extras, str::eq_ignore_ascii_case)?;
            if option.key == CorsKey::AllowHeaders {
                all.extend(late_headers(settings, service));
            }
            // Swift has no defaults: an empty list removes what another file says.
            if all.is_empty() { Ok(()) } else { ini.set_list(option.name, all) }
        }
        (CorsKind::Flag(_), Some(CorsValue::Flag(flag))) => ini.set(option.name, &flag.to_string()),
        (CorsKind::Number(_), Some(CorsValue::Number(number))) => ini.set(option.name, &number.to_string()),
        (CorsKind::Flag(default), _) => ini.set(option.name, &default.to_string()),
        (CorsKind::Number(default), _) => ini.set(option.name, &default.to_string()),
    }
}

/// What oslo.config and PasteDeploy read differently.
const SPECIAL: [char; 4] = ['%', '$', '\'', '"'];

/// Defaults and then extras, deduplicated, in this order.
fn union<'a>(
    defaults: &[&'static str],
    extras: &'a [String],
    same: fn(&str, &str) -> bool,
) -> Result<Vec<&'a str>, Unwritable> {
    let mut all: Vec<&str> = defaults.to_vec();
    for extra in extras {
        if !is_token(extra) {
            return Err(Unwritable::new(extra, FormatLimit::Token));
        }
        if !all.iter().any(|known| same(known, extra)) {
            all.push(extra);
        }
    }
    Ok(all)
}
