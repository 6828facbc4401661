//! The operator as a process.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{Cluster, PATIENCE, poll};

/// The shipped binary.
pub const BINARY: &str = env!("CARGO_BIN_EXE_direct-upload-operator");

/// A running operator; it is killed when this is dropped.
pub struct Operator {
    process: Child,
    log: PathBuf,
    api_server_port: u16,
}

impl Operator {
    /// Starts `run` with the rights that deploy/ grants. `OPERATOR` names another build of this program, such as that
    /// of the image.
    pub fn start(cluster: &Cluster, args: &[&str]) -> Self {
        let program = std::env::var("OPERATOR").unwrap_or_else(|_| BINARY.to_owned());
        Self::start_program(&program, cluster, args)
    }

    /// The same of another release's program.
    pub fn start_program(program: &str, cluster: &Cluster, args: &[&str]) -> Self {
        let log = cluster.folder().join(format!("operator-{}.log", cluster.next()));
        let output = File::create(&log).expect("a log file");
        let pace: &[&str] =
            if args.contains(&"--preflight-interval") { &[] } else { &["--preflight-interval", "400ms"] };
        // It ends with the thread that started it, also if that thread is killed.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", program, "run", "--metrics-addr", "127.0.0.1:0"])
            .args(pace)
            .args(args)
            .env("KUBECONFIG", cluster.operator_kubeconfig())
            .env("HTTPS_PROXY", cluster.edge().proxy())
            .env("NO_PROXY", "127.0.0.1")
            .env("SSL_CERT_FILE", cluster.edge().ca())
            .env("RUST_LOG", "info,direct_upload_operator=debug")
            .env_remove("POD_NAME")
            .env_remove("POD_NAMESPACE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .expect("the operator starts");
        let kubeconfig = fs::read_to_string(cluster.operator_kubeconfig()).expect("a kubeconfig");
        let server = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("server: https://"));
        let port = server.and_then(|server| server.rsplit_once(':')?.1.parse().ok());
        Self { process, log, api_server_port: port.expect("a server with a port") }
    }

    /// Waits until its log says that it has read the cluster.
    pub fn wait_ready(&self) {
        let ready = poll(PATIENCE, || self.http("/readyz").filter(|answer| answer.starts_with("HTTP/1.1 200")));
        assert!(ready.is_some(), "the operator does not become ready\n{}", self.log());
    }

    /// An HTTP answer with its headers, if it listens yet.
    pub fn http(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address()?).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// The address of its health checks and metrics, when it serves them.
    pub fn address(&self) -> Option<String> {
        Some(self.log().split_once("address=")?.1.split_whitespace().next()?.to_owned())
    }

    /// How many reconciles of a kind are complete.
    pub fn reconciles(&self, kind: &str) -> u64 {
        let text = self.http("/metrics").unwrap_or_default();
        let prefix = format!("direct_upload_reconciles_total{{kind=\"{kind}\"");
        let counts = text.lines().filter(|line| line.starts_with(&prefix));
        counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    /// One of its metrics, without labels.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.http("/metrics").unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(n, _)| *n == name).and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
    }

    /// Its resident memory in KiB.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many connections to the API server it has open.
    pub fn connections(&self) -> usize {
        let process = self.process.id();
        let port = format!(":{:04X}", self.api_server_port);
        let established = |line: &str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            (fields.get(3) == Some(&"01") && fields.get(2)?.ends_with(&port)).then(|| fields.get(9)?.parse().ok())?
        };
        let all = fs::read_to_string(format!("/proc/{process}/net/tcp")).expect("Linux");
        let sockets: BTreeSet<u64> = all.lines().filter_map(established).collect();
        let files = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs");
        let socket = |file: fs::DirEntry| {
            let target = fs::read_link(file.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        };
        files.filter_map(|file| socket(file.ok()?)).filter(|socket| sockets.contains(socket)).count()
    }

    /// The CPU time that it has used, in hundredths of a second.
    pub fn processor(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("Linux");
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }

    /// SIGTERM, as a kubelet sends it.
    pub fn stop(mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
        self.wait()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        let status = poll(PATIENCE, || self.process.try_wait().expect("a status"));
        status.unwrap_or_else(|| panic!("the operator does not end\n{}", self.log()))
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("---- operator's log ({})\n{}", self.log.display(), read(&self.log));
        }
    }
}

fn read(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}
