//! What `check` reads of `[cors]` and paste files is what oslo.config, oslo.middleware and PasteDeploy read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use direct_upload_check::Location;
use direct_upload_check::facts::filter::{PreflightAnswer, answer};
use direct_upload_check::facts::glance::GlanceFacts;
use direct_upload_check::unit::{self, ConfigFile};
use serde::Deserialize;
use serde_json::json;
use test_support::oracle::ask;

/// Inputs; the issue that made them demands at least 2,000.
const INPUTS: u64 = 2400;

/// Numbers that are the same on each run.
struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.of(list.len())]
    }

    /// Whether one in so many.
    fn one_in(&mut self, many: usize) -> bool {
        self.of(many) == 0
    }
}

const ORIGINS: [&str; 22] = [
    "https://d.example",
    "https://d.example",
    "https://d.example,https://e.example",
    "https://e.example , https://d.example",
    "https://d.example/",
    "HTTPS://d.example",
    "https://d.example:443",
    "https://d.example # the dashboard",
    "\"https://d.example\"",
    "'https://d.example,https://e.example'",
    "[https://d.example]",
    "*",
    "*, https://d.example",
    "",
    ",",
    "https://d.example,",
    "https://e.example,\n  https://d.example",
    "https://$host",
    "https://$dash.example",
    "https://d$$.example",
    "https://d\\$x.example",
    "${max_age}",
];
const HEADERS: [&str; 10] = [
    "X-Auth-Token,X-CSRFToken",
    "x-auth-token",
    "X-Auth-Token # token",
    "X-Auth-Token X-CSRFToken",
    "*",
    "",
    "Content-MD5",
    "\"X-Auth-Token\",X-CSRFToken",
    "X-Auth-Token,$max_age",
    "$nothing",
];
const METHODS: [&str; 7] = ["GET,PUT", "put", "GET", "PUT # upload", "", "GET,PUT,OPTIONS", "${allow_headers},PUT"];
const CREDENTIALS: [&str; 9] = ["true", "False", "yes", "0", "maybe", "true # yes", "", "TRUE", "$max_age"];
const AGES: [&str; 10] = ["3600", "0", "-1", "ten", "1_000", "", "+5", "3600 # s", "_1", "$nothing"];
const NAMES: [&str; 10] = [
    "allowed_origin",
    "allowed_origin",
    "allowed_origin",
    "allowed_origin",
    "Allowed_Origin",
    "allowed-origin",
    "allowed_origins",
    "allow_origin",
    "enabled",
    "allowed_origin ",
];
const SECTIONS: [&str; 8] = ["cors", "cors", "cors", "cors", "CORS", " cors", "cors.other", "DEFAULT"];

/// What the filter takes, in the forms in which people write it: most of these grant an upload.
const GOOD_ORIGINS: [&str; 9] = [
    "https://d.example",
    "https://d.example,https://e.example",
    "https://e.example , https://d.example",
    "\"https://d.example\"",
    "'https://d.example,https://e.example'",
    "*",
    "https://e.example,*",
    "https://e.example,\n  https://d.example",
    "https://d.example,",
];
const GOOD_HEADERS: [&str; 6] = [
    "X-Auth-Token,X-CSRFToken",
    "x-csrftoken , x-auth-token",
    "X-Auth-Token,\n  X-CSRFToken",
    "\"X-Auth-Token,X-CSRFToken\"",
    "Content-MD5,X-Auth-Token",
    "X-Auth-Token,X-CSRFToken,$max_age",
];
const GOOD_METHODS: [&str; 4] = ["GET,PUT", "PUT,GET,OPTIONS", "GET, PUT,", "GET,\n PUT"];
const GOOD_CREDENTIALS: [&str; 6] = ["true", "False", "yes", "0", "TRUE", "on"];
const GOOD_AGES: [&str; 6] = ["3600", "0", "-1", "1_000", "", "+5"];

/// `careful`: as somebody writes it who knows the filter, but for a slip now and then.
fn conf(dice: &mut Dice, careful: bool) -> String {
    let mut text = String::from("[DEFAULT]\ndebug = false\n");
    let sections = if careful { 1 } else { 1 + dice.of(2) };
    for _ in 0..sections {
        let good = careful && !dice.one_in(12);
        let _ = writeln!(text, "[{}]", if good { "cors" } else { dice.pick(&SECTIONS) });
        let name = if good { "allowed_origin" } else { dice.pick(&NAMES) };
        let origin = if good { dice.pick(&GOOD_ORIGINS) } else { dice.pick(&ORIGINS) };
        let _ = writeln!(text, "{name} {} {origin}", dice.pick(&["=", "=", "=", ":"]));
        let options: [(&str, &[&str], &[&str]); 4] = [
            ("allow_headers", &GOOD_HEADERS, &HEADERS),
            ("allow_methods", &GOOD_METHODS, &METHODS),
            ("allow_credentials", &GOOD_CREDENTIALS, &CREDENTIALS),
            ("max_age", &GOOD_AGES, &AGES),
        ];
        for (name, known, any) in options {
            if dice.one_in(if careful { 2 } else { 4 }) {
                let values = if careful && !dice.one_in(20) { known } else { any };
                let _ = writeln!(text, "{name} = {}", dice.pick(values));
            }
        }
        if dice.one_in(if careful { 200 } else { 40 }) {
            text.push_str(dice.pick(&["no assignment\n", "  indented = 1\n\n  x\n", "[\n", "= 1\n"]));
        }
    }
    text
}

fn paste(dice: &mut Dice, careful: bool) -> String {
    let good = careful && !dice.one_in(8);
    let name = dice.pick(&["cors", "cors", "cors", "my-cors", "CORS"]);
    let listed = if !good && dice.one_in(25) { "other" } else { name };
    let pipeline = match if good { 9 } else { dice.of(10) } {
        0 => format!("authtoken {listed} healthcheck rootapp"),
        1 => "healthcheck authtoken rootapp".to_owned(),
        2 => format!("{listed} missing rootapp"),
        _ => format!("{listed} healthcheck authtoken rootapp"),
    };
    let mut text = String::new();
    if !good && dice.one_in(12) {
        text.push_str(dice.pick(&[
            "[DEFAULT]\nallowed_origin = https://d.example\n",
            "[DEFAULT]\nallow_headers = X-Auth-Token\n",
            "[DEFAULT]\nname = d\n",
        ]));
    }
    let _ = writeln!(text, "[pipeline:glance-api-keystone]\npipeline = {pipeline}");
    let _ = writeln!(text, "[pipeline:glance-api]\npipeline = {pipeline}");
    let _ = writeln!(text, "[app:rootapp]\npaste.app_factory = paste_stub:app");
    let _ = writeln!(text, "[filter:healthcheck]\npaste.filter_factory = paste_stub:passed");
    let _ = writeln!(text, "[filter:authtoken]\npaste.filter_factory = paste_stub:auth");
    if dice.one_in(3) {
        text.push_str(dice.pick(&["delay_auth_decision = true\n", "delay_auth_decision = false\n"]));
    }
    let _ = writeln!(text, "[filter:{name}]");
    text.push_str(dice.pick(&[
        "paste.filter_factory = oslo_middleware.cors:filter_factory\n",
        "paste.filter_factory = oslo_middleware.cors:filter_factory\n",
        "paste.filter_factory = oslo_middleware:CORS.factory\n",
        "use = egg:oslo.middleware#cors\n",
    ]));
    let setups = [
        "oslo_config_project = glance\noslo_config_program = glance-api\n",
        "oslo_config_project = glance\noslo_config_program = glance-api\n",
        "oslo_config_project = glance\noslo_config_program = glance-api\n",
        "oslo_config_project = glance\n",
        "oslo_config_project = nova\noslo_config_program = nova-api\n",
        "oslo_config_project = glance\noslo_config_program = other\n",
        "oslo_config_project = glance\noslo_config_file = /etc/glance/cors.conf\n",
        "oslo_config_file = /etc/glance/cors.conf\n",
        "",
    ];
    text.push_str(if good { setups[0] } else { dice.pick(&setups) });
    let options: [(&str, &[&str]); 5] = [
        ("allowed_origin", &ORIGINS),
        ("allow_headers", &HEADERS),
        ("allow_methods", &METHODS),
        ("allow_credentials", &CREDENTIALS),
        ("max_age", &AGES),
    ];
    for (name, values) in options {
        if dice.one_in(if good { 60 } else { 9 }) {
            let _ = writeln!(text, "{name} = {}", dice.pick(values));
        }
    }
    if !good && dice.one_in(30) {
        text.push_str(dice.pick(&[
            "allowed_origin = a\nallowed_origin = b\n",
            "x = 100%\n",
            "y = %(name)s\n",
            "no line\n",
        ]));
    }
    text
}

/// Environment variables, on few inputs.
fn environment(dice: &mut Dice) -> BTreeMap<String, String> {
    let options: [(&str, &[&str]); 4] = [
        ("ALLOWED_ORIGIN", &ORIGINS),
        ("ALLOW_HEADERS", &HEADERS),
        ("ALLOW_METHODS", &METHODS),
        ("ALLOW_CREDENTIALS", &CREDENTIALS),
    ];
    let mut variables = BTreeMap::new();
    for (name, values) in options {
        if dice.one_in(30) {
            variables.insert(format!("OS_CORS__{name}"), dice.pick(values).to_owned());
        }
    }
    variables
}

#[derive(Debug, Deserialize)]
struct Truth {
    answers: Option<Vec<BTreeMap<String, String>>>,
    error: Option<String>,
}

const ASKED: [(&str, &str, &[&str]); 4] = [
    ("https://d.example", "PUT", &["content-type", "x-auth-token"]),
    ("https://d.example", "PUT", &["content-type", "x-auth-token", "x-csrftoken"]),
    ("https://e.example", "PUT", &["content-type", "x-auth-token"]),
    ("https://d.example", "GET", &[]),
];

/// Our answer in the oracle's words.
fn ours(glance: &GlanceFacts<'_>, asked: (&str, &str, &[&str])) -> Result<Option<BTreeMap<String, String>>, ()> {
    match answer(glance, asked.0, asked.1, asked.2) {
        PreflightAnswer::Unknown => Err(()),
        PreflightAnswer::None => Ok(None),
        PreflightAnswer::Of(None) => Ok(Some(BTreeMap::new())),
        PreflightAnswer::Of(Some(granted)) => {
            let mut headers = BTreeMap::new();
            headers.insert("access-control-allow-origin".to_owned(), granted.origin);
            headers.insert("access-control-allow-methods".to_owned(), granted.method);
            if granted.credentials {
                headers.insert("access-control-allow-credentials".to_owned(), "true".to_owned());
            }
            headers.extend(granted.max_age.map(|age| ("access-control-max-age".to_owned(), age)));
            headers.extend(granted.headers.map(|list| ("access-control-allow-headers".to_owned(), list)));
            Ok(Some(headers))
        }
    }
}

#[test]
fn the_real_filter_agrees_on_every_input() {
    let mut dice = Dice(19);
    let (mut granted, mut refused, mut unknown, mut differ) = (0u64, 0, 0, Vec::new());
    for _ in 0..INPUTS {
        let careful = !dice.one_in(2);
        let mut files: Vec<(&str, String)> = vec![("glance-api.conf", conf(&mut dice, careful))];
        for (name, many) in [("glance.conf", 8), ("glance.conf.d/10.conf", 8), ("glance-api.conf.d/50.conf", 4)] {
            if dice.one_in(many) {
                files.push((name, conf(&mut dice, careful)));
            }
        }
        let paste = paste(&mut dice, careful);
        if paste.contains("cors.conf") && !dice.one_in(5) {
            files.push(("cors.conf", conf(&mut dice, careful)));
        }
        let flavor = if dice.one_in(6) { "" } else { "keystone" };
        if let Some((_, main)) = files.iter_mut().find(|(name, _)| *name == "glance-api.conf") {
            let _ = writeln!(main, "[paste_deploy]\nflavor = {flavor}");
        }
        // What oslo.config refuses has no flavor to read: the file is refused first.
        let on_disk = |name: &str, text: &str| {
            let name = format!("etc/glance/{name}");
            ConfigFile::on_disk(&name, text).map(|file| (name, file))
        };
        let all =
            files.iter().map(|(name, text)| (*name, text.as_str())).chain([("glance-api-paste.ini", paste.as_str())]);
        let mut units = unit::of_files(all.filter_map(|(name, text)| on_disk(name, text)).collect());
        let environment = environment(&mut dice);
        let place = Location::default();
        units[0].environment =
            environment.iter().map(|(name, value)| (name.clone(), value.clone(), place.clone())).collect();
        let glance = GlanceFacts::read(&units[0]);
        let named: BTreeMap<&str, &str> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let requests: Vec<_> = ASKED
            .iter()
            .map(|(origin, method, headers)| json!({"origin": origin, "method": method, "headers": headers}))
            .collect();
        let truth: Truth = ask(&json!({
            "ask": "pipeline", "files": named, "paste": paste, "flavor": flavor, "requests": requests,
            "environment": environment,
        }));
        for (at, asked) in ASKED.into_iter().enumerate() {
            let real = truth.answers.as_ref().map(|answers| answers[at].clone());
            match ours(&glance, asked) {
                Err(()) => unknown += 1,
                Ok(ours) if ours == real => match real {
                    Some(headers) if !headers.is_empty() => granted += 1,
                    _ => refused += 1,
                },
                Ok(ours) => differ.push(format!(
                    "{asked:?}: ours {ours:?}, real {real:?} {:?}\n{named:#?}\n{paste}\n{environment:?}",
                    truth.error
                )),
            }
        }
    }
    let some: Vec<&String> = differ.iter().step_by(differ.len() / 6 + 1).collect();
    assert!(differ.is_empty(), "{} of them, such as\n{some:#?}", differ.len());
    // The inputs show something: about a third are granted, and of hardly any nothing is said.
    assert!(
        granted * 10 > 4 * INPUTS * 3 && refused > 3000 && unknown < 1000,
        "{granted} granted, {refused} refused, {unknown} unknown"
    );
}
