//! Imports and an internal API, offline: what `render` leaves behind and what `check` says of it.

use direct_upload_api::Reason;
use direct_upload_check as check;
use direct_upload_check::Text;
use direct_upload_core::simulate;

use crate::offline::{
    cloud, deployment, end, fed_back, glance, horizon, is_direct, join, origins, printed, render, sample,
};

const REQUIRED: &str =
    "{imageImport: {required: true, conversion: {outputFormat: Raw}, staging: {path: /s}, workerSelfReference: {}}}";

/// Both workloads get what is theirs, and nothing is left to do afterwards.
#[test]
fn the_sample() {
    let yaml = join(&[&cloud(), &deployment("openstack", "glance-internal"), &sample("import/split-apis.yaml")]);
    let outcome = render(&yaml);
    assert_eq!(end(&outcome, "Glance openstack/glance").1, Reason::RolledOut);
    let files = simulate::rendered_files(&outcome);
    let told: Vec<_> = files.iter().map(|(id, name, text)| format!("== {id} {name}\n{text}")).collect();
    insta::assert_snapshot!(told.concat());
    assert_eq!(origins(&outcome, "openstack/glance"), Vec::<String>::new());
    let again = render(&fed_back(&yaml, &outcome));
    assert_eq!(again.steps, vec![], "rendered once more");
    assert_eq!(printed(&again).matches("DIRECT_UPLOAD_POD_IP").count(), 4, "two names and two uses");
}

/// DU021 in both worlds: the resource's reason, and the finding of a check.
#[test]
fn where_every_image_must_pass_nothing_goes_round() {
    let yaml = join(&[&cloud(), &glance(REQUIRED), &horizon("{}")]);
    let outcome = render(&yaml);
    let (met, reason, message) = end(&outcome, "Horizon openstack/horizon");
    assert_eq!((met, reason), (false, Reason::ImportRequired));
    assert!(message.starts_with("DU021: "), "{message}");
    assert!(!is_direct(&outcome, "openstack/horizon"));
    let refused =
        simulate::rendered_files(&outcome).iter().any(|(_, _, text)| text.contains("\"upload_image\": \"!\""));
    assert!(refused);

    let found = |yaml: &str| -> Vec<String> {
        let text = Text { name: "cloud.yaml".into(), text: yaml.to_owned(), named: true };
        let (input, errors) = check::manifests::sort(vec![text], None);
        assert!(errors.is_empty(), "{errors:?}");
        check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect()
    };
    assert!(found(&yaml).contains(&"error DU021".to_owned()), "{:?}", found(&yaml));
    let off = join(&[&cloud(), &glance(REQUIRED), &horizon("{directUpload: {enabled: false}}")]);
    assert!(!found(&off).iter().any(|f| f.ends_with("DU021")), "{:?}", found(&off));
    let optional = join(&[&cloud(), &glance(&REQUIRED.replace("true", "false")), &horizon("{}")]);
    assert!(found(&optional).contains(&"warning DU021".to_owned()), "{:?}", found(&optional));
}

/// A policy of the user's own that refuses uploads is the same demand.
#[test]
fn a_rule_that_refuses_uploads_is_the_same() {
    let rule = glance("{apis: {public: {policy: {upload_image: '!'}}}}");
    let outcome = render(&join(&[&cloud(), &rule, &horizon("{}")]));
    assert_eq!(end(&outcome, "Horizon openstack/horizon").1, Reason::ImportRequired);
    let milder = glance("{apis: {public: {policy: {upload_image: 'role:member'}}}}");
    assert!(is_direct(&render(&join(&[&cloud(), &milder, &horizon("{}")])), "openstack/horizon"));
}

/// The internal API's trouble is told, and the public one goes on.
#[test]
fn the_internal_api_is_not_there() {
    let spec = "{apis: {internal: {workloadRef: {name: nowhere}}}}";
    let outcome = render(&join(&[&cloud(), &glance(spec), &horizon("{}")]));
    let (met, reason, message) = end(&outcome, "Glance openstack/glance");
    assert_eq!((met, reason), (false, Reason::WorkloadNotFound));
    assert!(message.starts_with("spec.apis.internal: "), "{message}");
    assert!(is_direct(&outcome, "openstack/horizon"));
}
