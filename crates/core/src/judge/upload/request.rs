//! The PUTs that the probe sends: none carries data.

use direct_upload_api::OPERATOR;

use crate::judge::browser::request_headers;
use crate::judge::preflight::{HttpRequest, Preflight};

/// The header with the user's token.
const TOKEN: &str = "X-Auth-Token";

/// The PUT that is complete: no data, no token.
pub fn complete(asked: &Preflight) -> HttpRequest {
    put(asked, 0, None)
}

/// The PUT that only announces its data. Unlike the [`complete`] one it has a token, as an upload has, which Keystone
/// has not issued.
pub fn announced(asked: &Preflight, size: u64) -> HttpRequest {
    let mut request = put(asked, size, Some(("Expect", "100-continue".to_owned())));
    request.lines.push((TOKEN, invalid_token()));
    request
}

/// The complete PUT with a token that Keystone has not issued, for servers that want one before Glance sees it.
pub fn with_token(asked: &Preflight) -> HttpRequest {
    put(asked, 0, Some((TOKEN, invalid_token())))
}

/// It has the form of Keystone's default, a Fernet token: version 0x80, a time, and whole blocks of 16 bytes.
fn invalid_token() -> String {
    const FERNET: &str = "gAAAAABo";
    const LENGTH: usize = 247;
    let filler = OPERATOR.chars().chain(['-']).cycle();
    FERNET.chars().chain(filler).take(LENGTH).collect()
}

fn put(asked: &Preflight, length: u64, more: Option<(&'static str, String)>) -> HttpRequest {
    let mut lines = vec![
        ("Accept", "*/*".to_owned()),
        ("Content-Length", length.to_string()),
        ("Content-Type", "application/octet-stream".to_owned()),
    ];
    lines.extend(more);
    lines.extend(request_headers(&asked.origin, asked.endpoint.origin()));
    lines.retain(|(name, _)| asked.refers || *name != "Referer");
    HttpRequest { method: asked.method(), path: asked.endpoint.upload_path(&asked.image), lines }
}
