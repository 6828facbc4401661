//! A report for people: the verdict, the findings with the worst first, what was not seen, and what was
//! checked.

use std::fmt::Write;

use direct_upload_api::Severity;

use crate::finding::Finding;
use crate::{Report, Subject, Verdict};

/// The report, with colours if requested.
pub fn text(report: &Report, coloured: bool) -> String {
    let mut out = format!("{}\n\n", painted(&verdict(report), bold(report), coloured));
    let mut last = None;
    for finding in &report.findings {
        // Writing to a String cannot fail.
        let _ = one(&mut out, finding, last != Some((finding.severity, finding.rule)), coloured);
        last = Some((finding.severity, finding.rule));
    }
    for unseen in &report.unseen {
        let _ = writeln!(out, "not seen: {unseen}");
    }
    if !report.unseen.is_empty() {
        out.push('\n');
    }
    let _ = looked_at(&mut out, report);
    out
}

/// What was checked: one line per service, and one for each server in front of it.
fn looked_at(out: &mut String, report: &Report) -> std::fmt::Result {
    if report.checked.is_empty() {
        return writeln!(out, "checked: no Glance and no dashboard");
    }
    writeln!(out, "checked:")?;
    for Subject { service, name, release, files, before } in &report.checked {
        let release = match release {
            Some((release, from)) => format!("release {release} ({from})"),
            None => "release unknown (set it with --release)".to_owned(),
        };
        let files = match files.len() {
            1 => "1 file".to_owned(),
            several => format!("{several} files"),
        };
        writeln!(out, "  {service:<9}  {name}  {release}, {files}")?;
        if before.is_empty() {
            writeln!(out, "             nothing was seen in front of it")?;
        }
        for before in before {
            writeln!(out, "             behind {before}")?;
        }
    }
    Ok(())
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

/// The verdict as a sentence.
pub(super) fn verdict(report: &Report) -> String {
    let count = |severity, one: &str| match report.count(severity) {
        0 => None,
        1 => Some(format!("1 {one}")),
        several => Some(format!("{several} {one}s")),
    };
    let counts = [count(Severity::Error, "error"), count(Severity::Warning, "warning"), count(Severity::Note, "note")];
    let counts = counts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let counted = if counts.is_empty() { String::new() } else { format!(" ({counts})") };
    match (report.verdict(), report.findings.first()) {
        (Verdict::Fails, Some(worst)) => {
            format!(
                "uploads fail: {}{counted}; for details run: direct-upload-operator explain {}",
                worst.rule.title(),
                worst.rule
            )
        }
        (Verdict::Fine, _) => format!("fine: nothing found that makes uploads fail{counted}"),
        _ if report.checked.is_empty() => "incomplete: nothing of Glance or a dashboard was found to check".to_owned(),
        _ => format!("incomplete: nothing that was seen makes uploads fail{counted}, but not everything was seen"),
    }
}

fn bold(report: &Report) -> &'static str {
    match report.verdict() {
        Verdict::Fine => "1;32",
        Verdict::Incomplete => "1;33",
        Verdict::Fails => "1;31",
    }
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
