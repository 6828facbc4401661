//! YAML of which a tool makes configuration: Helm values, uWSGI's own, and what is not claimed of them.

use direct_upload_check as check;
use direct_upload_check::{Report, Text, Verdict};
use rstest::rstest;

fn report(files: &[(&str, &str)], release: &str) -> Report {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: true };
    let (input, errors) = check::manifests::sort(
        files.iter().map(text).collect(),
        Some(release.parse().unwrap()),
        jiff::Timestamp::UNIX_EPOCH,
    );
    assert!(errors.is_empty(), "{errors:?}");
    check::check(input)
}

fn told(report: &Report) -> Vec<String> {
    let line = |f: &check::Finding| {
        let field = f.place.field.as_ref().map(ToString::to_string).unwrap_or_default();
        format!(
            "{} {} {}:{} {field}",
            f.severity,
            f.rule,
            f.place.file.clone().unwrap_or_default(),
            f.place.line.unwrap_or_default()
        )
    };
    report.findings.iter().map(line).collect()
}

const DIRECT: (&str, &str) = (
    "horizon.yaml",
    "conf:\n  horizon:\n    local_settings:\n      config:\n        horizon_images_upload_mode: direct\n        allowed_hosts:\n        - d.example\n",
);

#[rstest]
#[case::slash("conf:\n  glance:\n    cors:\n      allowed_origin: https://d.example/\n", &["error DU001 glance.yaml:4 conf.glance.cors.allowed_origin"])]
#[case::fine("conf:\n  glance:\n    cors:\n      allowed_origin: [https://d.example, https://e.example]\n", &[])]
#[case::other("conf:\n  glance:\n    DEFAULT: {workers: 2}\n    cors:\n      allowed_origin: https://e.example\n", &["error DU002 glance.yaml:5 conf.glance.cors.allowed_origin"])]
#[case::multistring("conf:\n  glance:\n    cors:\n      allowed_origin:\n        type: csv\n        values: [https://d.example/]\n", &["error DU001 glance.yaml:4 conf.glance.cors.allowed_origin"])]
#[case::headers("conf:\n  glance:\n    cors:\n      allowed_origin: https://d.example\n      allow_headers: [Content-MD5]\n", &["error DU003 glance.yaml:5 conf.glance.cors.allow_headers"])]
#[case::left_to_the_chart("conf:\n  glance:\n    cors: {}\n    DEFAULT: {log_config_append: null}\n", &[])]
#[case::templated("conf:\n  glance:\n    cors:\n      allowed_origin: \"{{ dashboard }}\"\n", &[])]
#[case::derived("endpoints:\n  dashboard:\n    scheme: {public: https}\n    host_fqdn_override: {public: {host: e.example}}\nconf:\n  glance:\n    cors: {}\n", &["error DU002 glance.yaml:2 conf.glance.cors.allowed_origin"])]
#[case::a_version("endpoints:\n  image:\n    scheme: {public: https}\n    host_fqdn_override: {public: {host: g.example}}\n    path: {default: /v2}\nconf:\n  glance:\n    cors: {allowed_origin: https://d.example}\n", &["warning DU011 glance.yaml:2 conf.glance.DEFAULT.public_endpoint"])]
#[case::uwsgi("conf:\n  glance_api_uwsgi:\n    uwsgi:\n      harakiri: 60\n  glance:\n    cors: {allowed_origin: https://d.example}\n", &["error DU015 glance.yaml:4 conf.glance_api_uwsgi.uwsgi.harakiri"])]
#[case::atmosphere("glance_helm_values:\n  conf:\n    glance:\n      cors:\n        allowed_origin: https://d.example/\n", &["error DU001 glance.yaml:5 glance_helm_values.conf.glance.cors.allowed_origin"])]
#[case::flux("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: glance, namespace: o}\nspec:\n  values:\n    conf:\n      glance:\n        cors:\n          allowed_origin: https://d.example/\n", &["error DU001 glance.yaml:9 spec.values.conf.glance.cors.allowed_origin"])]
fn values_of_glances_chart(#[case] values: &str, #[case] expected: &[&str]) {
    let report = report(&[("glance.yaml", values), DIRECT], "2025.1");
    assert_eq!(told(&report), expected);
    // A chart adds what is not written, so nothing is ever fine by values alone.
    assert_ne!(report.verdict(), Verdict::Fine);
    assert!(report.unseen.iter().any(|what| what.contains("Helm values")), "{:?}", report.unseen);
}

#[rstest]
#[case::mode("horizon_images_upload_mode: Direct", &["warning DU016 h.yaml:5 conf.horizon.local_settings.config HORIZON_IMAGES_UPLOAD_MODE"])]
#[case::raw("raw:\n          OPENSTACK_GLANCE_DIRECT_UPLOAD: 'True'", &["warning DU017 h.yaml:6 conf.horizon.local_settings.config OPENSTACK_GLANCE_DIRECT_UPLOAD"])]
#[case::fine("horizon_images_upload_mode: direct", &[])]
fn values_of_the_dashboards_chart(#[case] line: &str, #[case] expected: &[&str]) {
    let values = format!("conf:\n  horizon:\n    local_settings:\n      config:\n        {line}\n");
    assert_eq!(told(&report(&[("h.yaml", &values)], "2025.1")), expected);
}

#[test]
fn a_snippet_of_the_values_has_its_own_lines() {
    let values = "conf:\n  horizon:\n    local_settings_d:\n      _60_direct: |\n        # direct\n        HORIZON_IMAGES_UPLOAD_MODE = 'Direct'\n";
    let told = told(&report(&[("h.yaml", values)], "2025.1"));
    assert_eq!(told, ["warning DU016 h.yaml:6 conf.horizon.local_settings_d._60_direct HORIZON_IMAGES_UPLOAD_MODE"]);
}

const CONF: (&str, &str) = ("etc/glance/glance-api.conf", "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n");
const SETTINGS: (&str, &str) = (
    "etc/openstack-dashboard/local_settings.py",
    "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
);

#[rstest]
#[case::yaml("etc/glance/glance-uwsgi.yaml", "uwsgi:\n  http-socket: :9292\n  chunked-input-limit: 67108864\n  harakiri: 60\n", &["error DU015 etc/glance/glance-uwsgi.yaml:4 harakiri"])]
#[case::map("etc/haproxy/x.map", "d.example horizon-back\n", &[])]
fn uwsgis_yaml(#[case] name: &str, #[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(told(&report(&[(name, text), CONF, SETTINGS], "2025.1")), expected);
}

/// What people add to RHOSO's configuration, in the field where they write it.
#[test]
fn custom_service_configs_of_a_control_plane() {
    let plane = "apiVersion: core.openstack.org/v1beta1\nkind: OpenStackControlPlane\nmetadata: {name: openstack, namespace: o}\nspec:\n  horizon:\n    template:\n      customServiceConfig: |\n        HORIZON_IMAGES_UPLOAD_MODE = 'Direct'\n  glance:\n    template:\n      customServiceConfig: |\n        [cors]\n        allowed_origin = https://d.example/\n        allow_headers = *\n      glanceAPIs:\n        default:\n          customServiceConfig: |\n            [cors]\n            allow_methods = GET\n";
    let report = report(&[("plane.yaml", plane)], "2025.1");
    let glance = "spec.glance.template.customServiceConfig [cors]";
    let expected = [
        format!("error DU001 plane.yaml:13 {glance} allowed_origin"),
        format!("error DU003 plane.yaml:14 {glance} allow_headers"),
        "error DU004 plane.yaml:19 spec.glance.template.glanceAPIs.default.customServiceConfig [cors] allow_methods"
            .to_owned(),
        "warning DU016 plane.yaml:8 spec.horizon.template.customServiceConfig HORIZON_IMAGES_UPLOAD_MODE".to_owned(),
    ];
    assert_eq!(told(&report), expected);
    assert_eq!(report.verdict(), Verdict::Fails);
}

/// HAProxy chooses the backend by a map.
#[rstest]
#[case::there(&[("etc/haproxy/hosts.map", "# hosts\nd.example horizon-back\ng.example glance-back\n")], 1, false)]
#[case::suffix(&[("etc/haproxy/hosts.map", "d.example horizon\ng.example glance\n")], 1, false)]
#[case::missing(&[], 0, true)]
fn haproxys_maps(#[case] maps: &[(&str, &str)], #[case] errors: usize, #[case] unseen: bool) {
    let suffix = if maps.iter().any(|(_, text)| text.contains("-back")) { "" } else { "-back" };
    let haproxy = format!(
        "defaults\n  mode http\n  timeout server 1h\nfrontend public\n  bind :443 ssl crt x.pem\n  http-request deny unless {{ method GET PUT POST }}\n  use_backend %[req.hdr(host),lower,map(/etc/haproxy/hosts.map)]{suffix}\nbackend glance-back\n  server g 192.0.2.1:9292\nbackend horizon-back\n  server h 192.0.2.1:80\n"
    );
    let mut files = vec![("etc/haproxy/haproxy.cfg", haproxy.as_str()), CONF, SETTINGS];
    files.extend(maps);
    let report = report(&files, "2025.1");
    let found = report.findings.iter().filter(|f| f.rule.to_string() == "DU020").count();
    assert_eq!(found, errors, "{:#?}", report.findings);
    assert_eq!(report.unseen.iter().any(|what| what.contains("hosts.map")), unseen, "{:?}", report.unseen);
}

/// What starts Glance, as systemd's units say.
#[rstest]
#[case::gone("ExecStart=/usr/bin/glance-wsgi-api \\\n  --config-file /etc/glance/glance-api.conf", "2026.1", &["error DU018 etc/systemd/system/glance-api.service:2 ExecStart"], false)]
#[case::there("ExecStart=/usr/bin/glance-api --config-file=/etc/glance/glance-api.conf", "2025.1", &[], false)]
#[case::another_file("ExecStart=/usr/bin/glance-api --config-file /srv/glance-api.conf", "2025.1", &[], true)]
fn systemds_units(#[case] line: &str, #[case] release: &str, #[case] expected: &[&str], #[case] unseen: bool) {
    let unit = format!("[Service]\n{line}\n");
    let conf = format!("{}allow_headers = X-Auth-Token,X-CSRFToken\n", CONF.1);
    let report = report(&[("etc/systemd/system/glance-api.service", &unit), (CONF.0, &conf), SETTINGS], release);
    assert_eq!(told(&report), expected);
    assert_eq!(report.unseen.iter().any(|what| what.contains("/srv/glance-api.conf")), unseen, "{:?}", report.unseen);
}

/// `[cors]` of other services is read as Glance's is; uploads fail only where Keystone does not start.
#[rstest]
#[case::fine("[cors]\nallowed_origin = https://d.example\n", &[])]
#[case::slash("[cors]\nallowed_origin = https://d.example/\n", &["warning DU001 etc/keystone/keystone.conf:2 [cors] allowed_origin"])]
#[case::any("[cors]\nallowed_origin = *\n", &["warning DU005 etc/keystone/keystone.conf:2 [cors] allowed_origin"])]
#[case::misspelt("[cors]\nallowed_origins = https://d.example\n", &["warning DU017 etc/keystone/keystone.conf:2 [cors] allowed_origins"])]
#[case::group("[cors.horizon]\nallowed_origin = https://d.example\n", &["note DU006 etc/keystone/keystone.conf:2 [cors.horizon] allowed_origin"])]
#[case::refused("[cors]\nno assignment\n", &["error DU007 etc/keystone/keystone.conf:2 "])]
#[case::elsewhere("[DEFAULT]\nallowed_origin = x/\n", &["warning DU017 etc/keystone/keystone.conf:2 [DEFAULT] allowed_origin"])]
#[case::none("[DEFAULT]\ndebug = true\n", &[])]
fn other_services(#[case] text: &str, #[case] expected: &[&str]) {
    let alone = report_of(&[("etc/keystone/keystone.conf", text)]);
    if !expected.is_empty() || text.contains("[cors") {
        assert_eq!(told(&alone), expected);
        assert_eq!(alone.checked.iter().map(|subject| subject.service).collect::<Vec<_>>(), ["keystone"]);
        assert_ne!(alone.verdict(), Verdict::Fine);
    }
    // In a tree with Glance they are no Glance's files.
    let together = report_of(&[("etc/keystone/keystone.conf", text), CONF, SETTINGS]);
    assert_eq!(told(&together), expected);
}

/// Other services in the words of a deployment tool.
#[rstest]
#[case::helm("keystone.yaml", "conf:\n  keystone:\n    cors:\n      allowed_origin: https://d.example/\n", &["warning DU001 keystone.yaml:4 conf.keystone.cors.allowed_origin"])]
#[case::helm_without("nova.yaml", "conf:\n  nova:\n    DEFAULT:\n      debug: true\n", &[])]
#[case::ansible("user_variables.yml", "debug: false\nnova_nova_conf_overrides:\n  cors:\n    allowed_origin: [https://d.example]\n    allow_headers: '*'\n", &["warning DU003 user_variables.yml:5 nova_nova_conf_overrides.cors.allow_headers"])]
#[case::ansible_without("user_variables.yml", "nova_nova_conf_overrides:\n  DEFAULT:\n    debug: true\n", &[])]
fn other_services_in_a_tools_words(#[case] name: &str, #[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(told(&report_of(&[(name, text), DIRECT])), expected);
}

/// openstack-ansible's variables: Glance's overrides, uWSGI's, and the dashboard's mode.
#[test]
fn variables_of_openstack_ansible() {
    let variables = "glance_default_store: file\nhorizon_images_upload_mode: Direct\nglance_glance_api_conf_overrides:\n  cors:\n    allowed_origin: https://d.example/\nglance_api_uwsgi_ini_overrides:\n  uwsgi:\n    harakiri: 60\n";
    let report = report(&[("etc/openstack_deploy/user_variables.yml", variables)], "2025.1");
    let found = told(&report);
    let place = "etc/openstack_deploy/user_variables.yml";
    for expected in [
        format!("error DU001 {place}:5 glance_glance_api_conf_overrides.cors.allowed_origin"),
        format!("warning DU016 {place}:2 horizon_images_upload_mode HORIZON_IMAGES_UPLOAD_MODE"),
    ] {
        assert!(found.contains(&expected), "{found:#?}");
    }
    assert!(found.iter().any(|line| line.contains("DU015") && line.contains("harakiri")), "{found:#?}");
    assert_ne!(report.verdict(), Verdict::Fine);
}

/// What openstack-ansible's templates write around its variables: `[cors]` with a list of headers, the paste file, and
/// the dashboard's settings.
#[rstest]
#[case::fine("2025.1", "glance_cors_allowed_origin: https://d.example\n", &[])]
#[case::headers_of_the_template("2026.1", "glance_cors_allowed_origin: https://d.example\n", &["error DU003 v.yml:2 [cors] allow_headers"])]
#[case::overridden("2026.1", "glance_cors_allowed_origin: https://d.example/\nglance_glance_api_conf_overrides:\n  cors:\n    allowed_origin: https://d.example\n    allow_headers: X-Auth-Token,X-CSRFToken\n", &[])]
#[case::slash("2025.1", "glance_cors_allowed_origin: https://d.example/\n", &["error DU001 v.yml:2 [cors] allowed_origin"])]
#[case::another_host("2025.1", "glance_cors_allowed_origin: https://d.example\nhorizon_allowed_hosts: [e.example]\n", &["error DU002 v.yml:2 [cors] allowed_origin"])]
#[case::no_origin("2025.1", "glance_cors_allowed_origin: null\n", &[])]
#[case::computed("2025.1", "glance_cors_allowed_origin: \"https://{{ external_lb_vip_address }}\"\n", &[])]
#[case::pipeline_without_cors("2025.1", "glance_glance_api_paste_ini_overrides:\n  pipeline:glance-api-keystone:\n    pipeline: versionnegotiation authtoken context rootapp\n", &["error DU008 v.yml:4 glance_glance_api_paste_ini_overrides pipeline"])]
#[case::another_pipeline_without_cors("2025.1", "glance_glance_api_paste_ini_overrides:\n  pipeline:glance-api-keystone+cachemanagement:\n    pipeline: versionnegotiation authtoken context cache cachemanage rootapp\n", &["error DU008 v.yml:4 glance_glance_api_paste_ini_overrides pipeline"])]
#[case::pipeline_with_cors("2026.1", "glance_glance_api_paste_ini_overrides:\n  pipeline:glance-api-keystone:\n    pipeline: cors versionnegotiation osprofiler authtoken context rootapp\n", &[])]
#[case::filter_that_is_not_there("2025.1", "glance_glance_api_paste_ini_overrides:\n  pipeline:glance-api-keystone:\n    pipeline: cors ratelimit authtoken context rootapp\n", &["error DU008 v.yml:4 glance_glance_api_paste_ini_overrides pipeline"])]
#[case::token_first("2025.1", "glance_glance_api_paste_ini_overrides:\n  pipeline:glance-api-keystone:\n    pipeline: authtoken cors context rootapp\n  filter:authtoken:\n    delay_auth_decision: false\n", &["error DU020 v.yml:4 glance_glance_api_paste_ini_overrides pipeline"])]
#[case::origin_of_the_filter("2025.1", "glance_cors_allowed_origin: https://d.example\nhorizon_allowed_hosts: [d.example]\nglance_glance_api_paste_ini_overrides:\n  filter:cors:\n    allowed_origin: https://old.example\n", &["error DU007 v.yml:2 [cors] allowed_origin"])]
#[case::cookie("2025.1", "glance_cors_allowed_origin: https://d.example\nhorizon_extra_local_settings:\n  CSRF_COOKIE_HTTPONLY: true\n", &["error DU003 v.yml:2 [cors] allow_headers"])]
#[case::python("2025.1", "horizon_extra_local_settings:\n  HORIZON_IMAGES_UPLOAD_MODE: \"'Direct'\"\n", &["warning DU016 v.yml:1 horizon_images_upload_mode HORIZON_IMAGES_UPLOAD_MODE", "warning DU016 v.yml:3 horizon_images_upload_mode HORIZON_IMAGES_UPLOAD_MODE"])]
fn templates_of_openstack_ansible(#[case] release: &str, #[case] variables: &str, #[case] expected: &[&str]) {
    let text = format!("horizon_images_upload_mode: direct\n{variables}");
    let report = report(&[("v.yml", &text)], release);
    assert_eq!(told(&report), expected);
    assert_ne!(report.verdict(), Verdict::Fine);
    assert!(report.unseen.iter().any(|what| what.contains("variables of openstack-ansible")), "{:?}", report.unseen);
}

/// HORIZON_CONFIG is not where Horizon looks for the mode, and the advice names the variable.
#[test]
fn horizon_config_overrides() {
    let report = report(
        &[(
            "v.yml",
            "horizon_config_overrides:\n  HORIZON_IMAGES_UPLOAD_MODE: direct\n  help_url: https://h.example\n",
        )],
        "2025.1",
    );
    assert_eq!(told(&report), ["warning DU016 v.yml:2 horizon_config_overrides HORIZON_IMAGES_UPLOAD_MODE"]);
    assert!(report.findings[0].fix.contains("horizon_images_upload_mode in user_variables.yml"), "{report:#?}");
}

/// Each service of a control plane, also at its API's own place.
#[test]
fn custom_service_configs_of_other_services() {
    let plane = "apiVersion: core.openstack.org/v1beta1\nkind: OpenStackControlPlane\nmetadata: {name: openstack, namespace: o}\nspec:\n  keystone:\n    template:\n      customServiceConfig: |\n        [cors]\n        allowed_origin = https://d.example/\n  cinder:\n    template:\n      cinderAPI:\n        customServiceConfig: |\n          [cors]\n          allowed_origin = *\n  nova:\n    template:\n      customServiceConfig: |\n        [DEFAULT]\n        debug = true\n";
    let found = told(&report_of(&[("plane.yaml", plane)]));
    assert_eq!(
        found,
        [
            "warning DU001 plane.yaml:9 spec.keystone.template.customServiceConfig [cors] allowed_origin",
            "warning DU005 plane.yaml:15 spec.cinder.template.cinderAPI.customServiceConfig [cors] allowed_origin",
        ]
    );
}

fn report_of(files: &[(&str, &str)]) -> Report {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    check::check(
        check::manifests::sort(
            files.iter().map(text).collect(),
            Some("2025.1".parse().unwrap()),
            jiff::Timestamp::UNIX_EPOCH,
        )
        .0,
    )
}

/// Traefik's own file.
#[rstest]
#[case::default("  websecure:\n    address: :443\n", &["warning DU015 etc/traefik/traefik.yaml:2 entryPoints.websecure.transport.respondingTimeouts.readTimeout"])]
#[case::off("  websecure:\n    address: :443\n    transport: {respondingTimeouts: {readTimeout: 0}}\n", &[])]
#[case::short("  websecure:\n    address: :443\n    transport:\n      respondingTimeouts:\n        readTimeout: 10m\n", &["warning DU015 etc/traefik/traefik.yaml:6 entryPoints.websecure.transport.respondingTimeouts.readTimeout"])]
#[case::redirects("  web:\n    address: :80\n    http: {redirections: {entryPoint: {to: websecure}}}\n  diagnostics:\n    address: :8082\n", &[])]
fn traefiks_entry_points(#[case] entry_points: &str, #[case] expected: &[&str]) {
    let text = format!("entryPoints:\n{entry_points}");
    assert_eq!(told(&report_of(&[("etc/traefik/traefik.yaml", &text), CONF, SETTINGS])), expected);
}

/// The same in TOML; the dynamic file chooses by path, so Glance has the dashboard's origin.
#[rstest]
#[case::default("  [entryPoints.websecure]\n    address = \":443\"\n", &["warning DU015 etc/traefik/traefik.toml:2 entryPoints.websecure.transport.respondingTimeouts.readTimeout"])]
#[case::off("[entryPoints.websecure]\naddress = \":443\"\n[entryPoints.websecure.transport.respondingTimeouts]\nreadTimeout = 0\n", &[])]
#[case::short("[entryPoints.websecure]\naddress = \":443\"\n\n[entryPoints.websecure.transport.respondingTimeouts]\nreadTimeout = \"10m\"\n", &["warning DU015 etc/traefik/traefik.toml:6 entryPoints.websecure.transport.respondingTimeouts.readTimeout"])]
#[case::inline("websecure = {address = \":443\", transport = {respondingTimeouts = {readTimeout = \"90s\"}}}\n", &["warning DU015 etc/traefik/traefik.toml:2 entryPoints.websecure.transport.respondingTimeouts.readTimeout"])]
#[case::not_toml("[entryPoints.websecure\naddress = \":443\"\n", &[])]
fn traefiks_entry_points_in_toml(#[case] entry_points: &str, #[case] expected: &[&str]) {
    let text = format!("[entryPoints]\n{entry_points}");
    let report = report_of(&[("etc/traefik/traefik.toml", &text), CONF, SETTINGS]);
    assert_eq!(told(&report), expected);
    let fix = "readTimeout = \"0s\" in [entryPoints.websecure.transport.respondingTimeouts], which is no limit";
    assert!(report.findings.iter().all(|finding| finding.fix == fix), "{report:#?}");
}

#[test]
fn traefiks_routers_in_toml() {
    let routers = "[http.routers.horizon]\nrule = \"PathPrefix(`/horizon`)\"\nservice = \"horizon\"\n[http.routers.glance]\nrule = 'PathPrefix(`/glance`)'\nservice = \"glance\"\n";
    let conf = "[DEFAULT]\n[cors]\nallowed_origin = https://other.example\n";
    let found = |more: &[(&str, &str)]| told(&report_of(&[&[(CONF.0, conf), SETTINGS], more].concat()));
    assert!(found(&[]).iter().any(|line| line.starts_with("error DU002")));
    assert!(!found(&[("etc/traefik/dynamic.toml", routers)]).iter().any(|line| line.starts_with("error")));
}

/// A control plane's values for kustomize, which never reach a cluster, in the folders of two clouds; their maps are no
/// mistake.
#[test]
fn values_of_control_planes() {
    let values = |mode: &str, origin: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: service-values, annotations: {{config.kubernetes.io/local-config: \"true\"}}}}\ndata:\n  preserveJobs: false\n  horizon:\n    customServiceConfig: |\n      HORIZON_IMAGES_UPLOAD_MODE = '{mode}'\n  glance:\n    customServiceConfig: |\n      [cors]\n      allowed_origin = {origin}\n"
        )
    };
    let (one, two) = (values("direct", "https://d.example/"), values("off", "https://e.example"));
    let report = report_of(&[("clouds/one/service-values.yaml", &one), ("clouds/two/service-values.yaml", &two)]);
    let place = "data.glance.customServiceConfig [cors] allowed_origin";
    assert_eq!(told(&report), [format!("error DU001 clouds/one/service-values.yaml:12 {place}")]);
    assert!(!report.unseen.iter().any(|what| what.contains("expected a string")), "{:?}", report.unseen);
    assert!(report.unseen.iter().any(|what| what.starts_with("clouds/two/service-values.yaml data.glance")));
}

/// What kolla-ansible adds to its own files is not the whole of them: they have `[cors]`.
#[rstest]
#[case::added("etc/kolla/config/glance/glance-api.conf", &[])]
#[case::added_by_osism("environments/kolla/files/overlays/glance/glance-api.conf", &[])]
#[case::whole("etc/kolla/glance-api/glance-api.conf", &["note DU002"])]
fn files_that_kolla_adds_to_its_own(#[case] name: &str, #[case] expected: &[&str]) {
    let report =
        report_of(&[(name, "[DEFAULT]\nshow_multiple_locations = True\n[glance_store]\ndefault_backend = x\n")]);
    let found: Vec<String> = report.findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    assert_eq!(found, expected, "{report:#?}");
    assert_ne!(report.verdict(), Verdict::Fine);
}

/// What only describes objects is none of the upload's.
#[test]
fn definitions_of_kinds_are_not_objects_on_the_way() {
    let text = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: glances.glance.openstack.org}\nspec: {group: glance.openstack.org, names: {kind: Glance, plural: glances}, scope: Namespaced, versions: []}\n";
    let report = report_of(&[("crd.yaml", text), CONF, SETTINGS]);
    assert!(!report.unseen.iter().any(|what| what.contains("CustomResourceDefinition")), "{:?}", report.unseen);
}

/// Middlewares of Traefik's own file are not read, so nothing is fine behind them.
#[rstest]
#[case::yaml(
    "etc/traefik/dynamic.yaml",
    "http:\n  routers:\n    images:\n      rule: Host(`g.example`)\n      service: glance\n      middlewares: [login, cors]\n",
    Some("etc/traefik/dynamic.yaml:6: check does not read what login, cors does to uploads")
)]
#[case::toml(
    "etc/traefik/dynamic.toml",
    "[http.routers.images]\nrule = \"Host(`g.example`)\"\nservice = \"glance\"\nmiddlewares = [\"login\"]\n",
    Some("etc/traefik/dynamic.toml:4: check does not read what login does to uploads")
)]
#[case::none(
    "etc/traefik/dynamic.yaml",
    "http:\n  routers:\n    images:\n      rule: Host(`g.example`)\n      service: glance\n",
    None
)]
#[case::of_another(
    "etc/traefik/dynamic.yaml",
    "http:\n  routers:\n    wiki:\n      rule: Host(`w.example`)\n      service: wiki\n      middlewares: [login]\n",
    None
)]
fn middlewares_of_traefiks_file(#[case] name: &str, #[case] text: &str, #[case] unseen: Option<&str>) {
    let report = report_of(&[(name, text), CONF, SETTINGS]);
    let told = report.unseen.iter().find(|what| what.contains("etc/traefik"));
    assert_eq!(told.map(String::as_str), unseen, "{report:#?}");
}
