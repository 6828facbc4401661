//! Glance's fragment, obeyed by a real httpd.

use std::fs;
use std::process::Command;

use direct_upload_core::render::{ApiSettings, GlanceHttpdSettings, HttpdServer, TlsHost, glance};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests;
use test_support::oracle::{ask, file, hostile};

use crate::render::httpd::server::{Answer, MODULES, Running, Site, free_port};

/// What is rendered for this server.
pub fn fragment(server: HttpdServer, tls: Option<TlsHost>, legacy_headers: bool) -> String {
    glance(&settings(server, tls, legacy_headers)).unwrap().remove(0).contents
}

fn settings(server: HttpdServer, tls: Option<TlsHost>, legacy_headers: bool) -> ApiSettings {
    ApiSettings {
        httpd: Some(GlanceHttpdSettings {
            conf_dir: "/etc/apache2/conf-enabled".into(),
            server,
            tls,
            timeout: 3600,
            limit_request_body: 0,
            legacy_headers,
        }),
        ..ApiSettings::default()
    }
}

fn tls_host(certificate_dir: &str, port: u16, backend: u16) -> TlsHost {
    TlsHost {
        port,
        certificate_dir: certificate_dir.into(),
        server_name: Some("glance.example.com".into()),
        backend: format!("127.0.0.1:{backend}"),
        wsgi_script: "/usr/bin/glance-wsgi-api".into(),
    }
}

#[test]
fn the_whole_fragments_are_as_reviewed() {
    let tls = tls_host("/etc/glance/tls", 9292, 9293);
    insta::assert_snapshot!(fragment(HttpdServer::ModWsgi, Some(tls.clone()), true), @r#"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    # httpd's default is 1 GiB since 2.4.54; a larger upload gets 413.
    LimitRequestBody 0
    # The longest silence within a request, not its whole length.
    Timeout 3600
    <IfModule mod_reqtimeout.c>
        # Timeout guards the body; the limits for headers stay.
        RequestReadTimeout body=0
    </IfModule>
    <IfModule mod_wsgi.c>
        # Without it, a body without Content-Length gets 411.
        WSGIChunkedRequest On
    </IfModule>
    <IfModule !mod_wsgi.c>
        Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_wsgi which is not loaded and so chunked uploads are refused}"
    </IfModule>
    <IfModule mod_setenvif.c>
        <IfModule mod_headers.c>
            SetEnvIfNoCase "^x.image.meta.is.public$" "^(.+)$" "direct_upload_is_public=$1"
            RequestHeader set x-image-meta-is-public %{direct_upload_is_public}e env=direct_upload_is_public
            SetEnvIfNoCase "^x.image.meta.disk.format$" "^(.+)$" "direct_upload_disk_format=$1"
            RequestHeader set x-image-meta-disk-format %{direct_upload_disk_format}e env=direct_upload_disk_format
            SetEnvIfNoCase "^x.image.meta.container.format$" "^(.+)$" "direct_upload_container_format=$1"
            RequestHeader set x-image-meta-container-format %{direct_upload_container_format}e env=direct_upload_container_format
            SetEnvIfNoCase "^x.image.meta.copy.from$" "^(.+)$" "direct_upload_copy_from=$1"
            RequestHeader set x-image-meta-copy-from %{direct_upload_copy_from}e env=direct_upload_copy_from
            SetEnvIfNoCase "^x.image.meta.created.at$" "^(.+)$" "direct_upload_created_at=$1"
            RequestHeader set x-image-meta-created-at %{direct_upload_created_at}e env=direct_upload_created_at
            SetEnvIfNoCase "^x.image.meta.updated.at$" "^(.+)$" "direct_upload_updated_at=$1"
            RequestHeader set x-image-meta-updated-at %{direct_upload_updated_at}e env=direct_upload_updated_at
            SetEnvIfNoCase "^x.image.meta.deleted.at$" "^(.+)$" "direct_upload_deleted_at=$1"
            RequestHeader set x-image-meta-deleted-at %{direct_upload_deleted_at}e env=direct_upload_deleted_at
            SetEnvIfNoCase "^x.image.meta.min.ram$" "^(.+)$" "direct_upload_min_ram=$1"
            RequestHeader set x-image-meta-min-ram %{direct_upload_min_ram}e env=direct_upload_min_ram
            SetEnvIfNoCase "^x.image.meta.min.disk$" "^(.+)$" "direct_upload_min_disk=$1"
            RequestHeader set x-image-meta-min-disk %{direct_upload_min_disk}e env=direct_upload_min_disk
            SetEnvIfNoCase "^x.image.meta.virtual.size$" "^(.+)$" "direct_upload_virtual_size=$1"
            RequestHeader set x-image-meta-virtual-size %{direct_upload_virtual_size}e env=direct_upload_virtual_size
        </IfModule>
        <IfModule !mod_headers.c>
            Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_setenvif and mod_headers of which one is not loaded and so headers with underscores are lost}"
        </IfModule>
    </IfModule>
    <IfModule !mod_setenvif.c>
        Define DIRECT_UPLOAD_WARNING "${direct-upload-operator wants mod_setenvif and mod_headers of which one is not loaded and so headers with underscores are lost}"
    </IfModule>
    Listen 9292
    <VirtualHost *:9292>
        ServerName glance.example.com
        SSLEngine on
        SSLCertificateFile /etc/glance/tls/tls.crt
        SSLCertificateKeyFile /etc/glance/tls/tls.key
        WSGIDaemonProcess direct-upload-glance processes=4 threads=8 display-name=%{GROUP}
        WSGIProcessGroup direct-upload-glance
        WSGIApplicationGroup %{GLOBAL}
        WSGIPassAuthorization On
        WSGIScriptAlias / /usr/bin/glance-wsgi-api
        <Location />
            Require all granted
        </Location>
    </VirtualHost>
    "#);
    insta::assert_snapshot!(fragment(HttpdServer::ModProxy, Some(tls), false), @r"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    # httpd's default is 1 GiB since 2.4.54; a larger upload gets 413.
    LimitRequestBody 0
    # The longest silence within a request, not its whole length.
    Timeout 3600
    <IfModule mod_reqtimeout.c>
        # Timeout guards the body; the limits for headers stay.
        RequestReadTimeout body=0
    </IfModule>
    <IfModule mod_proxy.c>
        ProxyTimeout 3600
    </IfModule>
    Listen 9292
    <VirtualHost *:9292>
        ServerName glance.example.com
        SSLEngine on
        SSLCertificateFile /etc/glance/tls/tls.crt
        SSLCertificateKeyFile /etc/glance/tls/tls.key
        ProxyRequests Off
        ProxyPreserveHost On
        ProxyPass / http://127.0.0.1:9293/ retry=0
        ProxyPassReverse / http://127.0.0.1:9293/
        <IfModule mod_headers.c>
            RequestHeader set X-Forwarded-Proto https
        </IfModule>
        <Location />
            Require all granted
        </Location>
    </VirtualHost>
    ");
}

/// An httpd whose TLS host leads to glance-api, as far as the test needs one.
struct Tls {
    port: u16,
    ca: String,
    httpd: Running,
    _dir: tempfile::TempDir,
}

impl Tls {
    fn start(server: HttpdServer, backend: u16, legacy_headers: bool) -> Self {
        Self::with(server, backend, legacy_headers, &fs::read_to_string(file("echo.wsgi")).unwrap())
    }

    fn with(server: HttpdServer, backend: u16, legacy_headers: bool, program: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Site::certificate(dir.path());
        let script = dir.path().join("glance wsgi.py");
        fs::write(&script, program).unwrap();
        let port = free_port();
        let mut host = tls_host(dir.path().to_str().unwrap(), port, backend);
        host.wsgi_script = script.display().to_string();
        let httpd = Site::new(MODULES, &fragment(server, Some(host), legacy_headers)).start(&[port]);
        Self { port, ca: dir.path().join("tls.crt").to_str().unwrap().to_owned(), httpd, _dir: dir }
    }

    fn request(&self, mut question: Value) -> Answer {
        question["ask"] = json!("request");
        question["port"] = json!(self.port);
        question["ca"] = json!(self.ca);
        ask(&question)
    }
}

/// The real filter as a program for `mod_wsgi`, whose processes may not enter the checkout.
fn filter_program(packages: &std::path::Path, files: &Value) -> String {
    let from: String = ask(&json!({"ask": "site_packages"}));
    let copied = Command::new("cp").args(["-r", &from]).arg(packages).status().unwrap();
    assert!(copied.success(), "{from}");
    for name in ["ini.py", "glance_cors.py"] {
        fs::copy(file(name), packages.join(name)).unwrap();
    }
    fs::set_permissions(packages, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let at = packages.display();
    let text = serde_json::to_string(&files.to_string()).unwrap();
    format!(
        "import json, sys\nsys.dont_write_bytecode = True\nsys.path[:0] = ['{at}', '{at}/site-packages']\nimport ini\napplication = ini.cors_filter(json.loads({text}))\n"
    )
}

/// Glance's own CORS filter behind each module: what it says arrives once, and nothing else does.
#[rstest]
#[case::mod_wsgi(HttpdServer::ModWsgi)]
#[case::mod_proxy(HttpdServer::ModProxy)]
#[case::mod_proxy_uwsgi(HttpdServer::ModProxyUwsgi)]
fn preflight_passes_through_the_tls_host_unchanged(#[case] server: HttpdServer) {
    let files = json!({"glance-api.conf.d/a.conf": super::ini(super::cors(&["https://horizon.example.com"]))});
    let packages = tempfile::tempdir().unwrap();
    let tls = if server == HttpdServer::ModWsgi {
        Tls::with(server, 1, false, &filter_program(packages.path(), &files))
    } else {
        let kind = if server == HttpdServer::ModProxy { "glance" } else { "glance-uwsgi" };
        Tls::start(server, ask(&json!({"ask": "backend", "kind": kind, "files": files})), false)
    };
    let headers = |origin: &str| {
        json!([
            ["Host", "glance.example.com"],
            ["Origin", origin],
            ["Access-Control-Request-Method", "PUT"],
            ["Access-Control-Request-Headers", "content-type,x-auth-token,x-csrftoken"],
        ])
    };
    let granted = tls.request(json!({"method": "OPTIONS", "headers": headers("https://horizon.example.com")}));
    assert_eq!(granted.all("Access-Control-Allow-Origin"), ["https://horizon.example.com"]);
    assert_eq!(granted.all("Access-Control-Allow-Methods"), ["PUT"]);
    assert_eq!(granted.all("Access-Control-Allow-Credentials"), ["true"]);
    assert_eq!(granted.all("Access-Control-Allow-Headers"), ["content-type,x-auth-token,x-csrftoken"]);
    let refused = tls.request(json!({"method": "OPTIONS", "headers": headers("https://evil.example")}));
    assert_eq!(refused.all("Access-Control-Allow-Origin"), Vec::<&str>::new());

    let put = json!([["Host", "glance.example.com"], ["Origin", "https://horizon.example.com"]]);
    let answer = tls.request(json!({"method": "PUT", "headers": put, "body": "data"}));
    assert_eq!(answer.status, 204);
    assert_eq!(answer.all("Access-Control-Allow-Origin"), ["https://horizon.example.com"]);
}

const LEGACY: [(&str, &str); 10] = [
    ("is_public", "IS_PUBLIC"),
    ("disk_format", "DISK_FORMAT"),
    ("container_format", "CONTAINER_FORMAT"),
    ("copy_from", "COPY_FROM"),
    ("created_at", "CREATED_AT"),
    ("updated_at", "UPDATED_AT"),
    ("deleted_at", "DELETED_AT"),
    ("min_ram", "MIN_RAM"),
    ("min_disk", "MIN_DISK"),
    ("virtual_size", "VIRTUAL_SIZE"),
];

#[rstest]
#[case::mod_wsgi(HttpdServer::ModWsgi)]
#[case::mod_proxy_uwsgi(HttpdServer::ModProxyUwsgi)]
fn headers_with_underscores_are_restored(#[case] server: HttpdServer, #[values(true, false)] restore: bool) {
    let backend: u16 = ask(&json!({"ask": "backend", "kind": "uwsgi"}));
    let tls = Tls::start(server, backend, restore);
    let mut headers = vec![json!(["Host", "glance.example.com"]), json!(["x-image-meta-name", "n"])];
    // A value that would do harm if anything expanded it.
    headers.extend(LEGACY.map(|(name, _)| json!([format!("X-Image-Meta-{name}"), format!("{name} %{{HOME}}e \"$1")])));
    let mut read = tls.request(json!({"method": "GET", "headers": headers})).json();
    let environ = if server == HttpdServer::ModWsgi { read["environ"].take() } else { read };
    assert_eq!(environ["HTTP_X_IMAGE_META_NAME"], json!("n"));
    for (name, key) in LEGACY {
        let expected = if restore { json!(format!("{name} %{{HOME}}e \"$1")) } else { Value::Null };
        assert_eq!(environ[format!("HTTP_X_IMAGE_META_{key}")], expected, "{name}");
    }
}

#[rstest]
#[case::mod_wsgi(HttpdServer::ModWsgi)]
#[case::mod_proxy_uwsgi(HttpdServer::ModProxyUwsgi)]
#[case::mod_proxy(HttpdServer::ModProxy)]
fn glance_learns_that_the_client_speaks_https(#[case] server: HttpdServer) {
    let kind = if server == HttpdServer::ModProxy { "http" } else { "uwsgi" };
    let backend: u16 = ask(&json!({"ask": "backend", "kind": kind}));
    let tls = Tls::start(server, backend, false);
    let headers =
        json!([["Host", "glance.example.com:9292"], ["Authorization", "Bearer x"], ["X-Forwarded-Proto", "gopher"]]);
    let answer = tls.request(json!({"method": "GET", "headers": headers})).json();
    match server {
        HttpdServer::ModWsgi => {
            assert_eq!(answer["environ"]["wsgi.url_scheme"], json!("https"));
            assert_eq!(answer["environ"]["HTTP_HOST"], json!("glance.example.com:9292"));
            assert_eq!(answer["environ"]["HTTP_AUTHORIZATION"], json!("Bearer x"));
            assert_eq!(answer["environ"]["mod_wsgi.process_group"], json!("direct-upload-glance"));
        }
        HttpdServer::ModProxyUwsgi => {
            assert_eq!(answer["HTTPS"], json!("on"));
            assert_eq!(answer["HTTP_HOST"], json!("glance.example.com:9292"));
            assert_eq!(answer["HTTP_X_FORWARDED_PROTO"], json!("https"));
        }
        HttpdServer::ModProxy => {
            let lines = answer.to_string().to_lowercase();
            assert!(lines.contains("\"host: glance.example.com:9292\""), "{lines}");
            assert!(lines.contains("\"x-forwarded-proto: https\"") && !lines.contains("gopher"), "{lines}");
        }
    }
}

#[rstest]
fn bodies_stream_through_and_are_never_spooled(#[values(true, false)] chunked: bool) {
    let backend = free_port();
    let tls = Tls::start(HttpdServer::ModProxy, backend, false);
    let seen: Value =
        ask(&json!({"ask": "stream", "port": backend, "front_port": tls.port, "ca": tls.ca, "chunked": chunked}));
    assert_eq!(seen, json!({"streamed": true, "status": 204}));
}

#[rstest]
#[case::with_ours(true, 200, 200)]
#[case::without(false, 411, 413)]
fn chunked_and_large_bodies_pass_mod_wsgi(#[case] ours: bool, #[case] chunked: u16, #[case] large: u16) {
    let text = if ours { fragment(HttpdServer::ModWsgi, None, false) } else { String::new() };
    let httpd = Site::new(MODULES, &text).start(&[]);
    for (in_chunks, status) in [(true, chunked), (false, large)] {
        let answer = httpd.put("/?read=1", "12345", in_chunks);
        assert_eq!(answer.status, status, "{answer:?}");
        if ours {
            assert_eq!(answer.json()["received"], json!(5));
        }
    }
}

/// ExposingObject each module, above httpd's default of 1 GiB; and nothing of it stays in httpd.
#[rstest]
#[case::mod_wsgi(HttpdServer::ModWsgi)]
#[case::mod_proxy(HttpdServer::ModProxy)]
#[case::mod_proxy_uwsgi(HttpdServer::ModProxyUwsgi)]
fn more_than_a_gibibyte_passes(#[case] server: HttpdServer) {
    const SIZE: u64 = (1 << 30) + 1;
    let kind = if server == HttpdServer::ModProxy { "http" } else { "uwsgi" };
    let tls = Tls::start(server, ask(&json!({"ask": "backend", "kind": kind})), false);
    let question = json!({"ask": "large", "port": tls.port, "size": SIZE, "path": "/?read=1", "ca": tls.ca});
    let answer: Answer = ask(&question);
    assert_eq!((answer.status, answer.json()["received"].as_u64()), (200, Some(SIZE)), "{answer:?}");
    let (memory, disk) = tls.httpd.spent();
    assert!(memory < 256 << 20 && disk < 64 << 20, "{memory} bytes of memory, {disk} bytes written");
}

/// The client that people use: it uploads in chunks, and its v1 manner has headers with underscores.
#[rstest]
#[case::without(false, 411)]
#[case::with_ours(true, 200)]
fn glanceclient_uploads_through_mod_wsgi(#[case] ours: bool, #[case] status: u16) {
    let text = if ours { fragment(HttpdServer::ModWsgi, None, true) } else { String::new() };
    let httpd = Site::new(MODULES, &text).start(&[]);
    let fields = json!({"name": "cirros", "disk_format": "qcow2", "container_format": "bare", "min_ram": 64});
    let send = |version: &str, size: usize| -> Value {
        ask(&json!({
            "ask": "glanceclient", "port": httpd.port(), "path": "/v2/images/1/file?read=1", "version": version,
            "fields": fields, "size": size,
        }))
    };
    // More than one of its chunks. Without our file the limit of the site is 3 bytes, so a 411 shows that only the chunks are refused.
    let uploaded = send("2", (2 << 20) + 1);
    assert_eq!(uploaded["status"], status, "{uploaded}");
    if ours {
        assert_eq!(uploaded["body"]["received"], (2 << 20) + 1);
        let v1 = send("1", 5);
        let environ = &v1["body"]["environ"];
        for (name, value) in
            [("DISK_FORMAT", "qcow2"), ("CONTAINER_FORMAT", "bare"), ("MIN_RAM", "64"), ("NAME", "cirros")]
        {
            assert_eq!(environ[format!("HTTP_X_IMAGE_META_{name}")], value, "{v1}");
        }
    }
}

/// What no setting can fix: the module has no chunked bodies.
#[test]
fn chunked_bodies_are_refused_by_mod_proxy_uwsgi() {
    let tls = Tls::start(HttpdServer::ModProxyUwsgi, ask(&json!({"ask": "backend", "kind": "uwsgi"})), false);
    let question =
        json!({"method": "PUT", "headers": [["Host", "glance.example.com"]], "body": "12345", "chunked": true});
    assert_eq!(tls.request(question).status, 411);
}

/// What needs no mending: clients that write hyphens, and `mod_proxy`, which passes both on.
#[rstest]
#[case::mod_wsgi(HttpdServer::ModWsgi)]
#[case::mod_proxy(HttpdServer::ModProxy)]
#[case::mod_proxy_uwsgi(HttpdServer::ModProxyUwsgi)]
fn headers_with_hyphens_arrive_as_they_were_sent(#[case] server: HttpdServer) {
    let kind = if server == HttpdServer::ModProxy { "http" } else { "uwsgi" };
    let tls = Tls::start(server, ask(&json!({"ask": "backend", "kind": kind})), true);
    let hyphens = |name: &str| format!("x-image-meta-{}", name.replace('_', "-"));
    let mut headers = vec![json!(["Host", "glance.example.com"])];
    headers.extend(LEGACY.map(|(name, _)| json!([hyphens(name), name])));
    let mut read = tls.request(json!({"method": "GET", "headers": headers})).json();
    if server == HttpdServer::ModProxy {
        for (name, _) in LEGACY {
            let sent = format!("{}: {name}", hyphens(name));
            let count = read.as_array().unwrap().iter().filter(|line| line.as_str() == Some(&sent)).count();
            assert_eq!(count, 1, "{sent}: {read}");
        }
        let underscores =
            tls.request(json!({"method": "GET", "headers": [["Host", "x"], ["x-image-meta-disk_format", "raw"]]}));
        assert!(underscores.body.contains("x-image-meta-disk_format: raw"), "{underscores:?}");
        return;
    }
    let environ = if server == HttpdServer::ModWsgi { read["environ"].take() } else { read };
    for (name, key) in LEGACY {
        assert_eq!(environ[format!("HTTP_X_IMAGE_META_{key}")], json!(name));
    }
}

/// Several hours, from the resource to what httpd reads.
#[rstest]
#[case("6h", 21_600)]
#[case("36h", 129_600)]
#[case("90m", 5_400)]
fn a_timeout_of_hours_is_written_in_seconds(
    #[case] written: &str,
    #[case] seconds: u32,
    #[values("ModWSGI", "ModProxy", "ModProxyUwsgi")] server: &str,
) {
    let spec = format!("{{publicURL: 'https://glance.example.com', httpd: {{server: {server}, timeout: {written}}}}}");
    let outcome = manifests::render(&manifests::join(&[
        &manifests::deployment("openstack", "glance"),
        &manifests::resource("glance", "Glance", "openstack", "glance", &spec),
    ]));
    let files = direct_upload_core::simulate::rendered_files(&outcome);
    let (_, _, text) = files.iter().find(|(_, name, _)| *name == "zz-direct-upload-httpd.conf").unwrap();
    assert!(text.contains(&format!("\nTimeout {seconds}\n")), "{text}");
    assert_eq!(text.contains(&format!("    ProxyTimeout {seconds}\n")), server != "ModWSGI");
    let checked = Site::new(MODULES, text).check();
    assert!(checked.status.success(), "{checked:?}");
}

/// The body's second half comes later than `RequestReadTimeout` would have it.
#[rstest]
#[case::with_ours(true, 200)]
#[case::without(false, 408)]
fn a_slow_upload_is_not_cut(#[case] ours: bool, #[case] status: u16) {
    let strict = "LimitRequestBody 0\nRequestReadTimeout body=1\n".to_owned();
    let text = if ours { strict + &fragment(HttpdServer::ModWsgi, None, false) } else { strict };
    let httpd = Site::new(MODULES, &text).start(&[]);
    let answer = httpd.put_slowly("/?read=1", "12345678", 3);
    assert_eq!(answer.status, status, "{answer:?}");
}

#[rstest]
#[case::no_timeout(0, 0, "spec.httpd.timeout")]
#[case::endless_timeout(u32::MAX, 0, "spec.httpd.timeout")]
#[case::more_than_httpd_counts(1, u64::MAX, "spec.httpd.limitRequestBody")]
fn numbers_that_httpd_misreads_are_refused(#[case] timeout: u32, #[case] limit: u64, #[case] setting: &str) {
    let mut settings = settings(HttpdServer::ModWsgi, None, false);
    let httpd = settings.httpd.as_mut().unwrap();
    httpd.timeout = timeout;
    httpd.limit_request_body = limit;
    assert_eq!(glance(&settings).unwrap_err().setting, setting);
}

#[rstest]
#[case("127.0.0.1:9293")]
#[case("[::1]:9293")]
#[case("glance-api.openstack.svc:9292")]
fn backends_are_taken_as_they_are_written(#[case] backend: &str) {
    let tls = TlsHost { backend: backend.into(), ..tls_host("/x", 9292, 1) };
    assert!(fragment(HttpdServer::ModProxy, Some(tls), false).contains(&format!("http://{backend}/")));
}

#[rstest]
#[case("127.0.0.1")]
#[case("a:0")]
#[case("a:99999")]
#[case("a b:1")]
#[case("user@evil:1")]
#[case("evil/x:1")]
#[case("a:1 nocanon")]
#[case("${HOME}:1")]
#[case("[zz]:1")]
#[case(":1")]
fn backends_that_are_none_are_refused(#[case] backend: &str) {
    let tls = TlsHost { backend: backend.into(), ..tls_host("/x", 9292, 1) };
    let error = glance(&settings(HttpdServer::ModProxyUwsgi, Some(tls), false)).unwrap_err();
    assert_eq!((error.setting, error.cause.value.as_str()), ("spec.httpd.backend", backend));
}

proptest! {
    /// Any settings are refused by name, or give the same number of lines. (The writer's test checks that
    /// each argument comes out unchanged.)
    #[test]
    fn hostile_settings_never_leave_their_line(text in hostile()) {
        let plain = tls_host("/x", 9292, 1);
        let lines = fragment(HttpdServer::ModWsgi, Some(plain.clone()), false).lines().count();
        for tls in [
            TlsHost { certificate_dir: format!("/{text}"), ..plain.clone() },
            TlsHost { server_name: Some(text.clone()), ..plain.clone() },
            TlsHost { wsgi_script: format!("/{text}"), ..plain.clone() },
        ] {
            match glance(&settings(HttpdServer::ModWsgi, Some(tls), false)) {
                Ok(files) => prop_assert_eq!(files[0].contents.lines().count(), lines),
                Err(error) => {
                    let named = text.strip_suffix('/').unwrap_or(&text);
                    prop_assert!(error.cause.value.contains(named), "{}", error);
                }
            }
        }
    }
}
