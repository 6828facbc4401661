//! Where Horizon's snippet goes: what is stated, what is mounted, what a rehearsal saw, what the layout says.

use std::sync::Arc;

use direct_upload_api::{Delivery, Reason};
use direct_upload_core::derive::World;
use direct_upload_core::model::{Answers, Key, Kind, Snapshot};
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{cloud, deployment, glance, horizon, join, read, sample, service};

const ETC: &str = "/etc/openstack-dashboard/local_settings.d";
const UBUNTU: &str = "/usr/lib/python3/dist-packages/openstack_dashboard/local/local_settings.d";
const RDO: &str = "/usr/share/openstack-dashboard/openstack_dashboard/local/local_settings.d";
const VENV: &str = "/srv/dashboard/lib/python3.13/site-packages/openstack_dashboard/local/local_settings.d";

/// A cloud whose Horizon has this spec, and its Deployment these mounts of the user's, as `volume: path`.
fn snapshot(spec: &str, mounted: Option<(&str, Delivery)>, users: &[(&str, &str)]) -> Snapshot {
    let mut workload: Value = serde_yaml::from_str(&deployment("openstack", "horizon")).unwrap();
    let pod = &mut workload["spec"]["template"]["spec"];
    let (mut volumes, mut mounts) = (Vec::new(), Vec::new());
    if let Some((dir, delivery)) = mounted {
        let volume = if delivery == Delivery::Mount { "direct-upload" } else { "direct-upload-files" };
        volumes.push(json!({"name": "direct-upload", "configMap": {"name": "horizon-direct-upload-0123456789"}}));
        if delivery == Delivery::Copy {
            volumes.push(json!({"name": volume, "emptyDir": {}}));
        }
        mounts.push(json!({"name": volume, "mountPath": format!("{dir}/zz-direct-upload.py"), "subPath": "zz-direct-upload.py"}));
    }
    for (name, path) in users {
        volumes.push(json!({"name": name, "configMap": {"name": name}}));
        mounts.push(json!({"name": name, "mountPath": path}));
    }
    pod["volumes"] = json!(volumes);
    pod["containers"][0]["volumeMounts"] = json!(mounts);
    let exposed = service("openstack", "horizon", "horizon.example.com");
    let (_, exposed) = exposed.split_once("\n---\n").unwrap();
    let mut seen = read(&join(&[&workload.to_string(), exposed, &horizon(spec)])).snapshot;
    // As in a cluster.
    seen.answers = Answers::Given(Arc::default());
    seen
}

/// A finished Job of the workload's pod, of this edition, and its last words.
fn take(snapshot: &mut Snapshot, (uid, edition): (&str, &str), passed: bool, answer: &Value) {
    let labels = json!({"app.kubernetes.io/managed-by": "direct-upload-operator"});
    let annotations = json!({"direct-upload.openstack.org/for": format!("Horizon/{uid}"), "direct-upload.openstack.org/edition": edition});
    let condition = if passed { "Complete" } else { "Failed" };
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"namespace": "openstack", "name": "rehearsal", "labels": labels, "annotations": annotations},
        "status": {"conditions": [{"type": condition, "status": "True"}]}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "openstack", "name": "rehearsal-x", "labels": {"batch.kubernetes.io/job-name": "rehearsal"}},
        "status": {"phase": "Succeeded", "containerStatuses": [{"name": "rehearsal", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": answer.to_string()}}}]}});
    for (kind, object) in [(Kind::Job, job), (Kind::Pod, pod)] {
        assert!(snapshot.take(kind, object, |_| Ok(())).unwrap());
    }
}

fn place(snapshot: &Snapshot) -> Result<(String, Delivery), Reason> {
    let world = World::of(snapshot);
    let settings = &world.horizons[&Key::new("openstack", "horizon")].dashboard.settings;
    settings.as_ref().map(|s| (s.local_settings_dir.clone(), s.delivery)).map_err(|why| why.problem().reason)
}

/// The workload's uid, and its pods' edition.
fn pods(snapshot: &Snapshot) -> (String, String) {
    let world = World::of(snapshot);
    let target = world.horizons[&Key::new("openstack", "horizon")].dashboard.tenure.named.as_ref().unwrap();
    (target.workload.meta.uid.clone(), target.workload.template.edition.clone())
}

fn read_at(dir: &str, also: Option<&str>, delivery: &str) -> Value {
    json!({"problem": null, "localSettingsDir": dir, "alsoReadAs": also, "delivery": delivery})
}

/// Before any rehearsal: the layout's place, and the layout that mounts show.
#[rstest]
#[case::unsaid("{}", &[], Ok((ETC, Delivery::Mount)))]
#[case::debian("{layout: Debian}", &[], Ok((ETC, Delivery::Mount)))]
#[case::ubuntu("{layout: Ubuntu}", &[], Ok((UBUNTU, Delivery::Mount)))]
#[case::red_hat("{layout: RedHat}", &[], Ok((RDO, Delivery::Mount)))]
#[case::kolla("{layout: Kolla}", &[], Ok((ETC, Delivery::Mount)))]
#[case::stated("{paths: {localSettingsDir: '/opt/x/openstack_dashboard/local/local_settings.d', delivery: Copy}}", &[], Ok(("/opt/x/openstack_dashboard/local/local_settings.d", Delivery::Copy)))]
#[case::like_openstack_helm("{}", &[("bin", "/tmp/horizon.sh")], Err(Reason::Looking))]
#[case::like_kolla("{}", &[("config", "/var/lib/kolla/config_files")], Ok((ETC, Delivery::Mount)))]
#[case::the_layout_counts("{layout: Debian}", &[("bin", "/tmp/horizon.sh")], Ok((ETC, Delivery::Mount)))]
#[case::nothing_can_be_mounted_there("{}", &[("settings", "/etc/openstack-dashboard")], Err(Reason::Looking))]
#[case::and_nobody_is_asked("{rollout: {rehearsal: 'Off'}}", &[("settings", "/etc/openstack-dashboard")], Ok((ETC, Delivery::Mount)))]
fn what_is_tried_first(
    #[case] spec: &str,
    #[case] users: &[(&str, &str)],
    #[case] expected: Result<(&str, Delivery), Reason>,
) {
    assert_eq!(place(&snapshot(spec, None, users)), expected.map(|(dir, delivery)| (dir.to_owned(), delivery)));
}

/// What a rehearsal has seen in the image counts, also if it refused the files because of it.
#[rstest]
#[case::as_assumed("{}", true, read_at(ETC, Some(UBUNTU), "Mount"), (ETC, Delivery::Mount))]
#[case::ubuntu("{}", false, read_at(UBUNTU, None, "Mount"), (UBUNTU, Delivery::Mount))]
#[case::ubuntu_where_debian_is_stated("{layout: Debian}", false, read_at(UBUNTU, None, "Mount"), (UBUNTU, Delivery::Mount))]
#[case::rdo("{}", false, read_at(RDO, None, "Mount"), (RDO, Delivery::Mount))]
#[case::rhosp("{layout: RedHat}", true, read_at(ETC, Some(RDO), "Mount"), (RDO, Delivery::Mount))]
#[case::any_virtual_environment("{}", false, read_at(VENV, None, "Mount"), (VENV, Delivery::Mount))]
#[case::whose_start_script_owns_the_folder("{}", false, read_at(VENV, None, "Copy"), (VENV, Delivery::Copy))]
#[case::the_place_is_right_and_the_way_is_not("{}", true, read_at(ETC, None, "Copy"), (ETC, Delivery::Copy))]
#[case::a_stated_way("{paths: {delivery: Mount}}", true, read_at(VENV, None, "Copy"), (VENV, Delivery::Mount))]
#[case::a_stated_place("{paths: {localSettingsDir: '/etc/openstack-dashboard/local_settings.d'}}", false, read_at(VENV, None, "Copy"), (ETC, Delivery::Mount))]
#[case::an_earlier_release_asked("{}", false, json!({"localSettingsDir": VENV}), (VENV, Delivery::Mount))]
#[case::nothing_is_believed_blindly("{}", false, read_at("/etc/cron.d", None, "Mount"), (ETC, Delivery::Mount))]
fn what_the_image_tells(
    #[case] spec: &str,
    #[case] passed: bool,
    #[case] answer: Value,
    #[case] (dir, delivery): (&str, Delivery),
) {
    let mut seen = snapshot(spec, None, &[]);
    let (uid, edition) = pods(&seen);
    take(&mut seen, (&uid, &edition), passed, &answer);
    assert_eq!(place(&seen), Ok((dir.to_owned(), delivery)));
}

/// The answer is for one pod; another image is asked again.
#[test]
fn another_pod_is_asked_anew() {
    let mut seen = snapshot("{}", None, &[]);
    let (uid, _) = pods(&seen);
    take(&mut seen, (&uid, "another"), false, &read_at(VENV, None, "Copy"));
    assert_eq!(place(&seen), Ok((ETC.to_owned(), Delivery::Mount)));
}

/// What is mounted never moves by itself: not by another release's preset, nor because the folder has another
/// path; only where the image does not read it there any more.
#[rstest]
#[case::by_a_preset("{layout: RedHat}", ETC, Delivery::Mount, None, (ETC, Delivery::Mount))]
#[case::by_a_preset_unrehearsed("{layout: RedHat, rollout: {rehearsal: 'Off'}}", ETC, Delivery::Mount, None, (ETC, Delivery::Mount))]
#[case::found_earlier("{}", VENV, Delivery::Copy, None, (VENV, Delivery::Copy))]
#[case::by_another_path("{}", UBUNTU, Delivery::Mount, Some(read_at(ETC, Some(UBUNTU), "Mount")), (UBUNTU, Delivery::Mount))]
#[case::by_another_way("{}", ETC, Delivery::Mount, Some(read_at(ETC, None, "Copy")), (ETC, Delivery::Mount))]
#[case::another_image("{}", ETC, Delivery::Mount, Some(read_at(VENV, None, "Copy")), (VENV, Delivery::Copy))]
#[case::as_stated("{paths: {localSettingsDir: '/etc/openstack-dashboard/local_settings.d'}}", VENV, Delivery::Copy, None, (ETC, Delivery::Mount))]
#[case::nobody_has_seen_it("{layout: RedHat, rollout: {rehearsal: 'Off'}}", VENV, Delivery::Mount, None, (RDO, Delivery::Mount))]
fn what_is_mounted(
    #[case] spec: &str,
    #[case] dir: &str,
    #[case] delivery: Delivery,
    #[case] answer: Option<Value>,
    #[case] expected: (&str, Delivery),
) {
    let mut seen = snapshot(spec, Some((dir, delivery)), &[]);
    if let Some(answer) = answer {
        let (uid, edition) = pods(&seen);
        take(&mut seen, (&uid, &edition), true, &answer);
    }
    assert_eq!(place(&seen), Ok((expected.0.to_owned(), expected.1)));
}

/// openstack-helm's folder only the image tells; offline the link of recent images is assumed, where nothing is said.
#[test]
fn offline_openstack_helms_link_is_assumed() {
    let helm = sample("layouts/openstackhelm.yaml");
    let (workloads, _) = helm.split_once("apiVersion: glance.openstack.org/v1beta1").unwrap();
    let outcome = test_support::manifests::render(&join(&[
        workloads.trim_end().trim_end_matches("---"),
        &glance("{}"),
        &horizon("{}"),
    ]));
    let dir = "/usr/local/share/openstack_dashboard/local/local_settings.d";
    let is_it = |text: &String| text.contains(dir) && text.contains("spec.layout is not set");
    assert!(outcome.cluster.assumptions.iter().any(is_it), "{:#?}", outcome.cluster.assumptions);
    let printed = test_support::manifests::printed(&outcome);
    assert!(printed.contains(&format!("mountPath: {dir}/zz-direct-upload.py")), "{printed}");
    assert!(printed.contains("name: direct-upload-copy"), "{printed}");
}

/// Offline, nothing runs the image: the output warns of an assumed folder, but not of a stated one.
#[rstest]
#[case::unsaid("{}", true)]
#[case::stated("{layout: Debian}", false)]
fn offline_it_is_an_assumption(#[case] spec: &str, #[case] told: bool) {
    let outcome = test_support::manifests::render(&join(&[&cloud(), &glance("{}"), &horizon(spec)]));
    let is_it = |text: &String| text.contains(ETC) && text.contains("spec.layout is not set");
    assert_eq!(outcome.cluster.assumptions.iter().any(is_it), told, "{:#?}", outcome.cluster.assumptions);
}
