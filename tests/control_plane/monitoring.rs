//! A real Prometheus scrapes the operator: it finds every metric that alerts and dashboard use.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Site, file};

/// Prometheus, on a free port of loopback; ends with the test.
struct Prometheus {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: &str, rules: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let configuration = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{
                "job_name": "operator", "honor_labels": true,
                "static_configs": [{"targets": [target], "labels": {"namespace": "direct-upload-system"}}],
            }],
        });
        fs::write(folder.path().join("rules.yaml"), rules.to_string()).unwrap();
        fs::write(folder.path().join("prometheus.yaml"), configuration.to_string()).unwrap();
        let process = Command::new("prometheus")
            .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus is missing: apt-get install --no-install-recommends prometheus");
        Self { process, port, _folder: folder }
    }

    /// The answer of its HTTP API, once it gives one.
    fn ask(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET /api/v1/{path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// The values of an expression.
    fn query(&self, expression: &str) -> Option<Vec<Value>> {
        let escaped = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect::<String>();
        let answer = self.ask(&format!("query?query={escaped}"))?;
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().cloned()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Every expression below a value, by the name of its field.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("expr").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|inner| expressions(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| expressions(inner, found)),
        _ => {}
    }
}

#[test]
fn a_real_prometheus() {
    let site = Site::with_pair("metrics", json!({}), json!({}));
    let text = fs::read_to_string(file("deploy/monitoring/prometheus-rule.yaml")).unwrap();
    let rules: Value = serde_yaml::from_str::<Value>(&text).unwrap()["spec"].clone();
    let dashboard = fs::read_to_string(file("deploy/monitoring/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let address = site.operator.as_ref().unwrap().address().unwrap();
    let prometheus = Prometheus::scraping(&address, &rules);

    let named = format!("namespace=\"{}\", name=\"horizon\"", site.namespace);
    let direct = format!("direct_upload_horizon_direct{{{named}}} == 1");
    site.wait("the pair's mode is known", || prometheus.query(&direct).filter(|found| !found.is_empty()));
    let granted = format!("direct_upload_horizon_verdict_timestamp_seconds{{{named}, verdict=\"granted\"}} < time()");
    assert_eq!(prometheus.query(&granted).unwrap().len(), 1);

    // Each metric that alerts and panels name is one that the operator has.
    let (mut asked, metrics) = (Vec::new(), site.operator.as_ref().unwrap().http("/metrics").unwrap());
    expressions(&rules, &mut asked);
    expressions(&dashboard, &mut asked);
    assert!(asked.len() > 12, "{asked:?}");
    for expression in &asked {
        prometheus.query(expression).unwrap();
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        // This cluster has no canary, which also counts stuck images, and no OpenStackAPI.
        let others = |word: &str| ["_canary_", "_stuck_", "_upload_api_"].iter().any(|part| word.contains(part));
        let metrics_of_pairs = |word: &&str| word.starts_with("direct_upload_") && !others(word);
        for metric in words.filter(metrics_of_pairs) {
            assert!(metrics.lines().any(|line| line.starts_with(metric)), "{metric} of {expression}");
        }
    }
    let loaded = prometheus.ask("rules").unwrap();
    assert_eq!(
        loaded["data"]["groups"][0]["rules"].as_array().map(Vec::len),
        rules["groups"][0]["rules"].as_array().map(Vec::len)
    );

    // A resource that is gone leaves no series.
    site.kubectl(&["delete", "horizon/horizon", "--timeout=60s"]);
    site.wait("its series are gone", || {
        prometheus.query(&format!("direct_upload_horizon_direct{{{named}}}")).filter(Vec::is_empty)
    });
}
