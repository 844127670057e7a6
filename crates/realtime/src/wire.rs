//! WebSocket frames as a server sends them (RFC 6455 §5.2): unmasked, unfragmented.

use bytes::{BufMut, Bytes, BytesMut};

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// A text, framed once for all who will get it.
pub fn text_frame(json: &[u8]) -> Bytes {
    frame(TEXT, &[json])
}

pub(crate) fn ping_frame() -> Bytes {
    Bytes::from_static(&[FIN | PING, 0])
}

/// Answers a ping. Control frames have at most 125 bytes; the reader has seen to that.
pub(crate) fn pong_frame(payload: &[u8]) -> Bytes {
    frame(PONG, &[payload.get(..125).unwrap_or(payload)])
}

/// The last frame of a connection. `reason` has at most 123 bytes.
pub(crate) fn close_frame(code: u16, reason: &str) -> Bytes {
    frame(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()])
}

fn frame(opcode: u8, parts: &[&[u8]]) -> Bytes {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = BytesMut::with_capacity(length + 10);
    frame.put_u8(FIN | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < 126 => frame.put_u8(length),
        (_, Ok(length)) => {
            frame.put_u8(126);
            frame.put_u16(length);
        }
        _ => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
    for part in parts {
        frame.put_slice(part);
    }
    frame.freeze()
}

/// Whether these bytes are one whole text as [`text_frame`] frames it: what goes to sockets as it is
/// must not break what follows.
pub(crate) fn is_text_frame(frame: &[u8]) -> bool {
    let payload = match frame {
        [head, 127, length @ ..] if *head == FIN | TEXT => split_length::<8>(length),
        [head, 126, length @ ..] if *head == FIN | TEXT => split_length::<2>(length),
        [head, length, payload @ ..] if *head == FIN | TEXT => Some((u64::from(*length), payload)),
        _ => None,
    };
    payload.is_some_and(|(length, payload)| {
        payload.len() as u64 == length && std::str::from_utf8(payload).is_ok()
    })
}

fn split_length<const N: usize>(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (length, payload) = bytes.split_first_chunk::<N>()?;
    Some((length.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(text_frame(b"hi")[..], [0x81, 2, b'h', b'i']);
        assert_eq!(text_frame(&[b'a'; 125])[..2], [0x81, 125]);
        assert_eq!(text_frame(&[b'a'; 126])[..4], [0x81, 126, 0, 126]);
        assert_eq!(text_frame(&vec![b'a'; 65_535])[..4], [0x81, 126, 255, 255]);
        assert_eq!(text_frame(&vec![b'a'; 65_536])[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn one_whole_text_is_told_from_everything_else() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let frame = text_frame(&vec![b'a'; length]);
            assert!(is_text_frame(&frame), "{length}");
            assert!(!is_text_frame(&frame[..frame.len() - 1]));
            assert!(!is_text_frame(&[&frame[..], b"a"].concat()));
        }
        assert!(!is_text_frame(&text_frame(b"\xFF")), "not UTF-8");
        assert!(!is_text_frame(&close_frame(1000, "")));
        assert!(!is_text_frame(&[0x81, 0x80, 0, 0, 0, 0]), "masked");
        assert!(!is_text_frame(&[]));
    }

    #[test]
    fn a_close_says_why() {
        assert_eq!(close_frame(4009, "bye")[..], [0x88, 5, 0x0F, 0xA9, b'b', b'y', b'e']);
    }
}
