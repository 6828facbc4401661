//! httpd's expressions (httpd, ap_expr) and variables, and the blocks `<If>`, `<ElseIf>`, `<Else>`, for one request.
//!
//! In: the text of an expression, and a request. Out: whether it holds; none if that depends on more than is known, or if
//! something in it is not understood.

use direct_upload_core::derive::exposure_issue::policy::{all, any};
use direct_upload_core::openstack::cors_request::{CorsRequest, KnownText};

use crate::facts::browser::Sent;
use crate::facts::server::{ScopedDirective, Server};
use crate::formats::directives::Directive;

/// Whether the `<If>`, `<ElseIf>` and `<Else>` around a directive are met.
pub(super) fn met(server: &Server<'_>, within: &[Directive], sent: &Sent) -> Option<bool> {
    let blocks = within.iter().enumerate().filter(|(_, block)| is_if(&block.name));
    all(blocks.map(|(depth, block)| branch(server, &within[..depth], block, sent)))
}

/// Whether a block depends on an expression.
pub(super) fn is_if(name: &str) -> bool {
    matches!(name, "if" | "elseif" | "else")
}

/// Of several branches the first whose expression holds counts.
fn branch(server: &Server<'_>, around: &[Directive], block: &Directive, sent: &Sent) -> Option<bool> {
    let own = || if block.name == "else" { Some(true) } else { expression(&block.text(), sent) };
    if block.name == "if" {
        return own();
    }
    let siblings = server.items.iter().filter(|item| item.within == around && is_if(&item.directive.name));
    let before: Vec<&Directive> =
        siblings.map(|item| &item.directive).take_while(|directive| *directive != block).collect();
    let first = before.iter().rposition(|directive| directive.name == "if")?;
    let taken = any(before[first..].iter().map(|directive| expression(&directive.text(), sent)));
    all([taken.map(|taken| !taken), own()])
}

/// Whether an expression holds.
pub(super) fn expression(text: &str, sent: &Sent) -> Option<bool> {
    let mut words = Words { rest: text.trim().trim_matches('"').trim(), sent };
    let holds = words.alternatives();
    if words.rest.trim().is_empty() { holds.ok()? } else { None }
}

/// Something in an expression that is not understood.
struct NotUnderstood;

type Holds = Result<Option<bool>, NotUnderstood>;

/// What is left of an expression.
struct Words<'t, 'r> {
    rest: &'t str,
    sent: &'r Sent,
}

impl<'t> Words<'t, '_> {
    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(word) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    fn alternatives(&mut self) -> Holds {
        let mut found = vec![self.conjunction()?];
        while self.takes("||") {
            found.push(self.conjunction()?);
        }
        Ok(any(found))
    }

    fn conjunction(&mut self) -> Holds {
        let mut found = vec![self.term()?];
        while self.takes("&&") {
            found.push(self.term()?);
        }
        Ok(all(found))
    }

    fn term(&mut self) -> Holds {
        if self.takes("!") {
            return Ok(self.term()?.map(|holds| !holds));
        }
        if self.takes("(") {
            let holds = self.alternatives()?;
            return if self.takes(")") { Ok(holds) } else { Err(NotUnderstood) };
        }
        for (word, is_empty) in [("-n ", false), ("-z ", true)] {
            if self.takes(word) {
                let value = self.value()?;
                return Ok(value
                    .meets(str::is_empty)
                    .or(value.is_found().map(|found| !found))
                    .map(|is| is == is_empty));
            }
        }
        for (word, is) in [("true", true), ("false", false)] {
            if self.takes(word) {
                return Ok(Some(is));
            }
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Holds {
        const OPERATORS: [&str; 18] = [
            "==",
            "!=",
            "=~",
            "!~",
            "<=",
            ">=",
            "=",
            "<",
            ">",
            "-eq",
            "-ne",
            "-lt",
            "-le",
            "-gt",
            "-ge",
            "-in",
            "in ",
            "-strmatch",
        ];
        let value = self.value()?;
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.takes(operator)) else {
            return Err(NotUnderstood);
        };
        if matches!(operator, "=~" | "!~") {
            let (pattern, nocase) = self.pattern()?;
            return Ok(value.matches(&pattern, nocase).map(|is| is == (operator == "=~")));
        }
        if matches!(operator, "-in" | "in ") {
            let list = self.list()?;
            return Ok(any(list.iter().map(|own| equal(&value, own))));
        }
        let other = self.value()?;
        Ok(match operator {
            "==" | "=" => equal(&value, &other),
            "!=" => equal(&value, &other).map(|is| !is),
            "-strmatch" => None,
            _ => compared(operator, &value, &other),
        })
    }

    /// A text in quotes, `%{NAME}`, a function, or a word.
    fn value(&mut self) -> Result<KnownText, NotUnderstood> {
        self.rest = self.rest.trim_start();
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let (text, rest) = self.rest[1..].split_once(quote).ok_or(NotUnderstood)?;
            self.rest = rest;
            return Ok(filled(text, self.sent, &self.sent.path()));
        }
        if self.rest.starts_with("%{") {
            let end = self.rest.find('}').ok_or(NotUnderstood)?;
            let name = &self.rest[2..end];
            self.rest = &self.rest[end + 1..];
            return Ok(variable(name, self.sent, &self.sent.path()));
        }
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '=' | '!' | '<' | '>' | '&' | '|' | ',' | '}');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.rest = &self.rest[end..];
        if word.is_empty() {
            return Err(NotUnderstood);
        }
        if self.takes("(") {
            let argument = self.value()?;
            return if self.takes(")") { Ok(called(word, &argument, self.sent)) } else { Err(NotUnderstood) };
        }
        Ok(KnownText::is(word))
    }

    /// `m#…#i`, `/…/`.
    fn pattern(&mut self) -> Result<(String, bool), NotUnderstood> {
        let rest = self.rest.trim_start();
        let rest = rest.strip_prefix('m').unwrap_or(rest);
        let sign = rest.chars().next().filter(char::is_ascii_punctuation).ok_or(NotUnderstood)?;
        let (pattern, rest) = rest[sign.len_utf8()..].split_once(sign).ok_or(NotUnderstood)?;
        let after = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let flags = &rest[..rest.len() - after.len()];
        self.rest = after;
        Ok((pattern.to_owned(), flags.contains('i')))
    }

    fn list(&mut self) -> Result<Vec<KnownText>, NotUnderstood> {
        if !self.takes("{") {
            return Err(NotUnderstood);
        }
        let mut all = vec![self.value()?];
        while self.takes(",") {
            all.push(self.value()?);
        }
        if self.takes("}") { Ok(all) } else { Err(NotUnderstood) }
    }
}

fn equal(one: &KnownText, other: &KnownText) -> Option<bool> {
    match (one, other) {
        (one, KnownText::Is(text)) => one.meets(|own| own == text),
        (KnownText::Is(text), other) => other.meets(|own| own == text),
        (KnownText::Missing, other) | (other, KnownText::Missing) => other.meets(str::is_empty),
        _ => None,
    }
}

/// Comparisons of numbers; of other texts only where the expression asks for their order, which is not judged.
fn compared(operator: &str, one: &KnownText, other: &KnownText) -> Option<bool> {
    let number = |value: &KnownText| value.text()?.trim().parse::<u64>().ok();
    let (one, other) = (number(one)?, number(other)?);
    Some(match operator {
        "-eq" => one == other,
        "-ne" => one != other,
        "<" | "-lt" => one < other,
        "<=" | "-le" => one <= other,
        ">" | "-gt" => one > other,
        _ => one >= other,
    })
}

/// A function of httpd's expressions.
fn called(name: &str, argument: &KnownText, sent: &Sent) -> KnownText {
    let KnownText::Is(text) = argument else { return KnownText::Unknown };
    match name {
        "req" | "http" | "req_novary" => sent.header(text),
        "tolower" => KnownText::Is(text.to_lowercase()),
        "toupper" => KnownText::Is(text.to_uppercase()),
        _ => KnownText::Unknown,
    }
}

/// A text with `%{NAME}` in it.
pub(super) fn filled(text: &str, sent: &Sent, path: &KnownText) -> KnownText {
    let whole = text.strip_prefix("%{").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('{'));
    if let Some(name) = whole {
        return variable(name, sent, path);
    }
    let mut known = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%{") {
        let Some((name, tail)) = after.split_once('}') else { return KnownText::Unknown };
        let value = variable(name, sent, path);
        let Some(value) = value.text() else { return KnownText::Unknown };
        known.push_str(before);
        known.push_str(value);
        rest = tail;
    }
    if rest.contains(['%', '$']) { KnownText::Unknown } else { KnownText::Is(known + rest) }
}

/// `%{NAME}`.
pub(super) fn variable(name: &str, sent: &Sent, path: &KnownText) -> KnownText {
    let upper = name.to_uppercase();
    if let Some(header) = upper.strip_prefix("HTTP:") {
        return sent.header(header);
    }
    match upper.as_str() {
        "REQUEST_METHOD" => KnownText::is(sent.method()),
        "REQUEST_URI" => path.clone(),
        "QUERY_STRING" | "REMOTE_USER" | "AUTH_TYPE" => KnownText::Missing,
        "HTTP_REFERER" => sent.header("referer"),
        "HTTP_USER_AGENT" => sent.header("user-agent"),
        "HTTP_HOST" => sent.header("host"),
        "SERVER_NAME" => sent.host(),
        "HTTP_COOKIE" => sent.header("cookie"),
        "HTTP_ACCEPT" => sent.header("accept"),
        // Of Glance's own answer, for rules about answers.
        "REQUEST_STATUS" => KnownText::is(if sent.request == CorsRequest::Preflight { "200" } else { "204" }),
        "THE_REQUEST" => {
            path.text().map_or(KnownText::Unknown, |path| KnownText::Is(format!("{} {path} HTTP/1.1", sent.method())))
        }
        "HTTPS" if sent.is_secure() == Some(true) => KnownText::is("on"),
        "REQUEST_SCHEME" if sent.is_secure() == Some(true) => KnownText::is("https"),
        _ => KnownText::Unknown,
    }
}

/// Whether a request has a variable of the environment; none also where nothing in the input sets it.
pub(super) fn environment(server: &Server<'_>, name: &str, sent: &Sent) -> Option<bool> {
    written(server, name, sent).unwrap_or((name == "HTTPS" && sent.is_secure() == Some(true)).then_some(true))
}

/// The same for `env=NAME` of mod_headers: what nothing sets is not there, unless httpd's own modules set it.
fn of_header(server: &Server<'_>, name: &str, sent: &Sent) -> Option<bool> {
    let is_of_modules = ["HTTPS", "SSL_", "REDIRECT_", "REMOTE_", "GEOIP_", "MM_", "OIDC_"];
    let is_of_modules = is_of_modules.iter().any(|own| name.starts_with(own));
    let is_unset = !is_of_modules && written(server, name, sent).is_none();
    if is_unset { Some(false) } else { environment(server, name, sent) }
}

/// What the directives make of a variable, if any sets or removes it (mod_setenvif, mod_env, mod_rewrite).
fn written(server: &Server<'_>, name: &str, sent: &Sent) -> Option<Option<bool>> {
    let mut state: Option<Option<bool>> = None;
    for item in &server.items {
        let Some((sets, holds)) = assigned(item, name, sent) else { continue };
        let holds = all([holds, met(server, &item.within, sent)]);
        let before = state.unwrap_or(Some(false));
        state = Some(match holds {
            Some(true) => Some(sets),
            Some(false) => before,
            None => before.filter(|before| *before == sets),
        });
    }
    state
}

/// Whether a directive sets a variable or removes it, and whether it does so for a request.
fn assigned(item: &ScopedDirective<'_>, name: &str, sent: &Sent) -> Option<(bool, Option<bool>)> {
    let args: Vec<&str> = item.directive.args.iter().map(String::as_str).collect();
    let own = |words: &[&str]| {
        words.iter().find_map(|word| {
            let (word, sets) = word.strip_prefix('!').map_or((*word, true), |rest| (rest, false));
            (word.split('=').next() == Some(name)).then_some(sets)
        })
    };
    match item.directive.name.as_str() {
        "setenvif" | "setenvifnocase" => {
            let nocase = item.directive.name == "setenvifnocase";
            Some((own(args.get(2..)?)?, attribute(args[0], sent).matches(args[1], nocase)))
        }
        "browsermatch" | "browsermatchnocase" => {
            let nocase = item.directive.name == "browsermatchnocase";
            Some((own(args.get(1..)?)?, sent.header("user-agent").matches(args[0], nocase)))
        }
        "setenvifexpr" => Some((own(args.get(1..)?)?, expression(args[0], sent))),
        "setenv" => (args.first() == Some(&name)).then_some((true, Some(true))),
        "unsetenv" => args.contains(&name).then_some((false, Some(true))),
        // The conditions of mod_rewrite are not evaluated here.
        "rewriterule" => {
            let flags = args.get(2)?.trim_matches(['[', ']']);
            let named = flags.split(',').filter_map(|flag| flag.trim().strip_prefix("E="));
            let mut named = named.filter(|flag| flag.trim_start_matches('!').split(':').next() == Some(name));
            named.next().map(|flag| (!flag.starts_with('!'), None))
        }
        _ => None,
    }
}

/// What `SetEnvIf` looks at: a part of the request, or a header.
fn attribute(name: &str, sent: &Sent) -> KnownText {
    match name.to_lowercase().as_str() {
        "request_method" => KnownText::is(sent.method()),
        "request_uri" => sent.path(),
        "request_protocol" => KnownText::is("HTTP/1.1"),
        "remote_host" | "remote_addr" | "server_addr" | "remote_user" => KnownText::Unknown,
        header => sent.header(header),
    }
}

/// Whether `Header`, `RequestHeader` and the like do something for a request: by the blocks around them, and by
/// `env=NAME` or `expr=EXPRESSION` at their end (mod_headers).
pub(crate) fn holds(server: &Server<'_>, item: &ScopedDirective<'_>, sent: &Sent) -> Option<bool> {
    let last = item.directive.args.last().map(String::as_str).unwrap_or_default();
    let own = if let Some(name) = last.strip_prefix("env=!") {
        of_header(server, name, sent).map(|is| !is)
    } else if let Some(name) = last.strip_prefix("env=") {
        of_header(server, name, sent)
    } else if let Some(text) = last.strip_prefix("expr=") {
        expression(text, sent)
    } else {
        Some(true)
    };
    all([own, met(server, &item.within, sent)])
}
