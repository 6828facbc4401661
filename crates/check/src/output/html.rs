//! A report as one page to attach to a ticket: self-contained, and readable without scripts.

use std::collections::BTreeSet;
use std::fmt::Write;

use direct_upload_api::{Rule, Severity};

use super::text::verdict;
use crate::finding::Finding;
use crate::{Report, Verdict};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h1{font-size:1.5rem;border-left:.4rem solid;padding-left:.8rem}h2{font-size:1.1rem;margin-top:2rem}\
.fails{border-color:#c62828}.incomplete{border-color:#b26a00}.fine{border-color:#2e7d32}\
article{border:1px solid #d0d7de;border-radius:.4rem;padding:.2rem 1rem;margin:.8rem 0}\
article.error{border-left:.4rem solid #c62828}article.warning{border-left:.4rem solid #b26a00}article.note{border-left:.4rem solid #1565c0}\
code{font:14px/1.4 ui-monospace,monospace;background:#f3f4f6;padding:.1rem .3rem;overflow-wrap:anywhere}\
dt{font-weight:600}dd{margin:0 0 .5rem}table{border-collapse:collapse;width:100%}td,th{border:1px solid #d0d7de;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
svg{max-width:100%;height:auto}svg text{font:14px system-ui,sans-serif}@media print{article{break-inside:avoid}}";

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = page(&mut out, report);
    out
}

fn page(out: &mut String, report: &Report) -> std::fmt::Result {
    let title = escaped(&verdict(report));
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )?;
    writeln!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    )?;
    writeln!(out, "<h1 class=\"{}\">{title}</h1>", report.verdict())?;
    picture(out, report)?;
    if !report.findings.is_empty() {
        writeln!(out, "<h2>What was found</h2>")?;
    }
    for finding in &report.findings {
        article(out, finding)?;
    }
    if !report.unseen.is_empty() {
        writeln!(out, "<h2>What was not seen</h2>\n<p>The report claims nothing about it.</p>\n<ul>")?;
        for unseen in &report.unseen {
            writeln!(out, "<li>{}</li>", escaped(unseen))?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(
        out,
        "<h2>What was checked</h2>\n<table>\n<tr><th>service</th><th>where</th><th>release</th><th>files</th><th>behind</th></tr>"
    )?;
    for subject in &report.checked {
        let release =
            subject.release.as_ref().map_or("unknown".to_owned(), |(release, from)| format!("{release} ({from})"));
        let cells = [
            subject.service.to_owned(),
            subject.name.clone(),
            release,
            subject.files.join("\n"),
            subject.before.join("\n"),
        ];
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell).replace('\n', "<br>"))).collect();
        writeln!(out, "<tr>{}</tr>", cells.concat())?;
    }
    writeln!(out, "</table>\n</body>\n</html>")
}

fn article(out: &mut String, finding: &Finding) -> std::fmt::Result {
    let place = &finding.place;
    let (object, field) = (place.object.as_ref(), place.field.as_ref());
    let names = [object.map(ToString::to_string), field.map(ToString::to_string)];
    let field = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    writeln!(out, "<article class=\"{}\">", finding.severity)?;
    writeln!(out, "<h3>{} {}: {}</h3>", finding.severity, finding.rule, escaped(finding.rule.title()))?;
    writeln!(out, "<p><code>{}</code> {}</p>\n<dl>", escaped(&place.to_string()), escaped(&field))?;
    for (name, text) in [("found", finding.found.as_str()), ("why", finding.rule.why()), ("fix", finding.fix.as_str())]
    {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(text))?;
    }
    writeln!(out, "</dl>\n</article>")
}

/// The place of a rule's fault: at the dashboard, between browser and Glance, or at Glance.
fn stage(rule: Rule) -> usize {
    match rule {
        Rule::Csp | Rule::NoEffect | Rule::ImportBypassed => 0,
        Rule::MixedContent
        | Rule::NotPublic
        | Rule::WrongEndpoint
        | Rule::CorsOnTheWay
        | Rule::BodyLimit
        | Rule::TooSlow
        | Rule::OptionsFiltered
        | Rule::LocalNetwork
        | Rule::TokenLogged => 1,
        _ => 2,
    }
}

/// How many rules fit into a box.
const SHOWN: usize = 2;

/// Browser, dashboard, edge and Glance, and where the path fails.
fn picture(out: &mut String, report: &Report) -> std::fmt::Result {
    let seen = |service: &str| report.checked.iter().any(|subject| subject.service == service);
    let behind =
        |service: &str| report.checked.iter().any(|subject| subject.service == service && !subject.before.is_empty());
    let broken = |at: usize| {
        let of = report.findings.iter().filter(|f| f.severity == Severity::Error && stage(f.rule) == at);
        let rules: BTreeSet<&str> = of.map(|f| f.rule.id()).collect();
        let shown: Vec<&str> = rules.iter().take(SHOWN).copied().collect();
        match rules.len().saturating_sub(SHOWN) {
            0 => shown.join(", "),
            more => format!("{} +{more}", shown.join(", ")),
        }
    };
    let says = |known: bool, at: usize| match (broken(at), known) {
        (rules, _) if !rules.is_empty() => (format!("breaks: {rules}"), "#c62828"),
        (_, true) => ("nothing that breaks it".to_owned(), "#2e7d32"),
        (_, false) => ("not seen".to_owned(), "#b26a00"),
    };
    let way = match report.verdict() {
        Verdict::Fails => "the path of an upload, and where it fails",
        _ => "the path of an upload",
    };
    writeln!(out, "<svg viewBox=\"0 0 940 250\" role=\"img\" aria-label=\"{way}\"><title>{way}</title>")?;
    writeln!(
        out,
        "<g fill=\"none\" stroke=\"#57606a\" stroke-width=\"2\"><path d=\"M200 70H360M200 190H360M560 190H720\"/></g>"
    )?;
    let boxes = [
        (20, 30, "Browser", ("page and image".to_owned(), "#57606a")),
        (360, 30, "Dashboard", says(seen("dashboard"), 0)),
        (20, 150, "Browser", ("OPTIONS, PUT".to_owned(), "#57606a")),
        (360, 150, "Before Glance", says(behind("Glance"), 1)),
        (720, 150, "Glance", says(seen("Glance"), 2)),
    ];
    for (x, y, name, (text, colour)) in boxes {
        let width = if x == 20 { 180 } else { 200 };
        writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"80\" rx=\"8\" fill=\"#fff\" stroke=\"{colour}\" stroke-width=\"3\"/>\
             <text x=\"{}\" y=\"{}\" font-weight=\"600\">{name}</text><text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
            x + 12,
            y + 32,
            x + 12,
            y + 58,
            escaped(&text)
        )?;
    }
    writeln!(out, "</svg>")
}

/// Text of a page: no character is markup, and none changes the direction of writing.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
