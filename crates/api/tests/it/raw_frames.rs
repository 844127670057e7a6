//! What RFC 6455 asks of a server, frame by frame. No database has a part in this: SQLite does.

use std::time::Duration;

use serde_json::json;

use crate::raw::{BINARY, CLOSE, FIN, Frame, PING, PONG, Raw, TEXT, header, masked};
use crate::server::{TestServer, until};

mod handshakes;

/// The continuation of a message.
const CONTINUATION: u8 = 0x0;

/// The largest message.
const MAX: usize = 64 * 1024;

const ASK: &[u8] = br#"{"type":"ping","ref":"r"}"#;

fn joined(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

/// A text in fragments of these sizes, the rest last.
fn fragments(text: &[u8], size: usize) -> Vec<u8> {
    let mut chunks = text.chunks(size).peekable();
    let mut frames = Vec::new();
    let mut opcode = TEXT;
    while let Some(chunk) = chunks.next() {
        let last = if chunks.peek().is_none() { FIN } else { 0 };
        frames.push(masked(last | opcode, chunk));
        opcode = CONTINUATION;
    }
    frames.concat()
}

/// A question of exactly this length.
fn padded(length: usize) -> Vec<u8> {
    let mut text = ASK.to_vec();
    text.resize(length, b' ');
    text
}

/// Sends bytes on sockets of their own, and compares the codes with which they are closed.
async fn closes(cases: Vec<(&str, Vec<u8>, u16)>) {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    for (name, bytes, code) in cases {
        let (mut raw, _) = Raw::open(&ann, None).await;
        raw.write(&bytes).await;
        // At once: nobody waits for what a frame only announces, nor for a deadline.
        let closed = tokio::time::timeout(Duration::from_secs(1), raw.closed()).await;
        assert_eq!(closed.ok().flatten(), Some(code), "{name}");
    }
    server.stop().await;
}

/// Sends bytes on sockets of their own, which must be understood as the question, and go on.
async fn answers(cases: Vec<(&str, Vec<u8>)>) {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    for (name, bytes) in cases {
        let (mut raw, _) = Raw::open(&ann, None).await;
        raw.write(&bytes).await;
        assert_eq!(raw.json().await["ref"], "r", "{name}");
        raw.say(FIN | TEXT, br#"{"type":"ping","ref":"next"}"#).await;
        assert_eq!(raw.json().await["ref"], "next", "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_message_may_come_in_fragments() {
    let two = |first: &[u8], last: &[u8]| {
        [masked(TEXT, first), masked(FIN | CONTINUATION, last)].concat()
    };
    let accent = r#"{"type":"ping","ref":"r","extra":"é"}"#.replace(r#","extra":"é""#, "");
    answers(vec![
        ("one frame", masked(FIN | TEXT, ASK)),
        ("one byte each", fragments(ASK, 1)),
        ("two", two(&ASK[..7], &ASK[7..])),
        ("an empty first", two(b"", ASK)),
        ("an empty last", two(ASK, b"")),
        ("as many as may be", fragments(&padded(64), 1)),
        ("all that may be in them", fragments(&padded(MAX), MAX / 64)),
        ("the largest frame", masked(FIN | TEXT, &padded(MAX))),
        ("two messages at once", joined(&[masked(FIN | TEXT, ASK), masked(FIN | PONG, b"")])),
        ("no mask to speak of", {
            let mut frame =
                vec![FIN | TEXT, 0x80 | u8::try_from(accent.len()).unwrap(), 0, 0, 0, 0];
            frame.extend(accent.as_bytes());
            frame
        }),
    ])
    .await;
}

#[tokio::test]
async fn a_character_may_lie_in_two_fragments() {
    let server = TestServer::sqlite().await;
    let (mut raw, _) = Raw::open(&server.user("ann").await, None).await;
    raw.write(&fragments(r#"{"type":"ping","ref":"é€😀"}"#.as_bytes(), 1)).await;
    assert_eq!(raw.json().await["ref"], "é€😀");
    server.stop().await;
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let server = TestServer::sqlite().await;
    let (mut raw, _) = Raw::open(&server.user("ann").await, None).await;
    for byte in masked(FIN | TEXT, ASK) {
        raw.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(raw.json().await["ref"], "r");
    server.stop().await;
}

#[tokio::test]
async fn control_frames_may_come_between_fragments() {
    let server = TestServer::sqlite().await;
    let (mut raw, _) = Raw::open(&server.user("ann").await, None).await;
    let between = [
        masked(TEXT, &ASK[..5]),
        masked(FIN | PING, b"one"),
        masked(CONTINUATION, &ASK[5..9]),
        masked(FIN | PONG, b"unasked"),
        masked(FIN | PING, b"two"),
        masked(FIN | CONTINUATION, &ASK[9..]),
    ];
    raw.write(&between.concat()).await;
    for payload in ["one", "two"] {
        let pong = Frame { first: FIN | PONG, payload: payload.into() };
        assert_eq!(raw.frame().await, Some(pong));
    }
    assert_eq!(raw.json().await["ref"], "r");
    server.stop().await;
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_said() {
    let server = TestServer::sqlite().await;
    let (mut raw, _) = Raw::open(&server.user("ann").await, None).await;
    for payload in [vec![], vec![0], vec![0xFF; 125]] {
        raw.say(FIN | PING, &payload).await;
        assert_eq!(raw.frame().await, Some(Frame { first: FIN | PONG, payload }));
    }
    server.stop().await;
}

#[tokio::test]
async fn fragments_out_of_place_break_the_protocol() {
    let begun = |then: Vec<u8>| [masked(TEXT, b"{"), then].concat();
    closes(vec![
        ("a continuation of nothing", masked(CONTINUATION, b"x"), 1002),
        ("the end of nothing", masked(FIN | CONTINUATION, b"x"), 1002),
        ("the end of what has ended", joined(&[fragments(ASK, 9), masked(FIN, b"x")]), 1002),
        ("a text within a text", begun(masked(FIN | TEXT, ASK)), 1002),
        ("a beginning within a text", begun(masked(TEXT, ASK)), 1002),
        ("a binary within a text", begun(masked(FIN | BINARY, b"x")), 1002),
    ])
    .await;
}

#[tokio::test]
async fn reserved_bits_and_opcodes_break_the_protocol() {
    let mut cases: Vec<(&str, Vec<u8>, u16)> = [0x40, 0x20, 0x10]
        .map(|bit| ("a reserved bit", masked(FIN | bit | TEXT, ASK), 1002))
        .into();
    cases.extend(
        [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF]
            .map(|opcode| ("a reserved opcode", masked(FIN | opcode, b""), 1002)),
    );
    closes(cases).await;
}

#[tokio::test]
async fn a_client_must_mask() {
    let bare = |first: u8, payload: &[u8]| {
        [&[first, u8::try_from(payload.len()).unwrap()], payload].concat()
    };
    closes(vec![
        ("a text", bare(FIN | TEXT, ASK), 1002),
        ("a ping", bare(FIN | PING, b""), 1002),
        ("a close", bare(FIN | CLOSE, &1000_u16.to_be_bytes()), 1002),
    ])
    .await;
}

#[tokio::test]
async fn control_frames_are_short_and_whole() {
    closes(vec![
        ("a long ping", masked(FIN | PING, &[0; 126]), 1002),
        ("a long pong", masked(FIN | PONG, &[0; 126]), 1002),
        ("a long close", masked(FIN | CLOSE, &[3; 126]), 1002),
        ("a long ping, announced", header(FIN | PING, 126), 1002),
        ("a ping in fragments", masked(PING, b"x"), 1002),
        ("a pong in fragments", masked(PONG, b""), 1002),
        ("a close in fragments", masked(CLOSE, &1000_u16.to_be_bytes()), 1002),
    ])
    .await;
}

#[tokio::test]
async fn text_is_utf_8() {
    let text = |bytes: &[u8]| masked(FIN | TEXT, bytes);
    closes(vec![
        ("not a beginning", text(&[0xFF]), 1007),
        ("longer than need be", text(&[0xC0, 0xAF]), 1007),
        ("cut off", text(&[b'"', 0xE2, 0x82]), 1007),
        ("half a surrogate pair", text(&[0xED, 0xA0, 0x80]), 1007),
        ("beyond Unicode", text(&[0xF4, 0x90, 0x80, 0x80]), 1007),
        ("in fragments", fragments(&[b'"', 0xE2, 0x28, 0xA1], 2), 1007),
        ("cut off in the last fragment", fragments(&[b'"', 0xCE, 0xBA, 0xE1], 3), 1007),
    ])
    .await;
}

#[tokio::test]
async fn only_text_is_spoken() {
    closes(vec![
        ("a binary", masked(FIN | BINARY, b"x"), 1003),
        ("an empty binary", masked(FIN | BINARY, b""), 1003),
        ("the beginning of a binary", masked(BINARY, b"x"), 1003),
    ])
    .await;
}

#[tokio::test]
async fn what_is_too_big_is_refused_before_it_comes() {
    let begun = |then: Vec<u8>| [masked(TEXT, &vec![b' '; MAX]), then].concat();
    closes(vec![
        ("a byte more", header(FIN | TEXT, MAX as u64 + 1), 1009),
        ("4 GiB", header(FIN | TEXT, 1 << 32), 1009),
        ("the longest", header(FIN | TEXT, i64::MAX as u64), 1009),
        ("longer than the longest", header(FIN | TEXT, 1 << 63), 1009),
        ("a fragment", header(TEXT, MAX as u64 + 1), 1009),
        ("a byte more in a fragment", begun(masked(CONTINUATION, b"x")), 1009),
        ("a byte more in the last", begun(masked(FIN | CONTINUATION, b"x")), 1009),
        ("announced in the last", begun(header(FIN | CONTINUATION, 1 << 32)), 1009),
        ("all of it", masked(FIN | TEXT, &padded(MAX + 1)), 1009),
        ("too many fragments", fragments(&padded(65), 1), 1009),
        (
            "fragments without end",
            [masked(TEXT, b"x"), masked(CONTINUATION, b"").repeat(1000)].concat(),
            1009,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_close_says_why_or_nothing() {
    let close =
        |code: u16, reason: &[u8]| masked(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat());
    let mut cases = vec![
        ("half a code", masked(FIN | CLOSE, &[3]), 1002),
        ("a reason that is no text", close(1000, &[0xFF, 0xFE]), 1007),
    ];
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        cases.push(("a code that nobody may send", close(code, b""), 1002));
    }
    closes(cases).await;
}

#[tokio::test]
async fn a_close_is_answered() {
    let close = |code: u16, reason: &str| {
        masked(FIN | CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
    };
    closes(vec![
        ("nothing said", masked(FIN | CLOSE, b""), 1000),
        ("done", close(1000, ""), 1000),
        ("leaving", close(1001, "the page is gone"), 1000),
        ("a reason as long as may be", close(1000, &"é".repeat(61)), 1000),
        ("a code of the client's own", close(4000, "bye"), 1000),
        ("within a message", [masked(TEXT, b"{"), close(1000, "")].concat(), 1000),
    ])
    .await;
}

#[tokio::test]
async fn who_has_said_goodbye_listens_no_more() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    for close in [masked(FIN | CLOSE, b""), masked(FIN | CLOSE, &1001_u16.to_be_bytes())] {
        let (mut raw, _) = Raw::open(&ann, None).await;
        assert!(server.chat.hub().has_listeners());
        raw.write(&close).await;
        assert_eq!(raw.frame().await.unwrap().code(), Some(1000));
        let gone = until(|| !server.chat.hub().has_listeners());
        tokio::time::timeout(Duration::from_secs(1), gone).await.expect("gone at once");
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_counts_after_a_close() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let say = json!({ "type": "message.send", "ref": 1, "channel_id": channel, "content": "late" });
    let say = masked(FIN | TEXT, say.to_string().as_bytes());
    let closes =
        [masked(FIN | CLOSE, b""), masked(FIN | BINARY, b"x"), header(FIN | TEXT, 1 << 40)];
    for close in closes {
        let (mut raw, _) = Raw::open(&ann, None).await;
        raw.write(&[close, say.clone()].concat()).await;
        assert!(raw.closed().await.is_some());
    }
    let history = ann.get(&format!("/channels/{channel}/messages")).await;
    assert_eq!(history.body["items"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn who_hangs_up_without_a_word_is_gone() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    for bytes in [vec![], masked(TEXT, b"{"), header(FIN | TEXT, 1000), vec![FIN | TEXT]] {
        let (mut raw, _) = Raw::open(&ann, None).await;
        raw.write(&bytes).await;
        drop(raw);
    }
    ann.listen().await.settle().await;
    server.stop().await;
}
