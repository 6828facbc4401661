//! docs/servers.md shows what `check` knows of servers, and nothing else.

use direct_upload_check::effects::EFFECTS;
use test_support::file;

/// Sections of the page, and the programs or kinds in each.
const SECTIONS: [(&str, &[&str]); 9] = [
    ("nginx", &["nginx"]),
    ("HAProxy", &["HAProxy"]),
    ("httpd", &["httpd"]),
    ("uWSGI", &["uWSGI"]),
    ("Gateway API and Envoy Gateway", &["HTTPRoute", "ClientTrafficPolicy", "BackendTrafficPolicy", "SecurityPolicy"]),
    ("NGINX Gateway Fabric", &["ClientSettingsPolicy"]),
    ("Istio", &["VirtualService"]),
    ("Contour", &["HTTPProxy"]),
    ("Traefik", &["Traefik", "Middleware", "ServersTransport"]),
];

fn tables() -> String {
    let mut text = String::new();
    for (title, servers) in SECTIONS {
        text.push_str("\n## ");
        text.push_str(title);
        text.push_str("\n\n| directive | preflight | the PUT's answer | size | time |\n|---|---|---|---|---|\n");
        for effect in servers.iter().flat_map(|server| EFFECTS.iter().filter(move |effect| effect.server == *server)) {
            let kind = if effect.server == title || effect.server == "Traefik" {
                String::new()
            } else {
                format!("{} ", effect.server)
            };
            let directive = effect.directive.replace('|', "\\|");
            let cells = [effect.preflight, effect.answer, effect.size, effect.time].join(" | ");
            text.extend(["| ", &kind, "`", &directive, "` | ", &cells, " |\n"]);
        }
    }
    text
}

/// `UPDATE_DOCS=1` writes the page anew.
#[test]
fn the_page_on_servers_is_up_to_date() {
    let path = file("docs/servers.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once("<!-- servers: begin -->\n").unwrap();
    let (_, tail) = rest.split_once("\n<!-- servers: end -->").unwrap();
    let new = format!("{head}<!-- servers: begin -->\n{}\n<!-- servers: end -->{tail}", tables());
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, &new).unwrap();
    }
    assert!(
        new == page || std::env::var("UPDATE_DOCS").is_ok(),
        "docs/servers.md is not what crates/check/src/effects.rs says; UPDATE_DOCS=1 writes it"
    );
}

#[test]
fn every_row_is_on_the_page_and_says_something() {
    for effect in &EFFECTS {
        assert!(SECTIONS.iter().any(|(_, servers)| servers.contains(&effect.server)), "{effect:?}");
        let says = [effect.preflight, effect.answer, effect.size, effect.time];
        assert!(says.iter().any(|cell| !cell.is_empty()), "{effect:?}");
    }
}
