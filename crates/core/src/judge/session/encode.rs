//! Bodies of requests, as browsers write them.

/// `application/x-www-form-urlencoded`.
pub fn urlencoded(fields: &[(String, String)], last: (&str, &str)) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.append_pair(last.0, last.1);
    form.finish()
}

/// `multipart/form-data` around a file (RFC 7578): what comes before its bytes, and what after.
pub struct Multipart {
    pub content_type: String,
    pub before: String,
    pub after: String,
}

/// Fields, then the file if there is one: its field and name.
pub fn multipart(boundary: &str, fields: &[(String, String)], file: Option<(&str, &str)>) -> Multipart {
    let part = |name: &str, more: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{more}\r\n", quoted(name))
    };
    let mut before: String = fields.iter().map(|(name, value)| part(name, "") + "\r\n" + value + "\r\n").collect();
    let mut after = format!("--{boundary}--\r\n");
    if let Some((field, name)) = file {
        before += &part(field, &format!("; filename=\"{}\"", quoted(name)));
        before += "Content-Type: application/octet-stream\r\n\r\n";
        after.insert_str(0, "\r\n");
    }
    Multipart { content_type: format!("multipart/form-data; boundary={boundary}"), before, after }
}

/// As browsers escape a name (HTML, "multipart/form-data encoding algorithm").
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
