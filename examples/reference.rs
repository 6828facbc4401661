//! Writes the generated parts of docs/ from the types: `cargo run --example reference`.
//!
//! In: the CRDs' schemas, the list of reasons and the rules. Out: tables between the markers
//! `<!-- generated:NAME -->` and `<!-- /generated -->` of docs/*.md. With `--check` nothing is
//! written, and the exit code is 1 if something would be.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use direct_upload_api::{ConditionType, Outlook, Reason, Rule, crds};
use serde_json::{Map, Value};

fn main() -> io::Result<ExitCode> {
    let check = env::args().nth(1).is_some_and(|a| a == "--check");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut complaints = Vec::new();
    for crd in crds() {
        let page = docs.join(format!("{}.md", crd.spec.names.singular.as_deref().unwrap_or_default()));
        let version = serde_json::to_value(&crd.spec.versions[0])?;
        let schema = &version["schema"]["openAPIV3Schema"]["properties"];
        for part in ["spec", "status"] {
            complaints.extend(put(&page, part, &fields(&schema[part]), check)?);
        }
    }
    complaints.extend(put(&docs.join("runbook.md"), "rules", &rules(), check)?);
    let page = docs.join("conditions.md");
    let text = fs::read_to_string(&page)?;
    complaints.extend(put(&page, "reasons", &reasons(&text), check)?);
    complaints.extend(uncovered(&text));
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Puts a text between the markers of that name; returns what is wrong.
fn put(page: &Path, name: &str, text: &str, check: bool) -> io::Result<Option<String>> {
    let (start, end) = (format!("<!-- generated:{name} -->\n"), "<!-- /generated -->");
    let old = fs::read_to_string(page)?;
    let Some((before, rest)) = old.split_once(&start) else {
        return Ok(Some(format!("{}: there is no marker {}", page.display(), start.trim())));
    };
    let Some((_, after)) = rest.split_once(end) else {
        return Ok(Some(format!("{}: {} has no end", page.display(), start.trim())));
    };
    let new = format!("{before}{start}{text}{end}{after}");
    if new == old {
        return Ok(None);
    }
    if check {
        return Ok(Some(format!("{}: the part {name} is out of date; run `make docs`", page.display())));
    }
    fs::write(page, new)?;
    Ok(None)
}

/// The table of all fields below a schema, then its validation rules.
fn fields(schema: &Value) -> String {
    let mut table = String::from("\n| field | type | default | |\n|---|---|---|---|\n");
    let mut rules = String::new();
    walk("", schema, &mut table, &mut rules);
    if !rules.is_empty() {
        let _ = write!(table, "\nThe API server refuses an object that breaks one of these rules:\n\n{rules}");
    }
    table.push('\n');
    table
}

fn walk(path: &str, schema: &Value, table: &mut String, rules: &mut String) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let _ = writeln!(rules, "- {}", text(&rule["message"]));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let default = match &field["default"] {
            Value::Null | Value::Object(_) => String::new(),
            value => format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        };
        let meaning = text(&field["description"]);
        let _ = writeln!(table, "| `{path}` | {} | {default} | {meaning} |", kind(field));
        if let Some(inner) = expandable(field) {
            let path = if inner == field { path } else { format!("{path}[]") };
            walk(&path, inner, table, rules);
        }
    }
}

/// What a reader calls the type.
fn kind(field: &Value) -> String {
    if let Some(values) = field["enum"].as_array() {
        let names = values.iter().filter_map(Value::as_str).map(|v| format!("`{v}`"));
        return names.collect::<Vec<_>>().join(", ");
    }
    match (field["type"].as_str().unwrap_or_default(), field["format"].as_str()) {
        ("array", _) => {
            let items = &field["items"];
            format!("list of {}", if is_condition(items) { "Condition".into() } else { kind(items) })
        }
        ("object", _) if is_selector(field) => "label selector".into(),
        ("string", Some("date-time")) => "time".into(),
        (name, _) => name.to_owned(),
    }
}

/// The schema whose fields get rows of their own. Kubernetes' own types do not: readers know them.
fn expandable(field: &Value) -> Option<&Value> {
    let inner = if field["type"] == "array" { &field["items"] } else { field };
    (inner["properties"].is_object() && !is_selector(inner) && !is_condition(inner)).then_some(inner)
}

fn has(schema: &Value, name: &str) -> bool {
    schema["properties"].as_object().is_some_and(|p: &Map<_, _>| p.contains_key(name))
}

fn is_selector(schema: &Value) -> bool {
    has(schema, "matchLabels")
}

fn is_condition(schema: &Value) -> bool {
    has(schema, "lastTransitionTime")
}

/// A description as one cell of a table.
fn text(description: &Value) -> String {
    let text = description.as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Every reason: its name, its meaning, and its description of what ends it.
fn all_reasons() -> Vec<(Reason, String)> {
    let schema = serde_json::to_value(schemars::schema_for!(Reason)).unwrap_or_default();
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
    variants
        .into_iter()
        .filter_map(|v| Some((serde_json::from_value(v["const"].clone()).ok()?, text(&v["description"]))))
        .collect()
}

fn reasons(page: &str) -> String {
    let mut table = String::from("\n| reason | meaning | ends by |\n|---|---|---|\n");
    for (reason, meaning) in all_reasons() {
        let name = reason.to_string();
        let by = match reason.outlook() {
            Outlook::Stalls | Outlook::Rests => "your change",
            Outlook::Moves | Outlook::Holds => "itself",
        };
        let heading = format!("### `{name}`");
        let has_section = page.lines().any(|line| line == heading);
        let ends = if has_section { format!("[{by}](#{})", name.to_lowercase()) } else { String::new() };
        let _ = writeln!(table, "| `{name}` | {meaning} | {ends} |");
    }
    table.push('\n');
    table
}

/// The index of the runbook.
fn rules() -> String {
    let mut table = String::from("\n| rule | what is wrong | why the upload fails |\n|---|---|---|\n");
    for rule in Rule::ALL {
        let why = rule.why().replace('|', "\\|");
        let _ = writeln!(table, "| [{rule}](runbook/{rule}.md) | {} | {why} |", rule.title());
    }
    table.push('\n');
    table
}

/// Conditions without a row, and reasons that wait for a person but do not say what to do.
fn uncovered(page: &str) -> Vec<String> {
    let conditions = ConditionType::ALL.iter().map(|c| format!("| `{c}` |"));
    let advice = all_reasons().into_iter().filter(|(r, _)| r.is_terminal()).map(|(r, _)| format!("### `{r}`"));
    let missing = conditions.chain(advice).filter(|line| !page.lines().any(|l| l.starts_with(line.as_str())));
    missing.map(|line| format!("docs/conditions.md: a line that starts with {line:?} is missing")).collect()
}
