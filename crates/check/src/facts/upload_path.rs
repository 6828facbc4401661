//! Which part of a server takes an upload, by the request's path.
//!
//! The path is Glance's own. A server that publishes Glance below another path has no part that takes it; then every
//! part may be the one.

use direct_upload_core::openstack::cors_request::UPLOAD_PATH;
use regex::Regex;

use super::server::ScopedDirective;
use crate::formats::directives::Directive;

/// How an nginx location is chosen, and its text.
pub(crate) fn location(block: &Directive) -> Option<(&str, &str)> {
    let first = block.arg(0)?;
    if let (modifier @ ("=" | "~" | "~*" | "^~"), Some(text)) = (first, block.arg(1)) {
        return Some((modifier, text));
    }
    for modifier in ["^~", "~*", "~", "="] {
        if let Some(text) = first.strip_prefix(modifier) {
            return Some((modifier, text));
        }
    }
    Some(("", first))
}

/// nginx's choice: an exact path, else the longest prefix, which a pattern beats unless it is marked `^~`
/// (ngx_http_core_module, location). With the locations in it, which are chosen from in the same way.
pub(crate) fn nginx_location<'d>(blocks: impl IntoIterator<Item = &'d Directive> + Clone) -> Option<&'d Directive> {
    let all = || blocks.clone().into_iter().filter(|d| d.name == "location").filter_map(|d| Some((d, location(d)?)));
    let exact = all().find(|(_, (modifier, text))| *modifier == "=" && *text == UPLOAD_PATH);
    let prefixes =
        all().filter(|(_, (modifier, text))| matches!(*modifier, "" | "^~") && UPLOAD_PATH.starts_with(text));
    let prefix = prefixes.max_by_key(|(_, (_, text))| text.len());
    let matches = |modifier: &str, text: &str| {
        let text = if modifier == "~*" { format!("(?i){text}") } else { text.to_owned() };
        Regex::new(&text).is_ok_and(|pattern| pattern.is_match(UPLOAD_PATH))
    };
    let pattern = || all().find(|(_, (modifier, text))| matches!(*modifier, "~" | "~*") && matches(modifier, text));
    let decided = exact.or_else(|| prefix.filter(|(_, (modifier, _))| *modifier == "^~"));
    let (chosen, _) = decided.or_else(pattern).or(prefix)?;
    nginx_location(&chosen.children).or(Some(chosen))
}

/// Whether a location of nginx answers each request itself, as far as its directives show.
pub(crate) fn leads_nowhere(location: &Directive) -> bool {
    const HARMLESS: [&str; 14] = [
        "return",
        "deny",
        "allow",
        "root",
        "alias",
        "index",
        "autoindex",
        "access_log",
        "log_not_found",
        "expires",
        "add_header",
        "default_type",
        "client_max_body_size",
        "internal",
    ];
    location.children.iter().all(|own| HARMLESS.contains(&own.name.as_str()))
}

/// httpd: drops what sections of other paths say, if the host leads all of its paths to Glance. Whether it does.
pub(crate) fn of_httpd(items: &mut Vec<ScopedDirective<'_>>) -> bool {
    let leads_all = |item: &ScopedDirective<'_>| {
        let root = item.directive.arg(0) == Some("/")
            || item.within.iter().any(|block| block.name == "location" && block.arg(0) == Some("/"));
        matches!(item.directive.name.as_str(), "proxypass" | "wsgiscriptalias")
            && root
            && item.directive.arg(1) != Some("!")
    };
    let takes_uploads = items.iter().any(leads_all);
    if takes_uploads {
        items.retain(|item| item.within.iter().all(may_take));
    }
    takes_uploads
}

/// Whether a section may be about the upload's path.
fn may_take(block: &Directive) -> bool {
    let pattern = |text: &str| Regex::new(text).map_or(true, |pattern| pattern.is_match(UPLOAD_PATH));
    match (block.name.as_str(), block.arg(0), block.arg(1)) {
        ("location", Some("~"), Some(text)) | ("locationmatch", Some(text), _) => pattern(text),
        ("location", Some(path), _) => {
            let path = path.trim_end_matches('/');
            path.contains(['*', '?', '[', ':'])
                || UPLOAD_PATH.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
        }
        _ => true,
    }
}
