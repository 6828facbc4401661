//! The Python oracle (tests/oracles/oracle.py): one process for the whole test run.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

struct Oracle {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    // Ends with its standard input, which the system closes with this process.
    _child: Child,
}

/// A file of tests/oracles.
pub fn file(name: &str) -> String {
    crate::file("tests/oracles").join(name).display().to_string()
}

/// Puts a question; panics with the oracle's traceback if it has no answer.
pub fn ask<T: DeserializeOwned>(question: &Value) -> T {
    static ORACLE: OnceLock<Mutex<Oracle>> = OnceLock::new();
    let mut oracle = ORACLE.get_or_init(|| Mutex::new(start())).lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(oracle.stdin, "{question}").expect("the oracle ended");
    let mut line = String::new();
    oracle.stdout.read_line(&mut line).expect("the oracle ended");
    drop(oracle);
    let mut reply: Value = serde_json::from_str(&line).expect("the oracle answers in JSON");
    if let Some(error) = reply["error"].as_str() {
        panic!("the oracle failed at {:.500}\n{error}", question.to_string());
    }
    serde_json::from_value(reply["answer"].take()).expect("an answer of the expected shape")
}

fn start() -> Oracle {
    let setup = Command::new(file("setup")).stderr(Stdio::inherit()).output().expect("tests/oracles/setup runs");
    assert!(setup.status.success(), "tests/oracles/setup failed; it says above what it needs");
    let python = String::from_utf8(setup.stdout).expect("a path");
    let mut child = Command::new(python.trim_end())
        .arg(file("oracle.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let stdin = child.stdin.take().expect("piped");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    Oracle { stdin, stdout, _child: child }
}

/// Texts made of what parsers stumble over.
pub fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "x1", ".", "-", "/", "*", "?", "(", ")", "|", "^", "+", "<", ">", "~", "!", "@", "&", " ", "  ",
        "\t", "\n", "\r", "\r\n", "\0", "\u{1b}", "\u{7f}", "\u{85}", "\u{a0}", "\u{2028}", "$", "$$", "$host",
        "${HOME}", "${", "}", "%", "%{HOME}e", "\\", "\\\\", "\\$", "\\\n", "'", "\"", "'''", ",", "[", "]", "[x]",
        "=", ":", ";", "#", "é", "ß", "😀", "\u{202e}",
    ]);
    prop_oneof![
        4 => prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => "[ -~]{0,20}",
    ]
}
