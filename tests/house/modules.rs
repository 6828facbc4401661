//! Which files are in a crate: Cargo compiles a crate's root, and each file that a `mod` of such a file names.
//!
//! In: sources by path. Out: those that no module names. Cargo ignores them without a word, so their tests
//! never run.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Expr, ExprLit, Item, ItemMod, Lit, Meta};

/// The files that belong to no crate.
pub fn unnamed(files: &BTreeMap<String, String>) -> Vec<&str> {
    let mut named = BTreeSet::new();
    let mut open: Vec<String> = files.keys().filter(|file| is_root(file)).cloned().collect();
    while let Some(file) = open.pop() {
        if let Some(text) = files.get(&file)
            && named.insert(file.clone())
        {
            let folder = folder(&file);
            let below = if is_root(&file) || file.ends_with("/mod.rs") { folder } else { &file[..file.len() - 3] };
            children(&syn::parse_file(text).unwrap().items, folder, below, &mut open);
        }
    }
    files.keys().filter(|file| !named.contains(*file)).map(String::as_str).collect()
}

/// Where Cargo looks for the roots of crates, in each package of the workspace.
fn is_root(file: &str) -> bool {
    let parts: Vec<&str> = file.split('/').collect();
    let (["crates", _, own @ ..] | ["tests", "support", own @ ..] | own) = &parts[..];
    matches!(own, ["src", "lib.rs" | "main.rs"] | ["tests" | "examples", _] | ["tests" | "examples", _, "main.rs"])
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Adds the files that may have the modules that these items declare. `folder` is that of the file, `below`
/// is where the files of its modules are.
fn children(items: &[Item], folder: &str, below: &str, found: &mut Vec<String>) {
    for item in items {
        let Item::Mod(module) = item else { continue };
        let own = format!("{below}/{}", module.ident);
        match (&module.content, path(module)) {
            (Some((_, items)), _) => children(items, folder, &own, found),
            (None, Some(path)) => found.push(resolve(folder, &path)),
            (None, None) => found.extend([format!("{own}.rs"), format!("{own}/mod.rs")]),
        }
    }
}

/// What `#[path = "…"]` says.
fn path(module: &ItemMod) -> Option<String> {
    module.attrs.iter().filter(|attribute| attribute.path().is_ident("path")).find_map(|attribute| {
        match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        }
    })
}

fn resolve(folder: &str, path: &str) -> String {
    let up = path.split('/').take_while(|part| *part == "..").count();
    let base = (0..up).fold(folder, |at, _| self::folder(at));
    format!("{base}/{}", path.split('/').skip(up).collect::<Vec<_>>().join("/"))
}
