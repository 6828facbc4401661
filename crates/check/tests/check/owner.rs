//! Where advice says that a fix is written.

use direct_upload_api::Rule;
use direct_upload_check::finding::OptionName;
use direct_upload_check::{Finding, Text, check, manifests};

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let release = Some("2025.1".parse().unwrap());
    let (input, errors) = manifests::sort(files.iter().map(text).collect(), release, jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    check(input).findings
}

/// A Helm value is its own place, wherever the variables with it are.
#[test]
fn helm_values_are_their_own_place() {
    let values = "glance_helm_values:\n  conf:\n    glance:\n      cors:\n        allowed_origin: https://d.example/\n";
    let findings = findings(&[("inventory/kolla/glance.yml", values)]);
    let finding = findings.iter().find(|finding| finding.rule == Rule::OriginForm).unwrap();
    assert_eq!(finding.fix, "write https://d.example");
}

/// The option that the fix sets decides, also if the finding is at another one.
#[test]
fn a_fix_is_written_where_its_own_option_is() {
    let conf = "[cors]\nallowed_origin = https://d.example\n";
    let files = [
        ("etc/kolla/glance-api/glance-api.conf", conf),
        ("etc/kolla/horizon/local_settings.py", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nCSRF_COOKIE_HTTPONLY = True\n"),
    ];
    let findings = findings(&files);
    let finding = findings.iter().find(|finding| finding.rule == Rule::HeaderMissing).unwrap();
    assert_eq!(finding.place.field, Some(OptionName::in_section("cors", "allowed_origin").into()));
    let place =
        "[cors] allow_headers in /etc/kolla/config/glance/glance-api.conf, then kolla-ansible reconfigure -t glance";
    assert!(finding.fix.ends_with(&format!(" (where: {place})")), "{}", finding.fix);
}
