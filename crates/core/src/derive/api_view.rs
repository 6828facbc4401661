//! The view of an API that accepts origins.

use std::sync::Arc;

use direct_upload_api::web::Origin;

use super::api::ManagedApi;
use super::calls::Calls;
use super::grant::Grants;
use super::requester::Requester;
use crate::model::{Advice, Map, Problem};

/// An API, and what others request from it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiView {
    pub api: Arc<ManagedApi>,
    /// Each origin, and who requests it.
    pub wanted: Map<Origin, Vec<Requester>>,
    /// What Horizons are granted. For an API to which nobody uploads: only which objects give the origins of
    /// dashboards.
    pub grants: Arc<Grants>,
    /// What is still being read for the first time, so that nothing can be planned yet.
    pub pending: Option<Problem>,
    /// Why no origin may be removed now.
    pub incomplete: Option<Problem>,
    /// Where pages call the API, and what preflights of such calls show. None for a Glance, whose preflights
    /// belong to the dashboards.
    pub calls: Option<Box<Calls>>,
    pub advice: Box<[Advice]>,
}

impl ApiView {
    /// An API that nobody uses, except its own resource.
    pub fn unasked(api: Arc<ManagedApi>) -> Self {
        let (wanted, advice) = (api.wanted(), api.asked.advice.clone());
        Self { api, wanted, grants: Arc::default(), pending: None, incomplete: None, calls: None, advice }
    }
}
