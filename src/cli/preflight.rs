//! `preflight`: would a browser's upload be let through? Asked from here, by hand.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api::Rule;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::{Decision, Line, Report};

use super::output;
use crate::probe::{Host, Probe, Proxies, Trust};

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator preflight --origin https://horizon.example.com --url https://glance.example.com
  direct-upload-operator preflight --origin https://horizon.example.com --url https://glance.example.com:9292 \\
      --ca ca.pem --resolve glance.example.com:9292:192.0.2.7 -o json
  openstack endpoint list --service image --interface public -f value -c URL   # what to give as --url

Sends the OPTIONS request that a browser sends before Horizon's upload, straight to Glance (no proxy
environment, no redirects), and judges the answer as a browser does. Nothing is changed anywhere.
Exit code 1 if the upload would be refused, or if no answer came.";

/// Arguments of `preflight`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Where browsers load the dashboard from: scheme://host[:port]
    #[arg(long, value_parser = Origin::parse)]
    origin: Origin,
    /// Glance's public endpoint, exactly as it stands in the Keystone catalog
    #[arg(long, value_parser = Endpoint::parse)]
    url: Endpoint,
    /// Certificates in PEM form to trust beside the usual ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Ask HOST:PORT at this address, whatever its name says; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDRESS", value_parser = host)]
    resolve: Vec<Host>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs; see docs/preflight.md.
    Json,
}

/// As curl's `--resolve`; IPv6 addresses may stand in brackets.
fn host(text: &str) -> Result<Host, String> {
    let error = || "expected HOST:PORT:ADDRESS, e.g. glance.example.com:443:192.0.2.7".to_owned();
    let (name, rest) = match text.strip_prefix('[') {
        Some(v6) => v6.split_once("]:").ok_or_else(error)?,
        None => text.split_once(':').ok_or_else(error)?,
    };
    let (port, address) = rest.split_once(':').ok_or_else(error)?;
    let port = port.parse().map_err(|_| error())?;
    let address = address.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = address.parse().map_err(|_| error())?;
    if name.is_empty() { Err(error()) } else { Ok(Host { name: name.to_owned(), port, address: Some(address) }) }
}

/// Asks, and tells.
pub async fn main(args: Args) -> ExitCode {
    let trust = match trust(args.ca.as_deref()) {
        Ok(trust) => trust,
        Err(error) => return crate::cli::failed(error),
    };
    let question = Probe {
        origin: args.origin,
        endpoint: args.url,
        hosts: args.resolve,
        trust,
        proxies: Proxies::default(),
        denied: vec![],
        narrow: true,
    };
    let (asked, outcome) = crate::probe::probe(&question).await;
    let granted = outcome.granted();
    let report = Report::new(&asked, outcome);
    if report.request.is_none() && report.failure.as_ref().is_some_and(|failure| failure.rule == Rule::NotPublic) {
        output::say("note: --resolve HOST:PORT:ADDRESS for this host asks it nevertheless");
    }
    let printed = match args.output {
        Format::Text => output::data(&text(&report)),
        Format::Json => match serde_json::to_string_pretty(&report) {
            Ok(json) => output::data(&(json + "\n")),
            Err(error) => return crate::cli::failed(error),
        },
    };
    match printed {
        Err(error) => crate::cli::failed(error),
        Ok(()) if granted => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

fn trust(ca: Option<&Path>) -> Result<Trust, String> {
    let Some(path) = ca else { return Trust::with(&[]) };
    let named = |error: String| format!("--ca {}: {error}", path.display());
    let pem = std::fs::read(path).map_err(|e| named(e.to_string()))?;
    if pem.is_empty() {
        return Err(named("the file is empty".into()));
    }
    Trust::with(&pem).map_err(named)
}

/// The verdict first, then what it rests on.
fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_text(&mut text, report);
    text
}

fn write_text(out: &mut String, report: &Report) -> std::fmt::Result {
    let (origin, url) = (&report.origin, &report.url);
    match report.verdict {
        Decision::Granted => writeln!(out, "granted: a browser at {origin} may upload to {url}")?,
        Decision::Refused => writeln!(out, "refused: a browser at {origin} cannot upload to {url}")?,
        Decision::Unknown => writeln!(out, "unknown: no answer from {url}, so nothing can be said of {origin}")?,
    }
    if let Some(request) = &report.request {
        writeln!(out, "\nasked:     {} {}", request.method, request.url)?;
        lines(out, &request.headers)?;
    } else {
        writeln!(out, "\nasked:     nothing; no answer could change the verdict")?;
    }
    if let Some(response) = &report.response {
        writeln!(out, "received:  status {} from {}", response.status, response.address)?;
        lines(out, &response.headers)?;
    }
    if let Some(failure) = &report.failure {
        let others = match failure.also_possible.as_slice() {
            [] => String::new(),
            others => format!(" (or {})", others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        };
        writeln!(out, "\nmust hold: {}", failure.requirement.sentence())?;
        writeln!(out, "found:     {}", failure.received)?;
        writeln!(out, "rule:      {}{others}: {}", failure.rule, failure.message)?;
        writeln!(out, "fix:       {}", failure.fix)?;
    }
    if let Some(why) = &report.unreachable {
        writeln!(out, "\nreason:    {}", why.message)?;
        writeln!(out, "look at:   {}", why.fix)?;
    }
    for (nth, advice) in report.advice.iter().enumerate() {
        let rule = advice.rule.map(|rule| format!("{rule}: ")).unwrap_or_default();
        writeln!(out, "{}advice:    {rule}{}", if nth == 0 { "\n" } else { "" }, advice.message)?;
    }
    Ok(())
}

fn lines(out: &mut String, lines: &[Line]) -> std::fmt::Result {
    lines.iter().try_for_each(|line| writeln!(out, "             {}: {}", line.name, line.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("glance.example.com:443:192.0.2.7", "glance.example.com", 443, "192.0.2.7")]
    #[case("glance.example.com:443:2001:db8::7", "glance.example.com", 443, "2001:db8::7")]
    #[case("glance.example.com:443:[2001:db8::7]", "glance.example.com", 443, "2001:db8::7")]
    #[case("[2001:db8::1]:9292:192.0.2.7", "2001:db8::1", 9292, "192.0.2.7")]
    fn resolve_is_read(#[case] text: &str, #[case] name: &str, #[case] port: u16, #[case] address: &str) {
        let address = Some(address.parse().unwrap());
        assert_eq!(host(text), Ok(Host { name: name.into(), port, address }));
    }

    #[rstest]
    #[case("glance.example.com")]
    #[case("glance.example.com:443")]
    #[case("glance.example.com:443:elsewhere.example.com")]
    #[case("glance.example.com:99999:192.0.2.7")]
    #[case(":443:192.0.2.7")]
    fn resolve_is_refused(#[case] text: &str) {
        host(text).unwrap_err();
    }
}
