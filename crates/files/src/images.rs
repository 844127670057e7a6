//! Looks into images: how large they are, and a small one of each, made anew pixel by pixel, so that
//! nothing of what a stranger sent is in it but what can be seen.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use tertulia_domain::FileId;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::kind::format;
use crate::storage::{Object, Storage};

mod portrait;

pub use portrait::Portrait;

/// The longer side of a thumbnail, in pixels: twice what a conversation shows.
const THUMBNAIL: u32 = 480;

/// Larger images have no thumbnail: phones take 12 to 24 megapixels.
const MAX_PIXELS: u64 = 25_000_000;

/// Nor have those that take more bytes.
const MAX_SIZE: u64 = 20 * 1024 * 1024;

/// What a decoder may allocate, the image included: 25 megapixels in 16 bits a channel would not fit,
/// nor what lies about its size.
const MAX_MEMORY: u64 = 160 * 1024 * 1024;

/// Of what has no thumbnail, as much is read to find how large it is.
const HEADER: u64 = 256 * 1024;

/// The largest thumbnail: 480 × 480 pixels that do not compress.
const MAX_THUMBNAIL: usize = 2 * 1024 * 1024;

/// Looks into images, a few at a time, on threads of their own. Clones share the limit.
#[derive(Clone)]
pub struct Images(Arc<Semaphore>);

/// What was found in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels, as it is to be shown.
    pub width: u32,
    /// In pixels, as it is to be shown.
    pub height: u32,
    /// The small one: JPEG, or PNG where something shines through. `None` when the image is too
    /// large or broken.
    pub thumbnail: Option<Bytes>,
}

impl Images {
    /// As many at a time as a quarter of the cores, and at least one: each may take 200 MiB.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self(Arc::new(Semaphore::new((cores / 4).clamp(1, 4))))
    }

    /// Looks into a file that is kept. `None` when it is no image, or so broken that nobody can say
    /// how large it is.
    pub async fn look(
        &self,
        storage: &Storage,
        id: FileId,
        size: u64,
        content_type: &str,
    ) -> Option<Picture> {
        let format = format(content_type)?;
        let _permit = self.0.acquire().await.ok()?;
        let (range, whole) = if size <= MAX_SIZE { (None, true) } else { (Some(0..HEADER), false) };
        let max = usize::try_from(MAX_SIZE).unwrap_or(usize::MAX);
        let bytes = match storage.read_whole(Object::Original(id), range, max).await {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, file = %id, "an image could not be read again");
                return None;
            }
        };
        // A decoder that panics has met a broken image.
        spawn_blocking(move || look_into(&bytes, format, whole)).await.ok().flatten()
    }
}

impl Default for Images {
    fn default() -> Self {
        Self::new()
    }
}

/// Only the decoder of what the file begins with is asked.
fn decoder(bytes: &[u8], format: ImageFormat) -> Option<impl ImageDecoder + '_> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    reader.into_decoder().ok()
}

fn look_into(bytes: &[u8], format: ImageFormat, whole: bool) -> Option<Picture> {
    let mut decoder = decoder(bytes, format)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return None;
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let fits =
        u64::from(width) * u64::from(height) <= MAX_PIXELS && decoder.total_bytes() <= MAX_MEMORY;
    let thumbnail = if whole && fits { thumbnail(decoder, orientation) } else { None };
    let (width, height) = if turns(orientation) { (height, width) } else { (width, height) };
    Some(Picture { width, height, thumbnail })
}

fn thumbnail(decoder: impl ImageDecoder, orientation: Orientation) -> Option<Bytes> {
    let whole = DynamicImage::from_decoder(decoder).ok()?;
    let mut small = if whole.width().max(whole.height()) > THUMBNAIL {
        whole.thumbnail(THUMBNAIL, THUMBNAIL)
    } else {
        whole
    };
    small.apply_orientation(orientation);
    let mut bytes = Vec::new();
    if small.color().has_alpha() {
        let small = DynamicImage::from(small.to_rgba8());
        small.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).ok()?;
    } else {
        let small = small.to_rgb8();
        JpegEncoder::new_with_quality(&mut bytes, 80).encode_image(&small).ok()?;
    }
    (bytes.len() <= MAX_THUMBNAIL).then(|| bytes.into())
}

/// Whether what is stored as wide is to be shown as high.
fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

#[cfg(test)]
mod tests;
