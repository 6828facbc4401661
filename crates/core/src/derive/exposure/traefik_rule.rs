//! Traefik's rules (`Host(…) && PathPrefix(…)`), as the alternatives that a request may meet.
//!
//! The words are those of pkg/rules/parser.go and pkg/muxer/http of traefik/traefik: `&&` binds closer
//! than `||`, a negation is pushed down to the matchers, and names of matchers have any case.

use super::http_route::is_sent;

/// One alternative of a rule. Whatever it does not name (methods, clients) may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternative {
    /// The host must be one of these; none: any host.
    pub hosts: Option<Vec<String>>,
    /// A pattern or a negation restricts the host further.
    pub host_pattern: Option<String>,
    pub prefix: Option<String>,
    /// A path that is not a prefix.
    pub path: Option<String>,
    /// A header or a query that a request must have, and that browsers do not send.
    pub demand: Option<String>,
    /// A method, a client or a negation restricts it further.
    pub partial: bool,
}

/// No real rule has more alternatives than this.
const MOST: usize = 256;

/// No real rule nests deeper than this.
const DEEPEST: usize = 32;

/// Reads a rule.
///
/// # Errors
/// The parts that are not a rule.
pub fn alternatives(rule: &str) -> Result<Vec<Alternative>, String> {
    let mut parser = Parser { rest: rule.trim_start(), depth: 0 };
    let tree = parser.either()?;
    if parser.rest.is_empty() { tree.alternatives(false) } else { Err(format!("{:?} is unexpected", parser.rest)) }
}

/// Whether a rule matches, if `of` says whether each matcher does; none if that is unknown.
///
/// # Errors The part that is not a rule.
pub(crate) fn holds(rule: &str, of: &dyn Fn(&str, &[String]) -> Option<bool>) -> Result<Option<bool>, String> {
    let mut parser = Parser { rest: rule.trim_start(), depth: 0 };
    let tree = parser.either()?;
    if parser.rest.is_empty() { Ok(tree.holds(of)) } else { Err(format!("{:?} is unexpected", parser.rest)) }
}

impl Alternative {
    /// Whether it takes all requests for a host that another alternative takes.
    pub(super) fn takes_all_of(&self, other: &Self, host: &str) -> bool {
        let hosts = self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|own| own == host));
        let is_whole = !self.partial && self.demand.is_none() && self.path.is_none() && self.host_pattern.is_none();
        // As text: Traefik knows no segments.
        let (own, its) = (self.prefix.as_deref().unwrap_or("/"), other.prefix.as_deref().unwrap_or("/"));
        hosts && is_whole && its.starts_with(own)
    }

    /// What matches both; none if nothing does.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let hosts = match (&self.hosts, &other.hosts) {
            (Some(a), Some(b)) => {
                let both: Vec<String> = a.iter().filter(|host| b.contains(host)).cloned().collect();
                Some(both).filter(|both| !both.is_empty())?.into()
            }
            (one, another) => one.clone().or_else(|| another.clone()),
        };
        let prefix = match (&self.prefix, &other.prefix) {
            (Some(a), Some(b)) if a.starts_with(b.as_str()) => Some(a.clone()),
            (Some(a), Some(b)) if b.starts_with(a.as_str()) => Some(b.clone()),
            (Some(_), Some(_)) => return None,
            (one, another) => one.clone().or_else(|| another.clone()),
        };
        Some(Self {
            hosts,
            host_pattern: self.host_pattern.clone().or_else(|| other.host_pattern.clone()),
            prefix,
            path: self.path.clone().or_else(|| other.path.clone()),
            demand: self.demand.clone().or_else(|| other.demand.clone()),
            partial: self.partial || other.partial,
        })
    }
}

/// All combinations of an alternative of each list.
pub(crate) fn both(left: &[Alternative], right: &[Alternative]) -> Result<Vec<Alternative>, String> {
    let met: Vec<_> = left.iter().flat_map(|a| right.iter().filter_map(|b| a.and(b))).take(MOST + 1).collect();
    if met.len() > MOST { Err(format!("more than {MOST} alternatives")) } else { Ok(met) }
}

enum Tree {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Matcher(String, Vec<String>),
}

impl Tree {
    fn holds(&self, of: &dyn Fn(&str, &[String]) -> Option<bool>) -> Option<bool> {
        match self {
            Self::Not(inner) => inner.holds(of).map(|holds| !holds),
            Self::Matcher(name, values) => of(&name.to_ascii_lowercase(), values),
            Self::And(a, b) => match (a.holds(of), b.holds(of)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(a, b) => match (a.holds(of), b.holds(of)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }

    fn alternatives(&self, negated: bool) -> Result<Vec<Alternative>, String> {
        match (self, negated) {
            (Self::Not(inner), _) => inner.alternatives(!negated),
            (Self::And(a, b), false) | (Self::Or(a, b), true) => {
                both(&a.alternatives(negated)?, &b.alternatives(negated)?)
            }
            (Self::And(a, b), true) | (Self::Or(a, b), false) => {
                let mut all = a.alternatives(negated)?;
                all.extend(b.alternatives(negated)?);
                if all.len() > MOST { Err(format!("more than {MOST} alternatives")) } else { Ok(all) }
            }
            (Self::Matcher(name, values), _) => Ok(matchers(name, values, negated)),
        }
    }
}

/// In releases before 3.0, several values are alternatives.
fn matchers(name: &str, values: &[String], negated: bool) -> Vec<Alternative> {
    if name.eq_ignore_ascii_case("pathprefix") && !negated {
        return values.iter().map(|value| matcher(name, std::slice::from_ref(value), false)).collect();
    }
    vec![matcher(name, values, negated)]
}

fn matcher(name: &str, values: &[String], negated: bool) -> Alternative {
    let all = Alternative::default();
    let written = || Some(values.join(", "));
    let is_pattern = |value: &String| value.contains(['{', '*', '(', '[', '^', '$', '\\', '|']);
    match name.to_ascii_lowercase().as_str() {
        "host" | "hostheader" if !negated && !values.iter().any(|host| host.contains('*')) => {
            Alternative { hosts: Some(values.iter().map(|host| host.to_ascii_lowercase()).collect()), ..all }
        }
        "header" | "headers" | "headerregexp" | "headersregexp"
            if !negated && !values.first().is_some_and(|name| is_sent(name)) =>
        {
            Alternative { demand: Some(format!("{name}({})", values.join(", "))), ..all }
        }
        "query" | "queryregexp" if !negated => {
            Alternative { demand: Some(format!("{name}({})", values.join(", "))), ..all }
        }
        "host" | "hostheader" | "hostregexp" => Alternative { host_pattern: written(), ..all },
        "pathprefix" | "path" | "pathregexp" if negated => Alternative { partial: true, ..all },
        "pathprefix" => match values {
            [prefix] if !is_pattern(prefix) => Alternative { prefix: Some(prefix.clone()), ..all },
            _ => Alternative { path: written(), ..all },
        },
        "path" | "pathregexp" => Alternative { path: written(), ..all },
        _ => Alternative { partial: true, ..all },
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn either(&mut self) -> Result<Tree, String> {
        let mut left = self.all()?;
        while self.take("||") {
            left = Tree::Or(Box::new(left), Box::new(self.all()?));
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Tree, String> {
        let mut left = self.one()?;
        while self.take("&&") {
            left = Tree::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Tree, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("nested deeper than {DEEPEST}"));
        }
        let tree = if self.take("!") {
            Tree::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let tree = self.either()?;
            self.expect(")")?;
            tree
        } else {
            let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest.trim_start();
            self.expect("(")?;
            let mut values = vec![self.text()?];
            while self.take(",") {
                values.push(self.text()?);
            }
            self.expect(")")?;
            Tree::Matcher(name.to_owned(), values)
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("{token:?} is missing before {:?}", self.rest)) }
    }

    /// A literal of Go: raw between backquotes, or with escapes between double quotes.
    fn text(&mut self) -> Result<String, String> {
        let Some((quote @ ("`" | "\""), body)) = self.rest.split_at_checked(1) else {
            return Err(format!("a quoted text is missing before {:?}", self.rest));
        };
        let mut text = String::new();
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            if quote.starts_with(c) {
                self.rest = body[at + 1..].trim_start();
                return Ok(text);
            }
            match c {
                '\\' if quote == "\"" => text.extend(chars.next().map(|(_, c)| c)),
                c => text.push(c),
            }
        }
        Err("a quoted text does not end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// `host/prefix` of each alternative; `*` for any host.
    fn read(rule: &str) -> String {
        let of = |one: &Alternative| {
            let hosts = one.hosts.as_ref().map_or_else(|| "*".to_owned(), |hosts| hosts.join("+"));
            let pattern = one.host_pattern.as_ref().map_or_else(String::new, |text| format!("~{text}"));
            let path = one.path.as_ref().map_or_else(String::new, |path| format!("={path}"));
            let demand = one.demand.as_ref().map_or_else(String::new, |demand| format!("?{demand}"));
            format!("{hosts}{pattern}{}{path}{demand}", one.prefix.as_deref().unwrap_or_default())
        };
        match alternatives(rule) {
            Ok(all) => all.iter().map(of).collect::<Vec<_>>().join(" "),
            Err(why) => format!("error: {why}"),
        }
    }

    /// The rules of traefik's own tests (pkg/muxer/http/mux_test.go, matcher_test.go).
    #[rstest]
    #[case("Host(`localhost`) && PathPrefix(`/css`)", "localhost/css")]
    #[case("Host(`example.com`) || Host(`example.org`)", "example.com example.org")]
    #[case(r#"Host("example.com") || (Host("example.org") && Path("/css"))"#, "example.com example.org=/css")]
    #[case(r#"Host("example.com") || Host("example.org") && Path("/css")"#, "example.com example.org=/css")]
    #[case(r#"(Host("example.com") || Host("example.org")) && Path("/css")"#, "example.com=/css example.org=/css")]
    #[case(
        r#"(Host("example.com") && Path("/js")) || ((Host("example.org")) && Path("/css"))"#,
        "example.com=/js example.org=/css"
    )]
    #[case(r#"PATHPREFIX("/css")"#, "*/css")]
    #[case(r#"Pathprefix("/css")"#, "*/css")]
    #[case(r#"!Host("example.com")"#, "*~example.com")]
    #[case(r#"!(Host("example.com") && Path("/css"))"#, "*~example.com *")]
    #[case(r#"!(!(Host("example.com") && Pathprefix("/css")))"#, "example.com/css")]
    #[case(r#"!Host("example.com") && Pathprefix("/css")"#, "*~example.com/css")]
    #[case("Host(`a.io`, `B.io`)", "a.io+b.io")]
    #[case("Host(`a.io`) && Host(`b.io`)", "")]
    #[case("HostRegexp(`^.+\\.a\\.io$`)", "*~^.+\\.a\\.io$")]
    #[case("Host(`a.io`) && (PathPrefix(`/a`) || PathPrefix(`/b`))", "a.io/a a.io/b")]
    #[case("Host(`a.io`) && PathPrefix(`/a`) && PathPrefix(`/a/b`)", "a.io/a/b")]
    #[case("Host(`a.io`) && PathPrefix(`/{id:[0-9]+}`)", "a.io=/{id:[0-9]+}")]
    #[case("Host(`a.io`) && Method(`GET`) && ClientIP(`10.0.0.0/8`)", "a.io")]
    #[case("Host(`a.io`) && Header(`X`, `y`)", "a.io?Header(X, y)")]
    #[case("Host(`a.io`) && (Query(`v`, `1`) || PathPrefix(`/b`))", "a.io?Query(v, 1) a.io/b")]
    #[case("Host(`a.io`) && !Headers(`X`, `y`)", "a.io")]
    #[case("HostHeader(`a.io`)", "a.io")]
    #[case("Host(`*.a.io`)", "*~*.a.io")]
    #[case("Host(`a.io`) && PathPrefix(`/a`, `/b`)", "a.io/a a.io/b")]
    #[case("Host(example.com)", "error: a quoted text is missing before \"example.com)\"")]
    #[case("rulewithnotmatcher", "error: \"(\" is missing before \"\"")]
    #[case("Host(`a.io`) Host(`b.io`)", "error: \"Host(`b.io`)\" is unexpected")]
    #[case("Host(`a.io", "error: a quoted text does not end")]
    #[case("Host(`a.io`) &&", "error: \"(\" is missing before \"\"")]
    fn rules(#[case] rule: &str, #[case] expected: &str) {
        assert_eq!(read(rule), expected);
    }

    #[test]
    fn what_nobody_writes_is_refused() {
        assert!(alternatives(&"(".repeat(10_000)).is_err());
        assert!(alternatives(&"!".repeat(10_000)).is_err());
        let pair = "(Host(`a`) || Host(`b`) || PathPrefix(`/`))";
        assert!(alternatives(&[pair; 12].join(" && ")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_ends(rule in "[A-Za-z`\"()&|!, /.]{0,60}") {
            let _ = alternatives(&rule);
        }
    }
}
