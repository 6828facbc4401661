//! The Job of a rehearsal, made of the workload as it is now.

use direct_upload_core::plan::Action;
use direct_upload_core::workload::rehearsal::{NoJob, RehearsalDraft, job};
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{cloud, glance, horizon, join, read, render};

/// What is planned for a workload, and the workload.
fn planned(kind: &str) -> (RehearsalDraft, Value) {
    let outcome = render(&join(&[&cloud(), &glance("{}"), &horizon("{}")]));
    let draft = outcome.steps.iter().find_map(|taken| match &taken.step.action {
        Action::Rehearse(draft) if taken.resource.kind.name() == kind && draft.mount.is_some() => {
            Some((**draft).clone())
        }
        _ => None,
    });
    let draft = draft.unwrap();
    let name = &draft.workload.meta.key.name;
    let found = read(&cloud()).manifests.into_iter().map(|manifest| manifest.object);
    let mut workload =
        found.into_iter().find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == **name).unwrap();
    workload["metadata"]["uid"] = json!(draft.workload.meta.uid);
    (draft, workload)
}

/// Another pod template, or another workload of the same name, needs another plan.
#[rstest]
#[case::as_planned("", json!(null), true)]
#[case::another_image("/spec/template/spec/containers/0/image", json!("other"), false)]
#[case::another_workload("/metadata/uid", json!("other"), false)]
#[case::other_replicas("/spec/replicas", json!(7), true)]
fn a_job_is_made_only_of_the_workload_that_was_planned_for(
    #[values("Glance", "Horizon")] kind: &str,
    #[case] field: &str,
    #[case] value: Value,
    #[case] made: bool,
) {
    let (draft, mut workload) = planned(kind);
    if let Some(field) = workload.pointer_mut(field).filter(|_| !field.is_empty()) {
        *field = value;
    }
    let job = job(&draft, &workload);
    assert_eq!(job.is_ok(), made, "{job:?}");
    assert!(made || matches!(job, Err(NoJob::Drifted)));
    let Ok(job) = job else { return };
    let pod = &job["spec"]["template"]["spec"];
    let ours = draft.mount.as_ref().unwrap().config_map.as_str();
    let volumes = pod["volumes"].as_array().unwrap();
    assert!(volumes.iter().any(|volume| volume["configMap"]["name"] == ours), "{pod}");
    let images =
        |pod: &Value| pod["containers"].as_array().unwrap().iter().map(|c| c["image"].clone()).collect::<Vec<_>>();
    assert_eq!(images(pod), images(&workload["spec"]["template"]["spec"])[..1]);
}
