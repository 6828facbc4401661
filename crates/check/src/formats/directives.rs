//! Reads the two directive languages, httpd's and nginx's, into one tree.
//!
//! In: a text, possibly of something else. Out: directives with arguments, nesting and lines. What does not
//! parse is skipped, and is not an error: the server itself reports it better.

use std::collections::BTreeMap;

/// One directive, or a section or block with its contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directive {
    /// In lower case: httpd's names are not case-sensitive, and nginx's are in lower case.
    pub name: String,
    /// As it is written.
    pub written: String,
    pub args: Vec<String>,
    /// From 1.
    pub line: usize,
    pub children: Vec<Directive>,
    /// Which of the files that are read together has it.
    pub source: usize,
}

impl Directive {
    pub fn new(written: String, args: Vec<String>, line: usize) -> Self {
        Self { name: written.to_ascii_lowercase(), written, args, line, children: Vec::new(), source: 0 }
    }

    /// The nth argument.
    pub fn arg(&self, at: usize) -> Option<&str> {
        self.args.get(at).map(String::as_str)
    }

    /// The first argument in lower case.
    pub fn word(&self) -> String {
        self.arg(0).unwrap_or_default().to_ascii_lowercase()
    }

    /// All arguments, as they would be written.
    pub fn text(&self) -> String {
        self.args.join(" ")
    }
}

/// No real configuration nests deeper.
const MOST_DEEP: usize = 32;

/// httpd: one directive per line, sections in `<…>`, `\` joins lines, `#` only at a line's start. `${NAME}` has the
/// value that `Define` gave it above.
pub fn httpd(text: &str) -> Vec<Directive> {
    httpd_after(text, BTreeMap::new())
}

/// All files of one httpd. What one of them defines counts in the others, too, unless two define it differently: only
/// the order in which httpd includes them would decide.
pub fn httpd_files(texts: &[&str]) -> Vec<Vec<Directive>> {
    let mut defined: BTreeMap<String, String> = BTreeMap::new();
    let mut ambiguous = Vec::new();
    for directive in texts.iter().filter(|text| text.contains("Define ")).flat_map(|text| httpd(text)) {
        if let ("define", [name, value]) = (directive.name.as_str(), directive.args.as_slice())
            && defined.insert(name.clone(), value.clone()).is_some_and(|before| before != *value)
        {
            ambiguous.push(name.clone());
        }
    }
    defined.retain(|name, _| !ambiguous.contains(name));
    let mut trees: Vec<Vec<Directive>> = texts.iter().map(|text| httpd_after(text, defined.clone())).collect();
    let mut flags = Vec::new();
    for tree in &trees {
        defined_in(tree, &mut flags);
    }
    for tree in &mut trees {
        drop_undefined(tree, &flags);
    }
    trees
}

/// Names that `Define` defines, with a value or without.
fn defined_in(tree: &[Directive], names: &mut Vec<String>) {
    for directive in tree {
        names.extend(directive.arg(0).filter(|_| directive.name == "define").map(str::to_owned));
        defined_in(&directive.children, names);
    }
}

/// Drops each `<IfDefine NAME>` of a name that no file defines, and each `<IfDefine !NAME>` of one that is.
fn drop_undefined(tree: &mut Vec<Directive>, names: &[String]) {
    tree.retain(|directive| {
        let Some(name) = directive.arg(0).filter(|_| directive.name == "ifdefine") else { return true };
        let (name, wanted) = name.strip_prefix('!').map_or((name, true), |name| (name, false));
        names.iter().any(|own| own == name) == wanted
    });
    for directive in tree {
        drop_undefined(&mut directive.children, names);
    }
}

fn httpd_after(text: &str, mut defined: BTreeMap<String, String>) -> Vec<Directive> {
    let mut open: Vec<Directive> = vec![Directive::default()];
    let mut lines = text.lines().enumerate();
    while let Some((at, first)) = lines.next() {
        let mut line = first.to_owned();
        while line.ends_with('\\') {
            line.pop();
            match lines.next() {
                Some((_, more)) => line.push_str(more),
                None => break,
            }
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = with_defined(line, &defined);
        if line.starts_with("</") {
            close(&mut open);
        } else if let Some(section) = line.strip_prefix('<') {
            open.push(words(section.trim_end().strip_suffix('>').unwrap_or(section), at + 1));
        } else if let Some(inner) = open.last_mut() {
            let directive = words(&line, at + 1);
            define(&directive, &mut defined);
            inner.children.push(directive);
        }
        if open.len() > MOST_DEEP {
            close(&mut open);
        }
    }
    finish(open)
}

/// `Define NAME VALUE` and `UnDefine NAME` (httpd, core).
fn define(directive: &Directive, defined: &mut BTreeMap<String, String>) {
    match (directive.name.as_str(), directive.args.as_slice()) {
        ("define", [name, value]) => {
            defined.insert(name.clone(), value.clone());
        }
        ("undefine", [name]) => {
            defined.remove(name);
        }
        _ => {}
    }
}

/// A line with the values of what is defined; other names stay as they are.
fn with_defined(line: &str, defined: &BTreeMap<String, String>) -> String {
    let mut line = line.to_owned();
    if line.contains("${") {
        for (name, value) in defined {
            line = line.replace(&format!("${{{name}}}"), value);
        }
    }
    line
}

/// Ends the innermost section.
fn close(open: &mut Vec<Directive>) {
    if open.len() > 1
        && let Some(done) = open.pop()
        && let Some(outer) = open.last_mut()
    {
        outer.children.push(done);
    }
}

fn finish(mut open: Vec<Directive>) -> Vec<Directive> {
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().map(|root| root.children).unwrap_or_default()
}

/// A line's words. Quotes may contain spaces, and `\"` is a quote.
fn words(line: &str, number: usize) -> Directive {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        let quote = (c == '"' || c == '\'').then(|| chars.next()).flatten();
        let mut word = String::new();
        while let Some(&c) = chars.peek() {
            if quote.map_or(c.is_whitespace(), |q| c == q) {
                break;
            }
            chars.next();
            match (c, chars.peek()) {
                ('\\', Some(&next)) if quote == Some(next) => {
                    word.push(next);
                    chars.next();
                }
                _ => word.push(c),
            }
        }
        chars.next();
        words.push(word);
    }
    let mut words = words.into_iter();
    Directive::new(words.next().unwrap_or_default(), words.collect(), number)
}

/// nginx: directives end in `;`, blocks are in `{…}`, `#` starts a comment anywhere.
pub fn nginx(text: &str) -> Vec<Directive> {
    let mut open: Vec<Directive> = vec![Directive::default()];
    let mut pending: Vec<(String, usize)> = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            ';' => {
                if let (Some(directive), Some(inner)) = (directive(&mut pending), open.last_mut()) {
                    inner.children.push(directive);
                }
            }
            '{' => {
                let block = directive(&mut pending);
                open.push(block.unwrap_or(Directive { line, ..Directive::default() }));
                if open.len() > MOST_DEEP {
                    close(&mut open);
                }
            }
            '}' => {
                pending.clear();
                close(&mut open);
            }
            '"' | '\'' => {
                let (start, mut word) = (line, String::new());
                while let Some(next) = chars.next_if(|next| *next != c) {
                    line += usize::from(next == '\n');
                    match (next, chars.peek()) {
                        // Before any other character it stays (ngx_conf_file.c).
                        ('\\', Some(&escaped @ ('"' | '\'' | '\\'))) => {
                            word.push(escaped);
                            chars.next();
                        }
                        _ => word.push(next),
                    }
                }
                chars.next();
                pending.push((word, start));
            }
            c if c.is_whitespace() => {}
            c => {
                let mut word = String::from(c);
                // `${name}` is part of a word.
                while let Some(next) = chars.next_if(|n| {
                    !n.is_whitespace()
                        && (!matches!(n, ';' | '{' | '}') || (*n == '{' && word.ends_with('$')) || in_variable(&word))
                }) {
                    word.push(next);
                }
                pending.push((word, line));
            }
        }
    }
    finish(open)
}

fn in_variable(word: &str) -> bool {
    word.rfind("${").is_some_and(|at| !word[at..].contains('}'))
}

fn directive(pending: &mut Vec<(String, usize)>) -> Option<Directive> {
    let mut words = std::mem::take(pending).into_iter();
    let (name, line) = words.next()?;
    Some(Directive::new(name, words.map(|(word, _)| word).collect(), line))
}
