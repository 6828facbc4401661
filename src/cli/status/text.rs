//! A [`UploadPath`] as a small tree.

use std::fmt::Write;

use super::tree::{Passed, UploadPath};

/// The tree, with a newline at its end, and with colours if requested.
pub fn text(way: &UploadPath, coloured: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = tree(&mut out, way, &|text: &str, colour| {
        if coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    });
    out
}

fn tree(out: &mut String, way: &UploadPath, paint: &dyn Fn(&str, &str) -> String) -> std::fmt::Result {
    let readiness = &way.readiness;
    let (mark, colour) = mark(readiness.passed);
    let since = readiness.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
    let head = paint(&format!("{mark} {}", readiness.reason), colour);
    writeln!(out, "{}  {}  {head}{since}", paint(&way.of, "1"), way.mode)?;
    if let Some(message) = &readiness.message {
        writeln!(out, "│  {message}")?;
    }
    let last = way.checkpoints.len().saturating_sub(1);
    for (number, checkpoint) in way.checkpoints.iter().enumerate() {
        let (mark, colour) = self::mark(checkpoint.passed);
        let (branch, trunk) = if number == last { ("└─", "  ") } else { ("├─", "│ ") };
        let line = format!("{branch} {} {:<9}  {}", paint(mark, colour), checkpoint.name, checkpoint.told);
        writeln!(out, "{}", line.trim_end())?;
        for next in &checkpoint.next {
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
