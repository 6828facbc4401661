//! Where a file is really written: advice must not name a file that the next deployment replaces.
//!
//! In: findings, and the units that they speak of. Out: the same findings, with the place in the
//! deployment tool's own words where that tool is recognised.

use direct_upload_api::Rule;

use crate::classify::Kind;
use crate::finding::Finding;
use crate::unit::{ConfigFile, Program, Unit};

/// Who writes a unit's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    OpenStackHelm,
    KollaAnsible,
    OpenStackAnsible,
    /// openstack-k8s-operators.
    Rhoso,
}

impl Owner {
    fn of(unit: &Unit) -> Option<Self> {
        let image = |words: &[&str]| unit.images.iter().any(|image| words.iter().any(|word| image.contains(word)));
        let command = |word: &str| unit.commands.iter().any(|(command, _)| command.contains(word));
        let object = |name: &str| {
            unit.files.iter().any(|file| file.place.object.as_deref().is_some_and(|object| object.ends_with(name)))
        };
        let text = |word: &str| unit.files.iter().any(|file| file.text.contains(word));
        let in_cluster = unit.files.iter().any(|file| file.place.object.is_some());
        if in_cluster && (unit.has(Kind::Kolla) || image(&["podified", "openstack-k8s-operators"])) {
            Some(Self::Rhoso)
        } else if command("/tmp/glance-api.sh")
            || command("/tmp/horizon.sh")
            || image(&["airshipit", "openstackhelm", "openstack-helm"])
            || object("/glance-etc")
            || object("/horizon-etc")
        {
            Some(Self::OpenStackHelm)
        } else if unit.has(Kind::Kolla)
            || unit.files.iter().any(|f| f.place.file.as_deref().is_some_and(|f| f.contains("/kolla/")))
        {
            Some(Self::KollaAnsible)
        } else if text("Ansible managed") {
            Some(Self::OpenStackAnsible)
        } else {
            None
        }
    }

    /// Where an option of Glance, or a setting of the dashboard, is written.
    fn place(self, program: Program, section: &str, option: &str) -> Option<String> {
        Some(match (self, program) {
            (Self::OpenStackHelm, Program::Glance) => {
                format!("Helm value conf.glance.{section}.{option} of openstack-helm's glance, then helm upgrade")
            }
            (Self::OpenStackHelm, Program::Horizon) => {
                "Helm value conf.horizon.local_settings_d of openstack-helm's horizon, then helm upgrade".to_owned()
            }
            (Self::KollaAnsible, Program::Glance) => format!(
                "[{section}] {option} in /etc/kolla/config/glance/glance-api.conf, then kolla-ansible reconfigure -t glance"
            ),
            (Self::KollaAnsible, Program::Horizon) => {
                "/etc/kolla/config/horizon/_9999-custom-settings.py, then kolla-ansible reconfigure -t horizon"
                    .to_owned()
            }
            (Self::OpenStackAnsible, Program::Glance) => format!(
                "glance_glance_api_conf_overrides: {{{section}: {{{option}: …}}}} in user_variables.yml, then the glance playbook"
            ),
            (Self::OpenStackAnsible, Program::Horizon) => return None,
            (Self::Rhoso, Program::Glance) => {
                format!("[{section}] {option} in customServiceConfig of glance in the OpenStackControlPlane")
            }
            (Self::Rhoso, Program::Horizon) => "customServiceConfig of horizon in the OpenStackControlPlane".to_owned(),
        })
    }
}

/// Rules whose fix is an option of Glance or a setting of the dashboard.
const OF_OPTIONS: [Rule; 9] = [
    Rule::OriginForm,
    Rule::OriginMissing,
    Rule::HeaderMissing,
    Rule::MethodMissing,
    Rule::AnyOrigin,
    Rule::OldSubgroup,
    Rule::NoEffect,
    Rule::Unknown,
    Rule::NoCredentials,
];

/// Says where to write what a finding asks for.
pub fn advise(findings: &mut [Finding], units: &[Unit]) {
    for finding in findings.iter_mut().filter(|finding| OF_OPTIONS.contains(&finding.rule)) {
        let place = &finding.place;
        let is_it = |file: &ConfigFile| (&file.place.file, &file.place.object) == (&place.file, &place.object);
        let Some(unit) = units.iter().find(|unit| unit.files.iter().any(is_it)) else { continue };
        let (Some(program), Some(owner)) = (unit.service(), Owner::of(unit)) else { continue };
        let (section, option) = place.field.as_deref().and_then(option_of).unwrap_or(("cors", "allowed_origin"));
        // What nothing reads has no place of its own.
        let option = if finding.rule == Rule::Unknown { "allowed_origin" } else { option };
        if let Some(place) = owner.place(program, section, option) {
            finding.fix = format!("{} (where: {place})", finding.fix);
        }
    }
}

/// `[cors] allowed_origin`, also behind the name of a key.
fn option_of(field: &str) -> Option<(&str, &str)> {
    let (section, option) = field.rsplit_once("] ")?;
    let (_, section) = section.rsplit_once('[')?;
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (word(section) && word(option)).then_some((section, option))
}
