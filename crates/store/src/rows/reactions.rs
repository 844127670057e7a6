//! Rows of reactions.

use diesel::prelude::Insertable;
use tertulia_domain::{ChannelId, MessageId, UserId};

use crate::schema::{reaction_counts, reactions};
use crate::types::Id;

#[derive(Insertable)]
#[diesel(table_name = reaction_counts, treat_none_as_default_value = false)]
pub(crate) struct ReactionCountRow {
    pub(crate) message_id: Id<MessageId>,
    pub(crate) emoji: String,
    pub(crate) channel_id: Id<ChannelId>,
    pub(crate) count: i64,
    pub(crate) rev: i64,
}

#[derive(Insertable)]
#[diesel(table_name = reactions, treat_none_as_default_value = false)]
pub(crate) struct ReactionRow {
    pub(crate) message_id: Id<MessageId>,
    pub(crate) user_id: Id<UserId>,
    pub(crate) emoji: String,
    pub(crate) mine: i16,
    pub(crate) user_rev: i64,
}
