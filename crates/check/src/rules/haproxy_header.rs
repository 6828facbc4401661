//! What a directive of HAProxy does with one header of answers.

use regex::Regex;

use crate::facts::server::ScopedDirective;

/// The action on a response header, and its new value.
pub(crate) fn response_header<'a>(item: &'a ScopedDirective<'_>, name: &str) -> Option<(&'a str, &'a str)> {
    let directive = &item.directive;
    match directive.name.as_str() {
        "http-response" | "http-after-response" => {
            let own = directive.arg(1)?;
            // Since 2.2 a name may be a part or a pattern, of names in lower case (configuration.txt, del-header).
            let own_lower = own.to_ascii_lowercase();
            let way = directive.args.windows(2).find(|pair| pair[0] == "-m").map(|pair| pair[1].as_str());
            let named = match way.filter(|_| directive.arg(0) == Some("del-header")) {
                Some("beg") => name.starts_with(&own_lower),
                Some("end") => name.ends_with(&own_lower),
                Some("sub") => name.contains(&own_lower),
                Some("reg") => Regex::new(own).is_ok_and(|pattern| pattern.is_match(name)),
                _ => own.eq_ignore_ascii_case(name),
            };
            named.then(|| (directive.arg(0).unwrap_or_default(), directive.arg(2).unwrap_or_default()))
        }
        // Removed in HAProxy 2.1.
        "rspdel" | "rspidel" => {
            let pattern = Regex::new(&format!("(?i){}", directive.arg(0)?)).ok()?;
            pattern.is_match(&format!("{name}: https://x")).then_some(("del-header", ""))
        }
        "rsprep" | "rspirep" => {
            let pattern = Regex::new(&format!("(?i){}", directive.arg(0)?)).ok()?;
            let (written, value) = directive.arg(1).and_then(|text| text.split_once(':')).unwrap_or_default();
            let stays = written.eq_ignore_ascii_case(name);
            let action = if stays { ("set-header", value.trim()) } else { ("del-header", "") };
            // A part of what Glance wrote may stay.
            (pattern.is_match(&format!("{name}: https://x")) && !value.contains('\\')).then_some(action)
        }
        "rspadd" => {
            let (written, value) = directive.arg(0)?.split_once(':')?;
            written.eq_ignore_ascii_case(name).then(|| ("add-header", value.trim()))
        }
        _ => None,
    }
}
