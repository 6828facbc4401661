//! The table of answers (tests/cases/preflight), each given to the judge.

use direct_upload_core::judge::judge;
use test_support::preflight::{each, same, table, upload};

#[test]
fn the_judge_decides_as_the_table_says() {
    let cases = table();
    assert!(cases.len() > 300, "{} cases", cases.len());
    each(&cases, |_, case| {
        let Some(answer) = case.answer() else { return Ok(()) };
        let asked = upload("https://glance.example.com");
        let verdict = judge(&asked, &answer);
        let advised: Vec<_> = verdict.advice.iter().map(|advice| advice.rule.map(|rule| rule.to_string())).collect();
        let granted = verdict.granted();
        case.failure_as_expected(verdict.failure.map(Into::into).as_ref())?;
        if granted { same(&case.advice, &advised) } else { Ok(()) }
    });
}
