//! Compares the output of a command with the page.

use std::sync::OnceLock;

use regex::Regex;

/// What differs from run to run, and a name for it.
const VOLATILE: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f…-]+", "UUID"),
    (r"\b(\d+d)?(\d+h)?(\d+m)?(\d+s)?( ago)?\b", "AGE"),
    (r"-[0-9]{7,10}\b", "-HASH"),
];

/// `…` matches anything within a line, and any lines if it is alone in a line.
pub fn as_said(said: &str, printed: &str) -> bool {
    let lines = |text: &str| text.trim().lines().map(plain).collect::<Vec<_>>();
    matches(&lines(said), &lines(printed))
}

fn matches(said: &[String], printed: &[String]) -> bool {
    match (said, printed) {
        ([], []) => true,
        ([any, rest @ ..], _) if any == "…" => {
            matches(rest, printed) || printed.split_first().is_some_and(|(_, after)| matches(said, after))
        }
        ([line, said @ ..], [other, printed @ ..]) => line_matches(line, other) && matches(said, printed),
        _ => false,
    }
}

fn line_matches(said: &str, printed: &str) -> bool {
    let pieces: Vec<_> = said.split('…').map(regex::escape).collect();
    Regex::new(&format!("^{}$", pieces.join(".*"))).is_ok_and(|pattern| pattern.is_match(printed))
}

/// Without what differs from run to run, and with one blank between words.
fn plain(line: &str) -> String {
    static PATTERNS: OnceLock<Vec<(Regex, &str)>> = OnceLock::new();
    let patterns = PATTERNS.get_or_init(|| {
        let compiled = VOLATILE.iter().map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), *name));
        compiled.collect()
    });
    let mut line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    for (pattern, name) in patterns {
        line = pattern
            .replace_all(
                &line,
                |found: &regex::Captures<'_>| {
                    if found[0].is_empty() { String::new() } else { (*name).to_owned() }
                },
            )
            .into_owned();
    }
    line
}

#[test]
fn what_counts_as_said() {
    let table = "NAME    READY   AGE\nhorizon   True   5m\n";
    assert!(as_said(table, "NAME READY AGE\nhorizon True 12s"));
    assert!(!as_said(table, "NAME READY AGE\nhorizon False 12s"));
    assert!(as_said("a … c", "a b c") && !as_said("a … c", "a b"));
    assert!(as_said("first\n…\nlast", "first\nx\ny\nlast") && as_said("first\n…", "first"));
    assert!(!as_said("first", "first\nsecond"), "nothing may be left over");
    assert!(as_said("map-3263560975", "map-11122233") && !as_said("HTTP/1.1 200 OK", "HTTP/1.1 401 OK"));
}
