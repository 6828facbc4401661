//! Which origins a plan accepts, retires and drops.

use direct_upload_api::web::Origin;

use super::retirement::{Retirement, sources};
use crate::derive::ApiView;
use crate::plan::origin_change::{OriginChange, OriginEvent};

/// What changes when pods get the files of this view.
pub(super) fn of_roll(view: &ApiView, retirement: &Retirement) -> Vec<OriginChange> {
    if view.api.part.is_some() {
        return Vec::new();
    }
    let before = view.api.origins_in_use();
    let stays = |origin: &Origin| {
        let requested = view.wanted.contains_key(origin) || view.api.asked.carried.contains_key(origin);
        requested || retirement.kept.contains_key(origin)
    };
    let new = view.wanted.keys().filter(|origin| !before.contains(origin));
    let new = new.map(|origin| change(OriginEvent::AcceptOrigin, origin, view));
    let old = before.iter().filter(|origin| !stays(origin));
    new.chain(old.map(|origin| change(OriginEvent::DropOrigin, origin, view))).collect()
}

/// The origins that retire from now on.
pub(super) fn of_retirement(view: &ApiView, retirement: &Retirement) -> Vec<OriginChange> {
    let new = retirement.kept.iter().filter(|(origin, _)| retirement.new.contains(origin));
    new.map(|(origin, until)| change(OriginEvent::RetireOrigin(*until), origin, view)).collect()
}

fn change(what: OriginEvent, origin: &Origin, view: &ApiView) -> OriginChange {
    let wanted_by = view.wanted.get(origin).cloned().unwrap_or_default();
    OriginChange { what, origin: origin.clone(), wanted_by, from: sources(view, origin) }
}
