//! Advice that is text to write: the sentence is read, and the file edited as it says.

use direct_upload_api::Rule;
use direct_upload_check::Finding;
use direct_upload_check::classify::Kind;
use serde_json::json;

use super::Files;
use super::spot::{Spot, field_of, file_of, with_object};

/// Applies a fix.
pub fn apply(files: &Files, finding: &Finding) -> Result<Files, String> {
    let fix = finding.fix.split(" (where: ").next().unwrap_or_default();
    let field = field_of(&finding.place);
    if finding.place.object.is_some()
        && (field.starts_with("spec") || (field.starts_with("metadata") && !field.contains(' ')))
    {
        return in_object(files, finding, fix, &field);
    }
    let mut spot = Spot::find(files, finding).ok_or("the text that is meant is not found")?;
    if finding.rule == Rule::OriginForm {
        let written = fix.strip_prefix("write ").ok_or("names no origin")?;
        replace_item(&mut spot, &finding.found, written);
    } else if let Some(rest) = fix.strip_prefix("add ").filter(|fix| fix.contains(" to allowed_origin")) {
        let origin = rest.split(' ').next().unwrap_or_default();
        let value = format!("{},{origin}", value(&spot, "allowed_origin").unwrap_or_default().trim_end_matches(','));
        set(&mut spot, &format!("allowed_origin = {value}"))?;
    } else if fix.starts_with("remove") {
        remove(&mut spot, &finding.found);
    } else if let Some((place, listed)) = fix.split_once("]: ").filter(|(place, _)| place.contains("write in [")) {
        let section = place.rsplit('[').next().unwrap_or_default();
        let cut = |item: &str| item.split(", if ").next().unwrap_or_default().to_owned();
        for setting in listed.split(", ").filter(|item| item.contains(" = ")) {
            set(&mut spot, &format!("[{section}] {}", cut(setting)))?;
        }
    } else {
        // A line that nothing reads gives way to the right one.
        if fix.contains("(instead of") && !fix.contains("dollar sign") {
            remove(&mut spot, &finding.found);
        }
        for statement in statements(fix) {
            set(&mut spot, &statement)?;
        }
    }
    Ok(spot.written(files))
}

/// The statements of a sentence, without the words that say where and why.
fn statements(fix: &str) -> Vec<String> {
    const TAILS: [&str; 12] = [
        " (",
        "; or, if ",
        ", or ",
        "; or ",
        " in Glance's",
        " in the dashboard's",
        ", where",
        " on a line",
        ", e.g.",
        ", in a file",
        " in <",
        " for Glance's",
    ];
    let mut end = fix.len();
    for tail in TAILS {
        end = end.min(fix.find(tail).unwrap_or(fix.len()));
    }
    fix[..end].split(", and ").map(str::to_owned).collect()
}

fn in_object(files: &Files, finding: &Finding, fix: &str, field: &str) -> Result<Files, String> {
    let file = file_of(files, finding).ok_or("no such file")?;
    let object = finding.place.object.as_ref().map(ToString::to_string).unwrap_or_default();
    let path = steps(field);
    let (last, holder) = path.split_last().ok_or("no path")?;
    let mut done = Err(format!("no text for {field}"));
    let changed = with_object(files, file, &object, |value| {
        let holder = holder.iter().fold(value, |value, step| match step.parse::<usize>() {
            Ok(at) if value.is_array() => &mut value[at],
            _ => &mut value[step.as_str()],
        });
        done = Ok(());
        if fix.starts_with("remove") {
            match last.parse::<usize>() {
                Ok(at) if holder.is_array() => drop(holder.as_array_mut().map(|list| list.remove(at))),
                _ => drop(holder.as_object_mut().map(|map| map.remove(last))),
            }
        } else if let Some(rest) = fix.strip_prefix("set timeouts: ") {
            assert!(rest.starts_with("{request: 0s, backendRequest: 0s}"), "{rest}");
            *holder = json!({"request": "0s", "backendRequest": "0s"});
        } else if let Some(rest) = fix.strip_prefix("set ") {
            let value = rest.split([',', ' ']).next().unwrap_or_default().trim_matches('"');
            // Annotations are texts.
            let typed = serde_json::from_str(value).ok().filter(|_| !field.starts_with("metadata"));
            let value = typed.unwrap_or_else(|| json!(value));
            match last.parse::<usize>() {
                Ok(at) if holder.is_array() => holder[at] = value,
                _ => holder[last.as_str()] = value,
            }
        } else {
            done = Err(format!("no text for {field}"));
        }
    });
    done.map(|()| changed)
}

/// `spec.rules[0].timeouts`, `metadata.annotations[a.b/c]`, `spec.rules.0`.
pub fn steps(field: &str) -> Vec<String> {
    if let Some(name) = field.strip_prefix("metadata.annotations[").and_then(|rest| rest.strip_suffix(']')) {
        return ["metadata", "annotations", name].map(str::to_owned).to_vec();
    }
    field.split(['.', '[', ']']).filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

/// Puts an origin in the place of what the finding shows of the value.
fn replace_item(spot: &mut Spot, found: &str, written: &str) {
    let shown = found.split('"').nth(1).unwrap_or_default().replace("\\\"", "\"");
    let name = spot.lines()[spot.line - 1].split(['=', ':']).next().unwrap_or_default().trim().to_owned();
    let old = value(spot, &name).unwrap_or_default();
    let whole = shown.ends_with(" …") || !old.contains(&shown);
    let new = if whole { written.to_owned() } else { old.replacen(&shown, written, 1) };
    let mut lines = spot.lines();
    let end = spot.line + continued(&lines, spot.line);
    lines.splice(spot.line - 1..end, [format!("{name} = {new}")]);
    spot.set_lines(&lines);
}

/// How many lines continue an assignment of oslo.config.
fn continued(lines: &[String], line: usize) -> usize {
    lines[line..].iter().take_while(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty()).count()
}

/// The value of an assignment, in one line.
pub fn value(spot: &Spot, name: &str) -> Option<String> {
    let lines = spot.lines();
    let own = |line: &String| line.split(['=', ':']).next().is_some_and(|own| own.trim() == name);
    let at =
        if lines.get(spot.line.wrapping_sub(1)).is_some_and(own) { spot.line } else { lines.iter().position(own)? + 1 };
    let first = lines[at - 1].split_once(['=', ':'])?.1.trim().to_owned();
    let more = lines[at..at + continued(&lines, at)].iter().map(|line| line.trim().to_owned());
    Some([vec![first], more.collect()].concat().concat())
}

/// Writes a statement: instead of the intended one, or next to it.
pub fn set(spot: &mut Spot, statement: &str) -> Result<(), String> {
    match spot.kind {
        Kind::Glance | Kind::Uwsgi | Kind::Paste | Kind::Oslo | Kind::OsloPaste | Kind::Swift | Kind::SwiftConf => {
            set_option(spot, statement)
        }
        Kind::Settings => {
            let name = statement.split(" = ").next().filter(|name| !name.contains(' ')).ok_or("no assignment")?;
            let mut lines = spot.lines();
            let at = spot.line.max(1) - 1;
            let until = python_end(&lines, at);
            let assigns = |line: &String| {
                line.split('=').next().is_some_and(|own| own.trim() == name || own.trim() == spot.field)
            };
            if lines.get(at).is_some_and(|line| assigns(line) && !line.starts_with([' ', '\t'])) {
                lines.splice(at..until, [statement.to_owned()]);
            } else {
                lines.push(statement.to_owned());
            }
            spot.set_lines(&lines);
            Ok(())
        }
        Kind::Nginx | Kind::Stream => set_nginx(spot, statement),
        Kind::Httpd | Kind::Haproxy => {
            let mut lines = spot.lines();
            let at = spot.line.max(1) - 1;
            let own: Vec<String> = lines[at].split_whitespace().map(str::to_owned).collect();
            let new: Vec<&str> = statement.split_whitespace().collect();
            if new.len() < 2 || new[0].chars().any(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')) {
                return Err(format!("{statement:?} is no directive"));
            }
            let same = own.first().is_some_and(|name| name.eq_ignore_ascii_case(new[0]))
                && (spot.kind == Kind::Httpd
                    || new[0].starts_with("tune.")
                    || own.get(1).map(String::as_str) == new.get(1).copied());
            if same {
                statement.clone_into(&mut lines[at]);
            } else {
                lines.insert(at + 1, statement.to_owned());
            }
            spot.set_lines(&lines);
            Ok(())
        }
        Kind::Kolla | Kind::Systemd | Kind::Environment | Kind::Map | Kind::Traefik => {
            Err("no language of its own".to_owned())
        }
    }
}

fn set_option(spot: &mut Spot, statement: &str) -> Result<(), String> {
    let (section, assignment) = match statement.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((section, assignment)) => (section.to_owned(), assignment),
        None => (section_of(spot), statement),
    };
    let (name, _) = assignment
        .split_once(" = ")
        .filter(|(name, _)| !name.contains(' '))
        .ok_or(format!("{statement:?} is no assignment"))?;
    let mut lines = spot.lines();
    let mut now = String::from("DEFAULT");
    let (mut header, mut own) = (None, None);
    for (at, line) in lines.iter().enumerate() {
        if let Some(found) = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            found.clone_into(&mut now);
            if now == section {
                header = Some(at);
            }
        } else if now == section && line.split(['=', ':']).next().is_some_and(|own| own.trim() == name) {
            own = Some(at);
        }
    }
    match (own, header) {
        (Some(at), _) => drop(lines.splice(at..=at + continued(&lines, at + 1), [assignment.to_owned()])),
        (None, Some(at)) => lines.insert(at + 1, assignment.to_owned()),
        (None, None) => lines.extend([format!("[{section}]"), assignment.to_owned()]),
    }
    spot.set_lines(&lines);
    Ok(())
}

/// The section of the line that is meant.
fn section_of(spot: &Spot) -> String {
    if let Some((section, _)) = spot.field.strip_prefix('[').and_then(|field| field.split_once(']')) {
        return section.to_owned();
    }
    let lines = spot.lines();
    let before = lines.iter().take(spot.line.max(1)).rev();
    let header = |line: &String| Some(line.trim().strip_prefix('[')?.strip_suffix(']')?.to_owned());
    before.into_iter().find_map(header).or_else(|| lines.iter().find_map(header)).unwrap_or_default()
}

fn python_end(lines: &[String], at: usize) -> usize {
    let mut depth = 0i32;
    for (end, line) in lines.iter().enumerate().skip(at) {
        for c in line.chars() {
            depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
        }
        if depth <= 0 {
            return end + 1;
        }
    }
    lines.len()
}

/// Deletes the statement that is meant.
pub fn remove(spot: &mut Spot, found: &str) {
    if spot.kind == Kind::Nginx {
        let (start, end) = nginx_statement(spot, found);
        spot.text.replace_range(start..end, "");
        return;
    }
    let mut lines = spot.lines();
    let at = spot.line.max(1) - 1;
    let end = match spot.kind {
        Kind::Settings => python_end(&lines, at),
        Kind::Httpd => at + 1 + lines[at..].iter().take_while(|line| line.ends_with('\\')).count(),
        Kind::Haproxy => at + 1,
        _ => at + 1 + continued(&lines, at + 1),
    };
    lines.drain(at..end);
    spot.set_lines(&lines);
}

fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.max(1) - 1).map(str::len).sum()
}

/// From the name of a statement to behind its `;`: the one whose words the finding repeats, from the line on.
fn nginx_statement(spot: &Spot, found: &str) -> (usize, usize) {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace(['\'', '"'], "");
    let from = line_start(&spot.text, spot.line);
    let name = spot.field.rsplit(' ').next().unwrap_or_default();
    let ends = |start: usize| start + spot.text[start..].find(';').map_or(spot.text.len() - start, |end| end + 1);
    let starts: Vec<usize> = spot.text[from..].match_indices(name).map(|(at, _)| from + at).collect();
    let told = |start: &&usize| {
        let statement = plain(spot.text[**start..ends(**start)].trim_end_matches(';'));
        plain(found).contains(&statement)
    };
    // Of several in one line the last is in effect.
    let line_end = from + spot.text[from..].find('\n').unwrap_or(spot.text.len() - from);
    let on_line = starts.iter().rfind(|start| **start < line_end);
    let start = starts.iter().find(told).or(on_line).or(starts.first()).copied().unwrap_or(from);
    (start, ends(start))
}

fn set_nginx(spot: &mut Spot, statement: &str) -> Result<(), String> {
    let name = statement
        .split(' ')
        .next()
        .filter(|_| statement.ends_with(';'))
        .ok_or(format!("{statement:?} is no statement of nginx's"))?;
    let from = line_start(&spot.text, spot.line);
    if spot.field.rsplit(' ').next() == Some(name) && spot.text[from..].contains(name) {
        let found = spot.found.clone();
        let (start, end) = nginx_statement(spot, &found);
        spot.text.replace_range(start..end, statement);
    } else {
        let pass = ["proxy_pass", "uwsgi_pass"]
            .iter()
            .filter_map(|pass| spot.text[from..].find(pass))
            .min()
            .unwrap_or_default();
        spot.text.insert_str(from + pass, &format!("{statement} "));
    }
    Ok(())
}
