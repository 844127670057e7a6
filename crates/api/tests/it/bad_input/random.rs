//! Values that no table thought of: a few hundred, the same in every run.

use serde_json::{Map, Value, json};
use tertulia_api::CLIENT_FRAMES;

use super::operations::with_bodies;
use super::{Target, check};
use crate::on_both;

/// Bodies for each operation, and frames of each type.
const CASES: u64 = 60;

/// Why a frame may be refused that is the client's own fault.
const REFUSALS: [&str; 6] =
    ["invalid", "not_found", "forbidden", "deleted", "id_taken", "unauthenticated"];

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn no_body_is_a_fault_of_the_server(server: TestServer) {
        let target = Target::of(server).await;
        for operation in with_bodies() {
            for seed in 0..CASES {
                let mut random = Random::new(seed, &target);
                let names = operation.fields.iter().map(|field| field.name.as_str());
                let body = random.object(names);
                // By raw bytes, so that numbers and doubled names go out as they are written.
                let answer = target.ask_raw(server, &operation, body.to_string().as_bytes()).await;
                check(&answer, &format!("{}, seed {seed}: {body}", operation.name()));
            }
        }
        assert_eq!(target.ann.get("/users/me").await.status, 200, "and it goes on");
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn every_frame_gets_its_reply(server: TestServer) {
        let target = Target::of(server).await;
        let mut socket = target.ann.listen().await;
        for kind in CLIENT_FRAMES {
            for seed in 0..CASES {
                let mut random = Random::new(seed, &target);
                let mut frame = random.object(fields(kind).iter().copied());
                frame["type"] = json!(kind);
                if frame.to_string().len() > 60_000 {
                    continue; // Larger ones close the socket, as they should.
                }
                let reply = socket.ask(frame.clone()).await;
                let code = reply["error"]["code"].as_str().unwrap_or_default();
                let fitting = reply["ok"] == true || REFUSALS.contains(&code);
                assert!(fitting, "seed {seed}: {frame}: {reply}");
            }
        }
        socket.settle().await;
    }
}

/// What a frame of this type takes.
fn fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "ping" => &[],
        "auth.refresh" => &["token"],
        "sync" => &["feed", "epoch", "rev", "limit"],
        "message.send" => &["channel_id", "id", "content", "reply_to", "draft"],
        "draft.set" => &["channel_id", "content", "reply_to", "attachments"],
        "message.edit" => &["message_id", "content"],
        "message.delete" => &["message_id"],
        "reaction.add" | "reaction.remove" => &["message_id", "emoji"],
        "read" | "delivered" => &["channel_id", "seq"],
        "focus" => &["channel_ids"],
        "typing" => &["channel_id", "active"],
        "subscribe" | "unsubscribe" => &["channel_id"],
        "status.set" => &["status", "text", "emoji", "expires_at"],
        other => panic!("what is in {other}?"),
    }
}

/// Random values; the same for the same seed.
struct Random<'a> {
    state: u64,
    target: &'a Target,
}

impl<'a> Random<'a> {
    fn new(seed: u64, target: &'a Target) -> Self {
        Self { state: seed, target }
    }

    /// The next number of `SplitMix64` (Steele, Lea and Flood, 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`.
    fn one_of(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count).unwrap()).unwrap()
    }

    /// An object with most of these fields, and sometimes others.
    fn object<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Value {
        let mut object = Map::new();
        for name in names {
            if self.one_of(8) > 0 {
                object.insert(name.to_owned(), self.value(3));
            }
        }
        if self.one_of(6) == 0 {
            object.insert(self.text(), self.value(2));
        }
        object.into()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.one_of(if depth == 0 { 11 } else { 14 }) {
            0 => Value::Null,
            1 => json!(self.one_of(2) == 0),
            2 | 3 => json!(self.next().cast_signed() >> self.one_of(64)),
            4 => json!(f64::from_bits(self.next())),
            11 => (0..self.one_of(5)).map(|_| self.value(depth - 1)).collect(),
            12 => (0..self.one_of(60)).map(|_| json!(self.text())).collect(),
            13 => {
                let fields = (0..self.one_of(5)).map(|_| (self.text(), self.value(depth - 1)));
                Value::Object(fields.collect())
            }
            _ => json!(self.text()),
        }
    }

    /// A text that is right somewhere, or one that is right nowhere.
    fn text(&mut self) -> String {
        let target = self.target;
        let known = [
            &target.channel,
            &target.message,
            &target.ann.id,
            &target.ann.session,
            &target.ann.refresh_token,
            "me",
            "ann",
            "public",
            "private",
            "\u{0}",
            "\u{202e}",
            "\u{fdfa}",
            "",
            " ",
            "null",
            "-1",
            "0",
            "00000000-0000-0000-0000-000000000000",
        ];
        match self.one_of(3) {
            0 => known[self.one_of(known.len())].to_owned(),
            1 => format!("{}{}", known[self.one_of(known.len())], known[self.one_of(known.len())]),
            _ => {
                let length = [0, 1, 3, 30, 64, 300, 5000][self.one_of(7)];
                (0..length).map(|_| self.character()).collect()
            }
        }
    }

    fn character(&mut self) -> char {
        let range: u32 = [0x80, 0x80, 0x800, 0x1_0000, 0x11_0000][self.one_of(5)];
        let code = u32::try_from(self.next() % u64::from(range)).unwrap();
        char::from_u32(code).unwrap_or('\u{fffd}')
    }
}
