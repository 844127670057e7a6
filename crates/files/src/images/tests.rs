use image::{Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

/// A PNG that says that it has 50,000 × 50,000 pixels.
const BOMB: &[u8] = include_bytes!("tests/bomb.png");

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.into().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn look(bytes: &[u8], format: ImageFormat) -> Option<Picture> {
    look_into(bytes, format, true)
}

fn small(picture: &Picture) -> DynamicImage {
    image::load_from_memory(picture.thumbnail.as_ref().unwrap()).unwrap()
}

#[test]
fn every_format_has_a_small_image_of_the_same_shape() {
    let photo = RgbImage::from_pixel(1000, 500, Rgb([10, 200, 30]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        let picture = look(&encoded(photo.clone(), format), format).unwrap();
        assert_eq!((picture.width, picture.height), (1000, 500), "{format:?}");
        let small = small(&picture).to_rgb8();
        assert_eq!(small.dimensions(), (480, 240), "{format:?}");
        let Rgb([red, green, blue]) = small.get_pixel(240, 120);
        assert!(red.abs_diff(10) < 8 && green.abs_diff(200) < 8 && blue.abs_diff(30) < 8);
    }
}

#[test]
fn what_shines_through_still_does() {
    let icon = RgbaImage::from_pixel(32, 16, Rgba([1, 2, 3, 0]));
    let picture = look(&encoded(icon, ImageFormat::Png), ImageFormat::Png).unwrap();
    let small = small(&picture);
    assert_eq!((small.width(), small.height()), (32, 16));
    assert_eq!(small.to_rgba8().get_pixel(3, 3).0[3], 0);
}

#[test]
fn a_photo_is_shown_as_it_was_taken() {
    let mut photo = encoded(RgbImage::new(40, 20), ImageFormat::Jpeg);
    // EXIF, big endian: one entry, orientation (0x0112), a short, 6: turned by 90°.
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    photo.splice(2..2, exif.iter().copied());
    let picture = look(&photo, ImageFormat::Jpeg).unwrap();
    assert_eq!((picture.width, picture.height), (20, 40));
    assert_eq!((small(&picture).width(), small(&picture).height()), (20, 40));
}

#[test]
fn a_bomb_is_measured_and_not_opened() {
    let picture = look(BOMB, ImageFormat::Png).unwrap();
    assert_eq!(picture, Picture { width: 50_000, height: 50_000, thumbnail: None });
}

#[test]
fn what_is_cut_off_has_no_small_image() {
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let low = |value: u32| value.to_le_bytes()[0];
        let image = RgbImage::from_fn(300, 300, |x, y| Rgb([low(x), low(y), low(x * y)]));
        let whole = encoded(image, format);
        let cut = look(&whole[..whole.len() / 2], format);
        assert_eq!(cut.and_then(|picture| picture.thumbnail), None, "{format:?}");
    }
    for junk in [&b"\x89PNG\r\n\x1a\n"[..], b"", b"<svg/>", &[0xff; 100]] {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            assert_eq!(look(junk, format), None);
        }
    }
}

#[test]
fn nothing_else_of_a_file_is_in_its_small_image() {
    let mut both = encoded(RgbImage::new(64, 64), ImageFormat::Jpeg);
    both.extend_from_slice(b"PK\x03\x04<script>alert(1)</script>");
    let picture = look(&both, ImageFormat::Jpeg).unwrap();
    let small = picture.thumbnail.unwrap();
    assert!(!small.windows(7).any(|window| window == b"<script"));
}

#[tokio::test]
async fn only_images_are_looked_into() {
    let storage = Storage::in_memory();
    let id = FileId::new(tertulia_domain::Timestamp::from_unix_millis(1_795_000_000_000));
    let mut writer = storage.writer(id);
    let png = encoded(RgbImage::new(8, 8), ImageFormat::Png);
    writer.write(png.clone().into()).await.unwrap();
    let written = writer.finish().await.unwrap();
    assert_eq!(written.content_type, "image/png");
    let images = Images::new();
    let look = async |kind| images.look(&storage, id, png.len() as u64, kind).await;
    assert!(look("image/png").await.unwrap().thumbnail.is_some());
    assert_eq!(look("image/svg+xml").await, None);
    assert_eq!(look("image/tiff").await, None);
}

fn portrait(image: impl Into<DynamicImage>, format: ImageFormat) -> portrait::Portrait {
    portrait::make(&encoded(image, format), format).unwrap()
}

#[test]
fn a_portrait_is_a_square_out_of_the_middle_in_two_sizes() {
    // Red, green and blue thirds: the middle one is what is left.
    let thirds = RgbImage::from_fn(3000, 1000, |x, _| match x / 1000 {
        0 => Rgb([250, 0, 0]),
        1 => Rgb([0, 250, 0]),
        _ => Rgb([0, 0, 250]),
    });
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        let made = portrait(thirds.clone(), format);
        assert_eq!(made.side, 512, "{format:?}");
        for (bytes, side) in [(&made.large, 512), (&made.small, 96)] {
            let image = image::load_from_memory(bytes).unwrap().to_rgb8();
            assert_eq!(image.dimensions(), (side, side), "{format:?}");
            for at in [3, side / 2, side - 4] {
                let Rgb([red, green, blue]) = image.get_pixel(at, at);
                assert!(*red < 30 && *green > 220 && *blue < 30, "{format:?} {at}");
            }
        }
    }
    let small = portrait(RgbImage::new(40, 30), ImageFormat::Png);
    assert_eq!(small.side, 30, "what is small is not made larger");
}

#[test]
fn a_portrait_shines_through_and_stands_upright() {
    let icon = RgbaImage::from_pixel(200, 200, Rgba([1, 2, 3, 0]));
    let made = portrait(icon, ImageFormat::Png);
    for bytes in [&made.large, &made.small] {
        let image = image::load_from_memory(bytes).unwrap();
        assert_eq!(image.to_rgba8().get_pixel(3, 3).0[3], 0);
    }
    // White above, black below; turned by 90°, as a phone held sideways writes it.
    let halves = RgbImage::from_fn(64, 64, |_, y| Rgb([if y < 32 { 255 } else { 0 }; 3]));
    let mut photo = encoded(halves, ImageFormat::Jpeg);
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    photo.splice(2..2, exif.iter().copied());
    let made = portrait::make(&photo, ImageFormat::Jpeg).unwrap();
    let image = image::load_from_memory(&made.large).unwrap().to_rgb8();
    assert!(image.get_pixel(60, 32).0[0] > 200 && image.get_pixel(3, 32).0[0] < 50);
}

#[test]
fn of_a_bomb_or_of_junk_no_portrait_is_made() {
    assert_eq!(portrait::make(BOMB, ImageFormat::Png), None);
    for junk in [&b"\x89PNG\r\n\x1a\n"[..], b"", b"<svg/>", &[0xff; 100]] {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            assert_eq!(portrait::make(junk, format), None);
        }
    }
}
