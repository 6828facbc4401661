//! Traefik's files: its routers are in front of Glance and the dashboard like any other server.

use direct_upload_check as check;
use rstest::rstest;

use super::{CONF, GOOD, SETTINGS};

const ENTRY_POINTS: &str = "entryPoints:\n  web: {address: ':80', transport: {respondingTimeouts: {readTimeout: 0}}}\n  websecure: {address: ':443', transport: {respondingTimeouts: {readTimeout: 0}}}\n";

const SERVICES: &str = "  services:\n    glance: {loadBalancer: {servers: [{url: 'http://192.0.2.1:9292'}]}}\n    horizon: {loadBalancer: {servers: [{url: 'http://192.0.2.1:80'}]}}\n    images: {weighted: {services: [{name: glance, weight: 1}]}}\n";

fn report(entry_points: &str, routers: &str, origin: &str) -> check::Report {
    let text = format!("http:\n  routers:\n{routers}{SERVICES}");
    let conf = GOOD.replace("https://d.example", origin);
    let settings = "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let files = [
        ("etc/traefik/traefik.yml", entry_points),
        ("etc/traefik/dynamic/cloud.yml", text.as_str()),
        (SETTINGS, settings),
        (CONF, conf.as_str()),
    ];
    crate::reports::report(&files)
}

fn routers(glance: &str, horizon: &str) -> String {
    format!("    one: {{{glance}}}\n    two: {{{horizon}}}\n")
}

const SECURE: &str = "entryPoints: [websecure], tls: {}";

#[rstest]
#[case::by_services(
    "rule: 'Host(`i.example`)', service: glance",
    "rule: 'Host(`d.example`)', service: horizon",
    SECURE
)]
#[case::by_a_weighted_service(
    "rule: 'Host(`i.example`)', service: images",
    "rule: 'Host(`d.example`)', service: horizon@file",
    SECURE
)]
#[case::of_several_hosts(
    "rule: 'Host(`i.example`) || Host(`j.example`)', service: glance",
    "rule: 'Host(`d.example`)', service: horizon",
    SECURE
)]
#[case::on_one_host(
    "rule: 'Host(`d.example`) && PathPrefix(`/v2`)', service: glance",
    "rule: 'Host(`d.example`)', service: horizon",
    SECURE
)]
#[case::with_a_resolver(
    "rule: 'Host(`i.example`)', service: glance",
    "rule: 'Host(`d.example`)', service: horizon",
    "entryPoints: [websecure], tls: {certResolver: le}"
)]
fn routers_show_how_browsers_come(#[case] glance: &str, #[case] horizon: &str, #[case] both: &str) {
    let routers = routers(&format!("{glance}, {both}"), &format!("{horizon}, {both}"));
    let report = report(ENTRY_POINTS, &routers, "https://d.example");
    assert_eq!((report.verdict(), &report.unseen), (check::Verdict::Fine, &vec![]), "{report:#?}");
}

#[test]
fn an_entry_point_may_end_tls_for_all_its_routers() {
    let entry_points = ENTRY_POINTS
        .replace("':443', ", "':443', http: {tls: {}}, ")
        .replace("':80', ", "':80', http: {redirections: {entryPoint: {to: websecure}}}, ");
    let routers = routers("rule: 'Host(`i.example`)', service: glance", "rule: 'Host(`d.example`)', service: horizon");
    let report = report(&entry_points, &routers, "https://d.example");
    assert_eq!((report.verdict(), &report.unseen), (check::Verdict::Fine, &vec![]), "{report:#?}");
}

/// Hosts, ports and TLS count as those of other servers do.
#[rstest]
#[case::another_host("https://e.example", ENTRY_POINTS, SECURE, "DU002")]
#[case::another_port("https://d.example", &ENTRY_POINTS.replace(":443", ":8443"), SECURE, "DU002")]
#[case::glance_without_tls("https://d.example", ENTRY_POINTS, "entryPoints: [web]", "DU009")]
fn what_routers_show_is_compared(
    #[case] origin: &str,
    #[case] entry_points: &str,
    #[case] of_glance: &str,
    #[case] rule: &str,
) {
    let glance = format!("rule: 'Host(`i.example`)', service: glance, {of_glance}");
    let routers = routers(&glance, &format!("rule: 'Host(`d.example`)', service: horizon, {SECURE}"));
    let report = report(entry_points, &routers, origin);
    let is_told = report.findings.iter().any(|found| found.rule.to_string().contains(rule))
        || report.unseen.iter().any(|what| what.contains(origin));
    assert!(is_told, "{report:#?}");
}

#[test]
fn traefiks_own_dashboard_is_not_the_dashboard() {
    let routers =
        routers("rule: 'Host(`i.example`)', service: glance", "rule: 'Host(`t.example`)', service: api@internal");
    let report = report(ENTRY_POINTS, &routers, "https://d.example");
    let what = "how browsers reach the dashboard: the input has no web server, proxy or route in front of it";
    assert!(report.unseen.contains(&what.to_owned()), "{report:#?}");
}
