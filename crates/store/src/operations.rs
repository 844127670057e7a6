//! The operations, each a query function on either database.

use tertulia_domain::{
    Account, AuditEntry, Channel, ChannelId, Draft, Due, Email, Emoji, Feed, FeedId, FeedRow, File,
    FileId, Invitation, Invite, KnownStatus, Member, MessageEdition, MessageId, MessageView, Page,
    PageRequest, Profile, ReactedBy, ReadBy, SessionId, StoredFile, Timestamp, UserId,
};

use crate::model::{Admission, Deletion, FileContent, FileLimits, NewFile};
use crate::postgres::{begin, end};
use crate::{
    AdministeredChannel, AdministeredUser, AuditFilter, BannedUser, Begin, Beginning, Changes,
    Counts, Credentials, Db, Door, Erasure, Error, Found, Gap, History, HistoryPart, NewSession,
    NewUser, Notices, Older, OwnChannel, Place, ProfileEdit, Rotation, Search, Session, SessionEnd,
    Share, Store, Thread, TokenHash, Upgrade, postgres, sqlite,
};

/// `read` is one statement, `snapshot` several that see the same, `write` several that are on disk
/// together or not at all.
macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $mode:ident $name:ident($($arg:ident: $ty:ty),*) -> $result:ty = $topic:ident::$query:ident;
    )+) => {
        impl Store {$(
            $(#[$doc])*
            pub async fn $name(&self, $($arg: $ty),*) -> Result<$result, Error> {
                match &*self.db {
                    Db::Sqlite(db) => {
                        let query = move |conn: &mut sqlite::Conn| {
                            sqlite::at_once(sqlite::queries::$topic::$query(conn, $($arg),*))
                        };
                        operations!(@sqlite $mode, db, query)
                    }
                    Db::Postgres(db) => {
                        let connection = db.connection_later();
                        db.run(async move {
                            let mut conn = connection.await?;
                            operations!(@begin $mode, &mut conn);
                            let result =
                                postgres::queries::$topic::$query(&mut conn, $($arg),*).await;
                            let result = operations!(@end $mode, &mut conn, result);
                            conn.give_back(result)
                        })
                        .await
                    }
                }
            }
        )+}
    };
    (@sqlite read, $db:ident, $query:ident) => { $db.read(false, $query).await };
    (@sqlite snapshot, $db:ident, $query:ident) => { $db.read(true, $query).await };
    (@sqlite write, $db:ident, $query:ident) => { $db.write($query).await };
    (@begin read, $conn:expr) => {};
    (@begin snapshot, $conn:expr) => { begin($conn, Begin::Snapshot).await? };
    (@begin write, $conn:expr) => { begin($conn, Begin::Write).await? };
    (@end read, $conn:expr, $result:ident) => { $result };
    (@end $mode:ident, $conn:expr, $result:ident) => { end($conn, $result).await };
}

operations! {
    /// Makes an account. [`Error::Taken`] when its name or address is somebody's.
    write insert_user(new: NewUser) -> () = users::insert;
    /// An account as its owner sees it.
    read account(user: UserId) -> Option<Account> = users::account;
    /// A person as everybody sees them.
    read profile(user: UserId) -> Option<Profile> = users::profile;
    /// A person by the key of their username.
    read profile_by_key(key: String) -> Option<Profile> = users::profile_by_key;
    /// What signs in the account with this username's or address's key.
    read credentials(username_key: String, email_key: String) -> Option<Credentials>
        = users::credentials;
    /// Accounts whose username's key begins with `prefix`, in its order.
    read users(prefix: String, page: PageRequest) -> Page<Profile> = users::list;
    /// Changes how a person is seen.
    write update_profile(user: UserId, edit: ProfileEdit) -> () = users::update;
    /// Keeps the token that makes an admin, unless there is an admin. Whether there is none.
    write offer_admin(token: TokenHash) -> bool = users::offer_admin;
    /// Keeps such a token whether or not there is an admin.
    write renew_admin_token(token: TokenHash, entry: AuditEntry) -> () = users::renew_admin_token;
    /// Makes an admin of who brings that token, once. Whether it was the token, and not a guest.
    write claim_admin(user: UserId, token: TokenHash, entry: AuditEntry) -> bool
        = users::claim_admin;
    /// Makes an account, and keeps that an admin made it.
    write insert_user_by_admin(new: NewUser, entry: AuditEntry) -> () = users::insert_by_admin;
    /// The hash of a person's password, if one signs in; `None` of accounts that cannot be used.
    read password(user: UserId) -> Option<Option<String>> = accounts::password;
    /// Changes an e-mail address. Whether there is such an account; [`Error::Taken`] when it is
    /// somebody's.
    write set_email(user: UserId, proven: String, email: Email, entry: AuditEntry) -> bool = accounts::set_email;
    /// Makes a guest's account a person's. Whether it was a guest's; [`Error::Taken`] when the name
    /// or the address is somebody's.
    write upgrade(user: UserId, to: Upgrade, entry: AuditEntry) -> bool = accounts::upgrade;

    /// The deleted account that is to be erased next.
    read next_erasure() -> Option<Erasure> = erasure::next;
    /// Who is to own a channel that somebody leaves for ever.
    read heir(channel: ChannelId, leaving: UserId) -> Option<UserId> = erasure::heir;
    /// The next channel after `after` that somebody has ever been in, with its last place.
    read channel_after(user: UserId, after: Option<ChannelId>) -> Option<(ChannelId, i64)>
        = erasure::channel_after;
    /// What somebody has said between two places, the first exclusive, and not deleted.
    read said(channel: ChannelId, user: UserId, from: i64, to: i64) -> Vec<MessageId>
        = erasure::said;
    /// Messages to which somebody has reacted, of those that others see.
    read reacted_to(user: UserId, limit: i64) -> Vec<MessageId> = reactions::reacted_to;
    /// Forgets a piece of what somebody has ever reacted to. How many messages that were.
    write forget_reactions(user: UserId, limit: i64) -> usize = reactions::forget;
    /// Notes down up to where somebody's messages are erased.
    write note_erasure(user: UserId, channel: ChannelId, seq: i64) -> () = erasure::progress;
    /// Blanks where somebody was when they did what stands in the audit log.
    write blank_addresses(user: UserId) -> () = erasure::blank_addresses;
    /// Nothing is left to do of an erasure.
    write finish_erasure(user: UserId) -> () = erasure::finish;
    /// Guests who were made before then and have no session that is good after `now`.
    read absent_guests(made_before: Timestamp, now: Timestamp, limit: i64) -> Vec<UserId>
        = erasure::absent_guests;

    /// Adds to the audit log what no transaction of its own records.
    write record(entry: AuditEntry) -> () = audit::insert;
    /// The audit log, the newest first.
    read audit(filter: AuditFilter, page: PageRequest) -> Page<AuditEntry> = audit::list;
    /// Accounts as admins see them, by username.
    read administered_users(prefix: String, page: PageRequest) -> Page<AdministeredUser>
        = administration::users;
    /// An account as admins see it.
    read administered_user(user: UserId) -> Option<AdministeredUser> = administration::user;
    /// Channels and groups as admins see them, the newest first.
    snapshot administered_channels(prefix: String, page: PageRequest) -> Page<AdministeredChannel>
        = administration::channels;
    /// A channel or group as admins see it.
    snapshot administered_channel(channel: ChannelId) -> Option<AdministeredChannel>
        = administration::channel;
    /// How much there is of everything.
    snapshot counts(now: Timestamp) -> Counts = administration::counts;

    /// Keeps a session and its first refresh token. Whether the account can be used, and the
    /// password that was proven is still its own.
    write insert_session(new: NewSession, refresh: TokenHash) -> bool = sessions::insert;
    /// Uses a refresh token. The session then ends at `until`.
    write rotate(token: TokenHash, successor: TokenHash, now: Timestamp, until: SessionEnd)
        -> Rotation = sessions::rotate;
    /// A person's live sessions, the last used first; at most 100.
    read sessions(user: UserId, now: Timestamp) -> Vec<Session> = sessions::live;
    /// Keeps a ticket.
    write insert_ticket(
        ticket: TokenHash, session: SessionId, expires_at: Timestamp
    ) -> () = sessions::insert_ticket;
    /// Uses a ticket up, once, whichever node is asked.
    write redeem_ticket(ticket: TokenHash, now: Timestamp) -> Option<(UserId, SessionId)>
        = sessions::redeem_ticket;
    /// Sessions that ended since then.
    read sessions_ended_since(since: Timestamp) -> Vec<SessionId> = sessions::ended_since;
    /// Removes a piece of a deleted channel's messages.
    write purge_messages(now: Timestamp, limit: i64) -> Option<usize> = retention::purge_messages;
    /// Removes a piece of the reactions to deleted messages.
    write purge_reactions(limit: i64) -> Option<usize> = reactions::purge_buried;
    /// Removes a piece of the memberships of a channel that was deleted before then.
    write purge_members(deleted_before: Timestamp, now: Timestamp, limit: i64) -> Option<usize>
        = retention::purge_members;
    /// Removes sessions that ended or expired before then, and tokens of theirs.
    write purge_sessions(ended_before: Timestamp, expired_before: Timestamp, limit: i64)
        -> Option<usize> = retention::purge_sessions;
    /// Removes tickets that expired before then.
    write purge_tickets(expired_before: Timestamp, limit: i64) -> Option<usize>
        = retention::purge_tickets;
    /// The database's epoch; the proposal becomes it when there is none.
    write epoch(proposal: String) -> String = feeds::epoch;

    /// A channel, its feed and a person's place in it.
    snapshot place(channel: ChannelId, user: UserId) -> Option<Place> = channels::place;
    /// Public channels whose name's key begins with `prefix`, by name, but those from which `user`
    /// is banned.
    read public_channels(user: UserId, now: Timestamp, prefix: String, page: PageRequest)
        -> Page<(Channel, FeedRow)> = channels::public;
    /// Who is banned from a channel now, for somebody whose place in it is given with them.
    snapshot bans(channel: ChannelId, user: UserId, page: PageRequest, now: Timestamp)
        -> Option<(Place, Page<BannedUser>)> = bans::of_channel;
    /// The links into a channel that are good, for somebody whose place in it is given with them.
    snapshot invites(channel: ChannelId, user: UserId, page: PageRequest, now: Timestamp)
        -> Option<(Place, Page<Invite>)> = invites::of_channel;
    /// Where a link leads, and the place of `user` there.
    snapshot door(hash: TokenHash, user: UserId) -> Option<Door> = invites::by_hash;
    /// Some invitations into channels that are no more, and that nobody has answered.
    read invitations_into_nothing(limit: i64) -> Vec<(ChannelId, UserId)> = invites::into_nothing;
    /// The invitations that a person has not answered, by channel.
    read invitations(user: UserId, page: PageRequest) -> Page<Invitation> = invites::pending;
    /// The channels that a person is in, the newest first, with their last messages.
    snapshot channels_of(user: UserId, page: PageRequest) -> Page<OwnChannel> = channels::of_user;
    /// The ids of the channels that a person is in.
    read channel_ids_of(user: UserId) -> Vec<ChannelId> = channels::ids_of_user;
    /// Who is in a channel now, for somebody whose place in it is given with them.
    snapshot members(channel: ChannelId, user: UserId, page: PageRequest)
        -> Option<(Place, Page<Member>)> = channels::members_of;
    /// What a client needs to begin; with `since`, only the channels that have moved from then on.
    snapshot beginning(user: UserId, page: PageRequest, since: Option<Timestamp>)
        -> Option<Beginning> = channels::beginning;
    /// Which of these feeds have moved past the rev that goes with them, and to where.
    read moved(known: Vec<(FeedId, i64)>) -> Vec<(FeedId, i64)> = feeds::moved;

    /// A message, for somebody whose place in its channel is given with it.
    snapshot message(id: MessageId, user: UserId) -> Option<(Place, MessageView)> = messages::by_id;
    /// Who has reacted to a message with an emoji, for somebody whose place in its channel is given
    /// with them.
    snapshot reactors(message: MessageId, emoji: Emoji, user: UserId, page: PageRequest)
        -> Option<(Place, Page<ReactedBy>)> = reactions::reactors;
    /// Replies to a message whose place is above `after`, oldest first, for somebody whose place in
    /// its channel is given with them.
    snapshot replies(message: MessageId, user: UserId, after: i64, limit: i64)
        -> Option<(Place, Thread)> = threads::replies;
    /// The message with which a message's thread began, for somebody whose place in its channel is
    /// given with it.
    snapshot thread_root(message: MessageId, user: UserId) -> Option<(Place, MessageId)>
        = threads::root_of;
    /// What is pinned in a channel, the last first, for somebody whose place in it is given with it.
    snapshot pins(channel: ChannelId, user: UserId) -> Option<(Place, Vec<MessageView>)>
        = pins::of_channel;
    /// What a message said before it was edited, the last first, for somebody whose place in its
    /// channel is given with it.
    snapshot editions(message: MessageId, user: UserId, page: PageRequest)
        -> Option<(Place, Page<MessageEdition>)> = history::editions;
    /// What a person was told of, the newest first.
    snapshot notifications(user: UserId, only_unread: bool, page: PageRequest) -> Notices
        = notifications::list;
    /// Some of the messages that people are yet to be told of.
    read due_notifications(limit: i64) -> Vec<Due> = due::some;
    /// The next people who are to be told of a message, in the order of their ids.
    read due_people(due: Due, limit: i64) -> Vec<UserId> = due::people;
    /// Of the next people after `after`: who has more than `kept` notifications or older ones, and
    /// up to which place; and the last of these people, if there may be more.
    read overfull_inboxes(
        after: Option<UserId>, kept: i64, created_before: Timestamp, limit: i64
    ) -> (Vec<(UserId, i64)>, Option<UserId>) = notifications::overfull;
    /// Removes a piece of somebody's notifications: up to a place, and what is older.
    write trim_inbox(user: UserId, up_to: i64, created_before: Timestamp, limit: i64) -> usize
        = notifications::trim;
    /// Removes all that a deleted account was told of.
    write erase_inbox(user: UserId) -> () = notifications::erase;
    /// Some of the messages that name somebody.
    read messages_naming(user: UserId, limit: i64) -> Vec<MessageId> = mentions::naming;
    /// Forgets that these messages have named somebody.
    write forget_mentions(user: UserId, messages: Vec<MessageId>) -> () = mentions::forget;
    /// Notes whether somebody follows a thread.
    write follow(root: MessageId, user: UserId, following: bool) -> () = threads::follow;
    /// A page of history, for somebody whose place in the channel is given with it.
    snapshot history(channel: ChannelId, user: UserId, part: HistoryPart, limit: i64)
        -> Option<(Place, History)> = messages::history;
    /// How far the others in a channel have read, for somebody whose place in it is given with it.
    snapshot reads(channel: ChannelId, user: UserId, page: PageRequest)
        -> Option<(Place, Page<ReadBy>)> = reads::of_channel;
    /// To whom a message has come, for somebody whose place in its channel is given with it.
    snapshot message_reads(id: MessageId, user: UserId, page: PageRequest)
        -> Option<(Place, Page<ReadBy>)> = reads::of_message;
    /// What somebody has begun to write, by channel, the newest first.
    read drafts(user: UserId, page: PageRequest) -> Page<Draft> = drafts::of_user;
    /// How somebody wants to be seen.
    read status(user: UserId) -> KnownStatus = presence::of;
    /// The same for somebody who shares a channel with them; `None` for everybody else.
    snapshot status_for(viewer: UserId, user: UserId) -> Option<KnownStatus> = presence::seen_by;
    /// Keeps when people were last there, of those who let it be seen.
    write note_seen(seen: Vec<(UserId, Timestamp)>) -> () = presence::note_seen;
    /// Which of these people are in which of these channels, with the channels' heads.
    read present(users: Vec<UserId>, channels: Vec<ChannelId>) -> Vec<(ChannelId, i64, UserId)>
        = presence::present;
    /// What a person may read and is looked for, a piece of it.
    snapshot search(search: Search) -> Found = search::find;
    /// Channels in which something has happened since they were indexed.
    read unindexed_channels(limit: i64) -> Vec<ChannelId> = indexing::behind;
    /// What has happened since in these channels, about `limit` messages in all.
    snapshot unindexed(channels: Vec<ChannelId>, limit: i64) -> Vec<Share> = indexing::unindexed;
    /// Indexes it, but for what was indexed meanwhile.
    write index(shares: Vec<Share>) -> () = indexing::index;
    /// Messages that are older than the index and not in it yet; `None` when there are none.
    snapshot unindexed_older(limit: i64) -> Option<Older> = indexing::older;
    /// Indexes them, unless they were meanwhile.
    write index_older(older: Older) -> () = indexing::index_older;
    /// Has the index forget messages that are deleted.
    write unindex(messages: Vec<MessageId>) -> () = indexing::unindex;
    /// A feed's row.
    read feed(feed: Feed) -> FeedRow = feeds::feed;

    /// What happened in a feed after `since`, at most `limit` steps.
    snapshot changes(feed: Feed, since: i64, limit: i64) -> Changes = changes::since;
    /// The same of a channel, for somebody whose place in it is given with it.
    snapshot channel_changes(channel: ChannelId, user: UserId, since: i64, limit: i64)
        -> Option<(Place, Changes)> = changes::of_channel;
    /// What a node missed, and who of its listeners may not hear it.
    snapshot gap(feed: Feed, since: i64, listeners: Vec<UserId>, now: Timestamp) -> Gap
        = changes::gap;

    /// Makes the row of a file that is about to come in, if its owner has room for one more.
    write begin_file(new: NewFile, limits: FileLimits) -> Admission = files::begin;
    /// Notes that all bytes of a file are there. `None` when there is no such file any more, or its
    /// owner has no room for it.
    write complete_file(id: FileId, owner: UserId, content: FileContent, limits: FileLimits)
        -> Option<File> = files::complete;
    /// Notes that all bytes of somebody's image are there, and that it is theirs instead of the one
    /// before. Whether there is such a file and person, and room for it.
    write complete_avatar(
        id: FileId, owner: UserId, content: FileContent, limits: FileLimits, now: Timestamp
    ) -> bool = avatars::complete;
    /// Takes somebody's image away.
    write remove_avatar(owner: UserId, now: Timestamp) -> () = avatars::remove;
    /// Takes back the row of an upload that came to nothing.
    write cancel_file(id: FileId, now: Timestamp) -> () = files::cancel;
    /// A file that is complete, with the place of `user` in the channel of the message that it
    /// belongs to, if it does.
    snapshot file(id: FileId, user: UserId) -> Option<(StoredFile, Option<Place>)> = files::by_id;
    /// Deletes a file that belongs to no message.
    write delete_file(id: FileId, owner: UserId, now: Timestamp) -> Deletion = files::delete;
    /// Deletes files that were begun before then and belong to no message. How many.
    write delete_unattached_files(created_before: Timestamp, now: Timestamp, limit: i64) -> usize
        = files::delete_unattached;
    /// Files that are deleted, and whose bytes may still be there.
    read deleted_files(limit: i64) -> Vec<FileId> = files::deleted;
    /// Forgets deleted files whose bytes are gone.
    write forget_files(ids: Vec<FileId>) -> () = files::forget;
    /// Those of `ids` of which nothing is known.
    read unknown_files(ids: Vec<FileId>) -> Vec<FileId> = files::unknown;
}
