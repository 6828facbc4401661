//! openstack-k8s-operators: an OpenStackControlPlane.
//!
//! Read in openstack-k8s-operators/glance-operator at 65990ce of 2026-08-19: `customServiceConfig` becomes
//! `glance.conf.d/02-config.conf`, after the operator's own `[cors] allowed_origin` in 00-config.conf, and
//! `customServiceConfigSecrets` become 03-config.conf, with all keys of each Secret; an entry of `glanceAPIs` takes
//! the template's only while its own is empty (`internal/controller/glance_controller.go`). A policy file comes by
//! `extraMounts` (`config/samples/policy`). And in openstack-k8s-operators/horizon-operator at 1ed6032 of
//! 2026-08-03: Horizon's becomes `local_settings.d/9999_custom_settings.py`, after a local_settings.py that sets
//! `direct`. For the place of all services in the control plane, see openstack-k8s-operators/openstack-operator at
//! 84322c77 of 2026-08-19, `config/crd/bases`. No operator runs templates over these texts (`CustomData`). Swift's
//! proxy reads `01-proxy-server.conf` of `defaultConfigOverwrite` after the operator's own file (swift-operator at
//! 10ad742 of 2026-07-22, `docs/config.md` and `internal/swiftproxy/volumes.go`).

use std::fmt::Write as _;

use direct_upload_api::{CorsFilter, SwiftCredentials};

use super::contents::{Contents, key};
use super::next::Next;
use super::snippet::{self, SnippetComment};
use super::text::{as_is, block, comment, mapping};
use super::{Component, FragmentFile};
use crate::openstack::OpenStackService;

const TOOL: &str = "RHOSO and openstack-k8s-operators";

/// What a control plane needs to be one.
const CONTROL_PLANE: &str = "apiVersion: core.openstack.org/v1beta1
kind: OpenStackControlPlane
metadata:
  name: openstack-control-plane
spec:
";

/// Where the sample of glance-operator mounts a policy.
const POLICY_DIR: &str = "/etc/glance/policy.d";

/// The ConfigMap with rules, of a name that no sample has.
const POLICY: &str = "glance-direct-upload-policy";

/// The field with whole files, and the file that Swift's proxy reads last.
const OVERWRITE: &str = "defaultConfigOverwrite";
const SWIFT_FILE: &str = "01-proxy-server.conf";

pub fn files(service: Component, contents: &Contents, next: &Next) -> Vec<FragmentFile> {
    let file = match service {
        Component::Horizon => horizon(contents, next),
        Component::Glance => glance(contents, next),
        Component::Api(service) => api(service, contents, next),
    };
    file.into_iter().collect()
}

fn glance(contents: &Contents, next: &Next) -> Option<FragmentFile> {
    if contents.is_empty() {
        return None;
    }
    let mut lines = first_lines(next);
    lines.push("An entry of glanceAPIs with its own customServiceConfig does not get this one, so add the".to_owned());
    lines.push("sections there, too.".to_owned());
    if !contents.origins.is_empty() {
        lines.push(
            "The origins replace the operator's own (the Horizon of this namespace), so list all of them.".to_owned(),
        );
    }
    if contents.has_own_options() || !contents.policy.is_empty() {
        lines.push("What is outside [cors] applies to every GlanceAPI of the template.".to_owned());
    }
    if !contents.secrets.is_empty() {
        lines.push("Add the Secrets to your own list. The operator reads all their keys, after this text:".to_owned());
        let note = |secret: &SwiftCredentials| format!("  {}: not only {}", secret.secret_name, key(secret));
        lines.extend(contents.secrets.iter().map(|(_, secret)| note(secret)));
    }
    lines.extend_from_slice(&next.lines);
    let mut ini = contents.ini();
    let mut beside = String::new();
    let mut before = String::new();
    if !contents.secrets.is_empty() {
        let mut names: Vec<_> = contents.secrets.iter().map(|(_, secret)| secret.secret_name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let _ = writeln!(beside, "      customServiceConfigSecrets:\n        - {}", names.join("\n        - "));
    }
    if !contents.policy.is_empty() {
        let separator = if ini.is_empty() { "" } else { "\n" };
        let _ = write!(ini, "{separator}[oslo_policy]\npolicy_file = {POLICY_DIR}/policy.yaml\n");
        beside += &extra_mounts();
        before = policy(contents);
    }
    let text = plane(lines, &["glance", "template"], &ini);
    Some(FragmentFile::new("glance.yaml", before + &text + &beside))
}

/// The rules, as an object in addition to the control plane.
fn policy(contents: &Contents) -> String {
    let lines = comment([
        "Rules of Glance's policy, for the mount below. If you have a policy file, add the rules to it instead,",
        "and leave out [oslo_policy] and extraMounts. Create this in the namespace of the control plane.",
    ]);
    let rules = mapping(&contents.policy, 4, as_is);
    format!(
        "{lines}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {POLICY}\ndata:\n  policy.yaml: |\n{rules}---\n"
    )
}

fn extra_mounts() -> String {
    format!(
        "      extraMounts:
        - extraVol:
            - extraVolType: Policy
              propagation:
                - Glance
              volumes:
                - name: {POLICY}
                  configMap:
                    name: {POLICY}
              mounts:
                - name: {POLICY}
                  mountPath: {POLICY_DIR}
                  readOnly: true
"
    )
}

fn api(service: &OpenStackService, contents: &Contents, next: &Next) -> Option<FragmentFile> {
    if contents.options.is_empty() {
        return None;
    }
    let mut lines = if service.filter == CorsFilter::Swift { swift_lines(next) } else { first_lines(next) };
    if service.project == "ironic" {
        // ironic-operator at 66f6112, templates/ironicapi/config/01-api.conf.
        lines.push("The origins replace the operator's own `*`, which lets every site call Ironic.".to_owned());
    } else {
        lines.push("Then only these origins count, so list your other dashboards, too.".to_owned());
    }
    lines.extend_from_slice(&next.lines);
    let text = plane(lines, &place(service), &contents.ini());
    Some(FragmentFile::new(format!("{}.yaml", service.project), text))
}

/// The fields of the control plane that lead to the text of an API.
fn place(service: &OpenStackService) -> Vec<&'static str> {
    let own = match service.project {
        "nova" => Some("apiServiceTemplate"),
        "cinder" => Some("cinderAPI"),
        "ironic" => Some("ironicAPI"),
        "heat" => Some("heatAPI"),
        "designate" => Some("designateAPI"),
        "octavia" => Some("octaviaAPI"),
        "barbican" => Some("barbicanAPI"),
        "manila" => Some("manilaAPI"),
        "swift" => return vec![service.project, "template", "swiftProxy", OVERWRITE],
        _ => None,
    };
    [service.project, "template"].into_iter().chain(own).collect()
}

fn horizon(contents: &Contents, next: &Next) -> Option<FragmentFile> {
    let above = SnippetComment {
        tool: TOOL,
        place: &["Merge this into your OpenStackControlPlane; add to your existing text."],
        legacy: [
            "The operator writes this mode itself. Until stage 1 is done, keep users' uploads working with",
            "HORIZON_IMAGES_UPLOAD_MODE = 'legacy' here.",
        ],
    };
    snippet::horizon(contents, next, &above, |lines, settings| {
        FragmentFile::new("horizon.yaml", plane(lines, &["horizon", "template"], settings))
    })
}

fn first_lines(next: &Next) -> Vec<String> {
    vec![
        format!("{TOOL}{}", next.purpose),
        "Merge this into your OpenStackControlPlane. customServiceConfig is one text: add to your".to_owned(),
        "text, because a patch would replace it.".to_owned(),
    ]
}

fn swift_lines(next: &Next) -> Vec<String> {
    vec![
        format!("{TOOL}{}", next.purpose),
        format!("Merge this into your OpenStackControlPlane. If you have {SWIFT_FILE}, add the options to it."),
    ]
}

/// A control plane with one text.
fn plane(lines: Vec<String>, path: &[&str], text: &str) -> String {
    let mut plane = comment(lines) + CONTROL_PLANE;
    let mut indent = 2;
    for field in path {
        let _ = writeln!(plane, "{:indent$}{field}:", "");
        indent += 2;
    }
    if path.last() == Some(&OVERWRITE) {
        return format!("{plane}{:indent$}{SWIFT_FILE}: |\n{}", "", block(text, indent + 2));
    }
    format!("{plane}{:indent$}customServiceConfig: |\n{}", "", block(text, indent + 2))
}
