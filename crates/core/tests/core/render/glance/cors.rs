//! The section [cors] of a Glance.

use direct_upload_api::web::Origin;
use direct_upload_api::{CorsKey, CorsValue, CorsValues};
use direct_upload_core::render::{ApiSettings, CorsSettings, FormatLimit, effects, glance};
use std::collections::{BTreeMap, BTreeSet};

fn settings(cors: CorsSettings) -> ApiSettings {
    ApiSettings { cors: Some(cors), config_dir: "/etc/glance/glance-api.conf.d".into(), ..ApiSettings::default() }
}

fn origins(texts: &[&str]) -> BTreeSet<Origin> {
    texts.iter().map(|text| Origin::parse(text).unwrap()).collect()
}

#[test]
fn complete_section() {
    let files = glance(&settings(CorsSettings {
        origins: origins(&["https://horizon.example.com", "https://a.example:8443"]),
        options: CorsValues::from([
            (CorsKey::AllowMethods, CorsValue::List(vec!["HEAD".into(), "PUT".into()])),
            (CorsKey::AllowHeaders, CorsValue::List(vec!["X-Extra".into(), "x-auth-TOKEN".into(), "x-extra".into()])),
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
    allow_headers = Content-MD5,X-Image-Meta-Checksum,X-Storage-Token,Accept-Encoding,X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID,Content-Type,X-CSRFToken,X-Extra,X-Image-Meta-Store,X-OpenStack-Image-Size
    expose_headers = X-Image-Meta-Checksum,X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID
    allow_credentials = true
    max_age = 3600
    ");
}

#[test]
fn nothing_to_say() {
    assert_eq!(glance(&ApiSettings::default()).unwrap(), vec![]);
}

#[test]
fn header_that_is_none_is_named() {
    let headers = CorsValue::List(vec!["X-A\n[DEFAULT]\ndebug = true".into()]);
    let cors = CorsSettings { options: CorsValues::from([(CorsKey::AllowHeaders, headers)]), ..Default::default() };
    let error = glance(&settings(cors)).unwrap_err();
    insta::assert_snapshot!(error, @r#"spec.cors.allowHeaders: "X-A\n[DEFAULT]\ndebug = true" is not an HTTP token (RFC 9110 §5.6.2); write e.g. X-My-Header"#);
}

#[test]
fn folder_must_be_absolute_and_normal() {
    for dir in ["etc", "/etc/../root", "/etc//x", "", "/e\n"] {
        let bad = ApiSettings { config_dir: dir.into(), ..settings(CorsSettings::default()) };
        assert_eq!(glance(&bad).unwrap_err().cause.refusal, FormatLimit::Path, "{dir:?}");
    }
}

/// Whether the answer to an origin that stays may have changed shows in this digest.
#[test]
fn a_digest_of_the_file_leaves_out_its_origins_alone() {
    let digest = |texts: &[&str], options: CorsValues| {
        let file = glance(&settings(CorsSettings { origins: origins(texts), options })).unwrap().remove(0);
        effects(&BTreeMap::from([(file.name, file.contents)])).besides_origins
    };
    let one = digest(&["https://one.example.com"], CorsValues::new());
    assert_eq!(digest(&["https://one.example.com", "https://two.example.com:8443"], CorsValues::new()), one);
    let more = CorsValues::from([(CorsKey::AllowMethods, CorsValue::List(vec!["HEAD".into()]))]);
    assert_ne!(digest(&["https://one.example.com"], more), one);
}
