//! Files come to a message and go with it.

use super::Ledger;
use crate::{Fault, Faults, File, FileId, Message, MessageId, MessageKind, Rejection, UserId};

/// A file that now belongs to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Which file.
    pub file: FileId,
    /// To which message.
    pub message: MessageId,
    /// Its place among the others there, from 0.
    pub position: i16,
}

impl Ledger {
    /// The files that a message of this person brings, or what is wrong with each. Of somebody else's file nothing
    /// is said but that it is not there.
    pub(super) fn attachable(
        &self,
        owner: UserId,
        attachments: &[FileId],
    ) -> Result<Vec<File>, Rejection> {
        let mut faults = Faults::new();
        let mut files = Vec::with_capacity(attachments.len());
        for (index, id) in attachments.iter().enumerate() {
            let mut fault = |code, why| {
                faults.push(format!("attachments.{index}"), Fault::new(code, why));
            };
            match self.files.get(id).filter(|stored| stored.owner == owner) {
                None => fault("unknown_file", "a file of yours that is complete"),
                Some(stored) if stored.message.is_some() => {
                    fault("attached", "a file that belongs to no message yet");
                }
                Some(stored) => files.push(stored.file.clone()),
            }
        }
        faults.ok().map_err(Rejection::Invalid)?;
        Ok(files)
    }

    pub(super) fn attach(&mut self, message: &Message) {
        for (position, file) in (0..).zip(&message.attachments) {
            if let Some(stored) = self.files.get_mut(&file.id) {
                stored.message = Some(message.id);
            }
            self.touched.attached.push(Attached { file: file.id, message: message.id, position });
        }
    }

    /// What a message brought goes with it.
    pub(super) fn bereave(&mut self, message: MessageId) {
        let brought = |row: &super::MessageRow| row.message.kind == MessageKind::File;
        if self.messages.get(&message).is_some_and(brought) {
            self.touched.bereft.push(message);
        }
    }
}
