//! Smaller requests show which part of a preflight Glance's filter refuses: which are asked, and what follows.

use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::{Response, diagnose, judge};
use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use test_support::preflight::{ORIGIN, upload_of};

/// As OpenStack's documentation writes them.
const WRITTEN: [&str; 3] = ["Content-Type", "X-Auth-Token", "X-CSRFToken"];

/// Only what a filter answers without a grant hides which part it refuses. A browser sends no preflight to its own origin.
#[rstest]
#[case::refused("https://glance.example.com", 200, &[], true)]
#[case::granted("https://glance.example.com", 200, &[("Access-Control-Allow-Origin", ORIGIN)], false)]
#[case::no_answer_of_the_filter("https://glance.example.com", 401, &[], false)]
#[case::same_origin(ORIGIN, 200, &[], false)]
fn more_requests_tell_more_about_an_answer_without_a_grant(
    #[case] url: &str,
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
    #[case] asks: bool,
) {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let asked = upload_of(Panel::Angular, url);
    assert_eq!(diagnose::is_worth_asking(&asked, &Response { status, headers }), asks);
}

proptest! {
    /// The fix names all that is missing, and nothing that is granted.
    #[test]
    fn the_fix_names_what_is_missing(
        panel in select(vec![Panel::Angular, Panel::Django]),
        origin: bool,
        method: bool,
        names in [any::<bool>(); 3],
        by_glance: bool,
    ) {
        let asked = upload_of(panel, "https://glance.example.com");
        let headers = if by_glance { vec![] } else { vec![("Content-Type".to_owned(), "text/html".to_owned())] };
        let answer = Response { status: 200, headers };
        let failure = judge(&asked, &answer).failure.unwrap();
        let names = &names[..asked.headers().len()];
        prop_assert_eq!(diagnose::questions(&asked).len(), 2 + names.len());
        let granted = [&[origin, method], names].concat();
        let found = diagnose::conclude(&asked, &answer, &failure, &granted);

        let expected = match (method, origin) {
            (true, _) if names.iter().all(|granted| *granted) => None,
            (true, _) => Some(Rule::HeaderMissing),
            (false, true) => Some(Rule::MethodMissing),
            (false, false) => by_glance.then_some(Rule::OriginMissing),
        };
        prop_assert_eq!(found.as_ref().map(|found| found.rule), expected);
        let Some(found) = found else { return Ok(()) };
        let in_fix = |what: &str| found.fix.contains(what);
        let missing = |rule: Rule| expected == Some(rule);
        prop_assert_eq!(in_fix(ORIGIN), missing(Rule::OriginMissing), "{}", found.fix);
        prop_assert_eq!(in_fix("add PUT"), missing(Rule::MethodMissing), "{}", found.fix);
        for (sent, granted) in asked.headers().iter().zip(names) {
            let written = WRITTEN.iter().find(|written| written.eq_ignore_ascii_case(sent)).unwrap();
            prop_assert_eq!(in_fix(written), missing(Rule::HeaderMissing) && !granted, "{}", found.fix);
        }
        prop_assert!(found.message.contains(ORIGIN), "{}", found.message);
        prop_assert_eq!(found.also.contains(&Rule::CorsOnTheWay), !by_glance || missing(Rule::OriginMissing));
        // Another number of answers says nothing.
        prop_assert!(diagnose::conclude(&asked, &answer, &failure, &granted[1..]).is_none());
    }
}
