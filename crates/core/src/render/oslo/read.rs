//! Reads oslo.config ini, as `oslo_config/iniparser.py` does.
//!
//! In: the text of a file. Out: its assignments in order, raw, with their line numbers. Also an error for
//! each line that the real parser would refuse; it would then refuse the whole file.

use std::collections::VecDeque;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    /// In the file's order.
    pub assignments: Vec<Assignment>,
    /// Empty unless oslo.config would refuse the file.
    pub errors: Vec<LineError>,
}

/// One `name = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// As written between the brackets.
    pub section: String,
    /// As written before the `=` or `:`.
    pub name: String,
    /// Without outer spaces and quotes, otherwise raw; continuation lines are joined with newlines.
    pub value: String,
    /// Counted from 1.
    pub line: usize,
}

/// A line that oslo.config refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}: {text:?}")]
pub struct LineError {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What is wrong with it.
    pub problem: SyntaxError,
}

/// See [`LineError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// An indented first line, or an indented line after a comment or blank line.
    #[error("continues nothing; remove the blanks at its start")]
    Continuation,
    /// `[name` or `[name] # comment`.
    #[error("a section must end with ']', with nothing behind it")]
    SectionEnd,
    /// `[]`.
    #[error("a section needs a name")]
    SectionName,
    /// The first bytes of a file that some editors write.
    #[error("starts with a byte order mark")]
    ByteOrderMark,
    /// Neither `=` nor `:`.
    #[error("neither '=' nor ':'")]
    Assignment,
    /// `= value`.
    #[error("an option needs a name")]
    Key,
    /// An option before the first section.
    #[error("is before the first section; write [DEFAULT] above it")]
    NoSection,
}

/// A value of a list, after substitution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListItem {
    /// What the program gets.
    Known(String),
    /// It has `$name` or `${name}`, so its value depends on other options. As written.
    Substituted(String),
}

impl ListItem {
    /// The value, if it can be known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(value) => Some(value),
            Self::Substituted(_) => None,
        }
    }
}

impl Ini {
    /// The assignment that a single-valued option is read from: the last one. Section names other
    /// than `DEFAULT` are matched in lower case, option names exactly.
    pub fn get(&self, section: &str, name: &str) -> Option<&Assignment> {
        let section = normalized(section);
        self.assignments.iter().rev().find(|a| a.name == name && normalized(&a.section) == section)
    }
}

impl Assignment {
    /// The section's name as oslo.config compares it.
    pub fn normalized_section(&self) -> String {
        normalized(&self.section)
    }
}

/// Reads a file.
pub fn parse(text: &str) -> Ini {
    let mut reader = Reader::default();
    for (index, line) in universal_lines(text).enumerate() {
        reader.line(index + 1, line.trim_end_matches(is_blank));
    }
    reader.flush();
    if let Some(first) = text.strip_prefix('\u{feff}') {
        // Whatever follows it, the parser then finds no section, or no assignment.
        reader.ini.errors.retain(|error| error.line != 1);
        let text = first.lines().next().unwrap_or_default().to_owned();
        reader.ini.errors.insert(0, LineError { line: 1, text, problem: SyntaxError::ByteOrderMark });
    }
    reader.ini
}

/// A single value after substitution.
pub fn scalar(value: &str) -> ListItem {
    substitute(value).map_or_else(|| ListItem::Substituted(value.to_owned()), ListItem::Known)
}

/// The items of a `ListOpt` without bounds, such as those in `[cors]`.
pub fn list(value: &str) -> Vec<ListItem> {
    let value = value.trim_matches(is_blank).trim_end_matches(',');
    if value.is_empty() {
        return Vec::new();
    }
    // Names within `$…` have no comma, so splitting before substituting gives the same.
    value.split(',').map(|item| scalar(item.trim_matches(is_blank))).collect()
}

#[derive(Default)]
struct Reader {
    ini: Ini,
    section: Option<String>,
    /// The assignment that a continuation line would join.
    open: Option<Open>,
}

struct Open {
    name: String,
    lines: Vec<String>,
    line: usize,
    text: String,
}

impl Reader {
    /// One line without its trailing spaces. The branches have the order of the original's.
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() {
            self.flush();
        } else if line.starts_with([' ', '\t']) {
            match &mut self.open {
                Some(open) => open.lines.push(line.trim_start_matches(is_blank).to_owned()),
                None => self.error(number, line, SyntaxError::Continuation),
            }
        } else {
            self.flush();
            if line.starts_with('[') {
                self.begin_section(number, line);
            } else if !line.starts_with(['#', ';']) {
                self.begin_assignment(number, line);
            }
        }
    }

    fn begin_section(&mut self, number: usize, line: &str) {
        match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            None => self.error(number, line, SyntaxError::SectionEnd),
            Some("") => self.error(number, line, SyntaxError::SectionName),
            Some(name) => self.section = Some(name.to_owned()),
        }
    }

    fn begin_assignment(&mut self, number: usize, line: &str) {
        let Some((name, value)) = line.split_once(['=', ':']) else {
            return self.error(number, line, SyntaxError::Assignment);
        };
        let name = name.trim_matches(is_blank);
        if name.is_empty() {
            return self.error(number, line, SyntaxError::Key);
        }
        self.open = Some(Open {
            name: name.to_owned(),
            lines: vec![unquote(value.trim_matches(is_blank)).to_owned()],
            line: number,
            text: line.to_owned(),
        });
    }

    fn flush(&mut self) {
        let Some(open) = self.open.take() else { return };
        match self.section.clone() {
            None => self.error(open.line, &open.text, SyntaxError::NoSection),
            Some(section) => self.ini.assignments.push(Assignment {
                section,
                name: open.name,
                value: open.lines.join("\n"),
                line: open.line,
            }),
        }
    }

    fn error(&mut self, line: usize, text: &str, problem: SyntaxError) {
        self.ini.errors.push(LineError { line, text: text.to_owned(), problem });
    }
}

/// Removes one pair of equal quotes around the value, and also a lone quote.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return if rest.is_empty() { rest } else { rest.strip_suffix(quote).unwrap_or(value) };
        }
    }
    value
}

fn normalized(section: &str) -> String {
    if section == "DEFAULT" { section.to_owned() } else { section.to_lowercase() }
}

/// None if it has a name.
fn substitute(value: &str) -> Option<String> {
    substituted(value, |_| Err(())).ok()
}

/// `string.Template.safe_substitute` with oslo.config's `idpattern`.
///
/// # Errors
/// The error of `lookup`, which returns the value of a name.
pub fn substituted<E>(value: &str, mut lookup: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
    let mut rest: VecDeque<char> = value.replace("\\$", "$$").chars().collect();
    let mut done = String::with_capacity(value.len());
    while let Some(c) = rest.pop_front() {
        if c != '$' {
            done.push(c);
            continue;
        }
        match rest.front() {
            Some('$') => {
                rest.pop_front();
                done.push('$');
            }
            Some(&next) if begins_name(next) => {
                let end = rest.iter().position(|c| !is_in_name(*c)).unwrap_or(rest.len());
                let name: String = rest.drain(..end).collect();
                done.push_str(&lookup(&name)?);
            }
            Some('{') if braced_name(&rest) => {
                rest.pop_front();
                let end = rest.iter().position(|c| *c == '}').unwrap_or(rest.len());
                let name: String = rest.drain(..end).collect();
                rest.pop_front();
                done.push_str(&lookup(&name)?);
            }
            _ => done.push('$'),
        }
    }
    Ok(done)
}

/// `{name}`.
fn braced_name(rest: &VecDeque<char>) -> bool {
    rest.get(1).is_some_and(|&c| begins_name(c)) && rest.iter().skip(2).find(|&&c| !is_in_name(c)) == Some(&'}')
}

fn is_in_name(c: char) -> bool {
    begins_name(c) || c.is_ascii_digit() || c == '.'
}

/// `[_a-z]` with `re.IGNORECASE`, which folds four letters outside ASCII into it.
fn begins_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || matches!(c, '\u{130}' | '\u{131}' | '\u{17f}' | '\u{212a}')
}

/// Python's `str.isspace`.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Python's universal newlines: `\n`, `\r\n` and `\r`.
fn universal_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}
