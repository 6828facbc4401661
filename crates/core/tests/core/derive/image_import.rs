//! Imports and an internal API: what `render` leaves behind.

use direct_upload_api::Reason;
use direct_upload_core::simulate;
use test_support::manifests::{
    cloud, deployment, end, fed_back, glance, horizon, is_direct, join, origins, printed, render, sample,
};

const REQUIRED: &str =
    "{imageImport: {required: true, conversion: {outputFormat: Raw}, staging: {path: /s}, workerSelfReference: {}}}";

/// Both workloads get what is theirs, and nothing is left to do afterwards.
#[test]
fn the_sample_gives_both_workloads_what_is_theirs() {
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

/// DU021 as the resource's reason.
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

/// A fault of the internal API is reported, and the public one continues.
#[test]
fn an_internal_api_that_is_not_there_holds_nothing_up() {
    let spec = "{apis: {internal: {workloadRef: {name: nowhere}}}}";
    let outcome = render(&join(&[&cloud(), &glance(spec), &horizon("{}")]));
    let (met, reason, message) = end(&outcome, "Glance openstack/glance");
    assert_eq!((met, reason), (false, Reason::WorkloadNotFound));
    assert!(message.starts_with("spec.apis.internal: "), "{message}");
    assert!(is_direct(&outcome, "openstack/horizon"));
}
