//! The only exit. Every connection to a server that a resource or a catalog names is opened here, directly
//! or through a proxy, and only to allowed addresses ([`address::refused`]).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use direct_upload_api::web::Origin;
use direct_upload_core::judge::{Unreachable, UnreachableKind};
use ipnet::IpNet;
use tokio::net::TcpStream;

use super::address;
use super::connect;
use super::host::Host;
use super::names::NameCache;
use super::proxy::{Proxies, Proxy};

/// Names of metadata services, wherever they are resolved.
const METADATA: [&str; 4] = ["metadata", "metadata.google.internal", "metadata.goog", "instance-data"];

/// Which addresses may get requests, and which proxy to use.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    proxies: Proxies,
    /// Ranges that never get a request, in addition to the built-in ones.
    denied: Vec<IpNet>,
    names: NameCache,
}

/// A connection, the address at its other end, and the proxy if that is one.
pub(super) struct Passage {
    pub stream: TcpStream,
    pub address: SocketAddr,
    pub proxy: Option<Proxy>,
}

impl Gate {
    /// The operator's gate: it excludes its own loopback and these ranges.
    pub fn of_operator(denied: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(Proxies::from_env(), denied)
    }

    fn new(proxies: Proxies, denied: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies, denied: address::loopback().into_iter().chain(denied).collect(), names: NameCache::default() }
    }

    /// The proxy for a server, if there is one. A host whose address was given gets a direct request.
    pub(super) fn proxy(&self, origin: &Origin, host: &Host) -> Option<Proxy> {
        self.proxies.for_url(origin.as_str()).filter(|_| host.address.is_none())
    }

    /// The addresses of a server; empty if a proxy resolves its name.
    ///
    /// # Errors
    /// It has no allowed address.
    pub(super) async fn addresses(&self, origin: &Origin, host: &Host) -> Result<Vec<SocketAddr>, Unreachable> {
        let name = host.name.trim_end_matches('.').to_lowercase();
        let written = host.address.or_else(|| name.parse().ok());
        if written.is_none() && METADATA.contains(&name.as_str()) {
            return Err(refusal(host, None, "the name of a cloud's metadata service"));
        }
        if self.proxy(origin, host).is_none() {
            let all = match written {
                Some(address) => vec![address],
                None => connect::lookup(host).await?,
            };
            let allowed = all.iter().filter(|ip| address::refused(**ip, &self.denied).is_none());
            let allowed: Vec<_> = allowed.map(|ip| SocketAddr::new(*ip, host.port)).collect();
            return if allowed.is_empty() { Err(self.none(host, &all)) } else { Ok(allowed) };
        }
        let all = match written {
            Some(address) => vec![address],
            // It is then the proxy's own machine.
            None if name == "localhost" || name.ends_with(".localhost") => vec![Ipv4Addr::LOCALHOST.into()],
            // Many names can be resolved only by the proxy.
            None => self.names.addresses(&name, connect::lookup(host)).await,
        };
        // We cannot choose which of them the proxy uses.
        if all.iter().any(|ip| address::refused(*ip, &self.denied).is_some()) {
            return Err(self.none(host, &all));
        }
        Ok(Vec::new())
    }

    /// A connection to a server, at one of the `known` addresses if there are any. With https it goes
    /// through the proxy, if there is one; with http it goes to the proxy.
    ///
    /// # Errors
    /// It is not allowed, or cannot be reached.
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        host: &Host,
        known: &[SocketAddr],
    ) -> Result<Passage, Unreachable> {
        if let Some(proxy) = self.proxy(origin, host) {
            self.addresses(origin, host).await?;
            let mut stream = proxy.connect().await?;
            let address = stream.peer_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
            if origin.is_https() {
                let name = if host.name.contains(':') { format!("[{}]", host.name) } else { host.name.clone() };
                proxy.tunnel(&mut stream, &format!("{name}:{}", host.port)).await?;
            }
            return Ok(Passage { stream, address, proxy: Some(proxy) });
        }
        let found;
        let addresses = if known.is_empty() {
            found = self.addresses(origin, host).await?;
            found.as_slice()
        } else {
            known
        };
        let all: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
        if all.iter().any(|ip| address::refused(*ip, &self.denied).is_some()) {
            return Err(self.none(host, &all));
        }
        let (stream, address) = connect::connect(addresses).await?;
        Ok(Passage { stream, address, proxy: None })
    }

    /// Why none of the addresses is allowed.
    fn none(&self, host: &Host, all: &[IpAddr]) -> Unreachable {
        let refused = all.iter().find_map(|ip| Some((*ip, address::refused(*ip, &self.denied)?)));
        match refused {
            Some((ip, why)) => refusal(host, Some(ip), why),
            None => connect::unresolved(host, "no address"),
        }
    }
}

fn refusal(host: &Host, address: Option<IpAddr>, why: &str) -> Unreachable {
    let resolved = address.map(|address| address.to_string()).filter(|address| *address != host.name);
    let (what, joint) = match resolved {
        Some(address) => (format!("{} is {address}", host.name), ": "),
        None => (host.name.clone(), " is "),
    };
    Unreachable::new(
        UnreachableKind::Address,
        format!("{what}{joint}{why}, and this program sends no requests there"),
        "a public endpoint has a public address: look at the name's DNS entry",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use direct_upload_api::Panel;
    use direct_upload_api::web::{Endpoint, PublicUrl};
    use direct_upload_core::judge::session::Secret;
    use direct_upload_core::judge::{Preflight, PreflightOutcome};
    use direct_upload_core::model::{CatalogQuery, Key, Page, Reach};
    use rstest::rstest;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;
    use crate::probe::keystone::{self, Credential};
    use crate::probe::preflight;
    use crate::probe::request::{Depth, Probe};
    use crate::probe::{Trust, page, upload};

    /// A proxy that must get no request.
    struct Trap(TcpListener);

    impl Trap {
        async fn start() -> Self {
            Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
        }

        fn proxies(&self) -> Proxies {
            Proxies::all(&format!("http://{}", self.0.local_addr().unwrap()))
        }

        /// What the first connection sent, if there was one.
        async fn caught(&self) -> Option<String> {
            let (mut stream, _) = timeout(Duration::from_millis(20), self.0.accept()).await.ok()?.unwrap();
            let mut bytes = [0; 64];
            let read = stream.read(&mut bytes).await.unwrap();
            Some(String::from_utf8_lossy(&bytes[..read]).into_owned())
        }
    }

    fn probe(origin: &str, url: &str, address: Option<&str>, gate: &Gate) -> Probe {
        let endpoint = Endpoint::parse(url).unwrap();
        let host = |of: &Origin| Host {
            name: of.host().into(),
            port: Endpoint::from(PublicUrl::with_path(of.clone(), "")).port(),
            address: address.map(|address| address.parse().unwrap()),
        };
        let origin = Origin::parse(origin).unwrap();
        Probe {
            hosts: vec![host(endpoint.origin()), host(&origin)],
            origin,
            endpoint,
            panel: Panel::Angular,
            trust: Trust::with(&[]).unwrap(),
            gate: gate.clone(),
            uploads: None,
            page: None,
            address_spaces: false,
            depth: Depth::Checks,
        }
    }

    /// Every kind of request to a URL, and how each ended; `None` if that is unknown.
    async fn ask_all(url: &str, address: Option<&str>, gate: &Gate) -> Vec<(&'static str, String)> {
        let asked = probe("https://horizon.example.com", url, address, gate);
        let question = Preflight::upload(asked.origin.clone(), asked.endpoint.clone(), "image", asked.panel);
        let glance = asked.site(asked.endpoint.origin());
        let preflight = match preflight::preflight(&asked, &question).await {
            PreflightOutcome::Unreachable(why) => why.message,
            other => format!("{other:?}"),
        };
        // The page of a dashboard there, and uploads to an address that gave an earlier answer.
        let dashboard = probe(asked.endpoint.origin().as_str(), "https://glance.example.com", address, gate);
        let question_of_page =
            Preflight::upload(dashboard.origin.clone(), dashboard.endpoint.clone(), "image", dashboard.panel);
        let page = page::ask(&dashboard, &question_of_page, &Page { path: String::new(), assumed: false }).await;
        let known = glance.host.address.or_else(|| glance.host.name.parse().ok()).unwrap_or(Ipv4Addr::LOCALHOST.into());
        let known = SocketAddr::new(known, glance.host.port);
        let put = upload::complete(&asked, &glance, known, &question, None).await;
        let size = upload::announced(&asked, &glance, known, &question, 1).await;
        let hosts = address.map(|address| (glance.host.name.clone(), address.parse().unwrap())).into_iter().collect();
        let query = CatalogQuery {
            auth_url: PublicUrl::parse(url).unwrap(),
            secret: Key::new("cloud", "catalog"),
            reach: std::sync::Arc::new(Reach { hosts, ..Reach::default() }),
        };
        let credential = Credential { id: "id".into(), secret: Secret::new("s3cr3t".into()) };
        let catalog = keystone::ask(&query, &credential, gate).await.unwrap_err();
        vec![
            ("preflight", preflight),
            ("page", format!("{:?}", page.wire)),
            ("PUT", format!("{:?}", put.wire)),
            ("size", format!("{:?}", size.wire)),
            ("catalog", catalog),
        ]
    }

    /// One policy for each kind of request, direct and through a proxy, and for addresses that are written,
    /// given for a name, and resolved.
    #[rstest]
    #[case::link_local("http://169.254.169.254", None)]
    #[case::link_local_by_https("https://169.254.169.254", None)]
    #[case::as_a_number("http://2852039166", None)]
    #[case::mapped("http://[::ffff:169.254.169.254]", None)]
    #[case::of_ipv6("http://[fd00:ec2::254]", None)]
    #[case::link_local_of_ipv6("https://[fe80::1]", None)]
    #[case::loopback("http://127.0.0.1:9", None)]
    #[case::loopback_of_ipv6("http://[::1]:9", None)]
    #[case::loopback_by_name("http://localhost:9", None)]
    #[case::loopback_by_another_name("https://horizon.localhost", None)]
    #[case::denied("https://198.51.100.7", None)]
    #[case::denied_as_ipv6("https://[64:ff9b::c633:6407]", None)]
    #[case::by_name("http://metadata.google.internal", None)]
    #[case::by_name_with_a_dot("http://Metadata.google.internal.", None)]
    #[case::given("https://glance.example.org", Some("169.254.169.254"))]
    #[case::given_loopback("https://glance.example.org", Some("127.0.0.1"))]
    #[case::given_denied("https://glance.example.org", Some("198.51.100.7"))]
    #[tokio::test]
    async fn nothing_is_sent_there(#[case] url: &str, #[case] address: Option<&str>) {
        let trap = Trap::start().await;
        let denied = || ["198.51.100.0/24".parse().unwrap()];
        for (way, gate) in
            [("direct", Gate::new(Proxies::default(), denied())), ("proxy", Gate::new(trap.proxies(), denied()))]
        {
            for (kind, outcome) in ask_all(url, address, &gate).await {
                // A name below .localhost may not be resolvable.
                let refused = outcome.contains("sends no requests there")
                    || way == "direct" && outcome.contains("cannot be resolved");
                // If a browser would refuse, there is no request.
                let unasked = kind == "preflight" && outcome.starts_with("Objection");
                assert!(refused || unasked, "{kind}, {way}: {outcome}");
            }
            assert_eq!(trap.caught().await, None, "{way}");
        }
    }

    /// The trap catches what the gate lets through.
    #[rstest]
    #[case("http://192.0.2.1", None)]
    #[case("https://192.0.2.1", None)]
    #[case("https://glance.example.org", None)]
    #[tokio::test]
    async fn all_else_goes_through_the_proxy(#[case] url: &str, #[case] address: Option<&str>) {
        let trap = Trap::start().await;
        let gate = Gate::new(trap.proxies(), []);
        let asked = probe("https://horizon.example.com", url, address, &gate);
        let site = asked.site(asked.endpoint.origin());
        let host = Host { address: None, ..site.host.clone() };
        let connecting = gate.connect(&site.origin, &host, &[]);
        let (connected, caught) = tokio::join!(timeout(Duration::from_secs(5), connecting), trap.caught_late());
        assert!(caught, "{:?}", connected.map(|c| c.map(|c| c.address).map_err(|why| why.message)));
    }

    impl Trap {
        async fn caught_late(&self) -> bool {
            timeout(Duration::from_secs(4), self.0.accept()).await.is_ok()
        }
    }
}
