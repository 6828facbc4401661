//! Which items are `pub`, and who names them.
//!
//! In: parsed sources. Out: public items that no other layer names, neither directly nor in the signature
//! of a named item. It compares names as words, so two items with the same name count as one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Fields, ImplItem, Item, Visibility};

use crate::sources::{collect, room};

type Words = BTreeSet<String>;

/// The `pub` items of one room that nobody else names, as `file: name`.
pub fn unused(folder: &str, folders_beside: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = read(&root.join(folder));
    let beside: Words =
        folders_beside.iter().flat_map(|other| read(&root.join(other))).flat_map(|file| file.words).collect();
    let mut unused = Vec::new();
    for name in files.iter().map(|file| room(&file.path)).collect::<BTreeSet<_>>() {
        if matches!(name, "lib" | "main") {
            continue;
        }
        let (own, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| room(&file.path) == name);
        let mut named: Words =
            others.iter().flat_map(|file| file.words.iter().cloned()).chain(beside.clone()).collect();
        let items: Vec<_> =
            own.iter().flat_map(|file| file.public.iter().map(move |item| (&file.path, item))).collect();
        let mut shown: BTreeMap<&str, Words> = BTreeMap::new();
        for (_, item) in &items {
            shown.entry(&item.name).or_default().extend(item.shown.iter().cloned());
        }
        for (of, words) in own.iter().flat_map(|file| &file.methods) {
            if let Some(shown) = shown.get_mut(of.as_str()) {
                shown.extend(words.iter().cloned());
            }
        }
        // The types of traits and what macros write are named by who uses those.
        named.extend(own.iter().flat_map(|file| file.passed_on.iter().cloned()));
        // What the signature of a named item shows is named as well.
        let mut open: Vec<String> =
            shown.keys().filter(|name| named.contains(**name)).map(ToString::to_string).collect();
        while let Some(name) = open.pop() {
            for word in shown.get(name.as_str()).into_iter().flatten() {
                if shown.contains_key(word.as_str()) && named.insert(word.clone()) {
                    open.push(word.clone());
                }
            }
        }
        let is_unused = |(_, item): &&(&String, &Public)| !named.contains(&item.name);
        unused.extend(items.iter().filter(is_unused).map(|(path, item)| format!("{folder}/{path}: {}", item.name)));
    }
    unused
}

struct File {
    path: String,
    words: Words,
    public: Vec<Public>,
    /// What the public methods of a type show, by the type.
    methods: Vec<(String, Words)>,
    /// The types that implementations of traits show (`type Err = …`), and the words of macros.
    passed_on: Words,
}

struct Public {
    name: String,
    /// The words of its signature: types of fields, arguments and results.
    shown: Words,
}

fn read(root: &Path) -> Vec<File> {
    let mut files = Vec::new();
    collect(root, &mut files);
    let file = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let syntax = syn::parse_file(&text).unwrap();
        File {
            path: path.strip_prefix(root).unwrap().to_string_lossy().into_owned(),
            words: words(text.parse().unwrap()),
            public: public(&syntax.items),
            methods: methods(&syntax.items),
            passed_on: passed_on(&syntax.items),
        }
    };
    files.iter().map(file).collect()
}

fn methods(items: &[Item]) -> Vec<(String, Words)> {
    let blocks = items.iter().filter_map(|item| match item {
        Item::Impl(block) => Some(block),
        _ => None,
    });
    let shown = |item: &ImplItem| match item {
        ImplItem::Fn(method) if matches!(method.vis, Visibility::Public(_)) => words(method.sig.to_token_stream()),
        _ => Words::new(),
    };
    blocks
        .flat_map(|block| {
            let shown: Words = block.items.iter().flat_map(shown).collect();
            words(block.self_ty.to_token_stream()).into_iter().map(move |of| (of, shown.clone()))
        })
        .collect()
}

fn public(items: &[Item]) -> Vec<Public> {
    let fields =
        |fields: &Fields| -> Words { fields.iter().flat_map(|field| words(field.ty.to_token_stream())).collect() };
    items
        .iter()
        .filter_map(|item| {
            let (vis, name, shown) = match item {
                Item::Fn(item) => (&item.vis, &item.sig.ident, words(item.sig.to_token_stream())),
                Item::Struct(item) => (&item.vis, &item.ident, fields(&item.fields)),
                Item::Enum(item) => {
                    (&item.vis, &item.ident, item.variants.iter().flat_map(|v| fields(&v.fields)).collect())
                }
                Item::Const(item) => (&item.vis, &item.ident, words(item.ty.to_token_stream())),
                Item::Static(item) => (&item.vis, &item.ident, words(item.ty.to_token_stream())),
                Item::Type(item) => (&item.vis, &item.ident, words(item.ty.to_token_stream())),
                Item::Trait(item) => (&item.vis, &item.ident, words(item.to_token_stream())),
                _ => return None,
            };
            let name = name.to_string();
            matches!(vis, Visibility::Public(_)).then_some(Public { name, shown })
        })
        .chain(own_methods(items))
        .collect()
}

/// The public functions and constants of types. One that implements a trait is the trait's.
fn own_methods(items: &[Item]) -> impl Iterator<Item = Public> {
    let blocks = items.iter().filter_map(|item| match item {
        Item::Impl(block) if block.trait_.is_none() => Some(&block.items),
        _ => None,
    });
    blocks.flatten().filter_map(|item| {
        let (vis, name, shown) = match item {
            ImplItem::Fn(item) => (&item.vis, &item.sig.ident, words(item.sig.to_token_stream())),
            ImplItem::Const(item) => (&item.vis, &item.ident, words(item.ty.to_token_stream())),
            _ => return None,
        };
        matches!(vis, Visibility::Public(_)).then(|| Public { name: name.to_string(), shown })
    })
}

fn passed_on(items: &[Item]) -> Words {
    let of_item = |item: &Item| match item {
        Item::Macro(item) => words(item.mac.tokens.clone()),
        Item::Impl(block) if block.trait_.is_some() => block.items.iter().flat_map(of_impl).collect(),
        _ => Words::new(),
    };
    items.iter().flat_map(of_item).collect()
}

fn of_impl(item: &ImplItem) -> Words {
    match item {
        ImplItem::Type(alias) => words(alias.ty.to_token_stream()),
        _ => Words::new(),
    }
}

fn words(tokens: TokenStream) -> Words {
    fn add(tokens: TokenStream, words: &mut Words) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => drop(words.insert(name.to_string())),
                TokenTree::Group(group) => add(group.stream(), words),
                _ => {}
            }
        }
    }
    let mut words = Words::new();
    add(tokens, &mut words);
    words
}
