//! Lines of HAProxy that depend on its version or environment (`.if defined(NAME)`), and may decide about uploads.
//!
//! In: the cloud. Out: one sentence for each condition.

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::server::Server;
use crate::finding::Location;
use crate::formats::directives::Directive;
use crate::formats::haproxy::{OPEN, haproxy};
use crate::unit::{ConfigFile, Program, Unit};

/// Those of a section that leads to Glance.
pub(super) fn of_server(server: &Server<'_>) -> Vec<String> {
    let open = server.of_name(OPEN).filter(|_| server.kind == Kind::Haproxy);
    open.filter(|item| decides(&item.directive))
        .map(|item| told(&item.file.at(item.directive.line), &item.directive))
        .collect()
}

/// Whole sections.
pub(super) fn of_unit(cloud: &Cloud<'_>, unit: &Unit) -> Vec<String> {
    let serves = |server: &Server<'_>| server.service == Program::Glance && server.scope == unit.scope;
    if !cloud.servers.iter().any(serves) {
        return Vec::new();
    }
    let of_file = |file: &ConfigFile| {
        let open = haproxy(&file.text).into_iter().filter(|own| own.name == OPEN && has_sections(own));
        open.map(|own| told(&file.at(own.line), &own)).collect::<Vec<_>>()
    };
    unit.of_kind(Kind::Haproxy).flat_map(of_file).collect()
}

fn has_sections(open: &Directive) -> bool {
    open.children.iter().any(|line| matches!(line.name.as_str(), "defaults" | "frontend" | "backend" | "listen"))
}

/// Whether a line may do something to a request. Logs and statistics do not.
fn decides(open: &Directive) -> bool {
    let is_harmless = |line: &Directive| match line.name.as_str() {
        "log" | "log-format" | "log-tag" | "stats" | "description" | "monitor-uri" | "retries" | "balance" => true,
        "option" => matches!(line.arg(0), Some("httplog" | "tcplog" | "dontlognull" | "log-health-checks")),
        _ => false,
    };
    open.children.iter().any(|line| !is_harmless(line))
}

fn told(place: &Location, open: &Directive) -> String {
    format!("{place}: the input does not show whether HAProxy reads the lines after .if {}", open.text())
}
