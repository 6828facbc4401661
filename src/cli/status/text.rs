//! A [`Way`] as a small tree.

use std::fmt::Write;

use super::tree::{Passed, Way};

/// The tree, ending in a newline; with colours where they are wanted.
pub fn text(way: &Way, coloured: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = tree(&mut out, way, &|text: &str, colour| {
        if coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    });
    out
}

fn tree(out: &mut String, way: &Way, paint: &dyn Fn(&str, &str) -> String) -> std::fmt::Result {
    let outcome = &way.outcome;
    let (mark, colour) = mark(outcome.passed);
    let since = outcome.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
    let head = paint(&format!("{mark} {}", outcome.reason), colour);
    writeln!(out, "{}  {}  {head}{since}", paint(&way.of, "1"), way.mode)?;
    if let Some(message) = &outcome.message {
        writeln!(out, "│  {message}")?;
    }
    let last = way.stages.len().saturating_sub(1);
    for (number, stage) in way.stages.iter().enumerate() {
        let (mark, colour) = self::mark(stage.passed);
        let (branch, trunk) = if number == last { ("└─", "  ") } else { ("├─", "│ ") };
        let line = format!("{branch} {} {:<9}  {}", paint(mark, colour), stage.name, stage.told);
        writeln!(out, "{}", line.trim_end())?;
        for next in &stage.next {
            writeln!(out, "{trunk}   {:<9}  {next}", "")?;
        }
    }
    for advice in &way.advice {
        writeln!(out, "   {} {advice}", paint("advice:", "36"))?;
    }
    Ok(())
}

fn mark(passed: Passed) -> (&'static str, &'static str) {
    match passed {
        Passed::Yes => ("✓", "32"),
        Passed::Working => ("…", "33"),
        Passed::No => ("✗", "31"),
        Passed::Unknown => ("?", "33"),
        Passed::Later => ("·", "2"),
    }
}
