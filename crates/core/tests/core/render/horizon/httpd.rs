//! Horizon's fragment, obeyed by a real httpd.

use direct_upload_api::Delivery;
use direct_upload_api::web::Origin;
use direct_upload_core::render::{HorizonCorsSettings, HorizonHttpdSettings, HorizonSettings, horizon};
use rstest::rstest;

use crate::render::httpd::server::{MODULES, Running, Site};

/// What is rendered for these origins.
pub fn fragment(origins: &[&str]) -> String {
    let settings = HorizonSettings {
        direct: false,
        local_settings_dir: "/x".into(),
        delivery: Delivery::Mount,
        tls_termination: None,
        httpd: Some(HorizonHttpdSettings {
            conf_dir: "/etc/apache2/conf-enabled".into(),
            limit_request_body: Some(0),
            timeout: Some(3600),
            cors: Some(HorizonCorsSettings {
                origins: origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect(),
                allow_credentials: true,
                max_age: Some(600),
            }),
            glance_proxy: None,
        }),
    };
    let mut files = horizon(&settings).unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].path, "/etc/apache2/conf-enabled/zz-direct-upload-httpd.conf");
    files.remove(0).contents
}

fn horizon_httpd() -> Running {
    Site::new(MODULES, &fragment(&["https://portal.example.com", "https://[2001:db8::1]:8443"])).start(&[])
}

#[test]
fn the_whole_fragment_is_as_reviewed() {
    insta::assert_snapshot!(fragment(&["https://portal.example.com", "https://[2001:db8::1]:8443"]), @r#"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    LimitRequestBody 0
    Timeout 3600
    <IfModule mod_setenvif.c>
        <IfModule mod_headers.c>
            SetEnvIf Origin "^https://[[]2001:db8::1[]]:8443$" "DIRECT_UPLOAD_ORIGIN=$0"
            SetEnvIf Origin "^https://portal[.]example[.]com$" "DIRECT_UPLOAD_ORIGIN=$0"
            # For caches: the answer depends on who asks, also where nobody is answered.
            Header always merge Vary Origin
            Header onsuccess unset Access-Control-Allow-Origin env=DIRECT_UPLOAD_ORIGIN
            Header always set Access-Control-Allow-Origin %{DIRECT_UPLOAD_ORIGIN}e env=DIRECT_UPLOAD_ORIGIN
            Header onsuccess unset Access-Control-Allow-Credentials env=DIRECT_UPLOAD_ORIGIN
            Header always set Access-Control-Allow-Credentials true env=DIRECT_UPLOAD_ORIGIN
            Header onsuccess unset Access-Control-Allow-Methods "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n %{reqenv:DIRECT_UPLOAD_ORIGIN}"
            Header always set Access-Control-Allow-Methods "GET, POST, PUT, PATCH, DELETE" "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n %{reqenv:DIRECT_UPLOAD_ORIGIN}"
            Header onsuccess unset Access-Control-Allow-Headers "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n %{reqenv:DIRECT_UPLOAD_ORIGIN}"
            Header always set Access-Control-Allow-Headers "Content-Type, X-CSRFToken, X-Requested-With" "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n %{reqenv:DIRECT_UPLOAD_ORIGIN}"
            Header onsuccess unset Access-Control-Max-Age "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n %{reqenv:DIRECT_UPLOAD_ORIGIN}"
            Header always set Access-Control-Max-Age 600 "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n %{reqenv:DIRECT_UPLOAD_ORIGIN}"
        </IfModule>
        <IfModule !mod_headers.c>
            Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_setenvif and mod_headers of which one is not loaded and so CORS headers are missing}"
        </IfModule>
    </IfModule>
    <IfModule !mod_setenvif.c>
        Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_setenvif and mod_headers of which one is not loaded and so CORS headers are missing}"
    </IfModule>
    "#);
}

#[rstest]
#[case("https://portal.example.com")]
#[case("https://[2001:db8::1]:8443")]
fn a_named_origin_is_echoed_once(#[case] origin: &str) {
    let httpd = horizon_httpd();
    let set = "/?set=Access-Control-Allow-Origin:*&set=Vary:Cookie&set=Access-Control-Allow-Credentials:false";
    for path in ["/", set, "/?status=302+Found", "/?status=500+Oh"] {
        let answer = httpd.get(path, &[("Origin", origin)]);
        assert_eq!(
            answer.status,
            if path.contains("302") {
                302
            } else if path.contains("500") {
                500
            } else {
                200
            }
        );
        assert_eq!(answer.all("Access-Control-Allow-Origin"), [origin], "{path}");
        assert_eq!(answer.all("Access-Control-Allow-Credentials"), ["true"], "{path}");
        assert!(answer.all("Vary").join(",").contains("Origin"), "{path}: {answer:?}");
        assert_eq!(answer.all("Vary").join(",").contains("Cookie"), path == set);
        assert_eq!(answer.all("Access-Control-Max-Age"), Vec::<&str>::new());
    }
    let answer = httpd.options("/", &[("Origin", origin), ("Access-Control-Request-Method", "PUT")]);
    assert_eq!(answer.all("Access-Control-Allow-Origin"), [origin]);
    assert_eq!(answer.all("Access-Control-Allow-Methods"), ["GET, POST, PUT, PATCH, DELETE"]);
    assert_eq!(answer.all("Access-Control-Max-Age"), ["600"]);
}

#[test]
fn other_origins_get_nothing_of_ours() {
    let httpd = horizon_httpd();
    for origin in [
        "https://evil.example",
        "https://portal.example.com.evil.example",
        "https://evil.example/https://portal.example.com",
        "https://portalxexample.com",
        "http://portal.example.com",
        "https://portal.example.com:8443",
        "HTTPS://portal.example.com",
        "null",
        "",
    ] {
        for answer in [httpd.get("/", &[("Origin", origin)]), httpd.options("/", &[("Origin", origin)])] {
            assert_eq!(answer.status, 200);
            let ours: Vec<_> =
                answer.headers.iter().filter(|(name, _)| name.to_lowercase().starts_with("access-control")).collect();
            assert_eq!(ours, Vec::<&(String, String)>::new(), "{origin}");
            assert_eq!(answer.all("Vary"), ["Origin"], "{origin}");
        }
    }
    // What Horizon says by itself stays.
    let answer =
        httpd.get("/?set=Access-Control-Allow-Origin:https://own.example", &[("Origin", "https://evil.example")]);
    assert_eq!(answer.all("Access-Control-Allow-Origin"), ["https://own.example"]);
}
