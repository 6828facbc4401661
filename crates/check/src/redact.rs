//! Redaction: the last filter before any output, so that no secret is ever printed.
//!
//! In: a text for people. Out: the same text without passwords in URLs, after the names that secrets have, and where a
//! server compares a request's header with a value that only its own clients know.
//! Rules quote only what they judge, which is not secret. This filter is for secrets in a wrong place.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Replaces a secret.
const MASK: &str = "***";

static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(://)[^/\s@'"]*@"#).ok());

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)([a-z0-9_.-]*(?:passw(?:or)?d|secret|token|api_?key|private_?key|access_?key|secret_?key|hmac_keys|credential)[a-z0-9_.-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;]+)"#)
        .ok()
});

/// Quotes of decoders for a value of the wrong type.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(string |integer |floating point |boolean )("(?:[^"\\]|\\.)*"|`[^`]*`)"#).ok());

/// What the servers compare headers, cookies and parameters with, or write into them: each name and value.
static COMPARED: LazyLock<Option<Vec<Regex>>> = LazyLock::new(|| {
    let end = r"(?P<end>\)?\s*(?:return\b|rewrite\b|deny\b|set\b|break\b|Require\b|RewriteRule\b|Header\b|RequestHeader\b|&&|\|\||\}|\[|: )|\)?$)";
    let quoted = r#"(?P<value>"[^"]*"|'[^']*'|/[^/]*/|m#[^#]*#|\{[^}]*\}"#;
    let read =
        r#"(?:(?:req|http|req_novary|reqenv|env)\(['"]?(?P<name>[\w-]+)['"]?\)|%\{(?:HTTP:|HTTP_)(?P<other>[\w-]+)\})"#;
    let patterns = [
        // nginx: if ($http_NAME != VALUE).
        format!(r"(?P<before>\$(?:http|cookie|arg)_(?P<name>\w+)[)\s]*!?[=~]\*?\s*)(?P<value>.+?){end}"),
        // HAProxy: { req.hdr(NAME),lower -m str VALUE }.
        format!(
            r"(?P<before>(?:hdr(?:_[a-z]+)?|cook(?:_[a-z]+)?|urlp(?:_[a-z]+)?|url_param|var)\((?P<name>[^)]*)\)\S*(?:\s+-(?:m\s+[a-z]+|[a-eg-ln-z-]))*\s+)(?P<value>[^\s}}-].*?){end}"
        ),
        r"(?P<before>\bstr\()(?P<value>[^)]+)(?P<end>\))".to_owned(),
        // httpd: req('NAME') == 'VALUE', either way round, and %{HTTP:NAME} !=VALUE.
        format!(
            r"(?P<before>{read}\s*(?:[=!]?[=~]|-?(?:eq|ne|lt|le|gt|ge|in|strc?match|fnmatch)\s)\s*){quoted}|[^\s&|)].*?){end}"
        ),
        format!(r"(?P<before>%\{{(?:HTTP:|HTTP_)(?P<name>[\w-]+)\}}\s+[!=<>~]*\s*){quoted}|[^\s&|)].*?){end}"),
        format!(
            r"(?P<before>){quoted})(?P<end>\s*(?:[=!]?[=~]|-?(?:eq|ne|lt|le|gt|ge|in|strc?match|fnmatch)\s)\s*{read})"
        ),
        format!(r"(?P<before>SetEnvIf(?:NoCase)?\s+(?P<name>[\w-]+)\s+)(?P<value>.+?){end}"),
        format!(r"(?P<before>REQUEST_(?:HEADERS|COOKIES):(?P<name>[\w-]+)\s+)(?P<value>.+?){end}"),
        // Traefik: Header(`NAME`, `VALUE`).
        r"(?P<before>(?:Headers?(?:Regexp)?|Query(?:Regexp)?)\(`(?P<name>[^`]*)`,\s*)(?P<value>`[^`]*`)(?P<end>)"
            .to_owned(),
        // uWSGI: equal:${HTTP_NAME};VALUE, and basicauth:REALM,USER:VALUE.
        r"(?P<before>\$\{HTTP_(?P<name>\w+)\};)(?P<value>\S+)(?P<end>)".to_owned(),
        r"(?P<before>\b(?:basicauth|ldapauth)[a-z-]*:)(?P<value>.+?)(?P<end>: uWSGI|$)".to_owned(),
        // What a proxy writes, with which it shows Glance or a gateway who it is.
        format!(
            r"(?P<before>(?:\b(?:proxy_set_header|set-header|add-header)|\bRequestHeader\s+(?:early\s+)?(?:set|add|append|merge|setifempty))\s+(?P<name>\w+-[\w-]+|Authorization|Cookie):?\s+)(?P<value>[^\s$%].*?){end}"
        ),
    ];
    patterns.into_iter().map(|pattern| Regex::new(&format!("(?im){pattern}")).ok()).collect()
});

/// Whether a header's values are no secrets: what browsers and proxies say about each request.
fn is_public(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "-");
    let name = name.split(',').next().unwrap_or_default();
    ["sec-", "content-", "accept", "access-control-", "x-forwarded-", "if-"].iter().any(|start| name.starts_with(start))
        || [
            "host",
            "origin",
            "referer",
            "user-agent",
            "connection",
            "upgrade",
            "expect",
            "range",
            "transfer-encoding",
            "x-requested-with",
            "x-real-ip",
            "dnt",
            "via",
            "forwarded",
            "cache-control",
            "vary",
            "server",
        ]
        .contains(&name)
}

/// A text without the values that servers compare headers with.
fn compared(text: &str) -> String {
    let Some(patterns) = COMPARED.as_ref() else { return MASK.to_owned() };
    let masked = |found: &Captures<'_>| {
        let group = |name: &str| found.name(name).map(|own| own.as_str());
        let name = group("name").or_else(|| group("other"));
        if name.is_some_and(is_public) {
            return found[0].to_owned();
        }
        [group("before").unwrap_or_default(), MASK, group("end").unwrap_or_default()].concat()
    };
    patterns.iter().fold(text.to_owned(), |text, pattern| pattern.replace_all(&text, masked).into_owned())
}

fn replace(regex: &LazyLock<Option<Regex>>, text: &str, with: &str) -> String {
    // The patterns are constants; a test checks that each compiles.
    regex.as_ref().map_or_else(|| MASK.to_owned(), |regex| regex.replace_all(text, with).into_owned())
}

/// A text that may be printed.
pub fn text(text: &str) -> String {
    let text = compared(&replace(&USER_INFO, text, "${1}***@"));
    let Some(named) = NAMED.as_ref() else { return MASK.to_owned() };
    let masked = |found: &Captures<'_>| {
        if is_harmless(&found[1]) { found[0].to_owned() } else { format!("{}{MASK}", &found[1]) }
    };
    named.replace_all(&text, masked).into_owned()
}

/// A CORS option, and a field of Envoy Gateway's SecurityPolicy, have names like secrets, but are none.
fn is_harmless(name: &str) -> bool {
    let name = name.to_lowercase();
    let bare = name.trim_end_matches(['=', ':', '"', '\'', ' ', '\t']);
    ["allow_credentials", "allow-credentials", "allowcredentials", "spec.apikeyauth"]
        .iter()
        .any(|option| bare.ends_with(option))
}

/// The message of a decoder or parser, without its quotes of the value.
pub fn error(message: &str) -> String {
    text(&replace(&QUOTED, message, "${1}***"))
}
