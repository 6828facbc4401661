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

/// The sections of a text. Lines of which the text does not show whether HAProxy reads them are below a directive `.if`.
pub fn haproxy(text: &str) -> Vec<Directive> {
    let mut sections: Vec<Directive> = Vec::new();
    let mut branches: Vec<Branch> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut words = words(line).into_iter();
        let Some(written) = words.next() else { continue };
        let directive = Directive::new(written, words.collect(), at + 1);
        let was_open = is_open(&branches);
        if branch(&mut branches, &directive) {
            // The lines of a branch inside another one belong to the outer one.
            let (inner, outer) = branches.split_last().map_or((None, &[][..]), |(inner, outer)| (Some(inner), outer));
            let begins = inner.is_some_and(|own| own.now == Lines::Open) && !has_open(outer);
            if begins && directive.name != ".endif" && !was_open {
                put(&mut sections, Directive { name: OPEN.to_owned(), ..directive });
            }
            continue;
        }
        match branches.iter().map(|own| own.now).max() {
            Some(Lines::Skipped) => {}
            Some(Lines::Open) => {
                if let Some(open) = last_open(&mut sections) {
                    open.children.push(directive);
                }
            }
            _ if SECTIONS.contains(&directive.name.as_str()) => sections.push(directive),
            _ => put(&mut sections, directive),
        }
    }
    sections
}

/// What holds lines that depend on HAProxy's version or environment.
pub const OPEN: &str = ".if";

/// Whether the lines of an `.if` count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lines {
    Read,
    Open,
    Skipped,
}

/// An `.if`, and whether one of its conditions so far held.
struct Branch {
    now: Lines,
    held: Lines,
}

fn has_open(branches: &[Branch]) -> bool {
    branches.iter().any(|own| own.now == Lines::Open)
}

fn is_open(branches: &[Branch]) -> bool {
    branches.iter().map(|own| own.now).max() == Some(Lines::Open)
}

/// A line of the last section. Before the first section only an `.if` may be of use.
fn put(sections: &mut Vec<Directive>, directive: Directive) {
    match sections.last_mut() {
        Some(section) if section.name != OPEN => section.children.push(directive),
        _ if directive.name == OPEN => sections.push(directive),
        _ => {}
    }
}

fn last_open(sections: &mut [Directive]) -> Option<&mut Directive> {
    let section = sections.last_mut()?;
    if section.name == OPEN { Some(section) } else { section.children.last_mut().filter(|own| own.name == OPEN) }
}

/// The version in `version_atleast(2.4)`.
fn since(text: &str) -> Option<(u32, u32)> {
    let version = text.strip_prefix("version_atleast(")?.strip_suffix(')')?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.split(['.', '-']).next()?.parse().ok()?))
}

/// `.if 0`, `.elif 1`, `.else`, `.endif` (configuration.txt, 2.4). A condition that is no number depends on HAProxy's
/// version or environment.
fn branch(branches: &mut Vec<Branch>, directive: &Directive) -> bool {
    let text = directive.text();
    let condition = match text.trim() {
        "" | "0" | "false" => Lines::Skipped,
        text if text.parse::<u64>().is_ok() => Lines::Read,
        // Older versions have no `.if`.
        text if since(text).is_some_and(|version| version <= (2, 4)) => Lines::Read,
        _ => Lines::Open,
    };
    let further = |branches: &mut Vec<Branch>, condition: Lines| {
        let Some(own) = branches.last_mut() else { return };
        own.now = match own.held {
            Lines::Read => Lines::Skipped,
            Lines::Open => condition.max(Lines::Open),
            Lines::Skipped => condition,
        };
        own.held = own.held.min(condition);
    };
    match directive.name.as_str() {
        ".if" => branches.push(Branch { now: condition, held: condition }),
        ".elif" => further(branches, condition),
        ".else" => further(branches, Lines::Read),
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
