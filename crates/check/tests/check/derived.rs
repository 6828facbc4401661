//! What `check` says about custom resources, and about the files that the operator writes for them.

use direct_upload_check as check;
use direct_upload_check::Text;
use direct_upload_core::openstack::Release;
use direct_upload_core::simulate::rendered_files;
use rstest::rstest;
use test_support::manifests::{cloud, deployment, glance, horizon, join, render};

/// A Glance whose default store is Swift, with an account of each project.
const OWN: &str = "[DEFAULT]\nenabled_backends = tenants:swift\n[glance_store]\ndefault_backend = tenants\n\
                   [tenants]\nswift_store_multi_tenant = True\nswift_store_container = glance\n";

const REQUIRED: &str =
    "{imageImport: {required: true, conversion: {outputFormat: Raw}, staging: {path: /s}, workerSelfReference: {}}}";

/// DU021 as the finding of a check.
#[test]
fn where_every_image_must_pass_a_direct_upload_is_found() {
    let yaml = join(&[&cloud(), &glance(REQUIRED), &horizon("{}")]);
    let found = |yaml: &str| -> Vec<String> {
        let text = Text { name: "cloud.yaml".into(), text: yaml.to_owned(), named: true };
        let (input, errors) = check::manifests::sort(vec![text], None, jiff::Timestamp::UNIX_EPOCH);
        assert!(errors.is_empty(), "{errors:?}");
        check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect()
    };
    assert!(found(&yaml).contains(&"error DU021".to_owned()), "{:?}", found(&yaml));
    let off = join(&[&cloud(), &glance(REQUIRED), &horizon("{directUpload: {enabled: false}}")]);
    assert!(!found(&off).iter().any(|f| f.ends_with("DU021")), "{:?}", found(&off));
    let optional = join(&[&cloud(), &glance(&REQUIRED.replace("true", "false")), &horizon("{}")]);
    assert!(found(&optional).contains(&"warning DU021".to_owned()), "{:?}", found(&optional));
}

/// DU019 falls silent with our file where Glance reads it, and only there.
#[rstest]
#[case::there("etc/glance/glance.conf.d/zz-direct-upload-glance.conf", 0)]
#[case::not_there("etc/glance/elsewhere/zz-direct-upload-glance.conf", 1)]
fn check_understands_our_file(#[case] path: &str, #[case] expected: usize) {
    let spec = "{swift: [{store: tenants, tenancy: MultiTenant}]}";
    let outcome = render(&join(&[&glance(spec), &deployment("openstack", "glance")]));
    let rendered = rendered_files(&outcome);
    let [(_, "zz-direct-upload-glance.conf", ours)] = rendered.as_slice() else { panic!("{rendered:#?}") };
    let files = [("etc/glance/glance-api.conf", OWN), (path, *ours)];
    let texts = files.map(|(name, text)| Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, _) =
        check::manifests::sort(texts, Some("2026.1".parse::<Release>().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    let found = check::check(input).findings.into_iter().filter(|f| f.rule.to_string() == "DU019").count();
    assert_eq!(found, expected);
}
