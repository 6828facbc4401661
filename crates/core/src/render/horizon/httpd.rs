//! Directives for the httpd that serves Horizon.
//!
//! In: [`HorizonHttpdSettings`]. Out: limits for uploads that pass through Horizon, CORS headers for exact
//! origins on Horizon's own answers if a user insists, and a path to Glance.

use super::proxy;
use crate::render::error::{RenderError, Unwritable};
use crate::render::file::{HEADER, bytes, seconds};
use crate::render::httpd::{Writer, pattern};
use crate::render::settings::{HorizonCorsSettings, HorizonHttpdSettings};

/// Has the origin of a request if it is one of ours.
const ORIGIN: &str = "DIRECT_UPLOAD_ORIGIN";

/// What Horizon's own JavaScript sends to `/api`.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";

const HEADERS: &str = "Content-Type, X-CSRFToken, X-Requested-With";

/// Renders the fragment; none if it would set nothing.
pub fn fragment(settings: &HorizonHttpdSettings) -> Result<Option<String>, RenderError> {
    let header = Writer::new(&HEADER).finish();
    let mut out = Writer::new(&HEADER);
    if let Some(limit) = settings.limit_request_body {
        let limit = bytes("spec.httpd.limitRequestBody", limit)?;
        out.directive("LimitRequestBody", &[&limit]).map_err(|e| e.in_setting("spec.httpd.limitRequestBody"))?;
    }
    if let Some(timeout) = settings.timeout {
        let timeout = seconds("spec.httpd.timeout", timeout)?;
        out.directive("Timeout", &[&timeout]).map_err(|e| e.in_setting("spec.httpd.timeout"))?;
    }
    if let Some(cors_settings) = settings.cors.as_ref().filter(|cors| !cors.origins.is_empty()) {
        cors(&mut out, cors_settings).map_err(|e| e.in_setting("spec.cors"))?;
    }
    if let Some(asked) = &settings.glance_proxy {
        proxy::proxy(&mut out, asked, settings.timeout)?;
    }
    let text = out.finish();
    Ok((text != header).then_some(text))
}

fn cors(out: &mut Writer, settings: &HorizonCorsSettings) -> Result<(), Unwritable> {
    out.if_modules(
        ["mod_setenvif.c", "mod_headers.c"],
        "direct-upload-operator wants mod_setenvif and mod_headers of which one is not loaded and so CORS headers are missing",
        |out| {
            for origin in &settings.origins {
                let exactly = format!("^{}$", pattern(origin.as_str()));
                out.directive("SetEnvIf", &["Origin", &exactly, &format!("{ORIGIN}=$0")])?;
            }
            out.comment("For caches: the answer depends on who asks, also where nobody is answered.");
            out.directive("Header", &["always", "merge", "Vary", "Origin"])?;
            let granted = format!("env={ORIGIN}");
            header(out, "Access-Control-Allow-Origin", &format!("%{{{ORIGIN}}}e"), &granted)?;
            if settings.allow_credentials {
                header(out, "Access-Control-Allow-Credentials", "true", &granted)?;
            }
            let preflight = format!("expr=%{{REQUEST_METHOD}} == 'OPTIONS' && -n %{{reqenv:{ORIGIN}}}");
            header(out, "Access-Control-Allow-Methods", METHODS, &preflight)?;
            header(out, "Access-Control-Allow-Headers", HEADERS, &preflight)?;
            if let Some(age) = settings.max_age {
                header(out, "Access-Control-Max-Age", &age.to_string(), &preflight)?;
            }
            Ok(())
        },
    )
}

/// One value, even if another directive set one before. httpd has two tables of response headers and sends
/// both, so `always set` alone would double a header that Horizon itself sets.
fn header(out: &mut Writer, name: &str, value: &str, condition: &str) -> Result<(), Unwritable> {
    out.directive("Header", &["onsuccess", "unset", name, condition])?;
    out.directive("Header", &["always", "set", name, value, condition])
}
