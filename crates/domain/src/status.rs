//! How people want to be seen, and how they are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Emoji, Timestamp, UserId};

/// How somebody wants to be seen while they are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// As they are: there, or away when they have done nothing for ten minutes.
    #[default]
    Online,
    /// Away, whatever they do.
    Away,
    /// There, and not to be disturbed.
    Dnd,
    /// As if they were not there.
    Invisible,
}

/// What somebody says of how they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// How they want to be seen.
    pub status: Availability,
    /// In their own words; may be empty.
    #[schema(example = "At lunch", max_length = 100)]
    pub text: String,
    /// In one emoji.
    #[schema(value_type = Option<String>, example = "🍜", max_length = 64)]
    pub emoji: Option<Emoji>,
    /// When all of this is over.
    pub expires_at: Option<Timestamp>,
}

impl Status {
    /// The same now: what is over is as if it had never been said.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        match self.expires_at {
            Some(over) if over <= now => Self::default(),
            _ => self.clone(),
        }
    }
}

/// How somebody wants to be seen, and what of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnStatus {
    /// What they say of how they are.
    pub status: Status,
    /// Whether others see how far they have read, and they how far others have.
    #[schema(example = true)]
    pub receipts: bool,
    /// Whether others see when they were last there.
    #[schema(example = true)]
    pub last_seen: bool,
}

impl Default for OwnStatus {
    fn default() -> Self {
        Self { status: Status::default(), receipts: true, last_seen: true }
    }
}

impl OwnStatus {
    /// The same now.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        Self { status: self.status.at(now), ..*self }
    }

    /// Whether the person is to look as if they were not there.
    pub fn is_invisible(&self, now: Timestamp) -> bool {
        self.status.at(now).status == Availability::Invisible
    }

    /// Whether others may see now that the person reads.
    pub fn shows_reading(&self, now: Timestamp) -> bool {
        self.receipts && !self.is_invisible(now)
    }
}

/// What changes of how somebody wants to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// Who.
    pub user: UserId,
    /// What they say of how they are.
    pub status: Option<Status>,
    /// Whether others see how far they have read.
    pub receipts: Option<bool>,
    /// Whether others see when they were last there.
    pub last_seen: Option<bool>,
}

/// Whether somebody is there, as others see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// There.
    Online,
    /// There, but away.
    Away,
    /// There, and not to be disturbed.
    Dnd,
    /// Not there, or not to be seen.
    #[default]
    Offline,
}

/// How somebody is, as those see it who share a channel with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presence {
    /// Whether they are there.
    pub status: Shown,
    /// In their own words; may be empty.
    #[schema(example = "At lunch")]
    pub text: String,
    /// In one emoji.
    #[schema(example = "🍜")]
    pub emoji: Option<String>,
    /// When what they say is over.
    pub expires_at: Option<Timestamp>,
    /// When they were last there; null while they are, and of those who do not want it to be seen.
    pub last_seen_at: Option<Timestamp>,
}

impl Presence {
    /// How somebody is shown who says this, and is there as `shown` says.
    pub fn new(
        own: &OwnStatus,
        shown: Shown,
        last_seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let status = own.status.at(now);
        let shown = match (shown, status.status) {
            (Shown::Offline, _) | (_, Availability::Invisible) => Shown::Offline,
            (_, Availability::Away) => Shown::Away,
            (_, Availability::Dnd) => Shown::Dnd,
            (shown, Availability::Online) => shown,
        };
        Self {
            status: shown,
            text: status.text,
            emoji: status.emoji.map(Emoji::into_string),
            expires_at: status.expires_at,
            last_seen_at: last_seen.filter(|_| own.last_seen && shown == Shown::Offline),
        }
    }
}

/// What the server keeps of somebody's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownStatus {
    /// Whose.
    pub user: UserId,
    /// How they want to be seen.
    pub own: OwnStatus,
    /// When they were last there.
    pub seen_at: Option<Timestamp>,
    /// The rev of their own feed that last changed it; 0 when nothing has.
    pub user_rev: i64,
}

impl KnownStatus {
    /// Of somebody who has never said anything of it.
    pub fn unsaid(user: UserId) -> Self {
        Self { user, own: OwnStatus::default(), seen_at: None, user_rev: 0 }
    }
}
