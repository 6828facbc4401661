//! The table of answers (tests/cases/preflight), each given to the probe over a socket.

use std::collections::BTreeMap;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::{Decision, PreflightReport};
use direct_upload_operator::probe::{Depth, Gate, Host, Probe, Trust, probe};
use test_support::preflight::{ORIGIN, contains, each, same, table};

use crate::probe::server::{Server, certificates};

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
    for panel in [Panel::Angular, Panel::Django] {
        each(panel, &cases, |name, case| {
            let expected = case.expected(panel);
            let url = format!("https://glance.example.com:{}/{name}", server.port);
            let observed = runtime.block_on(probe(&Probe {
                origin: Origin::parse(ORIGIN).unwrap(),
                endpoint: Endpoint::parse(&url).unwrap(),
                panel,
                hosts: vec![host.clone()],
                trust: trust.clone(),
                gate: Gate::default(),
                uploads: None,
                page: None,
                address_spaces: false,
                depth: Depth::Checks,
            }));
            let report = PreflightReport::new(observed);
            let unreachable = report.unreachable.as_ref();
            let told = serde_json::to_string(&report).map_err(|e| e.to_string())?;
            same(&told.contains("secret"), &false)?;
            let kind = unreachable.and_then(|why| serde_json::to_value(why.kind).ok());
            same(&serde_json::json!(case.unknown), &kind.unwrap_or_default())
                .map_err(|e| format!("{e}: {unreachable:?}, {:?}", report.failure))?;
            if let Some(why) = unreachable {
                return contains(&why.message, expected.said.as_ref());
            }
            same(&(report.verdict == Decision::Granted), &expected.rule.is_none())?;
            expected.failure_as_expected(report.failure.as_ref())
        });
    }
}
