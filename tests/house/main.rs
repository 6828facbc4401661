//! Checks the layers of the code: which module may use which, judged from the sources as the compiler reads
//! them.
//!
//! Each crate is a list of layers (folders or files below `src`), lowest first; a layer uses only those
//! below it. The lists are the architecture, see docs/architecture.md. A layer that is not in its list
//! fails.

mod modules;
mod public;
mod reasons;
mod sources;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use modules::unnamed;
use reasons::compared;
use sources::{Crate, circle_between_modules, circle_between_siblings, collect, room};

/// What each crate's rooms are, lowest first.
const CRATES: [(&str, &[&str]); 4] = [
    (
        "crates/api/src",
        &[
            "rule",
            "web",
            "duration",
            "panel",
            "conditions",
            "rehearsing",
            "shared",
            "glance",
            "horizon",
            "openstack_api",
            "cors",
        ],
    ),
    (
        "crates/core/src",
        &["model", "openstack", "render", "workload", "judge", "manifests", "derive", "plan", "simulate"],
    ),
    (
        "crates/check/src",
        &[
            "redact",
            "text",
            "har",
            "finding",
            "formats",
            "effects",
            "names",
            "classify",
            "policy",
            "unit",
            "owner",
            "template",
            "values",
            "objects",
            "input",
            "managed",
            "kinds",
            "glances",
            "ingress_class",
            "facts",
            "beyond",
            "traefik",
            "derived",
            "routes",
            "controller",
            "rules",
            "report",
            "coverage",
            "inspection",
            "manifests",
            "output",
        ],
    ),
    ("src", &["probe", "observe", "apply", "report", "run", "cli"]),
];

/// Above all rooms: nothing in a crate knows what its root says.
const ROOTS: [&str; 2] = ["lib", "main"];

#[test]
fn a_room_knows_only_rooms_below_it() {
    let found: Vec<String> = CRATES
        .iter()
        .flat_map(|(folder, rooms)| {
            upward(&Crate::read(folder), rooms).into_iter().map(move |arrow| format!("{folder}: {arrow}"))
        })
        .collect();
    assert!(found.is_empty(), "arrows that run up:\n{}", found.join("\n"));
}

/// Arrows from a room to one above it, each with both ends.
fn upward(source: &Crate, rooms: &[&str]) -> Vec<String> {
    let rooms = [rooms, &ROOTS].concat();
    let place = |file: &str| rooms.iter().position(|name| *name == room(file));
    for file in source.files() {
        assert!(place(file).is_some(), "{file} is in a room that the list does not have");
    }
    let arrows = source.arrows();
    let up = arrows.iter().filter(|(from, to)| place(from) < place(to));
    up.map(|(from, to)| format!("{from} knows {to}")).collect()
}

/// Bad crates, with every way to name another file: the tests see both ends.
#[test]
fn what_is_wrong_is_seen_however_it_is_named() {
    let of =
        |files: &[(&str, &str)]| Crate::of(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
    for (one, two) in [
        "use crate::two; pub fn f() { two::g(); }",
        "use crate::two as other; pub fn f() { other::g(); }",
        "use crate::*; pub fn f() { two::g(); }",
        "use crate::two; pub fn f() { assert!(two::g()); }",
        "pub fn f() -> crate::two::g { }",
        "pub fn f() { use super::two; two::g() }",
        "pub mod inner { pub fn f() { super::super::two::g() } } pub use inner::f;",
        "#[derive(Serialize)] pub struct f { #[serde(with = \"crate::two::g\")] x: u8 }",
        "#[some(crate::two::g)] pub fn f() {}",
        "pub fn f() { root::two::g() }",
    ]
    .into_iter()
    .flat_map(|one| [(one, "pub use three::g;"), (one, "pub use three::*;")])
    {
        let lib = ("lib.rs", "extern crate self as root; mod one; mod two;");
        let three = ("two/three.rs", "use crate::one::f; pub fn g() {}");
        let source = of(&[lib, ("one.rs", one), ("two/mod.rs", two), three]);
        let ends = "one.rs knows two/three.rs, and two/three.rs in the end one.rs";
        assert!(circle_between_modules(&source).iter().any(|circle| circle == ends), "{one}");
        assert!(upward(&source, &["one", "two"]).iter().any(|arrow| arrow == "one.rs knows two/three.rs"), "{one}");
        assert_eq!(upward(&source, &["two", "one"]), ["two/three.rs knows one.rs"], "{one}");
    }
    let child = of(&[
        ("one/mod.rs", "mod part; pub fn f() { part::g(); }"),
        ("one/part/mod.rs", "mod leaf; pub fn g() { crate::one::f(); }"),
        ("one/part/leaf.rs", ""),
    ]);
    let ends = "one/mod.rs knows one/part/mod.rs, and one/part/mod.rs in the end one/mod.rs";
    assert_eq!(circle_between_modules(&child)[..1], [ends]);
    let inside = of(&[("lib.rs", ""), ("one.rs", "pub struct A; mod inner { use super::A; fn f(a: super::A) {} }")]);
    assert!(inside.arrows().is_empty(), "{:?}", inside.arrows());
    let siblings = of(&[
        ("one/mod.rs", "mod a; mod b; pub use a::f;"),
        ("one/a.rs", "pub fn f() { super::b::g() }"),
        ("one/b.rs", "pub fn g() { super::f() }"),
    ]);
    let circles = ["one/a.rs knows one/b.rs, and one/b.rs in the end one/a.rs"];
    assert_eq!(circle_between_siblings(&siblings)[..1], circles);
    assert_eq!(circle_between_modules(&siblings), Vec::<String>::new());
    let root = of(&[("lib.rs", "mod one; pub struct Input;"), ("one.rs", "use crate::Input;")]);
    assert_eq!(upward(&root, &["one"]), ["one.rs knows lib.rs"]);
    let good = of(&[
        ("lib.rs", "mod one; mod two; pub use two::g;"),
        ("one.rs", "pub struct File; fn f(two: File) { print!(two one) }"),
        ("two.rs", "use crate::one::{self, File}; use std::fs as one_more; pub fn g() { one::f(); File::g() }"),
    ]);
    assert_eq!((upward(&good, &["one", "two"]), circle_between_modules(&good)), (vec![], vec![]));
}

#[test]
fn every_file_is_in_a_module() {
    let files = sources(&["src", "crates", "tests", "examples"]);
    let unnamed = unnamed(&files);
    assert!(unnamed.is_empty(), "Cargo ignores these files, because no module names them:\n{}", unnamed.join("\n"));
}

/// The files of these folders, and their texts.
fn sources(folders: &[&str]) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut files);
    }
    let file = |path: &std::path::PathBuf| {
        (path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
    };
    files.iter().map(file).collect()
}

/// A crate with every way to name a file, and with files beside them that look as if they were in it.
#[test]
fn a_file_that_no_module_names_is_seen() {
    let files = [
        ("crates/one/src/lib.rs", "mod leaf; mod room; mod inline { mod child; }"),
        ("crates/one/src/leaf.rs", "#[cfg(test)] mod tests;"),
        ("crates/one/src/leaf/tests.rs", ""),
        ("crates/one/src/tests.rs", ""),
        ("crates/one/src/room/mod.rs", "mod part; // mod absent;"),
        ("crates/one/src/room/part.rs", ""),
        ("crates/one/src/room/absent.rs", "mod of_absent;"),
        ("crates/one/src/room/of_absent.rs", ""),
        ("crates/one/src/room/main.rs", ""),
        ("crates/one/src/inline/child.rs", ""),
        ("crates/one/src/child.rs", ""),
        ("crates/one/tests/one/main.rs", "#[path = \"../two/shared.rs\"] mod shared;"),
        ("crates/one/tests/two/shared.rs", ""),
        ("crates/one/tests/two/other.rs", ""),
        ("tests/alone.rs", ""),
        ("tests/support/src/lib.rs", ""),
        ("tests/support/src/main/mod.rs", ""),
    ];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
    let expected = [
        "crates/one/src/child.rs",
        "crates/one/src/room/absent.rs",
        "crates/one/src/room/main.rs",
        "crates/one/src/room/of_absent.rs",
        "crates/one/src/tests.rs",
        "crates/one/tests/two/other.rs",
        "tests/support/src/main/mod.rs",
    ];
    assert_eq!(unnamed(&files), expected);
}

#[test]
fn no_circle_of_imports_crosses_a_module() {
    let circles: Vec<String> = CRATES
        .iter()
        .flat_map(|(folder, _)| {
            let source = Crate::read(folder);
            circle_between_modules(&source).into_iter().map(move |circle| format!("{folder}: {circle}"))
        })
        .collect();
    assert!(circles.is_empty(), "files of different modules that know each other:\n{}", circles.join("\n"));
}

/// Files that look at the reason of a problem or a condition, and why they may. Elsewhere a reason is only what a
/// status says, and what it follows from has a type of its own.
const READ_REASONS: [(&str, &str); 3] = [
    ("crates/core/src/model/problem.rs", "says which reasons mean that something is not seen"),
    ("src/cli/status/tree.rs", "draws statuses, and has nothing else of the resource"),
    ("src/probe/http.rs", "HTTP/2 has its own reasons"),
];

#[test]
fn nothing_is_decided_by_a_reason() {
    let mut reading: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources(&["src", "crates/api/src", "crates/core/src", "crates/check/src"]) {
        // Conditions are made there.
        let found = compared(&syn::parse_file(&text).unwrap());
        if !file.starts_with("src/report/") && !found.is_empty() {
            reading.insert(file, found);
        }
    }
    let expected = READ_REASONS.map(|(file, _)| file);
    assert!(reading.keys().eq(expected), "give the state its own type, from which the reason follows:\n{reading:#?}");
}

#[test]
fn each_comparison_with_a_reason_is_seen() {
    for code in [
        "fn f(p: P) -> bool { p.reason == Reason::Accepted }",
        "fn f(p: P) -> bool { Some(api::Reason::Accepted) != p.reason() }",
        "fn f(p: P) -> bool { matches!(p.reason, Reason::Accepted | Reason::Resolved) }",
        "fn f(p: P) -> bool { [Reason::Accepted].contains(&p.reason) }",
        "fn f(p: P) -> u8 { match p.reason { Reason::Accepted => 1, _ => 0 } }",
        "fn f(p: P) -> u8 { if let Some(Reason::Accepted) = p.reason { 1 } else { 0 } }",
        "fn f(p: P) -> u8 { let P { reason: Reason::Accepted } = p else { return 0 }; 1 }",
    ] {
        assert_eq!(compared(&syn::parse_str(code).unwrap()).len(), 1, "{code}");
    }
    let good = "fn f(p: P) -> bool { p == new(match p { P::A => Reason::Accepted, P::B => Reason::Resolved }) }
        #[cfg(test)] mod tests { fn f() { assert!(p.reason == Reason::Accepted); } }";
    assert_eq!(compared(&syn::parse_str(good).unwrap()), Vec::<String>::new());
}

/// Rooms with files side by side that know each other in a circle. No other room may have one.
const KNOTTED: [(&str, &[&str]); 4] =
    [("crates/api/src", &[]), ("crates/core/src", &[]), ("crates/check/src", &["facts"]), ("src", &[])];

#[test]
fn files_side_by_side_know_each_other_one_way() {
    for (folder, knotted) in KNOTTED {
        let circles = circle_between_siblings(&Crate::read(folder));
        let of = |circle: &str| room(circle.split(' ').next().unwrap_or_default()).to_owned();
        let new: Vec<&String> = circles.iter().filter(|circle| !knotted.contains(&of(circle).as_str())).collect();
        assert!(new.is_empty(), "{folder}: files that know each other:\n{new:#?}");
        for room in knotted {
            assert!(circles.iter().any(|circle| of(circle) == *room), "{folder}: {room} has no circle any more");
        }
    }
}

/// docs/architecture.md has the same lists, one row a crate.
#[test]
fn the_page_names_every_room() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md")).unwrap();
    for (folder, rooms) in CRATES {
        let rooms: Vec<String> = rooms.iter().map(|room| format!("`{room}`")).collect();
        let row = format!("| `{}` | {} |", folder.trim_end_matches("/src"), rooms.join(" → "));
        assert!(page.lines().any(|line| line == row), "the page lacks this row:\n{row}");
    }
}

/// Each crate, and what may name its items.
const USERS: [&str; 8] = [
    "crates/api/src",
    "crates/core/src",
    "crates/check/src",
    "src",
    "crates/core/tests",
    "crates/check/tests",
    "tests",
    "examples",
];

#[test]
fn nothing_is_public_that_no_other_room_uses() {
    let unused: Vec<String> = CRATES
        .iter()
        .flat_map(|(folder, _)| {
            let beside: Vec<_> = USERS.into_iter().filter(|other| other != folder).collect();
            public::unused(folder, &beside)
        })
        .collect();
    assert!(unused.is_empty(), "pub, and named by no other room; say pub(crate) or less:\n{}", unused.join("\n"));
}

/// What decides does not wait, connect or read clocks: nothing that could is even linked.
#[test]
fn api_core_and_check_have_no_runtime_and_no_client() {
    for package in ["direct-upload-api", "direct-upload-core", "direct-upload-check"] {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let tree = String::from_utf8(tree.stdout).unwrap();
        assert!(tree.contains("kube-core "), "{package}: the tree is not what it was: {tree}");
        for banned in ["tokio ", "hyper ", "kube-client ", "kube-runtime ", "reqwest ", "rustls "] {
            assert!(!tree.lines().any(|line| line.starts_with(banned)), "{package} depends on {banned}");
        }
    }
}
