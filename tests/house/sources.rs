//! The modules of a crate, and which file uses which.
//!
//! In: a `src` folder. Out: files, and arrows from each file to those whose items it names. A re-export
//! (`pub use`) is not an arrow, because the file that names the item there gets an arrow to its origin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemExternCrate, ItemMod, ItemUse, LitStr, Macro, Meta, UseTree, Visibility};

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
    /// What it passes on, to its own children at least: the name, and where that comes from.
    passed_on: BTreeMap<String, Names>,
    /// Modules of which it passes on everything.
    globs: Vec<Names>,
    /// The names of its own items.
    items: BTreeSet<String>,
}

impl Crate {
    /// Reads everything below a `src` folder.
    pub fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = Vec::new();
        collect(&root, &mut files);
        let file = |path: &std::path::PathBuf| {
            let file = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (file, std::fs::read_to_string(path).unwrap())
        };
        Self::of(files.iter().map(file))
    }

    /// The same for these files and their texts.
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let parsed: Vec<_> =
            files.into_iter().map(|(file, text)| (module_path(&file), file, syn::parse_file(&text).unwrap())).collect();
        let names: BTreeSet<Names> = parsed.iter().map(|(path, ..)| path.clone()).collect();
        let roots: BTreeSet<String> = parsed.iter().flat_map(|(.., syntax)| &syntax.items).filter_map(alias).collect();
        let modules = parsed.into_iter().map(|(path, file, syntax)| {
            let mut reader = Reader::new(&path, &names, &roots);
            reader.visit_file(&syntax);
            let items = syntax.items.iter().filter_map(name).collect();
            let module = reader.module(file, items);
            (path, module)
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
            let module = self.modules.get(&at)?;
            let of_glob = || module.globs.iter().find(|glob| self.has(glob, first)).map(|glob| with(glob, first));
            let origin = module.passed_on.get(first).cloned();
            if let Some(origin) = origin.or_else(|| of_glob().filter(|_| !module.items.contains(first))) {
                let origin: Names = origin.iter().chain(tail).cloned().collect();
                return self.home(&origin, depth + 1);
            }
            break;
        }
        // A path that ends at a module names what is in it.
        let module = self.modules.get(&at)?;
        (!at.is_empty() || !path.is_empty()).then_some(module.file.as_str())
    }

    /// Whether a module has something of that name, or passes it on by name.
    fn has(&self, module: &[String], name: &String) -> bool {
        let is_in = |module: &Module| module.items.contains(name) || module.passed_on.contains_key(name);
        self.modules.contains_key(&with(module, name)) || self.modules.get(module).is_some_and(is_in)
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
    let across = |a: &str, b: &str| source.folder_of(a) != source.folder_of(b);
    circles(&source.arrows(), across)
}

/// Import circles of files that stand side by side in one folder. The file of the folder itself is above them.
pub fn circle_between_siblings(source: &Crate) -> Vec<String> {
    let folder = |file: &str| {
        let mut path = module_path(file);
        path.pop();
        path
    };
    let siblings = source.arrows().into_iter().filter(|(a, b)| folder(a) == folder(b)).collect();
    circles(&siblings, |_, _| true)
}

/// The arrows of circles that count.
fn circles(arrows: &BTreeSet<(&str, &str)>, counts: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in arrows {
        next.entry(from).or_default().push(to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reachable(file, &next))).collect();
    let know_each_other = |(from, to): &&(&str, &str)| reach.get(to).is_some_and(|files| files.contains(from));
    let counted = arrows.iter().filter(know_each_other).filter(|(a, b)| counts(a, b));
    counted.map(|(from, to)| format!("{from} knows {to}, and {to} in the end {from}")).collect()
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
    if path == "lib" { Names::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// Another name of the crate's root (`extern crate self as …`).
fn alias(item: &Item) -> Option<String> {
    match item {
        Item::ExternCrate(ItemExternCrate { ident, rename: Some((_, name)), .. }) if ident == "self" => {
            Some(name.to_string())
        }
        _ => None,
    }
}

/// Whether an item is compiled for tests only.
pub fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Mod(ItemMod { attrs, .. }) | Item::Use(ItemUse { attrs, .. }) => attrs,
        Item::Fn(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// The name of an item that a path can lead to.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

struct Reader<'a> {
    /// The current module: that of the file, or one that is written in it.
    at: Names,
    /// How many modules that are written in the file are around it.
    depth: usize,
    modules: &'a BTreeSet<Names>,
    /// Other names of the crate's root.
    roots: &'a BTreeSet<String>,
    known: BTreeSet<Names>,
    passed_on: BTreeMap<String, Names>,
    /// What `use` brings into the file: the name, and where that comes from; none if from outside of the crate.
    imported: BTreeMap<String, Option<Names>>,
    /// Modules of which `use` brings everything.
    globs: Vec<Names>,
    /// Paths of several names, as they are written, and in which module.
    written: BTreeSet<(Names, Names)>,
}

impl<'a> Reader<'a> {
    fn new(at: &Names, modules: &'a BTreeSet<Names>, roots: &'a BTreeSet<String>) -> Self {
        let (known, passed_on, imported) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let (globs, written) = (Vec::new(), BTreeSet::new());
        Self { at: at.clone(), depth: 0, modules, roots, known, passed_on, imported, globs, written }
    }

    fn module(mut self, file: String, items: BTreeSet<String>) -> Module {
        for (at, path) in std::mem::take(&mut self.written) {
            self.at = at;
            self.known.extend(self.origin(&path));
        }
        Module { file, known: self.known, passed_on: self.passed_on, globs: self.globs, items }
    }

    /// What a path in the code names: `crate::…`, an imported module's item, or a child's.
    fn origin(&self, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        if let Some(imported) = self.imported.get(first) {
            return Some(imported.iter().flatten().chain(rest).cloned().collect()).filter(|_| imported.is_some());
        }
        let of_glob = self.globs.iter().map(|glob| with(glob, first)).find(|module| self.modules.contains(module));
        let inherited = of_glob.map(|module| module.iter().chain(rest).cloned().collect());
        self.absolute(path).or(inherited)
    }

    /// A path from the crate's root; none if it leads out of the crate.
    fn absolute(&self, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => return Some(rest.to_vec()),
            root if self.roots.contains(root) => return Some(rest.to_vec()),
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
        let mut joined = false;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if !joined {
                        self.named(&std::mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    joined = false;
                }
                // The first colon of two is joined to the second.
                TokenTree::Punct(colon) if colon.as_char() == ':' => joined |= colon.spacing() == Spacing::Joint,
                other => {
                    joined = false;
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
        if path.len() > 1 {
            self.written.insert((self.at.clone(), path.to_vec()));
        }
    }

    /// The texts of an attribute that are paths, as in `#[serde(with = "…")]`.
    fn texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.texts(group.stream()),
                TokenTree::Literal(_) => {
                    let text = syn::parse2::<LitStr>(token.into()).ok();
                    if let Some(path) = text.and_then(|text| text.parse::<syn::Path>().ok()) {
                        self.named(&names(&path));
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let is_here = item.content.is_some();
        if is_here {
            self.at.push(item.ident.to_string());
            self.depth += 1;
        }
        visit::visit_item_mod(self, item);
        if is_here {
            self.at.pop();
            self.depth -= 1;
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
            self.texts(list.tokens.clone());
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for (path, name) in paths {
            let origin = self.absolute(&path);
            if name == "*" {
                self.globs.extend(origin.clone().filter(|_| self.depth == 0));
            } else {
                self.imported.insert(name.clone(), origin.clone());
            }
            let Some(origin) = origin else { continue };
            if matches!(item.vis, Visibility::Inherited) {
                self.known.insert(origin.clone());
            }
            // Nothing but the file's own items counts as its own.
            if self.depth == 0 {
                self.passed_on.insert(name, origin);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.named(&names(path));
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

fn names(path: &syn::Path) -> Names {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

fn with(before: &[String], name: &str) -> Names {
    before.iter().cloned().chain([name.to_owned()]).collect()
}
