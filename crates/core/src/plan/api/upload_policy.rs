//! If every image must pass the import plugins (DU021), uploads are refused, as the last step.

use std::collections::BTreeMap;

use direct_upload_api::{Reason, Rule};

use super::retirement::Retirement;
use crate::derive::ApiView;
use crate::model::Problem;
use crate::openstack::policy::{NOBODY, UPLOAD};
use crate::workload::rfc3339;

/// Adds the rule that refuses uploads when no browser uploads directly any more. While that is unknown,
/// nothing changes.
pub fn refuse(view: &ApiView, retirement: &Retirement, rules: &mut BTreeMap<String, String>) -> Option<Problem> {
    let unseen = view.incomplete.is_some() || !view.grants.unseen.is_empty();
    let holders: Vec<_> =
        view.grants.holders.iter().map(|key| format!("Horizon {key} may still upload directly")).collect();
    let retiring = retirement.kept.iter().map(|(origin, until)| format!("{origin} retires at {}", rfc3339(*until)));
    let waits: Vec<_> = holders.into_iter().chain(retiring).collect();
    let free = if unseen { view.api.refuses_now() } else { waits.is_empty() && view.grants.given.is_empty() };
    if free {
        rules.entry(UPLOAD.to_owned()).or_insert_with(|| NOBODY.to_owned());
        return None;
    }
    rules.remove(UPLOAD);
    let why = if waits.is_empty() { "not all Horizons can be seen".to_owned() } else { waits.join(", ") };
    let message = format!("Glance will refuse uploads by PUT …/file when no browser uses them any more: {why}");
    Some(Problem::new(Reason::WaitingForHorizons, message).rule(Rule::ImportBypassed))
}
