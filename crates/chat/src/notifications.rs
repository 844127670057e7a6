//! What one is told of, and what one wants to be told of.

use tertulia_domain::{
    Change, ChannelId, Inbox, Notification, NotificationId, NotificationSetting,
    NotificationsChange, Outcome, PageRequest,
};

use crate::{Caller, Chat, Error, InboxPage};

impl Chat {
    /// What one was told of, the newest first. Of what one may not see any more there is nothing.
    pub async fn notifications(
        &self,
        caller: &Caller,
        only_unread: bool,
        page: PageRequest,
    ) -> Result<InboxPage, Error> {
        // What has been read with its channel is read.
        self.0.marks.flush(caller.user).await;
        let found = self.0.store.notifications(caller.user, only_unread, page).await?;
        Ok(InboxPage {
            items: found.page.items,
            next: found.page.next,
            unread: found.unread,
            read_up_to: found.inbox.read_up_to,
            epoch: self.epoch().to_owned(),
            head: found.head,
        })
    }

    /// Marks one notification read.
    pub async fn read_notification(
        &self,
        caller: &Caller,
        id: NotificationId,
    ) -> Result<Notification, Error> {
        let change = NotificationsChange::Read { user: caller.user, id };
        match self.change_notifications(caller, change).await? {
            Outcome::Notification(notification) => Ok(notification),
            _ => Err(Error::internal("a notification led to something else")),
        }
    }

    /// Marks all notifications read, up to one if it is named.
    pub async fn read_notifications(
        &self,
        caller: &Caller,
        up_to: Option<NotificationId>,
    ) -> Result<Inbox, Error> {
        let change = NotificationsChange::ReadAll { user: caller.user, up_to };
        match self.change_notifications(caller, change).await? {
            Outcome::Inbox(inbox) => Ok(inbox),
            _ => Err(Error::internal("an inbox led to something else")),
        }
    }

    /// Says what one wants to be told of in a channel. All of one's devices hear of it.
    pub async fn set_notifications(
        &self,
        caller: &Caller,
        channel: ChannelId,
        setting: NotificationSetting,
    ) -> Result<NotificationSetting, Error> {
        let change = NotificationsChange::Set { channel, user: caller.user, setting };
        match self.change_notifications(caller, change).await? {
            Outcome::Member { member, .. } => Ok(member.notifications),
            _ => Err(Error::internal("a membership led to something else")),
        }
    }

    async fn change_notifications(
        &self,
        caller: &Caller,
        change: NotificationsChange,
    ) -> Result<Outcome, Error> {
        self.0.log.commit(Change::Notifications(Box::new(change)), caller).await
    }
}
