//! Standard output and standard error. Neither may make the program panic.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::yaml;

/// Writes data to standard output. It is not an error if the reader closes the pipe (`| head`).
///
/// # Errors
/// Any other failure, such as a full disk.
pub fn data(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a message to standard error. If nobody reads it, nothing is lost.
pub(crate) fn say(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Whether standard output should have colours: no-color.org.
pub fn coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Objects as YAML documents.
pub fn documents<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    objects.into_iter().fold(String::new(), |all, object| all + "---\n" + &yaml::document(object))
}

/// Objects as one JSON List.
pub fn list(objects: &[Value]) -> String {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    format!("{list:#}\n")
}
