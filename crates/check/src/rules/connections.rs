//! DU010, DU020: servers to which browsers open no connection: old TLS, blocked ports, and TLS that demands a
//! certificate of the browser.

use direct_upload_api::web::{Endpoint, PublicUrl};
use direct_upload_api::{Rule, Severity};
use direct_upload_core::judge::browser::blocks_port;

use crate::classify::Kind;
use crate::facts::cloud::Cloud;
use crate::facts::listen::Listen;
use crate::facts::server::{ScopedDirective, Server};
use crate::finding::{Finding, Location};
use crate::unit::Program;

/// All of them.
pub(crate) fn connections(cloud: &Cloud<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for server in cloud.servers.iter().filter(|server| server.listens.iter().any(|listen| listen.tls == Some(true))) {
        let severity = severity(cloud, &server.scope);
        findings.extend(old_tls(server).map(|old| old.finding(severity, server)));
        let same = cloud.glances.iter().filter(|g| g.unit.scope == server.scope).any(|g| cloud.is_same_origin(g.unit));
        if server.service == Program::Glance && !same {
            findings.extend(certificate(server).map(|asked| asked.finding(severity)));
        }
    }
    findings.extend(ports(cloud));
    findings
}

fn severity(cloud: &Cloud<'_>, scope: &[String]) -> Severity {
    if cloud.is_direct_in(scope) { Severity::Error } else { Severity::Warning }
}

/// A directive, and what to write instead.
struct Asked<'s, 'a> {
    item: &'s ScopedDirective<'a>,
    fix: String,
}

impl Asked<'_, '_> {
    fn written(&self) -> String {
        format!("{} {}", self.item.directive.written, self.item.directive.text())
    }

    /// DU020: a preflight never has a client certificate (Fetch standard: it is sent without credentials), nor has
    /// the upload of the Angular panel.
    fn finding(&self, severity: Severity) -> Finding {
        let found = format!("{} demands a client certificate, and a browser's preflight never has one", self.written());
        Finding::new(Rule::OptionsFiltered, severity, &self.item.place(), found, &self.fix)
    }
}

fn certificate<'s, 'a>(server: &'s Server<'a>) -> Option<Asked<'s, 'a>> {
    let (name, word, fix) = match server.kind {
        Kind::Nginx | Kind::Stream => ("ssl_verify_client", "on", "ssl_verify_client off;"),
        Kind::Haproxy => {
            let demands = |item: &&ScopedDirective<'_>| {
                item.directive.args.windows(2).any(|pair| pair[0] == "verify" && pair[1] == "required")
            };
            let item = server.of_name("bind").find(demands)?;
            return Some(Asked {
                item,
                fix: "take verify required off the line: Glance checks the token itself".into(),
            });
        }
        _ => ("sslverifyclient", "require", "SSLVerifyClient none"),
    };
    let item = server.last(name).filter(|item| item.directive.word() == word)?;
    Some(Asked { item, fix: fix.into() })
}

/// A directive that allows only TLS 1.1 and older. Browsers no longer support these versions (RFC 8996).
struct OldTls<'s, 'a>(Asked<'s, 'a>);

impl OldTls<'_, '_> {
    fn finding(&self, severity: Severity, server: &Server<'_>) -> Finding {
        let whose = match server.service {
            Program::Glance => "Glance",
            Program::Horizon => "the dashboard",
        };
        let found = format!("{}: browsers speak TLS 1.2 and newer, so none connects to {whose}", self.0.written());
        Finding::new(Rule::NotPublic, severity, &self.0.item.place(), found, &self.0.fix)
    }
}

fn old_tls<'s, 'a>(server: &'s Server<'a>) -> Option<OldTls<'s, 'a>> {
    let asked = match server.kind {
        Kind::Nginx | Kind::Stream => {
            let item = server.last("ssl_protocols")?;
            let old =
                |word: &String| matches!(word.to_ascii_lowercase().as_str(), "sslv2" | "sslv3" | "tlsv1" | "tlsv1.1");
            let fix = "ssl_protocols TLSv1.2 TLSv1.3;".to_owned();
            item.directive.args.iter().all(old).then_some(Asked { item, fix })?
        }
        Kind::Haproxy => of_bind(server)?,
        _ => {
            let item = server.last("sslprotocol")?;
            let fix = "SSLProtocol -all +TLSv1.2 +TLSv1.3".to_owned();
            (!speaks_new(&item.directive.args)).then_some(Asked { item, fix })?
        }
    };
    Some(OldTls(asked))
}

/// mod_ssl's list: a name alone replaces what is before it, `+` adds and `-` removes.
fn speaks_new(words: &[String]) -> bool {
    const NEW: [&str; 2] = ["tlsv1.2", "tlsv1.3"];
    let mut on: Vec<&str> = Vec::new();
    for word in words {
        let lower = word.to_ascii_lowercase();
        let named = |name: &str| NEW.into_iter().filter(|own| name == "all" || name == *own).collect::<Vec<_>>();
        match lower.strip_prefix('-') {
            Some(name) => on.retain(|own| !named(name).contains(own)),
            None => match lower.strip_prefix('+') {
                Some(name) => on.extend(named(name)),
                None => on = named(&lower),
            },
        }
    }
    !on.is_empty()
}

/// `bind … ssl-max-ver TLSv1.1`, `force-tlsv11`; without either the global section's options count.
fn of_bind<'s, 'a>(server: &'s Server<'a>) -> Option<Asked<'s, 'a>> {
    let limit = |item: &ScopedDirective<'_>| {
        let words = &item.directive.args;
        let at = words.iter().position(|word| word == "ssl-max-ver");
        let limit = at.and_then(|at| words.get(at + 1)).map(|version| format!("ssl-max-ver {version}"));
        limit.or_else(|| words.iter().find(|word| word.starts_with("force-")).cloned())
    };
    let is_old = |limit: &String| {
        ["SSLv3", "TLSv1.0", "TLSv1.1", "force-sslv3", "force-tlsv10", "force-tlsv11"]
            .iter()
            .any(|old| limit.ends_with(old))
    };
    let binds: Vec<_> =
        server.of_name("bind").filter(|item| item.directive.args.iter().any(|word| word == "ssl")).collect();
    let own = |item: &&ScopedDirective<'_>| limit(item).is_some_and(|limit| is_old(&limit));
    let item = match binds.iter().find(|item| own(item)) {
        Some(item) => *item,
        None if binds.iter().any(|item| limit(item).is_none()) => {
            server.last("ssl-default-bind-options").filter(own)?
        }
        None => return None,
    };
    Some(Asked { item, fix: format!("take {} off the line", limit(item)?) })
}

/// DU010: ports that belong to other protocols (Fetch standard, "bad port").
fn ports(cloud: &Cloud<'_>) -> Vec<Finding> {
    let unreachable = |severity, place: &Location, found| {
        Finding::new(Rule::NotPublic, severity, place, found, "choose another port, for example 443 or 9292")
    };
    let mut findings = Vec::new();
    for published in &cloud.published {
        let Ok(url) = PublicUrl::parse(&published.url) else { continue };
        let port = Endpoint::from(url).port();
        if blocks_port(port) {
            let found = format!("the public image endpoint is {}: browsers block port {port}", published.url);
            findings.push(unreachable(severity(cloud, &published.scope), &published.place, found));
        }
    }
    for dashboard in &cloud.dashboards {
        let Some(origin) = dashboard.origin.clone() else { continue };
        let port = Endpoint::from(PublicUrl::with_path(origin.clone(), "")).port();
        if blocks_port(port) {
            let found = format!("the dashboard is {origin} ({}): browsers block port {port}", dashboard.source);
            findings.push(unreachable(severity(cloud, &dashboard.scope), &dashboard.place, found));
        }
    }
    let glances = cloud.glances.iter().map(|glance| (&glance.unit.scope, Program::Glance));
    let horizons = cloud.horizons.iter().map(|horizon| (&horizon.unit.scope, Program::Horizon));
    for (scope, program) in glances.chain(horizons) {
        if program == Program::Glance && cloud.published.iter().any(|published| published.scope == *scope) {
            continue;
        }
        let edges = cloud.edges(scope, program);
        let blocked = |listen: &Listen| listen.port.filter(|port| blocks_port(*port));
        let Some((first, port)) = edges.first().and_then(|first| Some((first, blocked(first)?))) else { continue };
        if edges.iter().all(|listen| blocked(listen).is_some()) {
            let whose = if program == Program::Glance { "Glance" } else { "the dashboard" };
            let found = format!("{}: browsers block port {port}, so none connects to {whose}", first.written);
            findings.push(unreachable(severity(cloud, scope), &first.place, found));
        }
    }
    findings
}
