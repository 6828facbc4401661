//! What starts Glance, and with which variables: systemd's units and the environment of containers.

use direct_upload_check::Verdict;
use rstest::rstest;

use super::verdict::{CONF, GLANCE, HORIZON, SETTINGS, report};

const UNIT: &str = "etc/systemd/system/glance-api.service";
const DROP_IN: &str = "etc/systemd/system/glance-api.service.d/own.conf";
const PLAIN: &str = "[Service]\nExecStart=/usr/bin/glance-api --config-file /etc/glance/glance-api.conf\n";
const LIMITED: &str = "[Service]\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini --harakiri 10\n";
const OTHER: &str = "OS_CORS__ALLOWED_ORIGIN=https://other.example\n";

/// An empty value takes back what was set before, and a drop-in file comes after its unit.
#[rstest]
#[case::limited(&[(UNIT, LIMITED)], Verdict::Fails)]
#[case::in_one_word(&[(UNIT, "[Service]\nExecStart=/usr/bin/uwsgi --ini=/etc/glance/u.ini --harakiri=10\n")], Verdict::Fails)]
#[case::short(&[(UNIT, "[Service]\nExecStart=/usr/bin/uwsgi_python3 /etc/glance/u.ini -t 10\n")], Verdict::Fails)]
#[case::in_a_shell(&[(UNIT, "[Service]\nExecStart=/bin/sh -c \"exec uwsgi --ini /etc/glance/u.ini --harakiri 10\"\n")], Verdict::Fails)]
#[case::computed(&[(UNIT, "[Service]\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini --harakiri ${LONGEST}\n")], Verdict::Incomplete)]
#[case::a_route(&[(UNIT, "[Service]\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini --route-run break:503\n")], Verdict::Incomplete)]
#[case::another_program(&[(UNIT, "[Service]\nExecStart=/usr/bin/glance-api --harakiri 10\n")], Verdict::Fine)]
#[case::without_a_file(&[(UNIT, "[Service]\nExecStart=/usr/bin/uwsgi --http-socket 127.0.0.1:9292 --module glance.wsgi.api --limit-post 10\n")], Verdict::Fails)]
#[case::reset(&[(DROP_IN, "[Service]\nExecStart=\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini\n"), (UNIT, LIMITED)], Verdict::Fine)]
#[case::of_another(&[("etc/systemd/system/glance-registry.service.d/own.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini\n"), (UNIT, LIMITED)], Verdict::Fails)]
#[case::variable(&[(UNIT, "[Service]\nEnvironment=UWSGI_HARAKIRI=10\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini\n")], Verdict::Fails)]
#[case::harmless(&[(UNIT, "[Service]\nEnvironment=UWSGI_THREADS=10\nExecStart=/usr/bin/uwsgi --ini /etc/glance/u.ini\n")], Verdict::Fine)]
fn the_command_of_a_unit(#[case] units: &[(&str, &str)], #[case] verdict: Verdict) {
    let ini = "[uwsgi]\nhttp-socket = 127.0.0.1:9292\nmodule = glance.wsgi.api\nsocket-timeout = 600\n";
    let mut files = vec![CONF, SETTINGS, HORIZON, GLANCE, ("etc/glance/u.ini", ini)];
    files.extend(units);
    let report = report(&files);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// `EnvironmentFile=`.
#[rstest]
#[case::there("EnvironmentFile=-/etc/default/glance-api", Some(OTHER), Verdict::Fails)]
#[case::a_comment(
    "EnvironmentFile=/etc/default/glance-api",
    Some("# OS_CORS__ALLOWED_ORIGIN=https://other.example\n"),
    Verdict::Fine
)]
#[case::missing("EnvironmentFile=/etc/default/glance-api", None, Verdict::Incomplete)]
#[case::optional("EnvironmentFile=-/etc/default/glance-api", None, Verdict::Fine)]
#[case::not_named("", Some(OTHER), Verdict::Fine)]
fn the_file_with_variables_of_a_unit(#[case] line: &str, #[case] text: Option<&str>, #[case] verdict: Verdict) {
    let unit = PLAIN.replace("[Service]\n", &format!("[Service]\n{line}\n"));
    let mut files = vec![CONF, SETTINGS, HORIZON, GLANCE, (UNIT, unit.as_str())];
    files.extend(text.map(|text| ("etc/default/glance-api", text)));
    let report = report(&files);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// What a file of uWSGI includes counts where the line is, and the last value of an option.
#[rstest]
#[case::a_limit("ini = /etc/glance/limits.ini", "[uwsgi]\nlimit-post = 10\n", Verdict::Fails)]
#[case::include("include = /etc/glance/limits.ini", "[uwsgi]\nlimit-post = 10\n", Verdict::Fails)]
#[case::a_section("ini = /etc/glance/limits.ini:small", "[uwsgi]\n[small]\nlimit-post = 10\n", Verdict::Fails)]
#[case::another_section(
    "ini = /etc/glance/limits.ini",
    "[small]\nlimit-post = 10\n[uwsgi]\nprocesses = 2\n",
    Verdict::Fine
)]
#[case::lifted("ini = /etc/glance/limits.ini\nlimit-post = 0", "[uwsgi]\nlimit-post = 10\n", Verdict::Fine)]
#[case::set_again("limit-post = 0\nini = /etc/glance/limits.ini", "[uwsgi]\nlimit-post = 10\n", Verdict::Fails)]
#[case::inherited("inherit = /etc/glance/limits.ini", "[uwsgi]\nlimit-post = 10\n", Verdict::Incomplete)]
#[case::itself("ini = /etc/glance/u.ini", "[uwsgi]\n", Verdict::Incomplete)]
fn what_uwsgi_includes(#[case] line: &str, #[case] limits: &str, #[case] verdict: Verdict) {
    let ini =
        format!("[uwsgi]\nhttp-socket = 127.0.0.1:9292\nmodule = glance.wsgi.api\nsocket-timeout = 600\n{line}\n");
    let files = [CONF, SETTINGS, HORIZON, GLANCE, ("etc/glance/limits.ini", limits), ("etc/glance/u.ini", &ini)];
    let report = report(&files);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}
