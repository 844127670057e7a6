//! Ids are types: a channel cannot be passed where a user is meant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid, example = "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a")]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id (`UUIDv7`) whose order is that of time, to the millisecond.
            pub fn new(now: Timestamp) -> Self {
                Self(uuid_v7(now))
            }

            /// The id as its 128 bits.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// A person's account.
    UserId
}
id! {
    /// A channel: public, private, direct or group.
    ChannelId
}
id! {
    /// A message. A client may choose it, which makes sending idempotent.
    MessageId
}
id! {
    /// A signed-in device: one family of refresh tokens.
    SessionId
}
id! {
    /// A file that somebody has sent to the server.
    FileId
}
id! {
    /// A link by which people come into a channel; not its code.
    InviteId
}
id! {
    /// An entry of the audit log.
    AuditId
}
id! {
    /// Something that a person is told of.
    NotificationId
}
id! {
    /// A row of the table of heads: a channel's id, a user's id, or [`FeedId::SYSTEM`].
    FeedId
}

impl FeedId {
    /// The feed that only nodes follow.
    pub const SYSTEM: Self = Self(Uuid::nil());
}

impl MessageId {
    /// Whether a client may choose this id: a `UUIDv7`, as the server makes them, so that ids
    /// stay roughly in the order of time and inserts stay at the end of the index.
    pub fn is_v7(self) -> bool {
        self.0.get_version_num() == 7
    }
}

impl FileId {
    /// When the id was made; `None` when the server has not made it.
    pub fn made_at(self) -> Option<Timestamp> {
        let (seconds, nanos) =
            self.0.get_timestamp().filter(|_| self.0.get_version_num() == 7)?.to_unix();
        let millis = i64::try_from(seconds).ok()?.checked_mul(1000)?;
        Some(Timestamp::from_unix_millis(millis + i64::from(nanos / 1_000_000)))
    }
}

fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = now.unix_millis();
    let seconds = u64::try_from(millis.div_euclid(1000)).unwrap_or_default();
    let nanos = u32::try_from(millis.rem_euclid(1000) * 1_000_000).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
}
