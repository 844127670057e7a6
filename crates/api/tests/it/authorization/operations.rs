//! The table of operations.

use super::world::Place::{self, Direct, Group, Nowhere, Private, Public};
use super::world::Who;

/// Who gets which status when they ask for an operation.
pub(super) struct Row {
    /// `METHOD /path`, as the document has it.
    pub(super) operation: &'static str,
    pub(super) place: Place,
    /// Whether the message, person or session that the path names is the caller's own.
    pub(super) own: bool,
    pub(super) expected: [u16; 8],
}

/// There is no such case: nobody can be the owner's equal in it.
pub(super) const NONE: u16 = 0;

/// The six are nobody, a stranger, a member, the owner, a former member, and an ended session. A
/// moderator is answered as a member unless the row says otherwise. Of a channel from which they
/// are banned people see nothing, even of a public one; elsewhere they are as strangers.
const fn row(operation: &'static str, place: Place, six: [u16; 6]) -> Row {
    let [nobody, stranger, member, owner, former, ended] = six;
    let (moderator, banned) = match place {
        Nowhere => (member, stranger),
        Direct => (NONE, NONE),
        Public | Private | Group => (member, 404),
    };
    let expected = [nobody, stranger, member, owner, former, ended, moderator, banned];
    Row { operation, place, own: false, expected }
}

const fn own(operation: &'static str, place: Place, six: [u16; 6]) -> Row {
    Row { own: true, ..row(operation, place, six) }
}

impl Row {
    /// What a moderator is answered.
    const fn moderator(mut self, status: u16) -> Self {
        self.expected[Who::Moderator as usize] = status;
        self
    }

    /// What somebody is answered who is banned, where it has nothing to do with that.
    const fn banned(mut self, status: u16) -> Self {
        self.expected[Who::Banned as usize] = status;
        self
    }
}

/// What has no rule of who may: it is for everybody, even for who brings a token that is no good.
const fn open(operation: &'static str, status: u16) -> Row {
    row(operation, Nowhere, [status; 6])
}

/// What every signed-in account may.
const fn signed_in(operation: &'static str, status: u16) -> Row {
    row(operation, Nowhere, [401, status, status, status, status, 401])
}

/// One row for each operation, and for each kind of channel where there is one.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    open("GET /", 200),
    open("GET /health", 200),
    open("GET /ready", 200),
    open("GET /api/v1/limits", 200),

    open("POST /api/v1/auth/register", 201),
    open("POST /api/v1/auth/login", 200),
    open("POST /api/v1/auth/refresh", 200),
    signed_in("POST /api/v1/auth/logout", 204),
    open("POST /api/v1/auth/guest", 201),
    signed_in("POST /api/v1/auth/guest/upgrade", 409), // by somebody who is no guest
    signed_in("POST /api/v1/auth/password", 204),
    signed_in("POST /api/v1/auth/email", 200),
    signed_in("POST /api/v1/auth/tickets", 201),
    signed_in("GET /api/v1/auth/me", 200),
    signed_in("GET /api/v1/auth/sessions", 200),
    signed_in("DELETE /api/v1/auth/sessions", 204),
    signed_in("DELETE /api/v1/auth/sessions/{session}", 404),
    own("DELETE /api/v1/auth/sessions/{session}", Nowhere, [401, 204, 204, 204, 204, 401]),

    signed_in("GET /api/v1/users", 200),
    signed_in("GET /api/v1/users/me", 200),
    signed_in("PATCH /api/v1/users/me", 200),
    signed_in("DELETE /api/v1/users/me", 204),
    signed_in("GET /api/v1/users/me/channels", 200),
    signed_in("GET /api/v1/users/me/changes", 200),
    signed_in("GET /api/v1/users/me/status", 200),
    signed_in("PUT /api/v1/users/me/status", 200),
    signed_in("GET /api/v1/users/me/drafts", 200),
    signed_in("GET /api/v1/users/me/invitations", 200),
    signed_in("GET /api/v1/users/by-username/{username}", 200),
    signed_in("GET /api/v1/users/{user}", 200),
    signed_in("PUT /api/v1/users/me/avatar", 200),
    signed_in("DELETE /api/v1/users/me/avatar", 204),
    // Every signed-in account sees every profile.
    signed_in("GET /api/v1/users/{user}/avatar", 200),
    signed_in("GET /api/v1/users/{user}/avatar/small", 200),
    signed_in("POST /api/v1/users/{user}/avatar/links", 201),

    signed_in("POST /api/v1/files", 201),
    // A file that belongs to no message is its owner's only.
    signed_in("GET /api/v1/files/{file}", 404),
    signed_in("GET /api/v1/files/{file}/thumbnail", 404),
    signed_in("POST /api/v1/files/{file}/links", 404),
    signed_in("DELETE /api/v1/files/{file}", 404),
    own("GET /api/v1/files/{file}", Nowhere, [NONE, 200, 200, 200, 200, 401]),
    own("GET /api/v1/files/{file}/thumbnail", Nowhere, [NONE, 200, 200, 200, 200, 401]),
    own("POST /api/v1/files/{file}/links", Nowhere, [NONE, 201, 201, 201, 201, 401]),
    own("DELETE /api/v1/files/{file}", Nowhere, [NONE, 204, 204, 204, 204, 401]),

    // What is found is another matter: the stories of `search` tell it.
    signed_in("GET /api/v1/search", 200),
    signed_in("GET /api/v1/notifications", 200),
    signed_in("POST /api/v1/notifications/read", 200),
    // One that is nobody's; `notifications.rs` has others'.
    signed_in("PUT /api/v1/notifications/{notification}/read", 404),

    signed_in("GET /api/v1/channels", 200),
    signed_in("POST /api/v1/channels", 201),
    signed_in("POST /api/v1/conversations", 201),
    signed_in("POST /api/v1/admin/claim", 403), // with a token that was never printed
    signed_in("GET /api/v1/ws", 101),

    // None of these is an admin: they are told so whether or not there is what they ask for.
    signed_in("GET /api/v1/admin/users", 403),
    signed_in("POST /api/v1/admin/users", 403),
    signed_in("GET /api/v1/admin/users/{user}", 403),
    own("GET /api/v1/admin/users/{user}", Nowhere, [401, 403, 403, 403, 403, 401]),
    signed_in("PATCH /api/v1/admin/users/{user}", 403),
    own("PATCH /api/v1/admin/users/{user}", Nowhere, [401, 403, 403, 403, 403, 401]),
    signed_in("GET /api/v1/admin/channels", 403),
    row("GET /api/v1/admin/channels/{channel}",    Public,  [401, 403, 403, 403, 403, 401]).banned(403),
    row("GET /api/v1/admin/channels/{channel}",    Private, [401, 403, 403, 403, 403, 401]).banned(403),
    row("GET /api/v1/admin/channels/{channel}",    Group,   [401, 403, 403, 403, 403, 401]).banned(403),
    row("GET /api/v1/admin/channels/{channel}",    Direct,  [401, 403, 403, 403, NONE, 401]),
    row("DELETE /api/v1/admin/channels/{channel}", Public,  [401, 403, 403, 403, 403, 401]).banned(403),
    row("DELETE /api/v1/admin/channels/{channel}", Private, [401, 403, 403, 403, 403, 401]).banned(403),
    row("DELETE /api/v1/admin/channels/{channel}", Group,   [401, 403, 403, 403, 403, 401]).banned(403),
    row("DELETE /api/v1/admin/channels/{channel}", Direct,  [401, 403, 403, 403, NONE, 401]),
    signed_in("GET /api/v1/admin/statistics", 403),
    signed_in("GET /api/v1/admin/audit", 403),

    //                                                        nobody stranger member owner former ended
    row("GET /api/v1/channels/{channel}",            Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/channels/{channel}",            Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}",            Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}",            Direct,  [401, 404, 200, 200, NONE, 401]),

    row("PATCH /api/v1/channels/{channel}",          Public,  [401, 403, 403, 200, 403, 401]).moderator(200),
    row("PATCH /api/v1/channels/{channel}",          Private, [401, 404, 403, 200, 404, 401]).moderator(200),
    row("PATCH /api/v1/channels/{channel}",          Group,   [401, 404, 200, 200, 404, 401]),
    row("PATCH /api/v1/channels/{channel}",          Direct,  [401, 404, 403, 403, NONE, 401]),

    row("DELETE /api/v1/channels/{channel}",         Public,  [401, 403, 403, 204, 403, 401]),
    row("DELETE /api/v1/channels/{channel}",         Private, [401, 404, 403, 204, 404, 401]),
    row("DELETE /api/v1/channels/{channel}",         Group,   [401, 404, 403, 204, 404, 401]),
    row("DELETE /api/v1/channels/{channel}",         Direct,  [401, 404, 403, 403, NONE, 401]),

    // Who is in the channel already comes in without a change.
    row("POST /api/v1/channels/{channel}/join",      Public,  [401, 200, 200, 200, 200, 401]),
    row("POST /api/v1/channels/{channel}/join",      Private, [401, 404, 200, 200, 404, 401]),
    row("POST /api/v1/channels/{channel}/join",      Group,   [401, 404, 200, 200, 404, 401]),
    row("POST /api/v1/channels/{channel}/join",      Direct,  [401, 404, 200, 200, NONE, 401]),

    row("POST /api/v1/channels/{channel}/leave",     Public,  [401, 409, 204, 403, 409, 401]),
    row("POST /api/v1/channels/{channel}/leave",     Private, [401, 404, 204, 403, 404, 401]),
    row("POST /api/v1/channels/{channel}/leave",     Group,   [401, 404, 204, 204, 404, 401]),
    row("POST /api/v1/channels/{channel}/leave",     Direct,  [401, 404, 403, 403, NONE, 401]),

    row("GET /api/v1/channels/{channel}/members",    Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/channels/{channel}/members",    Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/members",    Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/members",    Direct,  [401, 404, 200, 200, NONE, 401]),

    row("POST /api/v1/channels/{channel}/members",   Public,  [401, 403, 403, 201, 403, 401]).moderator(201),
    row("POST /api/v1/channels/{channel}/members",   Private, [401, 404, 403, 201, 404, 401]).moderator(201),
    row("POST /api/v1/channels/{channel}/members",   Group,   [401, 404, 201, 201, 404, 401]),
    row("POST /api/v1/channels/{channel}/members",   Direct,  [401, 404, 403, 403, NONE, 401]),

    row("DELETE /api/v1/channels/{channel}/members/{user}", Public,  [401, 403, 403, 204, 403, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/members/{user}", Private, [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/members/{user}", Group,   [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/members/{user}", Direct,  [401, 404, 403, 403, NONE, 401]),
    // Oneself: that is leaving, and has its own operation.
    own("DELETE /api/v1/channels/{channel}/members/{user}", Public,  [401, 403, 403, 403, 403, 401]),
    own("DELETE /api/v1/channels/{channel}/members/{user}", Private, [401, 404, 403, 403, 404, 401]),
    own("DELETE /api/v1/channels/{channel}/members/{user}", Group,   [401, 404, 403, 403, 404, 401]),

    row("PUT /api/v1/channels/{channel}/members/{user}", Public,  [401, 403, 403, 200, 403, 401]),
    row("PUT /api/v1/channels/{channel}/members/{user}", Private, [401, 404, 403, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/members/{user}", Group,   [401, 404, 403, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/members/{user}", Direct,  [401, 404, 403, 403, NONE, 401]),
    own("PUT /api/v1/channels/{channel}/members/{user}", Public,  [401, 403, 403, 403, 403, 401]),

    row("PUT /api/v1/channels/{channel}/owner",      Public,  [401, 403, 403, 200, 403, 401]),
    row("PUT /api/v1/channels/{channel}/owner",      Private, [401, 404, 403, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/owner",      Group,   [401, 404, 403, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/owner",      Direct,  [401, 404, 403, 403, NONE, 401]),

    row("PUT /api/v1/channels/{channel}/members/{user}/mute", Public,  [401, 403, 403, 200, 403, 401]).moderator(200),
    row("PUT /api/v1/channels/{channel}/members/{user}/mute", Private, [401, 404, 403, 200, 404, 401]).moderator(200),
    row("PUT /api/v1/channels/{channel}/members/{user}/mute", Group,   [401, 404, 403, 200, 404, 401]).moderator(200),
    row("PUT /api/v1/channels/{channel}/members/{user}/mute", Direct,  [401, 404, 403, 403, NONE, 401]),
    own("PUT /api/v1/channels/{channel}/members/{user}/mute", Public,  [401, 403, 403, 403, 403, 401]),

    row("DELETE /api/v1/channels/{channel}/members/{user}/mute", Public,  [401, 403, 403, 204, 403, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/members/{user}/mute", Private, [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/members/{user}/mute", Group,   [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/members/{user}/mute", Direct,  [401, 404, 403, 403, NONE, 401]),
    own("DELETE /api/v1/channels/{channel}/members/{user}/mute", Public,  [401, 403, 403, 403, 403, 401]),

    row("GET /api/v1/channels/{channel}/bans",       Public,  [401, 403, 403, 200, 403, 401]).moderator(200),
    row("GET /api/v1/channels/{channel}/bans",       Private, [401, 404, 403, 200, 404, 401]).moderator(200),
    row("GET /api/v1/channels/{channel}/bans",       Group,   [401, 404, 403, 200, 404, 401]).moderator(200),
    row("GET /api/v1/channels/{channel}/bans",       Direct,  [401, 404, 403, 403, NONE, 401]),

    row("PUT /api/v1/channels/{channel}/bans/{user}", Public,  [401, 403, 403, 201, 403, 401]).moderator(201),
    row("PUT /api/v1/channels/{channel}/bans/{user}", Private, [401, 404, 403, 201, 404, 401]).moderator(201),
    row("PUT /api/v1/channels/{channel}/bans/{user}", Group,   [401, 404, 403, 201, 404, 401]).moderator(201),
    row("PUT /api/v1/channels/{channel}/bans/{user}", Direct,  [401, 404, 403, 403, NONE, 401]),
    own("PUT /api/v1/channels/{channel}/bans/{user}", Public,  [401, 403, 403, 403, 403, 401]),

    // The fellow is not banned.
    row("DELETE /api/v1/channels/{channel}/bans/{user}", Public,  [401, 403, 403, 404, 403, 401]).moderator(404),
    row("DELETE /api/v1/channels/{channel}/bans/{user}", Private, [401, 404, 403, 404, 404, 401]).moderator(404),
    row("DELETE /api/v1/channels/{channel}/bans/{user}", Group,   [401, 404, 403, 404, 404, 401]).moderator(404),
    row("DELETE /api/v1/channels/{channel}/bans/{user}", Direct,  [401, 404, 403, 403, NONE, 401]),

    row("GET /api/v1/channels/{channel}/invites",    Public,  [401, 403, 403, 200, 403, 401]).moderator(200),
    row("GET /api/v1/channels/{channel}/invites",    Private, [401, 404, 403, 200, 404, 401]).moderator(200),
    row("GET /api/v1/channels/{channel}/invites",    Group,   [401, 404, 403, 200, 404, 401]).moderator(200),
    row("GET /api/v1/channels/{channel}/invites",    Direct,  [401, 404, 403, 403, NONE, 401]),

    row("POST /api/v1/channels/{channel}/invites",   Public,  [401, 403, 403, 201, 403, 401]).moderator(201),
    row("POST /api/v1/channels/{channel}/invites",   Private, [401, 404, 403, 201, 404, 401]).moderator(201),
    row("POST /api/v1/channels/{channel}/invites",   Group,   [401, 404, 403, 201, 404, 401]).moderator(201),
    row("POST /api/v1/channels/{channel}/invites",   Direct,  [401, 404, 403, 403, NONE, 401]),

    // There is no such link.
    row("DELETE /api/v1/channels/{channel}/invites/{invite}", Public,  [401, 403, 403, 404, 403, 401]).moderator(404),
    row("DELETE /api/v1/channels/{channel}/invites/{invite}", Private, [401, 404, 403, 404, 404, 401]).moderator(404),
    row("DELETE /api/v1/channels/{channel}/invites/{invite}", Group,   [401, 404, 403, 404, 404, 401]).moderator(404),
    row("DELETE /api/v1/channels/{channel}/invites/{invite}", Direct,  [401, 404, 403, 403, NONE, 401]),

    row("POST /api/v1/channels/{channel}/invitations", Public,  [401, 403, 201, 201, 403, 401]),
    row("POST /api/v1/channels/{channel}/invitations", Private, [401, 404, 403, 201, 404, 401]).moderator(201),
    row("POST /api/v1/channels/{channel}/invitations", Group,   [401, 404, 201, 201, 404, 401]),
    row("POST /api/v1/channels/{channel}/invitations", Direct,  [401, 404, 403, 403, NONE, 401]),

    // Nobody is invited.
    row("POST /api/v1/users/me/invitations/{channel}/accept",  Public,  [401, 404, 404, 404, 404, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/accept",  Private, [401, 404, 404, 404, 404, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/accept",  Group,   [401, 404, 404, 404, 404, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/accept",  Direct,  [401, 404, 404, 404, NONE, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/decline", Public,  [401, 404, 404, 404, 404, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/decline", Private, [401, 404, 404, 404, 404, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/decline", Group,   [401, 404, 404, 404, 404, 401]),
    row("POST /api/v1/users/me/invitations/{channel}/decline", Direct,  [401, 404, 404, 404, NONE, 401]),

    // With a code that was never given out; `invites.rs` has the others.
    signed_in("GET /api/v1/invites/{code}", 404),
    signed_in("POST /api/v1/invites/{code}/join", 404),

    row("GET /api/v1/channels/{channel}/messages",   Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/channels/{channel}/messages",   Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/messages",   Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/messages",   Direct,  [401, 404, 200, 200, NONE, 401]),

    row("POST /api/v1/channels/{channel}/messages",  Public,  [401, 403, 201, 201, 403, 401]),
    row("POST /api/v1/channels/{channel}/messages",  Private, [401, 404, 201, 201, 404, 401]),
    row("POST /api/v1/channels/{channel}/messages",  Group,   [401, 404, 201, 201, 404, 401]),
    row("POST /api/v1/channels/{channel}/messages",  Direct,  [401, 404, 201, 201, NONE, 401]),

    row("PUT /api/v1/channels/{channel}/read",             Public,  [401, 403, 200, 200, 403, 401]),
    row("PUT /api/v1/channels/{channel}/read",             Private, [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/read",             Group,   [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/read",             Direct,  [401, 404, 200, 200, NONE, 401]),
    row("PUT /api/v1/channels/{channel}/draft",            Public,  [401, 403, 200, 200, 403, 401]),
    row("PUT /api/v1/channels/{channel}/draft",            Private, [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/draft",            Group,   [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/draft",            Direct,  [401, 404, 200, 200, NONE, 401]),
    row("DELETE /api/v1/channels/{channel}/draft",         Public,  [401, 403, 204, 204, 403, 401]),
    row("DELETE /api/v1/channels/{channel}/draft",         Private, [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/channels/{channel}/draft",         Group,   [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/channels/{channel}/draft",         Direct,  [401, 404, 204, 204, NONE, 401]),
    row("POST /api/v1/channels/{channel}/unread",          Public,  [401, 403, 200, 200, 403, 401]),
    row("POST /api/v1/channels/{channel}/unread",          Private, [401, 404, 200, 200, 404, 401]),
    row("POST /api/v1/channels/{channel}/unread",          Group,   [401, 404, 200, 200, 404, 401]),
    row("POST /api/v1/channels/{channel}/unread",          Direct,  [401, 404, 200, 200, NONE, 401]),
    row("GET /api/v1/channels/{channel}/reads",            Public,  [401, 403, 200, 200, 403, 401]),
    row("GET /api/v1/channels/{channel}/reads",            Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/reads",            Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/reads",            Direct,  [401, 404, 200, 200, NONE, 401]),
    row("GET /api/v1/messages/{message}/reads",            Public,  [401, 403, 200, 200, 403, 401]),
    row("GET /api/v1/messages/{message}/reads",            Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/reads",            Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/reads",            Direct,  [401, 404, 200, 200, NONE, 401]),
    row("PUT /api/v1/channels/{channel}/notifications", Public,  [401, 403, 200, 200, 403, 401]),
    row("PUT /api/v1/channels/{channel}/notifications", Private, [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/notifications", Group,   [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/channels/{channel}/notifications", Direct,  [401, 404, 200, 200, NONE, 401]),

    row("GET /api/v1/channels/{channel}/changes",    Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/channels/{channel}/changes",    Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/changes",    Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/changes",    Direct,  [401, 404, 200, 200, NONE, 401]),

    row("GET /api/v1/messages/{message}",            Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/messages/{message}",            Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}",            Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}",            Direct,  [401, 404, 200, 200, NONE, 401]),
    own("GET /api/v1/messages/{message}",            Public,  [NONE, NONE, 200, 200, 200, 401]),
    own("GET /api/v1/messages/{message}",            Private, [NONE, NONE, 200, 200, 404, 401]),

    row("PATCH /api/v1/messages/{message}",          Public,  [401, 403, 403, 403, 403, 401]),
    row("PATCH /api/v1/messages/{message}",          Private, [401, 404, 403, 403, 404, 401]),
    row("PATCH /api/v1/messages/{message}",          Group,   [401, 404, 403, 403, 404, 401]),
    row("PATCH /api/v1/messages/{message}",          Direct,  [401, 404, 403, 403, NONE, 401]),
    own("PATCH /api/v1/messages/{message}",          Public,  [NONE, NONE, 200, 200, 403, 401]),
    own("PATCH /api/v1/messages/{message}",          Private, [NONE, NONE, 200, 200, 404, 401]),
    own("PATCH /api/v1/messages/{message}",          Group,   [NONE, NONE, 200, 200, 404, 401]),
    own("PATCH /api/v1/messages/{message}",          Direct,  [NONE, NONE, 200, 200, NONE, 401]),

    row("DELETE /api/v1/messages/{message}",         Public,  [401, 403, 403, 204, 403, 401]).moderator(204),
    row("DELETE /api/v1/messages/{message}",         Private, [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/messages/{message}",         Group,   [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/messages/{message}",         Direct,  [401, 404, 403, 403, NONE, 401]),
    own("DELETE /api/v1/messages/{message}",         Public,  [NONE, NONE, 204, 204, 403, 401]),
    own("DELETE /api/v1/messages/{message}",         Private, [NONE, NONE, 204, 204, 404, 401]),
    own("DELETE /api/v1/messages/{message}",         Group,   [NONE, NONE, 204, 204, 404, 401]),
    own("DELETE /api/v1/messages/{message}",         Direct,  [NONE, NONE, 204, 204, NONE, 401]),

    row("GET /api/v1/messages/{message}/edits",               Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/messages/{message}/edits",               Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/edits",               Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/edits",               Direct,  [401, 404, 200, 200, NONE, 401]),

    row("GET /api/v1/channels/{channel}/pins",                Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/channels/{channel}/pins",                Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/pins",                Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/channels/{channel}/pins",                Direct,  [401, 404, 200, 200, NONE, 401]),

    row("PUT /api/v1/channels/{channel}/pins/{message}",      Public,  [401, 403, 403, 204, 403, 401]).moderator(204),
    row("PUT /api/v1/channels/{channel}/pins/{message}",      Private, [401, 404, 403, 204, 404, 401]).moderator(204),
    row("PUT /api/v1/channels/{channel}/pins/{message}",      Group,   [401, 404, 204, 204, 404, 401]),
    row("PUT /api/v1/channels/{channel}/pins/{message}",      Direct,  [401, 404, 204, 204, NONE, 401]),

    row("DELETE /api/v1/channels/{channel}/pins/{message}",   Public,  [401, 403, 403, 204, 403, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/pins/{message}",   Private, [401, 404, 403, 204, 404, 401]).moderator(204),
    row("DELETE /api/v1/channels/{channel}/pins/{message}",   Group,   [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/channels/{channel}/pins/{message}",   Direct,  [401, 404, 204, 204, NONE, 401]),

    row("GET /api/v1/messages/{message}/replies",            Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/messages/{message}/replies",            Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/replies",            Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/replies",            Direct,  [401, 404, 200, 200, NONE, 401]),

    row("PUT /api/v1/messages/{message}/follow",             Public,  [401, 403, 204, 204, 403, 401]),
    row("PUT /api/v1/messages/{message}/follow",             Private, [401, 404, 204, 204, 404, 401]),
    row("PUT /api/v1/messages/{message}/follow",             Group,   [401, 404, 204, 204, 404, 401]),
    row("PUT /api/v1/messages/{message}/follow",             Direct,  [401, 404, 204, 204, NONE, 401]),

    row("DELETE /api/v1/messages/{message}/follow",          Public,  [401, 403, 204, 204, 403, 401]),
    row("DELETE /api/v1/messages/{message}/follow",          Private, [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/messages/{message}/follow",          Group,   [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/messages/{message}/follow",          Direct,  [401, 404, 204, 204, NONE, 401]),

    row("GET /api/v1/messages/{message}/reactions/{emoji}",    Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/messages/{message}/reactions/{emoji}",    Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/reactions/{emoji}",    Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/messages/{message}/reactions/{emoji}",    Direct,  [401, 404, 200, 200, NONE, 401]),

    row("PUT /api/v1/messages/{message}/reactions/{emoji}",    Public,  [401, 403, 200, 200, 403, 401]),
    row("PUT /api/v1/messages/{message}/reactions/{emoji}",    Private, [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/messages/{message}/reactions/{emoji}",    Group,   [401, 404, 200, 200, 404, 401]),
    row("PUT /api/v1/messages/{message}/reactions/{emoji}",    Direct,  [401, 404, 200, 200, NONE, 401]),

    row("DELETE /api/v1/messages/{message}/reactions/{emoji}", Public,  [401, 403, 204, 204, 403, 401]),
    row("DELETE /api/v1/messages/{message}/reactions/{emoji}", Private, [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/messages/{message}/reactions/{emoji}", Group,   [401, 404, 204, 204, 404, 401]),
    row("DELETE /api/v1/messages/{message}/reactions/{emoji}", Direct,  [401, 404, 204, 204, NONE, 401]),

    row("GET /api/v1/files/{file}",                      Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/files/{file}",                      Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/files/{file}",                      Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/files/{file}",                      Direct,  [401, 404, 200, 200, NONE, 401]),
    // What one has sent oneself stays one's own.
    own("GET /api/v1/files/{file}",                      Public,  [NONE, NONE, 200, 200, 200, 401]).banned(NONE),
    own("GET /api/v1/files/{file}",                      Private, [NONE, NONE, 200, 200, 200, 401]).banned(NONE),

    row("GET /api/v1/files/{file}/thumbnail",            Public,  [401, 200, 200, 200, 200, 401]),
    row("GET /api/v1/files/{file}/thumbnail",            Private, [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/files/{file}/thumbnail",            Group,   [401, 404, 200, 200, 404, 401]),
    row("GET /api/v1/files/{file}/thumbnail",            Direct,  [401, 404, 200, 200, NONE, 401]),

    row("POST /api/v1/files/{file}/links",               Public,  [401, 201, 201, 201, 201, 401]),
    row("POST /api/v1/files/{file}/links",               Private, [401, 404, 201, 201, 404, 401]),
    row("POST /api/v1/files/{file}/links",               Group,   [401, 404, 201, 201, 404, 401]),
    row("POST /api/v1/files/{file}/links",               Direct,  [401, 404, 201, 201, NONE, 401]),

    row("DELETE /api/v1/files/{file}",                   Public,  [401, 403, 403, 403, 403, 401]),
    row("DELETE /api/v1/files/{file}",                   Private, [401, 404, 403, 403, 404, 401]),
    row("DELETE /api/v1/files/{file}",                   Group,   [401, 404, 403, 403, 404, 401]),
    row("DELETE /api/v1/files/{file}",                   Direct,  [401, 404, 403, 403, NONE, 401]),
    // It goes with its message.
    own("DELETE /api/v1/files/{file}",                   Public,  [NONE, NONE, 409, 409, 409, 401]).banned(NONE),
    own("DELETE /api/v1/files/{file}",                   Private, [NONE, NONE, 409, 409, 409, 401]).banned(NONE),
];
