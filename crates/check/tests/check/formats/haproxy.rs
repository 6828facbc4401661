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
