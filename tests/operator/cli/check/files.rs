//! How `check` handles files that are not quite configuration: it says so, or ignores them.

use std::fs;

use direct_upload_check as check;
use direct_upload_check::Report;
use rstest::rstest;
use tempfile::TempDir;

const CONF: (&str, &[u8]) = ("etc/glance/glance-api.conf", b"[cors]\nallowed_origin = https://d.example\n");
const SETTINGS: (&str, &[u8]) = (
    "etc/openstack-dashboard/local_settings.py",
    b"ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n",
);

/// A report on a folder with these files, and what could not be used.
fn folder(files: &[(&str, &[u8])]) -> (Report, Vec<String>) {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let (texts, mut errors) = direct_upload_operator::cli::check::files::read(&[folder.path().to_owned()]);
    let (input, more) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::now());
    errors.extend(more);
    (check::check(input), errors)
}

/// What is not seen of these files; that nothing stands before the two programs is no matter here.
fn unseen(report: &Report) -> Vec<&String> {
    report.unseen.iter().filter(|what| !what.starts_with("how browsers reach")).collect()
}

fn told(report: &Report) -> Vec<String> {
    report.findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect()
}

/// Beside a cloud that is fine, nothing of this is worth an error or a finding.
#[rstest]
#[case::ansibles_tags("group_vars/all.yml", "vault: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n")]
#[case::merge_markers("values/netpol.yaml", "# x\nmanifests:\n  a: %%%REPLACE%%%\n  b: @x\n")]
#[case::a_patch("patches/replicas.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec: {replicas: 2}\n")]
#[case::an_expectation("tests/01-assert.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {labels: {app: x}}\n")]
#[case::wrapped_base64(
    "logo.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: logo}\nbinaryData:\n  a.ico: |\n    AAAA\n    AAAA\n"
)]
#[case::braces_in_texts("etc/openstack-dashboard/local_settings.d/1.py", "BANNER = '{{ user }} {% if x %}'\n")]
fn what_is_no_configuration_is_passed_over(#[case] name: &str, #[case] text: &str) {
    let (report, errors) = folder(&[CONF, SETTINGS, (name, text.as_bytes())]);
    assert_eq!((errors, told(&report), unseen(&report)), (vec![], vec![], vec![]));
}

#[rstest]
#[case::jinja("roles/x/glance-api.conf", "[cors]\nallowed_origin = {{ horizon_public_endpoint }}\n")]
#[case::jinja_blocks("roles/x/local_settings.py", "{% if a %}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n{% endif %}\n")]
#[case::go(
    "templates/00-config.conf",
    "{{ if .Horizon }}\n[cors]\nallowed_origin={{ .Horizon }}\n{{ end }}\n[glance_store]\n"
)]
#[case::erb("files/glance-api.conf", "[cors]\nallowed_origin = <%= @origin %>\n")]
fn a_template_is_not_judged(#[case] name: &str, #[case] text: &str) {
    let (report, errors) = folder(&[CONF, SETTINGS, (name, text.as_bytes())]);
    assert_eq!((errors, told(&report)), (vec![], vec![]));
    let unseen = unseen(&report);
    assert!(unseen.len() == 1 && unseen[0].contains("is a template"), "{unseen:?}");
}

#[rstest]
#[case::settings(&[CONF, ("etc/openstack-dashboard/local_settings.py", b"# gr\xfc\xdfe\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], "error DU016")]
#[case::conf(&[("etc/glance/glance-api.conf", &b"[cors]\n# gr\xfc\xdfe\nallowed_origin = https://d.example\n"[..]), SETTINGS], "error DU007")]
fn other_encodings_are_told(#[case] files: &[(&str, &[u8])], #[case] expected: &str) {
    let (report, errors) = folder(files);
    assert_eq!((errors, told(&report)), (vec![], vec![expected.to_owned()]));
}

/// A Secret's file whose base64 is broken into lines is read like any other.
#[test]
fn secrets_may_be_wrapped() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: glance-etc}\ndata:\n  glance-api.conf: |\n    W2NvcnNdCmFsbG93ZWRfb3JpZ2luID0g\n    aHR0cHM6Ly9kLmV4YW1wbGUvCg==\n";
    let (report, errors) = folder(&[("secret.yaml", text.as_bytes()), SETTINGS]);
    assert_eq!((errors, told(&report)), (vec![], vec!["error DU001".to_owned()]));
}

/// Documents before it that hold nothing do not move an object's lines.
#[rstest]
#[case::null("null\n")]
#[case::tilde("# nothing\n---\n~\n")]
#[case::empty("---\n---\n")]
#[case::ended("---\n...\n# nothing\n")]
#[case::text("a: null\n---\nnull\n---\n\"\"\n")]
fn lines_are_right_after_documents_without_objects(#[case] before: &str) {
    let text = format!(
        "{before}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: glance-etc}}\ndata:\n  glance-api.conf: |\n    [cors]\n    allowed_origin = https://d.example/\n"
    );
    let line = text.lines().position(|line| line.contains("allowed_origin")).map(|at| at + 1);
    let (report, errors) = folder(&[("glance.yaml", text.as_bytes()), SETTINGS]);
    assert_eq!((errors, told(&report)), (vec![], vec!["error DU001".to_owned()]));
    assert_eq!(report.findings[0].place.line, line);
}
