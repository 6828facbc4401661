//! httpd's and nginx's directives.

use direct_upload_check::formats::directives::{Directive, httpd, nginx};

fn shown(directives: &[Directive]) -> String {
    let show = |d: &Directive| {
        let inner = if d.children.is_empty() { String::new() } else { format!(" {{{}}}", shown(&d.children)) };
        format!("{}:{}{:?}{inner}", d.line, d.name, d.args)
    };
    directives.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn httpd_is_read() {
    let text = "# c\nListen 80\n<VirtualHost *:80>\n  Header always \\\n    set X \"a \\\"b\\\" c\"\n  <Location \"/x y\">\n    Require all granted\n  </Location>\n</VirtualHost>\nTimeout 5 # five\n";
    assert_eq!(
        shown(&httpd(text)),
        r##"2:listen["80"] 3:virtualhost["*:80"] {4:header["always", "set", "X", "a \"b\" c"] 6:location["/x y"] {7:require["all", "granted"]}} 10:timeout["5", "#", "five"]"##
    );
}

#[test]
fn nginx_is_read() {
    let text = "http {\n  # c { ;\n  server { listen 80; add_header A 'b;\n c' always;\n  location / { proxy_pass http://${up}/; }\n  }\n}\n";
    assert_eq!(
        shown(&nginx(text)),
        r#"1:http[] {3:server[] {3:listen["80"] 3:add_header["A", "b;\n c", "always"] 5:location["/"] {5:proxy_pass["http://${up}/"]}}}"#
    );
}

#[test]
fn broken_texts_are_survived() {
    for text in ["<a", "</a>", "{{{{", "}}}}", "a \"b", "a {", "\\", "x ${", "'"] {
        httpd(text);
        nginx(text);
    }
    nginx(&"a{".repeat(100_000));
    httpd(&"<a>\n".repeat(100_000));
}
