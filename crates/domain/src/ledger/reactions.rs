//! Reacting to messages.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Ledger;
use crate::policy::Action;
use crate::{
    Body, ChannelId, Emoji, Feed, MessageId, Outcome, ReactedBy, Reaction, Rejection, Tallies,
    Tally, UserId,
};

/// How many different emoji a message may have.
pub const MAX_EMOJI: usize = 50;

/// How many of those who reacted at the same time a frame names: counts are what it is for.
const MAX_NAMED: usize = 20;

/// What is known of the reactions to messages that somebody reacts to.
#[derive(Clone, Debug, Default)]
pub struct FoundReactions {
    /// How many people have reacted with an emoji; those with which somebody has.
    pub counts: Vec<(MessageId, Emoji, i64)>,
    /// What those who react have reacted with.
    pub own: Vec<(MessageId, UserId, Emoji)>,
}

/// What becomes of reactions.
#[derive(Clone, Debug, Default)]
pub struct ReactionsPlan {
    /// Counts that changed.
    pub counts: Vec<ReactionCount>,
    /// People's own that came or went.
    pub own: Vec<OwnReaction>,
    /// Whose reactions to what leave nothing: their account is deleted.
    pub forgotten: Vec<(MessageId, UserId)>,
}

/// How many people have reacted to a message with an emoji: shared, with a rev of its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionCount {
    /// Where the message lies.
    pub channel: ChannelId,
    /// The message.
    pub message: MessageId,
    /// With what.
    pub emoji: Emoji,
    /// How many.
    pub count: i64,
    /// The channel's rev that last changed it.
    pub rev: i64,
}

/// That somebody has reacted, or no longer has: one's own, with a rev of one's own feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReaction {
    /// To what.
    pub message: MessageId,
    /// Who.
    pub user: UserId,
    /// With what.
    pub emoji: Emoji,
    /// False when it was taken back.
    pub mine: bool,
    /// The rev of the person's own feed that last changed it.
    pub user_rev: i64,
}

/// The reactions of a batch in memory.
#[derive(Debug, Default)]
pub(super) struct Reactions {
    counts: HashMap<MessageId, BTreeMap<Emoji, i64>>,
    own: HashSet<(MessageId, UserId, Emoji)>,
    /// Which of the batch's frames says what happened to a message's reactions, as long as more of
    /// them may join it.
    frames: HashMap<MessageId, usize>,
    changed: BTreeMap<(MessageId, Emoji), ReactionCount>,
    changed_own: BTreeMap<(MessageId, UserId, Emoji), OwnReaction>,
    forgotten: Vec<(MessageId, UserId)>,
}

impl Reactions {
    pub(super) fn new(found: FoundReactions) -> Self {
        let mut counts: HashMap<MessageId, BTreeMap<Emoji, i64>> = HashMap::new();
        for (message, emoji, count) in found.counts {
            counts.entry(message).or_default().insert(emoji, count);
        }
        Self { counts, own: found.own.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn into_plan(self) -> ReactionsPlan {
        ReactionsPlan {
            counts: self.changed.into_values().collect(),
            own: self.changed_own.into_values().collect(),
            forgotten: self.forgotten,
        }
    }

    /// What comes from now on has frames of its own: it must not be told before what comes now.
    pub(super) fn seal(&mut self) {
        self.frames.clear();
    }

    /// All reactions to a message go.
    pub(super) fn erase(&mut self, message: MessageId) {
        self.counts.remove(&message);
        self.own.retain(|(other, ..)| *other != message);
        self.frames.remove(&message);
        self.changed.retain(|(other, _), _| *other != message);
        self.changed_own.retain(|(other, ..), _| *other != message);
    }

    fn set(&mut self, message: MessageId, user: UserId, emoji: &Emoji, mine: bool) -> i64 {
        let own = (message, user, emoji.clone());
        let counts = self.counts.entry(message).or_default();
        let count = counts.entry(emoji.clone()).or_default();
        *count += if mine { 1 } else { -1 };
        let count = *count;
        if count == 0 {
            counts.remove(emoji);
        }
        if mine {
            self.own.insert(own);
        } else {
            self.own.remove(&own);
        }
        count
    }
}

impl Ledger {
    /// Reacts, or takes a reaction back. What is so already takes no number.
    pub(super) fn react(&mut self, reaction: Reaction) -> Result<Outcome, Rejection> {
        let Reaction { message: id, by, emoji, mine } = reaction;
        let message = self.message_for(id, by)?;
        let (channel, deleted) = (message.channel_id, message.deleted_at.is_some());
        self.standing(channel, by)?.require(Action::React)?;
        if deleted && mine {
            return Err(Rejection::Conflict("deleted", "the message is deleted"));
        }
        if deleted {
            // Its reactions went with it, whether or not they have left the database.
            return Ok(Outcome::Reaction { emoji, count: 0, mine });
        }
        let counts = self.reactions.counts.get(&id);
        let count = counts.and_then(|counts| counts.get(&emoji)).copied().unwrap_or_default();
        if self.reactions.own.contains(&(id, by, emoji.clone())) == mine {
            return Ok(Outcome::Reaction { emoji, count, mine });
        }
        if mine && count == 0 && counts.is_some_and(|counts| counts.len() >= MAX_EMOJI) {
            let why = "a message has at most 50 different reactions";
            return Err(Rejection::Conflict("too_many_reactions", why));
        }

        let count = self.reactions.set(id, by, &emoji, mine);
        let rev = self.say_reaction(channel, id, by, Tally { emoji: emoji.clone(), count }, mine);
        let shared = ReactionCount { channel, message: id, emoji: emoji.clone(), count, rev };
        self.reactions.changed.insert((id, emoji.clone()), shared);
        let user_rev = self.advance(Feed::Me(by));
        let own = OwnReaction { message: id, user: by, emoji: emoji.clone(), mine, user_rev };
        self.reactions.changed_own.insert((id, by, emoji.clone()), own);
        let said =
            Body::OwnReaction { channel_id: channel, message_id: id, emoji: emoji.clone(), mine };
        self.say(Feed::Me(by), user_rev, said);
        Ok(Outcome::Reaction { emoji, count, mine })
    }

    /// Takes back all that somebody who has deleted their account has reacted with to a message. Of
    /// one that is deleted itself nobody sees any.
    pub(super) fn erase_reactions(
        &mut self,
        id: MessageId,
        by: UserId,
    ) -> Result<Outcome, Rejection> {
        let message = &self.messages.get(&id).ok_or(Rejection::NotFound)?.message;
        let (channel, deleted) = (message.channel_id, message.deleted_at.is_some());
        let gone = self.channels.get(&channel).is_none_or(|it| it.deleted_at.is_some());
        if gone || deleted {
            return Ok(Outcome::Done);
        }
        let theirs = self.reactions.own.iter().filter(|(of, user, _)| (*of, *user) == (id, by));
        let mut theirs: Vec<Emoji> = theirs.map(|(.., emoji)| emoji.clone()).collect();
        theirs.sort_unstable();
        for emoji in theirs {
            let count = self.reactions.set(id, by, &emoji, false);
            let tally = Tally { emoji: emoji.clone(), count };
            let rev = self.say_reaction(channel, id, by, tally, false);
            let shared = ReactionCount { channel, message: id, emoji: emoji.clone(), count, rev };
            self.reactions.changed.insert((id, emoji), shared);
        }
        self.reactions.forgotten.push((id, by));
        Ok(Outcome::Done)
    }

    /// Says it in the frame that tells of this message's reactions, or in a new one. Which rev that
    /// has.
    fn say_reaction(
        &mut self,
        channel: ChannelId,
        message: MessageId,
        user: UserId,
        tally: Tally,
        added: bool,
    ) -> i64 {
        let by = ReactedBy { user_id: user, emoji: tally.emoji.clone() };
        let said = self.reactions.frames.get(&message).copied();
        if let Some(frame) = said.and_then(|at| self.frames.get_mut(at))
            && let Body::Reactions(tallies) = &mut frame.body
        {
            tallies.join(tally, by, added);
            return frame.rev;
        }
        let rev = self.advance(Feed::Channel(channel));
        self.reactions.frames.insert(message, self.frames.len());
        let tallies = Tallies { message_id: message, added, reactions: vec![tally], by: vec![by] };
        self.say(Feed::Channel(channel), rev, Body::Reactions(tallies));
        rev
    }
}

impl Tallies {
    /// Adds what happened at the same time. Who is named has done what the frame's type says.
    fn join(&mut self, tally: Tally, by: ReactedBy, added: bool) {
        match self.reactions.iter_mut().find(|other| other.emoji == tally.emoji) {
            Some(other) => *other = tally,
            None => self.reactions.push(tally),
        }
        match (self.added, added) {
            (true, false) => self.by.retain(|other| *other != by),
            (false, true) => (self.added, self.by) = (true, vec![by]),
            _ if self.by.len() < MAX_NAMED => self.by.push(by),
            _ => {}
        }
    }
}
