//! Parses a page into steps: the commands that it asks the reader to type, and the output that it shows.
//!
//! In: Markdown. Out: steps. Blocks in `sh` are commands. In `console`, lines after a `$` are commands, and
//! the lines after them are their output. Hidden comments say the rest:
//!
//! - `<!-- run`, then commands until `-->`: the test runs them, too. `$BLOCK` is the block above.
//! - `<!-- run by FILE -->` above a block: that file of the repository runs the same commands.
//! - `<!-- not run: WHY -->` above a block.

use std::fs;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::harness::file;

/// Blocks in these are not commands.
const OTHER: &[&str] = &["apache", "ini", "json", "nginx", "python", "text", "yaml"];

/// What is to be done.
#[derive(Debug)]
pub struct Step {
    /// Where it stands.
    pub line: usize,
    pub commands: String,
    /// What the page says that it prints.
    pub printed: Option<String>,
    /// The text of the last block that is not a command.
    pub block: String,
}

/// The steps of a page, and what is wrong with it.
pub fn steps(text: &str) -> (Vec<Step>, Vec<String>) {
    let mut reader = Reader::default();
    let mut open = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        let line = text[..range.start].matches('\n').count() + 1;
        match event {
            Event::Start(Tag::CodeBlock(kind)) => open = Some((language(&kind), String::new())),
            Event::Text(piece) => {
                if let Some((_, code)) = &mut open {
                    code.push_str(&piece);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((language, code)) = open.take() {
                    reader.block(line, &language, &code);
                }
            }
            Event::Start(Tag::HtmlBlock) => reader.comment(line, text, range),
            _ => {}
        }
    }
    (reader.steps, reader.faults)
}

fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(name) => name.to_string(),
        CodeBlockKind::Indented => String::new(),
    }
}

#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    faults: Vec<String>,
    /// The next block is not to be run here.
    mark: Option<Mark>,
    last: String,
}

enum Mark {
    RunBy(String),
    NotRun,
}

impl Reader {
    fn comment(&mut self, line: usize, text: &str, range: Range<usize>) {
        let Some(comment) = text[range].trim().strip_prefix("<!--").and_then(|c| c.strip_suffix("-->")) else { return };
        if let Some(name) = comment.trim().strip_prefix("run by ") {
            self.mark = Some(Mark::RunBy(name.trim().to_owned()));
        } else if comment.trim().starts_with("not run: ") {
            self.mark = Some(Mark::NotRun);
        } else if let Some(commands) = comment.trim_start().strip_prefix("run\n") {
            self.push(line, commands.to_owned(), None);
        } else if !comment.trim().trim_start_matches('/').starts_with("generated") {
            self.faults.push(format!("line {line}: <!--{comment}--> is no mark that tests know"));
        }
    }

    fn block(&mut self, line: usize, language: &str, code: &str) {
        match (language, self.mark.take()) {
            ("sh" | "console", Some(Mark::NotRun)) => {}
            ("sh" | "console", Some(Mark::RunBy(name))) => self.elsewhere(line, &name, code),
            ("sh", None) => self.push(line, code.to_owned(), None),
            ("console", None) => self.console(line, code),
            (other, _) if OTHER.contains(&other) => code.clone_into(&mut self.last),
            (other, _) => {
                self.faults.push(format!("line {line}: a block in {other:?}; say sh, console, or one of {OTHER:?}"));
            }
        }
    }

    /// One step for each `$`.
    fn console(&mut self, line: usize, code: &str) {
        let mut rest = code;
        while let Some(start) = rest.strip_prefix("$ ") {
            let end = start.find("\n$ ").map_or(start.len(), |at| at + 1);
            let (commands, printed) = split(&start[..end]);
            self.push(line, commands.to_owned(), (!printed.trim().is_empty()).then(|| printed.to_owned()));
            rest = &start[end..];
        }
        if !rest.is_empty() {
            self.faults.push(format!("line {line}: a console begins with a `$`"));
        }
    }

    fn elsewhere(&mut self, line: usize, name: &str, code: &str) {
        let there = fs::read_to_string(file(name)).unwrap_or_default();
        let commands = code.lines().map(|l| l.trim_start_matches("$ ").split("  #").next().unwrap_or_default().trim());
        let missing = commands.filter(|command| !there.contains(command));
        self.faults.extend(missing.map(|command| format!("line {line}: {name} does not run {command:?}")));
    }

    fn push(&mut self, line: usize, commands: String, printed: Option<String>) {
        self.steps.push(Step { line, commands, printed, block: self.last.clone() });
    }
}

/// A command (a backslash continues it), and what it prints.
fn split(text: &str) -> (&str, &str) {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    text.split_at(end)
}

#[test]
fn what_a_page_tells() {
    let page = "<!-- runs -->\n\n```sh\na\n```\n\n```\nb\n```\n\n```ini\nx\n```\n\n```console\n$ c \\\n  d\ne\n$ f\n```\n\n\
                <!-- not run: because -->\n\n```sh\ng\n```\n\n<!-- run by .ci/run -->\n\n```sh\nmake nothing\n```\n\n<!-- run\nh\n-->\n";
    let (steps, faults) = steps(page);
    let commands: Vec<_> = steps.iter().map(|step| (step.commands.as_str(), step.printed.as_deref())).collect();
    assert_eq!(commands, [("a\n", None), ("c \\\n  d\n", Some("e\n")), ("f\n", None), ("h\n", None)]);
    assert_eq!(steps[3].block, "x\n");
    assert_eq!(faults.len(), 3, "an unknown mark, no language, and what CI does not run: {faults:#?}");
}
