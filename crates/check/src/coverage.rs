//! What was checked, and which parts of an upload's path could not be seen.
//!
//! In: units, facts, objects. Out: [`Subject`]s, and one sentence for each part that an upload needs and
//! the input lacks: a Glance, a dashboard, how browsers reach each of them.

mod reach;
mod unread;

use direct_upload_core::derive::World;
use direct_upload_core::openstack::Release;

use crate::classify::Kind;
use crate::facts::cloud::{Certainty, Cloud, ExposedDashboard, shared};
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::facts::haproxy;
use crate::facts::horizon::{HorizonFacts, MODE, Mode};
use crate::facts::server::ScopedDirective;
use crate::formats::python;
use crate::glances::Objects;
use crate::report::Subject;
use crate::unit::{ConfigFile, Program, Unit};
use crate::{beyond, rules};

/// The services that were checked.
pub fn subjects(cloud: &Cloud<'_>) -> Vec<Subject> {
    let glances = cloud.glances.iter().map(|g| subject(cloud, g.unit, Program::Glance));
    let horizons = cloud.horizons.iter().map(|h| subject(cloud, h.unit, Program::Horizon));
    let others = cloud.units.iter().flat_map(others);
    glances.chain(horizons).chain(others).collect()
}

/// Other services, whose CORS options are read.
fn others(unit: &Unit) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for file in unit.files.iter().filter(|file| matches!(file.kind, Kind::Oslo | Kind::OsloPaste | Kind::Swift)) {
        let service = if file.kind == Kind::Swift { "swift" } else { unit.other_service(file).unwrap_or("service") };
        match subjects.iter_mut().find(|subject| subject.service == service) {
            Some(subject) => subject.files.push(file.called().to_owned()),
            None => subjects.push(Subject {
                service,
                name: unit.name.clone(),
                release: unit.release.map(|release| (release.to_string(), "image")),
                files: vec![file.called().to_owned()],
                before: Vec::new(),
            }),
        }
    }
    subjects
}

fn subject(cloud: &Cloud<'_>, unit: &Unit, program: Program) -> Subject {
    let stated = cloud.release.map(|release: Release| (release.to_string(), "--release"));
    let of_image = || unit.release.map(|release| (release.to_string(), "image"));
    let mut before: Vec<String> = cloud
        .servers_near(&unit.scope, program)
        .map(|server| {
            let kind = match server.kind {
                Kind::Nginx | Kind::Stream => "nginx",
                Kind::Haproxy => "HAProxy",
                Kind::Traefik => "Traefik",
                _ => "httpd",
            };
            format!("{kind} {}", server.place())
        })
        .collect();
    match program {
        Program::Glance => {
            let near = cloud.published.iter().filter(|p| near(&p.scope, &unit.scope));
            before.extend(near.map(|p| format!("{} ({})", p.url, p.place)));
        }
        Program::Horizon => {
            let near = cloud.dashboards_near(&unit.scope).filter(|d| d.certainty == Certainty::Exposed);
            before.extend(near.map(|d| {
                let url = d.origin.as_ref().map_or_else(|| d.host.clone(), ToString::to_string);
                format!("{url} ({})", d.source)
            }));
        }
    }
    before.dedup();
    Subject {
        service: match program {
            Program::Glance => "Glance",
            Program::Horizon => "dashboard",
        },
        name: if unit.name.is_empty() { ".".to_owned() } else { unit.name.clone() },
        release: stated.or_else(of_image),
        files: unit.files.iter().map(|file| file.called().to_owned()).collect(),
        before,
    }
}

fn near(a: &[String], b: &[String]) -> bool {
    a == b || a.is_empty() || b.is_empty() || shared(a, b) > 0
}

/// What an upload needs and the input lacks.
pub(crate) fn gaps(cloud: &Cloud<'_>, world: &World, units: &[Unit], objects: Objects<'_>) -> Vec<String> {
    let mut gaps: Vec<String> = units.iter().flat_map(of_unit).collect();
    if cloud.glances.is_empty() {
        gaps.push("Glance: the input has no readable configuration of it (glance-api.conf)".into());
    }
    if cloud.horizons.is_empty() {
        gaps.push("the dashboard: the input has no readable settings of it (local_settings)".into());
    }
    gaps.extend(cloud.horizons.iter().flat_map(|horizon| of_horizon(cloud, horizon)));
    gaps.extend(cloud.glances.iter().flat_map(|glance| of_glance(cloud, glance)));
    gaps.extend(reach::gaps(cloud, world, objects));
    gaps.extend(scripts(cloud));
    gaps.extend(beyond::gaps(cloud, objects));
    gaps.extend(rules::open_conditions(cloud));
    gaps.extend(objects.iter().flat_map(|object| unread::gaps(objects, object, units)));
    gaps.sort();
    gaps.dedup();
    gaps
}

/// What is not in the input of the files of a unit.
fn of_unit(unit: &Unit) -> Vec<String> {
    let unseen = unit.unseen.iter().filter(|_| unit.service().is_some()).map(|what| format!("{}: {what}", unit.name));
    let maps = if unit.has(Kind::Haproxy) { haproxy::missing_maps(unit) } else { Vec::new() };
    let maps = maps.into_iter().map(|map| format!("{map}: HAProxy chooses backends by it, and it is not in the input"));
    let partial = unit.files.iter().filter(|file| file.partial);
    let partial = partial.filter_map(|file| Some(format!("{}: {}", file.place.file.as_ref()?, made_of(file))));
    unseen.chain(maps).chain(partial).collect()
}

/// What a dashboard's settings depend on.
fn of_horizon(cloud: &Cloud<'_>, horizon: &HorizonFacts<'_>) -> Vec<String> {
    let is_open = horizon.mode() == Mode::Unknown && horizon.unit.unseen.is_empty();
    let open = is_open.then(|| format!("{}: {MODE} comes from something that is not in the input", horizon.unit.name));
    [without_glance(cloud, horizon), of_environment(horizon), of_any_name(horizon), open]
        .into_iter()
        .flatten()
        .collect()
}

/// What a Glance's answer depends on.
fn of_glance(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Vec<String> {
    let name = &glance.unit.name;
    let mut gaps: Vec<String> = without_dashboard(cloud, glance).into_iter().collect();
    if !glance.has_main() && glance.unit.unseen.is_empty() {
        gaps.push(format!("{name}: only fragments of Glance's configuration are there; glance-api.conf is not"));
    }
    let answering = cloud.answering_for(glance).filter(|own| own.is_extended);
    if let Some(own) = answering.filter(|_| glance.cors_in_effect("allowed_origin").is_none()) {
        gaps.push(format!(
            "{}: whether the gateway's controller carries out its CORS filter, which is optional for it",
            own.what
        ));
    }
    if let Some(file) = glance.lacks_config_file() {
        gaps.push(format!("{name}: {file}, which oslo_config_file of the paste file names, is not in the input"));
    }
    if glance.reading == Reading::Unknown {
        gaps.push(format!("{name}: [cors] depends on options of Glance that are not in the input"));
    }
    let foreign = glance.pipeline.iter().flatten().flat_map(|pipeline| &pipeline.filters);
    gaps.extend(foreign.filter(|filter| filter.is_foreign_cors()).map(|filter| {
        format!("{name}: {} ({}) answers for CORS, and check does not read its options", filter.name, filter.factory)
    }));
    gaps
}

/// A dashboard of which the Glance is not there: those of the input are other dashboards', and allow none of its
/// origins.
fn without_glance(cloud: &Cloud<'_>, horizon: &HorizonFacts<'_>) -> Option<String> {
    let scope = &horizon.unit.scope;
    let is_others = |(glance, nearest): (&GlanceFacts<'_>, &usize)| *nearest > shared(scope, &glance.unit.scope);
    let mut own = cloud.dashboards.iter().filter(|d| d.scope == *scope);
    let is_alone = !cloud.glances.is_empty() && cloud.glances.iter().zip(&cloud.nearest).all(is_others);
    (is_alone && horizon.wants_direct() && !own.any(|dashboard| cloud.glances.iter().any(|g| allows(g, dashboard))))
        .then(|| {
            format!(
                "the Glance of {}: those of the input are next to other dashboards, and allow none of its origins",
                horizon.unit.name
            )
        })
}

/// A Glance with a public URL of its own that allows no dashboard: users of one may choose its region.
fn without_dashboard(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let of = |own: &GlanceFacts<'_>| {
        cloud.published.iter().find(|published| published.scope == own.unit.scope).map(|published| &published.url)
    };
    let url = of(glance)?;
    let is_it = |at: usize| cloud.glances.get(at).is_some_and(|own| std::ptr::eq(own, glance));
    let is_next_to_one = cloud.pairs.iter().any(|pair| is_it(pair.glance));
    let has_others = cloud.glances.iter().any(|other| of(other).is_some_and(|other| other != url));
    let grants = cloud.dashboards.iter().any(|dashboard| allows(glance, dashboard));
    (!cloud.dashboards.is_empty() && !is_next_to_one && has_others && !grants).then(|| {
        format!(
            "which dashboard uploads to {}: it is published at {url}, and allows none of the dashboards in the input",
            glance.unit.name
        )
    })
}

/// Whether Glance has an origin of a dashboard in its list.
fn allows(glance: &GlanceFacts<'_>, dashboard: &ExposedDashboard) -> bool {
    let listed = glance.allowed_origins(true);
    listed.iter().any(|item| match &dashboard.origin {
        Some(origin) => item == "*" || item == origin.as_str(),
        None => {
            item == "*" || item.split("://").nth(1).is_some_and(|rest| rest.split(':').next() == Some(&dashboard.host))
        }
    })
}

/// What a file is made of that lacks a part.
fn made_of(file: &ConfigFile) -> &'static str {
    let name = file.place.field.as_ref().and_then(|field| field.path.names().next()).unwrap_or("glance_");
    let of_role = ["glance_", "horizon_"].iter().any(|role| name.starts_with(role)) || name.ends_with("_overrides");
    if of_role && !name.contains("_helm_values") {
        "variables of openstack-ansible; what the roles' templates add is not in the input: check the files that the playbooks write, too"
    } else {
        "Helm values; what the chart adds is not in the input: check what helm template prints, too"
    }
}

/// An environment variable that decides the mode. What starts Horizon may set it.
fn of_environment(horizon: &HorizonFacts<'_>) -> Option<String> {
    let skipped = horizon.snippets.iter().filter(|snippet| snippet.unread.is_none());
    let skipped = skipped.flat_map(|snippet| &snippet.settings.skipped).find(|(name, _)| name == MODE);
    let last = horizon.assignments(MODE).pop().map(|(_, last)| last).filter(|last| last.certain);
    let own = last.filter(|last| last.value != python::Value::Unknown).and_then(|last| last.variable.as_deref());
    let variable = own.or_else(|| skipped.map(|(_, variable)| variable.as_str()))?;
    Some(format!(
        "the environment variable {variable}, on which {MODE} ({}) depends: check read the settings as if it were not set",
        horizon.place()
    ))
}

/// What may assign any name after the last value of the mode. Star imports of Horizon's and Django's modules do not.
fn of_any_name(horizon: &HorizonFacts<'_>) -> Option<String> {
    let last = horizon.assignments(MODE).pop();
    let after = match &last {
        None => horizon.snippets.as_slice(),
        Some((own, _)) => {
            let at = horizon.snippets.iter().position(|snippet| std::ptr::eq(snippet, *own))?;
            &horizon.snippets[at..]
        }
    };
    // People put files of their own into `openstack_dashboard.local`.
    let of_own = |module: &str| {
        let parts: Vec<&str> = module.split('.').collect();
        let is_local = parts.starts_with(&["openstack_dashboard", "local"]);
        !is_local && ["horizon", "openstack_dashboard", "openstack_auth", "django"].contains(&parts[0])
    };
    let may_assign = |opening: &python::Opening| match opening {
        python::Opening::Star(module) => !of_own(module),
        python::Opening::Computed => true,
    };
    let (snippet, (opening, line)) = after.iter().filter(|snippet| snippet.unread.is_none()).find_map(|snippet| {
        let first = last.as_ref().filter(|(own, _)| std::ptr::eq(snippet, *own)).map_or(0, |(_, last)| last.line);
        let own = snippet.settings.open.iter().find(|(opening, line)| *line > first && may_assign(opening))?;
        Some((snippet, own))
    })?;
    let place = snippet.file.at(*line);
    Some(match opening {
        python::Opening::Star(module) => {
            format!("{place}: what {module} sets, of which this line imports all names; it may set {MODE}")
        }
        python::Opening::Computed => format!("{place}: which names this line sets; it may set {MODE}"),
    })
}

/// Scripts that HAProxy or nginx run on requests to Glance: nothing here reads them.
fn scripts(cloud: &Cloud<'_>) -> Vec<String> {
    let is_script = |item: &ScopedDirective<'_>| {
        let first = item.directive.arg(0).unwrap_or_default();
        match item.directive.name.as_str() {
            "http-request" | "http-response" => {
                let service = item.directive.arg(1).filter(|_| first == "use-service").unwrap_or_default();
                first.starts_with("lua.") || service.starts_with("lua.")
            }
            "filter" => matches!(first, "spoe" | "lua"),
            name => name.ends_with("_by_lua_block") || name.ends_with("_by_lua_file") || name.starts_with("js_"),
        }
    };
    let before = cloud.servers.iter().filter(|server| server.service == Program::Glance);
    let mut found: Vec<String> = before
        .flat_map(|server| &server.items)
        .filter(|item| is_script(item))
        .map(|item| {
            format!(
                "{}: check does not read what the script of {} does to uploads",
                item.place(),
                item.directive.written
            )
        })
        .collect();
    found.dedup();
    found
}
