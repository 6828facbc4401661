//! The libraries of Argo CD and Flux, called through the program of tests/gitops.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

/// What both tools say of an object's health.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub argo: String,
    pub argo_message: String,
    pub flux: String,
}

impl Verdict {
    /// Both verdicts, Argo CD's first.
    pub fn both(&self) -> (&str, &str) {
        (&self.argo, &self.flux)
    }
}

/// The health of objects, by the script that deploy/argocd ships.
pub fn health(objects: &[Value]) -> Vec<Verdict> {
    let script = crate::file("deploy/argocd/health.yaml");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    serde_json::from_value(ask("health", &script, &list)).expect("verdicts")
}

/// Asks one question.
pub fn ask(question: &str, file: &Path, object: &Value) -> Value {
    let mut judge = Command::new(program())
        .arg(question)
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tests/gitops starts");
    judge.stdin.take().expect("a pipe").write_all(object.to_string().as_bytes()).expect("tests/gitops reads");
    let output = judge.wait_with_output().expect("tests/gitops ends");
    assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build = Command::new(crate::file("tests/gitops/build"))
            .stderr(Stdio::inherit())
            .output()
            .expect("tests/gitops/build starts");
        assert!(build.status.success(), "tests/gitops did not build; it needs Go");
        PathBuf::from(String::from_utf8(build.stdout).expect("a path").trim_end())
    })
}
