//! What a client holds, and the rules by which it is kept: nothing here asks the server anything.
//!
//! An entity is applied only if its rev is newer than the one held. The cursor of a feed moves only
//! when `prev ≤ cursor < rev`; a frame that begins beyond the cursor asks for a `sync`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::inbox::{Inbox, mentions};
use super::view::{Own, View, unread};
use crate::server::text;

/// All that a client knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    user: String,
    /// The database that all cursors are of; none before the first `ready`.
    pub(crate) epoch: Option<String>,
    /// Where the client is in its own feed.
    pub(crate) me: i64,
    /// The newest rev of `me` that said something of a channel.
    memberships: BTreeMap<String, i64>,
    /// With what this client's person has reacted, by message and emoji: the rev of `me`, and whether.
    mine: BTreeMap<(String, String), (i64, bool)>,
    channels: BTreeMap<String, Channel>,
    /// Invitations, by channel: the rev of `me`, and how it stands.
    invitations: BTreeMap<String, (i64, Value)>,
    /// Drafts, by channel and what they answer: the rev of `me`, and what is in them.
    drafts: BTreeMap<(String, String), (i64, Value)>,
    /// What this client's person was told of.
    inbox: Inbox,
    /// How this client's person wants to be seen, as of this rev of `me`.
    status: (i64, Value),
    /// The feeds that must be synced.
    pub(crate) wanted: BTreeSet<String>,
    /// Gives each stay in a channel a number of its own.
    stays: u64,
    /// What came and went, for whoever must find out what went wrong.
    pub(crate) trace: Vec<String>,
}

/// What a client knows of a channel that it is in.
#[derive(Clone, Debug)]
struct Channel {
    cursor: i64,
    stay: u64,
    info: Value,
    members: BTreeMap<String, Value>,
    messages: BTreeMap<String, Value>,
    /// By message and emoji: the rev, and how many.
    reactions: BTreeMap<(String, String), (i64, i64)>,
    /// Older messages than this place were never fetched.
    floor: i64,
    marker: Marker,
    /// The channel's rev that gave one this place in it, as far as that was said.
    place: i64,
    /// Whether one hears it without being in it.
    visited: bool,
    /// The rev of `me` at which one last came in.
    entered: i64,
}

/// How far one has read.
#[derive(Clone, Copy, Debug, Default)]
struct Marker {
    read_seq: i64,
    /// The channel's last message when it was so.
    last_seq: i64,
    /// The last message of one's own.
    said: i64,
}

impl Marker {
    /// It was so when the channel's last message was this one.
    fn was(&mut self, read_seq: &Value, last_seq: &Value) {
        (self.read_seq, self.last_seq) = (int(read_seq), int(last_seq));
    }

    /// What one says after that, one has read as well.
    fn read_seq(self) -> i64 {
        if self.said > self.last_seq { self.read_seq.max(self.said) } else { self.read_seq }
    }
}

/// Which draft it is: of which channel, and what it answers.
pub(crate) fn draft_key(draft: &Value) -> (String, String) {
    let reply_to = draft["reply_to"].as_str().unwrap_or_default();
    (text(&draft["channel_id"]), reply_to.to_owned())
}

/// How one wants to be seen, of what says more than that.
pub(crate) fn status_of(of: &Value) -> Value {
    json!({ "status": of["status"], "receipts": of["receipts"], "last_seen": of["last_seen"] })
}

impl State {
    pub(crate) fn of(user: &str) -> Self {
        Self { user: user.to_owned(), ..Self::default() }
    }

    /// Takes the first frame of a connection. `partial` when it leaves out what did not move.
    pub(crate) fn ready(&mut self, ready: &Value, partial: bool) {
        let epoch = text(&ready["epoch"]);
        let first = self.epoch.as_ref() != Some(&epoch);
        if first {
            let (stays, trace) = (self.stays, std::mem::take(&mut self.trace));
            *self = Self { epoch: Some(epoch), stays, trace, ..Self::of(&self.user) };
        }
        let listed = ready["channels"].as_array().unwrap();
        if !partial {
            assert!(ready["next"].is_null(), "more channels than these tests make");
            let held: Vec<String> = self.channels.keys().cloned().collect();
            for id in held.iter().filter(|id| !listed.iter().any(|own| own["feed"] == id.as_str()))
            {
                if !self.is_visited(id) {
                    self.drop_channel(id);
                }
            }
        }
        for gone in ready["gone"].as_array().unwrap() {
            self.drop_channel(&text(gone));
        }
        for own in listed {
            let id = text(&own["feed"]);
            let channel = self.open(&id);
            channel.visited = false;
            channel.marker.was(&own["read_seq"], &own["last_seq"]);
            if channel.cursor < int(&own["head"]) {
                self.wanted.insert(id);
            }
        }
        let head = int(&ready["me"]["head"]);
        if first {
            // The list says all that the feed could of channels; but with what one has reacted, it
            // does not.
            self.me = 0;
        }
        if self.status.0 < head {
            self.status = (head, status_of(&ready["me"]));
        }
        self.inbox.ready(&ready["me"], head);
        if self.me < head {
            self.wanted.insert("me".to_owned());
        }
    }

    /// Takes a frame, live or from a delta.
    pub(crate) fn frame(&mut self, frame: &Value) {
        let feed = text(&frame["feed"]);
        let (prev, rev) = (int(&frame["prev"]), int(&frame["rev"]));
        assert!(prev < rev, "a frame that leads nowhere: {frame}");
        let Some(cursor) = self.cursor(&feed) else { return };
        if rev <= cursor {
            return;
        }
        if frame["type"] == "reaction.mine" {
            let mine = frame["mine"].as_bool().unwrap();
            self.react(&text(&frame["message_id"]), &text(&frame["emoji"]), rev, mine);
        } else if frame["type"] == "membership.updated" {
            self.membership(frame, rev);
        } else if frame["type"] == "status.updated" {
            if self.status.0 < rev {
                self.status = (rev, status_of(frame));
            }
        } else if let Some(draft) = frame.get("draft") {
            let held = self.drafts.entry(draft_key(draft)).or_default();
            if held.0 < rev {
                *held = (rev, draft.clone());
            }
        } else if frame["type"] == "notification" || frame["type"] == "inbox.updated" {
            self.inbox.take(frame, rev);
        } else if let Some(invitation) = frame.get("invitation") {
            let held = self.invitations.entry(text(&frame["channel_id"])).or_default();
            if held.0 < rev {
                *held = (rev, invitation.clone());
            }
        } else {
            self.entity(&feed, frame);
        }
        if prev > cursor {
            self.wanted.insert(feed);
        } else {
            self.advance(&feed, rev);
        }
    }

    /// Takes a page of what was missed after `since`. False when it must be fetched anew instead.
    pub(crate) fn delta(&mut self, feed: &str, since: i64, delta: &Value) -> bool {
        let Some(cursor) = self.cursor(feed) else { return true };
        if cursor < since {
            // It was asked for during an earlier stay, whose state is gone.
            self.wanted.insert(feed.to_owned());
            return true;
        }
        if delta.get("reset").is_some() {
            return false;
        }
        for frame in delta["items"].as_array().unwrap() {
            assert_eq!(frame["feed"], feed);
            self.frame(frame);
        }
        if delta["more"] == true {
            self.wanted.insert(feed.to_owned());
        } else {
            self.advance(feed, int(&delta["head"]));
        }
        true
    }

    /// The server has nothing under this name, when asked during this stay.
    pub(crate) fn not_found(&mut self, feed: &str, stay: u64) {
        if self.stay(feed) == Some(stay) {
            self.drop_channel(feed);
        }
    }

    /// One hears a channel without being in it; this is how it stands.
    pub(crate) fn visits(&mut self, view: &Value) {
        let id = text(&view["id"]);
        if !self.channels.contains_key(&id) {
            self.open(&id).visited = true;
        }
        self.head(&id, int(&view["head"]));
    }

    /// One hears it no more, unless one is in it.
    pub(crate) fn visit_ends(&mut self, id: &str) {
        if self.is_visited(id) {
            self.drop_channel(id);
        }
    }

    pub(crate) fn is_visited(&self, id: &str) -> bool {
        self.channels.get(id).is_some_and(|channel| channel.visited)
    }

    pub(crate) fn visited(&self) -> Vec<String> {
        let visited = self.channels.iter().filter(|(_, channel)| channel.visited);
        visited.map(|(id, _)| id.clone()).collect()
    }

    /// What is one's own, as this client sees it.
    pub(crate) fn own(&self) -> Own {
        let held = self.invitations.iter().map(|(id, (_, invitation))| (id, invitation));
        let open = held.filter(|(_, invitation)| invitation["state"] == "pending");
        let drafts = self.drafts.iter().map(|(key, (_, draft))| (key, draft));
        let drafts = drafts.filter(|((channel, _), draft)| {
            // Nothing is said of what went with its channel.
            let there = self.channels.get(channel).is_some_and(|channel| !channel.visited);
            there && draft["content"] != ""
        });
        Own {
            drafts: drafts.map(|(key, draft)| (key.clone(), draft.clone())).collect(),
            invitations: open.map(|(id, it)| (id.clone(), it.clone())).collect(),
            status: self.status.1.clone(),
            told: self.inbox.seen(|told| self.stands(told)),
        }
    }

    /// Whether what one was told of is still there, and how far one has read where it is.
    fn stands(&self, told: &Value) -> Option<i64> {
        let id = text(&told["channel_id"]);
        if told["kind"] == "invitation" {
            let open = |(_, invitation): &(i64, Value)| invitation["state"] == "pending";
            return self.invitations.get(&id).is_some_and(open).then_some(0);
        }
        let channel = self.channels.get(&id).filter(|channel| !channel.visited)?;
        if int(&told["made"]) < channel.entered {
            return None;
        }
        let named = |message: &Value| mentions(&[(1, message.clone())].into(), 0, &self.user) > 0;
        let gone = channel.messages.get(&text(&told["message_id"])).is_some_and(|message| {
            !message["deleted_at"].is_null() || told["kind"] == "mention" && !named(message)
        });
        (!gone).then(|| channel.marker.read_seq())
    }

    /// Begins anew with what one was told of, as one fetches it.
    pub(crate) fn inbox_anew(&mut self, items: &[Value], page: &Value) {
        self.inbox.begin_anew(items, page);
    }

    /// This feed must be synced, if it is one of this client's.
    pub(crate) fn want(&mut self, feed: &str) {
        if self.cursor(feed).is_some() {
            self.wanted.insert(feed.to_owned());
        }
    }

    /// The feed is this far, or further.
    pub(crate) fn head(&mut self, feed: &str, head: i64) {
        if self.cursor(feed).is_some_and(|cursor| cursor < head) {
            self.wanted.insert(feed.to_owned());
        }
    }

    /// A message that the server gave outside of any feed.
    pub(crate) fn message(&mut self, message: &Value) {
        let channel = text(&message["channel_id"]);
        if self.cursor(&channel).is_some_and(|cursor| int(&message["rev"]) > cursor) {
            self.entity(&channel, &json!({ "message": message }));
        }
    }

    /// Begins a channel anew from its newest page, which was read at `head`, and from its members
    /// and itself, which were read later.
    pub(crate) fn begin_anew(&mut self, id: &str, page: &Value, members: &[Value], itself: Value) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.messages.clear();
        channel.reactions.clear();
        channel.members.clear();
        channel.cursor = int(&page["head"]);
        channel.info = itself;
        let items = page["items"].as_array().unwrap();
        channel.floor = match items.last() {
            Some(oldest) if !page["next"].is_null() => int(&oldest["seq"]),
            _ => 0,
        };
        let (head, own_head) = (int(&page["head"]), int(&page["own_head"]));
        let mut mine = Vec::new();
        for message in items {
            let mut message = message.clone();
            let reactions = message.as_object_mut().unwrap().remove("reactions").unwrap();
            message.as_object_mut().unwrap().remove("quote");
            let key = text(&message["id"]);
            for one in reactions.as_array().unwrap() {
                let key = (key.clone(), text(&one["emoji"]));
                channel.reactions.insert(key.clone(), (head, int(&one["count"])));
                mine.push((key, one["mine"].as_bool().unwrap()));
            }
            channel.messages.insert(key, message);
        }
        for member in members {
            channel.members.insert(text(&member["user_id"]), member.clone());
        }
        self.wanted.insert(id.to_owned());
        for ((message, emoji), mine) in mine {
            self.react(&message, &emoji, own_head, mine);
        }
    }

    pub(crate) fn cursor(&self, feed: &str) -> Option<i64> {
        match feed {
            "me" => Some(self.me),
            _ => self.channels.get(feed).map(|channel| channel.cursor),
        }
    }

    pub(crate) fn stay(&self, feed: &str) -> Option<u64> {
        self.channels.get(feed).map(|channel| channel.stay)
    }

    pub(crate) fn floor(&self, channel: &str) -> i64 {
        self.channels.get(channel).map_or(0, |channel| channel.floor)
    }

    /// The channels as this client sees them.
    pub(crate) fn view(&self) -> BTreeMap<String, View> {
        let view = |channel: &Channel| channel.view(&self.mine, &self.user);
        self.channels.iter().map(|(id, channel)| (id.clone(), view(channel))).collect()
    }

    /// One has reacted, or no longer has, as of this rev of `me`.
    fn react(&mut self, message: &str, emoji: &str, rev: i64, mine: bool) {
        let held = self.mine.entry((message.to_owned(), emoji.to_owned())).or_default();
        if held.0 < rev {
            *held = (rev, mine);
        }
    }

    fn membership(&mut self, frame: &Value, rev: i64) {
        let id = text(&frame["channel_id"]);
        if self.memberships.get(&id).is_some_and(|held| *held >= rev) {
            return;
        }
        self.memberships.insert(id.clone(), rev);
        if frame["channel"].is_null() {
            self.drop_channel(&id);
            return;
        }
        let membership = &frame["membership"];
        let place = int(&membership["rev"]);
        let (known, stay) = (self.channels.contains_key(&id), self.stays + 1);
        let channel = self.open(&id);
        channel.visited = false;
        channel.marker.was(&membership["read_seq"], &membership["last_seq"]);
        channel.entered = int(&membership["entered"]);
        replace(&mut channel.info, &frame["channel"]);
        if known && channel.place == place {
            // One has only read, or unread.
            return;
        }
        (channel.place, channel.stay) = (place, stay);
        self.stays = stay;
        self.wanted.insert(id);
    }

    fn entity(&mut self, id: &str, frame: &Value) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        if let Some(message) = frame.get("message") {
            assert_eq!(message["channel_id"], id);
            // What the channel itself says moves nobody's marker.
            if message["author_id"] == self.user.as_str() && message["type"] != "system" {
                channel.marker.said = channel.marker.said.max(int(&message["seq"]));
            }
            replace(channel.messages.entry(text(&message["id"])).or_default(), message);
        } else if let Some(reactions) = frame.get("reactions") {
            let (message, rev) = (text(&frame["message_id"]), int(&frame["rev"]));
            for one in reactions.as_array().unwrap() {
                let key = (message.clone(), text(&one["emoji"]));
                let held = channel.reactions.entry(key).or_default();
                if held.0 < rev {
                    *held = (rev, int(&one["count"]));
                }
            }
        } else if let Some(member) = frame.get("member") {
            replace(channel.members.entry(text(&member["user_id"])).or_default(), member);
        } else if let Some(new) = frame.get("channel") {
            replace(&mut channel.info, new);
            if !new["deleted_at"].is_null() {
                self.drop_channel(id);
            }
        } else {
            panic!("a frame of a kind that this client does not know: {frame}");
        }
    }

    fn advance(&mut self, feed: &str, rev: i64) {
        match feed {
            "me" => self.me = self.me.max(rev),
            _ => {
                if let Some(channel) = self.channels.get_mut(feed) {
                    channel.cursor = channel.cursor.max(rev);
                }
            }
        }
    }

    fn open(&mut self, id: &str) -> &mut Channel {
        self.channels.entry(id.to_owned()).or_insert_with(|| {
            self.stays += 1;
            Channel {
                cursor: 0,
                stay: self.stays,
                info: Value::Null,
                members: BTreeMap::new(),
                messages: BTreeMap::new(),
                reactions: BTreeMap::new(),
                floor: 0,
                marker: Marker::default(),
                place: 0,
                visited: false,
                entered: 0,
            }
        })
    }

    fn drop_channel(&mut self, id: &str) {
        self.channels.remove(id);
        self.wanted.remove(id);
    }
}

impl Channel {
    fn view(&self, mine: &BTreeMap<(String, String), (i64, bool)>, user: &str) -> View {
        let messages: BTreeMap<i64, Value> = self
            .messages
            .values()
            .map(|message| (int(&message["seq"]), self.with_reactions(message, mine)))
            .filter(|(seq, _)| *seq >= self.floor)
            .collect();
        let joined = self.members.iter().filter(|(_, member)| member["state"] == "joined");
        // Nobody keeps a marker where they are not.
        let read_seq = (!self.visited).then(|| self.marker.read_seq());
        View {
            head: self.cursor,
            channel: self.info.clone(),
            members: joined.map(|(id, member)| (id.clone(), member.clone())).collect(),
            unread: read_seq.map_or(0, |read_seq| unread(&messages, read_seq)),
            mentions: read_seq.map_or(0, |read_seq| mentions(&messages, read_seq, user)),
            user: user.to_owned(),
            messages,
            read_seq,
        }
    }
}

impl Channel {
    /// A message as it is read: those that are deleted have no reactions.
    fn with_reactions(
        &self,
        message: &Value,
        mine: &BTreeMap<(String, String), (i64, bool)>,
    ) -> Value {
        let mut message = message.clone();
        let id = text(&message["id"]);
        let there = self.reactions.iter().filter(|((of, _), (_, count))| *of == id && *count > 0);
        let reactions =
            there.filter(|_| message["deleted_at"].is_null()).map(|(key, (_, count))| {
                let mine = mine.get(key).is_some_and(|(_, mine)| *mine);
                json!({ "emoji": key.1, "count": count, "mine": mine })
            });
        message["reactions"] = reactions.collect();
        let answered = message["reply_to"].as_str().and_then(|id| self.messages.get(id));
        message["quote"] = answered.filter(|held| int(&held["seq"]) >= self.floor).map_or(Value::Null, |held| {
            let content: String = text(&held["content"]).chars().take(200).collect();
            let deleted = !held["deleted_at"].is_null();
            json!({ "id": held["id"], "author_id": held["author_id"], "content": content, "deleted": deleted })
        });
        message
    }
}

/// Puts the newer of two states of a thing in its place.
fn replace(held: &mut Value, new: &Value) {
    if held.is_null() || int(&held["rev"]) < int(&new["rev"]) {
        *held = new.clone();
    }
}

#[track_caller]
pub(crate) fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no whole number: {value}"))
}
