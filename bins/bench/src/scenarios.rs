//! One file a scenario.

pub(crate) mod channels;
pub(crate) mod history;
pub(crate) mod idle;
pub(crate) mod ingest;
pub(crate) mod login;
pub(crate) mod presence;
pub(crate) mod reactions;
pub(crate) mod room;
pub(crate) mod rooms;
pub(crate) mod search;
pub(crate) mod start;
pub(crate) mod storm;
pub(crate) mod upload;
