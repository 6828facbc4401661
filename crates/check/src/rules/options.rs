//! nginx's `if` blocks about a preflight.

use regex::Regex;

use crate::formats::directives::Directive;

/// A preflight has neither a token nor a cookie.
const LACKS: [&str; 3] = ["$http_x_auth_token", "$http_authorization", "$http_cookie"];

/// `if ($request_method = OPTIONS)`, and whatever else is certainly true for a preflight.
pub(crate) fn is_options(block: &Directive) -> bool {
    let text = block.text();
    let inner = text.trim().trim_start_matches('(').strip_suffix(')').unwrap_or_default();
    let parts: Vec<&str> = inner.split_whitespace().collect();
    if let [variable, "=", rest @ ..] = parts.as_slice()
        && LACKS.contains(variable)
        && rest.iter().all(|word| word.trim_matches(['"', '\'']).is_empty())
    {
        return block.name == "if";
    }
    method_is(block, "OPTIONS") == Some(true)
}

/// Whether `if ($request_method …)` holds for a method; none for any other block.
pub(crate) fn method_is(block: &Directive, method: &str) -> Option<bool> {
    let text = block.text();
    let inner = text.trim().trim_start_matches('(').strip_suffix(')').unwrap_or_default();
    let mut words = inner.trim().splitn(3, char::is_whitespace);
    let (Some("$request_method"), Some(operator), Some(pattern)) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    let pattern = pattern.trim();
    let matches = |pattern: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(method));
    let holds = match operator {
        "=" => pattern == method,
        "!=" => pattern != method,
        "~" => matches(pattern),
        "~*" => matches(&format!("(?i){pattern}")),
        "!~" => !matches(pattern),
        "!~*" => !matches(&format!("(?i){pattern}")),
        _ => return None,
    };
    (block.name == "if").then_some(holds)
}
