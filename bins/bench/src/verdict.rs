//! The check at the end of every run: every client saw every acknowledged message once, in order,
//! and all saw the same.

use crate::session::Session;
use std::{collections::BTreeMap, rc::Rc};

/// Failures that are listed; the rest is counted.
const LISTED: usize = 12;

/// What one client saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Which client.
    who: String,
    channel: Rc<str>,
    /// Messages of its own that were acknowledged.
    acks: u64,
    /// Messages of its own that were never answered.
    unanswered: usize,
    /// Why its connection ended, if it did.
    ended: Option<String>,
    place: Option<Place>,
}

/// Where its channel's feed ended.
#[derive(Debug, Clone)]
struct Place {
    first_seq: u64,
    last_seq: u64,
    messages: u64,
    cursor: u64,
    order: u64,
    whole: bool,
    faults: u64,
    first_faults: Vec<String>,
}

impl Seen {
    /// Reads it off a client.
    pub(crate) fn of(number: usize, user: &str, session: &Session) -> Self {
        let publisher = session.publisher.as_ref();
        Self {
            who: format!("client {number} of {user}"),
            channel: Rc::clone(&session.channel),
            acks: publisher.map_or(0, |publisher| publisher.acks),
            unanswered: publisher.map_or(0, |publisher| publisher.in_flight),
            ended: session.ended.clone(),
            place: session.channel_feed().map(|feed| Place {
                first_seq: session.first_seq,
                last_seq: feed.last_seq,
                messages: feed.counts.messages,
                cursor: feed.cursor,
                order: feed.order,
                whole: session.is_whole(),
                faults: session.feeds.iter().map(|feed| feed.counts.faults).sum(),
                first_faults: session
                    .feeds
                    .iter()
                    .flat_map(|feed| feed.faults.iter().map(move |fault| (&feed.name, fault)))
                    .map(|(name, fault)| match name.as_str() {
                        "me" => format!("in me: {fault}"),
                        _ => fault.clone(),
                    })
                    .collect(),
            }),
        }
    }

    fn problems(&self, acks: u64, model: &Place) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(ended) = &self.ended {
            problems.push(format!("its connection ended: {ended}"));
        }
        if self.unanswered > 0 {
            problems.push(format!("{} of its messages were never answered", self.unanswered));
        }
        let Some(place) = &self.place else {
            problems.push("it never was ready".into());
            return problems;
        };
        if place.messages != acks || place.last_seq != place.first_seq + acks {
            problems.push(format!(
                "it saw {} of {acks} messages, from seq {} to {}",
                place.messages, place.first_seq, place.last_seq
            ));
        }
        if self.ended.is_some() {
            return problems;
        }
        if !place.whole {
            problems.push("its sync was never answered".into());
        }
        if place.faults > 0 {
            let words = place.first_faults.join("; ");
            problems.push(format!("{} faults: {words}", place.faults));
        }
        let same_range = (place.first_seq, place.messages) == (model.first_seq, model.messages);
        if same_range && place.order != model.order {
            problems.push("it saw other messages, or another order, than the first client".into());
        }
        if same_range && place.cursor != model.cursor {
            problems.push(format!("it is at rev {}, not {}", place.cursor, model.cursor));
        }
        problems
    }
}

/// What is wrong, in words; nothing when every check holds.
pub(crate) fn verdict(seen: &[Seen]) -> Vec<String> {
    let mut channels: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for one in seen {
        channels.entry(&one.channel).or_default().push(one);
    }
    let mut failures = Vec::new();
    for members in channels.values() {
        let acks: u64 = members.iter().map(|one| one.acks).sum();
        let Some(model) = members.iter().find_map(|one| one.place.as_ref()) else {
            failures.push(format!("none of {} clients was ever ready", members.len()));
            continue;
        };
        for one in members {
            let problems = one.problems(acks, model);
            if !problems.is_empty() {
                failures.push(format!("{}: {}", one.who, problems.join("; ")));
            }
        }
    }
    if failures.len() > LISTED {
        let more = failures.len() - LISTED;
        failures.truncate(LISTED);
        failures.push(format!("and {more} more clients"));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: usize, acks: u64) -> Seen {
        Seen {
            who: format!("client {number}"),
            channel: "c".into(),
            acks,
            unanswered: 0,
            ended: None,
            place: Some(Place {
                first_seq: 5,
                last_seq: 15,
                messages: 10,
                cursor: 30,
                order: 77,
                whole: true,
                faults: 0,
                first_faults: Vec::new(),
            }),
        }
    }

    fn verdict_on(change: impl Fn(&mut Seen)) -> Vec<String> {
        let mut all = vec![seen(0, 10), seen(1, 0), seen(2, 0)];
        change(&mut all[2]);
        verdict(&all)
    }

    fn place(seen: &mut Seen) -> &mut Place {
        seen.place.as_mut().unwrap()
    }

    #[test]
    fn clients_that_saw_everything_pass() {
        assert_eq!(verdict_on(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn whoever_missed_something_is_named() {
        let failures = verdict_on(|seen| {
            place(seen).messages = 9;
            place(seen).last_seq = 14;
        });
        assert_eq!(failures.len(), 1);
        assert!(failures[0].starts_with("client 2: it saw 9 of 10"), "{failures:?}");
    }

    #[test]
    fn every_other_fault_fails_too() {
        for change in [
            |seen: &mut Seen| place(seen).order = 1,
            |seen: &mut Seen| place(seen).cursor = 31,
            |seen: &mut Seen| place(seen).faults = 1,
            |seen: &mut Seen| place(seen).whole = false,
            |seen: &mut Seen| seen.ended = Some("reset".into()),
            |seen: &mut Seen| seen.unanswered = 1,
            |seen: &mut Seen| seen.place = None,
        ] {
            assert_eq!(verdict_on(change).len(), 1);
        }
    }

    #[test]
    fn an_acknowledged_message_that_nobody_saw_fails_for_all() {
        assert_eq!(verdict_on(|seen| seen.acks = 1).len(), 3);
    }

    #[test]
    fn a_long_list_is_cut() {
        let all: Vec<Seen> = (0..40).map(|number| seen(number, 1)).collect();
        let failures = verdict(&all);
        assert_eq!(failures.len(), LISTED + 1);
        assert_eq!(failures[LISTED], "and 28 more clients");
    }
}
