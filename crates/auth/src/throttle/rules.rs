//! What is limited: one row a rule, and why its numbers are what they are.

use super::Limit;

/// For whom a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// An IPv4 address, or the /64 of an IPv6 address.
    Address,
    /// An account from one address: nobody can use it up for somebody who is elsewhere.
    AccountAndAddress,
    /// An account, on all of its devices.
    Account,
    /// A signed-in device.
    Session,
    /// One open socket.
    Socket,
    /// An account in one channel.
    AccountAndChannel,
    /// An account at one message.
    AccountAndMessage,
}

impl Scope {
    /// As clients read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::AccountAndAddress => "account_and_address",
            Self::Account => "account",
            Self::Session => "session",
            Self::Socket => "socket",
            Self::AccountAndChannel => "account_and_channel",
            Self::AccountAndMessage => "account_and_message",
        }
    }
}

macro_rules! rules {
    ($($(#[doc = $counts:literal])+ $rule:ident($name:literal, $scope:ident, $burst:literal / $seconds:literal s);)+) => {
        /// What is limited. The defaults are such that people do not meet them; each comment ends
        /// with what they come from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $($(#[doc = $counts])+ $rule,)+
        }

        impl Rule {
            /// All of them, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];

            /// As headers, settings (`LIMIT_` and the name in capitals) and clients call it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name),+ }
            }

            /// For whom it counts.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$rule => Scope::$scope),+ }
            }

            /// What holds unless the settings say otherwise.
            pub const fn default_limit(self) -> Limit {
                match self { $(Self::$rule => Limit::of($burst, $seconds)),+ }
            }
        }
    };
}

rules! {
    /// Requests without a good access token. They are counted before anything is looked up. An
    /// office of 200 that comes back at once asks for some ten things each; 100 in a second are a
    /// few per cent of a core.
    Anonymous("anonymous", Address, 2000 / 20 s);
    /// Questions whether the server is ready, apart from all others, so that nobody can make it look
    /// as if it were not. Balancers ask every few seconds.
    Readiness("readiness", Address, 100 / 10 s);
    /// Requests with a good access token. A client that comes back to 500 channels asks once or
    /// twice for each.
    Requests("requests", Account, 2000 / 40 s);
    /// The same of one device: one that runs wild leaves room for the others.
    Session("session", Session, 1000 / 40 s);
    /// Frames of one socket. A client that comes back to 2,000 channels, the most that one has in
    /// the benchmarks, syncs each at once.
    Frames("frames", Socket, 3000 / 30 s);
    /// Sockets that are opened. A network that flaps opens one a second on a few devices.
    Sockets("sockets", Account, 100 / 60 s);
    /// Messages in all channels together. Nobody types five in a second; a device that was away may
    /// have some to send.
    Messages("messages", Account, 300 / 60 s);
    /// Messages to one channel. The fastest typists send two lines in a second, for some seconds.
    ChannelMessages("channel_messages", AccountAndChannel, 100 / 50 s);
    /// Reactions, given and taken back. A click takes a quarter of a second.
    Reactions("reactions", Account, 200 / 50 s);
    /// The same at one message, which has at most 50 different ones.
    MessageReactions("message_reactions", AccountAndMessage, 60 / 60 s);
    /// Drafts. Clients save one at each pause in typing, three times in a second at most.
    Drafts("drafts", Account, 300 / 100 s);
    /// All else that is written: edits, members, settings. Who tidies a channel clicks twice in a
    /// second.
    Changes("changes", Account, 300 / 150 s);
    /// Lists of people and channels by the beginning of a name, people by their name, and searches.
    /// One for each key that is typed, ten a second for some seconds.
    Searches("searches", Account, 120 / 60 s);
    /// Files that are sent. The pictures of a holiday, and then one in five seconds.
    Uploads("uploads", Account, 200 / 1000 s);
    /// Conversations and groups that are begun; those that are found do not count. Who is new in a
    /// company writes to their department.
    Conversations("conversations", Account, 50 / 3000 s);
    /// Invitations to one's channels. As many people as a group has when it is made.
    Invitations("invitations", Account, 50 / 3000 s);
    /// Changes of one's e-mail address, each of which tells whether an address is taken. A few typing
    /// errors.
    Probes("probes", Account, 10 / 600 s);
    /// Attempts to sign in, right or wrong. A whole office behind one address that signs in at nine
    /// o'clock; one in a second is below a fiftieth of the password checks that one core makes.
    LogIns("log_ins", Address, 100 / 100 s);
    /// Wrong passwords for one account. Auth0 stops the same pair at 20 in a minute; NIST SP 800-63B,
    /// 5.2.2, wants at most 100 consecutive failures, which takes 80 minutes at this rate. NIST would
    /// then disable the password; that is not done, because anybody could do it to anybody.
    Guesses("guesses", AccountAndAddress, 20 / 1200 s);
    /// Wrong passwords of a signed-in device that is to prove once more whose it is. As many as when
    /// signing in; the owner of an open device gets it right.
    Proofs("proofs", Session, 20 / 1200 s);
    /// Registrations, guests, and other questions whether a name or an e-mail address is taken. A
    /// school class behind one address.
    Registrations("registrations", Address, 40 / 2400 s);
}

impl Rule {
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
