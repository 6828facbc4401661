//! nginx's files, with what they include.
//!
//! In: the files of a unit. Out: one tree for each file that no other one includes. nginx replaces `include` by the
//! content of the files, wherever it stands (ngx_conf_file.c, `ngx_conf_include`); a path that does not start with `/`
//! is relative to the folder of the main file. What is not in the input stays an `include`.

use crate::classify::Kind;
use crate::formats::directives::{self, Directive};
use crate::unit::{ConfigFile, Unit};

/// No real configuration includes deeper; a file that includes itself does not end.
const MOST_DEEP: usize = 8;

/// The files of one nginx.
pub(crate) struct Nginx<'a> {
    /// [`Directive::source`] counts them.
    files: Vec<&'a ConfigFile>,
    /// For each of them its directives, or none if another file includes it.
    trees: Vec<Vec<Directive>>,
}

impl<'a> Nginx<'a> {
    pub(crate) fn read(unit: &'a Unit) -> Self {
        let files: Vec<&ConfigFile> = unit.of_kind(Kind::Nginx).collect();
        let own: Vec<Vec<Directive>> = files
            .iter()
            .enumerate()
            .map(|(at, file)| {
                let mut tree = directives::nginx(&file.text);
                for directive in &mut tree {
                    mark(directive, at);
                }
                tree
            })
            .collect();
        let mut reader =
            Reader { paths: files.iter().map(|file| Steps::of(path_of(file))).collect(), own, included: Vec::new() };
        let trees: Vec<Vec<Directive>> =
            (0..files.len()).map(|at| reader.filled(&reader.own[at].clone(), &mut vec![at])).collect();
        let included = reader.included;
        let trees = trees.into_iter().enumerate();
        let trees = trees.map(|(at, tree)| if included.contains(&at) { Vec::new() } else { tree }).collect();
        Self { files, trees }
    }

    /// The file of a directive.
    pub(crate) fn file(&self, directive: &Directive) -> &'a ConfigFile {
        self.files[directive.source]
    }

    /// Each tree that no other one includes.
    pub(crate) fn trees(&self) -> impl Iterator<Item = &[Directive]> {
        self.trees.iter().filter(|tree| !tree.is_empty()).map(Vec::as_slice)
    }
}

fn mark(directive: &mut Directive, source: usize) {
    directive.source = source;
    directive.children.iter_mut().for_each(|child| mark(child, source));
}

struct Reader {
    paths: Vec<Steps>,
    own: Vec<Vec<Directive>>,
    /// Files that another one includes.
    included: Vec<usize>,
}

impl Reader {
    /// A tree with the content of the files that it includes. `within`: the files that lead to it.
    fn filled(&mut self, tree: &[Directive], within: &mut Vec<usize>) -> Vec<Directive> {
        let mut filled = Vec::new();
        for directive in tree {
            let named = if directive.name == "include" { self.named(directive, within) } else { Vec::new() };
            if named.is_empty() {
                let children = self.filled(&directive.children, within);
                filled.push(Directive { children, ..directive.clone() });
                continue;
            }
            for at in named {
                self.included.push(at);
                within.push(at);
                let tree = self.own[at].clone();
                filled.extend(self.filled(&tree, within));
                within.pop();
            }
        }
        filled
    }

    /// The files that an `include` names, in the order of their names (glob(3) sorts them).
    fn named(&self, include: &Directive, within: &[usize]) -> Vec<usize> {
        let Some(pattern) = include.arg(0).map(Steps::of).filter(|_| within.len() < MOST_DEEP) else {
            return Vec::new();
        };
        let is_it = |at: &usize| !within.contains(at) && pattern.lead_to(&self.paths[*at]);
        let mut found: Vec<usize> = (0..self.paths.len()).filter(is_it).collect();
        found.sort_by(|a, b| self.paths[*a].parts.cmp(&self.paths[*b].parts));
        found
    }
}

/// Where the program sees a file, as far as that is known.
fn path_of(file: &ConfigFile) -> &str {
    let on_disk = file.place.file.as_deref().filter(|_| file.place.object.is_none());
    file.path.as_deref().or(on_disk).unwrap_or(&file.name)
}

/// The parts of a path.
struct Steps {
    parts: Vec<String>,
    /// They are relative to nginx's own folder.
    own: bool,
}

impl Steps {
    fn of(path: &str) -> Self {
        let all: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let folders = all.len().saturating_sub(1);
        let own = all[..folders].iter().rposition(|part| *part == "nginx").map(|at| at + 1);
        // nginx.org's own packages have /usr/local/nginx/conf.
        let own = own.map(|at| if all[at] == "conf" && at < folders { at + 1 } else { at });
        let parts = all[own.unwrap_or_default()..].iter().map(|part| (*part).to_owned()).collect();
        Self { parts, own: own.is_some() }
    }

    /// Whether a path fits, as far as both show their folders. `self`: the pattern.
    fn lead_to(&self, path: &Self) -> bool {
        let same_length = !(self.own && path.own) || self.parts.len() == path.parts.len();
        let mut parts = self.parts.iter().rev().zip(path.parts.iter().rev());
        same_length && !self.parts.is_empty() && parts.all(|(pattern, part)| fits(pattern, part))
    }
}

/// glob(3): `*`, `?` and `[…]`, and no hidden files.
fn fits(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return pattern == name;
    }
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let mut text = String::from("^");
    for c in pattern.chars() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            '[' | ']' | '-' => text.push(c),
            c => text.push_str(&regex::escape(&c.to_string())),
        }
    }
    text.push('$');
    regex::Regex::new(&text).is_ok_and(|pattern| pattern.is_match(name))
}
