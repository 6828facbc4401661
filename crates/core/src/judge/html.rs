//! The part of HTML that Horizon's pages need: tags, their attributes, forms, and the text of some
//! elements.
//!
//! In: a page that anyone may have written. Out: its contents. Nothing is refused; what is not a tag is text.

/// How many elements' texts are collected, and how long one may be.
const MOST: usize = 20;

const LONGEST: usize = 500;

/// A start or end tag, and where the text after it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// In lower case.
    pub name: String,
    pub is_end: bool,
    /// Names in lower case, values with their character references resolved.
    attributes: Vec<(String, String)>,
    /// Where the text after it starts.
    after: usize,
    /// Where the tag itself starts.
    at: usize,
}

impl Tag {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is a start tag of this name.
    pub fn starts(&self, name: &str) -> bool {
        !self.is_end && self.name == name
    }

    fn has_class(&self, class: &str) -> bool {
        self.get("class").is_some_and(|classes| classes.split_ascii_whitespace().any(|found| found == class))
    }
}

/// Elements whose content is text up to their end tag (HTML §13.2.5, RCDATA, RAWTEXT and script data). With scripts,
/// `noscript` is one of them.
const TEXT_ONLY: &[&str] =
    &["script", "style", "title", "textarea", "noscript", "iframe", "noembed", "noframes", "xmp"];

/// All tags, in order. Comments have none, and neither has what is text only.
pub fn tags(page: &str) -> Vec<Tag> {
    let mut found: Vec<Tag> = Vec::new();
    let mut at = 0;
    while let Some(start) = page[at..].find('<').map(|offset| at + offset) {
        at = if let Some(end) = end_of_comment(page, start) {
            end
        } else if let Some(tag) = tag(page, start) {
            let after = tag.after;
            let raw = TEXT_ONLY.contains(&tag.name.as_str()) && !tag.is_end;
            let end = raw.then(|| format!("</{}", tag.name));
            found.push(tag);
            end.map_or(after, |end| find_any_case(page, after, &end))
        } else {
            start + 1
        };
    }
    found
}

/// Where the comment or declaration ends that starts there, if one does. A comment may be empty (`<!-->`, `<!--->`), and
/// `--!>` ends one, too (§13.2.5.41 to 53).
fn end_of_comment(page: &str, start: usize) -> Option<usize> {
    let rest = &page[start..];
    if let Some(inner) = rest.strip_prefix("<!--") {
        let from = start + 4;
        return Some(match inner {
            _ if inner.starts_with('>') => from + 1,
            _ if inner.starts_with("->") => from + 2,
            _ => end_of(page, from, "-->").min(end_of(page, from, "--!>")),
        });
    }
    (rest.starts_with("<!") || rest.starts_with("<?")).then(|| end_of(page, start, ">"))
}

fn end_of(page: &str, from: usize, mark: &str) -> usize {
    page.get(from..).and_then(|rest| rest.find(mark)).map_or(page.len(), |offset| from + offset + mark.len())
}

fn find_any_case(page: &str, from: usize, mark: &str) -> usize {
    let bytes = &page.as_bytes()[from..];
    let found = bytes.windows(mark.len()).position(|window| window.eq_ignore_ascii_case(mark.as_bytes()));
    found.map_or(page.len(), |offset| from + offset)
}

fn tag(page: &str, at: usize) -> Option<Tag> {
    let is_end = page[at + 1..].starts_with('/');
    let begin = at + 1 + usize::from(is_end);
    let rest = &page[begin..];
    if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let length = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(rest.len());
    let (attributes, after) = attributes(page, begin + length);
    Some(Tag { name: rest[..length].to_ascii_lowercase(), is_end, attributes, after, at })
}

/// The attributes from there on, and where the tag ends.
fn attributes(page: &str, mut at: usize) -> (Vec<(String, String)>, usize) {
    let mut all = Vec::new();
    loop {
        at = skip(page, at, |c| c.is_ascii_whitespace() || c == '/');
        let rest = &page[at..];
        if rest.is_empty() {
            return (all, at);
        }
        if rest.starts_with('>') {
            return (all, at + 1);
        }
        // A name may start with `=`, and nothing else stops it there.
        let length = rest
            .char_indices()
            .find(|(nth, c)| c.is_ascii_whitespace() || matches!(c, '/' | '>') || (*c == '=' && *nth > 0))
            .map_or(rest.len(), |(nth, _)| nth);
        let name = rest[..length].to_ascii_lowercase();
        at = skip(page, at + length, |c| c.is_ascii_whitespace());
        let mut value = String::new();
        if page[at..].starts_with('=') {
            at = skip(page, at + 1, |c| c.is_ascii_whitespace());
            let rest = &page[at..];
            let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
            let (raw, end) = if let Some(quote) = quote {
                let inner = &rest[1..];
                let length = inner.find(quote).unwrap_or(inner.len());
                (&inner[..length], (at + length + 2).min(page.len()))
            } else {
                let length = rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len());
                (&rest[..length], at + length)
            };
            value = resolved(raw);
            at = end;
        }
        all.push((name, value));
    }
}

fn skip(page: &str, at: usize, what: impl Fn(char) -> bool) -> usize {
    page[at..].find(|c: char| !what(c)).map_or(page.len(), |offset| at + offset)
}

/// Character references, as Django writes them (`django.utils.html.escape`), and numeric ones.
fn resolved(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        all.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(nth, _)| nth);
        let Some((character, length)) = end.and_then(|end| Some((reference(&rest[1..end])?, end + 1))) else {
            all.push('&');
            rest = &rest[1..];
            continue;
        };
        all.push(character);
        rest = &rest[length..];
    }
    all + rest
}

fn reference(name: &str) -> Option<char> {
    let named = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some(named)
}

/// The tags of a page's head. It ends before the first tag or text that may not be in one (§13.2.6.4.4, "in head").
/// What is in a `template` is not part of the page.
pub(super) fn head(page: &str) -> Vec<Tag> {
    let page = page.trim_start_matches('\u{feff}');
    let mut found = Vec::new();
    let (mut templates, mut text_from) = (0_usize, Some(0));
    for tag in tags(page) {
        let is_blank = |from: usize| without_markup(&page[from..tag.at]).trim().is_empty();
        if templates == 0 && !text_from.is_none_or(is_blank) {
            break;
        }
        match (tag.name.as_str(), tag.is_end) {
            ("template", false) => templates += 1,
            ("template", true) => templates = templates.saturating_sub(1),
            _ if templates > 0 => {}
            // After the end of the head such elements still go into it (§13.2.6.4.6).
            ("html" | "body" | "br", true) => break,
            ("html" | "head" | "base" | "basefont" | "bgsound" | "link" | "meta", false) | (_, true) => {}
            (name, false) if TEXT_ONLY[..5].contains(&name) && name != "textarea" => {}
            (_, false) => break,
        }
        let starts_text = TEXT_ONLY.contains(&tag.name.as_str()) && !tag.is_end;
        text_from = (!starts_text).then_some(tag.after);
        if templates == 0 {
            found.push(tag);
        }
    }
    found
}

/// A piece of a page without tags: without its comments and declarations.
fn without_markup(piece: &str) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(start) = piece[at..].find('<').map(|offset| at + offset) {
        let end = end_of_comment(piece, start);
        text.push_str(&piece[at..if end.is_some() { start } else { start + 1 }]);
        at = end.unwrap_or(start + 1);
    }
    text + &piece[at..]
}

/// The texts of elements of these classes, each as one line.
pub fn texts(page: &str, classes: &[&str]) -> Vec<String> {
    let tags = tags(page);
    let starts = tags.iter().enumerate().filter(|(_, tag)| !tag.is_end && classes.iter().any(|c| tag.has_class(c)));
    let mut all: Vec<String> = Vec::new();
    for text in starts.take(MOST).map(|(nth, _)| text(page, &tags, nth)).filter(|text| !text.is_empty()) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

/// The text up to the end of the element that starts with this tag.
pub fn text(page: &str, tags: &[Tag], nth: usize) -> String {
    let Some(first) = tags.get(nth) else { return String::new() };
    let mut depth = 1;
    let mut pieces = String::new();
    let mut from = first.after;
    for tag in &tags[nth + 1..] {
        pieces = pieces + &resolved(&page[from..tag.at]) + " ";
        from = tag.after;
        if tag.name == first.name {
            depth = if tag.is_end { depth - 1 } else { depth + 1 };
        }
        if depth == 0 || pieces.len() > LONGEST {
            return one_line(&pieces);
        }
    }
    // An element without an end continues to the page's end.
    let rest: String = page[from..].chars().take(LONGEST).collect();
    one_line(&(pieces + &resolved(&rest)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

/// A form: where it is sent, and what it contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub fields: Vec<Field>,
}

/// One control of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// An input's type; `select`, or `textarea`.
    pub kind: String,
    pub value: String,
    /// A select's: value and text.
    pub options: Vec<(String, String)>,
    pub is_checked: bool,
}

impl Form {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// What a browser sends of the form as it is: no buttons, no files, and only ticked boxes.
    pub fn sent(&self) -> Vec<(String, String)> {
        let is_sent = |field: &&Field| match field.kind.as_str() {
            "submit" | "button" | "reset" | "image" | "file" => false,
            "checkbox" | "radio" => field.is_checked,
            _ => true,
        };
        self.fields.iter().filter(is_sent).map(|field| (field.name.clone(), field.value.clone())).collect()
    }
}

/// All forms of a page, with the controls that have a name.
pub fn forms(page: &str) -> Vec<Form> {
    let tags = tags(page);
    let mut forms: Vec<Form> = Vec::new();
    let mut is_open = false;
    let mut select: Option<(Field, Option<String>)> = None;
    for (nth, tag) in tags.iter().enumerate() {
        let get = |name| tag.get(name).unwrap_or_default().to_owned();
        match (tag.name.as_str(), tag.is_end) {
            ("form", false) => {
                forms.push(Form { action: get("action"), fields: vec![] });
                is_open = true;
            }
            ("form", true) => is_open = false,
            ("select", false) => {
                select = Some((Field::new(get("name"), "select", String::new()), None));
            }
            ("option", false) => {
                if let Some((field, chosen)) = &mut select {
                    let text = text_until_any(&page[tag.after..]);
                    let value = tag.get("value").map_or_else(|| text.clone(), str::to_owned);
                    if tag.get("selected").is_some() {
                        *chosen = Some(value.clone());
                    }
                    field.options.push((value, text));
                }
            }
            ("select", true) => {
                if let Some((mut field, chosen)) = select.take() {
                    let first = || field.options.first().map(|(value, _)| value.clone());
                    field.value = chosen.or_else(first).unwrap_or_default();
                    add(&mut forms, is_open, field);
                }
            }
            ("textarea", false) => {
                let field = Field::new(get("name"), "textarea", text(page, &tags, nth));
                add(&mut forms, is_open, field);
            }
            ("input", false) => {
                let kind = tag.get("type").unwrap_or("text").to_ascii_lowercase();
                let mut field = Field::new(get("name"), &kind, get("value"));
                field.is_checked = tag.get("checked").is_some();
                if field.is_checked && tag.get("value").is_none() {
                    "on".clone_into(&mut field.value);
                }
                add(&mut forms, is_open, field);
            }
            _ => {}
        }
    }
    forms
}

impl Field {
    fn new(name: String, kind: &str, value: String) -> Self {
        Self { name, kind: kind.to_owned(), value, options: vec![], is_checked: false }
    }
}

fn add(forms: &mut [Form], is_open: bool, field: Field) {
    if let Some(form) = forms.last_mut().filter(|_| is_open && !field.name.is_empty()) {
        form.fields.push(field);
    }
}

fn text_until_any(rest: &str) -> String {
    let text = &rest[..rest.find('<').unwrap_or(rest.len())];
    resolved(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
