//! How wide each watch is.

use direct_upload_core::model::Key;
use direct_upload_operator::observe::scope::{Scope, Widths};
use std::collections::BTreeSet;
use std::sync::Arc;

fn names(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|number| format!("n{number:04}")).collect()
}

fn wide(scopes: &[Scope]) -> Vec<usize> {
    let size = |scope: &Scope| match scope {
        Scope::Namespaces(namespaces) => Some(namespaces.len()),
        _ => None,
    };
    scopes.iter().filter_map(size).collect()
}

#[test]
fn a_few_namespaces_are_watched_each_by_itself() {
    let scopes = Widths::default().cover(&names(0..10));
    assert_eq!((scopes.len(), wide(&scopes)), (10, vec![]));
}

#[test]
fn many_are_watched_by_one_and_it_is_renewed_seldom() {
    let mut widths = Widths::default();
    let (mut renewed, mut before) = (0, vec![]);
    for count in 1..=1000 {
        let needed = names(0..count);
        let scopes = widths.cover(&needed);
        assert!(scopes.len() <= 51, "{count}: {} watches", scopes.len());
        let covered = |n: &String| scopes.iter().any(|scope| scope.holds(&Key::new(n, "x")));
        assert!(needed.iter().all(covered));
        let now = wide(&scopes);
        renewed += usize::from(now != before);
        before = now;
    }
    assert_eq!(renewed, 23);
}

#[test]
fn what_nobody_needs_any_more_is_given_up() {
    let mut widths = Widths::default();
    widths.cover(&names(0..100));
    assert_eq!(wide(&widths.cover(&names(0..60))), [100], "a few more than needed");
    assert_eq!(wide(&widths.cover(&names(0..49))), [49], "fewer");
    assert_eq!(wide(&widths.cover(&names(0..9))), Vec::<usize>::new(), "back to narrow ones");
    assert_eq!(widths.cover(&names(0..0)), []);
}

#[test]
fn what_ends_is_forgotten_where_nothing_else_covers_it() {
    let all = Scope::Namespaces(Arc::new(names(0..3)));
    let one = |number: usize| Scope::Namespace(format!("n{number:04}"));
    assert_eq!(all.beside([one(0), one(2)].iter()), Some(Scope::Namespaces(Arc::new(names(1..2)))));
    assert_eq!(one(1).beside(std::iter::once(&all)), None);
    assert_eq!(one(3).beside([one(4)].iter()), Some(one(3)));
    assert!(all.holds(&Key::new("n0001", "x")) && !all.holds(&Key::new("n0003", "x")), "of others nothing is kept");
    let gateway = Scope::Named(Key::new("a", "b"));
    assert_eq!(gateway.beside([Scope::All].iter()), None);
    assert_eq!(gateway.beside([].iter()), Some(gateway.clone()));
}
