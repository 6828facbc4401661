//! The table of answers (tests/cases/preflight), each given to the judge.

use std::collections::BTreeMap;

use direct_upload_api::Panel;
use direct_upload_core::judge::judge;
use test_support::preflight::{Case, each, same, table, upload_of};

#[test]
fn the_judge_decides_as_the_table_says() {
    let cases = table();
    assert!(cases.len() > 300, "{} cases", cases.len());
    assert!(cases.values().filter(|case| case.django.is_some()).count() > 30, "both panels are in it");
    for panel in Panel::ALL {
        judge_decides(&cases, panel);
    }
}

fn judge_decides(cases: &BTreeMap<String, Case>, panel: Panel) {
    each(panel, cases, |_, case| {
        let Some(answer) = case.answer() else { return Ok(()) };
        let expected = case.expected(panel);
        let verdict = judge(&upload_of(panel, "https://glance.example.com"), &answer);
        let advised: Vec<_> = verdict.advice.iter().map(|advice| advice.rule.map(|rule| rule.to_string())).collect();
        let granted = verdict.granted();
        expected.failure_as_expected(verdict.failure.as_ref())?;
        if granted && panel == Panel::Angular { same(&case.advice, &advised) } else { Ok(()) }
    });
}
