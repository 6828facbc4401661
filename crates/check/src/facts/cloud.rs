//! One cloud: who uploads to whom, and from where.

use std::collections::BTreeMap;

use direct_upload_api::Panel;
use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_core::derive::ExposureIssue;
use direct_upload_core::derive::exposure_issue::tolerance;
use direct_upload_core::openstack::Release;

use super::addressed;
use super::answering::Answering;
use super::api::ApiFacts;
use super::catalog::{Published, UrlSource, confirm, known_hosts};
use super::glance::GlanceFacts;
use super::haproxy;
use super::horizon::HorizonFacts;
use super::listen::Listen;
use super::page_policy::PagePolicy;
use super::server::{Known, ScopedDirective, Server};
use super::traefik;
use crate::classify::Kind;
use crate::finding::Location;
use crate::formats::python::Value;
use crate::unit::{Program, Unit, WorkloadId};

/// The origin from which browsers load a dashboard, according to something in the input.
#[derive(Clone, Debug, PartialEq)]
pub struct ExposedDashboard {
    pub host: String,
    /// With the scheme and port, if these are certain.
    pub origin: Option<Origin>,
    pub place: Location,
    /// The source.
    pub source: String,
    pub certainty: Certainty,
    pub scope: Vec<String>,
}

/// How likely a name is the one that browsers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// A web server's own name. A proxy in front of it may have another.
    Named,
    /// Django serves these names, maybe with old or internal ones.
    Served,
    /// An Ingress or the like exposes it.
    Exposed,
}

/// A field of an object that exposes Glance, which stops uploads or may.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedIssue {
    /// Whether a resource asks for direct uploads through it.
    pub asked: bool,
    pub issue: ExposureIssue,
    pub place: Location,
    pub scope: Vec<String>,
}

/// A Horizon and a Glance that belong together, by their indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub horizon: usize,
    pub glance: usize,
}

/// What a Horizon resource states about its dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedDashboard {
    /// The image panel, as stated or as a rehearsal found it.
    pub panel: Panel,
    /// The size of the test PUTs, in bytes.
    pub size: Option<u64>,
}

/// All facts.
#[derive(Clone, Debug)]
pub struct Cloud<'a> {
    pub units: &'a [Unit],
    pub glances: Vec<GlanceFacts<'a>>,
    pub horizons: Vec<HorizonFacts<'a>>,
    /// Other services with `[cors]`.
    pub apis: Vec<ApiFacts<'a>>,
    pub servers: Vec<Server<'a>>,
    pub published: Vec<Published>,
    pub dashboards: Vec<ExposedDashboard>,
    pub pairs: Vec<Pair>,
    /// For each Glance, how much of its scope the nearest Horizon shares.
    pub nearest: Vec<usize>,
    /// What resources state, by the workload.
    pub stated: BTreeMap<WorkloadId, StatedDashboard>,
    /// Stated by the user; it overrides the images' tags.
    pub release: Option<Release>,
    /// Objects that answer preflights instead of Glance.
    pub answering: Vec<Answering>,
    /// What objects in front of a dashboard add to its pages.
    pub page_policies: Vec<PagePolicy>,
}

impl<'a> Cloud<'a> {
    /// Joins the facts. `exposed`: dashboards from Ingresses and similar objects. `published`: Glance's
    /// public URLs. `stated`: what resources state, by the workload.
    pub fn new(
        units: &'a [Unit],
        exposed: Vec<ExposedDashboard>,
        published: Vec<Published>,
        stated: BTreeMap<WorkloadId, StatedDashboard>,
        release: Option<Release>,
    ) -> Self {
        let of_service = |service| units.iter().filter(move |unit| unit.service() == Some(service));
        let glances: Vec<GlanceFacts<'a>> = of_service(Program::Glance)
            .map(GlanceFacts::read)
            .filter(|g| !g.confs.is_empty() || !g.outside.is_empty())
            .collect();
        let horizons: Vec<HorizonFacts<'a>> =
            of_service(Program::Horizon).map(HorizonFacts::read).filter(|h| !h.snippets.is_empty()).collect();
        let mut dashboards = exposed;
        for own in &mut dashboards {
            without_guess(own, &horizons);
        }
        dashboards.extend(horizons.iter().flat_map(of_settings));
        let endpoints: Vec<Published> = glances.iter().filter_map(of_public_endpoint).collect();
        let names: Vec<String> = dashboards.iter().map(|d| d.host.clone()).collect();
        let hosts = known_hosts(&names, &endpoints);
        let by_names: Vec<Server<'a>> = units.iter().flat_map(|unit| haproxy::servers(unit, &[])).collect();
        let known = Known { hosts: &hosts, before: &by_names };
        let mut servers: Vec<Server<'a>> = units.iter().flat_map(|unit| Server::find(unit, &known)).collect();
        let before: Vec<Server<'a>> = units.iter().flat_map(|unit| haproxy::servers(unit, &servers)).collect();
        servers.extend(before);
        let mut published = published;
        for own in &mut published {
            confirm(own, &endpoints);
        }
        let told: Vec<_> = endpoints.into_iter().filter(|own| published.iter().all(|p| p.scope != own.scope)).collect();
        published.extend(told);
        addressed::keep(&mut servers, &published);
        // Behind HAProxy and the like, browsers need not know a server's own name.
        let of_dashboard = |s: &&Server<'_>| s.service == Program::Horizon;
        let has_traefik = servers.iter().filter(of_dashboard).any(|s| s.kind == Kind::Traefik);
        let behind = servers.iter().filter(of_dashboard).any(|s| matches!(s.kind, Kind::Haproxy | Kind::Stream));
        let is_front = |s: &&Server<'_>| !has_traefik || s.kind == Kind::Traefik;
        dashboards
            .extend(servers.iter().filter(of_dashboard).filter(|_| !behind).filter(is_front).filter_map(of_server));
        let pairs = pairs(&horizons, &glances);
        let to_horizons = |glance: &GlanceFacts<'_>| {
            horizons.iter().map(|horizon| shared(&horizon.unit.scope, &glance.unit.scope)).max().unwrap_or_default()
        };
        let nearest = glances.iter().map(to_horizons).collect();
        let apis = units.iter().flat_map(ApiFacts::others).collect();
        Self {
            units,
            glances,
            horizons,
            apis,
            servers,
            published,
            dashboards,
            pairs,
            nearest,
            stated,
            release,
            answering: Vec::new(),
            page_policies: Vec::new(),
        }
    }

    /// Whether a web server in Glance's pods, or uWSGI, names a path: it may remove it.
    pub fn is_mounted(&self, prefix: &str) -> bool {
        let serves = |unit: &Unit, kind| match kind {
            Kind::Uwsgi => true,
            Kind::Httpd | Kind::Nginx => unit.workload.is_some(),
            _ => false,
        };
        let names = |unit: &&Unit| {
            let mut files = unit.files.iter().filter(|file| serves(unit, file.kind));
            files.any(|file| file.text.contains(prefix.trim_end_matches('/')))
        };
        self.units.iter().any(|unit| names(&unit))
    }

    /// What answers preflights instead of a Glance.
    pub fn answering_for(&self, glance: &GlanceFacts<'_>) -> Option<&Answering> {
        self.answering.iter().find(|own| glance.unit.scope.first().is_none_or(|scope| *scope == own.namespace))
    }

    /// Glance's release.
    pub fn release_of(&self, unit: &Unit) -> Option<Release> {
        self.release.or(unit.release)
    }

    /// Horizons that upload to this Glance, if they are seen.
    pub fn horizons_of(&self, glance: usize) -> impl Iterator<Item = &HorizonFacts<'a>> {
        self.pairs.iter().filter(move |p| p.glance == glance).filter_map(|p| self.horizons.get(p.horizon))
    }

    /// Which image panel uploads to this Glance: the Django panel if any dashboard has it, and unknown
    /// unless each is known. Settings count before a resource, and a resource before Horizon's default.
    pub fn panel_of(&self, glance: usize) -> Panel {
        let panel = |horizon: &HorizonFacts<'_>| {
            let chosen = horizon.chosen_panel();
            let stated = self.stated_of(horizon).map(|own| own.panel);
            let default = if horizon.is_whole() { Panel::Angular } else { Panel::Unknown };
            let fallback = if chosen.is_some() { Panel::Unknown } else { default };
            let known = [chosen, stated].into_iter().flatten().find(|panel| *panel != Panel::Unknown);
            known.unwrap_or(fallback)
        };
        let all: Vec<Panel> = self.horizons_of(glance).map(panel).collect();
        let is_angular = !all.is_empty() && all.iter().all(|panel| *panel == Panel::Angular);
        match () {
            () if all.contains(&Panel::Django) => Panel::Django,
            () if is_angular => Panel::Angular,
            () => Panel::Unknown,
        }
    }

    fn stated_of(&self, horizon: &HorizonFacts<'_>) -> Option<&StatedDashboard> {
        self.stated.get(horizon.unit.workload.as_ref()?)
    }

    /// How many bytes the largest uploads to this Glance have: what its dashboards' resources state, or the size
    /// above which images are not common.
    pub fn largest_of(&self, glance: usize) -> u64 {
        let stated = self.horizons_of(glance).filter_map(|horizon| self.stated_of(horizon)?.size);
        // A resource may name a dashboard whose settings are not in the input.
        let any = || self.stated.values().filter_map(|own| own.size).max();
        stated.max().or_else(any).unwrap_or(tolerance::SMALL)
    }

    /// Whether somebody wants direct uploads to this Glance. Without a known Horizon: yes, because
    /// otherwise nobody would check.
    pub fn is_direct(&self, glance: usize) -> bool {
        wanted(self.horizons_of(glance))
    }

    /// The same for any Glance in a scope.
    pub fn is_direct_in(&self, scope: &[String]) -> bool {
        let nearest = self.horizons.iter().map(|h| shared(&h.unit.scope, scope)).max().unwrap_or_default();
        wanted(self.horizons.iter().filter(|h| shared(&h.unit.scope, scope) == nearest))
    }

    /// Whether Horizon itself forwards images.
    pub fn is_legacy_in(&self, scope: &[String]) -> bool {
        let nearest = self.horizons.iter().map(|h| shared(&h.unit.scope, scope)).max().unwrap_or_default();
        self.horizons.iter().filter(|h| shared(&h.unit.scope, scope) == nearest).any(HorizonFacts::is_legacy)
    }

    /// Whether Glance is published under a dashboard's own origin. Browsers then need no CORS.
    pub fn is_same_origin(&self, unit: &Unit) -> bool {
        let dashboards: Vec<_> = self.dashboards_near(&unit.scope).filter_map(|d| d.origin.as_ref()).collect();
        let near = self.published.iter().filter(|p| p.scope == unit.scope);
        let mut origins = near.filter_map(|p| PublicUrl::parse(&p.url).ok()).peekable();
        // If nothing names the dashboard, an allowed origin is one.
        let unnamed = self.dashboards_near(&unit.scope).next().is_none();
        let of_unit = self.glances.iter().filter(|g| std::ptr::eq(g.unit, unit) && unnamed);
        let allowed: Vec<String> =
            of_unit.filter_map(|g| g.cors_in_effect("allowed_origin")).flat_map(|s| s.items()).collect();
        let is_allowed = |url: &PublicUrl| allowed.iter().any(|origin| origin == url.origin().as_str());
        let is_hosts = |url: &PublicUrl| !url.path().is_empty() && self.has_dashboards_host(unit, url.origin());
        // Nobody says what the catalog publishes, so a path for Glance is assumed to be it.
        (origins.peek().is_none() && (self.is_below_dashboard(unit) || traefik::shares_host(self.units, &unit.scope)))
            || origins.any(|url| {
                dashboards.contains(&url.origin()) || (is_allowed(&url) && !url.path().is_empty()) || is_hosts(&url)
            })
    }

    /// Whether an origin has the host of a dashboard, whose own origin nothing states, on a port where it is served.
    fn has_dashboards_host(&self, unit: &Unit, origin: &Origin) -> bool {
        let port = |origin: &Origin| url::Url::parse(origin.as_str()).ok().and_then(|url| url.port_or_known_default());
        let edges = self.edges(&unit.scope, Program::Horizon);
        let fits =
            |listen: &&Listen| listen.port == port(origin) && listen.tls.is_none_or(|tls| tls == origin.is_https());
        let mut near = self.dashboards_near(&unit.scope).peekable();
        let named =
            near.peek().is_none() && self.servers_near(&unit.scope, Program::Glance).all(|s| s.listens.is_empty());
        edges.iter().any(fits) && (named || near.any(|d| d.origin.is_none() && d.host == origin.host()))
    }

    /// Whether the dashboard's own host also leads to Glance.
    fn is_below_dashboard(&self, unit: &Unit) -> bool {
        let near = self.servers.iter().filter(|server| server.scope == unit.scope);
        let (horizons, others): (Vec<_>, Vec<_>) = near.partition(|server| server.service == Program::Horizon);
        let text = |server: &Server<'_>, name: &str| server.last(name).map(|item| item.directive.text());
        let shares_host = |horizon: &Server<'_>, other: &Server<'_>| {
            ["server_name", "listen"]
                .iter()
                .all(|name| text(horizon, name).is_some_and(|t| text(other, name) == Some(t)))
        };
        // HAProxy: one frontend leads to both, to Glance by the path.
        let by_path = |other: &Server<'_>| {
            let leads = |item: &&ScopedDirective<'_>| {
                let text = item.directive.text();
                item.directive.name == "use_backend" && text.contains("path") && !text.contains("hdr")
            };
            other.kind == Kind::Haproxy && other.items.iter().any(|item| leads(&item))
        };
        let shares_front = |horizon: &Server<'_>, other: &Server<'_>| {
            by_path(other) && !other.listens.is_empty() && other.listens == horizon.listens
        };
        horizons.iter().any(|h| {
            h.glance_below().is_some() || others.iter().any(|other| shares_host(h, other) || shares_front(h, other))
        })
    }

    /// The servers nearest to a unit that serve a program.
    pub fn servers_near<'b>(&'b self, scope: &'b [String], program: Program) -> impl Iterator<Item = &'b Server<'a>> {
        let of = move || self.servers.iter().filter(move |s| s.service == program);
        let nearest = of().map(|s| shared(&s.scope, scope)).max().unwrap_or_default();
        of().filter(move |s| shared(&s.scope, scope) == nearest)
    }

    /// Where browsers meet a program first, if there are several: nginx's `stream`, HAProxy, Traefik, nginx,
    /// httpd.
    pub fn edges<'b>(&'b self, scope: &'b [String], program: Program) -> Vec<&'b Listen> {
        let rank = |server: &Server<'_>| match server.kind {
            Kind::Stream => 4,
            Kind::Haproxy => 3,
            Kind::Traefik => 2,
            Kind::Nginx => 1,
            _ => 0,
        };
        let servers: Vec<_> = self.servers_near(scope, program).filter(|s| !s.listens.is_empty()).collect();
        let first = servers.iter().map(|s| rank(s)).max().unwrap_or_default();
        servers.into_iter().filter(|s| rank(s) == first).flat_map(|s| &s.listens).collect()
    }

    /// What shows that browsers load the dashboard over https.
    pub fn https_dashboard(&self, scope: &[String]) -> Option<String> {
        const SECURE: [&str; 2] = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"];
        let stated = self.dashboards_near(scope).find(|d| d.origin.as_ref().is_some_and(Origin::is_https));
        if let Some(d) = stated {
            let origin = d.origin.as_ref().map(ToString::to_string).unwrap_or_default();
            return Some(format!("{origin} ({})", d.source));
        }
        let ends_tls = |listen: &&&Listen| listen.tls == Some(true);
        if let Some(listen) = self.edges(scope, Program::Horizon).iter().find(ends_tls) {
            return Some(format!("served by https ({}: {})", listen.place, listen.written));
        }
        let secure = |h: &&HorizonFacts<'_>| SECURE.iter().any(|name| h.value(name) == Some(&Value::Bool(true)));
        let nearest = self.horizons.iter().map(|h| shared(&h.unit.scope, scope)).max().unwrap_or_default();
        let mut near = self.horizons.iter().filter(|h| shared(&h.unit.scope, scope) == nearest);
        let by_cookies = near.find(secure).map(|_| "served by https (its cookies are secure)".to_owned());
        by_cookies.or_else(|| self.only_https_is_allowed(scope))
    }

    /// A dashboard without https could not upload either, because the Glances allow only https origins.
    fn only_https_is_allowed(&self, scope: &[String]) -> Option<String> {
        let mut near = self.glances.iter().filter(|glance| glance.unit.scope == scope);
        let setting = near.find_map(|glance| glance.cors_in_effect("allowed_origin"))?;
        let origins: Vec<Origin> = setting.items().iter().filter_map(|item| Origin::parse(item).ok()).collect();
        let all = !origins.is_empty() && origins.len() == setting.items().len() && origins.iter().all(Origin::is_https);
        all.then(|| format!("served by https (allowed_origin has no other: {})", setting.place))
    }

    /// The dashboards of the Horizons next to a unit.
    pub fn dashboards_near<'b>(&'b self, scope: &'b [String]) -> impl Iterator<Item = &'b ExposedDashboard> {
        let nearest = self.dashboards.iter().map(|d| shared(&d.scope, scope)).max().unwrap_or_default();
        self.dashboards.iter().filter(move |d| shared(&d.scope, scope) == nearest)
    }
}

/// A route without TLS does not show the scheme where the dashboard's cookies are for https only: something before the route
/// ends TLS, or nobody could log in.
fn without_guess(own: &mut ExposedDashboard, horizons: &[HorizonFacts<'_>]) {
    let is_secure = |horizon: &HorizonFacts<'_>| {
        ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]
            .iter()
            .all(|name| horizon.value(name) == Some(&Value::Bool(true)))
    };
    let mut near = horizons.iter().filter(|horizon| horizon.unit.scope == own.scope).peekable();
    let is_plain = own.origin.as_ref().is_some_and(|origin| !origin.is_https());
    if is_plain && near.peek().is_some() && near.all(is_secure) {
        own.origin = None;
    }
}

/// Glance's own setting, if nobody says what the catalog has.
fn of_public_endpoint(glance: &GlanceFacts<'_>) -> Option<Published> {
    let setting = glance.option("DEFAULT", "public_endpoint")?;
    let url = PublicUrl::parse(setting.value.trim()).ok()?;
    Some(Published {
        url: url.to_string(),
        place: setting.place,
        scope: glance.unit.scope.clone(),
        source: UrlSource::Glance,
    })
}

fn wanted<'a, 'b: 'a>(horizons: impl Iterator<Item = &'a HorizonFacts<'b>>) -> bool {
    let mut horizons = horizons.peekable();
    horizons.peek().is_none() || horizons.any(HorizonFacts::wants_direct)
}

/// How much of their scope two units share.
pub fn shared(a: &[String], b: &[String]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Each Horizon with the Glances that are nearest to it.
fn pairs(horizons: &[HorizonFacts<'_>], glances: &[GlanceFacts<'_>]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (horizon, h) in horizons.iter().enumerate() {
        let near = |g: &GlanceFacts<'_>| shared(&h.unit.scope, &g.unit.scope);
        let nearest = glances.iter().map(near).max().unwrap_or_default();
        let found = glances.iter().enumerate().filter(|(_, g)| near(g) == nearest);
        pairs.extend(found.map(|(glance, _)| Pair { horizon, glance }));
    }
    pairs
}

/// Host names that only machines use for a dashboard.
fn is_public(host: &str) -> bool {
    let name = host.trim_start_matches('.');
    host == name
        && !host.contains('*')
        && !host.contains("://")
        && name.parse::<std::net::IpAddr>().is_err()
        && Origin::parse(&format!("https://{name}")).is_ok_and(|o| o.unreachable().is_none() && o.host() == name)
}

/// Django serves only hosts in ALLOWED_HOSTS, and accepts forms only from origins in CSRF_TRUSTED_ORIGINS
/// (and its own).
fn of_settings(horizon: &HorizonFacts<'_>) -> Vec<ExposedDashboard> {
    let scope = &horizon.unit.scope;
    let mut found = Vec::new();
    if let Some(texts) = horizon.value("CSRF_TRUSTED_ORIGINS").and_then(Value::texts) {
        let place = setting_place(horizon, "CSRF_TRUSTED_ORIGINS");
        for origin in texts.iter().filter_map(|text| Origin::parse(text).ok()).filter(|o| is_public(o.host())) {
            let (host, origin) = (origin.host().to_owned(), Some(origin));
            found.push(ExposedDashboard {
                host,
                origin,
                place: place.clone(),
                source: "CSRF_TRUSTED_ORIGINS".into(),
                certainty: Certainty::Served,
                scope: scope.clone(),
            });
        }
    }
    let hosts = horizon.value("ALLOWED_HOSTS").and_then(Value::texts).unwrap_or_default();
    if found.is_empty() && hosts.iter().all(|host| !host.contains('*') && !host.starts_with('.')) {
        let place = setting_place(horizon, "ALLOWED_HOSTS");
        // If there are no names, browsers use the address, or a server before it has a name.
        let is_address = |host: &&&str| {
            let origin =
                host.parse::<std::net::IpAddr>().ok().and_then(|_| Origin::parse(&format!("https://{host}")).ok());
            origin.is_some_and(|origin| origin.unreachable().is_none())
        };
        let named: Vec<&str> = hosts.iter().copied().filter(|host| is_public(host)).collect();
        let (shown, certainty) = if named.is_empty() {
            (hosts.iter().filter(is_address).copied().collect(), Certainty::Named)
        } else {
            (named, Certainty::Served)
        };
        for host in shown {
            let host = host.to_lowercase();
            found.push(ExposedDashboard {
                host,
                origin: None,
                place: place.clone(),
                source: "ALLOWED_HOSTS".into(),
                certainty,
                scope: scope.clone(),
            });
        }
    }
    found
}

fn setting_place(horizon: &HorizonFacts<'_>, name: &str) -> Location {
    let last = horizon.assignments(name).pop();
    last.map(|(snippet, a)| snippet.file.option(a.line, name)).unwrap_or_default()
}

fn of_server(server: &Server<'_>) -> Option<ExposedDashboard> {
    let item = server.items.iter().rfind(|i| matches!(i.directive.name.as_str(), "servername" | "server_name"))?;
    let written = item.directive.arg(0)?;
    let name = written.split("://").last()?.split(':').next()?.to_lowercase();
    // httpd: with a scheme and a port it says what browsers use (httpd, core, ServerName). Otherwise a proxy may be in front of
    // it, so their scheme and port may differ.
    let has_port = written.strip_prefix("https://").is_some_and(|rest| rest.contains(':'));
    let origin = Origin::parse(written).ok().filter(|_| has_port);
    is_public(&name).then(|| ExposedDashboard {
        host: name,
        place: item.place(),
        source: format!("{} of the dashboard's server", item.directive.written),
        certainty: if origin.is_some() { Certainty::Exposed } else { Certainty::Named },
        origin,
        scope: server.scope.clone(),
    })
}
