//! The result of each step, as documented data (docs/verify.md).

use direct_upload_api::{Panel, Rule};
use serde::Serialize;

use super::Break;
use super::settings::{Identity, Mode};

/// The steps of an upload, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum VerifyStep {
    /// Find Horizon and its login form.
    Dashboard,
    /// Log in.
    Login,
    /// Ask the running dashboard for its upload mode.
    Settings,
    /// Find out which image panel it has, and what that sends.
    Panel,
    /// Create an image with Horizon's own API or form.
    Create,
    /// Check whether the page may connect there at all (Content-Security-Policy).
    Policy,
    /// Send the browser's preflight.
    Preflight,
    /// Send the data.
    Upload,
    /// Wait until the image is active.
    Active,
    /// Compare size and checksum.
    Content,
    /// Delete the image.
    Delete,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    Passed,
    Failed,
    /// Not needed, or not requested.
    Skipped,
}

/// One step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    pub step: VerifyStep,
    pub result: StepResult,
    /// What was found.
    pub message: String,
    pub milliseconds: u64,
}

/// What ended the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakReport {
    pub step: VerifyStep,
    pub rule: Option<Rule>,
    pub also_possible: Vec<Rule>,
    pub received: String,
    pub message: String,
    pub fix: String,
}

impl BreakReport {
    pub fn new(step: VerifyStep, broken: Break) -> Self {
        let Break { rule, also, received, message, fix } = broken;
        Self { step, rule, also_possible: also, received, message, fix }
    }
}

/// The one-word verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptVerdict {
    /// A user's upload arrives, and the page reports success.
    Works,
    Broken,
}

/// An image that was left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// Unknown where Horizon did not say it.
    pub id: Option<String>,
    pub name: String,
}

/// The whole attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub verdict: AttemptVerdict,
    pub dashboard: String,
    /// The origin that the dashboard's page has.
    pub origin: Option<String>,
    pub identity: Option<Identity>,
    /// The upload mode that the running dashboard has.
    pub mode: Option<Mode>,
    /// Whose upload was sent.
    pub panel: Option<Panel>,
    /// Where the data went.
    pub upload_url: Option<String>,
    pub bytes: u64,
    pub steps: Vec<StepReport>,
    /// `null`: nothing failed.
    pub failure: Option<BreakReport>,
    pub advice: Vec<String>,
    /// `null`: nothing was left behind.
    pub leftover: Option<Leftover>,
}
