//! Before pods roll: a Job of the workload's own image. The stand-in for the kubelet runs nothing; a test
//! says how the Job's pod ends, and with which termination message.

use serde_json::{Value, json};

use crate::harness::{Site, fixtures, workload_patches};

/// A cloud whose Jobs end like this, with both resources.
fn begin(name: &str, jobs: &str, message: &str, spec: Value) -> (Site<'static>, u64) {
    let site = Site::with(name, &fixtures::cloud());
    site.jobs(jobs, message);
    let mark = site.mark();
    site.apply(&[fixtures::glance("glance", files_only()), fixtures::horizon("horizon", spec)]);
    (site, mark)
}

/// Jobs are about files, and none reads Keystone's catalog.
fn files_only() -> Value {
    json!({"rehearsal": {"catalog": "Off"}})
}

fn objection(code: &str, text: &str) -> String {
    json!({"problem": {"code": code, "text": text}, "notes": []}).to_string()
}

fn texts(site: &Site, mark: u64) -> Vec<String> {
    site.settled_writes(mark).iter().map(ToString::to_string).collect()
}

/// The Job is made from the workload's template, and its pod is none that serves.
#[test]
fn the_job_is_the_workloads_pod_without_what_serves() {
    let mut objects = fixtures::cloud();
    let pod = &mut objects[0]["spec"]["template"]["spec"];
    pod["serviceAccountName"] = json!("default");
    pod["nodeSelector"] = json!({"kubernetes.io/os": "linux"});
    pod["hostNetwork"] = json!(true);
    pod["priorityClassName"] = json!("system-cluster-critical");
    pod["volumes"] = json!([
        {"name": "data", "emptyDir": {}},
        {"name": "images", "hostPath": {"path": "/var/lib/images"}},
        {"name": "settings", "secret": {"secretName": "settings"}},
        {"name": "identity", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
    ]);
    let container = &mut pod["containers"][0];
    container["command"] = json!(["glance-api"]);
    container["env"] = json!([{"name": "REGION", "value": "one"}]);
    container["ports"] = json!([{"containerPort": 9292}]);
    container["livenessProbe"] = json!({"tcpSocket": {"port": 9292}});
    container["lifecycle"] = json!({"preStop": {"sleep": {"seconds": 1}}});
    container["resources"] = json!({"requests": {"cpu": "10m"}});
    container["securityContext"] = json!({"runAsUser": 64062});
    container["volumeMounts"] = json!([
        {"name": "data", "mountPath": "/var/lib/data"},
        {"name": "images", "mountPath": "/var/lib/glance/images"},
        {"name": "settings", "mountPath": "/etc/glance/policy.yaml", "subPath": "policy.yaml"},
        {"name": "identity", "mountPath": "/var/run/identity"},
    ]);
    let site = Site::new("job");
    site.apply(&objects);
    site.jobs("hold", "");
    let mut site = site;
    site.start();
    site.apply(&[fixtures::glance("glance", files_only()), fixtures::horizon("horizon", json!({}))]);
    let job = site.wait("a Job", || site.list("job").into_iter().next());
    site.quiet();
    assert_eq!(site.mounted("deployment/glance"), None, "no serving pod is touched before the answer");
    assert_eq!(site.condition("glance/glance", "Ready"), "False RollingOut");

    let template = &job["spec"]["template"];
    let labels = template["metadata"]["labels"].as_object().unwrap();
    assert!(!labels.contains_key("app"), "{labels:?}");
    let pod = &template["spec"];
    for absent in ["hostNetwork", "priorityClassName", "initContainers"] {
        assert!(pod[absent].is_null(), "{absent} in {pod}");
    }
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(pod["nodeSelector"], json!({"kubernetes.io/os": "linux"}));
    assert_eq!(names(&pod["volumes"]), ["data", "settings", "direct-upload"]);
    let container = &pod["containers"][0];
    for absent in ["ports", "livenessProbe", "lifecycle"] {
        assert!(container[absent].is_null(), "{absent} in {container}");
    }
    assert_eq!(container["image"], objects[0]["spec"]["template"]["spec"]["containers"][0]["image"]);
    assert_eq!(container["env"], json!([{"name": "REGION", "value": "one"}]));
    assert_eq!(container["securityContext"], json!({"runAsUser": 64062}));
    assert_eq!(container["command"][0], "sh");
    let paths: Vec<_> = container["volumeMounts"].as_array().unwrap().iter().map(|m| m["mountPath"].clone()).collect();
    let ours = "/etc/glance/glance-api.conf.d/zz-direct-upload.conf";
    assert_eq!(paths, ["/var/lib/data", "/etc/glance/policy.yaml", ours]);
    assert_eq!(container["args"].as_array().unwrap()[1..], [json!("--cors"), json!(ours)]);
    assert_eq!(job["spec"]["backoffLimit"], 0);
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect()
}

/// What a rehearsal finds stands in the status, and no pod is replaced; nor is it tried again and
/// again. When the Job is gone, it is.
#[test]
fn an_objection_holds_the_roll() {
    let text = "the CORS filter of this image would refuse it";
    let (site, mark) = begin("objection", "fail", &objection("Syntax", text), json!({}));
    site.await_ready("glance/glance", "False RehearsalFailed");
    assert_eq!(site.condition("glance/glance", "ConfigRendered"), "False RehearsalFailed");
    assert_eq!(site.condition("glance/glance", "Stalled"), "True RehearsalFailed");
    assert!(site.message("glance/glance", "Ready").contains(text));
    let writes = texts(&site, mark);
    assert_eq!(writes.iter().filter(|w| w.contains("jobs/")).count(), 1, "{writes:#?}");
    assert_eq!(workload_patches(&site.writes(mark)), Vec::<String>::new());

    site.jobs("succeed", "");
    site.kubectl(&["delete", "jobs", "--all"]);
    site.await_pair();
}

/// A place that the image does not read is a matter of the spec.
#[test]
fn a_path_that_is_not_read_is_not_accepted() {
    let text = "Horizon in this image reads snippets from /usr/share/…";
    let site = Site::with("path", &fixtures::cloud());
    site.apply(&[fixtures::glance("glance", json!({"rollout": {"rehearsal": "Off", "minInterval": "1s"}}))]);
    site.jobs("fail", &objection("NotRead", text));
    site.apply(&[fixtures::horizon("horizon", json!({}))]);
    site.await_ready("horizon/horizon", "False PathNotRead");
    assert_eq!(site.condition("horizon/horizon", "Accepted"), "False PathNotRead");
    assert_eq!(site.mounted("deployment/horizon"), None);
    // Another spec is another rehearsal.
    site.jobs("succeed", "");
    let paths = json!({"localSettingsDir": "/usr/share/openstack_dashboard/local/local_settings.d"});
    site.edit("horizon/horizon", &json!({"spec": {"paths": paths}}));
    site.await_pair();
}

/// A quota for pods, one for Jobs: the message is the API server's own. It goes on when there is room.
#[test]
fn the_cluster_refuses() {
    let site = Site::with("refused", &fixtures::cloud());
    let quota = |name: &str, hard: Value| {
        let quota =
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}});
        site.apply(&[quota]);
        site.wait("the quota counts", || {
            let used = site.kubectl(&["get", "quota", name, "-o", "jsonpath={.status.used}"]);
            (!used.is_empty()).then_some(())
        });
    };
    quota("no-pod", json!({"pods": "4"}));
    site.apply(&[fixtures::glance("glance", json!({"cors": {"allowedOrigins": ["https://a.example.com"]}}))]);
    site.await_ready("glance/glance", "False RehearsalRefused");
    let message = site.message("glance/glance", "Ready");
    assert!(message.contains("exceeded quota: no-pod"), "{message}");
    assert_eq!(site.mounted("deployment/glance"), None);

    quota("no-job", json!({"count/jobs.batch": "1"}));
    site.kubectl(&["delete", "quota", "no-pod"]);
    site.apply(&[fixtures::horizon("horizon", json!({}))]);
    site.kubectl(&["delete", "jobs", "--all"]);
    site.wait("one of the two has its Job, the other is refused", || {
        let refused = ["glance/glance", "horizon/horizon"].into_iter().find(|o| {
            site.condition(o, "Ready") == "False RehearsalRefused"
                && site.message(o, "Ready").contains("exceeded quota: no-job")
        });
        refused.map(drop)
    });
    site.kubectl(&["delete", "quota", "no-job"]);
    site.await_pair();
}

/// `Off`, quoted and as kubectl reads it without quotes: no Job, and the ten writes of before.
#[test]
fn without() {
    let site = Site::with("without", &fixtures::cloud());
    let mark = site.mark();
    let yaml = "
apiVersion: glance.openstack.org/v1beta1
kind: Glance
metadata: {name: glance}
spec: {rollout: {rehearsal: Off, minInterval: 1s}}
---
apiVersion: horizon.openstack.org/v1beta1
kind: Horizon
metadata: {name: horizon}
spec: {rollout: {rehearsal: 'Off', minInterval: 1s}}
";
    site.kubectl_with(&["apply", "-f", "-"], yaml);
    site.await_pair();
    let writes = texts(&site, mark);
    assert!(writes.len() <= 10, "{writes:#?}");
    assert!(!writes.iter().any(|w| w.contains("jobs/")), "{writes:#?}");
    let error = site
        .try_kubectl_with(&["apply", "-f", "-"], &yaml.replace("Off, ", "Never, "))
        .expect_err("no other word is accepted");
    assert!(error.contains("spec.rollout.rehearsal"), "{error}");
}

/// With no layout said the folder that a refused rehearsal names is taken, and the way in which a file gets there;
/// once it is mounted there, it stays, whatever becomes of the Jobs.
#[test]
fn no_layout_is_to_be_known() {
    let dir = "/srv/dashboard/lib/python3.13/site-packages/openstack_dashboard/local/local_settings.d";
    let answer = |problem: Value| {
        json!({"problem": problem, "localSettingsDir": dir, "delivery": "Copy", "notes": []}).to_string()
    };
    let mut site = Site::with("no-layout", &fixtures::cloud());
    site.apply(&[fixtures::glance("glance", json!({"rollout": {"rehearsal": "Off", "minInterval": "1s"}}))]);
    site.jobs("fail", &answer(json!({"code": "NotRead", "text": "it reads another folder"})));
    site.apply(&[fixtures::horizon("horizon", json!({}))]);
    let copies = |job: &Value| names(&job["spec"]["template"]["spec"]["initContainers"]) == ["direct-upload-copy"];
    site.wait("the folder that was named is rehearsed", || site.list("job").iter().any(copies).then_some(()));
    assert_eq!(site.mounted("deployment/horizon"), None);
    let has = |site: &Site, kind: &str, name: &str| {
        names(&site.get("deployment/horizon")["spec"]["template"]["spec"][kind]).contains(&name)
    };

    site.jobs("succeed", &answer(Value::Null));
    site.kubectl(&["delete", "jobs", "--all"]);
    site.await_pair();
    let pod = site.get("deployment/horizon")["spec"]["template"]["spec"].clone();
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().any(|m| m["mountPath"] == json!(format!("{dir}/zz-direct-upload.py"))), "{pod:#}");
    assert!(has(&site, "initContainers", "direct-upload-copy"), "{pod:#}");

    site.stop();
    site.kubectl(&["delete", "jobs", "--all"]);
    let mark = site.mark();
    site.start();
    site.await_pair();
    assert_eq!(workload_patches(&site.settled_writes(mark)), Vec::<String>::new());
}

/// The image tells where it reads snippets; that is noted, and asked again of another image.
#[test]
fn openstack_helm_needs_no_path() {
    let folder = |version: &str| {
        format!("/var/lib/openstack/lib/python{version}/site-packages/openstack_dashboard/local/local_settings.d")
    };
    let answer = |dir: &str| json!({"problem": null, "localSettingsDir": dir}).to_string();
    let (site, _) = begin("look", "succeed", &answer(&folder("3.10")), json!({"layout": "OpenStackHelm"}));
    site.await_pair();
    let mounts = |dir: &str| {
        let mounts =
            site.get("deployment/horizon")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].clone();
        mounts.as_array().unwrap().iter().any(|m| m["mountPath"] == json!(format!("{dir}/zz-direct-upload.py")))
    };
    assert!(mounts(&folder("3.10")), "{}", site.get("deployment/horizon"));
    let copied = |job: &Value| names(&job["spec"]["template"]["spec"]["initContainers"]) == ["direct-upload-copy"];
    assert!(site.list("job").iter().any(copied), "the copy to its place is rehearsed, too");

    site.jobs("succeed", &answer(&folder("3.12")));
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "horizon:2"}]);
    site.kubectl(&["patch", "deployment", "horizon", "--type=json", "-p", &image.to_string()]);
    site.wait("the file lies where the new image reads it", || mounts(&folder("3.12")).then_some(()));
    site.await_pair();

    // What a container says is not believed blindly.
    site.jobs("succeed", &answer("/etc/cron.d"));
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "horizon:3"}]);
    site.kubectl(&["patch", "deployment", "horizon", "--type=json", "-p", &image.to_string()]);
    site.await_ready("horizon/horizon", "False InvalidSpec");
    assert!(site.message("horizon/horizon", "Ready").contains("/etc/cron.d"));
}
