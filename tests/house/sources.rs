//! The modules of a crate, and which file uses which.
//!
//! In: a `src` folder. Out: files, and arrows from each file to those whose items it names. A re-export
//! (`pub use`) is not an arrow, because the file that names the item there gets an arrow to its origin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

type Names = Vec<String>;

/// A crate's own files.
pub struct Crate {
    /// By the path of its module; the crate's own is empty.
    modules: BTreeMap<Names, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    /// Paths from the crate's root that it names.
    known: BTreeSet<Names>,
    /// What it passes on: the name, and where that comes from.
    passed_on: BTreeMap<String, Names>,
}

impl Crate {
    /// Reads everything below a `src` folder.
    pub fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = Vec::new();
        collect(&root, &mut files);
        let parsed: Vec<_> = files
            .iter()
            .map(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                let file = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                (module_path(&file), file, syn::parse_file(&text).unwrap())
            })
            .collect();
        let names: BTreeSet<Names> = parsed.iter().map(|(path, ..)| path.clone()).collect();
        let modules = parsed.into_iter().map(|(path, file, syntax)| {
            let mut reader = Reader { at: &path, modules: &names, module: Module { file, ..Module::default() } };
            reader.visit_file(&syntax);
            let module = reader.module;
            (path.clone(), module)
        });
        Self { modules: modules.collect() }
    }

    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.modules.values().map(|module| module.file.as_str())
    }

    /// Who knows whom.
    pub fn arrows(&self) -> BTreeSet<(&str, &str)> {
        let mut arrows = BTreeSet::new();
        for module in self.modules.values() {
            for target in module.known.iter().filter_map(|path| self.home(path, 0)) {
                if target != module.file {
                    arrows.insert((module.file.as_str(), target));
                }
            }
        }
        arrows
    }

    /// The file in which what this path names is written.
    fn home(&self, path: &[String], depth: usize) -> Option<&str> {
        assert!(depth < 16, "{path:?} is passed on in a circle");
        let (mut at, mut rest) = (Names::new(), path);
        while let [first, tail @ ..] = rest {
            let next: Names = at.iter().chain([first]).cloned().collect();
            if self.modules.contains_key(&next) {
                (at, rest) = (next, tail);
                continue;
            }
            if let Some(origin) = self.modules[&at].passed_on.get(first) {
                let origin: Names = origin.iter().chain(tail).cloned().collect();
                return self.home(&origin, depth + 1);
            }
            break;
        }
        // A path that ends at a module names what is in it.
        (!at.is_empty() || !path.is_empty()).then(|| self.modules[&at].file.as_str())
    }

    /// The module that a file stands in: its own, where it has others below it.
    fn folder_of(&self, file: &str) -> Names {
        let own = module_path(file);
        let has_children = self.modules.keys().any(|path| path.len() > own.len() && path.starts_with(&own));
        if has_children { own } else { own[..own.len().saturating_sub(1)].to_vec() }
    }
}

/// The folder or file below `src` that a file belongs to.
pub fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// Import circles whose files are not in one module, each named by two files that import each other.
pub fn circle_between_modules(source: &Crate) -> Vec<String> {
    let arrows = source.arrows();
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in &arrows {
        next.entry(from).or_default().push(to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reachable(file, &next))).collect();
    let know_each_other = |(from, to): &&(&str, &str)| reach.get(to).is_some_and(|files| files.contains(from));
    let across = arrows.iter().filter(know_each_other).filter(|(a, b)| source.folder_of(a) != source.folder_of(b));
    across.map(|(from, to)| format!("{from} knows {to}, and {to} in the end {from}")).collect()
}

fn reachable<'a>(from: &str, next: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = next.get(from).cloned().unwrap_or_default();
    while let Some(file) = open.pop() {
        if seen.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    seen
}

pub fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

fn module_path(file: &str) -> Names {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if matches!(path, "lib" | "main") { Names::new() } else { path.split('/').map(str::to_owned).collect() }
}

struct Reader<'a> {
    at: &'a Names,
    modules: &'a BTreeSet<Names>,
    module: Module,
}

impl Reader<'_> {
    /// A path from the crate's root; none if it leads out of the crate.
    fn absolute(&self, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => return Some(rest.to_vec()),
            "self" => self.at.clone(),
            "super" => self.at[..self.at.len().saturating_sub(1)].to_vec(),
            child => {
                let child: Names = self.at.iter().cloned().chain([child.to_owned()]).collect();
                return self.modules.contains(&child).then(|| child.into_iter().chain(rest.to_vec()).collect());
            }
        };
        let ups = rest.iter().take_while(|name| *name == "super").count();
        base.truncate(base.len().saturating_sub(ups));
        base.extend(rest[ups..].iter().cloned());
        Some(base)
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Names = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(name) => path.push(name.to_string()),
                TokenTree::Punct(colon) if colon.as_char() == ':' => {}
                other => {
                    self.named(&std::mem::take(&mut path));
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.named(&path);
    }

    fn named(&mut self, path: &[String]) {
        if matches!(path.first().map(String::as_str), Some("crate" | "super" | "self"))
            && path.len() > 1
            && let Some(path) = self.absolute(path)
        {
            self.module.known.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(ItemMod { attrs, .. }) | Item::Use(ItemUse { attrs, .. }) => attrs,
            Item::Fn(item) => &item.attrs,
            _ => &[],
        };
        let is_test = |a: &Attribute| {
            a.path().is_ident("cfg") && a.meta.require_list().is_ok_and(|l| l.tokens.to_string() == "test")
        };
        if !attributes.iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for (path, name) in paths {
            let Some(path) = self.absolute(&path) else { continue };
            if matches!(item.vis, Visibility::Inherited) {
                self.module.known.insert(path);
            } else {
                self.module.passed_on.insert(name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.named(&names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone());
    }
}

fn flatten(tree: &UseTree, before: &mut Names, paths: &mut Vec<(Names, String)>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, paths);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, paths)),
        UseTree::Glob(_) => paths.push((before.clone(), "*".to_owned())),
        UseTree::Name(name) if name.ident == "self" => {
            paths.push((before.clone(), before.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => paths.push((with(before, &name.ident.to_string()), name.ident.to_string())),
        UseTree::Rename(rename) => {
            let path = if rename.ident == "self" { before.clone() } else { with(before, &rename.ident.to_string()) };
            paths.push((path, rename.rename.to_string()));
        }
    }
}

fn with(before: &[String], name: &str) -> Names {
    before.iter().cloned().chain([name.to_owned()]).collect()
}
