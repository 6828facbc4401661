//! DU024 (and DU005): the Django panel's upload has credentials. Glance, and what is in front of it, must
//! allow them.

use direct_upload_api::{Panel, Rule, Severity};

use super::proxy_headers::{doubles, header};
use crate::classify::Kind;
use crate::facts::answering::Credentials;
use crate::facts::cloud::Cloud;
use crate::facts::filter::Reading;
use crate::facts::glance::GlanceFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::Finding;
use crate::rules::haproxy_header::response_header;
use crate::rules::origin_list::{self, Listed, ORIGINS};
use crate::rules::{options, refused};
use crate::unit::Program;

const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";

/// Each Glance's own answer, and what servers in front of it make of it.
pub(crate) fn credentials(cloud: &Cloud<'_>) -> Vec<Finding> {
    let own = (0..cloud.glances.len()).flat_map(|at| of_panel(cloud, at));
    own.chain(on_the_way(cloud)).chain(answered(cloud)).collect()
}

/// Objects that answer preflights instead of Glance, and allow no credentials.
fn answered(cloud: &Cloud<'_>) -> Vec<Finding> {
    let of_glance = |(at, glance): (usize, &GlanceFacts<'_>)| {
        let (why, or_say) = demands(cloud.panel_of(at))?;
        let answering = cloud.answering_for(glance)?;
        let Credentials { place, what, fix } = answering.without_credentials.as_ref()?;
        let found = format!("{} answers preflights {what}; {why}", answering.what);
        // For gateways it is the usual answer.
        let least = if cloud.panel_of(at) == Panel::Unknown { Severity::Warning } else { Severity::Error };
        let severity = refused(cloud, at).max(least);
        Some(Finding::new(Rule::NoCredentials, severity, place, found, format!("{fix}{or_say}")))
    };
    cloud.glances.iter().enumerate().filter_map(of_glance).collect()
}

/// Why credentials are needed, and the alternative; none if they are not needed. If the dashboard's panel
/// is unknown, uploads of both must pass.
fn demands(panel: Panel) -> Option<(&'static str, &'static str)> {
    match panel {
        Panel::Angular => None,
        Panel::Django => Some((
            "the dashboard has the Django panel (ANGULAR_FEATURES['images_panel'] is False), and its upload has credentials",
            "",
        )),
        Panel::Unknown => Some((
            "the input does not show which image panel the dashboard has (ANGULAR_FEATURES['images_panel']), so uploads of both must pass, and the Django panel's has credentials",
            "; or, if the dashboard has the Angular panel, add its settings to the input, or say so in the Horizon resource: spec.directUpload.panel: Angular",
        )),
    }
}

/// What one Glance itself answers.
pub(crate) fn of_panel(cloud: &Cloud<'_>, at: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(glance) = cloud.glances.get(at) else { return findings };
    let Reading::Runs(options) = &glance.reading else { return findings };
    let Some((why, or_say)) = demands(cloud.panel_of(at)) else { return findings };
    let severity = refused(cloud, at);
    let off = !options.allow_credentials && !options.allowed_origin.is_empty();
    if let Some(setting) = glance.cors_in_effect("allow_credentials").filter(|_| off) {
        let found = format!("allow_credentials is off; {why}, which browsers then refuse");
        let option = if setting.managed {
            "spec.cors.allowCredentials: true in the Glance resource"
        } else {
            "allow_credentials = true"
        };
        let finding = Finding::new(Rule::NoCredentials, severity, &setting.place, found, format!("{option}{or_say}"));
        findings.push(if setting.managed { finding } else { finding.changes("allow_credentials") });
    }
    if let Some(setting) = glance.cors_in_effect("allowed_origin").filter(|_| needs_origins(cloud, at, glance)) {
        let found = format!("allowed_origin is *; {why}, for which browsers do not accept *");
        let known = origin_list::known_origin(cloud, &glance.unit.scope);
        let listed = Listed { option: ORIGINS, items: &setting.items(), place: &setting.place };
        let fix = format!("{}{or_say}", listed.exact(known.as_deref()));
        findings.push(Finding::new(Rule::AnyOrigin, severity, &setting.place, found, fix));
    }
    findings
}

/// Whether some dashboard's upload passes only because of `*`, and may have credentials.
pub(crate) fn needs_origins(cloud: &Cloud<'_>, at: usize, glance: &GlanceFacts<'_>) -> bool {
    let Reading::Runs(options) = &glance.reading else { return false };
    let listed = |origin: &str| options.allowed_origin.iter().any(|allowed| allowed == origin);
    let mut origins = cloud.dashboards_near(&glance.unit.scope).filter_map(|d| d.origin.as_ref()).peekable();
    listed("*")
        && cloud.panel_of(at) != Panel::Angular
        && if origins.peek().is_some() {
            origins.any(|origin| !listed(origin.as_str()))
        } else {
            options.allowed_origin.iter().all(|allowed| allowed == "*")
        }
}

/// What servers in front of Glance do with its header. Browsers require `true`, once.
fn on_the_way(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.service == Program::Glance) {
        // A server that replaces Glance's filter, and one in front of a Glance that is not seen, are not
        // judged.
        let near = |glance: &GlanceFacts<'_>| glance.unit.scope == server.scope;
        let Some(at) = cloud.glances.iter().position(near) else { continue };
        let Some((why, or_say)) = demands(cloud.panel_of(at)) else { continue };
        if super::proxy_headers::stands_in(cloud) {
            continue;
        }
        for item in &server.items {
            let Some(what) = breaks(server, item) else { continue };
            let found = format!("{} {}: {what}; {why}", item.directive.written, item.directive.text());
            let fix = format!("{}{or_say}", super::proxy_headers::LEAVE);
            findings.push(Finding::new(Rule::NoCredentials, refused(cloud, at), &item.place(), found, fix));
        }
    }
    findings
}

const REMOVES: &str = "it removes Access-Control-Allow-Credentials from Glance's answer";
const SECOND: &str = "a second Access-Control-Allow-Credentials in addition to Glance's own; browsers accept only one";
const REPLACES: &str = "it replaces Glance's Access-Control-Allow-Credentials with a value other than true";

/// What a directive does with the header.
fn breaks(server: &Server<'_>, item: &ScopedDirective<'_>) -> Option<&'static str> {
    let names = |text: &str| text.trim_end_matches(':').eq_ignore_ascii_case(ALLOW_CREDENTIALS);
    let anew =
        |directive: &str| server.of_name(directive).any(|other| names(other.directive.arg(0).unwrap_or_default()));
    let name = item.directive.name.as_str();
    match (server.kind, name) {
        (Kind::Haproxy, _) => match response_header(item, ALLOW_CREDENTIALS)? {
            ("del-header", _) => {
                let set = |other| response_header(other, ALLOW_CREDENTIALS).is_some_and(|(a, _)| a != "del-header");
                (!server.items.iter().any(set)).then_some(REMOVES)
            }
            ("set-header", value) => (value.trim_matches('"') != "true").then_some(REPLACES),
            ("add-header", _) => Some(SECOND),
            _ => None,
        },
        (Kind::Nginx, "proxy_hide_header" | "uwsgi_hide_header") => {
            (names(item.directive.arg(0)?) && !anew("add_header")).then_some(REMOVES)
        }
        (Kind::Nginx, "more_clear_headers") => item.directive.args.iter().any(|a| names(a)).then_some(REMOVES),
        (Kind::Nginx, "add_header") => {
            let answers = item.within.iter().any(options::is_options);
            let hidden = anew("proxy_hide_header") || anew("uwsgi_hide_header");
            (names(item.directive.arg(0)?) && !answers && !hidden).then_some(SECOND)
        }
        (Kind::Nginx, _) => None,
        (_, "header") => {
            let (always, action, value) = header(item, ALLOW_CREDENTIALS)?;
            let value = value.trim_matches('"');
            match action.as_str() {
                "unset" if !always => Some(REMOVES),
                "set" if !always && value != "true" => Some(REPLACES),
                action => doubles(always, action, value == "true").then_some(SECOND),
            }
        }
        _ => None,
    }
}
