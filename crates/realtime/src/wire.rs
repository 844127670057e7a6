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
    fn a_close_says_why() {
        assert_eq!(close_frame(4009, "bye")[..], [0x88, 5, 0x0F, 0xA9, b'b', b'y', b'e']);
    }
}
