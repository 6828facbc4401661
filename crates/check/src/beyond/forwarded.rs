//! Redirects of requests without `X-Forwarded-Proto` by a server that ends TLS itself.
//!
//! In: a server. Out: one sentence: browsers do not send this header, and nothing shows that a proxy in front adds it.

use crate::classify::Kind;
use crate::facts::server::{ScopedDirective, Server};

pub(super) fn redirect(server: &Server<'_>) -> Option<String> {
    let ends_tls = !server.listens.is_empty() && server.listens.iter().all(|listen| listen.tls == Some(true));
    let asks = |text: &str| text.to_lowercase().replace('_', "-").contains("x-forwarded-proto");
    let is_it = |(at, item): &(usize, &ScopedDirective<'_>)| match (server.kind, item.directive.name.as_str()) {
        (Kind::Nginx, "return" | "rewrite") => item.within.iter().any(|block| asks(&block.text())),
        (Kind::Haproxy, "http-request" | "redirect") => {
            item.directive.args.iter().any(|word| word == "redirect" || word == "scheme")
                && asks(&item.directive.text())
        }
        // Its conditions are right before it.
        (Kind::Httpd, "rewriterule") => {
            let before = server.items[..*at].iter().rev();
            before.take_while(|other| other.directive.name == "rewritecond").any(|other| asks(&other.directive.text()))
        }
        _ => false,
    };
    let (_, item) = server.items.iter().enumerate().find(is_it).filter(|_| ends_tls)?;
    Some(format!(
        "{}: it redirects requests without X-Forwarded-Proto, which browsers do not send; the input shows no proxy that adds it",
        item.place()
    ))
}
