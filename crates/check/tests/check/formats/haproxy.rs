//! HAProxy's sections.

use direct_upload_check::formats::directives::Directive;
use direct_upload_check::formats::haproxy::haproxy;

#[test]
fn sections_hold_their_lines() {
    let text = "stray x\ndefaults\n  timeout client 1m # c\nfrontend a\n\n  rspadd X:\\ 'b c'\n  bind \":80\" \"#\\\"\" '\\'\nbackend b\n";
    let shown = |d: &Directive| {
        let inner: Vec<_> = d.children.iter().map(|c| format!("{}:{} {:?}", c.line, c.name, c.args)).collect();
        format!("{} {:?} {}", d.name, d.args, inner.join("; "))
    };
    assert_eq!(
        haproxy(text).iter().map(shown).collect::<Vec<_>>(),
        [
            r#"defaults [] 3:timeout ["client", "1m"]"#,
            r##"frontend ["a"] 6:rspadd ["X: b c"]; 7:bind [":80", "#\"", "\\"]"##,
            r#"backend ["b"] "#,
        ]
    );
}

/// HAProxy skips lines between `.if 0` and `.endif` (measured with 2.6).
#[test]
fn what_a_condition_leaves_out_is_not_there() {
    let text = "backend b\n.if 0\n  mode tcp\n.else\n  mode http\n.endif\n.if defined(X)\n  retries 3\n.endif\n";
    let names: Vec<String> =
        haproxy(text)[0].children.iter().map(direct_upload_check::formats::directives::Directive::text).collect();
    assert_eq!(names, ["http", "3"]);
}

/// A backslash before an ordinary character stays (measured with 2.6).
#[test]
fn patterns_keep_their_backslashes() {
    let own = haproxy("frontend a\n  http-request deny if { path_reg \\.\\. }\n");
    assert_eq!(own[0].children[0].args[4], "\\.\\.");
}
