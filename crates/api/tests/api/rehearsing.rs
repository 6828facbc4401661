//! `spec.rollout.rehearsal`, however it is spelled.

use direct_upload_api::Rehearsing;
use rstest::rstest;
use serde_json::json;

#[rstest]
#[case(json!("Required"), Rehearsing::Required)]
#[case(json!("Off"), Rehearsing::Off)]
#[case(json!(false), Rehearsing::Off)]
#[case(json!(true), Rehearsing::Required)]
fn every_spelling(#[case] written: serde_json::Value, #[case] read: Rehearsing) {
    assert_eq!(serde_json::from_value::<Rehearsing>(written).unwrap(), read);
}

#[test]
fn other_words_are_refused() {
    assert!(serde_json::from_value::<Rehearsing>(json!("off")).unwrap_err().to_string().contains("Required"));
}
