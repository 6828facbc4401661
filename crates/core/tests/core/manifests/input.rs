//! What is wrong with the input is said by file, document, object and field; nothing makes it hang.

use direct_upload_core::manifests::parse;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use test_support::manifests::{deployment, end, glance, horizon, join, origins, read, render, resource, service};

fn errors(yaml: &[u8]) -> String {
    match parse("in.yaml", yaml) {
        Ok(input) => panic!("accepted: {:#?}", input.manifests),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[rstest]
#[case::not_a_mapping("hello", "in.yaml, document 1: is a single value or a sequence, not an object")]
#[case::sequence("---\n---\n- 1", "in.yaml, document 2: is a single value or a sequence, not an object")]
#[case::no_kind("apiVersion: v1", "in.yaml, document 1: apiVersion, kind: are missing")]
#[case::syntax("apiVersion: v1\nkind: [", "in.yaml, document 1: ")]
#[case::tag("apiVersion: v1\nkind: !x Pod", "line 2: the tag !x means nothing")]
#[case::twice("apiVersion: v1\nkind: Pod\nkind: Service", "key \"kind\" appears twice")]
#[case::twice_json("{\"apiVersion\": \"v1\", \"apiVersion\": \"v1\"}", "key \"apiVersion\" appears twice")]
#[case::nan("a: .nan", "is not a finite number")]
#[case::key("? [1]\n: x", "a key must be a string")]
#[case::nul("a: b\0", "line 1: unexpected character")]
#[case::unknown_alias("a: *b", "unknown anchor")]
#[case::item("kind: List\napiVersion: v1\nitems: [{}]", "in.yaml, document 1, item 1: apiVersion, kind")]
#[case::no_name(
    "{apiVersion: apps/v1, kind: Deployment, spec: {selector: {}, template: {}}}",
    "document 1 (Deployment without metadata.name): metadata.name: \"\""
)]
#[case::bad_name(
    "{apiVersion: v1, kind: Service, metadata: {name: ../../x}}",
    "(Service ../../x): metadata.name: \"../../x\" is not a DNS name"
)]
#[case::bad_namespace(
    "{apiVersion: v1, kind: Service, metadata: {name: x, namespace: ..}}",
    "metadata.namespace: \"..\" is not the name"
)]
#[case::shape(
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: two, selector: {}, template: {}}}",
    "(Deployment x): spec.replicas: invalid type: string \"two\""
)]
#[case::deep_shape(
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: 1}}",
    "(ConfigMap x): data.a: invalid type"
)]
#[case::our_version(
    "{apiVersion: glance.openstack.org/v1, kind: Glance, metadata: {name: x}}",
    "there is no Glance in glance.openstack.org/v1"
)]
#[case::our_kind(
    "{apiVersion: horizon.openstack.org/v1beta1, kind: Horzion, metadata: {name: x}}",
    "there is no Horzion in horizon.openstack.org/v1beta1"
)]
fn every_error_has_its_place(#[case] yaml: &str, #[case] said: &str) {
    let text = errors(yaml.as_bytes());
    assert!(text.contains(said), "{text}");
}

#[rstest]
#[case::typo(horizon("{directUplaod: {}}"), "spec.directUplaod: unknown field")]
#[case::deep(
    horizon("{directUpload: {glanceRef: {name: x, nmaespace: y}}}"),
    "spec.directUpload.glanceRef.nmaespace: unknown field"
)]
#[case::metadata("{apiVersion: glance.openstack.org/v1beta1, kind: Glance, metadata: {name: x, nmaespace: y}, spec: {}}".into(), "metadata.nmaespace: unknown field")]
#[case::top("{apiVersion: glance.openstack.org/v1beta1, kind: Glance, metadata: {name: x}, spec: {}, spce: {}}".into(), "spce: unknown field")]
#[case::no_spec("{apiVersion: glance.openstack.org/v1beta1, kind: Glance, metadata: {name: x}}".into(), "spec: is required")]
#[case::enumeration(
    glance("{layout: debian}"),
    "spec.layout: \"debian\" is not one of Debian, Ubuntu, RedHat, OpenStackHelm, Kolla"
)]
#[case::type_(glance("{suspend: 'yes'}"), "spec.suspend: \"yes\" is not of type boolean")]
#[case::null(glance("{cors: 5}"), "spec.cors: 5 is not of type object")]
#[case::wildcard(glance("{cors: {allowedOrigins: ['*']}}"), "spec.cors.allowedOrigins[0]: \"*\" does not match")]
#[case::comma(
    glance("{cors: {allowedOrigins: ['https://a.example', 'https://a,https://b']}}"),
    "spec.cors.allowedOrigins[1]: "
)]
#[case::newline(
    glance("{cors: {allowedOrigins: [\"https://a.example\\n[DEFAULT]\"]}}"),
    "spec.cors.allowedOrigins[0]: "
)]
#[case::header(glance("{cors: {allowHeaders: ['X-A,X-B']}}"), "spec.cors.allowHeaders[0]: ")]
#[case::header_dollar(glance("{cors: {allowHeaders: ['$HOME']}}"), "spec.cors.allowHeaders[0]: ")]
#[case::negative(glance("{cors: {maxAge: -1}}"), "spec.cors.maxAge: -1 is less than 0")]
#[case::large(glance("{cors: {maxAge: 86401}}"), "spec.cors.maxAge: 86401 is more than 86400")]
#[case::fraction(glance("{cors: {maxAge: 1.5}}"), "spec.cors.maxAge: 1.5 is not of type integer")]
#[case::duration(glance("{cors: {retireAfter: soon}}"), "retireAfter")]
#[case::time(glance("{rollout: {notBefore: tomorrow}}"), "spec.rollout.notBefore: \"tomorrow\" is not a time")]
#[case::url(horizon("{publicURL: 'https://u@x'}"), "spec.publicURL: ")]
#[case::path(horizon("{paths: {localSettingsDir: etc}}"), "spec.paths.localSettingsDir: ")]
#[case::required(horizon("{directUpload: {glanceRef: {}}}"), "spec.directUpload.glanceRef.name: is required")]
#[case::empty(horizon("{exposedBy: []}"), "spec.exposedBy: has 0 items")]
#[case::cel_url(
    horizon("{publicURL: 'https://x.example', exposedBy: [{kind: Ingress, name: x}]}"),
    "spec: publicURL and exposedBy exclude each other"
)]
#[case::cel_tls(glance("{tls: {enabled: true}}"), "spec.tls: tls.enabled needs tls.secretName")]
#[case::cel_port(glance("{httpd: {port: 9292}}"), "spec.httpd: httpd.port needs httpd.server")]
#[case::cel_selector(
    glance("{cors: {allowedHorizons: {namespaces: {from: Selector}}}}"),
    "spec.cors.allowedHorizons.namespaces: from: Selector needs a selector"
)]
fn a_resource_is_refused_as_the_api_server_would(#[case] yaml: String, #[case] said: &str) {
    let text = errors(join(&[&deployment("openstack", "horizon"), &yaml]).as_bytes());
    assert!(text.contains(said), "{text}");
    assert!(text.starts_with("in.yaml, document 2 ("), "{text}");
}

#[test]
fn all_errors_are_told_at_once() {
    let text = errors(join(&["1", &glance("{layout: x, a: 1}"), "2"]).as_bytes());
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn twice_is_refused_with_the_first_place() {
    let text = errors(
        join(&[
            &deployment("default", "a"),
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {}}}",
        ])
        .as_bytes(),
    );
    assert_eq!(text, "in.yaml, document 2 (Deployment a): is given twice; first in in.yaml, document 1");
}

/// What the schema lets pass and no file can hold is refused by the plan, by name.
#[rstest]
#[case::percent("https://a%b.example")]
#[case::dollar("https://a$b.example")]
#[case::bracket("https://a].example")]
#[case::quote("https://a'b.example")]
#[case::path("https://a.example/x")]
#[case::null("https://null.example/\0")]
fn hostile_origins_end_by_name(#[case] origin: &str) {
    let spec = format!("{{cors: {{allowedOrigins: [{}]}}}}", serde_json::to_string(origin).unwrap());
    let yaml = join(&[&deployment("openstack", "glance"), &glance(&spec)]);
    if let Err(errors) = parse("in.yaml", yaml.as_bytes()) {
        assert!(errors[0].to_string().contains("spec.cors.allowedOrigins[0]"), "{errors:?}");
    } else {
        let (fine, reason, message) = end(&render(&yaml), "Glance openstack/glance");
        assert!(!fine && message.contains("spec.cors.allowedOrigins"), "{reason}: {message}");
    }
}

#[rstest]
#[case("https://MÜNCHEN.example:443/", "https://xn--mnchen-3ya.example")]
#[case("http://A.example:80", "http://a.example")]
#[case("https://[2001:DB8::1]", "https://[2001:db8::1]")]
fn origins_are_put_into_the_browsers_form(#[case] written: &str, #[case] sent: &str) {
    let outcome = render(&join(&[
        &deployment("openstack", "glance"),
        &glance(&format!("{{cors: {{allowedOrigins: ['{written}']}}}}")),
    ]));
    assert_eq!(origins(&outcome, "openstack/glance"), [sent]);
}

#[test]
fn yaml_is_read_as_kubectl_reads_it() {
    let input = read(
        "\u{feff}# comment\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\
         apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: b, namespace: x, labels: &l {1: one, true: \"yes\"}}\n\
         spec: {selector: {matchLabels: *l}, serviceName: b, template: {metadata: {labels: {<<: *l, 1: two}}, \
         spec: {containers: [], volumes: [{name: v, secret: {secretName: s, defaultMode: 0440}}]}}}\n",
    );
    let places: Vec<_> = input.manifests.iter().map(|m| format!("{}: {}", m.place, m.id)).collect();
    assert_eq!(places, ["in.yaml, document 2: ConfigMap default/a", "in.yaml, document 3: StatefulSet x/b"]);
    let spec = &input.manifests[1].object["spec"];
    assert_eq!(spec["selector"]["matchLabels"], json!({"1": "one", "true": "yes"}));
    assert_eq!(spec["template"]["metadata"]["labels"], json!({"1": "two", "true": "yes"}));
    assert_eq!(spec["template"]["spec"]["volumes"][0]["secret"]["defaultMode"], 0o440);
}

#[test]
fn lists_of_lists_and_typed_lists_are_unfolded() {
    let input = read(
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Service, metadata: {name: a}}]}, \
         {apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: b}}]}]}",
    );
    let places: Vec<_> = input.manifests.iter().map(|m| format!("{}: {}", m.place, m.id)).collect();
    assert_eq!(
        places,
        [
            "in.yaml, document 1, item 1, item 1: Service default/a",
            "in.yaml, document 1, item 2, item 1: ConfigMap default/b"
        ]
    );
}

#[test]
fn json_streams_with_surrogate_pairs_are_read() {
    let input = read(
        r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}} {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"x": "\ud83d\ude00"}}"#,
    );
    assert_eq!(input.manifests[1].object["data"]["x"], "\u{1f600}");
}

/// Each of these is small to write and large to read.
#[rstest]
#[case::laughs(laughs(), "expands to more than a manifest can hold")]
#[case::squares(format!("a: &a [{}]\nb: [{}]", "~,".repeat(20_000), "*a,".repeat(20_000)), "expands to more than a manifest can hold")]
#[case::itself("a: &a [*a]".into(), "is inside its own anchor")]
#[case::brackets("[".repeat(1_000_000), "recursion limit exceeded")]
#[case::braces(format!("{}1{}", "{a: ".repeat(200), "}".repeat(200)), "recursion limit exceeded")]
#[case::dashes(format!("{}x", "- ".repeat(100_000)), "recursion limit exceeded")]
#[case::json(format!("{}{}", "[".repeat(200), "]".repeat(200)), "recursion limit exceeded")]
#[case::size("a: b\n".repeat(4 << 20), "is larger than 16 MiB")]
fn bombs_are_refused(#[case] text: String, #[case] said: &str) {
    let text = errors(text.as_bytes());
    assert!(text.contains(said), "{text}");
}

fn laughs() -> String {
    let line = |(name, of): (char, char)| format!("{name}: &{name} [{}]\n", format!("*{of},").repeat(9));
    format!("a: &a [{}]\n{}", "x,".repeat(9), ('b'..='j').zip('a'..='i').map(line).collect::<String>())
}

#[test]
fn other_encodings_are_refused() {
    assert!(errors(b"a: \xff").contains("is not UTF-8 (byte 4)"));
    assert!(errors(&"a: b".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).contains("document 1"));
}

proptest! {
    /// Whatever the bytes, there is an answer.
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[ \\n:{}\\[\\]&*!|>'\"a-c0-9,-]{0,80}") {
        let _ = parse("in.yaml", &bytes);
        let _ = parse("in.json", &bytes);
        let _ = parse("in.yaml", text.as_bytes());
    }

    /// Values that reach a file only through a resource are in it as one value, or are refused.
    #[test]
    fn no_value_breaks_out_of_its_file(value in ".{0,30}") {
        let spec = format!("{{cors: {{allowedOrigins: [{0}], allowHeaders: [{0}]}}}}", serde_json::to_string(&value).unwrap());
        let json = join(&[&service("openstack", "glance", "g.example"), &resource("glance", "Glance", "openstack", "glance", &spec)]);
        if parse("in.yaml", json.as_bytes()).is_ok() {
            let outcome = render(&json);
            for (_, _, text) in direct_upload_core::simulate::rendered_files(&outcome) {
                prop_assert_eq!(text.lines().filter(|l| l.starts_with('[')).count(), 1, "{}", text);
                prop_assert_eq!(text.lines().count(), 9, "{}", text);
            }
        }
    }
}
