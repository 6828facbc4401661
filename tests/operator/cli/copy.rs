//! `copy`, which an init container runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rstest::rstest;
use tempfile::TempDir;

use super::{err, out, put, run};

#[test]
fn copies_are_readable_whole_and_replace_what_was_there() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "from/a.py", "new");
    put(folder.path(), "to/a.py", "old, longer");
    // The link of a mounted ConfigMap's key.
    symlink("a.py", folder.path().join("from/b.py")).unwrap();
    fs::set_permissions(folder.path().join("from/a.py"), fs::Permissions::from_mode(0o400)).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let output = run(&["copy", "--to", &path("to"), &path("from/a.py"), &path("from/b.py")], "");
    assert_eq!((output.status.code(), err(&output), out(&output)), (Some(0), "", ""));
    for name in ["to/a.py", "to/b.py"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "new");
        assert_eq!(fs::symlink_metadata(path(name)).unwrap().permissions().mode(), 0o100_644);
    }
    assert_eq!(fs::read_dir(path("to")).unwrap().count(), 2, "no temporary file is left");
}

#[rstest]
#[case::no_folder(&["copy", "--to", "/nonexistent", "Cargo.toml"], 1, "--to /nonexistent: is not a folder")]
#[case::no_file(&["copy", "--to", ".", "/nonexistent"], 1, "/nonexistent: No such file")]
#[case::folder(&["copy", "--to", ".", "src"], 1, "src: Is a directory")]
#[case::no_name(&["copy", "--to", ".", "src/.."], 1, "src/..: names no file")]
#[case::twice(&["copy", "--to", "target", "samples/seed/../seed/glance.yaml", "samples/quickstart/glance.yaml"], 1, "another file has the same name")]
#[case::nothing(&["copy", "--to", "."], 2, "<FILE>")]
fn what_cannot_be_copied_is_named(#[case] arguments: &[&str], #[case] code: i32, #[case] said: &str) {
    let folder = TempDir::new().unwrap();
    let arguments: Vec<_> =
        arguments.iter().map(|a| if *a == "target" { folder.path().to_str().unwrap() } else { *a }).collect();
    let output = run(&arguments, "");
    assert_eq!(output.status.code(), Some(code), "{}", err(&output));
    assert!(err(&output).contains(said), "{}", err(&output));
}
