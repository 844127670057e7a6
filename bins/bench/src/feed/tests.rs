use super::*;

fn feed() -> Feed {
    Feed::new("c".into(), 10, 3)
}

/// A message that takes the feed from `rev - 1` to `rev`.
fn step(rev: u64) -> Step {
    Step { prev: rev - 1, rev, message: Some(Message { seq: rev - 7, stamp: Some(rev) }) }
}

fn page(feed: &mut Feed, revs: &[u64], head: u64, more: bool) -> (Next, Vec<u64>) {
    let steps: Vec<Step> = revs.iter().copied().map(step).collect();
    let mut seen = Vec::new();
    let next = feed.page(&steps, head, more, |message| seen.push(message.seq));
    (next, seen)
}

#[test]
fn changes_in_order_are_new_and_faultless() {
    let mut feed = feed();
    for rev in 11..20 {
        assert_eq!(feed.live(step(rev)), Live::New);
    }
    assert_eq!((feed.cursor, feed.last_seq), (19, 12));
    assert_eq!((feed.counts.messages, feed.counts.faults), (9, 0));
}

#[test]
fn a_change_that_comes_twice_is_a_fault() {
    let mut feed = feed();
    feed.live(step(11));
    assert_eq!(feed.live(step(11)), Live::Nothing);
    assert_eq!((feed.counts.messages, feed.counts.faults), (1, 1));
}

#[test]
fn a_change_that_ready_counted_in_may_still_come() {
    let mut feed = feed();
    assert_eq!(feed.live(step(10)), Live::Nothing);
    assert_eq!((feed.cursor, feed.counts.faults), (10, 0));
}

#[test]
fn a_silent_hole_is_a_fault_and_is_synced() {
    let mut feed = feed();
    assert_eq!(feed.live(step(13)), Live::Sync);
    assert_eq!(feed.live(step(14)), Live::Nothing);
    assert_eq!(page(&mut feed, &[11, 12, 13], 13, false), (Next::Whole, vec![4, 5, 6, 7]));
    assert_eq!((feed.cursor, feed.counts.faults), (14, 1));
}

#[test]
fn a_dropped_message_within_the_chain_is_a_fault() {
    let mut feed = feed();
    let message = Some(Message { seq: 5, stamp: None });
    let skipping = Step { prev: 10, rev: 12, message };
    assert_eq!(feed.live(skipping), Live::New);
    assert_eq!(feed.counts.faults, 1);
}

#[test]
fn stale_is_filled_by_pages_without_a_fault() {
    let mut feed = feed();
    assert!(feed.stale());
    assert_eq!(page(&mut feed, &[11, 12], 14, true).0, Next::Sync);
    assert_eq!(feed.cursor, 12);
    assert_eq!(feed.live(step(16)), Live::Nothing);
    let (next, seen) = page(&mut feed, &[13, 14, 15], 15, false);
    assert_eq!((next, seen), (Next::Whole, vec![6, 7, 8, 9]));
    assert_eq!(feed.live(step(14)), Live::Nothing, "a repeat of what was synced");
    assert_eq!(feed.live(step(17)), Live::New);
    assert_eq!((feed.counts.messages, feed.counts.synced), (7, 5));
    assert_eq!((feed.counts.stale, feed.counts.faults), (1, 0));
}

#[test]
fn stale_during_a_sync_asks_for_another() {
    let mut feed = feed();
    assert!(feed.stale());
    assert!(!feed.stale());
    assert_eq!(page(&mut feed, &[11], 11, false).0, Next::Sync);
    assert_eq!(page(&mut feed, &[12], 12, false).0, Next::Whole);
    assert_eq!(feed.counts.faults, 0);
}

#[test]
fn held_changes_above_another_hole_ask_for_another_sync() {
    let mut feed = feed();
    feed.stale();
    feed.live(step(20));
    assert_eq!(page(&mut feed, &[11], 11, false).0, Next::Sync);
    let revs: Vec<u64> = (12..=20).collect();
    let (next, seen) = page(&mut feed, &revs, 20, false);
    assert_eq!((next, seen.len()), (Next::Whole, 9));
    assert_eq!((feed.cursor, feed.counts.faults), (20, 0));
}

#[test]
fn after_a_reset_history_fills_the_hole() {
    let mut feed = feed();
    feed.stale();
    feed.reset();
    let messages: Vec<Message> = (3..=8).map(|seq| Message { seq, stamp: None }).collect();
    let mut seen = 0;
    feed.refill(&messages, |_| seen += 1);
    assert_eq!(feed.refilled(15), Next::Sync);
    assert_eq!((seen, feed.last_seq, feed.cursor), (5, 8, 15));
    assert_eq!(page(&mut feed, &[], 15, false).0, Next::Whole);
    assert_eq!(feed.live(step(16)), Live::New);
    assert_eq!(feed.counts.faults, 0);
}

#[test]
fn the_same_messages_in_another_order_have_another_digest() {
    let orders: Vec<u64> = [[1, 2], [2, 1]]
        .iter()
        .map(|stamps| {
            let mut feed = feed();
            for (rev, stamp) in (11..).zip(stamps) {
                let mut step = step(rev);
                step.message.as_mut().unwrap().stamp = Some(*stamp);
                feed.live(step);
            }
            feed.order
        })
        .collect();
    assert_ne!(orders[0], orders[1]);
}

#[test]
fn coming_back_syncs_only_what_moved() {
    let mut feed = feed();
    assert!(!feed.resume(10));
    assert!(feed.resume(12));
    assert_eq!(page(&mut feed, &[11, 12], 12, false).0, Next::Whole);
    assert!(!feed.resume(12));
    assert_eq!(feed.counts.faults, 0);
    feed.resume(11);
    assert_eq!(feed.counts.faults, 1);
}
