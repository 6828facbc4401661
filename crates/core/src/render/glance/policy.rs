//! Rules of oslo.policy.
//!
//! In: names and expressions. Out: a file of a `policy.d`, which is read after the service's own, or a
//! refusal. If oslo.policy cannot parse an expression, it only writes a log line, and denies.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::openstack::policy::{NOBODY, UPLOAD};
use crate::render::error::{FormatLimit, RenderError, Unwritable};
use crate::render::file::HEADER;

const SETTING: &str = "spec.apis";

/// Renders the file; it is YAML whose strings are JSON's.
pub fn rules(rules: &BTreeMap<String, String>) -> Result<String, RenderError> {
    let mut text = String::new();
    for line in HEADER {
        let _ = writeln!(text, "# {line}");
    }
    for (name, expression) in rules {
        check_name(name).and_then(|()| check(expression)).map_err(|e| e.in_setting(SETTING))?;
        let _ = writeln!(text, "{}", line(name, expression));
    }
    Ok(text)
}

/// Whether a rendered file of ours lets nobody upload.
pub fn refuses_uploads(text: &str) -> bool {
    let refusal = line(UPLOAD, NOBODY);
    text.lines().any(|line| line == refusal)
}

/// The rules of a rendered file of ours.
pub(in crate::render) fn read(text: &str) -> BTreeMap<String, String> {
    let rule = |line: &str| serde_json::from_str::<BTreeMap<String, String>>(&format!("{{{line}}}")).ok();
    text.lines().filter_map(rule).flatten().collect()
}

fn line(name: &str, expression: &str) -> String {
    format!("{}: {}", quoted(name), quoted(expression))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn check_name(name: &str) -> Result<(), Unwritable> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"_-.:".contains(&b);
    if !name.is_empty() && name.bytes().all(fine) { Ok(()) } else { Err(Unwritable::new(name, FormatLimit::Name)) }
}

/// Whether oslo.policy can parse it. An empty expression would allow everyone; `@` says the same
/// explicitly.
fn check(expression: &str) -> Result<(), Unwritable> {
    let refuse = |refusal| Err(Unwritable::new(expression, refusal));
    if expression.chars().any(char::is_control) {
        return refuse(FormatLimit::Control);
    }
    if !expression.is_ascii() {
        return refuse(FormatLimit::NonAscii);
    }
    let tokens = tokens(expression);
    let mut rest = tokens.as_slice();
    if any(&mut rest) && rest.is_empty() { Ok(()) } else { refuse(FormatLimit::Policy) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PolicyToken<'a> {
    Open,
    Close,
    Not,
    AndOr,
    Check(&'a str),
}

/// Parentheses count only at the ends of a word.
fn tokens(expression: &str) -> Vec<PolicyToken<'_>> {
    let mut tokens = Vec::new();
    for word in expression.split_ascii_whitespace() {
        let inner = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n(PolicyToken::Open, word.len() - inner.len()));
        let clean = inner.trim_end_matches(')');
        match clean.to_ascii_lowercase().as_str() {
            "" => {}
            "not" => tokens.push(PolicyToken::Not),
            "and" | "or" => tokens.push(PolicyToken::AndOr),
            _ => tokens.push(PolicyToken::Check(clean)),
        }
        tokens.extend(std::iter::repeat_n(PolicyToken::Close, inner.len() - clean.len()));
    }
    tokens
}

/// Checks with `and` or `or` between them.
fn any(rest: &mut &[PolicyToken<'_>]) -> bool {
    loop {
        if !one(rest) {
            return false;
        }
        let [PolicyToken::AndOr, after @ ..] = *rest else { return true };
        *rest = after;
    }
}

fn one(rest: &mut &[PolicyToken<'_>]) -> bool {
    let [first, after @ ..] = *rest else { return false };
    *rest = after;
    match first {
        PolicyToken::Not => one(rest),
        PolicyToken::Open => {
            let inner = any(rest);
            let [PolicyToken::Close, after @ ..] = *rest else { return false };
            *rest = after;
            inner
        }
        PolicyToken::Check(text) => {
            let quoted = text.len() > 1 && ["\"", "'"].iter().any(|q| text.starts_with(q) && text.ends_with(q));
            matches!(*text, "!" | "@") || (!quoted && text.split_once(':').is_some_and(|(kind, _)| !kind.is_empty()))
        }
        PolicyToken::AndOr | PolicyToken::Close => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rendered() {
        let given = [("upload_image", "!"), ("get_image", "role:admin or (role:reader and project_id:%(project_id)s)")];
        let given = given.map(|(name, rule)| (name.to_owned(), rule.to_owned()));
        insta::assert_snapshot!(rules(&given.into()).unwrap(), @r#"
        # Written by direct-upload-operator; do not edit.
        # Change the custom resource instead: edits of this file are lost.
        "get_image": "role:admin or (role:reader and project_id:%(project_id)s)"
        "upload_image": "!"
        "#);
    }

    #[test]
    fn what_nobody_could_parse_is_refused() {
        for bad in ["", " ", "role", "role:a role:b", "(role:a", "role:a)", "and", "not", "role:a and", "'x:y'", ":a"] {
            assert_eq!(check(bad).unwrap_err().refusal, FormatLimit::Policy, "{bad:?}");
        }
        for good in ["@", "!", "not not role:a", "'lit:x", "NOT (role:a OR rule:b) and @", "a:b:c"] {
            check(good).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[test]
    fn nothing_gets_out_of_its_line() {
        let given = BTreeMap::from([("a".to_owned(), "role:x\n\"b\": \"@\"".to_owned())]);
        assert_eq!(rules(&given).unwrap_err().cause.refusal, FormatLimit::Control);
        let given = BTreeMap::from([("a\": \"@".to_owned(), "@".to_owned())]);
        assert_eq!(rules(&given).unwrap_err().cause.refusal, FormatLimit::Name);
    }
}
