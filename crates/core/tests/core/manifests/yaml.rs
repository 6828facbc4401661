//! The reader against serde_norway, which is built on libyaml; kubectl's reader is a port of that.

use std::path::PathBuf;

use direct_upload_core::manifests::{Lines, Node, documents};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

/// What libyaml lets pass and YAML 1.2 does not: a comment right behind a quote or bracket, a block
/// text below its key that is not indented, a directive without `...` before it, a dash alone in `[…]` or `{…}`.
const STRICTER: [&str; 5] = [
    "comments must be separated from other tokens by whitespace",
    "simple key expected ':'",
    "wrongly indented line in block scalar",
    "missing explicit document end marker before directive",
    "plain scalar cannot start with '-' followed by ,[]{}",
];

/// Documents that are not empty, by the other parser. None: it refuses them.
fn oracle(text: &str) -> Option<Vec<(usize, Value)>> {
    let documents = serde_yaml::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let values = documents.map(|document| value(serde_yaml::Value::deserialize(document).ok()?));
    let numbered = values.enumerate().map(|(at, value)| Some((at + 1, value?)));
    numbered.filter(|document| !matches!(document, Some((_, Value::Null)))).collect()
}

fn value(yaml: serde_yaml::Value) -> Option<Value> {
    Some(match yaml {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(value) => value.into(),
        serde_yaml::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => Number::from_f64(number.as_f64()?)?.into(),
        },
        serde_yaml::Value::String(text) => text.into(),
        serde_yaml::Value::Sequence(items) => items.into_iter().map(value).collect::<Option<Vec<_>>>()?.into(),
        serde_yaml::Value::Mapping(entries) => mapping(entries)?.into(),
        serde_yaml::Value::Tagged(_) => return None,
    })
}

fn mapping(entries: serde_yaml::Mapping) -> Option<Map<String, Value>> {
    let (mut map, mut merged) = (Map::new(), Vec::new());
    for (key, entry) in entries {
        let key = match key {
            serde_yaml::Value::String(text) => text,
            serde_yaml::Value::Bool(value) => value.to_string(),
            serde_yaml::Value::Number(number) if !number.is_f64() => number.to_string(),
            _ => return None,
        };
        match value(entry)? {
            Value::Object(other) if key == "<<" => merged.extend(other),
            Value::Array(others) if key == "<<" && others.iter().all(Value::is_object) => {
                merged.extend(others.into_iter().filter_map(|other| other.as_object().cloned()).flatten());
            }
            value => {
                let value = if key == "mode" || key == "defaultMode" { octal(value) } else { value };
                if map.insert(key, value).is_some() {
                    return None;
                }
            }
        }
    }
    for (key, value) in merged {
        map.entry(key).or_insert(value);
    }
    Some(map)
}

/// Modes as kubectl reads them, by YAML 1.1.
fn octal(mode: Value) -> Value {
    let digits = mode.as_str().and_then(|text| text.strip_prefix('0'));
    digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()).map_or(mode, Value::from)
}

/// Where both read a text, they read the same; and what libyaml reads is read, or is not YAML 1.2.
fn compare(text: &str) -> Result<(), TestCaseError> {
    let Some(expected) = oracle(text) else { return Ok(()) };
    let read = match documents("in.yaml", text.as_bytes()) {
        Ok(documents) => documents,
        Err((_, what)) => {
            prop_assert!(STRICTER.iter().any(|stricter| what.ends_with(stricter)), "{what}\n{text}");
            return Ok(());
        }
    };
    let lines = text.replace("\r\n", "\n");
    let lines: Vec<_> = lines.split(['\n', '\r']).collect();
    for document in &read {
        stands(&document.value, &document.node, &lines)?;
    }
    let read = read.into_iter().map(|document| (document.number, document.value)).collect();
    // A document that is only text is not a manifest; the two readers differ if such a block ends at a `#`.
    let manifests = |documents: Vec<(usize, Value)>| -> Vec<_> {
        documents.into_iter().filter(|(_, value)| !value.is_string()).collect()
    };
    prop_assert_eq!(manifests(read), manifests(expected), "{:?}", text);
    Ok(())
}

/// Each line of a literal block is the end of the file's line that is named for it.
fn stands(value: &Value, node: &Node, lines: &[&str]) -> Result<(), TestCaseError> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (step, value) in children {
        // What aliases bring stands elsewhere.
        node.at([step.as_str()]).map_or(Ok(()), |node| stands(value, node, lines))?;
    }
    if let (Value::String(text), Lines::From(_)) = (value, &node.lines) {
        for (at, line) in text.lines().enumerate() {
            let number = node.lines.line(at + 1).unwrap();
            prop_assert!(lines[number - 1].ends_with(line), "{number}: {line:?}\n{lines:#?}");
        }
    }
    Ok(())
}

/// YAML of this repository.
fn files() -> Vec<String> {
    let mut folders = vec![test_support::file("")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if name.ends_with(".yaml") || name.ends_with(".yml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn the_repositorys_files_read_alike() {
    let files = files();
    assert!(files.len() > 100);
    for text in files {
        compare(&text).unwrap();
        compare(&text.replace('\n', "\r\n")).unwrap();
        compare(text.trim_end()).unwrap();
    }
}

#[test]
fn a_dash_alone_in_brackets_is_text_to_libyaml_only() {
    for text in ["a: [-, b]\n", "a: {b: -, c: d}\n", "a: {b: -}\n"] {
        assert!(oracle(text).is_some() && documents("in.yaml", text.as_bytes()).is_err(), "{text}");
        compare(text).unwrap();
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    const PIECES: &str = "a§b§key§: §:§- §-§\n§\n  §\n    §\n § §  §[§]§{§}§, §,§? §\n? §&x §*x§!!str §!!int §!x §! §|§|-\n  §|+\n  §|\n    §>\n  §>-\n§'§\"§\\n§\\§#§ # c§\n---\n§\n--- §\n...\n§<<: §null§~§true§12§0644§1.5§\t§\r\n§%YAML 1.2\n§\n- §\n  - §a: b§\na: §\n  b: §''§|2\n§\u{e9}§@§`§\n\n§=§\\u00e9§<<: *x\n";
    prop::sample::select(PIECES.split('§').collect::<Vec<_>>())
}

/// Scalars near the borders between types.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-+]{0,2}(0[xob]?)?[0-9a-f_.+-]{0,4}",
        "[-+]?[0-9]{15,45}",
        "[-+]?\\.?(inf|Inf|nan|NaN|NAN|e5|5e3|5e400)",
        prop::sample::select(vec![
            "yes",
            "no",
            "on",
            "y",
            "~",
            "Null",
            "nULL",
            "TRUE",
            "False",
            "tRue",
            "2020-01-01",
            "="
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn scalars_read_alike(scalar in scalar(), tag in prop::sample::select(vec!["", "!!int ", "!!float ", "!!bool ", "!!null ", "!!str ", "! "])) {
        compare(&format!("a: {tag}{scalar}\nb: [{tag}'{scalar}']\n{tag}{scalar}: c\n"))?;
    }

    #[test]
    fn pieces_read_alike(pieces in prop::collection::vec(piece(), 1..12)) {
        compare(pieces.concat().trim_end_matches(' '))?;
    }
}

proptest! {
    #[test]
    fn edited_files_read_alike(file in any::<Index>(), edits in prop::collection::vec((any::<Index>(), 0..4_usize, piece()), 1..3)) {
        static FILES: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(files);
        let mut text: Vec<char> = file.get(&FILES).chars().take(3000).collect();
        for (at, gone, piece) in edits {
            let at = at.index(text.len() + 1);
            let gone = at..(at + gone).min(text.len());
            text.splice(gone, piece.chars());
        }
        compare(text.into_iter().collect::<String>().trim_end_matches(' '))?;
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        "[\u{7f}-\u{9f}\u{feff}\u{fffe}\u{ffff}\"\\\\a]{0,4}|.{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_as_serde_jsons(values in prop::collection::vec(json_value(), 0..4), pretty in any::<bool>()) {
        let written = values.iter().map(if pretty { serde_json::to_string_pretty } else { serde_json::to_string });
        let text = written.map(|value| value.unwrap() + "\n").collect::<String>();
        let expected: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
        let read: Vec<_> = documents("in.json", text.as_bytes()).unwrap().into_iter().map(|document| document.value).collect();
        prop_assert_eq!(read, expected);
    }
}
