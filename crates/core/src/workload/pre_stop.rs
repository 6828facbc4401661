//! The preStop sleep that is ours.

use serde_json::{Value, json};

/// Distinguishes our command from a user's.
const MARK: &str = " # direct-upload";

/// `lifecycle.preStop` with our sleep.
pub fn hook(seconds: u32) -> Value {
    json!({"exec": {"command": ["sh", "-c", format!("sleep {seconds}{MARK}")]}})
}

/// The seconds that our own command sleeps; `None` for anybody else's.
pub fn seconds(command: &[String]) -> Option<u32> {
    let ["sh", "-c", script] = *command.iter().map(String::as_str).collect::<Vec<_>>() else { return None };
    script.strip_prefix("sleep ")?.strip_suffix(MARK)?.parse().ok()
}
