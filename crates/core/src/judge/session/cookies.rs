//! The cookies of one dashboard, kept as a browser keeps them (RFC 6265), for one host.

use super::Secret;
use crate::judge::headers::{Headers, lines};

/// The cookies of one host.
#[derive(Debug, Default)]
pub struct Jar(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: Secret,
    path: String,
    is_secure: bool,
}

impl Jar {
    /// Stores what an answer sets, for a request to this path. A cookie with a past date or an empty value
    /// is removed.
    pub fn take(&mut self, headers: &Headers, path: &str) {
        for line in lines(headers, "Set-Cookie") {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: Vec<(String, &str)> = parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
                .collect();
            let get = |wanted: &str| attributes.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| *value);
            let default = path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
            let cookie = Cookie {
                name: name.trim().to_owned(),
                value: Secret::new(value.trim().to_owned()),
                path: get("path").filter(|path| path.starts_with('/')).unwrap_or(default).to_owned(),
                is_secure: get("secure").is_some(),
            };
            let is_over = match (get("max-age"), get("expires")) {
                (Some(seconds), _) => seconds.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                // Django deletes by this date (HttpResponse.delete_cookie).
                (None, Some(date)) => date.contains("1970"),
                (None, None) => false,
            };
            self.0.retain(|kept| (&kept.name, &kept.path) != (&cookie.name, &cookie.path));
            if !is_over && !cookie.name.is_empty() {
                self.0.push(cookie);
            }
        }
    }

    /// The `Cookie` line for a request; none if there is no cookie.
    pub fn line(&self, path: &str, is_https: bool) -> Option<Secret> {
        let matches = |of: &str| {
            path == of || (path.starts_with(of) && (of.ends_with('/') || path[of.len()..].starts_with(['/', '?'])))
        };
        let sent: Vec<_> = self
            .0
            .iter()
            .filter(|cookie| matches(&cookie.path) && (is_https || !cookie.is_secure))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value.expose()))
            .collect();
        (!sent.is_empty()).then(|| Secret::new(sent.join("; ")))
    }

    /// The value of a cookie.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|cookie| cookie.name == name).map(|cookie| &cookie.value)
    }

    /// Whether there is a cookie that is sent only over https.
    pub fn has_secure(&self) -> bool {
        self.0.iter().any(|cookie| cookie.is_secure)
    }
}
