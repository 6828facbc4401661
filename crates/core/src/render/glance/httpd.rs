//! Directives for the httpd in front of glance-api.
//!
//! In: [`GlanceHttpdSettings`]. Out: server-wide directives that let long uploads pass, and a TLS virtual
//! host if one is requested. Never a CORS header: Glance's filter sets them, and browsers refuse the answer
//! if there is a second one (DU012).

use crate::render::error::{FormatLimit, RenderError, Unwritable};
use crate::render::file::{HEADER, absolute, bytes, seconds};
use crate::render::httpd::Writer;
use crate::render::settings::{GlanceHttpdSettings, HttpdServer, TlsHost};

/// The v1 API's headers with underscores, which `ap_add_common_vars` drops.
const LEGACY_HEADERS: [&str; 10] = [
    "is_public",
    "disk_format",
    "container_format",
    "copy_from",
    "created_at",
    "updated_at",
    "deleted_at",
    "min_ram",
    "min_disk",
    "virtual_size",
];

/// Renders the fragment.
pub fn fragment(settings: &GlanceHttpdSettings) -> Result<String, RenderError> {
    let timeout = seconds("spec.httpd.timeout", settings.timeout)?;
    let limit = bytes("spec.httpd.limitRequestBody", settings.limit_request_body)?;
    let mut out = Writer::new(&HEADER);
    limits(&mut out, settings.server, &timeout, &limit).map_err(|e| e.in_setting("spec.httpd"))?;
    if settings.legacy_headers {
        legacy_headers(&mut out).map_err(|e| e.in_setting("spec.httpd.legacyHeaders"))?;
    }
    if let Some(tls) = &settings.tls {
        tls_host(&mut out, tls, settings.server)?;
    }
    Ok(out.finish())
}

fn limits(out: &mut Writer, server: HttpdServer, timeout: &str, limit: &str) -> Result<(), Unwritable> {
    out.comment("httpd's default is 1 GiB since 2.4.54; a larger upload gets 413.");
    out.directive("LimitRequestBody", &[limit])?;
    out.comment("The longest silence within a request, not its whole length.");
    out.directive("Timeout", &[timeout])?;
    // `body=20,MinRate=500` is the module's default. It also counts while Glance waits for its store, and
    // so cuts uploads to a slow store. `header=` does not change.
    out.only_with("mod_reqtimeout.c", |out| {
        out.comment("Timeout guards the body; the limits for headers stay.");
        out.directive("RequestReadTimeout", &["body=0"])
    })?;
    match server {
        HttpdServer::ModWsgi => out.if_modules(
            ["mod_wsgi.c"],
            "direct-upload-operator wants mod_wsgi which is not loaded and so chunked uploads are refused",
            |out| {
                out.comment("Without it, a body without Content-Length gets 411.");
                out.directive("WSGIChunkedRequest", &["On"])
            },
        ),
        // The proxies stream bodies as they arrive. `proxy-sendcl` would write chunked ones to disk and is
        // not set. mod_proxy_uwsgi always answers 411 to chunked bodies.
        HttpdServer::ModProxy | HttpdServer::ModProxyUwsgi => {
            out.only_with("mod_proxy.c", |out| out.directive("ProxyTimeout", &[timeout]))
        }
    }
}

/// As httpd's own manual restores such headers (`env.html#fixheader`): the dot matches the underscore, and
/// the header is set again with hyphens.
fn legacy_headers(out: &mut Writer) -> Result<(), Unwritable> {
    out.if_modules(
        ["mod_setenvif.c", "mod_headers.c"],
        "direct-upload-operator wants mod_setenvif and mod_headers of which one is not loaded and so headers with underscores are lost",
        |out| {
            for header in LEGACY_HEADERS {
                let attribute = format!("^x.image.meta.{}$", header.replace('_', "."));
                let variable = format!("direct_upload_{header}");
                out.directive("SetEnvIfNoCase", &[&attribute, "^(.+)$", &format!("{variable}=$1")])?;
                out.directive(
                    "RequestHeader",
                    &[
                        "set",
                        &format!("x-image-meta-{}", header.replace('_', "-")),
                        &format!("%{{{variable}}}e"),
                        &format!("env={variable}"),
                    ],
                )?;
            }
            Ok(())
        },
    )
}

/// Not inside `IfModule`: an httpd that starts without its TLS port looks healthy and serves nobody. One
/// that does not start stops the rollout while the old pods still serve.
fn tls_host(out: &mut Writer, tls: &TlsHost, server: HttpdServer) -> Result<(), RenderError> {
    let dir = absolute("spec.tls.secretName", &tls.certificate_dir)?;
    let of = |e: Unwritable| e.in_setting("spec.tls");
    out.directive("Listen", &[&tls.port.to_string()]).map_err(of)?;
    out.begin("VirtualHost", &format!("*:{}", tls.port)).map_err(of)?;
    if let Some(name) = &tls.server_name {
        out.directive("ServerName", &[server_name(name)?]).map_err(|e| e.in_setting("spec.publicURL"))?;
    }
    out.directive("SSLEngine", &["on"]).map_err(of)?;
    out.directive("SSLCertificateFile", &[&format!("{dir}/tls.crt")]).map_err(of)?;
    out.directive("SSLCertificateKeyFile", &[&format!("{dir}/tls.key")]).map_err(of)?;
    match server {
        HttpdServer::ModWsgi => wsgi(out, &tls.wsgi_script)?,
        HttpdServer::ModProxy => proxy(out, "http", &tls.backend)?,
        HttpdServer::ModProxyUwsgi => proxy(out, "uwsgi", &tls.backend)?,
    }
    out.begin("Location", "/").map_err(of)?;
    out.directive("Require", &["all", "granted"]).map_err(of)?;
    out.end();
    out.end();
    Ok(())
}

/// Separate processes: in embedded mode every httpd child would load Glance, and a
/// `WSGIRestrictEmbedded On` elsewhere would refuse it.
fn wsgi(out: &mut Writer, script: &str) -> Result<(), RenderError> {
    const GROUP: &str = "direct-upload-glance";
    let script = absolute("spec.httpd.wsgiScript", script)?;
    let of = |e: Unwritable| e.in_setting("spec.httpd.wsgiScript");
    out.directive("WSGIDaemonProcess", &[GROUP, "processes=4", "threads=8", "display-name=%{GROUP}"]).map_err(of)?;
    out.directive("WSGIProcessGroup", &[GROUP]).map_err(of)?;
    // Extension modules such as cryptography's do not load in sub-interpreters.
    out.directive("WSGIApplicationGroup", &["%{GLOBAL}"]).map_err(of)?;
    out.directive("WSGIPassAuthorization", &["On"]).map_err(of)?;
    out.directive("WSGIScriptAlias", &["/", script]).map_err(of)
}

/// `retry=0`: httpd must not avoid the only backend for a minute after its restart.
fn proxy(out: &mut Writer, scheme: &str, backend: &str) -> Result<(), RenderError> {
    let of = |e: Unwritable| e.in_setting("spec.httpd.backend");
    let url = format!("{scheme}://{}/", address(backend)?);
    out.directive("ProxyRequests", &["Off"]).map_err(of)?;
    out.directive("ProxyPreserveHost", &["On"]).map_err(of)?;
    out.directive("ProxyPass", &["/", &url, "retry=0"]).map_err(of)?;
    out.directive("ProxyPassReverse", &["/", &url]).map_err(of)?;
    // oslo.middleware's http_proxy_to_wsgi reads it, if Glance enables that.
    out.only_with("mod_headers.c", |out| out.directive("RequestHeader", &["set", "X-Forwarded-Proto", "https"]))
        .map_err(of)
}

/// `host:port`. It must not turn the URL into another one, or have a meaning for `ProxyPass`.
fn address(backend: &str) -> Result<&str, RenderError> {
    if is_address(backend) {
        Ok(backend)
    } else {
        Err(Unwritable::new(backend, FormatLimit::Address).in_setting("spec.httpd.backend"))
    }
}

pub(crate) fn is_address(backend: &str) -> bool {
    let host_and_port = backend.rsplit_once(':').filter(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host_is_one = match bare {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_host(host),
        };
        host_is_one && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    });
    host_and_port.is_some()
}

/// `ServerName` accepts a host name or an address in brackets.
fn server_name(name: &str) -> Result<&str, RenderError> {
    let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    if is_host(name) || bare.is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()) {
        Ok(name)
    } else {
        Err(Unwritable::new(name, FormatLimit::Host).in_setting("spec.publicURL"))
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}
