//! The table of answers (tests/cases/preflight): each given to the judge, and over a socket to the
//! probe. tests/browser gives the same ones to real browsers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::report::FailureReport;
use direct_upload_core::judge::{Answer, Decision, Report, judge};
use direct_upload_operator::probe::{Host, Probe, Trust, probe};
use serde::Deserialize;

use crate::preflight::ORIGIN;
use crate::preflight_server::{Server, certificates};

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Several(Vec<String>),
}

impl Lines {
    fn all(&self) -> &[String] {
        match self {
            Self::One(line) => std::slice::from_ref(line),
            Self::Several(lines) => lines,
        }
    }
}

/// tests/cases/preflight/README.md says what each field is.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Case {
    status: Option<String>,
    origin: Option<Lines>,
    methods: Option<Lines>,
    headers: Option<Lines>,
    more: Vec<String>,
    head: Option<String>,
    raw: Option<String>,
    body: Option<String>,
    rule: Option<String>,
    requirement: Option<String>,
    unknown: Option<String>,
    said: Option<String>,
    fix: Option<String>,
    received: Option<String>,
    advice: Vec<Option<String>>,
    /// For the browsers alone.
    #[serde(rename = "differs")]
    _differs: BTreeMap<String, String>,
}

const GRANT: [(&str, &str); 3] = [
    ("Access-Control-Allow-Origin", ORIGIN),
    ("Access-Control-Allow-Methods", "PUT"),
    ("Access-Control-Allow-Headers", "content-type,x-auth-token,x-csrftoken"),
];

impl Case {
    /// The head's lines, if it is written down as such.
    fn lines(&self) -> Option<Vec<String>> {
        if self.raw.is_some() {
            return None;
        }
        if let Some(head) = &self.head {
            return Some(head.lines().map(ToOwned::to_owned).collect());
        }
        let mut lines = vec![format!("HTTP/1.1 {}", self.status.as_deref().unwrap_or("200 OK")), "Vary: Origin".into()];
        for ((name, value), given) in GRANT.into_iter().zip([&self.origin, &self.methods, &self.headers]) {
            let values = given.clone().unwrap_or(Lines::One(value.to_owned()));
            lines.extend(values.all().iter().map(|value| format!("{name}: {value}")));
        }
        lines.extend(self.more.iter().cloned());
        if self.body.is_none() {
            lines.push("Content-Length: 0".into());
        }
        Some(lines)
    }

    /// As it goes over the wire.
    fn bytes(&self) -> Vec<u8> {
        let text = match (&self.raw, self.lines()) {
            (Some(raw), _) => {
                let grant = GRANT.map(|(name, value)| format!("{name}: {value}")).join("\r\n");
                raw.replace("{grant}", &format!("Vary: Origin\r\n{grant}"))
            }
            (None, lines) => lines.unwrap_or_default().join("\r\n") + "\r\n\r\n" + self.body.as_deref().unwrap_or(""),
        };
        text.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect()
    }

    /// As the judge gets it, where reading it is no matter.
    fn answer(&self) -> Option<Answer> {
        let lines = self.lines()?;
        let status = lines[0].split(' ').nth(1)?.parse().ok()?;
        let headers = lines[1..].iter().map(|line| {
            let (name, value) = line.split_once(':').expect("name: value");
            (name.to_owned(), value.to_owned())
        });
        Some(Answer { status, headers: headers.collect() })
    }

    fn failure_as_expected(&self, failure: Option<&FailureReport>) -> Result<(), String> {
        let (Some(rule), Some(failure)) = (&self.rule, failure) else {
            return same(&self.rule.as_deref(), &failure.map(|f| f.rule.id()));
        };
        same(&rule.as_str(), &failure.rule.id())?;
        same(&serde_json::json!(self.requirement), &serde_json::json!(failure.requirement))?;
        contains(&failure.message, self.said.as_ref())?;
        contains(&failure.fix, self.fix.as_ref())?;
        contains(&failure.received, self.received.as_ref())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{expected:?} expected, {found:?} found")) }
}

fn contains(text: &str, part: Option<&String>) -> Result<(), String> {
    let missing = part.filter(|part| !text.contains(part.as_str()));
    missing.map_or(Ok(()), |part| Err(format!("{part:?} expected in {text:?}")))
}

/// By name; that no name stands twice is for the browsers' half to see.
fn table() -> BTreeMap<String, Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/preflight");
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let tables = files.filter(|file| file.extension().is_some_and(|e| e == "yaml")).map(|file| {
        let text = std::fs::read_to_string(&file).unwrap();
        serde_yaml::from_str::<BTreeMap<String, Case>>(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    });
    tables.flatten().collect()
}

/// All that is wrong, at once.
fn each(cases: &BTreeMap<String, Case>, check: impl Fn(&str, &Case) -> Result<(), String>) {
    let mut wrong = String::new();
    for (name, case) in cases {
        if let Err(why) = check(name, case) {
            let _ = writeln!(wrong, "{name}: {why}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_judge_decides_as_the_table_says() {
    let cases = table();
    assert!(cases.len() > 300, "{} cases", cases.len());
    each(&cases, |_, case| {
        let Some(answer) = case.answer() else { return Ok(()) };
        let asked = crate::preflight::upload("https://glance.example.com");
        let verdict = judge(&asked, &answer);
        let advised: Vec<_> = verdict.advice.iter().map(|advice| advice.rule.map(|rule| rule.to_string())).collect();
        let granted = verdict.granted();
        case.failure_as_expected(verdict.failure.map(Into::into).as_ref())?;
        if granted { same(&case.advice, &advised) } else { Ok(()) }
    });
}

#[test]
fn the_probe_reads_and_decides_as_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), "glance.example.com", "2");
    let trust = Trust::with(&std::fs::read(folder.path().join("ca.pem")).unwrap()).unwrap();
    let cases = table();
    let answers: BTreeMap<_, _> = cases.iter().map(|(name, case)| (name.clone(), case.bytes())).collect();
    let server = Server::secure(folder.path(), move |head| answers[head.split('/').nth(1).unwrap()].clone());
    let host = Host { name: "glance.example.com".into(), port: server.port, address: "127.0.0.1".parse().ok() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    each(&cases, |name, case| {
        let url = format!("https://glance.example.com:{}/{name}", server.port);
        let (asked, outcome) = runtime.block_on(probe(&Probe {
            origin: Origin::parse(ORIGIN).unwrap(),
            endpoint: Endpoint::parse(&url).unwrap(),
            hosts: vec![host.clone()],
            trust: trust.clone(),
            proxies: direct_upload_operator::probe::Proxies::default(),
            denied: vec![],
            narrow: true,
        }));
        let report = Report::new(&asked, outcome);
        let unreachable = report.unreachable.as_ref();
        let told = serde_json::to_string(&report).map_err(|e| e.to_string())?;
        same(&told.contains("secret"), &false)?;
        let kind = unreachable.and_then(|why| serde_json::to_value(why.kind).ok());
        same(&serde_json::json!(case.unknown), &kind.unwrap_or_default())
            .map_err(|e| format!("{e}: {unreachable:?}, {:?}", report.failure))?;
        if let Some(why) = unreachable {
            return contains(&why.message, case.said.as_ref());
        }
        same(&(report.verdict == Decision::Granted), &case.rule.is_none())?;
        case.failure_as_expected(report.failure.as_ref())
    });
}
