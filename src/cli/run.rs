//! `run`: the operator itself.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use direct_upload_api as api;
use direct_upload_core::judge::Pace;
use direct_upload_core::plan::Options;
use ipnet::IpNet;
use kube::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::probe::Gate;
use crate::run::{Lease, RunError, Settings, prober, run};

/// Closes a connection to the API server without traffic after this time. Watches end by themselves after
/// 295 s of silence.
const SILENCE: Duration = Duration::from_secs(300);

/// The default image for init containers.
pub(super) fn default_image() -> String {
    concat!(env!("CARGO_PKG_NAME"), ":", env!("CARGO_PKG_VERSION")).to_owned()
}

/// Options of `run`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// Work only in this namespace; may be repeated. Default: all namespaces
    #[arg(long = "watch-namespace", value_name = "NS")]
    pub watch_namespace: Vec<String>,
    /// Address for /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub metrics_addr: SocketAddr,
    /// The operator's own image, for the init container that copies files
    #[arg(long, env = "DIRECT_UPLOAD_OPERATOR_IMAGE", default_value_t = default_image())]
    pub image: String,
    /// Name that distinguishes several operators of one cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub instance: String,
    /// Namespace of the Lease for leader election. Default: the kubeconfig's, if it may be used
    #[arg(long, value_name = "NS", env = "POD_NAMESPACE")]
    pub lease_namespace: Option<String>,
    /// Run without leader election; only if no second replica can run
    #[arg(long)]
    pub no_leader_election: bool,
    /// Write only statuses and events. For an operator that already runs, create the ConfigMap
    /// direct-upload-operator-INSTANCE-freeze in its namespace instead
    #[arg(long)]
    pub freeze: bool,
    /// How many resources to work on at the same time
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub concurrency: usize,
    /// Time between two preflights of a path that works
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub preflight_interval: api::Duration,
    /// How long all preflights must be refused before a Horizon falls back, and must pass before it returns
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub preflight_patience: api::Duration,
    /// Address ranges that never get a request, as ADDRESS/BITS; may be repeated. Link-local addresses,
    /// metadata services and this machine's loopback are always excluded
    #[arg(long, value_name = "ADDRESS/BITS")]
    pub preflight_deny: Vec<IpNet>,
    /// Log format; RUST_LOG filters the lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError`].
pub async fn main(args: Args) -> Result<(), RunError> {
    start_log(args.log_format);
    let config = config().await.map_err(RunError::Client)?;
    let namespace = args.lease_namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let lease = match (args.no_leader_election, args.lease_namespace) {
        (true, _) => Lease::None,
        (false, Some(namespace)) => Lease::Required(namespace),
        (false, None) => Lease::IfAllowed(config.default_namespace.clone()),
    };
    let settings = Settings {
        namespaces: args.watch_namespace.into_iter().collect::<BTreeSet<_>>(),
        metrics_addr: args.metrics_addr,
        instance: args.instance,
        lease,
        namespace,
        freeze: args.freeze,
        identity: identity(),
        concurrency: args.concurrency,
        options: Options { image: args.image },
        preflights: prober::ProberSettings {
            pace: Pace { interval: args.preflight_interval.into(), patience: args.preflight_patience.into() },
            gate: Gate::of_operator(args.preflight_deny),
        },
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), identity = settings.identity, "direct-upload-operator starts");
    run(config, settings, stop()).await
}

/// A client whose requests all end.
async fn config() -> Result<Config, kube::Error> {
    let mut config = Config::infer().await.map_err(kube::Error::InferConfig)?;
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    Ok(config)
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
    }
}

/// The pod's name, or a name that no other process has.
fn identity() -> String {
    std::env::var("POD_NAME").unwrap_or_else(|_| {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "local".into());
        format!("{host}-{}", std::process::id())
    })
}

/// Becomes true at the first SIGTERM or SIGINT.
fn stop() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals cannot be received; only SIGKILL ends this process");
            return sender.closed().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sender.send_replace(true);
        sender.closed().await;
    });
    receiver
}
