//! The status line and headers of an HTTP/1 answer, read as browsers read them. What browsers tolerate is
//! accepted; what one of them refuses is an error. Pure. tests/cases/preflight/wire.yaml has each decision.

use direct_upload_api::web::is_token;

use super::headers::{lines, starts_with};
use super::response::Response;

/// Why this is not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the answer does not start with an HTTP/1 status line")]
    NotHttp,
    #[error("the connection ended before an answer was complete")]
    Cut,
    #[error("the status line and headers of the answer are longer than {} KiB", MOST / 1024)]
    TooLong,
    #[error("the headers of the answer contain a NUL byte; browsers refuse it")]
    Nul,
    #[error("the answer has several lines {0} that differ; browsers refuse it")]
    Differing(&'static str),
    #[error("a CORS header has a space before its colon: some browsers read it, others do not")]
    Blank,
}

/// How much of an answer is read. Browsers read more, but no real answer needs it.
const MOST: usize = 64 * 1024;

/// Reads what has arrived so far; `None` if the headers are not complete.
///
/// # Errors
/// More bytes cannot make it valid.
pub fn read(mut bytes: &[u8]) -> Result<Option<Response>, Unreadable> {
    loop {
        let start = bytes.iter().take(4).take_while(|b| b"\r\n".contains(b)).count();
        let from_start = &bytes[start..];
        if !is_http(from_start) {
            return Err(Unreadable::NotHttp);
        }
        let Some(end) = end(from_start) else {
            return if bytes.len() > MOST { Err(Unreadable::TooLong) } else { Ok(None) };
        };
        let answer = parse(&from_start[..end])?;
        // Interim answers. 101 is one, too, although not a good one.
        if !(100..=199).contains(&answer.status) || answer.status == 101 {
            return Ok(Some(answer));
        }
        bytes = &from_start[end..];
    }
}

/// Whether what has arrived so far starts with a whole `100 Continue` (RFC 9110 §15.2.1).
pub fn continues(bytes: &[u8]) -> bool {
    end(bytes).is_some_and(|end| {
        let line = bytes[..end].split(|b| b"\r\n".contains(b)).next().unwrap_or_default();
        std::str::from_utf8(line).ok().and_then(status) == Some(100)
    })
}

/// Whether the bytes start like an HTTP answer, as far as they have arrived.
fn is_http(bytes: &[u8]) -> bool {
    bytes.iter().zip(b"HTTP/").all(|(found, wanted)| found == wanted)
}

/// After the first empty line, with any kind of line end.
fn end(bytes: &[u8]) -> Option<usize> {
    let behind = |at: usize| match bytes.get(at..)? {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        _ => None,
    };
    bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').find_map(|(at, _)| behind(at + 1))
}

fn parse(head: &[u8]) -> Result<Response, Unreadable> {
    if head.contains(&0) {
        return Err(Unreadable::Nul);
    }
    // Isomorphic decode: each byte becomes the character with its number.
    let text: String = head.iter().copied().map(char::from).collect();
    // Chromium also ends lines at a single carriage return.
    let mut lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    let status = lines.next().and_then(status).ok_or(Unreadable::NotHttp)?;
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim_matches([' ', '\t']));
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let bare = name.trim_end_matches([' ', '\t']);
            if bare != name && starts_with(bare, "Access-Control-Allow-") {
                return Err(Unreadable::Blank);
            }
            if is_token(name) {
                headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
            }
        }
    }
    match differing(&headers) {
        Some(name) => Err(Unreadable::Differing(name)),
        None => Ok(Response { status, headers }),
    }
}

/// `HTTP/`, any version, three digits.
fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.strip_prefix("HTTP/")?.split_once(' ')?;
    let code = rest.trim_start_matches(' ').split(' ').next()?;
    let is_version = version.split('.').all(|part| !part.is_empty() && is_number(part));
    if is_version && code.len() == 3 && is_number(code) { code.parse().ok() } else { None }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Signs of an answer that was inserted into another.
fn differing(headers: &[(String, String)]) -> Option<&'static str> {
    let differ = |name: &'static str| {
        let mut values = lines(headers, name);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let chunked = lines(headers, "Transfer-Encoding").next().is_some();
    ["Location", "Content-Disposition", "Content-Length"]
        .into_iter()
        .find(|name| differ(name) && !(chunked && *name == "Content-Length"))
}
