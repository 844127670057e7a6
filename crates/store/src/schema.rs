//! The tables, one text for both databases. A test holds both migrations against it.

macro_rules! tables {
    ($($name:ident ($($key:ident),+) { $($column:ident -> $ty:ty,)+ })+) => {
        $(diesel::table! {
            use diesel::sql_types::{BigInt, Binary, Integer, Nullable, SmallInt, Text};
            use crate::types::{DbTime, DbUuid};

            $name ($($key),+) { $($column -> $ty,)+ }
        })+

        diesel::allow_tables_to_appear_in_same_query!($($name,)+);
    };
}

tables! {
    meta (key) {
        key -> Text,
        value -> Text,
    }
    users (id) {
        id -> DbUuid,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        display_name -> Text,
        bio -> Text,
        password_hash -> Nullable<Text>,
        role -> SmallInt,
        disabled_at -> Nullable<DbTime>,
        created_at -> DbTime,
        kind -> SmallInt,
        skeleton -> Nullable<Text>,
        avatar_id -> Nullable<DbUuid>,
    }
    erasures (user_id) {
        user_id -> DbUuid,
        messages -> SmallInt,
        channel_id -> Nullable<DbUuid>,
        seq -> BigInt,
        requested_at -> DbTime,
    }
    audit_log (id) {
        id -> DbUuid,
        at -> DbTime,
        actor_id -> Nullable<DbUuid>,
        action -> Text,
        target_id -> Nullable<DbUuid>,
        address -> Text,
        result -> SmallInt,
        detail -> Text,
    }
    sessions (id) {
        id -> DbUuid,
        user_id -> DbUuid,
        user_agent -> Text,
        address -> Text,
        created_at -> DbTime,
        last_used_at -> DbTime,
        expires_at -> DbTime,
        ended_at -> Nullable<DbTime>,
        rev -> Nullable<BigInt>,
    }
    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> DbUuid,
        issued_at -> DbTime,
        used_at -> Nullable<DbTime>,
    }
    tickets (hash) {
        hash -> Binary,
        session_id -> DbUuid,
        expires_at -> DbTime,
    }
    feeds (id) {
        id -> DbUuid,
        head -> BigInt,
        last_seq -> BigInt,
        last_uncounted_seq -> BigInt,
        moved_at -> DbTime,
    }
    channels (id) {
        id -> DbUuid,
        kind -> SmallInt,
        name -> Nullable<Text>,
        name_key -> Nullable<Text>,
        description -> Text,
        owner_id -> Nullable<DbUuid>,
        direct_a -> Nullable<DbUuid>,
        direct_b -> Nullable<DbUuid>,
        created_at -> DbTime,
        updated_at -> DbTime,
        deleted_at -> Nullable<DbTime>,
        rev -> BigInt,
        messages_purged_at -> Nullable<DbTime>,
        members_purged_at -> Nullable<DbTime>,
        topic -> Text,
        posting -> SmallInt,
        slow_mode_seconds -> Integer,
        archived_at -> Nullable<DbTime>,
    }
    horizons (feed_id) {
        feed_id -> DbUuid,
        rev -> BigInt,
    }
    idempotency_keys (key) {
        key -> DbUuid,
        digest -> Binary,
        channel_id -> DbUuid,
    }
    members (channel_id, user_id) {
        channel_id -> DbUuid,
        user_id -> DbUuid,
        role -> SmallInt,
        state -> SmallInt,
        joined_at -> DbTime,
        rev -> BigInt,
        user_rev -> BigInt,
        read_seq -> BigInt,
        joined_rev -> BigInt,
        muted_until -> Nullable<DbTime>,
        banned_until -> Nullable<DbTime>,
        said_at -> Nullable<DbTime>,
        seen_seq -> BigInt,
        delivered_seq -> BigInt,
        level -> SmallInt,
        quiet_until -> Nullable<DbTime>,
        entered -> BigInt,
    }
    statuses (user_id) {
        user_id -> DbUuid,
        chosen -> SmallInt,
        text -> Text,
        emoji -> Nullable<Text>,
        expires_at -> Nullable<DbTime>,
        receipts -> SmallInt,
        last_seen -> SmallInt,
        seen_at -> Nullable<DbTime>,
        user_rev -> BigInt,
    }
    drafts (user_id, channel_id, reply_to) {
        user_id -> DbUuid,
        channel_id -> DbUuid,
        reply_to -> DbUuid,
        content -> Text,
        attachments -> Binary,
        written -> SmallInt,
        updated_at -> DbTime,
        user_rev -> BigInt,
    }
    bans (channel_id, user_id) {
        channel_id -> DbUuid,
        user_id -> DbUuid,
        reason -> Text,
        by_id -> DbUuid,
        created_at -> DbTime,
        expires_at -> Nullable<DbTime>,
    }
    invites (id) {
        id -> DbUuid,
        channel_id -> DbUuid,
        hash -> Binary,
        by_id -> DbUuid,
        created_at -> DbTime,
        expires_at -> Nullable<DbTime>,
        max_uses -> Nullable<Integer>,
        uses -> Integer,
    }
    invitations (channel_id, user_id) {
        channel_id -> DbUuid,
        user_id -> DbUuid,
        kind -> SmallInt,
        name -> Nullable<Text>,
        by_id -> DbUuid,
        created_at -> DbTime,
        state -> SmallInt,
        user_rev -> BigInt,
    }
    messages (id) {
        id -> DbUuid,
        channel_id -> DbUuid,
        seq -> BigInt,
        rev -> BigInt,
        author_id -> DbUuid,
        kind -> SmallInt,
        content -> Text,
        reply_to -> Nullable<DbUuid>,
        digest -> Binary,
        version -> Integer,
        created_at -> DbTime,
        edited_at -> Nullable<DbTime>,
        deleted_at -> Nullable<DbTime>,
        thread_id -> Nullable<DbUuid>,
        reply_count -> BigInt,
        last_reply_at -> Nullable<DbTime>,
        pinned_at -> Nullable<DbTime>,
        pinned_by -> Nullable<DbUuid>,
        mentioned -> Nullable<Binary>,
        mentions_channel -> SmallInt,
    }
    mentions (user_id, channel_id, seq) {
        user_id -> DbUuid,
        channel_id -> DbUuid,
        seq -> BigInt,
        message_id -> DbUuid,
        counted -> SmallInt,
    }
    notifications (id) {
        id -> DbUuid,
        user_id -> DbUuid,
        kind -> SmallInt,
        channel_id -> DbUuid,
        message_id -> Nullable<DbUuid>,
        seq -> Nullable<BigInt>,
        actor_id -> DbUuid,
        created_at -> DbTime,
        made -> BigInt,
        read_at -> Nullable<DbTime>,
        user_rev -> BigInt,
    }
    inboxes (user_id) {
        user_id -> DbUuid,
        read_up_to -> BigInt,
        user_rev -> BigInt,
    }
    due_notifications (message_id, audience) {
        message_id -> DbUuid,
        audience -> SmallInt,
        channel_id -> DbUuid,
        rev -> BigInt,
        after_id -> Nullable<DbUuid>,
    }
    message_edits (message_id, version) {
        message_id -> DbUuid,
        version -> Integer,
        content -> Text,
        said_at -> DbTime,
    }
    thread_follows (message_id, user_id) {
        message_id -> DbUuid,
        user_id -> DbUuid,
        following -> SmallInt,
    }
    reaction_counts (message_id, emoji) {
        message_id -> DbUuid,
        emoji -> Text,
        channel_id -> DbUuid,
        count -> BigInt,
        rev -> BigInt,
    }
    reactions (message_id, user_id, emoji) {
        message_id -> DbUuid,
        user_id -> DbUuid,
        emoji -> Text,
        mine -> SmallInt,
        user_rev -> BigInt,
    }
    buried (message_id) {
        message_id -> DbUuid,
    }
    files (id) {
        id -> DbUuid,
        owner_id -> DbUuid,
        name -> Text,
        size -> BigInt,
        content_type -> Text,
        sha256 -> Binary,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        thumbnail -> SmallInt,
        state -> SmallInt,
        message_id -> Nullable<DbUuid>,
        position -> SmallInt,
        created_at -> DbTime,
        deleted_at -> Nullable<DbTime>,
        avatar -> SmallInt,
    }
    search_entries (no) {
        no -> BigInt,
        message_id -> DbUuid,
        channel_id -> DbUuid,
        version -> Integer,
    }
    search_chunks (chunk) {
        chunk -> BigInt,
        oldest -> DbTime,
        newest -> DbTime,
    }
    search_cursors (channel_id) {
        channel_id -> DbUuid,
        rev -> BigInt,
    }
    search_state (id) {
        id -> BigInt,
        next_no -> BigInt,
        older_than -> Nullable<DbUuid>,
        older_no -> BigInt,
    }
}
