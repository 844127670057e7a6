//! All feeds of a node and all its workers: who is let in, and who is cut off.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tertulia_domain::{Feed, FeedId, UserId};
use tokio::sync::mpsc::UnboundedSender;

use super::feed::FeedState;
use super::steps::{Delivery, Step, Steps};

#[derive(Default)]
pub(super) struct State {
    pub(super) feeds: HashMap<FeedId, FeedState>,
    pub(super) workers: Vec<Option<UnboundedSender<Arc<Vec<Step>>>>>,
}

impl State {
    /// Opens a channel's feed for somebody who is let in and listens here.
    pub(super) fn open_for(&mut self, feed: Feed, prev: i64, user: UserId) {
        if self.workers_of(user) != 0 {
            let open = self.feeds.entry(feed.id()).or_insert_with(|| FeedState::open(feed));
            if open.released().is_none() {
                open.learn(prev);
            }
        }
    }

    pub(super) fn workers_of(&self, user: UserId) -> u64 {
        self.feeds.get(&Feed::Me(user).id()).map_or(0, FeedState::workers)
    }

    pub(super) fn admit(&mut self, id: FeedId, feed: Feed, user: UserId, steps: &mut Steps) {
        let to = self.workers_of(user);
        if to == 0 {
            return;
        }
        if let Some(open) = self.feeds.get_mut(&id) {
            open.add_all(user, to);
        }
        steps.push(to, Delivery::Admit { feed, user });
    }

    pub(super) fn cut(&mut self, id: FeedId, user: UserId, steps: &mut Steps) {
        let Some(open) = self.feeds.get_mut(&id) else { return };
        let to = open.remove_user(user);
        if to != 0 {
            steps.push(to, Delivery::Cut { feed: id, user });
        }
        if id != FeedId::SYSTEM && !open.has_listeners() {
            self.feeds.remove(&id);
        }
    }

    /// A person's own feed says whether they are in a channel. Mostly the channel's own feed has
    /// said it just before; if that was lost, they come in here, and sync. Which of their sockets
    /// hear it already is for their workers to say.
    pub(super) fn belongs(&mut self, channel: Feed, user: UserId, joined: bool, steps: &mut Steps) {
        let id = channel.id();
        if !joined {
            self.cut(id, user, steps);
            return;
        }
        let to = self.workers_of(user);
        if to == 0 {
            return;
        }
        let open = self.feeds.entry(id).or_insert_with(|| FeedState::open(channel));
        open.add_all(user, to);
        open.doubt();
        let head = open.released().unwrap_or_default();
        steps.push(to, Delivery::Belongs { feed: channel, user, head });
    }

    /// A feed ends: its last frame is all that anybody hears of it from now on.
    pub(super) fn close(&mut self, id: FeedId, frame: Bytes, steps: &mut Steps) {
        let to = self.feeds.remove(&id).map_or(0, |feed| feed.workers());
        if to != 0 {
            steps.push(to, Delivery::Close { feed: id, frame });
        }
    }
}
