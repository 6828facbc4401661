//! Where a file is really written. Advice must not name a file that the next deployment replaces.
//!
//! In: findings and their units. Out: the same findings, with the place in the deployment tool's own words
//! if that tool is recognised.

use direct_upload_api::Rule;

use crate::classify::Kind;
use crate::finding::{Field, Finding, FixTarget, Location, OptionName};
use crate::unit::{ConfigFile, Program, Unit};

/// Who writes a unit's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    OpenStackHelm,
    KollaAnsible,
    OpenStackAnsible,
    /// openstack-k8s-operators.
    Rhoso,
    /// director's Puppet, with its files in `/var/lib/config-data/puppet-generated`.
    TripleO,
}

impl Owner {
    fn of(unit: &Unit) -> Option<Self> {
        let image = |words: &[&str]| unit.images.iter().any(|image| words.iter().any(|word| image.contains(word)));
        let command = |word: &str| unit.commands.iter().any(|(command, _)| command.contains(word));
        let object = |name: &str| {
            unit.files.iter().any(|file| file.place.object.as_ref().is_some_and(|object| object.key.name == name))
        };
        let on_disk = |word: &str| {
            unit.files.iter().any(|file| file.place.file.as_deref().is_some_and(|path| path.contains(word)))
        };
        let text = |word: &str| unit.files.iter().any(|file| file.text.contains(word));
        let in_cluster = unit.files.iter().any(|file| file.place.object.is_some());
        if in_cluster && (unit.has(Kind::Kolla) || image(&["podified", "openstack-k8s-operators"])) {
            Some(Self::Rhoso)
        } else if command("/tmp/glance-api.sh")
            || command("/tmp/horizon.sh")
            || image(&["airshipit", "openstackhelm", "openstack-helm"])
            || object("glance-etc")
            || object("horizon-etc")
        {
            Some(Self::OpenStackHelm)
        } else if on_disk("/puppet-generated/") {
            Some(Self::TripleO)
        } else if unit.has(Kind::Kolla) || on_disk("/kolla/") {
            Some(Self::KollaAnsible)
        } else if text("Ansible managed") {
            Some(Self::OpenStackAnsible)
        } else {
            None
        }
    }

    /// Where an option of Glance, or a setting of the dashboard, is written.
    fn option(self, program: Program, section: &str, option: &str) -> Option<String> {
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
            (Self::Rhoso, Program::Glance) => {
                format!("[{section}] {option} in customServiceConfig of glance in the OpenStackControlPlane")
            }
            (Self::Rhoso, Program::Horizon) => "customServiceConfig of horizon in the OpenStackControlPlane".to_owned(),
            // puppet-glance's own type, with which director sets any option.
            (Self::TripleO, Program::Glance) => format!(
                "ExtraConfig: {{glance::config::api_config: {{{section}/{option}: {{value: …}}}}}} of director's templates, then deploy the overcloud"
            ),
            (Self::OpenStackAnsible, Program::Horizon) if option == MODE => {
                "horizon_images_upload_mode in user_variables.yml, then the horizon playbook".to_owned()
            }
            (Self::OpenStackAnsible | Self::TripleO, Program::Horizon) => return None,
        })
    }

    /// Where an option of the uWSGI that runs Glance is written.
    fn uwsgi(self, option: &str) -> Option<String> {
        match self {
            Self::OpenStackHelm => Some(format!(
                "Helm value conf.glance_api_uwsgi.uwsgi.{option} of openstack-helm's glance, then helm upgrade"
            )),
            Self::OpenStackAnsible => Some(format!(
                "glance_api_uwsgi_ini_overrides: {{uwsgi: {{{option}: …}}}} in user_variables.yml, then the glance playbook"
            )),
            _ => None,
        }
    }

    /// Where a virtual host is written.
    fn virtual_host(self, program: Program) -> Option<String> {
        match (self, program) {
            (Self::OpenStackHelm, Program::Horizon) => {
                Some("Helm value conf.horizon.apache of openstack-helm's horizon, then helm upgrade".to_owned())
            }
            (Self::Rhoso, Program::Glance) => {
                Some("httpdCustomization or apiTimeout of glance in the OpenStackControlPlane".to_owned())
            }
            _ => None,
        }
    }

    /// Where the URL that the catalog publishes is written.
    fn endpoint(self) -> Option<String> {
        (self == Self::OpenStackHelm).then(|| {
            "Helm values endpoints.image.host_fqdn_override.public, endpoints.image.scheme.public and endpoints.image.port.api.public, then helm upgrade".to_owned()
        })
    }
}

/// The setting that openstack-ansible has an own variable for.
const MODE: &str = "HORIZON_IMAGES_UPLOAD_MODE";

/// Rules whose fix is an option of Glance or a setting of the dashboard.
const OF_OPTIONS: [Rule; 11] = [
    Rule::OriginForm,
    Rule::OriginMissing,
    Rule::HeaderMissing,
    Rule::MethodMissing,
    Rule::AnyOrigin,
    Rule::OldSubgroup,
    Rule::NoEffect,
    Rule::NotRead,
    Rule::Unknown,
    Rule::NoCredentials,
    Rule::SwiftSegments,
];

/// Rules about what the catalog publishes.
const OF_ENDPOINT: [Rule; 3] = [Rule::MixedContent, Rule::NotPublic, Rule::WrongEndpoint];

/// Says where to write the fix of a finding.
pub fn advise(findings: &mut [Finding], units: &[Unit]) {
    for finding in findings.iter_mut() {
        if let Some(place) = place(finding, units) {
            finding.fix = format!("{} (where: {place})", finding.fix);
        }
    }
}

fn place(finding: &Finding, units: &[Unit]) -> Option<String> {
    let at = &finding.place;
    // What the operator writes must be changed in its resource.
    let target = match finding.target {
        Some(FixTarget::Resource) => return None,
        Some(FixTarget::Option(option)) => Some(option),
        None => None,
    };
    if OF_ENDPOINT.contains(&finding.rule)
        && at.object.as_ref().is_some_and(|object| object.key.name.ends_with("-ks-endpoints"))
    {
        return Owner::OpenStackHelm.endpoint();
    }
    let (unit, file) = units.iter().find_map(|unit| Some((unit, unit.files.iter().find(|file| holds(file, at))?)))?;
    if file.partial {
        return of_variable(finding, file, target);
    }
    let (program, owner) = (unit.service()?, Owner::of(unit)?);
    match file.kind {
        Kind::Uwsgi => owner.uwsgi(target?),
        Kind::Httpd if matches!(finding.rule, Rule::BodyLimit | Rule::TooSlow) => owner.virtual_host(program),
        Kind::Glance | Kind::Settings | Kind::Paste if OF_OPTIONS.contains(&finding.rule) => {
            let (section, option) = at.field.as_ref().and_then(option_of).unwrap_or(("cors", "allowed_origin"));
            let option = match target {
                // The fix decides before the current value.
                Some(target) if section == "cors" => target,
                // What nothing reads has no place.
                None if finding.rule == Rule::Unknown => "allowed_origin",
                _ => option,
            };
            owner.option(program, section, option)
        }
        _ => None,
    }
}

/// A Helm value or a variable is its own place, unless another variable decides.
fn of_variable(finding: &Finding, file: &ConfigFile, target: Option<&str>) -> Option<String> {
    let field = finding.place.field.as_ref()?;
    let ansible = Owner::OpenStackAnsible;
    match file.kind {
        // The role's template writes the rest of [cors].
        Kind::Glance if file.place.field.is_none() => {
            let (section, option) = option_of(field)?;
            let option = target.filter(|_| section == "cors").unwrap_or(option);
            if option == "allowed_origin" { None } else { ansible.option(Program::Glance, section, option) }
        }
        Kind::Settings if field.path.names().next() == Some("horizon_config_overrides") => {
            ansible.option(Program::Horizon, "", MODE)
        }
        _ => None,
    }
}

/// Whether a place is in a file.
fn holds(file: &ConfigFile, at: &Location) -> bool {
    let same = (&file.place.file, &file.place.object) == (&at.file, &at.object);
    let is_below = |field: &Field| file.place.field.as_ref().is_none_or(|own| field.is_within(own));
    same && at.field.as_ref().is_none_or(is_below)
}

/// The section and the option, if both have usual names.
fn option_of(field: &Field) -> Option<(&str, &str)> {
    let OptionName { section: Some(section), name: Some(name) } = field.option.as_ref()? else { return None };
    // Names of stores may have hyphens.
    (is_word(&section.replace('-', "_")) && is_word(name)).then_some((section, name))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
