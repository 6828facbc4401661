//! A report for people: the worst first, findings of one rule together, the verdict last.

use std::fmt::Write;

use direct_upload_api::Severity;

use crate::Report;
use crate::finding::Finding;

/// The report; with colours where they are wanted.
pub fn text(report: &Report, coloured: bool) -> String {
    let mut out = String::new();
    let mut last = None;
    for finding in &report.findings {
        // Writing to a String cannot fail.
        let _ = one(&mut out, finding, last != Some((finding.severity, finding.rule)), coloured);
        last = Some((finding.severity, finding.rule));
    }
    for unseen in &report.unseen {
        let _ = writeln!(out, "not seen: {unseen}; nothing is claimed of it");
    }
    let _ = writeln!(out, "{}", painted(&verdict(report), bold(report), coloured));
    out
}

fn one(out: &mut String, finding: &Finding, first: bool, coloured: bool) -> std::fmt::Result {
    if first {
        let (colour, rule) = (colour(finding.severity), finding.rule);
        let head = painted(&format!("{} {rule}", finding.severity), colour, coloured);
        writeln!(out, "{head}  {}\n", rule.title())?;
        wrapped(out, rule.why())?;
        writeln!(out)?;
    }
    let place = &finding.place;
    let object = match (&place.file, &place.object) {
        (Some(_), Some(object)) => format!("  {object}"),
        _ => String::new(),
    };
    let field = place.field.as_ref().map(|field| format!("  {field}")).unwrap_or_default();
    writeln!(out, "  {}{object}{field}", painted(&place.to_string(), "1", coloured))?;
    writeln!(out, "    found: {}", finding.found)?;
    writeln!(out, "    fix:   {}\n", finding.fix)
}

fn wrapped(out: &mut String, text: &str) -> std::fmt::Result {
    let mut line = String::from("  ");
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > 98 {
            writeln!(out, "{}", line.trim_end())?;
            line = String::from("  ");
        }
        line.push_str(word);
        line.push(' ');
    }
    writeln!(out, "{}", line.trim_end())
}

fn verdict(report: &Report) -> String {
    let count = |severity, one: &str| match report.count(severity) {
        0 => None,
        1 => Some(format!("1 {one}")),
        several => Some(format!("{several} {one}s")),
    };
    let counts = [count(Severity::Error, "error"), count(Severity::Warning, "warning"), count(Severity::Note, "note")];
    let counts = counts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    match (report.findings.first(), report.is_fine()) {
        (None, _) => "fine: nothing found".to_owned(),
        (Some(_), true) => format!("fine: nothing found that makes uploads fail ({counts})"),
        (Some(worst), false) => format!("uploads fail: {counts}; check --explain {} tells more", worst.rule),
    }
}

fn bold(report: &Report) -> &'static str {
    if report.is_fine() { "1;32" } else { "1;31" }
}

fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Note => "1;36",
    }
}

fn painted(text: &str, colour: &str, coloured: bool) -> String {
    if coloured { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}
