//! What people have begun to write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Ledger, Needs};
use crate::policy::Action;
use crate::{
    Body, ChannelId, Draft, DraftKey, DraftText, Feed, NewDraft, Outcome, Rejection, UserId,
};

/// What must be known of drafts.
#[derive(Clone, Debug, Default)]
pub struct DraftNeeds {
    /// Those that are written, or taken away by a message.
    pub keys: BTreeSet<DraftKey>,
    /// Whose drafts where go with their place there.
    pub places: BTreeSet<(UserId, ChannelId)>,
    /// Who writes one: they may have so many.
    pub writers: BTreeSet<UserId>,
}

/// What is known of drafts.
#[derive(Clone, Debug, Default)]
pub struct FoundDrafts {
    /// Those that were asked for.
    pub drafts: Vec<Draft>,
    /// How many there are of each who writes one, where there are any.
    pub counts: Vec<(UserId, i64)>,
}

/// The drafts of a batch in memory.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    known: BTreeMap<DraftKey, Draft>,
    counts: HashMap<UserId, i64>,
    changed: BTreeSet<DraftKey>,
}

impl Drafts {
    pub(super) fn new(found: FoundDrafts) -> Self {
        Self {
            known: found.drafts.into_iter().map(|draft| (draft.key(), draft)).collect(),
            counts: found.counts.into_iter().collect(),
            changed: BTreeSet::new(),
        }
    }

    /// Those that have changed, as they now are.
    pub(super) fn into_plan(mut self) -> Vec<Draft> {
        self.changed.iter().filter_map(|key| self.known.remove(key)).collect()
    }
}

impl Needs {
    pub(super) fn draft(&mut self, new: &NewDraft) {
        self.place(new.key.channel, new.key.user);
        self.feeds.insert(Feed::Me(new.key.user).id());
        self.messages.extend(new.key.reply_to);
        self.files.extend(&new.attachments);
        self.drafts.keys.insert(new.key);
        self.drafts.writers.insert(new.key.user);
    }

    /// Somebody has said what they had begun to write.
    pub(super) fn said(&mut self, key: DraftKey) {
        self.feeds.insert(Feed::Me(key.user).id());
        self.drafts.keys.insert(key);
    }

    /// Somebody goes, and takes along what they had begun to write.
    pub(super) fn going(&mut self, channel: ChannelId, user: UserId) {
        self.moving(channel, user);
        self.drafts.places.insert((user, channel));
    }
}

impl Ledger {
    /// Writes a draft, or empties it. What it says already takes no number.
    pub(super) fn set_draft(&mut self, new: NewDraft) -> Result<Outcome, Rejection> {
        let NewDraft { key, content, attachments } = new;
        self.standing(key.channel, key.user)?.require(Action::Draft)?;
        if let Some(answered) = key.reply_to {
            self.require_in(answered, key.channel)?;
        }
        self.attachable(key.user, &attachments)?;
        let before = self.drafts.known.get(&key).cloned();
        let before = before.unwrap_or_else(|| Draft::unwritten(key, self.now));
        let draft =
            Draft { content: DraftText::into_string(content), attachments, ..before.clone() };
        if draft == before {
            return Ok(Outcome::Draft(before));
        }
        let count = self.drafts.counts.get(&key.user).copied().unwrap_or_default();
        if before.is_empty() && count >= Draft::MAX {
            let why = "a person has at most 500 drafts: empty one";
            return Err(Rejection::Conflict("too_many_drafts", why));
        }
        Ok(Outcome::Draft(self.put_draft(draft)))
    }

    /// What was begun has been said, if it was begun.
    pub(super) fn drop_draft(&mut self, key: DraftKey) {
        if let Some(draft) = self.drafts.known.get(&key).filter(|draft| !draft.is_empty()) {
            let empty = Draft::unwritten(draft.key(), self.now);
            self.put_draft(empty);
        }
    }

    /// Who is out of a channel has nothing to say there, and keeps nothing that tells of it.
    pub(super) fn drop_drafts_in(&mut self, channel: ChannelId, user: UserId) {
        let theirs = |key: &&DraftKey| (key.channel, key.user) == (channel, user);
        let keys: Vec<DraftKey> = self.drafts.known.keys().filter(theirs).copied().collect();
        for key in keys {
            self.drop_draft(key);
        }
    }

    fn put_draft(&mut self, mut draft: Draft) -> Draft {
        let (key, feed) = (draft.key(), Feed::Me(draft.user));
        let before = self.drafts.known.get(&key).is_some_and(|draft| !draft.is_empty());
        let count = self.drafts.counts.entry(key.user).or_default();
        *count += i64::from(!draft.is_empty()) - i64::from(before);
        draft.rev = self.advance(feed);
        draft.updated_at = self.now;
        self.drafts.known.insert(key, draft.clone());
        self.drafts.changed.insert(key);
        self.say(feed, draft.rev, Body::Draft(draft.clone()));
        draft
    }
}
