//! A real httpd on a free loopback port, with nothing of the machine's own configuration.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::oracle::{ask, file};

/// What every distribution's httpd loads, or must load for our directives.
pub const MODULES: &[&str] = &[
    "mpm_event",
    "authz_core",
    "setenvif",
    "headers",
    "env",
    "reqtimeout",
    "ssl",
    "proxy",
    "proxy_http",
    "proxy_uwsgi",
    "wsgi",
];

/// A configuration in a folder of its own, not running.
pub struct Site {
    dir: TempDir,
    pub port: u16,
}

/// A running httpd; ends with this value.
pub struct Running {
    site: Site,
    child: Child,
}

/// What a client sees.
#[derive(Debug, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// Every value of a header, line by line.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

impl Site {
    /// A server with these modules whose default host serves tests/oracles/echo.wsgi if `mod_wsgi`
    /// is among them, and which includes the fragment as a package's `conf-enabled` does. It has a
    /// body limit of its own, of 3 bytes, which ours must replace.
    pub fn new(modules: &[&str], fragment: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("httpd-").tempdir().unwrap();
        // httpd's children run under another user.
        fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let port = free_port();
        let at = dir.path().display();
        let mut loads = String::new();
        for name in modules {
            let _ = writeln!(loads, "LoadModule {name}_module {}/mod_{name}.so", module_dir().display());
        }
        // They count only for root, who must not run what clients ask for.
        let user = if fs::metadata(dir.path()).unwrap().uid() == 0 { "User nobody\nGroup #65534\n" } else { "" };
        let wsgi = if modules.contains(&"wsgi") {
            // A copy: the children's user may not enter the checkout.
            fs::copy(file("echo.wsgi"), dir.path().join("echo.wsgi")).unwrap();
            format!(
                "WSGISocketPrefix {at}/wsgi\nWSGIRestrictEmbedded On\n<VirtualHost 127.0.0.1:{port}>\n\
                 WSGIDaemonProcess echo threads=2 shutdown-timeout=1\nWSGIProcessGroup echo\nWSGIScriptAlias / {at}/echo.wsgi\n\
                 <Location />\nRequire all granted\n</Location>\n</VirtualHost>\n"
            )
        } else {
            String::new()
        };
        let conf = format!(
            "ServerRoot {at}\nServerName localhost\nDefaultRuntimeDir {at}\nPidFile {at}/pid\nErrorLog {at}/error.log\n\
             LimitRequestBody 3\nListen 127.0.0.1:{port}\n{loads}{user}<Directory />\nRequire all denied\n</Directory>\n\
             IncludeOptional {at}/conf-enabled/*.conf\n{wsgi}"
        );
        fs::write(dir.path().join("httpd.conf"), conf).unwrap();
        fs::create_dir(dir.path().join("conf-enabled")).unwrap();
        fs::write(dir.path().join("conf-enabled/zz-direct-upload-httpd.conf"), fragment).unwrap();
        Self { dir, port }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes `tls.crt` and `tls.key` in a folder that the fragment must name.
    pub fn certificate(dir: &Path) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .arg("-keyout")
            .arg(dir.join("tls.key"))
            .arg("-out")
            .arg(dir.join("tls.crt"))
            .output()
            .expect("the test of TLS needs openssl: apt-get install openssl");
        assert!(made.status.success(), "{made:?}");
    }

    /// `httpd -t`: what it says about the configuration.
    pub fn check(&self) -> Output {
        self.command().arg("-t").output().unwrap()
    }

    /// Starts it and waits until it takes connections on these ports, too.
    pub fn start(self, ports: &[u16]) -> Running {
        let child = self.command().arg("-DFOREGROUND").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut running = Running { site: self, child };
        let deadline = Instant::now() + Duration::from_secs(60);
        for port in [ports, &[running.site.port]].concat() {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = running.child.try_wait().unwrap();
                assert!(ended.is_none() && Instant::now() < deadline, "httpd does not answer: {}", running.said());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        running
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.arg("-f").arg(self.dir.path().join("httpd.conf"));
        command
    }
}

impl Running {
    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.site.port
    }

    /// A request to the default host.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(&json!({"ask": "request", "port": self.site.port, "method": "GET", "path": path, "headers": headers}))
    }

    /// A request to the default host.
    pub fn options(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(&json!({"ask": "request", "port": self.site.port, "method": "OPTIONS", "path": path, "headers": headers}))
    }

    /// A request with a body to the default host.
    pub fn put(&self, path: &str, body: &str, chunked: bool) -> Answer {
        ask(
            &json!({"ask": "request", "port": self.site.port, "method": "PUT", "path": path, "headers": [], "body": body, "chunked": chunked}),
        )
    }

    /// As [`Running::put`], with a pause of some seconds in the middle of the body.
    pub fn put_slowly(&self, path: &str, body: &str, pause: u32) -> Answer {
        ask(
            &json!({"ask": "request", "port": self.site.port, "method": "PUT", "path": path, "headers": [], "body": body, "pause": pause}),
        )
    }

    /// What its processes have at most held in memory and written to disks so far, in bytes.
    pub fn spent(&self) -> (u64, u64) {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
        let number = |file: String, key: &str| -> u64 {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            line.trim_end_matches(" kB").trim().parse().unwrap_or_default()
        };
        let pids: Vec<&str> = children.split_whitespace().collect();
        assert!(!pids.is_empty(), "httpd has no children");
        let memory = pids.iter().map(|pid| number(format!("/proc/{pid}/status"), "VmHWM:") << 10).max();
        let disk = pids.iter().map(|pid| number(format!("/proc/{pid}/io"), "write_bytes:")).sum();
        (memory.unwrap_or_default(), disk)
    }

    fn said(&mut self) -> String {
        let _ = self.child.kill();
        let mut said = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut said);
        }
        said + &fs::read_to_string(self.site.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Running {
    /// SIGTERM, so that httpd ends its children, too.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A port that nobody has, handed out once: below those that the system gives to clients, which
/// could take it before httpd does.
pub fn free_port() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let spread = u16::try_from(std::process::id() % 6000).unwrap_or_default();
    let next = NEXT.get_or_init(|| AtomicU16::new(20_000 + spread));
    loop {
        let port = next.fetch_add(1, Ordering::Relaxed);
        assert!(port < 32_768, "no free port between 20000 and 32768");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub fn binary() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .flat_map(|dir| [dir.join("apache2"), dir.join("httpd")])
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| missing())
}

pub fn module_dir() -> PathBuf {
    ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"]
        .into_iter()
        .map(PathBuf::from)
        .find(|dir| dir.join("mod_wsgi.so").is_file())
        .unwrap_or_else(|| missing())
}

fn missing() -> ! {
    panic!("the httpd tests need httpd and mod_wsgi: apt-get install apache2 libapache2-mod-wsgi-py3")
}
