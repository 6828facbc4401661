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
    let text = "backend b\n.if 0\n  mode tcp\n.else\n  mode http\n.endif\n.if 1\n  retries 2\n.elif 1\n  retries 3\n.else\n  retries 4\n.endif\n";
    assert_eq!(texts(&haproxy(text)[0]), ["http", "2"]);
}

/// What depends on HAProxy's version or environment is kept apart.
#[test]
fn what_an_unknown_condition_decides_is_apart() {
    let text =
        "backend b\n.if defined(X)\n  retries 3\n.if 0\n  retries 4\n.endif\n.else\n  retries 5\n.endif\n  mode http\n";
    let section = &haproxy(text)[0];
    assert_eq!(texts(section), ["defined(X)", "http"]);
    assert_eq!(texts(&section.children[0]), ["3", "5"]);
}

/// Each HAProxy with `.if` has these versions.
#[test]
fn an_old_version_is_known() {
    assert_eq!(texts(&haproxy("backend b\n.if version_atleast(2.4)\n  mode http\n.endif\n")[0]), ["http"]);
}

/// Sections may depend on it, too.
#[test]
fn a_section_of_an_unknown_condition_is_apart() {
    let all = haproxy(".if version_atleast(2.9)\nbackend a\n  retries 3\n.endif\nbackend b\n  mode http\n");
    assert_eq!(all.iter().map(|own| own.name.as_str()).collect::<Vec<_>>(), [".if", "backend"]);
    assert_eq!(texts(&all[1]), ["http"]);
}

fn texts(section: &Directive) -> Vec<String> {
    section.children.iter().map(Directive::text).collect()
}

/// A backslash before an ordinary character stays (measured with 2.6).
#[test]
fn patterns_keep_their_backslashes() {
    let own = haproxy("frontend a\n  http-request deny if { path_reg \\.\\. }\n");
    assert_eq!(own[0].children[0].args[4], "\\.\\.");
}
