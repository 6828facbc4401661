//! Advice that is not text to copy: what a person does with it.

use direct_upload_api::Rule;
use direct_upload_check::Finding;

use super::spot::{Spot, field_of, file_of, with_object};
use super::text::{set, steps};
use super::{Files, text};

/// What a person does.
pub enum Hand {
    Edited(Files),
    /// What is to be done shows in no file of the input, or only its author knows what was meant.
    Elsewhere,
}

/// Nothing that could be done here by rote, and why.
const ELSEWHERE: [(Rule, &str); 24] = [
    // Somebody has to say what the broken line was for.
    (Rule::NoEffect, "correct the syntax"),
    (Rule::NoEffect, "correct the line; strings need quotes"),
    (Rule::NotRead, "correct the line; "),
    (Rule::NotRead, "correct the value, or remove the line"),
    (Rule::NotRead, "save it as UTF-8"),
    (Rule::NoSuchFlavor, "correct the line, as Glance's own paste file"),
    // Which hosts users come from.
    (Rule::OriginForm, "write scheme://host[:port]"),
    (Rule::AnyOrigin, "list the dashboards' exact origins"),
    // A pod's volumes, and the image's own start script.
    (Rule::NoEffect, "mount each snippet as a single file"),
    (Rule::NotPublic, "publish the URL that browsers reach"),
    (Rule::NotPublic, "choose another port"),
    // The operator's own file is written again by the operator.
    (Rule::NotRead, "of the Glance resource: the operator writes"),
    (Rule::WrongStart, "start the module glance.wsgi.api:application under uWSGI"),
    (Rule::WrongStart, "start the script glance-wsgi-api"),
    (Rule::NotRead, "write the value itself, instead of"),
    (Rule::Unknown, "write "),
    (Rule::CorsOnTheWay, "check that none of them does this"),
    (Rule::CorsOnTheWay, "give Glance its own [cors] first"),
    (Rule::NotRead, "write oslo_config_"),
    (Rule::OptionsFiltered, "give Glance its own [cors] first"),
    (Rule::OptionsFiltered, "check that it answers no preflights"),
    (Rule::OptionsFiltered, "let the route take each path"),
    (Rule::OptionsFiltered, "and write urlRewrite"),
    // Which storage there is.
    (Rule::NoStore, "make a store of another type"),
];

fn without_comment(line: &str) -> String {
    line.split([' ', '\t']).take_while(|word| !word.starts_with(['#', ';'])).collect::<Vec<_>>().join(" ")
}

fn named_conf(files: &Files, finding: &Finding) -> Option<Hand> {
    let at = file_of(files, finding)?;
    let mut files = files.clone();
    files[at].0.push_str(".conf");
    Some(Hand::Edited(files))
}

/// What a person does with advice that is not text to copy; none if it is.
pub fn apply(files: &Files, finding: &Finding) -> Option<Hand> {
    of_object(files, finding).or_else(|| by_rule(files, finding))
}

fn by_rule(files: &Files, finding: &Finding) -> Option<Hand> {
    let (rule, fix) = (finding.rule, finding.fix.as_str());
    if ELSEWHERE.iter().any(|(of, words)| *of == rule && fix.contains(words)) {
        return Some(Hand::Elsewhere);
    }
    if rule == Rule::NoSuchFlavor {
        return flavor(files, finding);
    }
    let spot = |edit: &dyn Fn(&mut Spot)| at_spot(files, finding, edit);
    let line = |edit: &dyn Fn(&str) -> String| at_line(files, finding, edit);
    let before = |new: &str| line(&|old| format!("{new}\n{old}"));
    match rule {
        Rule::Csp if fix.ends_with(" to sandbox") => {
            let flag = fix.split(' ').nth(1)?.to_owned();
            line(&|old| sandbox(old, &flag))
        }
        Rule::Csp => line(&|old| csp(old, fix)),
        Rule::MixedContent if fix.starts_with("end TLS before Glance, too") => {
            line(&|old| format!("{old} ssl crt /etc/ssl/g.pem"))
        }
        Rule::MixedContent | Rule::WrongEndpoint => endpoint(files, finding),
        Rule::OldSubgroup => spot(&|spot| {
            let moved = text::value(spot, "allowed_origin").unwrap_or_default();
            text::remove(spot, "");
            spot.line = 1;
            let kept = text::value(spot, "allowed_origin").filter(|kept| !kept.is_empty());
            let all = kept.into_iter().chain([moved]).collect::<Vec<_>>().join(",");
            set(spot, &format!("[cors] allowed_origin = {all}")).unwrap();
        }),
        Rule::OptionsFiltered if fix.contains("http-request allow if METH_OPTIONS") => {
            before("http-request allow if METH_OPTIONS")
        }
        Rule::OptionsFiltered if fix.starts_with("write Allow from all") => {
            line(&|old| format!("{old}\nAllow from all"))
        }
        Rule::OptionsFiltered if fix.starts_with("remove the location block") => spot(&without_location),
        Rule::OptionsFiltered if fix.contains("Require method OPTIONS PUT") => before("Require method OPTIONS PUT"),
        _ if fix.starts_with("take ") && fix.contains(" off the line") => {
            let words = fix.strip_prefix("take ")?.split(" off the line").next()?.to_owned();
            line(&|old| old.replace(&format!(" {words}"), ""))
        }
        Rule::OptionsFiltered if fix.ends_with(" to it") => {
            let methods = fix.strip_prefix("add ")?.strip_suffix(" to it")?.to_owned();
            line(&|old| format!("{old} {methods}"))
        }
        Rule::OptionsFiltered if fix.contains(" to the accepted methods") => {
            let method = fix.split(' ').nth(1)?.to_owned();
            spot(&|spot| let_through(spot, &method))
        }
        Rule::OptionsFiltered | Rule::CorsOnTheWay | Rule::BodyLimit
            if fix.starts_with("remove the rule and its conditions") =>
        {
            spot(&without_conditions)
        }
        Rule::OptionsFiltered if fix.contains(" to the methods of the LimitExcept around it") => spot(&|spot| {
            let method = fix.strip_prefix("add ").and_then(|fix| fix.split(" to the ").next()).unwrap();
            let mut lines = spot.lines();
            let around = (0..spot.line).rev().find(|at| lines[*at].contains("<LimitExcept")).unwrap();
            lines[around] = lines[around].replace('>', &format!(" {method}>"));
            spot.set_lines(&lines);
        }),
        Rule::OptionsFiltered if fix.contains(" to the Require method there") => spot(&|spot| {
            let method = fix.strip_prefix("add ").and_then(|fix| fix.split(" to the ").next()).unwrap();
            let mut lines = spot.lines();
            let beside = lines.iter_mut().find(|line| line.contains("Require method")).unwrap();
            beside.extend([" ", method]);
            spot.set_lines(&lines);
        }),
        Rule::OptionsFiltered | Rule::CorsOnTheWay | Rule::BodyLimit if fix.starts_with("remove the if block") => {
            spot(&without_if)
        }
        Rule::CorsOnTheWay if fix.starts_with("remove it and the del-header rule") => spot(&|spot| {
            let kept =
                spot.lines().into_iter().filter(|line| !line.to_lowercase().contains("access-control-allow-origin"));
            spot.set_lines(&kept.collect::<Vec<_>>());
        }),
        Rule::OptionsFiltered if fix.starts_with("put cors first") => line(&|old| cors_first(old)),
        Rule::OptionsFiltered if fix.starts_with("add OPTIONS to the methods, or") => {
            matched(files, finding, "OPTIONS")
        }
        Rule::OptionsFiltered if fix.starts_with("add PUT to the methods, or") => matched(files, finding, "PUT"),
        Rule::ChunkedLimit if fix.starts_with("pass requests by http://") => {
            line(&|old| old.replace("uwsgi://", "http://"))
        }
        // What it asks of the dashboard.
        Rule::ImportBypassed => Some(Hand::Edited(
            files
                .iter()
                .map(|(name, text)| (name.clone(), text.replace("UPLOAD_MODE = 'direct'", "UPLOAD_MODE = 'off'")))
                .collect(),
        )),
        Rule::TokenLogged => line(&|old| without_token(old)),
        Rule::NoEffect if fix.starts_with("put it into local_settings.d as NAME.py") => moved(files, finding),
        Rule::NotRead if fix.starts_with("give the file a name that ends in .conf") => named_conf(files, finding),
        Rule::NotRead if fix.starts_with("move [cors] to /etc/glance/glance-api.conf") => moved(files, finding),
        Rule::NotRead if fix.starts_with("move [cors] to ") => Some(Hand::Elsewhere),
        Rule::NotRead if fix.starts_with("list all origins in") => listed_together(files, finding),
        Rule::NotRead if fix.starts_with("put the comment on a line") => line(&without_comment),
        Rule::OptionsFiltered if fix.starts_with("add to it {to:") => at_field(files, finding, &|rules| {
            let rule =
                serde_json::json!({"to": [{"operation": {"methods": ["OPTIONS", "PUT"], "paths": ["/v2/images/*"]}}]});
            match rules.as_array_mut() {
                Some(rules) => rules.push(rule),
                None => *rules = serde_json::json!([rule]),
            }
        }),
        Rule::OptionsFiltered if fix.starts_with("except OPTIONS and PUT") => Some(Hand::Elsewhere),
        Rule::TooSlow if fix.starts_with("give Traefik") => Some(Hand::Elsewhere),
        Rule::TooSlow if fix.starts_with("set the argument ") => {
            let argument = fix.split(' ').nth(3)?.to_owned();
            let path = steps(&finding.place.field.as_ref()?.to_string());
            let object = &finding.place.object.as_ref()?.to_string();
            Some(Hand::Edited(with_object(files, file_of(files, finding)?, object, |value| {
                let args = path.iter().fold(value, |value, step| match step.parse::<usize>() {
                    Ok(at) => &mut value[at],
                    Err(_) => &mut value[step.as_str()],
                });
                args.as_array_mut().unwrap().push(argument.into());
            })))
        }
        Rule::TooSlow if fix.contains("respondingTimeouts.readTimeout: 0s") => Some(Hand::Elsewhere),
        Rule::NoEffect if fix.contains(" there, or give this file a name") => without_mode(files, finding),
        _ => None,
    }
}

fn at_spot(files: &Files, finding: &Finding, edit: &dyn Fn(&mut Spot)) -> Option<Hand> {
    let mut spot = Spot::find(files, finding)?;
    edit(&mut spot);
    Some(Hand::Edited(spot.written(files)))
}

fn at_line(files: &Files, finding: &Finding, edit: &dyn Fn(&str) -> String) -> Option<Hand> {
    at_spot(files, finding, &|spot| {
        let mut lines = spot.lines();
        let at = spot.line.max(1) - 1;
        lines[at] = edit(&lines[at]);
        spot.set_lines(&lines);
    })
}

/// A field of an object.
fn at_field(files: &Files, finding: &Finding, edit: &dyn Fn(&mut serde_json::Value)) -> Option<Hand> {
    let path = steps(&finding.place.field.as_ref()?.to_string());
    let object = &finding.place.object.as_ref()?.to_string();
    Some(Hand::Edited(with_object(files, file_of(files, finding)?, object, |value| {
        edit(path.iter().fold(value, |value, step| match step.parse::<usize>() {
            Ok(at) if value.is_array() => &mut value[at],
            _ => &mut value[step.as_str()],
        }));
    })))
}

/// What the paste file lacks, or has too much.
fn flavor(files: &Files, finding: &Finding) -> Option<Hand> {
    let fix = finding.fix.as_str();
    let spot = |edit: &dyn Fn(&mut Spot)| at_spot(files, finding, edit);
    let line = |edit: &dyn Fn(&str) -> String| at_line(files, finding, edit);
    match fix {
        _ if fix.starts_with("replace the contents of [") => {
            let (section, options) = fix.strip_prefix("replace the contents of [")?.split_once("] with: ")?;
            spot(&|spot| {
                let mut inside = false;
                let mut lines = Vec::new();
                for line in spot.lines() {
                    if line.starts_with('[') {
                        inside = line == format!("[{section}]");
                        lines.push(line);
                        if inside {
                            lines.extend(options.split(", ").map(str::to_owned));
                        }
                    } else if !inside {
                        lines.push(line);
                    }
                }
                spot.set_lines(&lines);
            })
        }
        _ if fix.contains("put cors first") => line(&|old| cors_first(old)),
        _ if fix.contains("remove healthcheck") => line(&|old| old.replace(" healthcheck", "")),
        _ if fix.starts_with("add [filter:cors] with ") => {
            let options = fix.strip_prefix("add [filter:cors] with ")?.replace(", ", "\n");
            spot(&|spot| spot.text.extend(["\n[filter:cors]\n", &options, "\n"]))
        }
        _ if fix.contains(" from the pipeline, or add") => {
            let name = fix.strip_prefix("remove ")?.split(' ').next()?.to_owned();
            line(&|old| old.split(' ').filter(|word| *word != name).collect::<Vec<_>>().join(" "))
        }
        _ if fix.starts_with("write oslo_config_project = ") => {
            let option = fix.strip_prefix("write ")?.strip_suffix(" in it")?;
            let factory = "paste.filter_factory = oslo_middleware.cors";
            spot(&|spot| spot.text = spot.text.replacen(factory, &format!("{option}\n{factory}"), 1))
        }
        _ => None,
    }
}

/// A header, a path or a filter that an object or a line names.
fn of_object(files: &Files, finding: &Finding) -> Option<Hand> {
    let fix = finding.fix.as_str();
    if finding.rule == Rule::BodyLimit && fix.starts_with("remove ") && fix.ends_with(" from the pipeline") {
        let name = fix.split(' ').nth(1)?.to_owned();
        let without = |old: &str| old.split(' ').filter(|word| *word != name).collect::<Vec<_>>().join(" ");
        return at_line(files, finding, &without);
    }
    let object = finding.place.object.as_ref()?.to_string();
    let is_text = field_of(&finding.place).contains("snippet");
    if let Some(rest) = fix.strip_prefix("write the path ") {
        let path = rest.split(' ').next()?.to_owned();
        return Some(Hand::Edited(with_object(files, file_of(files, finding)?, &object, |ingress| {
            ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] = path.into();
            ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"] = "/$2".into();
        })));
    }
    let of_map = of_controller(files, finding);
    if of_map.is_none() && finding.rule == Rule::Csp && !is_text && Spot::find(files, finding).is_none() {
        return at_field(files, finding, &|value| *value = csp(value.as_str().unwrap_or_default(), fix).into());
    }
    of_map
}

/// A key of ingress-nginx's ConfigMaps that is no text of nginx: a header, or a list of headers.
fn of_controller(files: &Files, finding: &Finding) -> Option<Hand> {
    let field = field_of(&finding.place);
    let key = field.strip_prefix("data[")?.split(']').next().filter(|key| !key.ends_with("snippet"))?.to_owned();
    let object = finding.place.object.as_ref().map(ToString::to_string).filter(|id| id.starts_with("ConfigMap i/"))?;
    let file = file_of(files, finding)?;
    Some(Hand::Edited(with_object(files, file, &object, |value| {
        let data = value["data"].as_object_mut().unwrap();
        if finding.rule == Rule::Csp {
            let old = data[&key].as_str().unwrap_or_default().to_owned();
            data[&key] = csp(&old, &finding.fix).into();
        } else {
            data.remove(&key);
        }
    })))
}

/// `connect-src` with Glance in it.
fn csp(line: &str, fix: &str) -> String {
    let glance = fix.strip_prefix("add ").and_then(|fix| fix.split(' ').next()).unwrap_or_default();
    let glance = if glance.starts_with("http") { glance } else { "https://glance.example" };
    // Django's and django-csp's own names for it.
    if line.contains("SELF]") {
        return line.replace("SELF]", &format!("SELF, '{glance}']"));
    }
    if let Some((name, value)) = line.split_once(" = ").filter(|(name, _)| name.contains("CS")) {
        return format!("{name} = {}", value.replacen("\"'self'\"", &format!("\"'self'\", '{glance}'"), 1));
    }
    if line.contains("connect-src") {
        line.replacen("connect-src", &format!("connect-src {glance}"), 1)
    } else {
        line.replacen("default-src 'self'", &format!("default-src 'self'; connect-src 'self' {glance}"), 1)
    }
}

/// The URL that the advice names, in place of the one that is published.
fn endpoint(files: &Files, finding: &Finding) -> Option<Hand> {
    let url = finding.fix.split(' ').find(|word| word.starts_with("https://"))?.trim_end_matches(',');
    let field = finding.place.field.as_ref()?.to_string();
    let Some(object) = finding.place.object.as_ref().map(ToString::to_string) else {
        let mut spot = Spot::find(files, finding)?;
        set(&mut spot, &format!("{field} = {url}")).ok()?;
        return Some(Hand::Edited(spot.written(files)));
    };
    let file = file_of(files, finding)?;
    Some(Hand::Edited(with_object(files, file, &object, |value| {
        let field = steps(&field).into_iter().fold(value, |value, step| match step.parse::<usize>() {
            Ok(at) => &mut value[at],
            Err(_) => &mut value[step.as_str()],
        });
        *field = url.into();
    })))
}

/// A method among those of a `RewriteCond` above the rule.
fn let_through(spot: &mut Spot, method: &str) {
    let mut lines = spot.lines();
    let condition = (0..spot.line - 1).rev().find(|at| lines[*at].contains("REQUEST_METHOD")).unwrap();
    lines[condition] = lines[condition].replacen("!^(", &format!("!^({method}|"), 1);
    spot.set_lines(&lines);
}

/// The text without a `RewriteRule` and the conditions right before it.
fn without_conditions(spot: &mut Spot) {
    let mut lines = spot.lines();
    let rule = spot.line - 1;
    let above = lines[..rule].iter().rev().take_while(|line| line.trim_start().starts_with("RewriteCond")).count();
    lines.drain(rule - above..=rule);
    spot.set_lines(&lines);
}

fn sandbox(line: &str, flag: &str) -> String {
    let name = if line.contains("SANDBOX") { "[" } else { "sandbox" };
    let flag = if line.contains("SANDBOX") { format!("'{flag}', ") } else { format!(" {flag}") };
    line.replacen(name, &format!("{name}{flag}"), 1)
}

/// The text without the `if` block around the line.
fn without_if(spot: &mut Spot) {
    let from: usize = spot.text.split_inclusive('\n').take(spot.line).map(str::len).sum();
    let (before, own) = (spot.text[..from].rfind("if (").unwrap_or_default(), spot.text.find(&spot.field.clone()));
    let start = own.and_then(|own| spot.text[..own].rfind("if (")).unwrap_or(before);
    let inside = own.filter(|own| *own > start).unwrap_or(start);
    let end = inside + spot.text[inside..].find('}').unwrap_or_default() + 1;
    spot.text.replace_range(start..end, "");
}

/// The block that starts in this line.
fn without_location(spot: &mut Spot) {
    let from: usize = spot.text.split_inclusive('\n').take(spot.line - 1).map(str::len).sum();
    let start = from + spot.text[from..].find("location").unwrap();
    let end = start + spot.text[start..].find('}').unwrap() + 1;
    spot.text.replace_range(start..end, "");
}

fn cors_first(line: &str) -> String {
    let (name, filters) = line.split_once('=').unwrap_or_default();
    let others: Vec<&str> = filters.split_whitespace().filter(|filter| *filter != "cors").collect();
    format!("{name}= cors {}", others.join(" "))
}

/// A route's matches with a method.
fn matched(files: &Files, finding: &Finding, method: &str) -> Option<Hand> {
    let object = &finding.place.object.as_ref()?.to_string();
    let path = steps(&finding.place.field.as_ref()?.to_string());
    Some(Hand::Edited(with_object(files, file_of(files, finding)?, object, |value| {
        let matches = path.iter().fold(value, |value, step| match step.parse::<usize>() {
            Ok(at) => &mut value[at],
            Err(_) => &mut value[step.as_str()],
        });
        match matches.as_array_mut() {
            Some(list) => {
                let one = list[0].clone();
                let method =
                    if one["method"].is_object() { serde_json::json!({"exact": method}) } else { method.into() };
                let mut one = one;
                one["method"] = method;
                list.push(one);
            }
            None => {
                *matches = matches
                    .as_str()
                    .unwrap_or_default()
                    .replace("Method(`", &format!("Method(`{method}`) || Method(`"))
                    .into();
            }
        }
    })))
}

fn without_token(line: &str) -> String {
    const WORDS: [&str; 6] = [
        "$http_x_auth_token",
        "%{X-Auth-Token}i",
        "capture request header X-Auth-Token len 64",
        "http-request capture req.hdr(X-Auth-Token) len 64",
        "%(var.HTTP_X_AUTH_TOKEN)",
        "%{X-Auth-Token}o",
    ];
    WORDS.iter().fold(line.to_owned(), |line, word| line.replace(word, ""))
}

/// A later file's list, plus what an earlier one had.
fn listed_together(files: &Files, finding: &Finding) -> Option<Hand> {
    let (before, lost) = finding.found.split_once("; lost: ").or_else(|| finding.found.split_once("); lost: "))?;
    let place = before.rsplit('(').next()?.trim_end_matches(')');
    let (file, line) = place.rsplit_once(':')?;
    let line: usize = line.parse().ok()?;
    let lost = lost.split(';').next()?.replace(", ", ",");
    let mut files = files.clone();
    let (_, text) = files.iter_mut().find(|(name, _)| name == file)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let old = lines[line - 1].trim_end_matches(',').to_owned();
    lines[line - 1] = if old.trim_end().ends_with('=') { format!("{old} {lost}") } else { format!("{old},{lost}") };
    *text = lines.join("\n") + "\n";
    Some(Hand::Edited(files))
}

/// The file that is read later, without the mode.
fn without_mode(files: &Files, finding: &Finding) -> Option<Hand> {
    let place = finding.found.split_once(" (")?.1.split_once(')')?.0;
    let (file, line) = place.rsplit_once(':')?;
    let line: usize = line.parse().ok()?;
    let mut files = files.clone();
    let Some((_, text)) = files.iter_mut().find(|(name, _)| name == file) else { return Some(Hand::Elsewhere) };
    let kept = text.lines().enumerate().filter(|(at, _)| at + 1 != line).map(|(_, line)| line.to_owned());
    *text = kept.collect::<Vec<_>>().join("\n") + "\n";
    Some(Hand::Edited(files))
}

/// The file, where the program reads it.
fn moved(files: &Files, finding: &Finding) -> Option<Hand> {
    if finding.place.object.is_some() {
        return Some(Hand::Elsewhere);
    }
    let at = file_of(files, finding)?;
    let mut files = files.clone();
    if let Some((folder, _)) = files[at].0.rsplit_once('/').filter(|(folder, _)| folder.ends_with("/kolla/horizon")) {
        let custom = format!("{folder}/_9999-custom-settings.py");
        let (_, own) = files.remove(at);
        files.iter_mut().find(|(name, _)| *name == custom)?.1.extend(["\n", own.as_str()]);
        return Some(Hand::Edited(files));
    }
    let name = &files[at].0;
    let (folder, to) = if finding.rule == Rule::NotRead {
        (name.find("etc/glance/")?, "etc/glance/glance-api.conf.d/moved.conf")
    } else {
        (name.find("etc/openstack-dashboard/")?, "etc/openstack-dashboard/local_settings.d/zz-moved.py")
    };
    let name = format!("{}{to}", &name[..folder]);
    files[at].0 = name;
    Some(Hand::Edited(files))
}
