//! Images of people: a square out of the middle of what was sent, in two sizes.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{crop_imm, thumbnail};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, RgbaImage};
use tertulia_domain::FileId;
use tokio::task::spawn_blocking;

use super::{Images, MAX_MEMORY, MAX_PIXELS, MAX_SIZE, MAX_THUMBNAIL, decoder};
use crate::kind::format;
use crate::storage::{Object, Storage};

/// The side of the larger one, in pixels; what is smaller stays as small.
const LARGE: u32 = 512;

/// The side of the smaller one: twice what a list of people shows.
const SMALL: u32 = 96;

/// An image of somebody, made anew pixel by pixel: JPEG, or PNG where something shines through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portrait {
    /// At most 512 pixels wide and high.
    pub large: Bytes,
    /// At most 96.
    pub small: Bytes,
    /// In pixels, of the larger one.
    pub side: u32,
}

impl Images {
    /// Makes an image of somebody out of a file that is kept. `None` when it is no image, or one that
    /// is broken or too large to be looked into.
    pub async fn portrait(
        &self,
        storage: &Storage,
        id: FileId,
        size: u64,
        content_type: &str,
    ) -> Option<Portrait> {
        let format = format(content_type).filter(|_| size <= MAX_SIZE)?;
        let _permit = self.0.acquire().await.ok()?;
        let max = usize::try_from(MAX_SIZE).unwrap_or(usize::MAX);
        let bytes = match storage.read_whole(Object::Original(id), None, max).await {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, file = %id, "an image could not be read again");
                return None;
            }
        };
        // A decoder that panics has met a broken image.
        spawn_blocking(move || make(&bytes, format)).await.ok().flatten()
    }
}

pub(super) fn make(bytes: &[u8], format: ImageFormat) -> Option<Portrait> {
    let mut decoder = decoder(bytes, format)?;
    let (width, height) = decoder.dimensions();
    if width == 0
        || height == 0
        || u64::from(width) * u64::from(height) > MAX_PIXELS
        || decoder.total_bytes() > MAX_MEMORY
    {
        return None;
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder).ok()?;
    let side = width.min(height);
    let middle = crop_imm(&whole, (width - side) / 2, (height - side) / 2, side, side);
    // The square is looked at where it is: a copy of it may be as large as the whole.
    let large = if side > LARGE { thumbnail(&*middle, LARGE, LARGE) } else { middle.to_image() };
    let opaque = !whole.color().has_alpha();
    drop(whole);
    let mut large = DynamicImage::from(large);
    large.apply_orientation(orientation);
    let small = if large.width() > SMALL {
        DynamicImage::from(thumbnail(&large, SMALL, SMALL))
    } else {
        large.clone()
    };
    let side = large.width();
    Some(Portrait {
        large: encode(large.into_rgba8(), opaque)?,
        small: encode(small.into_rgba8(), opaque)?,
        side,
    })
}

fn encode(image: RgbaImage, opaque: bool) -> Option<Bytes> {
    let mut bytes = Vec::new();
    if opaque {
        let image = DynamicImage::from(image).into_rgb8();
        JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&image).ok()?;
    } else {
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).ok()?;
    }
    (bytes.len() <= MAX_THUMBNAIL).then(|| bytes.into())
}
