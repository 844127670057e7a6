//! The table of frames: what REST refuses, the socket refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tertulia_api::CLIENT_FRAMES;

use super::world::Place::{self, Direct, Group, Nowhere, Private, Public};
use super::world::{Scene, Who, World};
use super::{bearer, same};
use crate::on_both;
use crate::server::{Person, unique};
use crate::socket::Socket;

/// Who is answered what when they send a frame: `ok` or the code of the refusal; the status of the
/// handshake, where no socket opens; or the code by which the open socket is closed.
struct Row {
    frame: &'static str,
    place: Place,
    /// Whether the message, feed or token in it is the sender's own.
    own: bool,
    expected: [&'static str; 8],
}

/// As in the table of operations: the six, to whom a moderator and somebody who is banned are
/// added.
const fn row(frame: &'static str, place: Place, six: [&'static str; 6]) -> Row {
    let [nobody, stranger, member, owner, former, ended] = six;
    let (moderator, banned) = match place {
        Nowhere => (member, stranger),
        Direct => (NONE, NONE),
        Public | Private | Group => (member, "not_found"),
    };
    let expected = [nobody, stranger, member, owner, former, ended, moderator, banned];
    Row { frame, place, own: false, expected }
}

const fn own(frame: &'static str, place: Place, six: [&'static str; 6]) -> Row {
    Row { own: true, ..row(frame, place, six) }
}

impl Row {
    /// What a moderator is answered.
    const fn moderator(mut self, answer: &'static str) -> Self {
        self.expected[Who::Moderator as usize] = answer;
        self
    }
}

/// There is no such case.
const NONE: &str = "";

/// One row for each frame, and for each kind of channel where there is one.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                             nobody   stranger     member       owner        former       ended
    row("ping",           Nowhere, ["401", "ok",        "ok",        "ok",        "ok",        "4009"]),
    row("auth.refresh",   Nowhere, ["401", "forbidden", "forbidden", "forbidden", "forbidden", "4009"]),
    own("auth.refresh",   Nowhere, ["401", "ok",        "ok",        "ok",        "ok",        "4009"]),
    own("sync",           Nowhere, ["401", "ok",        "ok",        "ok",        "ok",        "4009"]),
    row("sync",           Public,  ["401", "ok",        "ok",        "ok",        "ok",        "4009"]),
    row("sync",           Private, ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("sync",           Group,   ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("sync",           Direct,  ["401", "not_found", "ok",        "ok",        NONE,        "4009"]),
    row("status.set",     Nowhere, ["401", "ok",        "ok",        "ok",        "ok",        "4009"]),
    row("draft.set",      Public,  ["401", "forbidden", "ok", "ok", "forbidden", "4009"]),
    row("draft.set",      Private, ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("draft.set",      Group,   ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("draft.set",      Direct,  ["401", "not_found", "ok", "ok", NONE, "4009"]),
    // To leave what one does not hear changes nothing, whatever it is.
    row("unsubscribe",    Nowhere, ["401", "ok",        "ok",        "ok",        "ok",        "4009"]),
    row("read",           Public,  ["401", "forbidden", "ok", "ok", "forbidden", "4009"]),
    row("read",           Private, ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("read",           Group,   ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("read",           Direct,  ["401", "not_found", "ok", "ok", NONE, "4009"]),
    row("delivered",      Public,  ["401", "forbidden", "ok", "ok", "forbidden", "4009"]),
    row("delivered",      Private, ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("delivered",      Group,   ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("delivered",      Direct,  ["401", "not_found", "ok", "ok", NONE, "4009"]),
    row("typing",         Public,  ["401", "forbidden", "ok", "ok", "forbidden", "4009"]),
    row("typing",         Private, ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("typing",         Group,   ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("typing",         Direct,  ["401", "not_found", "ok", "ok", NONE, "4009"]),
    row("focus",          Public,  ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("focus",          Private, ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("focus",          Group,   ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("focus",          Direct,  ["401", "not_found", "ok", "ok", NONE, "4009"]),
    row("subscribe",      Public,  ["401", "ok", "ok", "ok", "ok", "4009"]),
    row("subscribe",      Private, ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("subscribe",      Group,   ["401", "not_found", "ok", "ok", "not_found", "4009"]),
    row("subscribe",      Direct,  ["401", "not_found", "ok", "ok", NONE, "4009"]),
    row("message.send",   Public,  ["401", "forbidden", "ok",        "ok",        "forbidden", "4009"]),
    row("message.send",   Private, ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("message.send",   Group,   ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("message.send",   Direct,  ["401", "not_found", "ok",        "ok",        NONE,        "4009"]),
    row("message.edit",   Public,  ["401", "forbidden", "forbidden", "forbidden", "forbidden", "4009"]),
    row("message.edit",   Private, ["401", "not_found", "forbidden", "forbidden", "not_found", "4009"]),
    row("message.edit",   Group,   ["401", "not_found", "forbidden", "forbidden", "not_found", "4009"]),
    row("message.edit",   Direct,  ["401", "not_found", "forbidden", "forbidden", NONE,        "4009"]),
    own("message.edit",   Public,  [NONE,  NONE,        "ok",        "ok",        "forbidden", "4009"]),
    own("message.edit",   Private, [NONE,  NONE,        "ok",        "ok",        "not_found", "4009"]),
    own("message.edit",   Group,   [NONE,  NONE,        "ok",        "ok",        "not_found", "4009"]),
    own("message.edit",   Direct,  [NONE,  NONE,        "ok",        "ok",        NONE,        "4009"]),
    row("message.delete", Public,  ["401", "forbidden", "forbidden", "ok",        "forbidden", "4009"]).moderator("ok"),
    row("message.delete", Private, ["401", "not_found", "forbidden", "ok",        "not_found", "4009"]).moderator("ok"),
    row("message.delete", Group,   ["401", "not_found", "forbidden", "ok",        "not_found", "4009"]).moderator("ok"),
    row("message.delete", Direct,  ["401", "not_found", "forbidden", "forbidden", NONE,        "4009"]),
    own("message.delete", Public,  [NONE,  NONE,        "ok",        "ok",        "forbidden", "4009"]),
    own("message.delete", Private, [NONE,  NONE,        "ok",        "ok",        "not_found", "4009"]),
    own("message.delete", Group,   [NONE,  NONE,        "ok",        "ok",        "not_found", "4009"]),
    own("message.delete", Direct,  [NONE,  NONE,        "ok",        "ok",        NONE,        "4009"]),
    row("reaction.add",   Public,  ["401", "forbidden", "ok",        "ok",        "forbidden", "4009"]),
    row("reaction.add",   Private, ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("reaction.add",   Group,   ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("reaction.add",   Direct,  ["401", "not_found", "ok",        "ok",        NONE,        "4009"]),
    row("reaction.remove",Public,  ["401", "forbidden", "ok",        "ok",        "forbidden", "4009"]),
    row("reaction.remove",Private, ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("reaction.remove",Group,   ["401", "not_found", "ok",        "ok",        "not_found", "4009"]),
    row("reaction.remove",Direct,  ["401", "not_found", "ok",        "ok",        NONE,        "4009"]),
];

impl Row {
    /// A good frame of this kind about what is there.
    fn frame(&self, world: &World<'_>, scene: &Scene, who: Who) -> Value {
        let feed = if self.own { "me" } else { &scene.channel };
        let token = if self.own { &world.person(who).token } else { &world.fellow.token };
        self.about(feed, scene.message(who, self.own), token.as_deref())
    }

    /// The same about what is not there.
    fn frame_about_nothing(&self) -> Value {
        let nothing = uuid::Uuid::new_v4().to_string();
        self.about(&nothing, &nothing, None)
    }

    fn about(&self, feed: &str, message: &str, token: Option<&str>) -> Value {
        let content = format!("content {}", unique());
        let mut frame = match self.frame {
            "ping" => json!({}),
            "auth.refresh" => json!({ "token": token }),
            "sync" => json!({ "feed": feed, "rev": 0 }),
            "draft.set" | "message.send" => json!({ "channel_id": feed, "content": content }),
            "message.edit" => json!({ "message_id": message, "content": content }),
            "message.delete" => json!({ "message_id": message }),
            "reaction.add" | "reaction.remove" => json!({ "message_id": message, "emoji": "👍" }),
            "read" | "delivered" => json!({ "channel_id": feed, "seq": 1 }),
            "typing" => json!({ "channel_id": feed, "active": true }),
            "focus" => json!({ "channel_ids": [feed] }),
            "subscribe" => json!({ "channel_id": feed }),
            "unsubscribe" => json!({ "channel_id": uuid::Uuid::new_v4().to_string() }),
            "status.set" => json!({ "status": "online" }),
            other => panic!("how is {other} sent?"),
        };
        frame["type"] = json!(self.frame);
        frame
    }
}

#[test]
fn every_frame_has_a_row_for_each_kind_of_channel() {
    let in_table: BTreeSet<_> = TABLE.iter().map(|row| row.frame).collect();
    assert_eq!(in_table, CLIENT_FRAMES.iter().copied().collect());
    for frame in in_table {
        let rows = TABLE.iter().filter(|row| row.frame == frame);
        let places: Vec<_> = rows.map(|row| row.place).collect();
        let anywhere = places.iter().all(|place| *place == Nowhere);
        for place in Place::CHANNELS {
            assert!(anywhere || places.contains(&place), "{frame} has no row for {place:?}");
        }
    }
}

on_both! {
    async fn every_cell_of_the_table_of_frames_is_true(server: TestServer) {
        let world = World::of(server).await;
        let mut sockets = Sockets::of(&world).await;
        let mut wrong = Vec::new();
        for row in TABLE {
            let mut scene = world.scene(row.place).await;
            for (who, expected) in Who::ALL.into_iter().zip(row.expected) {
                let fault = match who {
                    _ if expected == NONE => continue,
                    Who::Nobody => refused(world.person(who), expected).await,
                    Who::Ended => ended(&world, row, &scene, expected).await,
                    _ => answered(&world, row, &scene, who, sockets.of_whom(who), expected).await,
                };
                wrong.extend(fault.err().map(|why| format!("{} in {:?}, {who:?}: {why}", row.frame, row.place)));
                if expected == "ok" && row.frame.starts_with("message.") {
                    scene = world.scene(row.place).await;
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// A cell of somebody without a good proof of identity: there is no socket to send it on.
async fn refused(person: &Person, expected: &str) -> Result<(), String> {
    let opened = Socket::try_open(&person.base, "/api/v1/ws", &bearer(person)).await;
    same("status", &opened.err().map(|status| status.to_string()).as_deref(), &Some(expected))
}

/// A cell of somebody who is signed in.
async fn answered(
    world: &World<'_>,
    row: &Row,
    scene: &Scene,
    who: Who,
    socket: &mut Socket,
    expected: &str,
) -> Result<(), String> {
    let before = state(world, row, scene).await;
    let reply = socket.ask(row.frame(world, scene, who)).await;
    if expected == "ok" {
        return same("reply", &reply["ok"], &json!(true));
    }
    same("code", &reply["error"]["code"], &json!(expected))?;
    if expected == "not_found" {
        let nothing = socket.ask(row.frame_about_nothing()).await;
        same("what is not there", &nothing["error"], &reply["error"])?;
    }
    same("state after a refusal", &state(world, row, scene).await, &before)
}

/// The cell of an owner whose session ends while the socket is open: the socket closes, whatever is
/// sent on it, and no other opens.
async fn ended(world: &World<'_>, row: &Row, scene: &Scene, expected: &str) -> Result<(), String> {
    let device = world.server.log_in("owner").await;
    let mut socket = device.listen().await;
    let before = state(world, row, scene).await;
    world.person(Who::Owner).delete(&format!("/auth/sessions/{}", device.session)).await;
    socket.send(row.frame(world, scene, Who::Ended)).await;
    same("close", &socket.closed().await.to_string().as_str(), &expected)?;
    // That they are told of what was said to them before may come late.
    let heard = socket.kept().filter(|frame| frame["type"] != "notification").count();
    same("replies", &heard, &0)?;
    same("state after the end", &state(world, row, scene).await, &before)?;
    refused(&device, "401").await
}

async fn state(world: &World<'_>, row: &Row, scene: &Scene) -> Value {
    if row.place == Nowhere { Value::Null } else { world.state(scene).await }
}

/// The open sockets of those who are signed in, from before the first scene to after the last.
struct Sockets([Socket; 6]);

impl Sockets {
    async fn of(world: &World<'_>) -> Self {
        let [_, stranger, member, owner, former, _, moderator, banned] =
            Who::ALL.map(|who| world.person(who));
        Self([
            stranger.listen().await,
            member.listen().await,
            owner.listen().await,
            former.listen().await,
            moderator.listen().await,
            banned.listen().await,
        ])
    }

    fn of_whom(&mut self, who: Who) -> &mut Socket {
        // The one whose session has ended is left out.
        let place = who as usize - if who > Who::Ended { 2 } else { 1 };
        &mut self.0[place]
    }
}
