//! The environment of the pages' commands: a home folder, programs with the documented names, and a Glance
//! and a Horizon behind an httpd. A stand-in for the kubelet runs the operator while its Deployment exists,
//! and puts Glance's ConfigMap where Glance reads it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Answer, BINARY, Cluster, Operator, PATIENCE, SYSTEM, file, mounted, poll};

pub struct World {
    /// Ended before the cluster: it would miss it.
    operator: Mutex<Option<(Value, Operator)>>,
    cluster: Cluster,
    folder: TempDir,
    port: u16,
    python: PathBuf,
    /// Glance, then httpd.
    servers: Mutex<Vec<Child>>,
    /// Whether the page's cloud is the one in the cluster.
    follows: Mutex<bool>,
}

impl World {
    pub fn start() -> Self {
        let cluster = Cluster::start("docs");
        // Not among the project's files: httpd serves as nobody, who may not enter the home of whoever runs this.
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a folder");
        let home = folder.path().join("home");
        fs::create_dir_all(&home).expect("a folder");
        for name in ["crds", "deploy", "samples", "tests"] {
            symlink(file(name), home.join(name)).expect("a link");
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        for host in ["horizon", "glance"] {
            cluster.edge().set(&format!("{host}.example.com"), Answer::Leads(port));
        }
        let setup = Command::new(file("tests/oracles/setup")).stderr(Stdio::inherit()).output().expect("it runs");
        let python = PathBuf::from(String::from_utf8(setup.stdout).expect("a path").trim());
        Self {
            cluster,
            folder,
            port,
            python,
            servers: Mutex::default(),
            follows: false.into(),
            operator: Mutex::default(),
        }
    }

    /// The cloud that a page speaks of: one in `tests/docs/clouds`, or that in the cluster.
    pub fn enter(&self, page: &str) {
        self.leave();
        let cloud = self.cloud();
        // Meanwhile the pods leave it alone.
        let mut follows = self.follows.lock().expect("a lock");
        let _ = fs::remove_dir_all(&cloud);
        copy("base", &cloud);
        let own = page.rsplit('/').next().unwrap_or_default().trim_end_matches(".md");
        let here = file("tests/docs/clouds").join(own);
        if here.is_dir() {
            copy(own, &cloud);
        }
        // Git keeps no empty folder.
        for folder in ["etc/glance/glance-api.conf.d", "etc/openstack-dashboard/local_settings.d"] {
            fs::create_dir_all(cloud.join(folder)).expect("a folder");
        }
        // A page without its own Glance uses the cluster's.
        *follows = !here.join("etc/glance").is_dir();
        symlink("etc/glance", cloud.join(".glance")).expect("a link");
        let snippets = cloud.join("image/openstack_dashboard/local/local_settings.d");
        copy("../../layouts/openstack-helm/image", &cloud.join("image"));
        fs::remove_dir_all(&snippets).expect("a folder");
        let settings = cloud.join("etc/openstack-dashboard");
        symlink(settings.join("local_settings.d"), snippets).expect("a link");
        symlink(settings.join("local_settings.py"), cloud.join("image/openstack_dashboard/local/local_settings.py"))
            .expect("a link");
        self.serve();
    }

    fn serve(&self) {
        let cloud = self.cloud();
        let glance = until_we_end(&self.python).arg(file("tests/docs/glance.py")).arg(&cloud).spawn();
        let glance = glance.expect("it starts");
        self.servers.lock().expect("a lock").push(glance);
        let port = poll(PATIENCE, || fs::read_to_string(cloud.join("port")).ok()).expect("Glance listens");
        let hosts = [
            ("horizon.example.com:443", self.port.to_string()),
            ("glance.example.com:443", self.port.to_string()),
            ("127.0.0.1:9292", port.clone()),
        ];
        let connect = hosts.map(|(host, port)| format!("connect-to = \"{host}:127.0.0.1:{port}\"\n")).concat();
        let trust = format!("cacert = \"{}\"\n", self.cluster.edge().ca().display());
        fs::write(self.folder.path().join("home/.curlrc"), trust + &connect).expect("a file");
        let sites = cloud.join("etc/apache2/sites-enabled");
        for site in fs::read_dir(sites).expect("sites").flatten() {
            let text = fs::read_to_string(site.path()).expect("a site");
            let text = text.replace(":443>", &format!(":{}>", self.port)).replace(":9292/", &format!(":{port}/"));
            fs::write(site.path(), text.replace("/usr/bin/", &format!("{}/", cloud.display()))).expect("a site");
        }
        let mut httpd = until_we_end(Path::new("/usr/sbin/apache2"));
        httpd.arg("-X").arg("-f").arg(file("tests/docs/httpd.conf"));
        httpd.env("CLOUD", &cloud).env("PORT", self.port.to_string()).env("MODULES", "/usr/lib/apache2/modules");
        httpd.env("CERTIFICATE", self.cluster.edge().ca().with_file_name("server"));
        let httpd = httpd.spawn().expect("httpd starts");
        self.servers.lock().expect("a lock").push(httpd);
        let answers = poll(PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", self.port)).ok());
        assert!(answers.is_some(), "httpd does not answer: {:?}", fs::read_to_string(cloud.join("httpd.log")));
    }

    fn leave(&self) {
        for mut server in self.servers.lock().expect("a lock").drain(..) {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    pub fn cloud(&self) -> PathBuf {
        self.folder.path().join("cloud")
    }

    /// A shell in the reader's home.
    pub fn shell(&self) -> Command {
        let mut shell = Command::new("timeout");
        // The python of an image has Glance's libraries.
        let path =
            format!("{}:{}", file("tests/docs/bin").display(), self.python.parent().unwrap_or(Path::new("")).display());
        shell.args([
            "--kill-after=5",
            "150",
            "bash",
            "-c",
            r#". "$DOCS_CLUSTER/env" && DOCS_KUBECTL=$(type -P kubectl) PATH=$DOCS_PATH:$PATH exec bash"#,
        ]);
        let home = self.folder.path().join("home");
        shell.current_dir(&home).env("HOME", &home);
        shell.env("DOCS_CLUSTER", self.cluster.folder()).env("DOCS_PATH", path).env("DOCS_BINARY", BINARY);
        shell.env("DOCS_CLOUD", self.cloud()).env("DOCS_PORT", self.port.to_string());
        shell.env("SSL_CERT_FILE", self.cluster.edge().ca());
        shell
    }

    /// Until told to stop, in place of a kubelet.
    pub fn run_pods(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            self.run_operator();
            let follows = self.follows.lock().expect("a lock");
            if *follows {
                self.mount();
            }
            drop(follows);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn run_operator(&self) {
        let deployment = self.cluster.get(SYSTEM, "deployment/direct-upload-operator");
        let uid = deployment.map(|d| d["metadata"]["uid"].clone());
        let mut running = self.operator.lock().expect("a lock");
        if running.as_ref().map(|(of, _)| of) != uid.as_ref() {
            *running = uid.map(|uid| {
                self.cluster.take_token();
                (uid, Operator::start(&self.cluster, &["--no-leader-election"]))
            });
        }
    }

    fn mount(&self) {
        let folder = self.cloud().join("etc/glance/glance-api.conf.d");
        let map = self.cluster.get("openstack", "deployment/glance").and_then(|glance| mounted(&glance));
        let map = map.and_then(|name| self.cluster.get("openstack", &format!("configmap/{name}")));
        let mounted = folder.join("zz-direct-upload.conf");
        let _ = match &map.as_ref().and_then(|map| map["data"].as_object()?.values().next()?.as_str()) {
            // In one step, as the kubelet does: Glance reads it at any time.
            Some(text) => fs::write(folder.join("new"), text).and_then(|()| fs::rename(folder.join("new"), mounted)),
            None => fs::remove_file(mounted),
        };
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.leave();
    }
}

fn copy(name: &str, to: &Path) {
    let from = file("tests/docs/clouds").join(name);
    let done = Command::new("cp").arg("-RT").args([&from, to]).status().expect("cp runs");
    assert!(done.success(), "{}", from.display());
}

fn until_we_end(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program).stdin(Stdio::null()).stdout(Stdio::null());
    command
}
