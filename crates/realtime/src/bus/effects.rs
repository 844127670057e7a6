//! What a step does to who is listening, as bytes.

use bytes::{BufMut, BytesMut};
use serde::Deserialize;
use tertulia_domain::{Availability, Emoji, OwnStatus, Status, Timestamp};

use super::envelope::Rest;
use crate::Effect;

pub(super) fn put(out: &mut BytesMut, effect: Option<&Effect>) {
    match effect {
        None => out.put_u8(0),
        Some(Effect::Admit(user)) => {
            out.put_u8(1);
            out.put_slice(user.uuid().as_bytes());
        }
        Some(Effect::Cut(user)) => {
            out.put_u8(2);
            out.put_slice(user.uuid().as_bytes());
        }
        Some(Effect::Close) => out.put_u8(3),
        Some(Effect::Belongs { channel, joined }) => {
            out.put_u8(4);
            out.put_slice(channel.uuid().as_bytes());
            out.put_u8(u8::from(*joined));
        }
        Some(Effect::Status(own)) => {
            // Texts, times and switches: writing them to memory cannot fail.
            let json = serde_json::to_vec(own).unwrap_or_default();
            out.put_u8(5);
            out.put_u32(u32::try_from(json.len()).unwrap_or(u32::MAX));
            out.put_slice(&json);
        }
        Some(Effect::End { session, user }) => {
            out.put_u8(6);
            out.put_slice(session.uuid().as_bytes());
            out.put_slice(user.uuid().as_bytes());
        }
    }
}

/// `None` when it makes no sense.
#[expect(clippy::option_option, reason = "no effect is an effect as well")]
pub(super) fn take(rest: &mut Rest<'_>) -> Option<Option<Effect>> {
    let effect = match rest.u8()? {
        0 => return Some(None),
        1 => Effect::Admit(rest.id()?.into()),
        2 => Effect::Cut(rest.id()?.into()),
        3 => Effect::Close,
        4 => Effect::Belongs {
            channel: rest.id()?.into(),
            joined: match rest.u8()? {
                0 => false,
                1 => true,
                _ => return None,
            },
        },
        5 => {
            let length = usize::try_from(rest.u32()?).ok()?;
            let own: Own = serde_json::from_slice(rest.take(length)?).ok()?;
            Effect::Status(Box::new(own.into()))
        }
        6 => Effect::End { session: rest.id()?.into(), user: rest.id()?.into() },
        _ => return None,
    };
    Some(Some(effect))
}

/// How somebody wants to be seen, as another node has parsed it.
#[derive(Deserialize)]
struct Own {
    status: Wish,
    receipts: bool,
    last_seen: bool,
}

#[derive(Deserialize)]
struct Wish {
    status: Availability,
    text: String,
    emoji: Option<String>,
    expires_at: Option<Timestamp>,
}

impl From<Own> for OwnStatus {
    fn from(Own { status, receipts, last_seen }: Own) -> Self {
        let Wish { status, text, emoji, expires_at } = status;
        let status = Status { status, text, emoji: emoji.map(Emoji::stored), expires_at };
        Self { status, receipts, last_seen }
    }
}
