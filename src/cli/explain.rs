//! `explain`: a rule, a reason of a condition, or the browser's network log of a failed upload.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Args as ClapArgs;
use direct_upload_api::Rule;
use direct_upload_check::har::{self, Diagnosis};

use super::exit::{ended, failed};
use super::output;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator explain DU007
  direct-upload-operator explain NotVerified
  direct-upload-operator explain upload.har

A HAR file is the network log of the browser's developer tools (Network, then Save all as HAR). The command
neither prints nor keeps its tokens, cookies and bodies. Exit code 1 if it shows a failed upload.";

/// Arguments of `explain`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A rule (DU007), a reason of a condition (NotVerified), or a HAR file
    #[arg(value_name = "DU0xx|REASON|FILE.har")]
    what: String,
}

/// Larger network logs have more than an upload.
const MOST_BYTES: u64 = 256 << 20;

/// Runs the command.
pub fn main(args: &Args) -> ExitCode {
    if let Ok(rule) = args.what.parse::<Rule>() {
        return ended(output::data(&rule.runbook()));
    }
    if let Some(text) = reason(&args.what) {
        return ended(output::data(&text));
    }
    let path = Path::new(&args.what);
    if !path.exists() {
        let what = &args.what;
        return failed(format!(
            "{what:?} is neither a rule (such as DU001), nor a reason of a condition (such as NotVerified), nor a file; docs/runbook.md lists the rules, docs/conditions.md the reasons"
        ));
    }
    let read = || match fs::metadata(path) {
        Ok(found) if found.len() > MOST_BYTES => Err(format!("it is larger than {} MiB", MOST_BYTES >> 20)),
        _ => fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    let diagnosis = read().and_then(|text| har::diagnose(&text).map_err(|error| error.to_string()));
    match diagnosis {
        Err(error) => failed(format!("{}: {error}", args.what)),
        Ok(diagnosis) => match output::data(&told(&diagnosis)) {
            Err(error) => failed(error),
            Ok(()) if !diagnosis.fails => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
        },
    }
}

fn told(diagnosis: &Diagnosis) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("{}\n", diagnosis.verdict);
    if let Some(rule) = diagnosis.rule {
        let _ = writeln!(text, "\nrule: {rule}, {}", rule.title());
    }
    let _ = writeln!(text, "fix:  {}\n\nrecorded:", diagnosis.fix);
    for line in &diagnosis.seen {
        let _ = writeln!(text, "  {line}");
    }
    if let Some(rule) = diagnosis.rule {
        let _ = writeln!(text, "\nfor details run: direct-upload-operator explain {rule}");
    }
    text
}

const CONDITIONS: &str = include_str!("../../docs/conditions.md");

/// What docs/conditions.md says about a reason: its row of the table, and its section.
fn reason(name: &str) -> Option<String> {
    let cell = format!("| `{name}` |");
    let row = CONDITIONS.lines().find(|line| line.starts_with(&cell))?;
    let meaning = row.split('|').nth(2)?.trim();
    let heading = format!("\n### `{name}`\n");
    let section = CONDITIONS.split_once(&heading).map(|(_, rest)| rest.split("\n### ").next().unwrap_or(rest));
    let section = section.map(|text| text.split("\n## ").next().unwrap_or(text).trim()).unwrap_or_default();
    // A section may start with the meaning, or continue it.
    let first = meaning.split_inclusive('.').next().unwrap_or(meaning);
    let text = match section {
        "" => meaning.to_owned(),
        section if section.starts_with(first) => section.to_owned(),
        section => format!("{meaning}\n\n{section}"),
    };
    Some(without_links(&format!("{name}: {text}\n")))
}

/// Markdown with the text of its links alone: their targets are files that the user may not have.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        let target = link.split_once("](").and_then(|(name, after)| Some((name, after.split_once(')')?.1)));
        let (name, after) = target.filter(|(name, _)| !name.contains(['[', ']'])).unwrap_or(("[", link));
        plain.push_str(name);
        rest = after;
    }
    plain + rest
}
