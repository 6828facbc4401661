//! Checks the layers of the code: which module may use which, judged from the sources as the compiler reads
//! them.
//!
//! Each crate is a list of layers (folders or files below `src`), lowest first; a layer uses only those
//! below it. The lists are the architecture, see docs/architecture.md. A layer that is not in its list
//! fails.

mod public;
mod sources;

use std::process::Command;

use sources::{Crate, circle_between_modules, room};

/// What each crate's rooms are, lowest first.
const CRATES: [(&str, &[&str]); 4] = [
    (
        "crates/api/src",
        &[
            "web",
            "duration",
            "rule",
            "panel",
            "conditions",
            "panel",
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
            "needed",
            "classify",
            "unit",
            "owner",
            "template",
            "values",
            "input",
            "objects",
            "managed",
            "ingress_class",
            "facts",
            "traefik",
            "derived",
            "routes",
            "controller",
            "rules",
            "report",
            "inspection",
            "coverage",
            "manifests",
            "output",
        ],
    ),
    ("src", &["probe", "observe", "apply", "report", "run", "cli"]),
];

#[test]
fn a_room_knows_only_rooms_below_it() {
    let mut upward = Vec::new();
    for (folder, rooms) in CRATES {
        let source = Crate::read(folder);
        let place = |file: &str| rooms.iter().position(|name| *name == room(file));
        for file in source.files() {
            assert!(
                place(file).is_some() || matches!(room(file), "lib" | "main"),
                "{folder}/{file} is in a room that the list does not have"
            );
        }
        for (from, to) in source.arrows() {
            if place(from).is_some() && place(from) < place(to) {
                upward.push(format!("{folder}: {from} knows {to}"));
            }
        }
    }
    assert!(upward.is_empty(), "arrows that run up:\n{}", upward.join("\n"));
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
fn api_and_core_have_no_runtime_and_no_client() {
    for package in ["direct-upload-api", "direct-upload-core"] {
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
