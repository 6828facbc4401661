//! What never changes a verdict, and what always does.

use direct_upload_api::Panel;
use direct_upload_core::judge::headers::get;
use direct_upload_core::judge::{Response, judge};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use test_support::preflight::{ORIGIN, upload_of};

type Headers = Vec<(String, String)>;

/// Values near the border between yes and no.
fn headers() -> impl Strategy<Value = Headers> {
    let origin = select(vec![ORIGIN, "*", "null", "", "https://other.example.com", "https://horizon.example.com/"]);
    let method = select(vec!["PUT", "put", "GET", "*", "", "P T"]);
    let name = select(vec!["content-type", "X-Auth-Token", "x-csrftoken", "*", "accept", "", "x y"]);
    let credentials = prop::collection::vec(select(vec!["true", "true", "false", "TRUE", ""]), 1..2).boxed();
    let one = |name: &'static str, values: BoxedStrategy<Vec<&'static str>>| {
        values.prop_map(move |v| (name.to_owned(), v.join(",")))
    };
    (
        prop::collection::vec(one("Access-Control-Allow-Origin", prop::collection::vec(origin, 1..2).boxed()), 0..3),
        prop::collection::vec(one("Access-Control-Allow-Methods", prop::collection::vec(method, 0..3).boxed()), 0..3),
        prop::collection::vec(one("Access-Control-Allow-Headers", prop::collection::vec(name, 0..5).boxed()), 0..3),
        prop::collection::vec(one("Access-Control-Allow-Credentials", credentials), 0..3),
    )
        .prop_map(|(a, b, c, d)| [a, b, c, d].concat())
}

fn answer(headers: Headers) -> Response {
    Response { status: 200, headers }
}

fn granted(panel: Panel, headers: &Headers) -> bool {
    judge(&upload_of(panel, "https://glance.example.com"), &answer(headers.clone())).granted()
}

fn panel() -> impl Strategy<Value = Panel> {
    select(Panel::ALL.to_vec())
}

/// The standard's sentences, written down a second time and otherwise.
fn by_the_book(panel: Panel, headers: &Headers) -> bool {
    if panel == Panel::Unknown {
        return by_the_book(Panel::Angular, headers) && by_the_book(Panel::Django, headers);
    }
    let include = panel == Panel::Django;
    let all = |name: &str| get(headers, name);
    let list = |name: &str| -> Option<Vec<String>> {
        let elements = all(name)?;
        let elements: Vec<_> = elements.split(',').map(|e| e.trim().to_owned()).filter(|e| !e.is_empty()).collect();
        (!elements.iter().any(|e| e.contains(' '))).then_some(elements)
    };
    let Some(origin) = all("access-control-allow-origin") else { return false };
    let (Some(methods), Some(names)) = (list("access-control-allow-methods"), list("access-control-allow-headers"))
    else {
        return false;
    };
    let lower: Vec<_> = names.iter().map(|n| n.to_lowercase()).collect();
    let asked: &[&str] =
        if include { &["content-type", "x-auth-token"] } else { &["content-type", "x-auth-token", "x-csrftoken"] };
    let wild = |all: &[String]| !include && all.contains(&"*".into());
    (origin == ORIGIN || (!include && origin == "*"))
        && (!include || all("access-control-allow-credentials").is_some_and(|value| value == "true"))
        && (methods.contains(&"PUT".into()) || wild(&methods))
        && (wild(&lower) || asked.iter().all(|n| lower.contains(&(*n).into())))
}

proptest! {
    #[test]
    fn the_verdict_is_the_standards(panel in panel(), headers in headers()) {
        prop_assert_eq!(granted(panel, &headers), by_the_book(panel, &headers));
    }

    #[test]
    fn case_of_names_changes_nothing(panel in panel(), headers in headers(), upper in any::<Vec<bool>>()) {
        let mut upper = upper.into_iter().chain(std::iter::repeat(false));
        let mut flip = |text: &str| -> String {
            text.chars().map(|c| if upper.next() == Some(true) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
        };
        let mut changed = headers.clone();
        for (name, value) in &mut changed {
            *name = flip(name);
            if name.eq_ignore_ascii_case("access-control-allow-headers") {
                *value = flip(value);
            }
        }
        prop_assert_eq!(granted(panel, &headers), granted(panel, &changed));
    }

    #[test]
    fn blanks_change_nothing(panel in panel(), headers in headers(), blanks in select(vec![" ", "\t", "  \t "])) {
        let mut changed = headers.clone();
        for (name, value) in &mut changed {
            if !name.ends_with("Origin") && !name.ends_with("Credentials") {
                *value = value.replace(',', &format!("{blanks},{blanks}"));
            }
            *value = format!("{blanks}{value}{blanks}");
        }
        prop_assert_eq!(granted(panel, &headers), granted(panel, &changed));
    }

    #[test]
    fn lines_of_a_list_change_nothing(panel in panel(), headers in headers()) {
        let split: Headers = headers
            .iter()
            .flat_map(|(name, value)| {
                let parts: Vec<_> = if name.ends_with("Origin") || name.ends_with("Credentials") { vec![value.as_str()] } else { value.split(',').collect() };
                parts.into_iter().map(|part| (name.clone(), part.to_owned())).collect::<Vec<_>>()
            })
            .collect();
        prop_assert_eq!(granted(panel, &headers), granted(panel, &split));
    }

    #[test]
    fn other_headers_and_order_change_nothing(panel in panel(), headers in headers(), at in any::<Index>(), value in "[ -~]{0,20}") {
        let mut changed = headers.clone();
        changed.sort();
        changed.insert(at.index(changed.len() + 1), ("X-Other".into(), value.clone()));
        changed.push(("Access-Control-Expose-Headers".into(), value));
        prop_assert_eq!(granted(panel, &headers), granted(panel, &changed));
    }

    #[test]
    fn a_second_origin_always_refuses(panel in panel(), headers in headers(), value in select(vec![ORIGIN, "*", "x", ""])) {
        let mut changed = headers;
        changed.push(("access-control-allow-origin".into(), ORIGIN.into()));
        changed.push(("Access-Control-Allow-Origin".into(), value.into()));
        prop_assert!(!granted(panel, &changed));
    }

    /// Anything may come; nothing of it may break the program.
    #[test]
    fn any_answer_is_judged(panel in panel(), status in any::<u16>(), headers in prop::collection::vec((".{0,30}", ".{0,60}"), 0..6)) {
        let names = ["Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Location", "Vary"];
        let headers = headers.into_iter().zip(names.iter().cycle()).map(|((_, value), name)| ((*name).to_owned(), value));
        let verdict = judge(&upload_of(panel, "https://glance.example.com"), &Response { status, headers: headers.collect() });
        prop_assert!(!verdict.granted());
    }
}
