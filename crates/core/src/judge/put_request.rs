//! The PUTs that the probe sends: none carries data.

use direct_upload_api::{OPERATOR, Panel};

use crate::judge::browser::request_headers;
use crate::judge::preflight::{HttpRequest, Preflight};

/// The header with the user's token.
const TOKEN: &str = "X-Auth-Token";

/// The header and the length of Django's token against forged requests (`django.middleware.csrf`).
const CSRF_TOKEN: &str = "X-CSRFToken";

const CSRF_LENGTH: usize = 64;

/// The PUT that is complete: no data, no token.
pub fn complete(asked: &Preflight) -> HttpRequest {
    put(asked, 0, None)
}

/// The PUT that only announces its data. Unlike the [`complete`] one it has a token, as an upload has, which Keystone
/// has not issued.
pub fn announced(asked: &Preflight, size: u64) -> HttpRequest {
    let mut request = put(asked, size, Some(("Expect", "100-continue".to_owned())));
    request.lines.push((TOKEN, invalid_token(asked)));
    request
}

/// The complete PUT with a token that Keystone has not issued, for servers that want one before Glance sees it.
pub fn with_token(asked: &Preflight) -> HttpRequest {
    put(asked, 0, Some((TOKEN, invalid_token(asked))))
}

/// It has the form of Keystone's default, a Fernet token: version 0x80, a time, and whole blocks of 16 bytes. Each
/// image has another one, because some servers remember tokens that Keystone refused.
fn invalid_token(asked: &Preflight) -> String {
    const FERNET: &str = "gAAAAABo";
    const LENGTH: usize = 247;
    let filler = OPERATOR.chars().chain(['-']).chain(asked.image.chars()).chain(['-']).collect::<Vec<_>>();
    FERNET.chars().chain(filler.into_iter().cycle()).take(LENGTH).collect()
}

/// With the headers of the Angular panel's upload, if it is one of those asked about (AngularJS: `$http` defaults,
/// `xsrfHeaderName`).
fn put(asked: &Preflight, length: u64, more: Option<(&'static str, String)>) -> HttpRequest {
    let is_angular = asked.uploads.iter().any(|upload| upload.panel() == Panel::Angular);
    let accept = if is_angular { "application/json, text/plain, */*" } else { "*/*" };
    let mut lines = vec![
        ("Accept", accept.to_owned()),
        ("Content-Length", length.to_string()),
        ("Content-Type", "application/octet-stream".to_owned()),
    ];
    if is_angular {
        lines.push((CSRF_TOKEN, "0".repeat(CSRF_LENGTH)));
    }
    lines.extend(more);
    lines.extend(request_headers(&asked.origin, asked.endpoint.origin()));
    lines.retain(|(name, _)| asked.refers || *name != "Referer");
    HttpRequest { method: asked.method(), path: asked.endpoint.upload_path(&asked.image), lines }
}
