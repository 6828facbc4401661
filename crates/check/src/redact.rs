//! Nothing secret is ever printed: the last sieve before any output.
//!
//! In: a text made for people. Out: the same text without passwords in URLs and behind the names that
//! secrets have. Rules quote only what they judge, which is no secret; this is for what a person put
//! in the wrong place.

use std::sync::LazyLock;

use regex::Regex;

/// Instead of a secret.
const MASK: &str = "***";

static USER_INFO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(://)[^/\s@'"]*@"#).ok());

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)([a-z0-9_.-]*(?:passw(?:or)?d|secret|token|api_?key|private_?key|access_?key|secret_?key|hmac_keys|credential)[a-z0-9_.-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;]+)"#)
        .ok()
});

/// What decoders quote of a value that is of the wrong type.
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(string |integer |floating point |boolean )("(?:[^"\\]|\\.)*"|`[^`]*`)"#).ok());

fn replace(regex: &LazyLock<Option<Regex>>, text: &str, with: &str) -> String {
    // The patterns are constants: a test sees that each compiles.
    regex.as_ref().map_or_else(|| MASK.to_owned(), |regex| regex.replace_all(text, with).into_owned())
}

/// A text that may be printed.
pub fn text(text: &str) -> String {
    let text = replace(&USER_INFO, text, "${1}***@");
    replace(&NAMED, &text, "${1}***")
}

/// A decoder's or parser's words: what it quotes of the value goes, too.
pub fn error(message: &str) -> String {
    text(&replace(&QUOTED, message, "${1}***"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("mysql+pymysql://glance:hunter2@db/glance", "mysql+pymysql://***@db/glance")]
    #[case("allowed_origin https://u:p@x.example", "allowed_origin https://***@x.example")]
    #[case("password = hunter2", "password = ***")]
    #[case("OS_PASSWORD: 'hunter 2'", "OS_PASSWORD: ***")]
    #[case("{\"secret_key\": \"hunter2\"}", "{\"secret_key\": ***}")]
    #[case("X-Auth-Token, X-CSRFToken", "X-Auth-Token, X-CSRFToken")]
    #[case("https://horizon.example.com:443/", "https://horizon.example.com:443/")]
    fn secrets(#[case] written: &str, #[case] printed: &str) {
        assert_eq!(text(written), printed);
    }

    #[test]
    fn decoders_quote_nothing() {
        assert_eq!(
            error("data.x: invalid type: string \"hun\\\"ter\", expected u"),
            "data.x: invalid type: string ***, expected u"
        );
    }
}
