//! `verify`: checks a user's upload from the login to the active image.

use std::fmt::Write;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api::web::PublicUrl;
use direct_upload_api::{Duration, Panel};
use direct_upload_core::judge::session::report::{AttemptVerdict, StepReport, StepResult};
use direct_upload_core::judge::session::{Account, Mode, Person, Secret};

use super::exit::failed;
use super::network::{host, size, trust};
use super::output;
use crate::probe::Host;
use crate::probe::session::{Event, Verify, verify};

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:
  direct-upload-operator verify --dashboard https://dashboard.example.com --username demo --password-file demo.password
  . openrc.sh; direct-upload-operator verify --dashboard https://dashboard.example.com   # OS_USERNAME, OS_PASSWORD, …
  pass show cloud/demo | direct-upload-operator verify --dashboard https://dashboard.example.com/horizon \\
      --username demo --domain Users --project demo --password-file - --size 100MiB -o json

Acts like a user with a browser. It logs in to Horizon with a Keystone password (no single sign-on), reads the
running dashboard's upload mode, and creates a private image as its image panel does. It sends the browser's
preflight, sends random bytes to the place that Horizon names, and waits until the image is active. Then it
compares the image and deletes it. It says at which step it failed, by which rule, and what to change.
Exit code 1 if the upload does not work, or an image was left behind.";

/// Arguments of `verify`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The dashboard's URL, as users type it
    #[arg(long, value_name = "URL", value_parser = PublicUrl::parse)]
    dashboard: PublicUrl,
    /// A user of Keystone with a role in a project
    #[arg(long, visible_alias = "user", value_name = "NAME", env = "OS_USERNAME", hide_env_values = true)]
    username: String,
    /// A file whose first line is the password; - is standard input. Default: the variable OS_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The user's domain, if the login form asks for it
    #[arg(long, value_name = "NAME", env = "OS_USER_DOMAIN_NAME", hide_env_values = true)]
    domain: Option<String>,
    /// Name or id of the project. Default: the project that Horizon chooses
    #[arg(long, value_name = "PROJECT", env = "OS_PROJECT_NAME", hide_env_values = true)]
    project: Option<String>,
    /// The region. Default: the region that Horizon chooses
    #[arg(long, value_name = "NAME", env = "OS_REGION_NAME", hide_env_values = true)]
    region: Option<String>,
    /// Send the upload as this image panel does. Default: the dashboard's panel
    #[arg(long, value_name = "angular|django", value_parser = panel)]
    panel: Option<Panel>,
    /// The upload mode that the running dashboard must have. Default: any except off
    #[arg(long, value_name = "direct|legacy", value_parser = mode)]
    mode: Option<Mode>,
    /// How much to send, in bytes or as 500MiB or 10GiB
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1MiB")]
    size: u64,
    /// Keep the image in the project
    #[arg(long)]
    keep: bool,
    /// The longest silence while data is sent, and the longest wait until the image is active
    #[arg(long, value_name = "TIME", default_value = "10m")]
    timeout: Duration,
    /// Certificates in PEM form to trust in addition to the usual ones
    #[arg(long, visible_alias = "ca-file", value_name = "FILE")]
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
    /// JSON for programs; see docs/verify.md.
    Json,
}

fn panel(text: &str) -> Result<Panel, String> {
    match text.parse() {
        Ok(panel @ (Panel::Angular | Panel::Django)) => Ok(panel),
        _ => Err(format!("{text:?} is not a panel; use angular or django")),
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text.parse() {
        Ok(mode @ (Mode::Direct | Mode::Legacy)) => Ok(mode),
        _ => Err(format!("{text:?} is not an upload mode; use direct or legacy")),
    }
}

/// Runs the command.
pub async fn main(args: Args) -> ExitCode {
    let format = args.output;
    let asked = match asked(args) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let progress = Progress::default();
    let stop = async {
        // Without a handler, the signal ends the process, as usual.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let account = verify(&asked, &|event| progress.show(&event), stop).await;
    let printed = match format {
        Format::Text => output::data(&text(&account)),
        Format::Json => match serde_json::to_string_pretty(&account) {
            Ok(json) => output::data(&(json + "\n")),
            Err(error) => return failed(error),
        },
    };
    match printed {
        Err(error) => failed(error),
        Ok(()) if account.verdict == AttemptVerdict::Works => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// What to verify, with the password and the certificates; the exit code if one of them is missing.
fn asked(args: Args) -> Result<Verify, ExitCode> {
    let trust = trust(args.ca.as_deref()).map_err(failed)?;
    let Some(password) = password(args.password_file.as_deref()).map_err(failed)? else {
        output::say(
            "error: no password: name a file with --password-file FILE (- is standard input), or set OS_PASSWORD",
        );
        return Err(ExitCode::from(2));
    };
    Ok(Verify {
        dashboard: args.dashboard,
        person: Person { user: args.username, domain: given(args.domain), region: given(args.region) },
        password,
        project: given(args.project),
        panel: args.panel,
        mode: args.mode,
        size: args.size,
        keep: args.keep,
        patience: args.timeout.into(),
        hosts: args.resolve,
        trust,
    })
}

/// What a person who looks on sees while it runs.
struct Progress {
    is_seen: bool,
    percent: AtomicU64,
}

impl Default for Progress {
    fn default() -> Self {
        Self { is_seen: std::io::stderr().is_terminal(), percent: AtomicU64::new(u64::MAX) }
    }
}

impl Progress {
    fn show(&self, event: &Event<'_>) {
        match event {
            Event::Step(step) if self.is_seen => output::say(step_line(step)),
            Event::Sent { bytes, of } if self.is_seen => {
                let percent = bytes.saturating_mul(100) / (*of).max(1);
                if self.percent.swap(percent, Ordering::Relaxed) != percent && percent % 10 == 0 {
                    output::say(format_args!("     upload      {percent} % of {of} bytes"));
                }
            }
            Event::Step(_) | Event::Sent { .. } => {}
        }
    }
}

/// An empty variable counts as unset.
fn given(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// The first line of the file, or the variable. Never an argument, because every user of the machine can
/// see those.
fn password(file: Option<&Path>) -> Result<Option<Secret>, String> {
    let Some(path) = file else {
        return Ok(std::env::var("OS_PASSWORD").ok().filter(|password| !password.is_empty()).map(Secret::new));
    };
    let named = |why: &str| format!("--password-file {}: {why}", path.display());
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    let text = Secret::new(text);
    read.map_err(|error| named(&error.to_string()))?;
    let line = text.expose().lines().next().unwrap_or_default();
    if line.is_empty() { Err(named("its first line is empty")) } else { Ok(Some(Secret::new(line.to_owned()))) }
}

/// Prints the verdict first, then each step, then what to do.
fn text(account: &Account) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_text(&mut text, account);
    text
}

fn write_text(out: &mut String, account: &Account) -> std::fmt::Result {
    let Account { dashboard, .. } = account;
    match &account.failure {
        None => {
            let mode = account.mode.map(|mode| format!("{mode} ")).unwrap_or_default();
            let panel = account.panel.map(|panel| format!(", as its {} sends it", panel.name())).unwrap_or_default();
            writeln!(out, "works: a {mode}upload of {} bytes through {dashboard}{panel}", account.bytes)?;
        }
        Some(failure) => writeln!(out, "broken at {}: {}", failure.step, failure.message)?,
    }
    writeln!(out)?;
    account.steps.iter().try_for_each(|step| writeln!(out, "{}", step_line(step)))?;
    if let Some(failure) = &account.failure {
        let others = match failure.also_possible.as_slice() {
            [] => String::new(),
            others => format!(" (or {})", others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        };
        writeln!(out, "\nbroken at: {}", failure.step)?;
        writeln!(out, "found:     {}", failure.received)?;
        match failure.rule {
            Some(rule) => writeln!(out, "rule:      {rule}{others}: {}", failure.message)?,
            None => writeln!(out, "reason:    {}", failure.message)?,
        }
        writeln!(out, "fix:       {}", failure.fix)?;
    }
    if let Some(leftover) = &account.leftover {
        let id = leftover.id.as_deref().unwrap_or("unknown");
        writeln!(out, "\nleft:      image {}, id {id}; delete it with `openstack image delete`", leftover.name)?;
    }
    for (nth, advice) in account.advice.iter().enumerate() {
        writeln!(out, "{}advice:    {advice}", if nth == 0 { "\n" } else { "" })?;
    }
    Ok(())
}

fn step_line(step: &StepReport) -> String {
    let mark = match step.result {
        StepResult::Passed => "ok  ",
        StepResult::Failed => "FAIL",
        StepResult::Skipped => "-   ",
    };
    format!("{mark} {:<11} {}", step.step.to_string(), step.message)
}
