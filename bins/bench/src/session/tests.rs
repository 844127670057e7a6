use super::*;
use crate::ws::{Frame, TEXT};
use serde_json::{Value, json};

const CHANNEL_ID: &str = "0195e6a0-0000-7000-8000-000000000001";

fn session() -> Session {
    let tally = Rc::new(Tally::new());
    let mut publisher = Publisher::new(Rc::clone(&tally), CHANNEL_ID, 100);
    publisher.closed_loop = true;
    Session::new(tally, CHANNEL_ID.into(), Some(publisher))
}

/// A session whose channel is at rev 10 and seq 3.
fn ready() -> Session {
    let mut session = session();
    take(&mut session, &ready_at(10, 3, "e"));
    session
}

fn ready_at(head: u64, last_seq: u64, epoch: &str) -> Value {
    let channel = json!({"feed": CHANNEL_ID, "head": head, "last_seq": last_seq, "unread": 0});
    json!({"epoch": epoch, "me": {"head": 2}, "channels": [channel], "type": "ready"})
}

/// Gives the session a text, with its fields in the protocol's order.
fn take(session: &mut Session, text: &Value) {
    let first = ["type", "ref", "ok"].map(|field| text.get(field).map(|is| (field, is)));
    let rest = text.as_object().unwrap().iter().map(|(field, is)| (field.as_str(), is));
    let rest = rest.filter(|(field, _)| !["type", "ref", "ok"].contains(field));
    let fields: Vec<String> = first
        .into_iter()
        .flatten()
        .chain(rest)
        .map(|(field, is)| format!(r#""{field}":{is}"#))
        .collect();
    let text = format!("{{{}}}", fields.join(","));
    session.frame(&Frame { opcode: TEXT, payload: text.as_bytes() }, 7);
}

fn created(rev: u64) -> String {
    format!(
        r#"{{"type":"message.created","feed":"{CHANNEL_ID}","channel_id":"{CHANNEL_ID}","prev":{},"rev":{rev},"message":{{"id":"x","seq":{},"content":"hi"}}}}"#,
        rev - 1,
        rev - 7
    )
}

fn take_created(session: &mut Session, rev: u64) {
    session.frame(&Frame { opcode: TEXT, payload: created(rev).as_bytes() }, 7);
}

/// The answer to a `sync`, with the changes of `revs`.
fn take_page(session: &mut Session, revs: &[u64], head: u64) {
    let items: Vec<String> = revs.iter().copied().map(created).collect();
    let text = format!(
        r#"{{"type":"reply","ref":"sync:0","ok":true,"data":{{"items":[{}],"head":{head},"epoch":"e","more":false}}}}"#,
        items.join(",")
    );
    session.frame(&Frame { opcode: TEXT, payload: text.as_bytes() }, 7);
}

/// What the session has written since the last look.
fn written(session: &mut Session) -> Vec<Value> {
    let mut rest = std::mem::take(&mut session.out);
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let (mask_at, length) = match rest[1] & 0x7F {
            126 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
            length => (2, usize::from(length)),
        };
        let (mask, body) = rest[mask_at..mask_at + 4 + length].split_at(4);
        let clear = body.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect::<Vec<_>>();
        texts.push(serde_json::from_slice(&clear).unwrap());
        rest.drain(..mask_at + 4 + length);
    }
    texts
}

#[test]
fn a_ready_session_counts_what_it_sees() {
    let mut session = ready();
    assert!(session.is_whole());
    for rev in 11..=15 {
        take_created(&mut session, rev);
    }
    let feed = session.channel_feed().unwrap();
    assert_eq!((feed.cursor, feed.last_seq, feed.counts.faults), (15, 8, 0));
    assert_eq!(session.tally.deliveries.get(), 5);
}

#[test]
fn a_session_without_its_channel_ends() {
    let mut session = session();
    take(&mut session, &json!({"type": "ready", "epoch": "e", "me": {"head": 0}, "channels": []}));
    assert!(session.ended.unwrap().contains("does not name the channel"));
}

#[test]
fn a_stale_session_syncs_from_its_cursor_and_is_whole_again() {
    let mut session = ready();
    take_created(&mut session, 11);
    take(&mut session, &json!({"type": "stale", "feed": CHANNEL_ID, "head": 14}));
    assert!(!session.is_whole());
    let sync =
        json!({"type": "sync", "ref": "sync:0", "feed": CHANNEL_ID, "epoch": "e", "rev": 11});
    assert_eq!(written(&mut session), [sync]);
    take_page(&mut session, &[12, 13, 14], 14);
    take_created(&mut session, 15);
    assert!(session.is_whole());
    assert_eq!(session.tally.deliveries.get(), 5);
    let counts = session.channel_feed().unwrap().counts;
    assert_eq!((counts.stale, counts.synced, counts.faults), (1, 3, 0));
}

#[test]
fn a_reset_asks_for_history_and_then_syncs() {
    let mut session = ready();
    take(&mut session, &json!({"type": "stale", "feed": CHANNEL_ID, "head": 3000}));
    written(&mut session);
    let data = json!({"reset": {"reason": "limited"}, "head": 3000, "epoch": "e"});
    take(&mut session, &json!({"type": "reply", "ref": "sync:0", "ok": true, "data": data}));
    assert!(session.wants_history);
    let page =
        |from: u64, to| (from..=to).map(|seq| Message { seq, stamp: None }).collect::<Vec<_>>();
    session.refill(&page(4, 103), None);
    session.refill(&page(104, 120), Some(3000));
    assert_eq!(written(&mut session)[0]["rev"], 3000);
    take_page(&mut session, &[], 3000);
    assert!(session.is_whole());
    assert_eq!(session.channel_feed().unwrap().last_seq, 120);
    assert_eq!(session.tally.deliveries.get(), 117);
}

#[test]
fn a_refused_sync_is_asked_for_again_after_a_pause() {
    let mut session = ready();
    take(&mut session, &json!({"type": "stale", "feed": CHANNEL_ID, "head": 14}));
    written(&mut session);
    let error = json!({"code": "overloaded", "detail": "later"});
    take(&mut session, &json!({"type": "reply", "ref": "sync:0", "ok": false, "error": error}));
    assert!(session.wants_pause && session.ended.is_none());
    session.retry();
    assert_eq!(written(&mut session)[0]["type"], "sync");
}

#[test]
fn a_refused_message_is_sent_again_after_a_pause() {
    let mut session = ready();
    let mut out = Vec::new();
    session.publisher.as_mut().unwrap().send(&mut out);
    let error = json!({"code": "overloaded"});
    take(&mut session, &json!({"type": "reply", "ref": 1, "ok": false, "error": error}));
    assert!(session.wants_pause && session.out.is_empty());
    session.retry();
    assert_eq!(written(&mut session)[0]["type"], "message.send");
    assert_eq!(session.tally.refused.borrow()["overloaded"], 1);
}

#[test]
fn an_acknowledgement_in_a_closed_loop_sends_the_next() {
    let mut session = ready();
    take(&mut session, &json!({"type": "reply", "ref": 1, "ok": true, "data": {"seq": 1}}));
    assert_eq!(written(&mut session).len(), 1);
    assert_eq!(session.tally.acks.get(), 1);
}

#[test]
fn a_ping_is_answered_and_a_close_ends() {
    let mut session = ready();
    session.frame(&Frame { opcode: ws::PING, payload: b"hi" }, 7);
    assert_eq!(session.out[0] & 0x0F, ws::PONG);
    session.frame(&Frame { opcode: ws::CLOSE, payload: &[0x0F, 0xA8, b'x'] }, 7);
    assert_eq!(session.ended.as_deref(), Some("closed by the server: 4008 x"));
}

#[test]
fn coming_back_to_another_epoch_ends() {
    let mut session = ready();
    take(&mut session, &ready_at(10, 3, "another"));
    assert!(session.ended.unwrap().contains("epoch"));
}

#[test]
fn coming_back_to_a_moved_channel_syncs() {
    let mut session = ready();
    take(&mut session, &ready_at(13, 6, "e"));
    assert!(!session.is_whole());
    take_page(&mut session, &[11, 12, 13], 13);
    assert!(session.is_whole());
    assert_eq!(session.channel_feed().unwrap().counts.messages, 3);
}

#[test]
fn what_is_not_the_protocol_ends() {
    let mut session = ready();
    session.frame(&Frame { opcode: TEXT, payload: b"hello" }, 7);
    assert!(session.ended.unwrap().starts_with("not understood"));
}
