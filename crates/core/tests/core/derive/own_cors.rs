//! What the user's own files say in `[cors]` is repeated in ours, also from Secrets: a Job of Glance's own image reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use direct_upload_api::{CorsKey, CorsOption, CorsValue, Reason};
use direct_upload_core::derive::{GlanceView, World};
use direct_upload_core::model::{Answers, Job, Key, Meta, Pod, Snapshot, Volume, VolumeMount, VolumeSource, Workload};
use direct_upload_core::plan::{self, Action, Options};
use direct_upload_core::workload::annotations;
use rstest::rstest;
use test_support::manifests::{cloud, glance, horizon, join, read};

const OWN: &str = "https://old.example.com";
const MAIN: &str = "/etc/glance/glance-api.conf";

/// A pair whose Glance has its main file in a Secret, as openstack-helm does.
fn snapshot(spec: &str) -> Snapshot {
    let snapshot = read(&join(&[&cloud(), &glance(spec), &horizon("{}")])).snapshot;
    let mut snapshot = Snapshot { answers: Answers::Given(Arc::default()), ..snapshot };
    edit(&mut snapshot, |workload| {
        workload
            .template
            .volumes
            .push(Volume { name: "etc".into(), source: VolumeSource::Secret("glance-etc".into()) });
        let mount = mounted("etc", MAIN, "glance-api.conf");
        Arc::make_mut(&mut workload.template.containers[0]).mounts.push(mount);
    });
    snapshot
}

fn mounted(volume: &str, path: &str, sub_path: &str) -> VolumeMount {
    VolumeMount { volume: volume.into(), path: path.into(), sub_path: Some(sub_path.into()), ..VolumeMount::default() }
}

fn edit(snapshot: &mut Snapshot, change: impl FnOnce(&mut Workload)) {
    let key = Key::new("openstack", "glance");
    let mut workload = (**snapshot.deployments.get(&key).unwrap().unwrap()).clone();
    change(&mut workload);
    snapshot.deployments.insert(key, workload);
}

fn view(snapshot: &Snapshot) -> GlanceView {
    World::of(snapshot).glances[&Key::new("openstack", "glance")].clone()
}

/// What the Job that is due answers.
fn answered(snapshot: &mut Snapshot, answer: &str, outcome: Result<(), String>) {
    let draft = view(snapshot).look.expect("a Job that is due");
    let uid = draft.workload.meta.uid.clone();
    let ours = [(annotations::FOR.to_owned(), format!("{}/{uid}", draft.purpose))].into_iter().collect();
    let created = Some("2026-01-02T03:04:05Z".parse().unwrap());
    let meta = Meta { key: draft.key.clone(), ours, created, ..Meta::default() };
    snapshot.jobs.insert(draft.key.clone(), Job { meta, outcome: Some(outcome), config_map: None });
    let pod = Pod { job: Some(draft.key.name.clone()), answer: Some(answer.to_owned()), ..Pod::default() };
    snapshot.pods.insert(draft.key, pod);
}

fn carried(view: &GlanceView) -> Vec<String> {
    view.public.api.asked.carried.keys().map(ToString::to_string).collect()
}

fn said(view: &GlanceView) -> String {
    view.public.advice.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const OFF: &str = "{rehearsal: {catalog: 'Off'}}";
const SEEN: &str = r#"{"cors": {"set": {"allowed_origin": ["https://old.example.com"], "allow_headers": ["X-Own"], "allow_credentials": false, "max_age": 5}, "left": {}, "beside": []}}"#;

/// Nothing rolls before it was read. Otherwise our file would remove what it does not know.
#[rstest]
#[case::with_the_catalog("{}", &["--own-cors", "--catalog"])]
#[case::alone(OFF, &["--own-cors"])]
fn it_is_read_first(#[case] spec: &str, #[case] args: &[&str]) {
    let snapshot = snapshot(spec);
    let glance = view(&snapshot);
    assert_eq!(glance.look.unwrap().args, args);
    if spec == OFF {
        assert_eq!(glance.awaited.map(|problem| problem.reason), Some(Reason::ObservationPending));
    }
}

#[test]
fn what_it_says_is_carried_on_and_noted() {
    let mut snapshot = snapshot(OFF);
    answered(&mut snapshot, SEEN, Ok(()));
    let glance = view(&snapshot);
    assert_eq!((carried(&glance), &glance.awaited, &glance.look), (vec![OWN.to_owned()], &None, &None));
    assert!(!said(&glance).contains("Secret"), "{}", said(&glance));
    let [(name, note)] = glance.public.api.asked.notes.as_slice() else { panic!("nothing is noted") };
    assert!(name == annotations::CORS && note.contains("2026-01-02T03:04:05Z") && note.contains(OWN), "{note}");
    assert!(!note.contains("late"), "{note}");
    let now = "2026-01-02T03:05:00Z".parse().unwrap();
    let (plan, _) = plan::glance(&glance, now, &Options { image: "x".into() });
    let text = plan.steps.iter().find_map(|step| match &step.action {
        Action::ApplyConfigMap(draft) => draft.data.get("zz-direct-upload.conf").cloned(),
        _ => None,
    });
    let text = text.expect("a ConfigMap");
    for line in [OWN, "https://horizon.example.com", "X-Own", "allow_credentials = false", "max_age = 5"] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// Also where Keystone said no: it was read before Keystone was asked.
#[test]
fn it_counts_though_the_catalog_could_not_be_read() {
    let mut snapshot = snapshot("{}");
    let answer = SEEN.replacen('{', r#"{"problem": {"code": "Unread", "text": "Keystone says no"}, "#, 1);
    answered(&mut snapshot, &answer, Err("failed".into()));
    assert_eq!(carried(&view(&snapshot)), [OWN]);
}

/// An answer that is none keeps what is known, and says so. Nothing waits forever.
#[rstest]
#[case::cut(r#"{"cors": {"set": {"allowed_origin": ["https://old.exa"#, Ok(()), "its result is lost")]
#[case::too_large(r#"{"cors": {"unread": "TooLarge"}}"#, Ok(()), "too long for a termination message")]
#[case::refused(r#"{"cors": {"unread": "Refused"}}"#, Ok(()), "does not accept")]
#[case::silent("", Err("the deadline has passed".into()), "the deadline has passed")]
#[case::another_shape(r#"{"cors": {"set": {"allowed_origin": {"a": 1}}}}"#, Ok(()), "its result is lost")]
fn what_is_no_answer_is_no_empty_one(
    #[case] answer: &str,
    #[case] outcome: Result<(), String>,
    #[case] why: &str,
    #[values(false, true)] known: bool,
) {
    let mut snapshot = snapshot(OFF);
    if known {
        let note = format!(
            r#"{{"pod": "x", "read": "2026-01-01T00:00:00Z", "set": {{"allowed_origin": ["{OWN}"]}}, "beside": []}}"#
        );
        edit(&mut snapshot, |workload| drop(workload.meta.ours.insert(annotations::CORS.to_owned(), note)));
        assert_eq!(carried(&view(&snapshot)), [OWN], "what was read before holds while the Job runs");
        assert_eq!(view(&snapshot).awaited, None);
    }
    answered(&mut snapshot, answer, outcome);
    let glance = view(&snapshot);
    assert_eq!(carried(&glance), if known { vec![OWN] } else { vec![] });
    assert!(said(&glance).contains(why) && said(&glance).contains("spec.cors.allowedOrigins"), "{}", said(&glance));
    assert_eq!(said(&glance).contains("2026-01-01"), known, "{}", said(&glance));
    assert_eq!((&glance.awaited, &glance.look), (&None, &None));
}

/// Hostile values were not to leave the pod; if they do, they go no further.
#[test]
fn a_value_that_is_none_is_left_out() {
    let mut snapshot = snapshot(OFF);
    let answer = r#"{"cors": {"set": {"allowed_origin": ["$connection", "https://a.example\nmax_age = 1", "*", "https://old.example.com"],
        "allow_headers": ["X Y", "X-Own\n[DEFAULT]"]}, "left": {"allow_methods": 2}, "beside": []}}"#;
    answered(&mut snapshot, answer, Ok(()));
    let glance = view(&snapshot);
    assert_eq!(carried(&glance), [OWN]);
    let settings = glance.public.api.asked.settings.as_ref().unwrap();
    assert!(!settings.cors.as_ref().unwrap().options.contains_key(&CorsKey::AllowHeaders));
    assert!(said(&glance).contains("allow_methods: 2 of its values"), "{}", said(&glance));
}

/// After an upgrade, our file is in effect without the values from the Secret. They come with the next
/// roll, and cause none. Later changes by the user do.
#[test]
fn an_upgrade_rolls_nothing_for_it() {
    let mut snapshot = snapshot(OFF);
    let note = format!(
        r#"{{"pod": "x", "read": "2026-01-01T00:00:00Z", "late": true, "set": {{"allowed_origin": ["{OWN}"]}}, "beside": [], "left": {{}}}}"#
    );
    edit(&mut snapshot, |workload| drop(workload.meta.ours.insert(annotations::CORS.to_owned(), note)));
    let same = format!(r#"{{"cors": {{"set": {{"allowed_origin": ["{OWN}"]}}, "beside": [], "left": {{}}}}}}"#);
    answered(&mut snapshot, &same, Ok(()));
    let glance = view(&snapshot);
    let before = glance.public.api.asked.without_late.as_ref().expect("what was in effect");
    assert!(before.carried.is_empty() && before.options.is_empty());
    assert_eq!(carried(&glance), [OWN]);

    let pod = snapshot.pods.all().next().map(|(key, pod)| (key.clone(), (**pod).clone()));
    let (key, pod) = pod.unwrap();
    let other = same.replace(OWN, "https://new.example.com");
    snapshot.pods.insert(key, Pod { answer: Some(other), ..pod });
    assert_eq!(view(&snapshot).public.api.asked.without_late, None);
}

/// Another file than the main one decides an option: the main one may be a ConfigMap, which is read at once.
#[test]
fn a_secret_beside_a_config_map_counts_for_what_it_decides() {
    let etc = "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: openstack, name: etc}, data: {glance-api.conf: \"[cors]\\nallowed_origin = https://main.example.com\\nmax_age = 7\\n\"}}";
    let snapshot = read(&join(&[&cloud(), &glance(OFF), &horizon("{}"), etc])).snapshot;
    let mut snapshot = Snapshot { answers: Answers::Given(Arc::default()), ..snapshot };
    edit(&mut snapshot, |workload| {
        let items = BTreeMap::new();
        workload
            .template
            .volumes
            .push(Volume { name: "etc".into(), source: VolumeSource::ConfigMap { name: "etc".into(), items } });
        workload.template.volumes.push(Volume { name: "more".into(), source: VolumeSource::Secret("more".into()) });
        let main = mounted("etc", MAIN, "glance-api.conf");
        let more = mounted("more", "/etc/glance/glance-api.conf.d/more.conf", "more.conf");
        Arc::make_mut(&mut workload.template.containers[0]).mounts.extend([main, more]);
    });
    let answer = r#"{"cors": {"set": {"allowed_origin": ["https://more.example.com"], "max_age": 8}, "left": {}, "beside": ["allowed_origin"]}}"#;
    answered(&mut snapshot, answer, Ok(()));
    let glance = view(&snapshot);
    assert_eq!(carried(&glance), ["https://more.example.com"]);
    let settings = glance.public.api.asked.settings.as_ref().unwrap();
    assert_eq!(settings.cors.as_ref().unwrap().options[&CorsKey::MaxAge], CorsValue::Number(7));
}

/// A main file in a ConfigMap, with one option of its `[cors]`, as oslo.config reads it (`oslo_config.types.Boolean`: these
/// words, in any case). What is no value is not repeated.
#[rstest]
#[case::yes("allow_credentials", &["true", "True", "1", "on", "yes", "YES "], Some(CorsValue::Flag(true)))]
#[case::no("allow_credentials", &["false", "False", "0", "off", "no"], Some(CorsValue::Flag(false)))]
#[case::neither("allow_credentials", &["maybe", "2", ""], None)]
#[case::number("max_age", &["7", " 7 "], Some(CorsValue::Number(7)))]
#[case::no_number("max_age", &["7s", ""], None)]
fn an_option_is_repeated_as_oslo_config_reads_it(
    #[case] option: &str,
    #[case] written: &[&str],
    #[case] expected: Option<CorsValue>,
) {
    let key = CorsOption::named(option).unwrap().key;
    for text in written {
        let etc = format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{namespace: openstack, name: etc}}, \
             data: {{glance-api.conf: \"[cors]\\nallowed_origin = {OWN}\\n{option} = {text}\\n\"}}}}"
        );
        let mut snapshot = read(&join(&[&cloud(), &glance(OFF), &horizon("{}"), &etc])).snapshot;
        edit(&mut snapshot, |workload| {
            let source = VolumeSource::ConfigMap { name: "etc".into(), items: BTreeMap::new() };
            workload.template.volumes.push(Volume { name: "etc".into(), source });
            Arc::make_mut(&mut workload.template.containers[0]).mounts.push(mounted("etc", MAIN, "glance-api.conf"));
        });
        let glance = view(&snapshot);
        assert_eq!(carried(&glance), [OWN]);
        let settings = glance.public.api.asked.settings.as_ref().unwrap();
        assert_eq!(settings.cors.as_ref().unwrap().options.get(&key), expected.as_ref(), "{text:?}");
    }
}
