//! `verify` as a program, against a dashboard and a Glance on loopback.

mod cloud;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use super::{PROGRAM, err, out};
use crate::probe::server::{Server, certificates, header};
use cloud::{Cloud, Csrf, Knobs, Login, PASSWORD, Put, TOKEN};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OS_")) {
        command.env_remove(name);
    }
    command.arg("verify").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The arguments that lead to the cloud; the password comes by standard input.
fn arguments(cloud: &Cloud) -> Vec<String> {
    let resolve = |name: &str, port: u16| format!("--resolve={name}.example.com:{port}:127.0.0.1");
    vec![
        format!("--dashboard=http://horizon.example.com:{}", cloud.dashboard),
        resolve("horizon", cloud.dashboard),
        resolve("glance", cloud.glance),
        "--username=demo".to_owned(),
        "--password-file=-".to_owned(),
    ]
}

fn run(cloud: &Cloud, more: &[&str]) -> Output {
    let own = arguments(cloud);
    let own: Vec<_> = own.iter().map(String::as_str).collect();
    let mut child = program(&[&own[..], more].concat()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\nsecond line\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    for secret in [PASSWORD, TOKEN, "csrf-after-login", "session-cookie", "SECRET"] {
        assert!(!out(&output).contains(secret) && !err(&output).contains(secret), "{}{}", out(&output), err(&output));
    }
    output
}

fn json_of(cloud: &Cloud, more: &[&str]) -> (Value, Output) {
    let output = run(cloud, &[&["-o", "json"], more].concat());
    let json = serde_json::from_str(out(&output)).unwrap_or_else(|e| panic!("{e}: {} {}", out(&output), err(&output)));
    (json, output)
}

fn steps(report: &Value) -> Vec<String> {
    let text = |step: &Value| format!("{} {}", step["step"].as_str().unwrap(), step["result"].as_str().unwrap());
    report["steps"].as_array().unwrap().iter().map(text).collect()
}

fn lines(cloud: &Cloud) -> Vec<String> {
    let bare = |line: &str| {
        let uuid = regex::Regex::new("[0-9a-f]{8}-[0-9a-f-]{27}").unwrap();
        uuid.replace_all(line, "ID").into_owned()
    };
    cloud.asked().iter().map(|asked| bare(asked.line())).collect()
}

#[test]
fn a_direct_upload_as_the_angular_panel_sends_it() {
    let cloud = Cloud::start(Knobs::default());
    let (report, output) = json_of(&cloud, &[]);
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""), "{report:#}");
    assert_eq!(
        steps(&report),
        [
            "dashboard passed",
            "login passed",
            "settings passed",
            "panel passed",
            "create passed",
            "policy passed",
            "preflight passed",
            "upload passed",
            "active passed",
            "content passed",
            "delete passed"
        ]
    );
    assert_eq!(
        lines(&cloud),
        [
            "GET /",
            "GET /auth/login/?next=/",
            "POST /auth/login/",
            "GET /api/keystone/user-session/",
            "GET /api/settings/",
            "GET /project/images/",
            "PUT /api/glance/images/",
            "GET /static/dashboard/js/app.js",
            "GET /api/glance/images/ID/",
            "DELETE /api/glance/images/ID/",
            "POST /auth/logout/"
        ]
    );
    assert_eq!(
        (&report["verdict"], &report["mode"], &report["panel"], &report["failure"], &report["leftover"]),
        (&json!("works"), &json!("direct"), &json!("angular"), &Value::Null, &Value::Null)
    );
    assert_eq!(report["identity"], json!({"user": "demo", "domain": "Default", "project": "demo", "region": "One"}));
    assert_eq!(cloud.images(), Vec::<String>::new());
    let [preflight, put] = cloud.glance_asked().try_into().unwrap_or_else(|_| panic!("two requests"));
    assert_eq!(
        header(&preflight.head, "Access-Control-Request-Headers"),
        Some("content-type,x-auth-token,x-csrftoken")
    );
    assert!(header(&preflight.head, "Origin").unwrap().starts_with("http://horizon.example.com:"));
    assert_eq!(put.body.len(), 1 << 20);
    assert_eq!(header(&put.head, "X-CSRFToken"), Some("csrf-after-login"));
    assert_eq!(header(&put.head, "Content-Type"), Some("application/octet-stream"));
    assert_eq!(header(&put.head, "Cookie"), None, "without credentials");
}

#[test]
fn the_json_has_the_documented_fields() {
    let cloud = Cloud::start(Knobs { put: Put::TooLarge, ..Knobs::default() });
    let (report, _) = json_of(&cloud, &[]);
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(
        fields(&report),
        sorted(vec![
            "verdict",
            "dashboard",
            "origin",
            "identity",
            "mode",
            "panel",
            "uploadUrl",
            "bytes",
            "steps",
            "failure",
            "advice",
            "leftover"
        ])
    );
    assert_eq!(fields(&report["failure"]), sorted(vec!["step", "rule", "alsoPossible", "received", "message", "fix"]));
    assert_eq!(fields(&report["steps"][0]), sorted(vec!["step", "result", "message", "milliseconds"]));
}

#[rstest]
#[case::angular(false, "legacy")]
#[case::django(true, "legacy")]
#[case::django_direct(true, "direct")]
fn other_ways_work(#[case] django: bool, #[case] mode: &'static str) {
    let cloud = Cloud::start(Knobs { mode, django, ..Knobs::default() });
    let (report, output) = json_of(&cloud, &["--size", "300001"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!((&report["mode"], &report["panel"]), (&json!(mode), &json!(if django { "django" } else { "angular" })));
    let asked = cloud.glance_asked();
    if mode == "direct" {
        assert_eq!(header(&asked[0].head, "Access-Control-Request-Headers"), Some("content-type,x-auth-token"));
        assert_eq!(asked[1].body.len(), 300_001);
    } else {
        assert!(asked.is_empty(), "the data goes through Horizon");
        assert_eq!(
            steps(&report)[3..],
            ["panel passed", "upload passed", "active passed", "content passed", "delete passed"]
        );
    }
    assert_eq!(cloud.images(), Vec::<String>::new());
}

#[test]
fn text_is_for_people() {
    let cloud = Cloud::start(Knobs { allowed_origin: "https://other.example.com", ..Knobs::default() });
    let output = run(&cloud, &[]);
    assert_eq!((output.status.code(), err(&output)), (Some(1), ""));
    let text = out(&output);
    for part in [
        "broken at preflight: Glance does not allow http://horizon.example.com:",
        "\nok   dashboard   Horizon's login at http://horizon.example.com:",
        "\nok   login       as demo, domain Default, project demo, region One\n",
        "\nok   settings    upload mode direct; the image will be raw\n",
        "\nFAIL preflight   ",
        "\nok   delete      the image is deleted\n",
        "\nbroken at: preflight\n",
        "\nrule:      DU002 (or DU001, DU007, DU012): ",
        "\nfix:       add http://horizon.example.com:",
        "\nadvice:    the dashboard is http",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let cloud = Cloud::start(Knobs::default());
    let output = run(&cloud, &[]);
    assert!(out(&output).starts_with("works: a direct upload of 1048576 bytes through http://horizon.example.com:"));
}

type Change = fn(&mut Knobs);

/// Each way to break: at which step, by which rule, in which words; and nothing is left behind.
#[rstest]
#[case::websso(|k: &mut Knobs| k.login = Login::Websso, "dashboard", None, "only single sign-on")]
#[case::sso_elsewhere(|k: &mut Knobs| k.login = Login::Elsewhere, "dashboard", None, "another site to log in")]
#[case::sso_choices(|k: &mut Knobs| k.login = Login::SsoChoices, "dashboard", None, "only single sign-on")]
#[case::basic(|k: &mut Knobs| k.login = Login::Basic, "dashboard", None, "there is a login in front of the dashboard")]
#[case::not_horizon(|k: &mut Knobs| k.login = Login::NotHorizon, "dashboard", None, "not Horizon's")]
#[case::csrf(|k: &mut Knobs| k.login = Login::CsrfFails, "login", None, "forged requests (CSRF)")]
#[case::totp(|k: &mut Knobs| k.login = Login::Totp, "login", None, "one-time passcode")]
#[case::expired(|k: &mut Knobs| k.login = Login::Expired, "login", None, "password has expired")]
#[case::domain(|k: &mut Knobs| k.login = Login::Choices, "login", None, "refused user name, password or domain")]
#[case::forgets(|k: &mut Knobs| k.login = Login::Forgets, "settings", None, "lost the user's session right after the login")]
#[case::off(|k: &mut Knobs| k.mode = "off", "settings", None, "offers no upload of files")]
#[case::quota(|k: &mut Knobs| k.create = 403, "create", None, "does not let this user create images")]
#[case::django_quota(|k: &mut Knobs| { k.create = 403; k.django = true }, "create", None, "did not accept the form")]
#[case::csp(|k: &mut Knobs| k.csp = "default-src 'self'; img-src *", "policy", Some("DU013"), "does not let its page connect")]
#[case::version(|k: &mut Knobs| k.version = "/v2", "preflight", Some("DU011"), "ends in /v2")]
#[case::origin(|k: &mut Knobs| k.allowed_origin = "http://horizon.example.com", "preflight", Some("DU002"), "does not allow")]
#[case::csrf_header(|k: &mut Knobs| k.allow_headers = &["X-Auth-Token"], "preflight", Some("DU003"), "x-csrftoken")]
#[case::too_large(|k: &mut Knobs| k.put = Put::TooLarge, "upload", Some("DU014"), "a body limit in front of Glance (Server: nginx/1.22)")]
#[case::token(|k: &mut Knobs| k.put = Put::Unauthorized, "upload", None, "does not accept the token")]
#[case::cut(|k: &mut Knobs| k.put = Put::Cut, "upload", Some("DU015"), "cut the connection in the middle")]
#[case::silent(|k: &mut Knobs| k.put = Put::Silent, "upload", Some("DU015"), "hangs: it accepts no more data")]
#[case::unreadable(|k: &mut Knobs| k.put = Put::Unreadable, "upload", Some("DU012"), "the page may not read the answer")]
#[case::never_active(|k: &mut Knobs| k.put = Put::NeverActive, "active", None, "not finished storing")]
#[case::damaged(|k: &mut Knobs| k.put = Put::Damaged, "content", None, "does not contain the data that was sent")]
#[case::legacy_stuck(|k: &mut Knobs| { k.mode = "legacy"; k.put = Put::Stuck }, "active", Some("DU022"), "Glance has no data")]
#[case::legacy_too_large(|k: &mut Knobs| { k.mode = "legacy"; k.create = 413 }, "upload", Some("DU014"), "in front of Horizon")]
fn a_break_is_named(#[case] change: Change, #[case] step: &str, #[case] rule: Option<&str>, #[case] said: &str) {
    let mut knobs = Knobs::default();
    change(&mut knobs);
    let cloud = Cloud::start(knobs);
    // More than is read before the server cuts.
    let size = if matches!(knobs.put, Put::Cut | Put::TooLarge | Put::Silent) { "32MiB" } else { "1MiB" };
    // Only what never comes is waited for in vain: a busy machine may be slow.
    let waits = matches!(knobs.put, Put::Silent | Put::NeverActive | Put::Stuck);
    let (report, output) = json_of(&cloud, &["--size", size, "--timeout", if waits { "3s" } else { "60s" }]);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let failure = &report["failure"];
    assert_eq!((&failure["step"], &failure["rule"]), (&json!(step), &json!(rule)), "{report:#}");
    assert!(failure["message"].as_str().unwrap().contains(said), "{report:#}");
    assert!(!failure["fix"].as_str().unwrap().is_empty() && !failure["received"].as_str().unwrap().is_empty());
    assert_eq!((report["verdict"].as_str(), &report["leftover"]), (Some("broken"), &Value::Null), "{report:#}");
    assert_eq!(cloud.images(), Vec::<String>::new(), "{report:#}");
}

/// What the page's own scripts send decides, as it does in a browser.
#[rstest]
#[case::no_token_in_the_page(Csrf::Absent)]
#[case::stripped_by_the_script(Csrf::Stripped)]
fn an_upload_without_csrf_token_needs_no_such_header(#[case] csrf: Csrf) {
    let cloud = Cloud::start(Knobs { csrf, allow_headers: &["X-Auth-Token"], ..Knobs::default() });
    let (report, output) = json_of(&cloud, &[]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let asked = cloud.glance_asked();
    assert_eq!(header(&asked[0].head, "Access-Control-Request-Headers"), Some("content-type,x-auth-token"));
    assert_eq!(header(&asked[1].head, "X-CSRFToken"), None);
}

#[test]
fn the_other_panels_upload_can_be_sent() {
    let cloud = Cloud::start(Knobs::default());
    let (report, output) = json_of(&cloud, &["--panel", "django"]);
    assert_eq!((output.status.code(), &report["panel"]), (Some(0), &json!("django")), "{report:#}");
    assert_eq!(
        header(&cloud.glance_asked()[0].head, "Access-Control-Request-Headers"),
        Some("content-type,x-auth-token")
    );
    assert!(lines(&cloud).contains(&"PUT /api/glance/images/".to_owned()), "made as the dashboard's own panel does");
}

#[test]
fn a_wrong_password_is_sent_once() {
    let cloud = Cloud::start(Knobs::default());
    let own = arguments(&cloud);
    let own: Vec<_> = own.iter().map(String::as_str).filter(|argument| !argument.starts_with("--password")).collect();
    let output = program(&own).env("OS_PASSWORD", "wrong-Password").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("refused user name, password or domain"), "{}", out(&output));
    assert!(!out(&output).contains("wrong-Password") && !err(&output).contains("wrong-Password"));
    assert_eq!(lines(&cloud).iter().filter(|line| line.starts_with("POST")).count(), 1, "nobody is locked out");
}

#[test]
fn a_region_a_project_and_a_domain() {
    let cloud = Cloud::start(Knobs { login: Login::Choices, ..Knobs::default() });
    let (report, output) = json_of(&cloud, &["--domain=Users", "--project=other", "--region=Two", "--mode=direct"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(report["identity"], json!({"user": "demo", "domain": "Default", "project": "other", "region": "Two"}));
    for (more, said) in [
        (["--domain=Users", "--project=third"], "cannot work in the project \"third\""),
        (["--domain=Users", "--region=Three"], "no region \"Three\""),
    ] {
        let (report, output) = json_of(&cloud, &more);
        assert_eq!((output.status.code(), &report["failure"]["step"]), (Some(1), &json!("login")));
        assert!(report["failure"]["message"].as_str().unwrap().contains(said), "{report:#}");
    }
}

#[test]
fn a_mode_that_was_expected() {
    let cloud = Cloud::start(Knobs { mode: "legacy", ..Knobs::default() });
    let (report, output) = json_of(&cloud, &["--mode", "direct"]);
    assert_eq!((output.status.code(), &report["failure"]["rule"]), (Some(1), &json!("DU016")), "{report:#}");
}

#[test]
fn what_is_left_behind_is_named() {
    let cloud = Cloud::start(Knobs { delete: 403, ..Knobs::default() });
    let (report, output) = json_of(&cloud, &[]);
    assert_eq!((output.status.code(), &report["failure"]["step"]), (Some(1), &json!("delete")), "{report:#}");
    let name = report["leftover"]["name"].as_str().unwrap().to_owned();
    assert_eq!(cloud.images(), [name]);
    let output = run(&cloud, &[]);
    assert!(out(&output).contains("\nleft:      image direct-upload-verify-"), "{}", out(&output));

    let cloud = Cloud::start(Knobs::default());
    let (report, output) = json_of(&cloud, &["--keep"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(cloud.images(), [report["leftover"]["name"].as_str().unwrap()]);
    assert!(steps(&report).contains(&"delete skipped".to_owned()));
}

#[test]
fn an_interrupted_upload_is_cleaned_up() {
    let cloud = Cloud::start(Knobs { put: Put::Silent, ..Knobs::default() });
    let own = arguments(&cloud);
    let own: Vec<_> = own.iter().map(String::as_str).collect();
    let mut child = program(&[&own[..], &["--size=64MiB", "--timeout=60s"]].concat()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    for _ in 0..400 {
        if cloud.glance_asked().len() == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).starts_with("broken at upload: interrupted"), "{}", out(&output));
    assert_eq!(cloud.images(), Vec::<String>::new());
}

#[rstest]
#[case::nothing(&[], "--dashboard")]
#[case::no_user(&["--dashboard=https://h.example"], "--username")]
#[case::no_password(&["--dashboard=https://h.example", "--username=demo"], "OS_PASSWORD")]
#[case::password_on_the_line(&["--dashboard=https://h.example", "--username=demo", "--password=x"], "unexpected argument")]
#[case::no_url(&["--dashboard=horizon", "--username=demo"], "--dashboard")]
#[case::panel(&["--dashboard=https://h.example", "--username=demo", "--panel=unknown"], "angular or django")]
#[case::mode(&["--dashboard=https://h.example", "--username=demo", "--mode=off"], "direct or legacy")]
fn wrong_usage_is_2(#[case] arguments: &[&str], #[case] said: &str) {
    let output = program(arguments).output().unwrap();
    assert_eq!((output.status.code(), out(&output)), (Some(2), ""), "{}", err(&output));
    assert!(err(&output).contains(said), "{}", err(&output));
}

#[test]
fn a_password_file_that_is_none_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty").display().to_string();
    std::fs::write(&empty, "\n").unwrap();
    for file in ["/nonexistent", &empty] {
        let output =
            program(&["--dashboard=https://h.example", "--username=demo", "--password-file", file]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).starts_with(&format!("error: --password-file {file}: ")), "{}", err(&output));
    }
}

#[test]
fn a_dashboard_by_https_needs_a_certificate_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), "horizon.example.com", "1");
    let server = Server::secure(folder.path(), |_| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let resolve = format!("--resolve=horizon.example.com:{}:127.0.0.1", server.port);
    let dashboard = format!("--dashboard=https://horizon.example.com:{}", server.port);
    let own = [dashboard.as_str(), &resolve, "--username=demo"];
    let output = program(&own).env("OS_PASSWORD", "x").output().unwrap();
    assert!(
        out(&output).starts_with("broken at dashboard: the certificate of horizon.example.com:"),
        "{}",
        out(&output)
    );
    let ca = format!("--ca={}", folder.path().join("ca.pem").display());
    let output = program(&[&own[..], &[ca.as_str()]].concat()).env("OS_PASSWORD", "x").output().unwrap();
    assert!(out(&output).starts_with("broken at dashboard: no Horizon is there"), "{}", out(&output));
}
