//! Reads ini as Python's `configparser.ConfigParser` does. It reads paste files and those of
//! Swift's proxy; oslo.config does not.
//!
//! In: a text, or several. Out: the sections, or the first line that the parser refuses (it then refuses the whole
//! file).

use std::collections::VecDeque;

/// A section with its options, in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    /// From 1.
    pub line: usize,
    pub options: Vec<IniOption>,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniOption {
    /// Case-sensitive, as PasteDeploy requires.
    pub name: String,
    /// Raw: nothing is interpolated.
    pub value: String,
    /// From 1.
    pub line: usize,
}

impl Section {
    /// An option.
    pub fn get(&self, name: &str) -> Option<&IniOption> {
        self.options.iter().find(|option| option.name == name)
    }

    fn put(&mut self, option: &IniOption) {
        match self.options.iter_mut().find(|own| own.name == option.name) {
            Some(own) => own.clone_from(option),
            None => self.options.push(option.clone()),
        }
    }
}

/// Reads a text.
///
/// # Errors
/// Line and reason, if Python refuses the file.
pub fn read(text: &str) -> Result<Vec<Section>, (usize, String)> {
    let mut sections: Vec<Section> = Vec::new();
    // While an option is open: the indentation of its line.
    let mut open: Option<usize> = None;
    let mut first_error = None;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let value = line.trim();
        let comment = value.starts_with(['#', ';']);
        if comment || value.is_empty() {
            if let (false, Some(_), Some(option)) = (comment, open, last(&mut sections)) {
                option.value.push('\n');
            }
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let (true, Some(option)) = (open.is_some_and(|own| indent > own), last(&mut sections)) {
            option.value.push('\n');
            option.value.push_str(value);
            continue;
        }
        if let Some(end) = value.rfind(']').filter(|end| *end > 1 && value.starts_with('[')) {
            let name = value[1..end].to_owned();
            if name != "DEFAULT" && sections.iter().any(|section| section.name == name) {
                return Err((number, format!("[{name}] appears twice")));
            }
            sections.push(Section { name, line: number, options: Vec::new() });
            open = None;
            continue;
        }
        let Some(section) = sections.last() else {
            return Err((number, "is before the first section".into()));
        };
        let Some((name, value)) = value.split_once(['=', ':']) else {
            first_error.get_or_insert((number, "has neither '=' nor ':'".to_owned()));
            continue;
        };
        let (name, value) = (name.trim_end().to_owned(), value.trim().to_owned());
        let own = section.name.clone();
        if sections.iter().any(|s| s.name == own && s.get(&name).is_some()) {
            return Err((number, format!("{name} appears twice in [{own}]")));
        }
        if let Some(section) = sections.last_mut() {
            section.options.push(IniOption { name, value, line: number });
        }
        open = Some(indent);
    }
    for option in sections.iter_mut().flat_map(|section| &mut section.options) {
        option.value.truncate(option.value.trim_end().len());
    }
    first_error.map_or(Ok(sections), Err)
}

/// Several texts, as `ConfigParser.read` reads several files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// What counts: a later option replaces an earlier one. Lines count on from text to text.
    pub sections: Vec<Section>,
    /// The sections of each text.
    pub written: Vec<Section>,
}

/// Reads texts one after the other.
///
/// # Errors
/// Line and reason, if Python refuses one of them.
pub fn read_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Merged, (usize, String)> {
    let (mut merged, mut before) = (Merged::default(), 0);
    for text in texts {
        let mut sections = read(text).map_err(|(line, why)| (before + line, why))?;
        for section in &mut sections {
            section.line += before;
            section.options.iter_mut().for_each(|option| option.line += before);
        }
        for section in &sections {
            match merged.sections.iter_mut().find(|own| own.name == section.name) {
                Some(own) => section.options.iter().for_each(|option| own.put(option)),
                None => merged.sections.push(section.clone()),
            }
        }
        merged.written.extend(sections);
        before += text.lines().count();
    }
    Ok(merged)
}

fn last(sections: &mut [Section]) -> Option<&mut IniOption> {
    sections.last_mut()?.options.last_mut()
}

/// The result of `BasicInterpolation` for a value; none if Python raises an exception.
pub fn interpolated(value: &str, known: &dyn Fn(&str) -> Option<String>, depth: usize) -> Option<String> {
    // configparser.MAX_INTERPOLATION_DEPTH
    if depth > 10 {
        return None;
    }
    let mut rest: VecDeque<char> = value.chars().collect();
    let mut done = String::with_capacity(value.len());
    while let Some(c) = rest.pop_front() {
        if c != '%' {
            done.push(c);
            continue;
        }
        match rest.pop_front()? {
            '%' => done.push('%'),
            '(' => {
                let end = rest.iter().position(|c| *c == ')')?;
                let name: String = rest.drain(..end).collect();
                rest.pop_front();
                if rest.pop_front() != Some('s') {
                    return None;
                }
                done.push_str(&interpolated(&known(&name)?, known, depth + 1)?);
            }
            _ => return None,
        }
    }
    Some(done)
}
