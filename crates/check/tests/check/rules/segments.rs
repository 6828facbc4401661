//! Images that a Swift store splits: which uploads fail, with which releases, and what repairs it.

use direct_upload_api::Rule;
use direct_upload_check as check;
use direct_upload_check::{Finding, Text};
use rstest::rstest;
use serde_json::{Value, json};
use test_support::manifests::{deployment, horizon, join};

use super::{CONF, DASHBOARD, SETTINGS, found_in};

const CORS: &str = "[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n";
const ONE: &str = "[DEFAULT]\nenabled_backends = s:swift\n[glance_store]\ndefault_backend = s\n[s]\n";

/// What is found, whatever its fix uncovers.
fn findings(files: &[(&str, &str)], release: Option<&str>) -> Vec<Finding> {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let release = release.map(|release| release.parse().unwrap());
    let (input, _) = check::manifests::sort(files.iter().map(text).collect(), release, jiff::Timestamp::UNIX_EPOCH);
    check::check(input).findings
}

/// Severity, place and the whole fix of what is found.
fn fixes(files: &[(&str, &str)], release: Option<&str>) -> Vec<String> {
    found_in(files, release);
    let all = findings(files, release);
    all.iter().map(|f| format!("{} {} {}: {}", f.severity, f.rule, f.place, f.fix)).collect()
}

#[rstest]
#[case::before("2025.1", &[])]
#[case::first("2025.2", &["error DU027"])]
#[case::last("2026.2", &["error DU027"])]
#[case::after("2027.1", &["warning DU027"])]
fn releases_with_the_fault(#[case] release: &str, #[case] expected: &[&str]) {
    let conf = format!("{ONE}swift_store_user = a:b\n{CORS}");
    assert_eq!(found_in(&[(CONF, &conf), DASHBOARD], Some(release)), expected);
}

#[test]
fn a_release_that_nobody_states_gives_a_warning_with_the_condition() {
    let conf = format!("{ONE}swift_store_user = a:b\n{CORS}");
    let files = [(CONF, conf.as_str()), DASHBOARD];
    assert_eq!(found_in(&files, None), ["warning DU027"]);
    assert_eq!(
        findings(&files, None)[0].found,
        "[s] is a Swift store, in which glance_store 5.0.0 to 5.7.0 (2025.2 to 2026.2) fail at the last segment of an image: uploads from 5242880000 bytes on end with 500"
    );
}

/// Each controller of a cloud has the same file.
#[test]
fn several_files_of_one_cloud_are_told_once() {
    let conf = format!("{ONE}swift_store_user = a:b\n{CORS}");
    let files = [("c1/etc/glance/glance-api.conf", conf.as_str()), ("c2/etc/glance/glance-api.conf", conf.as_str())];
    let all = findings(&files, Some("2026.1"));
    let told: Vec<_> = all.iter().filter(|finding| finding.rule == Rule::SwiftSegments).collect();
    assert_eq!(told.len(), 1, "{all:#?}");
    assert!(told[0].found.contains("(also c2/etc/glance/glance-api.conf"), "{told:#?}");
}

/// Legacy mode announces no size, so its uploads work.
#[rstest]
#[case::direct("HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n", &["error DU027"])]
#[case::legacy("HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n", &["note DU027"])]
#[case::off("HORIZON_IMAGES_UPLOAD_MODE = 'off'\n", &["note DU027"])]
#[case::unset("ALLOWED_HOSTS = ['d.example']\n", &["warning DU027"])]
fn the_dashboards_mode_decides(#[case] mode: &str, #[case] expected: &[&str]) {
    let conf = format!("{ONE}swift_store_user = a:b\n{CORS}");
    let found = found_in(&[(CONF, &conf), (SETTINGS, mode)], Some("2026.1"));
    assert_eq!(found.into_iter().filter(|line| line.ends_with("DU027")).collect::<Vec<_>>(), expected);
}

#[test]
fn without_a_dashboard_it_is_a_warning() {
    let conf = format!("{ONE}swift_store_user = a:b\n{CORS}");
    assert_eq!(found_in(&[(CONF, &conf)], Some("2026.1")), ["warning DU027"]);
}

/// Uploads from a dashboard name no store, so the default one takes them.
#[rstest]
#[case::another("[DEFAULT]\nenabled_backends = s:swift,f:file\n[glance_store]\ndefault_backend = f\n", &["note DU027"])]
#[case::among_others("[DEFAULT]\nenabled_backends = f:file, s : swift\n[glance_store]\ndefault_backend = s\n", &["error DU027"])]
#[case::the_only_one("[DEFAULT]\nenabled_backends = s:swift\n", &["error DU027"])]
#[case::one_of_two("[DEFAULT]\nenabled_backends = s:swift,f:file\n", &["warning DU027"])]
#[case::by_a_name("[DEFAULT]\nenabled_backends = s:swift,f:file\n[glance_store]\ndefault_backend = $x\n", &["warning DU027"])]
#[case::of_old("[glance_store]\nstores = file,swift\ndefault_store = swift\n", &["error DU027"])]
#[case::of_old_by_scheme("[glance_store]\nstores = swift\ndefault_store = swift+https\n", &["error DU027"])]
#[case::of_old_beside("[glance_store]\nstores = file,swift\ndefault_store = file\n", &[])]
#[case::of_old_unsaid("[glance_store]\nstores = file,swift\n", &[])]
#[case::another_kind("[DEFAULT]\nenabled_backends = s:s3\n[glance_store]\ndefault_backend = s\n", &[])]
fn the_store_that_takes_uploads(#[case] stores: &str, #[case] expected: &[&str]) {
    let conf = format!("{stores}{CORS}");
    assert_eq!(found_in(&[(CONF, &conf), DASHBOARD], Some("2026.1")), expected, "{conf}");
}

/// Swift takes 5 GiB in one request by default; what is above that needs Swift's own limit, too.
#[rstest]
#[case::as_it_is("", "", &["error DU027"])]
#[case::nearly("swift_store_large_object_size = 10485\n", "", &["error DU027"])]
#[case::enough("swift_store_large_object_size = 10486\n", "", &["note DU027"])]
#[case::a_smaller_cap("", "image_size_cap = 5242879999\n", &[])]
#[case::the_same_cap("", "image_size_cap = 5242880000\n", &["error DU027"])]
#[case::a_cap_at_swifts_limit("swift_store_large_object_size = 5243\n", "image_size_cap = 5368709120\n", &[])]
#[case::a_cap_above_it("swift_store_large_object_size = 5300\n", "image_size_cap = 5400000000\n", &["note DU027"])]
#[case::a_large_cap("swift_store_large_object_size = 10486\n", "image_size_cap = 109951162777600\n", &["note DU027"])]
#[case::by_a_name("swift_store_large_object_size = $x\n", "", &[])]
#[case::as_python_reads_it("swift_store_large_object_size = 10_486\n", "", &["note DU027"])]
#[case::empty("swift_store_large_object_size =\n", "", &["error DU027"])]
#[case::buffered("swift_buffer_on_upload = True\nswift_upload_buffer_dir = /b\n", "", &["error DU027"])]
fn the_size_of_what_is_split(#[case] store: &str, #[case] cap: &str, #[case] expected: &[&str]) {
    let conf = format!("{}{store}{CORS}", ONE.replace("[DEFAULT]\n", &format!("[DEFAULT]\n{cap}")));
    // A small cap has a rule of its own, whose fix shows this one.
    let found = findings(&[(CONF, &conf), DASHBOARD], Some("2026.1")).into_iter().filter(|f| f.rule != Rule::BodyLimit);
    assert_eq!(found.map(|f| format!("{} {}", f.severity, f.rule)).collect::<Vec<_>>(), expected, "{conf}");
    if cap.is_empty() {
        found_in(&[(CONF, &conf), DASHBOARD], Some("2026.1"));
    }
}

/// Swift's own file says what it accepts.
#[rstest]
#[case::enough("swift_store_large_object_size = 10486\n", "max_file_size = 10737664000\n", "2026.1", &[])]
#[case::too_little("swift_store_large_object_size = 10486\n", "max_file_size = 10737418239\n", "2026.1", &["error DU027"])]
#[case::with_a_unit("swift_store_large_object_size = 5g\n", "max_file_size = 10737664000\n", "2026.1", &["error DU026"])]
#[case::zero("swift_store_large_object_size = 0\n", "max_file_size = 10737664000\n", "2026.1", &["error DU026"])]
#[case::segments_with_a_unit("swift_store_large_object_chunk_size = 200M\nswift_store_large_object_size = 10486\n", "max_file_size = 10737664000\n", "2026.1", &["error DU026"])]
#[case::by_default("swift_store_large_object_size = 10486\n", "max_meta_count = 90\n", "2026.1", &["note DU027"])]
#[case::smaller_than_segments("", "max_file_size = 1073741824\n", "2025.1", &["error DU027"])]
#[case::larger_than_images("", "max_file_size = 10737664000\n", "2025.1", &[])]
fn what_swift_accepts(#[case] store: &str, #[case] limit: &str, #[case] release: &str, #[case] expected: &[&str]) {
    let conf = format!("{ONE}{store}{CORS}");
    let swift = format!("[swift-hash]\nswift_hash_path_suffix = x\n[swift-constraints]\n{limit}");
    let files = [(CONF, conf.as_str()), DASHBOARD, ("etc/swift/swift.conf", swift.as_str())];
    assert_eq!(found_in(&files, Some(release)), expected, "{conf}");
}

/// Stores share these options since glance_store 5.4.0.
#[rstest]
#[case::not_yet("2025.2", &["error DU027 etc/glance/glance-api.conf:6: [s] swift_store_large_object_size = 10486"])]
#[case::since("2026.1", &["error DU027 etc/glance/glance-api.conf:8: [backend_defaults] swift_store_large_object_size = 10486"])]
fn what_all_stores_share(#[case] release: &str, #[case] expected: &[&str]) {
    let conf = format!("{ONE}swift_store_user = a:b\n[backend_defaults]\nswift_store_large_object_size = 5242\n{CORS}");
    let found = fixes(&[(CONF, &conf), DASHBOARD], Some(release));
    let found: Vec<_> = found.iter().map(|fix| fix.split(" (").next().unwrap()).collect();
    assert_eq!(found, expected);
    let enough = conf.replace("5242", "10486");
    assert_eq!(found_in(&[(CONF, &enough), DASHBOARD], Some("2026.1")), ["note DU027"]);
}

const SWIFTS_OWN: &str = "(first set [swift-constraints] max_file_size = 10737664000 in swift.conf of Swift, or rgw_max_put_size = 10737664000 of Ceph)";

/// The fix, where the file's owner writes it.
#[test]
fn the_fix_is_in_the_words_of_the_files_owner() {
    let conf = format!(
        "{}swift_store_user = a:b\n{CORS}",
        ONE.replace("s:swift", "my-swift:swift").replace("= s\n[s]", "= my-swift\n[my-swift]")
    );
    let own = format!("[my-swift] swift_store_large_object_size = 10486 {SWIFTS_OWN}");
    let found = |conf: &str| fixes(&[(CONF, conf), DASHBOARD], Some("2026.1"));
    assert_eq!(found(&conf), [format!("error DU027 {CONF}:6: {own}")]);
    let by_ansible = found(&format!("# Ansible managed\n{conf}"));
    assert_eq!(
        by_ansible,
        [format!(
            "error DU027 {CONF}:7: {own} (where: glance_glance_api_conf_overrides: {{my-swift: {{swift_store_large_object_size: …}}}} in user_variables.yml, then the glance playbook)"
        )]
    );
    // A store whose own section is elsewhere.
    let elsewhere = "# Ansible managed\n[DEFAULT]\nenabled_backends = s:swift\n";
    assert_eq!(
        found(&format!("{elsewhere}{CORS}")),
        [format!(
            "error DU027 {CONF}:3: [s] swift_store_large_object_size = 10486 {SWIFTS_OWN} (where: glance_glance_api_conf_overrides: {{s: {{swift_store_large_object_size: …}}}} in user_variables.yml, then the glance playbook)"
        )]
    );
}

/// What the operator writes is changed in its resource.
#[test]
fn the_operators_own_file_is_changed_in_its_resource() {
    let mount = |volume: &str, path: &str, key: &str| json!({"name": volume, "mountPath": path, "subPath": key});
    let map = |name: &str, labels: Value, key: &str, text: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "o", "name": name, "labels": labels},
            "data": {key: text}})
    };
    let pod = json!({
        "containers": [{"name": "glance", "image": "glance:2026.1", "volumeMounts": [
            mount("etc", "/etc/glance/glance-api.conf", "glance-api.conf"),
            mount("own", "/etc/glance/glance.conf.d/zz-own.conf", "zz-own.conf"),
        ]}],
        "volumes": [{"name": "etc", "configMap": {"name": "etc"}}, {"name": "own", "configMap": {"name": "own"}}],
    });
    let managed = json!({"app.kubernetes.io/managed-by": "direct-upload-operator"});
    let all = |own: &str| {
        let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "o", "name": "glance"},
            "spec": {"template": {"metadata": {"labels": {"app": "glance"}}, "spec": pod}}});
        let users = map("etc", json!({}), "glance-api.conf", &format!("{ONE}swift_store_user = a:b\n{CORS}"));
        let own = map("own", managed.clone(), "zz-own.conf", own);
        json!({"apiVersion": "v1", "kind": "List", "items": [workload, users, own]}).to_string()
    };
    let found = |own: &str| -> Vec<String> {
        let text = Text { name: "cloud.yaml".into(), text: all(own), named: true };
        let (input, _) = check::manifests::sort(vec![text], None, jiff::Timestamp::UNIX_EPOCH);
        let findings = check::check(input).findings.into_iter().filter(|f| f.rule.to_string() == "DU027");
        findings.map(|f| format!("{} {}: {}", f.severity, f.place.object.unwrap(), f.fix)).collect()
    };
    let resource =
        format!("set largeObjectSize: 10486 for the store s in spec.swift of the Glance resource {SWIFTS_OWN}");
    assert_eq!(found("[s]\nswift_store_large_object_size = 5120\n"), [format!("warning ConfigMap o/own: {resource}")]);
    let file = format!("[s] swift_store_large_object_size = 10486 {SWIFTS_OWN}");
    assert_eq!(found("[s]\nswift_store_retry_get_count = 0\n"), [format!("warning ConfigMap o/etc: {file}")]);
}

/// A Horizon resource states how large images are.
#[rstest]
#[case::not_stated("{}", "10486")]
#[case::large("{directUpload: {probe: {put: {size: 53687091200}}}}", "52429")]
#[case::small("{directUpload: {probe: {put: {size: 1073741824}}}}", "")]
fn the_size_that_a_resource_states_counts(#[case] spec: &str, #[case] expected: &str) {
    let conf = format!("{ONE}swift_store_user = a:b\n{CORS}");
    let source = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "openstack", "name": "etc"},
        "data": {"glance-api.conf": conf}});
    let mounted = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "openstack", "name": "glance"},
        "spec": {"selector": {"matchLabels": {"app": "glance"}}, "template": {"metadata": {"labels": {"app": "glance"}}, "spec": {
            "containers": [{"name": "glance", "image": "glance:2026.1", "volumeMounts": [
                {"name": "etc", "mountPath": "/etc/glance/glance-api.conf", "subPath": "glance-api.conf"}]}],
            "volumes": [{"name": "etc", "configMap": {"name": "etc"}}]}}}});
    let yaml = join(&[&mounted.to_string(), &source.to_string(), &deployment("openstack", "horizon"), &horizon(spec)]);
    let text = Text { name: "cloud.yaml".into(), text: yaml, named: true };
    let (input, errors) = check::manifests::sort(vec![text], None, jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    let found = check::check(input).findings.into_iter().find(|finding| finding.rule.to_string() == "DU027");
    let fix = found.map(|finding| finding.fix).unwrap_or_default();
    let size = fix.strip_prefix("[s] swift_store_large_object_size = ").and_then(|rest| rest.split(' ').next());
    assert_eq!(size.unwrap_or_default(), expected, "{fix}");
}
