//! A path of the dashboard's own host that leads to Glance, for clouds without CORS.
//!
//! In: [`GlanceProxy`]. Out: directives outside of any virtual host, which every virtual host inherits.
//! There `ProxyPass` takes precedence over any `WSGIScriptAlias` (mod_proxy translates names first).

use direct_upload_api::{GlanceProxy, OWN_PATHS};

use crate::render::error::{FormatLimit, RenderError, Unwritable};
use crate::render::file::{absolute, seconds};
use crate::render::glance::httpd::is_address;
use crate::render::httpd::{self, Writer};

/// The default for how long Glance may be silent while its store stores a large image.
const PATIENCE: u32 = 3600;

/// Writes the directives.
pub fn proxy(out: &mut Writer, asked: &GlanceProxy, timeout: Option<u32>) -> Result<(), RenderError> {
    let path = path(&asked.path)?;
    let backend = backend(&asked.backend)?;
    let timeout = seconds("spec.httpd.timeout", timeout.unwrap_or(PATIENCE))?;
    out.comment("Debian's images switch few modules on.");
    out.load(&["proxy", "proxy_http", "headers"]);
    let written = location(out, path, backend, &timeout);
    written.map_err(|e| e.in_setting("spec.httpd.glanceProxy"))
}

fn location(out: &mut Writer, path: &str, backend: &str, timeout: &str) -> Result<(), Unwritable> {
    // As in front of Glance: the module's default limits how long a body may take.
    out.only_with("mod_reqtimeout.c", |out| {
        out.comment("Timeout guards the body; the limits for headers stay.");
        out.directive("RequestReadTimeout", &["body=0"])
    })?;
    out.if_modules(
        ["mod_proxy.c", "mod_proxy_http.c", "mod_headers.c"],
        "direct-upload-operator wants mod_proxy and mod_proxy_http and mod_headers of which one is not loaded and so Glance is not published here",
        |out| {
            out.begin("Location", path)?;
            let patience = format!("timeout={timeout}");
            // httpd must not avoid the only backend for a minute after its restart.
            out.directive("ProxyPass", &[backend, "retry=0", "connectiontimeout=10", &patience])?;
            out.directive("ProxyPassReverse", &[backend])?;
            out.directive("ProxyPreserveHost", &["On"])?;
            out.directive("LimitRequestBody", &["0"])?;
            out.comment("For oslo.middleware's http_proxy_to_wsgi, where Glance enables it: links with the path.");
            out.directive("RequestHeader", &["set", "X-Forwarded-Prefix", path])?;
            out.directive("RequestHeader", &["setifempty", "X-Forwarded-Proto", "expr=%{REQUEST_SCHEME}"])?;
            out.comment("The dashboard's session is not Glance's business, nor the reverse.");
            out.directive("RequestHeader", &["unset", "Cookie"])?;
            out.directive("Header", &["onsuccess", "unset", "Set-Cookie"])?;
            out.directive("Header", &["always", "unset", "Set-Cookie"])?;
            out.comment("Nothing in an image is a page of the dashboard's origin.");
            out.directive("Header", &["always", "set", "X-Content-Type-Options", "nosniff"])?;
            out.end();
            Ok(())
        },
    )
}

fn path(path: &str) -> Result<&str, RenderError> {
    const SETTING: &str = "spec.httpd.glanceProxy.path";
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._~-".contains(&b);
    let first = path.split('/').nth(1).unwrap_or_default();
    let own = OWN_PATHS.iter().any(|name| name.eq_ignore_ascii_case(first));
    if absolute(SETTING, path)? == path && path.bytes().all(plain) && !own {
        Ok(path)
    } else {
        Err(Unwritable::new(path, FormatLimit::ProxyPath).in_setting(SETTING))
    }
}

fn backend(backend: &str) -> Result<&str, RenderError> {
    if backend.strip_prefix("http://").is_some_and(is_address) {
        Ok(backend)
    } else {
        Err(Unwritable::new(backend, FormatLimit::Backend).in_setting("spec.httpd.glanceProxy.backend"))
    }
}

/// The path in one of our rendered fragments, if it has one.
pub fn read(fragment: &str) -> Option<GlanceProxy> {
    let line = |start: &str| fragment.lines().find_map(|line| line.trim_start().strip_prefix(start));
    let first = |arguments: &str| httpd::arguments(arguments).into_iter().next();
    let path = first(line("<Location ")?.strip_suffix('>')?)?;
    let backend = first(line("ProxyPass ")?)?;
    Some(GlanceProxy { path, backend })
}
