//! "Fine" is said only of what was seen as a whole.

use direct_upload_api::Rule;
use direct_upload_check as check;
use direct_upload_check::{Report, Text, Verdict};
use rstest::rstest;

fn report(files: &[(&str, &str)]) -> Report {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let release = Some("2025.1".parse().unwrap());
    let (input, errors) =
        check::manifests::sort(files.iter().map(text).collect(), release, jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    check::check(input)
}

const CONF: (&str, &str) = ("etc/glance/glance-api.conf", "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n");
const SETTINGS: (&str, &str) = (
    "etc/openstack-dashboard/local_settings.py",
    "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
);
const HORIZON: (&str, &str) = (
    "etc/apache2/sites-enabled/horizon.conf",
    "<VirtualHost *:443>\nServerName d.example\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n",
);
const GLANCE: (&str, &str) = (
    "etc/apache2/sites-enabled/glance.conf",
    "<VirtualHost *:443>\nServerName g.example\nSSLEngine on\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n",
);

#[test]
fn a_whole_cloud_is_fine() {
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE]);
    assert_eq!((report.verdict(), report.findings.len(), report.unseen), (Verdict::Fine, 0, vec![]));
}

/// Debian's old and waiting sites: the server does not read them, unless they are all that there is.
#[test]
fn a_site_that_is_not_enabled_does_not_count() {
    let limit = GLANCE.1.replace(
        "ProxyPass / http://127.0.0.1:9292/",
        "LimitRequestBody 1000000\nWSGIScriptAlias / /usr/bin/glance-wsgi-api",
    );
    let old = ("etc/apache2/sites-available/old.conf", limit.as_str());
    let enabled = report(&[CONF, SETTINGS, HORIZON, GLANCE, old]);
    assert_eq!((enabled.verdict(), enabled.findings.len()), (Verdict::Fine, 0));
    let alone = report(&[CONF, SETTINGS, old]);
    assert!(alone.findings.iter().any(|finding| finding.rule == Rule::BodyLimit), "{:?}", alone.findings);
}

#[rstest]
#[case::glance(&[SETTINGS, HORIZON, GLANCE], "Glance: the input has no readable configuration")]
#[case::dashboard(&[CONF, HORIZON, GLANCE], "the dashboard: the input has no readable settings")]
#[case::before_glance(&[CONF, SETTINGS, HORIZON], "how browsers reach Glance")]
#[case::before_the_dashboard(&[CONF, SETTINGS, GLANCE], "how browsers reach the dashboard")]
#[case::a_fragment(&[("etc/glance/glance-api.conf.d/1.conf", "[cors]\nallowed_origin = https://d.example\n"), SETTINGS, HORIZON, GLANCE], "only fragments")]
#[case::a_template(&[CONF, SETTINGS, HORIZON, GLANCE, ("roles/x/templates/glance-api.conf.j2", "[cors]\nallowed_origin = {{ x }}\n")], "is a template")]
#[case::a_chart(&[CONF, SETTINGS, HORIZON, GLANCE, ("chart/templates/deployment.yaml", "{{- if .Values.x }}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance}\n{{- end }}\n")], "is a template")]
#[case::a_computed_mode(&[CONF, ("etc/openstack-dashboard/local_settings.py", "import x\nALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = x.mode()\n"), HORIZON, GLANCE], "HORIZON_IMAGES_UPLOAD_MODE depends")]
#[case::a_file_of_kolla(&[("etc/kolla/horizon/config.json", "{\"command\": \"x\", \"config_files\": [{\"source\": \"/var/lib/kolla/config_files/_9998-kolla-settings.py\", \"dest\": \"/etc/openstack-dashboard/local_settings.d/_9998-kolla-settings.py\"}, {\"source\": \"/var/lib/kolla/config_files/_9999-custom-settings.py\", \"dest\": \"/etc/openstack-dashboard/local_settings.d/_9999-custom-settings.py\"}]}"), ("etc/kolla/horizon/_9999-custom-settings.py", "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], "which config.json copies")]
#[case::a_kind(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nmetadata: {name: r, namespace: o}\nspec: {http: [{backends: [{serviceName: glance-api}]}]}\n")], "check does not read objects of this kind")]
#[case::a_release(&[CONF, SETTINGS, HORIZON, GLANCE, ("r.yaml", "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: glance, namespace: o}\nspec: {chart: {spec: {chart: glance}}}\n")], "what it deploys is not in the input")]
#[case::a_secret(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, secret: {secretName: glance-etc}}]}}}\n")], "Secret o/glance-etc")]
#[case::a_key(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}], volumes: [{name: v, configMap: {name: glance-etc}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance-etc, namespace: o}\ndata: {other: x}\n")], "which has no such key")]
#[case::a_volume(&[("glance.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: v, mountPath: /etc/glance}]}], volumes: [{name: v, hostPath: {path: /srv/glance}}]}}}\n")], "a hostPath volume")]
fn what_is_missing_is_named(#[case] files: &[(&str, &str)], #[case] expected: &str) {
    let report = report(files);
    assert_eq!(report.verdict(), Verdict::Incomplete, "{:#?}", report.findings);
    assert!(report.unseen.iter().any(|what| what.contains(expected)), "{:#?}", report.unseen);
}

/// Files that are mounted in addition to configuration do not affect an upload.
#[test]
fn certificates_are_not_missed() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: g, volumeMounts: [{name: c, mountPath: /etc/glance/certs/tls.crt}]}], volumes: [{name: c, secret: {secretName: glance-tls}}]}}}\n";
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE, ("glance.yaml", text)]);
    assert_eq!(report.unseen, [""; 0]);
}

/// A report ends with what was looked at, and an incomplete one never says "fine".
#[test]
fn a_report_ends_with_what_was_looked_at() {
    let text = check::output::text(&report(&[CONF, SETTINGS, HORIZON]), false);
    assert!(text.starts_with("incomplete: "), "{text}");
    assert!(!text.contains("fine"), "{text}");
    let (_, table) = text.split_once("checked:\n").unwrap();
    assert!(table.contains("Glance") && table.contains("release 2025.1 (--release)"), "{table}");
    assert!(table.ends_with("behind httpd etc/apache2/sites-enabled/horizon.conf:1\n"), "{table}");
}
