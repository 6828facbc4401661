//! Glance's files, and those of any other API with the same CORS filter.
//!
//! In: [`GlanceSettings`], and whose. Out: the complete `[cors]` section in a file that the CORS filter reads,
//! options that Glance itself reads, and directives for the httpd in front of glance-api, where there is one.

pub mod httpd;
pub mod import;
pub mod own;
pub mod policy;

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsValue, Delivery};

use super::error::{Refusal, RenderError, Unwritable};
use super::file::{File, FileFormat, HEADER, HTTPD_FILE, OWN_FILE, file};
use super::oslo::write::Writer;
use super::settings::{CorsSettings, GlanceSettings};
use crate::openstack::{CORS_OPTIONS, CorsKind, CorsOption, GLANCE, OpenStackService, is_token};

/// Renders Glance's files; none if there is nothing to say.
///
/// # Errors
/// Names the setting whose value cannot be written.
pub fn glance(settings: &GlanceSettings) -> Result<Vec<File>, RenderError> {
    api(settings, &GLANCE)
}

/// The same for any service.
///
/// # Errors
/// As [`glance`].
pub fn api(settings: &GlanceSettings, service: &OpenStackService) -> Result<Vec<File>, RenderError> {
    let mut files = Vec::new();
    if let Some(settings_cors) = &settings.cors {
        files.push(file(
            "spec.paths.configDir",
            &settings.config_dir,
            // Read after every other file of the folder, and so the one that counts.
            "zz-direct-upload.conf",
            cors(settings_cors, service)?,
            FileFormat::OsloConfig,
            Delivery::Mount,
        )?);
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
            // The last one that is read has the last word.
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

/// Every option is written out: an option that is left out keeps what another file says, and the
/// filter's own defaults are not the service's.
fn cors(settings: &CorsSettings, service: &OpenStackService) -> Result<String, RenderError> {
    let mut ini = Writer::new(&HEADER);
    ini.section("cors").map_err(|refused| refused.in_setting("cors"))?;
    for option in CORS_OPTIONS {
        let stated = settings.options.get(option.name);
        write(&mut ini, &option, stated, settings, service).map_err(|refused| refused.in_setting(option.field))?;
    }
    Ok(ini.finish())
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
    match (option.kind, stated) {
        (CorsKind::Origins, _) => ini.set_list(option.name, settings.origins.iter().map(Origin::as_str)),
        (CorsKind::Methods(defaults), _) => ini.set_list(option.name, union(defaults(service), extras, str::eq)?),
        (CorsKind::Headers(defaults), _) => {
            ini.set_list(option.name, union(defaults(service), extras, str::eq_ignore_ascii_case)?)
        }
        (CorsKind::Flag(_), Some(CorsValue::Flag(flag))) => ini.set(option.name, &flag.to_string()),
        (CorsKind::Number(_), Some(CorsValue::Number(number))) => ini.set(option.name, &number.to_string()),
        (CorsKind::Flag(default), _) => ini.set(option.name, &default.to_string()),
        (CorsKind::Number(default), _) => ini.set(option.name, &default.to_string()),
    }
}

/// Defaults and then extras, each once, in this order.
fn union<'a>(
    defaults: &[&'static str],
    extras: &'a [String],
    same: fn(&str, &str) -> bool,
) -> Result<Vec<&'a str>, Unwritable> {
    let mut all: Vec<&str> = defaults.to_vec();
    for extra in extras {
        if !is_token(extra) {
            return Err(Unwritable::new(extra, Refusal::Token));
        }
        if !all.iter().any(|known| same(known, extra)) {
            all.push(extra);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use direct_upload_api::CorsValues;

    fn settings(cors: CorsSettings) -> GlanceSettings {
        GlanceSettings {
            cors: Some(cors),
            config_dir: "/etc/glance/glance-api.conf.d".into(),
            ..GlanceSettings::default()
        }
    }

    fn origins(texts: &[&str]) -> BTreeSet<Origin> {
        texts.iter().map(|text| Origin::parse(text).unwrap()).collect()
    }

    #[test]
    fn complete_section() {
        let files = glance(&settings(CorsSettings {
            origins: origins(&["https://horizon.example.com", "https://a.example:8443"]),
            options: CorsValues::from([
                ("allow_methods", CorsValue::List(vec!["HEAD".into(), "PUT".into()])),
                ("allow_headers", CorsValue::List(vec!["X-Extra".into(), "x-auth-TOKEN".into(), "x-extra".into()])),
            ]),
        }))
        .unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].path, "/etc/glance/glance-api.conf.d/zz-direct-upload.conf");
        insta::assert_snapshot!(files[0].contents, @r"
        # Written by direct-upload-operator; do not edit.
        # Change the custom resource instead: edits of this file are lost.
        [cors]
        allowed_origin = https://a.example:8443,https://horizon.example.com
        allow_methods = GET,PUT,POST,DELETE,PATCH,HEAD
        allow_headers = Content-MD5,X-Image-Meta-Checksum,X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID,Content-Type,X-CSRFToken,X-Extra
        expose_headers = X-Image-Meta-Checksum,X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID
        allow_credentials = true
        max_age = 3600
        ");
    }

    #[test]
    fn nothing_to_say() {
        assert_eq!(glance(&GlanceSettings::default()).unwrap(), vec![]);
    }

    #[test]
    fn header_that_is_none_is_named() {
        let headers = CorsValue::List(vec!["X-A\n[DEFAULT]\ndebug = true".into()]);
        let cors = CorsSettings { options: CorsValues::from([("allow_headers", headers)]), ..Default::default() };
        let error = glance(&settings(cors)).unwrap_err();
        insta::assert_snapshot!(error, @r#"spec.cors.allowHeaders: "X-A\n[DEFAULT]\ndebug = true" is not an HTTP token (RFC 9110 §5.6.2); write e.g. X-My-Header"#);
    }

    #[test]
    fn folder_must_be_absolute_and_normal() {
        for dir in ["etc", "/etc/../root", "/etc//x", "", "/e\n"] {
            let bad = GlanceSettings { config_dir: dir.into(), ..settings(CorsSettings::default()) };
            assert_eq!(glance(&bad).unwrap_err().cause.refusal, Refusal::Path, "{dir:?}");
        }
    }
}
