//! Published URLs of Glance that no server in the input serves.
//!
//! In: the cloud, and a Glance. Out: one sentence.

use direct_upload_api::web::PublicUrl;
use direct_upload_core::openstack::cors_request::UPLOAD_PATH;

use crate::classify::Kind;
use crate::facts::addressed;
use crate::facts::catalog::{Published, UrlSource};
use crate::facts::cloud::Cloud;
use crate::facts::glance::GlanceFacts;
use crate::facts::server::{ScopedDirective, Server};
use crate::unit::Program;

/// A `public_endpoint` that is no URL for browsers, as one with a password.
pub(super) fn unusable(glance: &GlanceFacts<'_>) -> Option<String> {
    let own = glance.option("DEFAULT", "public_endpoint").filter(|own| !own.value.trim().is_empty())?;
    let is_computed = own.value.contains(['$', '{', '%']);
    (!is_computed && PublicUrl::parse(own.value.trim()).is_err()).then(|| {
        format!("{}: public_endpoint is no URL that browsers use; where Glance is published does not show", own.place)
    })
}

/// A published URL that no seen server in front of Glance serves.
pub(super) fn unserved(cloud: &Cloud<'_>, glance: &GlanceFacts<'_>) -> Option<String> {
    let scope = &glance.unit.scope;
    let published: Vec<_> = cloud
        .published
        .iter()
        .filter(|p| &p.scope == scope && !matches!(p.source, UrlSource::Exposed | UrlSource::Both))
        .collect();
    let edges = cloud.edges(scope, Program::Glance);
    if edges.is_empty() || glance.serves_itself() || cloud.is_same_origin(glance.unit) {
        return None;
    }
    published.iter().find_map(|published| {
        let url = PublicUrl::parse(&published.url).ok()?;
        let port = url::Url::parse(&published.url).ok()?.port_or_known_default()?;
        let listens = edges.iter().map(|listen| listen.port).collect::<Option<Vec<u16>>>()?;
        let what = format!("{} ({})", published.url, published.place);
        if !listens.contains(&port) {
            return Some(format!("{what}: no server in front of Glance that is in the input listens on port {port}"));
        }
        let mut there = edges.iter().filter(|listen| listen.port == Some(port));
        if url.origin().is_https() && there.all(|listen| listen.tls == Some(false)) {
            return Some(format!(
                "{what}: what ends TLS before Glance; the server in the input that listens on port {port} has no TLS"
            ));
        }
        if let Some(server) =
            cloud.servers_near(scope, Program::Glance).find(|server| leads_elsewhere(server, published))
        {
            return Some(format!("{what}: no ProxyPass of {} forwards paths below this URL", server.place()));
        }
        if let Some(server) = captured(cloud, scope, published) {
            return Some(format!("{what}: {} answers this name, before Glance's own server does", server.place()));
        }
        let names = names(cloud, scope)?;
        let host = url.origin().host().to_owned();
        (!names.contains(&host))
            .then(|| format!("{what}: no server in front of Glance that is in the input has the name {host}"))
    })
}

/// The dashboard's server that answers a URL although a server in front of Glance has a name that fits, too: the first of
/// httpd's hosts, and of nginx's the one that fits best.
fn captured<'s, 'a>(cloud: &'s Cloud<'a>, scope: &[String], published: &Published) -> Option<&'s Server<'a>> {
    let fitting = |program| {
        let own = cloud.servers.iter().filter(move |server| server.service == program && server.scope == scope);
        own.filter_map(|server| Some((server, addressed::fit(server, std::slice::from_ref(published))?)))
    };
    let wins = |(other, fits): &(&Server<'_>, usize)| {
        fitting(Program::Glance).filter(|(own, _)| own.kind == other.kind).all(|(own, rank)| match own.kind {
            Kind::Httpd => *fits > 0 && addressed::comes_first(other, own),
            Kind::Nginx => *fits > rank,
            _ => false,
        })
    };
    let has_own = |(other, _): &(&Server<'_>, usize)| fitting(Program::Glance).any(|(own, _)| own.kind == other.kind);
    fitting(Program::Horizon).find(|other| has_own(other) && wins(other)).map(|(server, _)| server)
}

/// Whether httpd leads only paths on that are not below a URL's.
fn leads_elsewhere(server: &Server<'_>, published: &Published) -> bool {
    let path = format!("{}{UPLOAD_PATH}", published.prefix().unwrap_or_default());
    let takes = |item: &ScopedDirective<'_>| {
        let own = if item.within.is_empty() { item.directive.arg(0) } else { None };
        own.is_none_or(|own| path.strip_prefix(own.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/')))
    };
    let leads = ["proxypassmatch", "wsgiscriptalias", "rewriterule", "sethandler", "wsgiscriptaliasmatch"];
    let mut passes = server.of_name("proxypass").peekable();
    server.kind == Kind::Httpd
        && passes.peek().is_some()
        && !server.items.iter().any(|item| leads.contains(&item.directive.name.as_str()))
        && !passes.any(takes)
}

/// The names of Glance's servers, if each has some and none is a pattern.
fn names(cloud: &Cloud<'_>, scope: &[String]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for server in cloud.servers_near(scope, Program::Glance) {
        if matches!(server.kind, Kind::Haproxy | Kind::Stream) {
            return None;
        }
        let named = server
            .items
            .iter()
            .filter(|item| matches!(item.directive.name.as_str(), "servername" | "serveralias" | "server_name"));
        let own: Vec<String> = named
            .flat_map(|item| &item.directive.args)
            .map(|name| name.rsplit("://").next().unwrap_or(name).split(':').next().unwrap_or_default().to_lowercase())
            .collect();
        if own.is_empty() || own.iter().any(|name| name.contains(['*', '~', '$', '_']) || name.starts_with('.')) {
            return None;
        }
        all.extend(own);
    }
    (!all.is_empty()).then_some(all)
}
