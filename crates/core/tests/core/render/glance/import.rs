//! Options of imports and rules of policy, read by oslo.config and oslo.policy as Glance has them.

use std::collections::BTreeMap;

use direct_upload_api::{GlanceSpec, ImageImport};
use direct_upload_core::derive::image_import;
use direct_upload_core::model::EnvValue;
use direct_upload_core::render::oslo::write::Writer;
use direct_upload_core::render::{ApiSettings, File, OwnSettings, PolicySettings, glance};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::{ask, hostile};

fn import(spec: &Value) -> ImageImport {
    serde_json::from_value(spec.clone()).unwrap()
}

fn files(import: &ImageImport, rules: &[(&str, &str)]) -> Vec<File> {
    let settings = ApiSettings {
        own: OwnSettings {
            dir: "/etc/glance/glance.conf.d".into(),
            import: image_import::settings(Some(import), None),
            ..OwnSettings::default()
        },
        policy: PolicySettings {
            dir: "/etc/glance/policy.d".into(),
            rules: rules.iter().map(|(name, rule)| ((*name).to_owned(), (*rule).to_owned())).collect(),
        },
        ..ApiSettings::default()
    };
    glance(&settings).unwrap()
}

fn ini(import: &ImageImport) -> String {
    files(import, &[]).remove(0).contents
}

/// What Glance has, with a file of the user's before ours.
fn read(import: &ImageImport, users: &str) -> Value {
    let ours = files(import, &[]).pop().map(|file| file.contents).unwrap_or_default();
    ask(&json!({"ask": "options", "files": [users, ours]}))
}

#[test]
fn every_field_is_written_and_read_back() {
    let all = import(&json!({
        "methods": ["GlanceDirect", "WebDownload", "CopyImage", "GlanceDownload"],
        "conversion": {"outputFormat": "QCOW2", "pythonInterpreter": "/usr/bin/python3"},
        "metadata": {"properties": {"hw_disk_bus": "scsi", "note": "a: b = $c"}, "ignoreUserRoles": ["admin", "reader"]},
        "decompression": true,
        "additionalPlugins": ["scan"],
        "maxParallelStores": 3,
        "staging": {"path": "/var/lib/glance/staging/"},
        "webDownload": {"disallowedSchemes": ["http"], "allowedHosts": ["images.example.com", "192.0.2.7"], "disallowedPorts": [22, 25]},
    }));
    insta::assert_snapshot!(ini(&all), @r"
    # Written by direct-upload-operator; do not edit.
    # Change the custom resource instead: edits of this file are lost.
    [DEFAULT]
    enabled_import_methods = [glance-direct,web-download,copy-image,glance-download]
    node_staging_uri = file:///var/lib/glance/staging
    [os_glance_staging_store]
    filesystem_store_datadir = /var/lib/glance/staging
    [image_import_opts]
    image_import_plugins = [image_decompression,scan,image_conversion,inject_image_metadata]
    max_parallel_stores = 3
    [image_conversion]
    output_format = qcow2
    [wsgi]
    python_interpreter = /usr/bin/python3
    [inject_metadata_properties]
    inject = hw_disk_bus:scsi,note:a: b = $$c
    ignore_user_roles = admin,reader
    [import_filtering_opts]
    allowed_schemes = []
    disallowed_schemes = [http]
    allowed_hosts = [images.example.com,192.0.2.7]
    disallowed_hosts = []
    allowed_ports = []
    disallowed_ports = [22,25]
    ");
    let read = read(&all, "[DEFAULT]\nenabled_import_methods = []\n[import_filtering_opts]\nallowed_schemes = [ftp]\n");
    assert_eq!(
        read,
        json!({
            "DEFAULT": {
                "enabled_import_methods": ["glance-direct", "web-download", "copy-image", "glance-download"],
                "node_staging_uri": "file:///var/lib/glance/staging",
                "worker_self_reference_url": null,
            },
            "image_import_opts": {
                "image_import_plugins": ["image_decompression", "scan", "image_conversion", "inject_image_metadata"],
                "max_parallel_stores": 3,
            },
            "image_conversion": {"output_format": "qcow2"},
            "inject_metadata_properties": {
                "ignore_user_roles": ["admin", "reader"],
                "inject": {"hw_disk_bus": "scsi", "note": "a: b = $c"},
            },
            "import_filtering_opts": {
                "allowed_schemes": [],
                "disallowed_schemes": ["http"],
                "allowed_hosts": ["images.example.com", "192.0.2.7"],
                "disallowed_hosts": [],
                "allowed_ports": [],
                "disallowed_ports": [22, 25],
            },
            "os_glance_staging_store": {"filesystem_store_datadir": "/var/lib/glance/staging"},
            "wsgi": {"python_interpreter": "/usr/bin/python3"},
        })
    );
}

/// What is not named keeps what the user's file says.
#[test]
fn nothing_is_taken_from_the_users_file() {
    let users = "[DEFAULT]\nenabled_import_methods = [copy-image]\n[image_import_opts]\nimage_import_plugins = [scan]\n\
                 [inject_metadata_properties]\ninject = a:b\n[import_filtering_opts]\nallowed_hosts = [a.example]\n";
    let before: Value = ask(&json!({"ask": "options", "files": [users]}));
    let mut after = read(&import(&json!({"staging": {"path": "/s"}})), users);
    assert_eq!(after["os_glance_staging_store"]["filesystem_store_datadir"].take(), "/s");
    assert_eq!(after["DEFAULT"]["node_staging_uri"].take(), "file:///s");
    let mut expected = before;
    expected["os_glance_staging_store"]["filesystem_store_datadir"].take();
    expected["DEFAULT"]["node_staging_uri"].take();
    assert_eq!(after, expected);
}

#[test]
fn packed_images_are_unpacked_before_they_are_converted() {
    let all = import(&json!({
        "conversion": {"outputFormat": "Raw"}, "decompression": true, "staging": {"path": "/s"},
        "metadata": {"properties": {"a": "b"}},
    }));
    assert_eq!(
        read(&all, "")["image_import_opts"]["image_import_plugins"],
        json!(["image_decompression", "image_conversion", "inject_image_metadata"])
    );
}

/// Glance looks at what is denied only while nothing is allowed, which its defaults do.
#[rstest]
#[case(&json!({"disallowedSchemes": ["ftp"]}), "schemes", &json!([]), &json!(["ftp"]))]
#[case(&json!({"allowedSchemes": ["https"]}), "schemes", &json!(["https"]), &json!([]))]
#[case(&json!({"disallowedHosts": ["::1", "localhost"]}), "hosts", &json!([]), &json!(["::1", "localhost"]))]
#[case(&json!({"disallowedPorts": [22]}), "ports", &json!([]), &json!([22]))]
#[case(&json!({"allowedPorts": [443, 8443]}), "ports", &json!([443, 8443]), &json!([]))]
fn filters_replace_the_users_lists(
    #[case] spec: &Value,
    #[case] sort: &str,
    #[case] allowed: &Value,
    #[case] disallowed: &Value,
) {
    let users = "[import_filtering_opts]\nallowed_schemes = [gopher]\ndisallowed_schemes = [gopher]\n\
                 allowed_hosts = [a]\ndisallowed_hosts = [a]\nallowed_ports = [1]\ndisallowed_ports = [1]\n";
    let read = read(&import(&json!({"webDownload": spec})), users);
    assert_eq!(&read["import_filtering_opts"][format!("allowed_{sort}")], allowed);
    assert_eq!(&read["import_filtering_opts"][format!("disallowed_{sort}")], disallowed);
}

/// The environment has the last word, and the kubelet fills in the address.
#[rstest]
#[case(&json!({}), "http://$(DIRECT_UPLOAD_POD_IP):9292")]
#[case(&json!({"scheme": "HTTPS", "port": 443, "ipFamily": "IPv6"}), "https://[$(DIRECT_UPLOAD_POD_IP)]:443")]
fn each_pod_knows_its_address(#[case] reference: &Value, #[case] expected: &str) {
    let env = image_import::env(Some(&import(&json!({"workerSelfReference": reference}))));
    let (first, second): (Vec<_>, Vec<_>) = env.into_iter().unzip();
    assert_eq!(first, ["DIRECT_UPLOAD_POD_IP", "OS_DEFAULT__WORKER_SELF_REFERENCE_URL"]);
    assert_eq!(second, [EnvValue::Field("status.podIP".into()), EnvValue::Text(expected.into())]);
    let users = "[DEFAULT]\nworker_self_reference_url = http://wrong\n";
    let read: Value =
        ask(&json!({"ask": "options", "files": [users], "env": {first[1].clone(): "http://10.0.0.1:9292"}}));
    assert_eq!(read["DEFAULT"]["worker_self_reference_url"], "http://10.0.0.1:9292");
}

proptest! {
    #[test]
    fn properties_are_refused_or_come_out_as_they_went_in(
        entries in prop::collection::btree_map(hostile(), hostile(), 1..4)
    ) {
        let mut ini = Writer::default();
        ini.section("inject_metadata_properties").unwrap();
        match ini.set_dict("inject", &entries) {
            Ok(()) => {
                let read: Value = ask(&json!({"ask": "options", "files": [ini.finish()]}));
                prop_assert_eq!(&read["inject_metadata_properties"]["inject"], &json!(entries));
            }
            Err(error) => {
                let text = &error.value;
                let is_key = entries.contains_key(text);
                prop_assert!(
                    !text.is_ascii() || text.contains(char::is_control) || text.contains(',') || text.trim() != text
                        || (is_key && (text.is_empty() || text.contains(':'))),
                    "refused without need: {}", error
                );
            }
        }
    }

    #[test]
    fn policy_is_refused_or_understood(expression in expression()) {
        let rules = BTreeMap::from([("upload_image".to_owned(), expression.clone())]);
        let settings = ApiSettings {
            policy: PolicySettings { dir: "/etc/glance/policy.d".into(), rules },
            ..ApiSettings::default()
        };
        let real: Vec<bool> = ask(&json!({"ask": "expressions", "expressions": [expression]}));
        let plain = expression.is_ascii() && !expression.contains(char::is_control);
        prop_assert_eq!(glance(&settings).is_ok(), real[0] && plain, "{:?}", expression);
    }
}

/// Rules that are nearly right.
fn expression() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "role:admin",
        "rule:x",
        "@",
        "!",
        "and",
        "or",
        "not",
        "AND",
        "(",
        ")",
        "(role:a",
        "role:b)",
        "((role:c)",
        "project_id:%(project_id)s",
        "'m:x'",
        "word",
        "None:%(a)s",
        "()",
        "a:b:c",
        "'",
        "\"q:\"",
    ]);
    prop_oneof![
        9 => prop::collection::vec(word, 0..7).prop_map(|words| words.join(" ")),
        1 => hostile(),
    ]
}

/// `[oslo_policy] policy_dirs` is `policy.d` next to the main file, and is read after `policy.yaml`.
#[test]
fn rules_go_over_the_users_own() {
    let ours = files(&ImageImport::default(), &[("upload_image", "!"), ("modify_image", "role:admin or rule:owner")]);
    assert_eq!(ours[0].path, "/etc/glance/policy.d/zz-direct-upload-policy.yaml");
    let defaults = json!({"upload_image": "rule:owner", "modify_image": "@", "get_image": "@", "owner": "project_id:%(project_id)s"});
    let asked = json!([
        ["upload_image", ["admin"], "p", "p"],
        ["modify_image", ["member"], "p", "p"],
        ["modify_image", ["member"], "p", "q"],
        ["get_image", ["member"], "p", "p"],
    ]);
    let decide = |files: Value| -> Vec<bool> {
        ask(&json!({"ask": "enforce", "files": files, "rules": defaults, "asked": asked}))
    };
    let users = json!({"policy.yaml": "upload_image: '@'\nget_image: '!'\n", "policy.d/a.yaml": "modify_image: '!'\n"});
    assert_eq!(decide(users.clone()), [true, false, false, false]);
    let mut both = users;
    both["policy.d/zz-direct-upload-policy.yaml"] = json!(ours[0].contents);
    assert_eq!(decide(both), [false, true, false, false]);
    // Also where there is no policy.yaml, whatever the option's help says.
    assert_eq!(decide(json!({"policy.d/zz-direct-upload-policy.yaml": ours[0].contents})), [false, true, false, true]);
}

#[rstest]
#[case(&[("upload_image", "!")], None)]
#[case(&[("upload_image", "rule:mine or rule:other"), ("mine", "role:x")], None)]
#[case(&[("uplaod_image", "!")], Some("uplaod_image"))]
#[case(&[("upload_image", "!"), ("mine", "role:x")], Some("mine"))]
fn rules_that_glance_does_not_know_are_named(#[case] rules: &[(&str, &str)], #[case] named: Option<&str>) {
    let rules = rules.iter().map(|(name, rule)| ((*name).to_owned(), (*rule).to_owned())).collect();
    match (direct_upload_core::openstack::policy::known("spec.apis.public.policy", &rules), named) {
        (Ok(()), None) => {}
        (Err(problem), Some(name)) => assert!(problem.message().contains(name), "{}", problem.message()),
        (found, _) => panic!("{found:?}"),
    }
}

#[test]
fn the_sample_is_a_spec() {
    let text = include_str!("../../../../../../samples/import/split-apis.yaml");
    let first = text.split("\n---\n").next().unwrap();
    let value: Value = serde_yaml::from_str(first).unwrap();
    let spec: GlanceSpec = serde_json::from_value(value["spec"].clone()).unwrap();
    assert!(image_import::refuses_uploads(&spec));
}
