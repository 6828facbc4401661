//! `preflight`: checks from this machine whether a browser's upload would pass.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::report::{AddressReport, AdviceReport, PageReport, PutReport, ResponseReport};
use direct_upload_core::judge::{Answerer, Decision, Failure, Line, PreflightReport, Unreachable};
use direct_upload_core::model::Page;

use super::exit;
use super::network::{host, size, trust};
use super::output;
use crate::probe::{Depth, Gate, Host, Probe, Uploads};

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator preflight --origin https://horizon.example.com --url https://glance.example.com
  direct-upload-operator preflight --origin https://horizon.example.com --url https://glance.example.com:9292 \\
      --ca ca.pem --resolve glance.example.com:9292:192.0.2.7 -o json
  openstack endpoint list --service image --interface public -f value -c URL   # what to give as --url

Sends the OPTIONS request that a browser sends before Horizon's upload, straight to Glance (no proxy
environment, no redirects), and judges the answer as a browser does. If the upload would pass, it reads the
Content-Security-Policy of the dashboard's page, and compares the addresses of both (browsers protect local
networks). Then it sends two uploads to an image that does not exist, without a token and without data. They
show whether a PUT reaches Glance, whether the page may read the answer, and whether a limit refuses the size.
Nothing changes anywhere.
Exit code 1 if an upload would be refused, or if there is no answer to OPTIONS.";

/// Arguments of `preflight`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The origin from which browsers load the dashboard: scheme://host[:port]
    #[arg(long, value_parser = Origin::parse)]
    origin: Origin,
    /// Glance's public endpoint, exactly as Keystone's catalog has it
    #[arg(long, value_parser = Endpoint::parse)]
    url: Endpoint,
    /// The dashboard's image panel: images_panel of Horizon's ANGULAR_FEATURES is True (angular) or False
    /// (django); if unknown, both must pass
    #[arg(long, value_name = "angular|django|unknown", value_parser = str::parse::<Panel>, default_value_t = Panel::Unknown)]
    panel: Panel,
    /// Send only OPTIONS, and no PUT
    #[arg(long)]
    no_put: bool,
    /// The size that uploads may have, in bytes or as 500MiB or 10GiB; checks whether a server refuses it
    /// when announced
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "10GiB", conflicts_with = "no_put")]
    size: u64,
    /// Ask only Glance; skip the dashboard's Content-Security-Policy and address
    #[arg(long)]
    no_page: bool,
    /// Path of the dashboard below the origin
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path, conflicts_with = "no_page")]
    page_path: String,
    /// Certificates in PEM form to trust in addition to the usual ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send requests for HOST:PORT to this address; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDRESS", value_parser = host)]
    resolve: Vec<Host>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people.
    Text,
    /// JSON for programs; see docs/preflight.md.
    Json,
}

/// A path of a URL that is valid in a request line.
fn path(text: &str) -> Result<String, String> {
    let is_plain = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\".contains(&b));
    is_plain.then(|| text.to_owned()).ok_or_else(|| format!("{text:?} is not a path; write e.g. /horizon/"))
}

/// Runs the command.
pub async fn main(args: Args) -> ExitCode {
    let trust = match trust(args.ca.as_deref()) {
        Ok(trust) => trust,
        Err(error) => return exit::failed(error),
    };
    let question = Probe {
        origin: args.origin,
        endpoint: args.url,
        hosts: args.resolve,
        trust,
        gate: Gate::default(),
        panel: args.panel,
        uploads: (!args.no_put).then_some(Uploads { size: args.size }),
        page: (!args.no_page).then(|| Page { path: args.page_path.trim_end_matches('/').to_owned(), assumed: false }),
        address_spaces: !args.no_page,
        depth: Depth::Panels,
    };
    let report = PreflightReport::new(crate::probe::probe(&question).await);
    let granted = report.verdict == Decision::Granted;
    if report.request.is_none() && report.failure.as_ref().is_some_and(|failure| failure.rule == Rule::NotPublic) {
        output::say("note: --resolve HOST:PORT:ADDRESS for this host sends the request anyway");
    }
    let printed = match args.output {
        Format::Text => output::data(&text(&report)),
        Format::Json => match serde_json::to_string_pretty(&report) {
            Ok(json) => output::data(&(json + "\n")),
            Err(error) => return exit::failed(error),
        },
    };
    match printed {
        Err(error) => exit::failed(error),
        Ok(()) if granted => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// Prints the verdict first, then what it rests on.
fn text(report: &PreflightReport) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_text(&mut text, report);
    text
}

fn write_text(out: &mut String, report: &PreflightReport) -> std::fmt::Result {
    let (origin, url) = (&report.origin, &report.url);
    match report.verdict {
        Decision::Granted => writeln!(out, "granted: a browser at {origin} may upload to {url}")?,
        Decision::Refused => writeln!(out, "refused: a browser at {origin} cannot upload to {url}")?,
        Decision::Unknown => writeln!(out, "unknown: no answer from {url}, so nothing is known about {origin}")?,
    }
    panels(out, report)?;
    if let Some(request) = &report.request {
        writeln!(out, "\nasked:     {} {}", request.method, request.url)?;
        lines(out, &request.headers)?;
    } else {
        writeln!(out, "\nasked:     nothing; no answer could change the verdict")?;
    }
    received(out, report.response.as_ref())?;
    failed(out, report.failure.as_ref())?;
    unanswered(out, report.unreachable.as_ref())?;
    if let Some(asked) = &report.page {
        page(out, asked)?;
    }
    if let Some(found) = &report.addresses {
        addresses(out, found)?;
    }
    if let Some(sent) = &report.put {
        put(out, sent, "without data or token", "Glance answered it, and the page may read the answer")?;
    }
    if let Some(sent) = &report.size {
        let what = format!("that announces {} bytes, without token", sent.bytes);
        put(out, sent, &what, "nothing in front of Glance refuses this size")?;
    }
    let more = [&report.put, &report.size].into_iter().flatten().flat_map(|sent| &sent.advice);
    let spaces = report.addresses.iter().flat_map(|found| &found.advice);
    advice(out, report.advice.iter().chain(more).chain(spaces))?;
    for (nth, assumption) in report.assumptions.iter().enumerate() {
        writeln!(out, "{}assumed:   {assumption}", if nth == 0 { "\n" } else { "" })?;
    }
    Ok(())
}

/// Whose upload was judged, and the result for each panel.
fn panels(out: &mut String, report: &PreflightReport) -> std::fmt::Result {
    let meant = match report.panel {
        Panel::Unknown => "unknown, so uploads of both must pass".to_owned(),
        panel => panel.to_string(),
    };
    writeln!(out, "\npanel:     {meant}")?;
    for (panel, would) in &report.panels {
        let verdict = match (would.verdict, would.rule) {
            (Decision::Refused, Some(rule)) => format!("refused, {rule}"),
            (Decision::Refused, None) => "refused".to_owned(),
            (Decision::Granted, _) => "granted".to_owned(),
            (Decision::Unknown, _) => "unknown".to_owned(),
        };
        writeln!(out, "             {panel}: {verdict}")?;
    }
    Ok(())
}

/// The dashboard's page.
fn page(out: &mut String, asked: &PageReport) -> std::fmt::Result {
    writeln!(out, "\nasked:     GET {}", asked.url)?;
    if let Some(status) = asked.status {
        writeln!(out, "received:  status {status}")?;
    }
    match asked.verdict {
        Decision::Granted => {
            writeln!(out, "passed:    Horizon answered, and no Content-Security-Policy blocks its page from Glance")
        }
        Decision::Refused => failed(out, asked.failure.as_ref()),
        Decision::Unknown => unanswered(out, asked.unknown.as_ref()),
    }
}

/// The addresses of both.
fn addresses(out: &mut String, found: &AddressReport) -> std::fmt::Result {
    let list = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !found.dashboard.is_empty() {
        writeln!(out, "\naddresses: the dashboard's {}; Glance's {}", list(&found.dashboard), list(&found.glance))?;
    }
    failed(out, found.failure.as_ref())?;
    unanswered(out, found.unknown.as_ref())
}

/// One PUT, its answer, and what that means.
fn put(out: &mut String, sent: &PutReport, what: &str, passed: &str) -> std::fmt::Result {
    writeln!(out, "\nasked:     {} {what}", sent.request.method)?;
    lines(out, &sent.request.headers)?;
    received(out, sent.response.as_ref())?;
    let by = match &sent.answered_by {
        Answerer::Glance => "Glance",
        Answerer::Other(signature) if signature.is_empty() => "an unknown server",
        Answerer::Other(signature) => signature,
        Answerer::Nobody => "no answer",
    };
    writeln!(out, "by:        {by}")?;
    match sent.verdict {
        Decision::Granted => writeln!(out, "passed:    {passed}")?,
        Decision::Refused => failed(out, sent.failure.as_ref())?,
        Decision::Unknown => unanswered(out, sent.unknown.as_ref())?,
    }
    Ok(())
}

fn received(out: &mut String, response: Option<&ResponseReport>) -> std::fmt::Result {
    let Some(response) = response else { return Ok(()) };
    writeln!(out, "received:  status {} from {}", response.status, response.address)?;
    lines(out, &response.headers)
}

fn failed(out: &mut String, failure: Option<&Failure>) -> std::fmt::Result {
    let Some(failure) = failure else { return Ok(()) };
    let others = match failure.also.as_slice() {
        [] => String::new(),
        others => format!(" (or {})", others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    writeln!(out, "\nmust hold: {}", failure.requirement.sentence())?;
    writeln!(out, "found:     {}", failure.received)?;
    writeln!(out, "rule:      {}{others}: {}", failure.rule, failure.message)?;
    writeln!(out, "fix:       {}", failure.fix)
}

fn unanswered(out: &mut String, why: Option<&Unreachable>) -> std::fmt::Result {
    let Some(why) = why else { return Ok(()) };
    writeln!(out, "\nreason:    {}", why.message)?;
    writeln!(out, "next step: {}", why.fix)
}

fn advice<'a>(out: &mut String, all: impl Iterator<Item = &'a AdviceReport>) -> std::fmt::Result {
    for (nth, advice) in all.enumerate() {
        let rule = advice.rule.map(|rule| format!("{rule}: ")).unwrap_or_default();
        writeln!(out, "{}advice:    {rule}{}", if nth == 0 { "\n" } else { "" }, advice.message)?;
    }
    Ok(())
}

fn lines(out: &mut String, lines: &[Line]) -> std::fmt::Result {
    lines.iter().try_for_each(|line| writeln!(out, "             {}: {}", line.name, line.value))
}
