//! Glance under a path of the dashboard's own host: the fragment, obeyed by a real httpd.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use direct_upload_api::{Delivery, GlanceProxy};
use direct_upload_core::render::{HorizonHttpdSettings, HorizonSettings, RenderError, effects, horizon};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::{ask, file, hostile};

use crate::render::httpd::server::{MODULES, Running, Site, free_port};

fn rendered(path: &str, backend: &str) -> Result<String, RenderError> {
    let proxy = GlanceProxy { path: path.into(), backend: backend.into() };
    let settings = HorizonSettings {
        direct: false,
        local_settings_dir: "/x".into(),
        delivery: Delivery::Mount,
        tls_termination: None,
        httpd: Some(HorizonHttpdSettings {
            conf_dir: "/etc/apache2/conf-enabled".into(),
            limit_request_body: None,
            timeout: None,
            cors: None,
            glance_proxy: Some(proxy.clone()),
        }),
    };
    let file = horizon(&settings)?.remove(0);
    let read = effects(&BTreeMap::from([(file.name, file.contents.clone())])).glance_proxies;
    assert_eq!(read, BTreeSet::from([proxy]), "{}", file.contents);
    Ok(file.contents)
}

/// What is rendered for a path.
pub fn fragment(path: &str, backend: &str) -> String {
    rendered(path, backend).unwrap()
}

#[test]
fn the_whole_fragment_is_as_reviewed() {
    insta::assert_snapshot!(fragment("/image", "http://glance-api.openstack.svc:9292"), @r#"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    # Debian's images switch few modules on.
    <IfModule !mod_proxy.c>
        <IfFile /usr/lib/apache2/modules/mod_proxy.so>
            LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
        </IfFile>
    </IfModule>
    <IfModule !mod_proxy_http.c>
        <IfFile /usr/lib/apache2/modules/mod_proxy_http.so>
            LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
        </IfFile>
    </IfModule>
    <IfModule !mod_headers.c>
        <IfFile /usr/lib/apache2/modules/mod_headers.so>
            LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
        </IfFile>
    </IfModule>
    <IfModule mod_reqtimeout.c>
        # Timeout guards the body; the limits for headers stay.
        RequestReadTimeout body=0
    </IfModule>
    <IfModule mod_proxy.c>
        <IfModule mod_proxy_http.c>
            <IfModule mod_headers.c>
                <Location /image>
                    ProxyPass http://glance-api.openstack.svc:9292 retry=0 connectiontimeout=10 timeout=3600
                    ProxyPassReverse http://glance-api.openstack.svc:9292
                    ProxyPreserveHost On
                    LimitRequestBody 0
                    # For oslo.middleware's http_proxy_to_wsgi, where Glance enables it: links with the path.
                    RequestHeader set X-Forwarded-Prefix /image
                    RequestHeader setifempty X-Forwarded-Proto expr=%{REQUEST_SCHEME}
                    # The dashboard's session is not Glance's business, nor the reverse.
                    RequestHeader unset Cookie
                    Header onsuccess unset Set-Cookie
                    Header always unset Set-Cookie
                    # Nothing in an image is a page of the dashboard's origin.
                    Header always set X-Content-Type-Options nosniff
                </Location>
            </IfModule>
            <IfModule !mod_headers.c>
                Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_proxy and mod_proxy_http and mod_headers of which one is not loaded and so Glance is not published here}"
            </IfModule>
        </IfModule>
        <IfModule !mod_proxy_http.c>
            Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_proxy and mod_proxy_http and mod_headers of which one is not loaded and so Glance is not published here}"
        </IfModule>
    </IfModule>
    <IfModule !mod_proxy.c>
        Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_proxy and mod_proxy_http and mod_headers of which one is not loaded and so Glance is not published here}"
    </IfModule>
    "#);
}

/// The dashboard as its deployers' httpd serves it: the whole host in a virtual host, as kolla's and
/// openstack-helm's images; below a path of the main server, as Debian's and RDO's packages.
#[derive(Clone, Copy, Debug)]
enum Dashboard {
    VirtualHost,
    MainServer,
}

/// An httpd with a dashboard that echoes, and the fragment; with only the modules of Debian's images.
fn start(dashboard: Dashboard, ours: &str) -> (Running, u16) {
    let few: Vec<&str> =
        MODULES.iter().copied().filter(|m| !m.starts_with("proxy") && *m != "headers").chain(["alias"]).collect();
    let port = free_port();
    let folder = tempfile::tempdir().unwrap().keep();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = folder.join("dashboard.wsgi");
    fs::copy(file("echo.wsgi"), &script).unwrap();
    let (script, at) = (script.display(), folder.display());
    let mut text = format!("{ours}Listen 127.0.0.1:{port}\n");
    let all = format!("<Directory {at}>\nRequire all granted\n</Directory>\n");
    let _ = match dashboard {
        Dashboard::VirtualHost => write!(
            text,
            "<VirtualHost 127.0.0.1:{port}>\nLimitRequestBody 7\nWSGIScriptReloading On\nWSGIDaemonProcess horizon processes=1 threads=2\nWSGIProcessGroup horizon\nWSGIScriptAlias / {script}\nWSGIPassAuthorization On\nAlias /static {at}/static\n<Location \"/\">\nRequire all granted\n</Location>\n{all}</VirtualHost>\n"
        ),
        Dashboard::MainServer => write!(
            text,
            "LimitRequestBody 7\nWSGIDaemonProcess horizon processes=1 threads=2\nWSGIScriptAlias /horizon {script} process-group=horizon\nAlias /horizon/static {at}/static\nRedirectMatch ^/$ /horizon/\n{all}"
        ),
    };
    (Site::new(&few, &text).start(&[port]), port)
}

fn backend(kind: &str) -> u16 {
    ask(&json!({"ask": "backend", "kind": kind}))
}

fn request(port: u16, method: &str, path: &str, headers: &Value) -> crate::render::httpd::server::Answer {
    ask(&json!({"ask": "request", "port": port, "method": method, "path": path, "headers": headers}))
}

#[rstest]
fn the_path_leads_to_glance_and_nothing_else_does(
    #[values(Dashboard::VirtualHost, Dashboard::MainServer)] dashboard: Dashboard,
    #[values("/image", "/cloud/image")] path: &str,
) {
    let glance = backend("http");
    let (_httpd, port) = start(dashboard, &fragment(path, &format!("http://127.0.0.1:{glance}")));
    let headers = json!([["Host", "cloud.example.com"], ["Cookie", "sessionid=secret"], ["X-Auth-Token", "t"]]);
    for (asked, reached) in
        [("/v2/images", "/v2/images"), ("//v2/images", "/v2/images"), ("/versions", "/versions"), ("", "/")]
    {
        let answer = request(port, "GET", &format!("{path}{asked}"), &headers);
        let lines: Vec<String> =
            serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{asked}: {e}: {answer:?}"));
        assert_eq!(lines[0], format!("GET {reached} HTTP/1.1"));
        for expected in [
            "Host: cloud.example.com",
            "X-Auth-Token: t",
            "X-Forwarded-Proto: http",
            &format!("X-Forwarded-Prefix: {path}"),
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:?}");
        }
        assert!(!answer.body.contains("secret"), "{lines:?}");
        assert_eq!(answer.all("X-Content-Type-Options"), ["nosniff"]);
    }
    // What the front proxy said about TLS stays.
    let https = request(port, "GET", path, &json!([["X-Forwarded-Proto", "https"]]));
    assert!(https.body.contains("X-Forwarded-Proto: https"), "{https:?}");
    // The dashboard is where it was, with its own limit.
    let own = if matches!(dashboard, Dashboard::VirtualHost) { "" } else { "/horizon" };
    for elsewhere in ["/auth/login/", "/imagery", "/api/glance/images/"] {
        let answer = request(port, "GET", &format!("{own}{elsewhere}"), &headers);
        assert_eq!(answer.json()["environ"]["PATH_INFO"], json!(elsewhere), "{answer:?}");
    }
    let limited: crate::render::httpd::server::Answer =
        ask(&json!({"ask": "large", "port": port, "size": 8, "path": format!("{own}/x?read=1")}));
    assert_eq!(limited.status, 413);
}

/// Above httpd's default limit and the host's own, in one piece or in chunks, and nothing of it stays in httpd.
#[test]
fn an_image_streams_through_the_dashboards_host() {
    const SIZE: u64 = (1 << 30) + 1;
    let glance = backend("http");
    let (httpd, port) = start(Dashboard::VirtualHost, &fragment("/image", &format!("http://127.0.0.1:{glance}")));
    let answer: crate::render::httpd::server::Answer =
        ask(&json!({"ask": "large", "port": port, "size": SIZE, "path": "/image/v2/images/1/file"}));
    assert_eq!((answer.status, answer.json()["received"].as_u64()), (200, Some(SIZE)), "{answer:?}");
    let (memory, disk) = httpd.spent();
    assert!(memory < 256 << 20 && disk < 64 << 20, "{memory} bytes of memory, {disk} bytes written");
    let next = free_port();
    let (_httpd, port) = start(Dashboard::VirtualHost, &fragment("/image", &format!("http://127.0.0.1:{next}")));
    for chunked in [true, false] {
        let seen: Value = ask(
            &json!({"ask": "stream", "port": next, "front_port": port, "ca": null, "chunked": chunked, "path": "/image/v2/images/1/file"}),
        );
        assert_eq!(seen, json!({"streamed": true, "status": 204}), "chunked: {chunked}");
    }
}

/// Without the fragment the dashboard itself answers there, and the probe can tell.
#[test]
fn without_it_the_dashboard_answers() {
    let (_httpd, port) = start(Dashboard::VirtualHost, "");
    assert_eq!(request(port, "GET", "/image/v2/images", &json!([])).json()["environ"]["PATH_INFO"], "/image/v2/images");
}

#[rstest]
#[case("/")]
#[case("image")]
#[case("/image/")]
#[case("/image//x")]
#[case("/image/..")]
#[case("/./image")]
#[case("/im age")]
#[case("/image\n")]
#[case("/image>")]
#[case("/image*")]
#[case("/${HOME}")]
#[case("/api")]
#[case("/API/glance")]
#[case("/static/image")]
#[case("/dashboard/image")]
#[case("/auth")]
fn paths_that_cannot_lead_to_glance_are_refused(#[case] path: &str) {
    let error = rendered(path, "http://glance:9292").unwrap_err();
    assert_eq!((error.setting, error.cause.value.as_str()), ("spec.httpd.glanceProxy.path", path));
}

#[rstest]
#[case("glance:9292")]
#[case("https://glance:9292")]
#[case("http://glance")]
#[case("http://glance:9292/")]
#[case("http://glance:9292 nocanon")]
#[case("http://user@glance:9292")]
#[case("http://${HOME}:9292")]
#[case("!")]
fn backends_that_are_none_are_refused(#[case] backend: &str) {
    let error = rendered("/image", backend).unwrap_err();
    assert_eq!((error.setting, error.cause.value.as_str()), ("spec.httpd.glanceProxy.backend", backend));
}

proptest! {
    /// Refused by name, or still as many lines.
    #[test]
    fn hostile_settings_never_leave_their_line(text in hostile()) {
        let lines = fragment("/image", "http://glance:9292").lines().count();
        for fragment in [rendered(&format!("/{text}"), "http://glance:9292"), rendered("/image", &format!("http://{text}:9292"))].into_iter().flatten() {
            prop_assert_eq!(fragment.lines().count(), lines);
        }
    }
}
