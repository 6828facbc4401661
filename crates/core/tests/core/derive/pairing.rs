//! Who goes to whom, from which URLs, and may it: the derivers and the planner, asked through files.

use direct_upload_api::Reason;
use direct_upload_core::model::ResourceKind;
use direct_upload_core::simulate;
use rstest::rstest;
use test_support::manifests::{
    cloud, deployment, end, fed_back, glance, horizon, ingress, is_direct, join, origins, render, resource, sentences,
    service, svc,
};

const DIRECT: Reason = Reason::Verified;

/// The reason with which the one Horizon ends.
fn horizon_of(yaml: &str) -> (Reason, String) {
    let (_, reason, message) = end(&render(yaml), "Horizon openstack/horizon");
    (reason, message)
}

#[rstest]
#[case::defaults("{}", "{}", DIRECT, "upload directly to https://glance.example.com".into())]
#[case::disabled("{directUpload: {enabled: false}}", "{}", Reason::DirectDisabled, "direct upload is off".into())]
#[case::named("{directUpload: {glanceRef: {name: glance}}}", "{}", DIRECT, String::new())]
#[case::named_wrongly("{directUpload: {glanceRef: {name: other}}}", "{}", Reason::GlanceNotFound, "Glance openstack/other".into())]
#[case::stated_endpoint("{directUpload: {glanceEndpoint: 'https://images.example.com'}}", "{}", DIRECT, "https://images.example.com".into())]
#[case::internal_endpoint("{directUpload: {glanceEndpoint: 'http://glance.openstack.svc:9292'}}", "{}", Reason::EndpointNotPublic, "DU010".into())]
#[case::mixed_content("{directUpload: {glanceEndpoint: 'http://glance.example.com:9292'}}", "{}", Reason::MixedContent, "DU009".into())]
#[case::mixed_by_glance("{}", "{publicURL: 'http://glance.example.com'}", Reason::MixedContent, "DU009".into())]
#[case::plain_http_both(
    "{publicURL: 'http://horizon.example.com'}",
    "{publicURL: 'http://glance.example.com'}",
    DIRECT,
    String::new()
)]
#[case::loopback("{}", "{publicURL: 'https://127.0.0.1:9292'}", Reason::EndpointNotPublic, "loopback".into())]
#[case::no_workload("{workloadRef: {name: nowhere}}", "{}", Reason::WorkloadNotFound, "Deployment openstack/nowhere".into())]
#[case::other_kind("{workloadRef: {kind: DaemonSet}}", "{}", Reason::WorkloadNotFound, "DaemonSet horizon".into())]
#[case::no_container("{workloadRef: {container: web}}", "{}", Reason::ContainerUnknown, "horizon".into())]
#[case::path_unknown("{layout: OpenStackHelm}", "{}", Reason::PathUnknown, "spec.paths.localSettingsDir".into())]
#[case::path_elsewhere("{paths: {localSettingsDir: /tmp/local_settings.d}}", "{}", Reason::InvalidSpec, "spec.paths.localSettingsDir".into())]
#[case::glance_blocked("{}", "{paths: {configDir: /etc/glance/glance.conf.d}}", Reason::GlanceNotReady, "DU007".into())]
#[case::exposed_by_nothing("{exposedBy: [{kind: Ingress, name: other}]}", "{}", Reason::NotExposed, "there is no Ingress openstack/other".into())]
fn a_pair_ends_with_the_reason_that_its_specs_give(
    #[case] horizon_spec: &str,
    #[case] glance_spec: &str,
    #[case] reason: Reason,
    #[case] said: String,
) {
    let (found, message) = horizon_of(&join(&[&cloud(), &glance(glance_spec), &horizon(horizon_spec)]));
    assert_eq!(found, reason, "{message}");
    assert!(message.contains(&said), "{message}");
}

#[rstest]
#[case::missing(vec![], "{}", Reason::GlanceNotFound)]
#[case::ambiguous(vec![glance("{}"), resource("glance", "Glance", "openstack", "second", "{workloadRef: {name: other}}")], "{}", Reason::GlanceAmbiguous)]
#[case::chosen(vec![glance("{}"), resource("glance", "Glance", "openstack", "second", "{workloadRef: {name: other}}")], "{directUpload: {glanceRef: {name: glance}}}", DIRECT)]
#[case::external(vec![], "{directUpload: {glanceEndpoint: 'https://glance.example.com'}}", DIRECT)]
#[case::external_unproven(vec![], "{directUpload: {glanceEndpoint: 'https://glance.example.com', verification: 'Off'}}", Reason::ReadyUnverified)]
fn a_horizon_finds_the_only_glance_or_the_one_it_names(
    #[case] glances: Vec<String>,
    #[case] spec: &str,
    #[case] reason: Reason,
) {
    let yaml = glances.iter().fold(join(&[&cloud(), &horizon(spec)]), |yaml, glance| join(&[&yaml, glance]));
    let (found, message) = horizon_of(&yaml);
    assert_eq!(found, reason, "{message}");
}

#[rstest]
#[case::same("Same", "", false)]
#[case::all("All", "", true)]
#[case::selector("Selector", ", selector: {matchLabels: {cloud: public}}", true)]
#[case::other_selector(
    "Selector",
    ", selector: {matchExpressions: [{key: cloud, operator: NotIn, values: [public]}]}",
    false
)]
#[case::exists("Selector", ", selector: {matchExpressions: [{key: cloud, operator: Exists}]}", true)]
fn a_glance_admits_horizons_of_the_namespaces_that_it_selects(
    #[case] from: &str,
    #[case] selector: &str,
    #[case] granted: bool,
) {
    let glance = resource(
        "glance",
        "Glance",
        "images",
        "glance",
        &format!("{{cors: {{allowedHorizons: {{namespaces: {{from: {from}{selector}}}}}}}}}"),
    );
    let outcome = render(&join(&[
        "{apiVersion: v1, kind: Namespace, metadata: {name: openstack, labels: {cloud: public}}}",
        &service("images", "glance", "glance.example.com"),
        &service("openstack", "horizon", "horizon.example.com"),
        &glance,
        &horizon("{directUpload: {glanceRef: {name: glance, namespace: images}}}"),
    ]));
    assert_eq!(is_direct(&outcome, "openstack/horizon"), granted);
    let expected: &[&str] = if granted { &["https://horizon.example.com"] } else { &[] };
    assert_eq!(origins(&outcome, "images/glance"), expected);
    if !granted {
        assert_eq!(end(&outcome, "Horizon openstack/horizon").1, Reason::GlanceNotAllowed);
    }
}

/// Labels of a namespace that is not in the input are not there.
#[test]
fn a_selector_needs_the_namespace() {
    let glance = resource(
        "glance",
        "Glance",
        "images",
        "glance",
        "{cors: {allowedHorizons: {namespaces: {from: Selector, selector: {}}}}}",
    );
    let outcome = render(&join(&[
        &service("images", "glance", "glance.example.com"),
        &service("openstack", "horizon", "horizon.example.com"),
        &glance,
        &horizon("{directUpload: {glanceRef: {name: glance, namespace: images}}}"),
    ]));
    assert_eq!(end(&outcome, "Horizon openstack/horizon").1, Reason::GlanceNotAllowed);
}

#[rstest]
#[case::tls("{hosts: [h.example.com]}", "h.example.com", &["https://h.example.com"])]
#[case::tls_wildcard("{hosts: ['*.example.com']}", "h.example.com", &["https://h.example.com"])]
#[case::tls_wildcard_is_one_label("{hosts: ['*.com']}", "h.example.com", &["http://h.example.com"])]
#[case::tls_for_all("{secretName: x}", "h.example.com", &["https://h.example.com"])]
#[case::tls_of_another("{hosts: [other.example.com]}", "h.example.com", &["http://h.example.com"])]
#[case::upper_case("{hosts: [h.example.com]}", "H.Example.COM", &["https://h.example.com"])]
#[case::wildcard_host("{}", "*.example.com", &[])]
#[case::no_host("{}", "", &[])]
fn hosts_of_an_ingress_are_origins_of_the_scheme_that_its_tls_gives(
    #[case] tls: &str,
    #[case] host: &str,
    #[case] expected: &[&str],
) {
    let ingress = ingress("openstack", "horizon", "HOST")
        .replace("tls: [{hosts: ['HOST']}]", &format!("tls: [{tls}]"))
        .replace("HOST", host);
    let scheme = if expected.iter().any(|origin| origin.starts_with("http:")) { "HTTP" } else { "HTTPS" };
    let outcome = render(&join(&[
        &deployment("openstack", "horizon"),
        &svc("openstack", "horizon"),
        &ingress,
        &deployment("openstack", "glance"),
        &glance("{publicURL: 'http://g.example.com'}"),
        // Mixed content is another question.
        &horizon(&format!(
            "{{exposedBy: [{{kind: Ingress, name: horizon, scheme: {scheme}}}], directUpload: {{verification: 'Off'}}}}"
        )),
    ]));
    assert_eq!(origins(&outcome, "openstack/glance"), expected, "{:?}", end(&outcome, "Horizon openstack/horizon"));
}

#[test]
fn several_hosts_are_several_origins_with_the_port_that_the_controller_reports() {
    let path = "http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: horizon, port: {number: 80}}}}]}";
    let ingress = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{namespace: openstack, name: horizon}}, \
         spec: {{tls: [{{hosts: [a.example.com, b.example.com]}}], rules: [{{host: b.example.com, {path}}}, {{host: a.example.com, {path}}}, \
         {{host: c.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: other, port: {{number: 80}}}}}}}}]}}}}]}}, \
         status: {{loadBalancer: {{ingress: [{{ip: 192.0.2.1, ports: [{{port: 8443, protocol: TCP}}]}}]}}}}}}"
    );
    let outcome = render(&join(&[
        &deployment("openstack", "horizon"),
        &svc("openstack", "horizon"),
        &ingress,
        &service("openstack", "glance", "g.example.com"),
        &glance("{}"),
        &horizon("{}"),
    ]));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://a.example.com:8443", "https://b.example.com:8443"]);
}

#[test]
fn a_stated_url_gives_its_origin_only() {
    let outcome =
        render(&join(&[&cloud(), &glance("{}"), &horizon("{publicURL: 'https://Cloud.example.com:8443/dashboard/'}")]));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://cloud.example.com:8443"]);
}

#[test]
fn the_users_own_cors_is_carried_on() {
    let own = cloud().replace("    [paste_deploy]", "    [cors]\n    allowed_origin = https://skyline.example.com, https://Old.example.com:443\n    max_age = 7\n    allow_headers = X-Mine\n\n    [paste_deploy]");
    let outcome = render(&join(&[&own, &glance("{}"), &horizon("{}")]));
    assert_eq!(
        origins(&outcome, "openstack/glance"),
        ["https://horizon.example.com", "https://old.example.com", "https://skyline.example.com"]
    );
    let files = simulate::rendered_files(&outcome);
    let text = files.iter().find(|(id, _, _)| id.kind == ResourceKind::Glance).unwrap().2;
    assert!(text.contains("max_age = 7\n") && text.contains(",X-Mine,X-Image-Meta-Store"), "{text}");
}

#[test]
fn the_guessed_workload_must_be_the_only_one() {
    let both = join(&[&deployment("openstack", "glance"), &deployment("openstack", "glance-api")]);
    let (_, reason, message) = end(&render(&join(&[&both, &glance("{}")])), "Glance openstack/glance");
    assert_eq!(reason, Reason::WorkloadAmbiguous, "{message}");
    assert!(message.contains("glance-api"), "{message}");
    let named = render(&join(&[
        &both,
        &glance("{workloadRef: {name: glance-api}, cors: {allowedOrigins: ['https://a.example']}}"),
    ]));
    assert!(sentences(&named).iter().any(|s| s.ends_with("in Deployment openstack/glance-api")));
}

#[test]
fn several_containers_need_a_name() {
    let two = deployment("openstack", "glance")
        .replace("[{name: glance, image: x}]", "[{name: api, image: x}, {name: httpd, image: x}]");
    let (_, reason, message) = end(&render(&join(&[&two, &glance("{}")])), "Glance openstack/glance");
    assert_eq!(reason, Reason::ContainerUnknown);
    assert!(message.contains("api, httpd"), "{message}");
}

#[test]
fn an_owned_workload_is_refused_unless_asked_for() {
    let owned = deployment("openstack", "glance").replace("name: glance}, spec", "name: glance, ownerReferences: [{apiVersion: x/v1, kind: GlanceAPI, name: g, uid: u, controller: true}]}, spec");
    let spec = "cors: {allowedOrigins: ['https://a.example']}";
    let (_, reason, message) =
        end(&render(&join(&[&owned, &glance(&format!("{{{spec}}}"))])), "Glance openstack/glance");
    assert_eq!(reason, Reason::WorkloadOwned);
    assert!(message.contains("GlanceAPI/g"), "{message}");
    let outcome = render(&join(&[&owned, &glance(&format!("{{{spec}, workloadRef: {{allowOwned: true}}}}"))]));
    assert!(end(&outcome, "Glance openstack/glance").0);
}

/// The oldest resource has the workload; what no API server has seen is younger than all that one has.
#[rstest]
#[case::by_name("", "", "a")]
#[case::by_age("creationTimestamp: '2026-01-02T00:00:00Z', ", "creationTimestamp: '2026-01-01T00:00:00Z', ", "b")]
#[case::live_before_new("", "creationTimestamp: '2026-01-01T00:00:00Z', ", "b")]
fn one_resource_claims_a_workload(#[case] a: &str, #[case] b: &str, #[case] winner: &str) {
    let of = |name: &str, metadata: &str| {
        resource(
            "glance",
            "Glance",
            "openstack",
            name,
            "{workloadRef: {name: glance}, cors: {allowedOrigins: ['https://NAME.example']}}",
        )
        .replace("NAME", name)
        .replace("metadata: {", &format!("metadata: {{{metadata}"))
    };
    let outcome = render(&join(&[&deployment("openstack", "glance"), &of("a", a), &of("b", b)]));
    let loser = if winner == "a" { "b" } else { "a" };
    assert_eq!(end(&outcome, &format!("Glance openstack/{loser}")).1, Reason::WorkloadClaimed);
    assert_eq!(origins(&outcome, &format!("openstack/{winner}")), [format!("https://{winner}.example")]);
    assert_eq!(simulate::manifests(&outcome).len(), 2, "one ConfigMap, one workload");
}

#[test]
fn one_horizon_that_cannot_does_not_hold_up_the_other() {
    let bad = resource("horizon", "Horizon", "openstack", "bad", "{workloadRef: {name: bad}, layout: OpenStackHelm}");
    let outcome = render(&join(&[
        &cloud(),
        &service("openstack", "bad", "bad.example.com"),
        &glance("{}"),
        &horizon("{}"),
        &bad,
    ]));
    assert_eq!(end(&outcome, "Horizon openstack/bad").1, Reason::PathUnknown);
    assert!(is_direct(&outcome, "openstack/horizon"));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
}

#[test]
fn a_read_only_folder_takes_no_file() {
    let mounted = cloud().replace(
        "            - name: images\n              mountPath: /var/lib/glance",
        "            - name: config\n              mountPath: /etc/glance/glance-api.conf.d\n              readOnly: true",
    );
    let outcome = render(&join(&[&mounted, &glance("{}"), &horizon("{}")]));
    assert_eq!(end(&outcome, "Glance openstack/glance").1, Reason::PathReadOnly);
    assert!(!is_direct(&outcome, "openstack/horizon"), "{:?}", sentences(&outcome));
}

/// A Glance alone, and a Glance of which nothing is asked.
#[test]
fn a_glance_without_horizon_is_complete() {
    let asked = render(&join(&[
        &deployment("openstack", "glance"),
        &glance("{cors: {allowedOrigins: ['https://skyline.example']}}"),
    ]));
    assert!(end(&asked, "Glance openstack/glance").0);
    let idle = render(&join(&[&deployment("openstack", "glance"), &glance("{}")]));
    assert_eq!(end(&idle, "Glance openstack/glance").1, Reason::NoOrigins);
    assert_eq!(sentences(&idle), Vec::<String>::new());
}

/// While pods still upload directly from origins that nothing names any more, Glance keeps them.
#[test]
fn a_lost_exposure_takes_no_origin_away() {
    let yaml = join(&[&cloud(), &glance("{cors: {retireAfter: 0s}}"), &horizon("{}")]);
    let first = render(&yaml);
    let without: Vec<String> = test_support::manifests::read(&test_support::manifests::fed_back(&yaml, &first))
        .manifests
        .iter()
        .map(|m| &m.object)
        .filter(|o| !(o["kind"] == "Ingress" && o["metadata"]["name"] == "horizon"))
        .map(ToString::to_string)
        .collect();
    let outcome = render(&join(&without.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(end(&outcome, "Horizon openstack/horizon").1, Reason::NotExposed);
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
}

/// No browser uploads to a cluster-internal name, or with http from an https page. A direct dashboard goes
/// back, unless it must stay.
#[rstest]
#[case::internal("glanceEndpoint: 'https://glance.openstack.svc:9292'", Reason::EndpointNotPublic, false)]
#[case::mixed("glanceEndpoint: 'http://glance.example.com'", Reason::MixedContent, false)]
#[case::no_fallback(
    "fallback: None, glanceEndpoint: 'https://glance.openstack.svc:9292'",
    Reason::EndpointNotPublic,
    true
)]
fn a_direct_dashboard_goes_back_where_no_upload_can_work(
    #[case] direct_upload: &str,
    #[case] expected: Reason,
    #[case] stays: bool,
) {
    let with = |spec: &str| {
        join(&[
            &service("openstack", "horizon", "horizon.example.com"),
            &service("openstack", "glance", "glance.example.com"),
            &glance("{}"),
            &horizon(spec),
        ])
    };
    let before = render(&with("{}"));
    assert!(is_direct(&before, "openstack/horizon"));
    let after = render(&fed_back(&with(&format!("{{directUpload: {{{direct_upload}}}}}")), &before));
    let (_, reason, message) = end(&after, "Horizon openstack/horizon");
    assert_eq!(reason, expected, "{message}");
    assert_eq!(
        sentences(&after).iter().any(|step| step.contains("remove the operator's fields")),
        !stays,
        "{:#?}",
        sentences(&after)
    );
}
