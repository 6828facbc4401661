//! The preflight of an upload, and the table of answers (tests/cases/preflight). Tests give each answer to
//! the judge, and over a socket to the probe. tests/browser gives the same answers to real browsers.

use std::collections::BTreeMap;
use std::fmt::Write;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::{Failure, Preflight, Response};
use serde::Deserialize;

pub const ORIGIN: &str = "https://horizon.example.com";

/// An image that does not exist.
pub const IMAGE: &str = "6f1b5b6e-0000-4000-8000-000000000000";

/// The Angular panel's.
pub fn upload(url: &str) -> Preflight {
    upload_of(Panel::Angular, url)
}

/// A panel's.
pub fn upload_of(panel: Panel, url: &str) -> Preflight {
    Preflight::upload(Origin::parse(ORIGIN).unwrap(), Endpoint::parse(url).unwrap(), IMAGE, panel)
}

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
pub struct Case {
    status: Option<String>,
    origin: Option<Lines>,
    credentials: Option<Lines>,
    methods: Option<Lines>,
    headers: Option<Lines>,
    more: Vec<String>,
    head: Option<String>,
    raw: Option<String>,
    body: Option<String>,
    pub rule: Option<String>,
    requirement: Option<String>,
    pub unknown: Option<String>,
    pub said: Option<String>,
    fix: Option<String>,
    received: Option<String>,
    pub advice: Vec<Option<String>>,
    /// Where the Django panel's upload meets something else.
    pub django: Option<Expected>,
    /// For the browsers alone.
    #[serde(rename = "differs")]
    _differs: BTreeMap<String, String>,
}

/// What is to come of it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    pub rule: Option<String>,
    requirement: Option<String>,
    pub said: Option<String>,
    fix: Option<String>,
    received: Option<String>,
    /// For the browsers alone.
    #[serde(rename = "differs")]
    _differs: BTreeMap<String, String>,
}

const GRANT: [(&str, &str); 4] = [
    ("Access-Control-Allow-Origin", ORIGIN),
    ("Access-Control-Allow-Credentials", "true"),
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
        for ((name, value), given) in
            GRANT.into_iter().zip([&self.origin, &self.credentials, &self.methods, &self.headers])
        {
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
    pub fn bytes(&self) -> Vec<u8> {
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
    pub fn answer(&self) -> Option<Response> {
        let lines = self.lines()?;
        let status = lines[0].split(' ').nth(1)?.parse().ok()?;
        let headers = lines[1..].iter().map(|line| {
            let (name, value) = line.split_once(':').expect("name: value");
            (name.to_owned(), value.to_owned())
        });
        Some(Response { status, headers: headers.collect() })
    }

    /// The expected verdict for a panel. For an unknown panel it is the stricter one of the two.
    pub fn expected(&self, panel: Panel) -> Expected {
        let angular = Expected {
            rule: self.rule.clone(),
            requirement: self.requirement.clone(),
            said: self.said.clone(),
            fix: self.fix.clone(),
            received: self.received.clone(),
            ..Expected::default()
        };
        match (panel, &self.django) {
            (Panel::Django, Some(django)) => django.clone(),
            (Panel::Unknown, Some(django)) if angular.rule.is_none() => django.clone(),
            _ => angular,
        }
    }
}

impl Expected {
    pub fn failure_as_expected(&self, failure: Option<&Failure>) -> Result<(), String> {
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

pub fn same<T: PartialEq + std::fmt::Debug>(expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{expected:?} expected, {found:?} found")) }
}

pub fn contains(text: &str, part: Option<&String>) -> Result<(), String> {
    let missing = part.filter(|part| !text.contains(part.as_str()));
    missing.map_or(Ok(()), |part| Err(format!("{part:?} expected in {text:?}")))
}

/// By name; that no name stands twice is for the browsers' half to see.
pub fn table() -> BTreeMap<String, Case> {
    let folder = crate::file("tests/cases/preflight");
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let tables = files.filter(|file| file.extension().is_some_and(|e| e == "yaml")).map(|file| {
        let text = std::fs::read_to_string(&file).unwrap();
        serde_yaml::from_str::<BTreeMap<String, Case>>(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    });
    tables.flatten().collect()
}

/// All that is wrong, at once.
pub fn each(panel: Panel, cases: &BTreeMap<String, Case>, check: impl Fn(&str, &Case) -> Result<(), String>) {
    let mut wrong = String::new();
    for (name, case) in cases {
        if let Err(why) = check(name, case) {
            let _ = writeln!(wrong, "{name}, {panel}: {why}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
