//! The snippet, run as Horizon runs it.

use direct_upload_api::Delivery;
use direct_upload_api::web::Origin;
use direct_upload_core::render::{
    FileFormat, FormatLimit, HorizonHttpdSettings, HorizonSettings, TlsTerminationSettings, horizon,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::{ask, hostile};

pub mod httpd;
pub mod proxy;

fn settings() -> HorizonSettings {
    HorizonSettings {
        direct: true,
        local_settings_dir: "/etc/openstack-dashboard/local_settings.d".into(),
        delivery: Delivery::Copy,
        tls_termination: None,
        httpd: None,
    }
}

fn behind_tls(hosts: &[&str]) -> HorizonSettings {
    HorizonSettings {
        tls_termination: Some(TlsTerminationSettings {
            forwarded_proto_header: Some("X-Forwarded-Proto".into()),
            trusted_origins: vec![Origin::parse("https://horizon.example.com").unwrap()],
            allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        }),
        ..settings()
    }
}

fn snippet(settings: &HorizonSettings) -> String {
    let mut files = horizon(settings).unwrap();
    assert_eq!(files.len(), 1);
    files.remove(0).contents
}

/// The settings after the snippet ran `times` times.
fn run(before: &str, snippet: &str, times: usize) -> Value {
    ask(&json!({"ask": "settings", "before": before, "snippet": snippet, "times": times}))
}

#[test]
fn direct_and_nothing_else() {
    let files = horizon(&settings()).unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].path, "/etc/openstack-dashboard/local_settings.d/zz-direct-upload.py");
    assert_eq!((files[0].format, files[0].delivery), (FileFormat::Python, Delivery::Copy));
    insta::assert_snapshot!(files[0].contents, @r"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    HORIZON_IMAGES_UPLOAD_MODE = 'direct'
    ");
    let after = run("HORIZON_IMAGES_UPLOAD_MODE = 'legacy'", &files[0].contents, 2);
    assert_eq!(after, json!({"HORIZON_IMAGES_UPLOAD_MODE": "direct"}));
}

#[test]
fn the_whole_snippet_is_as_reviewed() {
    insta::assert_snapshot!(snippet(&behind_tls(&["horizon.example.com", "2001:db8::1"])), @r"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    HORIZON_IMAGES_UPLOAD_MODE = 'direct'
    SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')

    def _direct_upload_append(name, wanted):
        value = globals().get(name)
        if value is None:
            value = []
        elif isinstance(value, str):
            value = [value]
        if name == 'ALLOWED_HOSTS' and not value and globals().get('DEBUG'):
            value = ['.localhost', '127.0.0.1', '[::1]']
        missing = [item for item in wanted if item not in value]
        kind = tuple if isinstance(value, tuple) else list
        globals()[name] = kind(value) + kind(missing)

    _direct_upload_append('CSRF_TRUSTED_ORIGINS', ['https://horizon.example.com'])
    _direct_upload_append('ALLOWED_HOSTS', ['horizon.example.com', '[2001:db8::1]'])
    del _direct_upload_append
    ");
}

#[rstest]
#[case::nothing_set(HorizonSettings { direct: false, ..settings() })]
#[case::empty_tls(HorizonSettings { direct: false, tls_termination: Some(TlsTerminationSettings::default()), ..settings() })]
#[case::empty_httpd(HorizonSettings {
    direct: false,
    httpd: Some(HorizonHttpdSettings { conf_dir: "/etc".into(), limit_request_body: None, timeout: None, cors: None, glance_proxy: None }),
    ..settings()
})]
fn no_file_without_a_setting(#[case] settings: HorizonSettings) {
    assert_eq!(horizon(&settings).unwrap(), vec![]);
}

/// Whatever the user wrote stays, in its kind, and ours follows it once.
#[rstest]
#[case::undefined("", json!(["h.example"]))]
#[case::none("ALLOWED_HOSTS = None", json!(["h.example"]))]
#[case::list("ALLOWED_HOSTS = ['a', 'b']", json!(["a", "b", "h.example"]))]
#[case::tuple("ALLOWED_HOSTS = ('a',)", json!({"tuple": ["a", "h.example"]}))]
#[case::string("ALLOWED_HOSTS = 'a'", json!(["a", "h.example"]))]
#[case::there_already("ALLOWED_HOSTS = ['h.example', 'a']", json!(["h.example", "a"]))]
#[case::any("ALLOWED_HOSTS = ['*']", json!(["*", "h.example"]))]
#[case::debug("DEBUG = True", json!([".localhost", "127.0.0.1", "[::1]", "h.example"]))]
#[case::debug_with_hosts("DEBUG = True; ALLOWED_HOSTS = ['a']", json!(["a", "h.example"]))]
fn hosts_are_appended(#[case] before: &str, #[case] hosts: Value, #[values(1, 2, 3)] times: usize) {
    let mut after = run(before, &snippet(&behind_tls(&["h.example", "h.example"])), times);
    // A list of the user's that came twice in ours is ours to avoid.
    assert_eq!(after["ALLOWED_HOSTS"].take(), hosts);
    assert_eq!(after["CSRF_TRUSTED_ORIGINS"].take(), json!(["https://horizon.example.com"]));
    assert_eq!(after["SECURE_PROXY_SSL_HEADER"], json!({"tuple": ["HTTP_X_FORWARDED_PROTO", "https"]}));
    assert!(!after.to_string().contains("_direct_upload"), "leaves a helper behind: {after}");
}

#[test]
fn the_users_own_list_object_is_left_alone() {
    let after = run("MINE = ['a']\nALLOWED_HOSTS = MINE", &snippet(&behind_tls(&["h.example"])), 2);
    assert_eq!(after["MINE"], json!(["a"]));
}

#[test]
fn ssl_header_only_when_asked() {
    let mut settings = behind_tls(&["h.example"]);
    settings.tls_termination.as_mut().unwrap().forwarded_proto_header = None;
    let after = run("", &snippet(&settings), 1);
    assert_eq!(after.get("SECURE_PROXY_SSL_HEADER"), None);
}

proptest! {
    #[test]
    fn hosts_are_refused_by_name_or_come_out_as_they_went_in(host in prop_oneof![hostile(), "[a-z.:\\[\\]*_-]{0,12}"]) {
        match horizon(&behind_tls(&[&host])) {
            Ok(files) => {
                let after = run("", &files[0].contents, 2);
                let bracketed = format!("[{host}]");
                let read = after["ALLOWED_HOSTS"].clone();
                prop_assert!(read == json!([host]) || read == json!([bracketed]), "{}", read);
            }
            Err(error) => {
                prop_assert_eq!(error.setting, "spec.tlsTermination.allowHosts");
                prop_assert_eq!(error.cause.value, host);
                prop_assert_eq!(error.cause.refusal, FormatLimit::Host);
            }
        }
    }

    #[test]
    fn header_names_are_refused_or_become_wsgi_names(header in prop_oneof![hostile(), "[A-Za-z-]{1,12}"]) {
        let mut settings = behind_tls(&[]);
        settings.tls_termination.as_mut().unwrap().forwarded_proto_header = Some(header.clone());
        if let Ok(files) = horizon(&settings) {
            let name = format!("HTTP_{}", header.to_uppercase().replace('-', "_"));
            prop_assert_eq!(&run("", &files[0].contents, 1)["SECURE_PROXY_SSL_HEADER"], &json!({"tuple": [name, "https"]}));
        } else {
            prop_assert!(header.is_empty() || !header.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        }
    }
}
