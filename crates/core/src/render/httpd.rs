//! Writes httpd directives and containers.
//!
//! In: names and arguments for httpd. Out: text that httpd reads back as those, or a refusal of the
//! argument that it cannot express. Source: `ap_getword_conf` and `ap_resolve_env` in httpd's
//! `server/util.c` and `server/core.c`.

use std::fmt::Write as _;

use super::error::{FormatLimit, Unwritable};

/// A configuration file under construction.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    text: String,
    open: Vec<String>,
}

impl Writer {
    /// A file that starts with these comment lines.
    pub fn new(header: &[&'static str]) -> Self {
        let mut writer = Self::default();
        for line in header {
            writer.comment(line);
        }
        writer
    }

    /// A comment line. Fixed text only, because a backslash at its end would join the next line.
    pub fn comment(&mut self, text: &'static str) {
        self.line(&format!("# {text}"));
    }

    /// A directive with its arguments.
    ///
    /// # Errors
    /// An error for an invalid name of a directive, and for what [`argument`] refuses.
    pub fn directive(&mut self, name: &str, arguments: &[&str]) -> Result<(), Unwritable> {
        check_name(name)?;
        let mut line = name.to_owned();
        for text in arguments {
            let _ = write!(line, " {}", argument(text)?);
        }
        self.line(&line);
        Ok(())
    }

    /// Starts a container such as `VirtualHost`.
    ///
    /// # Errors
    /// An error for an invalid name of a container, and for what [`argument`] refuses.
    pub fn begin(&mut self, name: &str, of: &str) -> Result<(), Unwritable> {
        check_name(name)?;
        self.line(&format!("<{name} {}>", argument(of)?));
        self.open.push(name.to_owned());
        Ok(())
    }

    /// Ends the innermost container.
    pub fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.line(&format!("</{name}>"));
        }
    }

    /// What `inner` writes, if these modules are loaded; otherwise httpd starts without it and logs
    /// `missing`.
    ///
    /// httpd does not start with a directive of a missing module, and it has no directive that warns. But
    /// it logs AH00111, `Config variable ${…} is not defined`, for an unknown variable. So the variable's
    /// name is the message.
    ///
    /// # Errors
    /// Errors of `inner`.
    pub fn if_modules<const N: usize>(
        &mut self,
        modules: [&'static str; N],
        missing: &'static str,
        inner: impl FnOnce(&mut Self) -> Result<(), Unwritable>,
    ) -> Result<(), Unwritable> {
        for module in modules {
            self.begin("IfModule", module)?;
        }
        inner(self)?;
        for module in modules.into_iter().rev() {
            self.end();
            self.begin("IfModule", &format!("!{module}"))?;
            self.line(&format!("Define DIRECT_UPLOAD_WARNING \"${{{missing}}}\""));
            self.end();
        }
        Ok(())
    }

    /// What `inner` writes, if `module` is loaded; nothing is lost if it is not.
    ///
    /// # Errors
    /// Errors of `inner`.
    pub fn only_with(
        &mut self,
        module: &'static str,
        inner: impl FnOnce(&mut Self) -> Result<(), Unwritable>,
    ) -> Result<(), Unwritable> {
        self.begin("IfModule", module)?;
        inner(self)?;
        self.end();
        Ok(())
    }

    /// Loads modules that are not loaded yet, from the folder of Debian's packages, because Debian's images
    /// enable few. Elsewhere they are already loaded, or do not exist.
    pub fn load(&mut self, modules: &[&'static str]) {
        for name in modules {
            let file = format!("/usr/lib/apache2/modules/mod_{name}.so");
            self.line(&format!("<IfModule !mod_{name}.c>"));
            self.line(&format!("    <IfFile {file}>"));
            self.line(&format!("        LoadModule {name}_module {file}"));
            self.line("    </IfFile>");
            self.line("</IfModule>");
        }
    }

    /// The file; open containers are ended.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{:width$}{line}", "", width = 4 * self.open.len());
    }
}

/// One argument: plain if that is safe, else in double quotes, where a backslash escapes only itself and
/// the quote. A line never ends in a backslash, which would join the next one.
///
/// # Errors
/// Control characters cannot be expressed. httpd expands `${NAME}` before it splits words, and knows no
/// escape for it.
pub fn argument(text: &str) -> Result<String, Unwritable> {
    if text.chars().any(char::is_control) {
        return Err(Unwritable::new(text, FormatLimit::Control));
    }
    if text.contains("${") {
        return Err(Unwritable::new(text, FormatLimit::Expansion));
    }
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/=!*%{}+,@".contains(&b);
    if !text.is_empty() && text.bytes().all(bare) {
        return Ok(text.to_owned());
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The arguments on a line, as httpd reads them (`ap_getword_conf`).
pub fn arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let quote = Some(first).filter(|c| matches!(c, '"' | '\''));
        let mut argument = String::new();
        let mut chars = rest[quote.map_or(0, char::len_utf8)..].chars();
        while let Some(c) = chars.next() {
            match (c, quote) {
                ('\\', Some(quote)) if chars.as_str().starts_with(['\\', quote]) => argument.extend(chars.next()),
                (c, Some(quote)) if c == quote => break,
                (c, None) if c.is_whitespace() => break,
                (c, _) => argument.push(c),
            }
        }
        arguments.push(argument);
        rest = chars.as_str().trim_start();
    }
    arguments
}

/// A pattern that matches exactly this text when it is anchored.
///
/// Bracket expressions instead of backslashes, so that nothing must be escaped twice.
pub fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '^' => {
                let _ = write!(pattern, "\\{c}");
            }
            _ if c.is_ascii_punctuation() && !"/:-_".contains(c) => {
                let _ = write!(pattern, "[{c}]");
            }
            _ => pattern.push(c),
        }
    }
    pattern
}

fn check_name(name: &str) -> Result<(), Unwritable> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(Unwritable::new(name, FormatLimit::Name))
    }
}
