//! `check`: finds in files or in a cluster why a browser's upload would fail.

pub mod files;
pub mod live;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api::Rule;
use direct_upload_check as check;
use direct_upload_check::{Report, Verdict};
use direct_upload_core::openstack::Release;
use jiff::Timestamp;

use super::exit::{ended, failed, on_runtime};
use super::output;
use crate::cli::check::live::NamespaceScope;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator check -f /etc/glance -f /etc/openstack-dashboard -f /etc/apache2
  helm template … | direct-upload-operator check -f -
  direct-upload-operator check -f rendered/ --release 2026.1 -o sarif > direct-upload.sarif
  direct-upload-operator check --live -n openstack
  direct-upload-operator explain DU007

Reads manifests (also the files in their ConfigMaps and Secrets) and configuration files of Glance,
Horizon, httpd, nginx, HAProxy and uWSGI. Ignores everything else, changes nothing, and prints no secret.
Exit code 1 if something makes uploads fail, if the input has errors, or if there is nothing to check. With
--require-complete also if something that an upload needs was not seen.";

/// Arguments of `check`.
#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("subject").required(true).args(["filename", "live", "explain"]))]
pub struct Args {
    /// File or folder, or - for standard input; may be repeated
    #[arg(short, long = "filename", value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    /// Read a cluster with your kubeconfig; changes nothing
    #[arg(long)]
    live: bool,
    /// Namespace to read; default: the kubeconfig's
    #[arg(short, long, requires = "live")]
    namespace: Option<String>,
    /// Read all namespaces
    #[arg(short = 'A', long, requires = "live", conflicts_with = "namespace")]
    all_namespaces: bool,
    /// The OpenStack release, e.g. 2026.1; default: from the tags of the images
    #[arg(long, value_name = "RELEASE")]
    release: Option<Release>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Also fail if something that an upload needs was not seen
    #[arg(long)]
    require_complete: bool,
    /// Print the runbook's page of a rule
    #[arg(long, value_name = "DU0xx")]
    explain: Option<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people.
    Text,
    /// JSON for programs; see docs/check.md.
    Json,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// One HTML page to attach to a ticket.
    Html,
}

/// Deeply nested input needs a large stack.
const STACK: usize = 256 << 20;

/// Runs the command.
pub fn main(args: Args) -> ExitCode {
    if let Some(rule) = args.explain {
        return ended(output::data(&rule.runbook()));
    }
    if args.live {
        return on_runtime(live(args));
    }
    let work = || files(&args);
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    match done {
        Ok((report, errors)) => print(&args, &report, &errors),
        Err(error) => failed(error),
    }
}

fn files(args: &Args) -> (Report, Vec<String>) {
    let (texts, mut errors) = files::read(&args.filename);
    let (mut input, more) = check::manifests::sort(texts, args.release, Timestamp::now());
    input.unseen.extend(errors.iter().cloned());
    errors.extend(more);
    (check::check(input), errors)
}

async fn live(args: Args) -> ExitCode {
    let scope = match &args.namespace {
        _ if args.all_namespaces => NamespaceScope::All,
        Some(namespace) => NamespaceScope::Namespace(namespace.clone()),
        None => NamespaceScope::Default,
    };
    match live::read(&scope, args.release).await {
        Ok((input, notes)) => {
            let mut report = check::check(input);
            report.unseen.extend(notes);
            report.unseen.sort();
            report.unseen.dedup();
            print(&args, &report, &[])
        }
        Err(error) => failed(check::redact::error(&error.to_string())),
    }
}

fn print(args: &Args, report: &Report, errors: &[String]) -> ExitCode {
    for error in errors {
        output::say(format_args!("error: {error}"));
    }
    let printed = match args.output {
        Format::Text => output::data(&check::output::text(report, output::coloured())),
        Format::Json => output::data(&format!("{:#}\n", check::output::json(report))),
        Format::Html => output::data(&check::output::html(report)),
        Format::Sarif => output::data(&format!("{:#}\n", check::output::sarif(report))),
    };
    match printed {
        Err(error) => failed(error),
        Ok(()) if succeeds(args, report) && errors.is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

fn succeeds(args: &Args, report: &Report) -> bool {
    match report.verdict() {
        Verdict::Fine => true,
        Verdict::Incomplete => !args.require_complete && !report.checked.is_empty(),
        Verdict::Fails => false,
    }
}
