//! The rules, and their entries in the runbook.

use direct_upload_api::Rule;

#[test]
fn ids_are_in_order_and_each_has_its_entry() {
    assert!(Rule::ALL.windows(2).all(|pair| pair[0].id() < pair[1].id()), "a number is used once, in order");
    for rule in Rule::ALL {
        assert!(rule.id().len() == 5 && rule.id().starts_with("DU0"), "{rule}");
        assert_eq!(rule.id().parse(), Ok(*rule));
        let heading = format!("# {rule}: {}\n", rule.title());
        assert!(rule.runbook().starts_with(&heading), "docs/runbook/{rule}.md must begin with {heading:?}");
        assert!(!rule.runbook().contains("<!--"), "comments are not for readers");
    }
}
