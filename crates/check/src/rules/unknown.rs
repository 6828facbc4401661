//! DU017: settings that no program knows.

use direct_upload_api::web::Origin;
use direct_upload_api::{CORS_OPTIONS, CorsOption, Rule, Severity};
use direct_upload_core::render::oslo::read::Assignment;

use crate::facts::api::ApiFacts;
use crate::facts::cloud::Cloud;
use crate::facts::horizon::{HorizonFacts, MODE, Mode, Snippet};
use crate::finding::{Finding, OptionName};

/// Settings that guides name and Horizon never had.
const NEVER: [&str; 11] = [
    "OPENSTACK_GLANCE_DIRECT_UPLOAD",
    "GLANCE_DIRECT_UPLOAD",
    "HORIZON_DIRECT_UPLOAD",
    "GLANCE_ENDPOINT",
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_ORIGIN_ALLOW_ALL",
    "CORS_ORIGIN_WHITELIST",
    "CORS_PREFLIGHT_MAX_AGE",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_HEADERS",
];

/// Both programs' settings.
pub fn settings(cloud: &Cloud<'_>) -> Vec<Finding> {
    let horizons = cloud.horizons.iter().flat_map(horizon);
    let glances = cloud.glances.iter().enumerate();
    horizons.chain(glances.flat_map(|(at, own)| names(own, super::refused(cloud, at).min(Severity::Warning)))).collect()
}

fn horizon(horizon: &HorizonFacts<'_>) -> Vec<Finding> {
    // The CORS_ settings belong to django-cors-headers.
    let installs = |s: &Snippet<'_>| s.file.text.contains("corsheaders");
    let installed = horizon.snippets.iter().any(installs);
    // Without the right name uploads pass through the dashboard, and work, unless they are off.
    let wanted = if horizon.mode() == Mode::Off { Severity::Error } else { Severity::Warning };
    let mut findings = Vec::new();
    for snippet in &horizon.snippets {
        for assignment in &snippet.settings.assignments {
            let name = assignment.name.as_str();
            let never = NEVER.contains(&name) && !(installed && name.starts_with("CORS_"));
            let place = snippet.file.option(assignment.line, name);
            let found = format!("Horizon has no setting {name}");
            let of = |severity, fix: &str| Finding::new(Rule::Unknown, severity, &place, found, fix);
            findings.push(match name {
                _ if !never && !is_near_miss(name) => continue,
                "GLANCE_ENDPOINT" => {
                    of(Severity::Warning, "remove it; Horizon takes Glance's public endpoint from the Keystone catalog")
                }
                // Whether the upload works does not depend on it.
                name if name.starts_with("CORS_") => of(
                    Severity::Note,
                    "remove it; Horizon's own CORS plays no part in the upload, Glance's [cors] allowed_origin does",
                ),
                _ => of(wanted, "HORIZON_IMAGES_UPLOAD_MODE = 'direct'").changes(MODE),
            });
        }
    }
    findings
}

/// One or two letters different from the real name, or a singular of it.
fn is_near_miss(name: &str) -> bool {
    let real = MODE;
    let upper = name.to_ascii_uppercase();
    if upper == real {
        return name != real;
    }
    name.len().abs_diff(real.len()) <= 2 && name.starts_with("HORIZON_") && distance(name, real) <= 2
}

/// How many letters must be added, removed or replaced.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let here = (before + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            before = std::mem::replace(&mut row[j + 1], here);
        }
    }
    row[b.len()]
}

/// The option of `[cors]` that a name was probably meant to be: another case, dashes, a plural, a letter or
/// two.
fn meant(name: &str) -> Option<&'static str> {
    let written = stem(name);
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let near = CORS_OPTIONS.iter().map(|option| {
        let far = distance(&written, &stem(option.name)).min(distance(&plain(name), &plain(option.name)));
        (far, option.name)
    });
    let (far, option) = near.min()?;
    // For short names, one letter makes another word.
    let most = if written.len() > 8 { 2 } else { 1 };
    let allows = |option: &&CorsOption| stem(option.name).strip_prefix("allow") == Some(written.as_str());
    if far <= most { Some(option) } else { CORS_OPTIONS.iter().find(allows).map(|option| option.name) }
}

/// Equal, no matter how a person writes it.
fn stem(name: &str) -> String {
    let name = name.to_lowercase().replace(['-', '_', ' '], "");
    let name = name.strip_prefix("accesscontrol").unwrap_or(&name).replace("allowed", "allow");
    let name = name.replace("exposed", "expose");
    name.strip_suffix('s').unwrap_or(&name).to_owned()
}

/// What is wrong with an assignment that mentions CORS and that nothing reads.
fn is_unknown(assignment: &Assignment) -> Option<String> {
    let (section, name) = (assignment.normalized_section(), assignment.name.as_str());
    let group = section.starts_with("cors.");
    if section == "cors" || group {
        let near = CorsOption::named(name).is_none();
        let other_case = CORS_OPTIONS.iter().any(|option| option.name.eq_ignore_ascii_case(name));
        let why = if other_case { "; the case of names counts" } else { "" };
        return near.then(|| format!("[cors] has no option {name}{why}"));
    }
    (meant(name) == Some("allowed_origin") && stem(name) != "origin")
        .then(|| format!("{name} is in [{}], where nothing reads it", assignment.section))
}

/// What the files of an API say and nothing reads. `refused`: the severity if it refuses a page.
pub(crate) fn names(api: &ApiFacts<'_>, refused: Severity) -> Vec<Finding> {
    let mut findings = Vec::new();
    let set = api.cors_in_effect("allowed_origin").is_some();
    let allowed = api.allowed_origins(false);
    for conf in &api.confs {
        for assignment in &conf.ini.assignments {
            let Some(found) = is_unknown(assignment) else { continue };
            let meant = meant(&assignment.name);
            let items: Vec<&str> = assignment.value.split(',').map(str::trim).collect();
            let severity = match meant {
                Some("allowed_origin") if !set && !conf.file.partial => refused,
                // Atmosphere writes allowed_origins = * for everybody, in addition to the right list. Helm values
                // lack that list: it is the chart's.
                Some("allowed_origin") if items.iter().all(|item| *item == "*" || allowed.contains(*item)) => {
                    Severity::Note
                }
                Some(_) => Severity::Warning,
                // No option was meant, so nothing is missing.
                None => Severity::Note,
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || ",-_ *".contains(c);
            let shown = match meant {
                Some("allowed_origin") => items.iter().all(|item| Origin::parse(item).is_ok()),
                _ => assignment.value.chars().all(plain),
            };
            let assigned = meant.filter(|_| shown && severity != Severity::Note);
            let fix = match meant {
                Some(_) if severity == Severity::Note && !set => {
                    "no change is necessary while the chart's own allowed_origin names the dashboard; remove the line"
                        .to_owned()
                }
                Some(_) if severity == Severity::Note => {
                    "no change is necessary, because allowed_origin is there, too; or remove the line".to_owned()
                }
                Some(option) if assigned.is_some() => {
                    format!("[cors] {option} = {} (instead of this line)", assignment.value.trim())
                }
                Some(option) => format!("write {option} in [cors]"),
                None => format!("remove it; [cors] has {}", CORS_OPTIONS.map(|option| option.name).join(", ")),
            };
            let place =
                conf.file.option(assignment.line, OptionName::in_section(&assignment.section, &assignment.name));
            let finding = Finding::new(Rule::Unknown, severity, &place, found, fix);
            findings.push(match assigned {
                Some(option) => finding.changes(option),
                None => finding,
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Allowed_Origin", Some("allowed_origin"))]
    #[case("allow_origins", Some("allowed_origin"))]
    #[case("alowed_orgin", Some("allowed_origin"))]
    #[case("alowed_origins", Some("allowed_origin"))]
    #[case("allowed-origin", Some("allowed_origin"))]
    #[case("Access-Control-Allow-Origin", Some("allowed_origin"))]
    #[case("origins", Some("allowed_origin"))]
    #[case("allowed_headers", Some("allow_headers"))]
    #[case("allow_method", Some("allow_methods"))]
    #[case("exposed_headers", Some("expose_headers"))]
    #[case("maxage", Some("max_age"))]
    #[case("enabled", None)]
    #[case("latent_allow", None)]
    fn options_that_were_meant(#[case] name: &str, #[case] option: Option<&str>) {
        assert_eq!(meant(name), option);
    }

    #[rstest]
    #[case("HORIZON_IMAGE_UPLOAD_MODE", true)]
    #[case("HORIZON_IMAGES_UPLOD_MODE", true)]
    #[case("HORIZON_IMAGES_UPLOAD_MODE", false)]
    #[case("HORIZON_IMAGES_ALLOW_UPLOAD", false)]
    #[case("horizon_images_upload_mode", true)]
    #[case("HORIZON_CONFIG", false)]
    fn near_misses(#[case] name: &str, #[case] missed: bool) {
        assert_eq!(is_near_miss(name), missed);
    }
}
