//! What people do to channels, to each other, and to how they are seen.

use reqwest::Method;
use serde_json::{Value, json};

use super::actions::Dice;

/// Forty minutes after these tests' time begins, which moves by seven now and then.
const SOON: &str = "2026-11-18T11:46:40.000Z";

/// One of these things, about one of these people and by one of these codes.
pub(crate) fn act(
    dice: &mut Dice,
    channel: &str,
    people: &[&str],
    codes: &[String],
    name: &str,
) -> Option<(Method, String, Option<Value>)> {
    let other = dice.pick(people)?;
    let path = format!("/channels/{channel}");
    let edit = |what: Value| Some((Method::PATCH, path.clone(), Some(what)));
    match dice.roll(30) {
        0..=1 => Some((Method::PUT, format!("{path}/bans/{other}"), Some(json!({})))),
        2 => {
            let body = json!({ "reason": name, "expires_at": SOON });
            Some((Method::PUT, format!("{path}/bans/{other}"), Some(body)))
        }
        3..=5 => Some((Method::DELETE, format!("{path}/bans/{other}"), None)),
        6 => {
            let body = json!({ "until": SOON });
            Some((Method::PUT, format!("{path}/members/{other}/mute"), Some(body)))
        }
        7..=8 => Some((Method::DELETE, format!("{path}/members/{other}/mute"), None)),
        9..=10 => {
            let role = dice.pick(&["moderator", "member"])?;
            Some((Method::PUT, format!("{path}/members/{other}"), Some(json!({ "role": role }))))
        }
        11 => Some((Method::PUT, format!("{path}/owner"), Some(json!({ "user_id": other })))),
        12 => edit(json!({ "archived": true })),
        // It is open more often than not.
        13..=15 => edit(json!({ "archived": false })),
        16 => edit(json!({ "topic": name, "description": name })),
        17 => edit(json!({ "posting": "moderators" })),
        18..=19 => edit(json!({ "posting": "everyone" })),
        20 => edit(json!({ "slow_mode_seconds": dice.pick(&[0, 0, 1, 30])? })),
        21..=22 => {
            let body = json!({ "user_id": other });
            Some((Method::POST, format!("{path}/invitations"), Some(body)))
        }
        23..=24 => {
            let answer = dice.pick(&["accept", "accept", "decline"])?;
            Some((Method::POST, format!("/users/me/invitations/{channel}/{answer}"), None))
        }
        25 => {
            let body = json!({ "max_uses": 2 });
            Some((Method::POST, format!("{path}/invites"), Some(body)))
        }
        26 => {
            let code = dice.pick(codes)?;
            Some((Method::POST, format!("/invites/{code}/join"), None))
        }
        27 => {
            let others: Vec<_> = people.iter().filter(|_| dice.roll(2) == 0).collect();
            let body = json!({ "recipient_ids": others, "name": name });
            (others.len() > 1).then(|| (Method::POST, "/conversations".into(), Some(body)))
        }
        28 => {
            let status = dice.pick(&["online", "away", "dnd", "invisible"])?;
            let body = json!({ "status": status, "text": name });
            Some((Method::PUT, "/users/me/status".into(), Some(body)))
        }
        _ => {
            let body = json!({ "receipts": dice.roll(2) == 0 });
            Some((Method::PATCH, "/users/me".into(), Some(body)))
        }
    }
}
