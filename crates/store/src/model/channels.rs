//! What moderators see, and what leads into a channel.

use tertulia_domain::{Ban, Invite, Profile};

use super::Place;

/// A ban, and whose it is.
#[derive(Clone, Debug)]
pub struct BannedUser {
    /// The ban.
    pub ban: Ban,
    /// Who is banned.
    pub user: Profile,
}

/// Where a link leads.
#[derive(Clone, Debug)]
pub struct Door {
    /// The link, which may be good no more.
    pub invite: Invite,
    /// The channel, and the place of the person who looks.
    pub place: Place,
    /// How many are in the channel.
    pub members: i64,
}
