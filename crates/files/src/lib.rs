//! Where the bytes of files are: a folder or an S3-compatible bucket, and what can be told of a
//! file by looking into it. Who may read one is not known here, nor what it is called: an object is
//! named by a file's id.

mod error;
mod images;
mod kind;
mod location;
mod storage;
mod writer;

pub use error::Error;
pub use images::{Images, Picture, Portrait};
pub use kind::{is_image, of as content_type};
pub use location::{Credentials, Location};
pub use storage::{Content, Object, Storage};
pub use writer::{Writer, Written, digest};
