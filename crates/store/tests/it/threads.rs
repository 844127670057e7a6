//! Threads in one batch.

use tertulia_domain::{
    Body, Change, ChannelKind, Feed, Message, MessageId, MessagePrecondition, NewMessage, UserId,
};

use crate::on_both;
use crate::world::World;

fn messages(frames: &[tertulia_domain::Frame]) -> Vec<Message> {
    let messages = frames.iter().filter_map(|frame| match &frame.body {
        Body::Message(message) => Some(message.clone()),
        _ => None,
    });
    messages.collect()
}

on_both! {
    async fn many_replies_in_one_batch_cost_their_root_one_rev(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let answering = |to: MessageId, by: UserId| NewMessage {
            reply_to: Some(to),
            ..world.saying(by, channel, "yes")
        };
        let root = world.saying(ann, channel, "lunch?");
        let first = answering(root.id, ann);
        let second = answering(first.id, ann);
        let third = answering(second.id, ann);
        let expect = MessagePrecondition::Any;
        let delete = Change::Delete { message: third.id, by: ann, expect, from: None };
        let head = world.store.feed(Feed::Channel(channel)).await.unwrap().head;
        let root_id = root.id;
        let sends = [root, first, second.clone(), third].map(Change::Send);
        let batch = world.commit(sends.into_iter().chain([delete]).collect()).await;
        assert!(batch.outcomes.iter().all(Result::is_ok), "{:?}", batch.outcomes);
        let said = messages(&batch.frames);
        assert_eq!(said.len(), 6, "four sent, one deleted, and how the root stands");
        let told = said.last().unwrap();
        assert_eq!((told.id, told.rev, told.reply_count), (root_id, head + 6, 2));
        assert!(said[1..5].iter().all(|message| message.thread_id == Some(root_id)));

        let later = world.commit(vec![Change::Send(answering(second.id, ann)), Change::DeleteChannel { channel, by: ann }]).await;
        assert_eq!(messages(&later.frames).len(), 1, "after its end nothing is said of a channel");
        assert!(matches!(&later.frames.last().unwrap().body, Body::Channel(channel) if channel.deleted_at.is_some()));
    }
}

on_both! {
    async fn what_a_root_tells_is_what_is_read(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let root = world.say(ann, channel, "lunch?").await;
        let mut sent = Vec::new();
        for _ in 0..3 {
            let new = NewMessage { reply_to: Some(root.id), ..world.saying(ann, channel, "yes") };
            sent.push(new.id);
            world.one(Change::Send(new)).await.unwrap();
        }
        let expect = MessagePrecondition::Any;
        let batch = world.commit(vec![
            Change::Delete { message: sent[0], by: ann, expect, from: None },
            Change::EraseMessage { message: sent[1], author: ann },
        ]).await;
        let told = messages(&batch.frames).pop().unwrap();
        assert_eq!((told.id, told.reply_count), (root.id, 1));
        let (_, read) = world.store.message(root.id, ann).await.unwrap().unwrap();
        assert_eq!(read.message, told);
        let missed = world.store.changes(Feed::Channel(channel), 0, 100).await.unwrap();
        assert_eq!(messages(&missed.items).pop(), Some(told));
    }
}
