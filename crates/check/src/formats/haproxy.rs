//! Reads HAProxy's configuration into the same tree as that of the other web servers: one directive per
//! line, below the section that started last.

use super::directives::Directive;

/// What starts a section.
const SECTIONS: [&str; 15] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "userlist",
    "peers",
    "resolvers",
    "mailers",
    "program",
    "cache",
    "http-errors",
    "ring",
    "fcgi-app",
    "log-forward",
];

/// The sections of a text.
pub fn haproxy(text: &str) -> Vec<Directive> {
    let mut sections: Vec<Directive> = Vec::new();
    let mut branches = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut words = words(line).into_iter();
        let Some(written) = words.next() else { continue };
        let directive = Directive::new(written, words.collect(), at + 1);
        if branch(&mut branches, &directive) || branches.contains(&Branch::Skipped) {
            continue;
        }
        if SECTIONS.contains(&directive.name.as_str()) {
            sections.push(directive);
        } else if let Some(section) = sections.last_mut() {
            section.children.push(directive);
        }
    }
    sections
}

/// Whether the lines of an `.if` count.
#[derive(Clone, Copy, PartialEq)]
enum Branch {
    Read,
    Skipped,
}

/// `.if 0`, `.elif 1`, `.else`, `.endif` (configuration.txt, 2.4). A condition that is no number depends on HAProxy's
/// environment, so its lines are read.
fn branch(branches: &mut Vec<Branch>, directive: &Directive) -> bool {
    let condition = match directive.text().trim() {
        "" | "0" | "false" => Branch::Skipped,
        _ => Branch::Read,
    };
    match directive.name.as_str() {
        ".if" => branches.push(condition),
        ".elif" => {
            branches.pop();
            branches.push(condition);
        }
        ".else" => {
            branches.pop();
            branches.push(Branch::Read);
        }
        ".endif" => drop(branches.pop()),
        _ => return false,
    }
    true
}

/// `\` escapes the next character, quotes may contain spaces, `#` starts a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (_, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => {
                let word = word.get_or_insert_default();
                let Some(next) = chars.next() else { continue };
                // Before any other character it stays, as in patterns (measured with 2.6).
                if !matches!(next, ' ' | '#' | '"' | '\'' | '\\' | 'n' | 'r' | 't' | 'x' | '$') {
                    word.push('\\');
                }
                word.push(next);
            }
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
