//! The client's half of RFC 6455, as little of it as a load generator needs.

/// Opcode of a text frame.
pub(crate) const TEXT: u8 = 0x1;
/// Opcode of a close frame.
pub(crate) const CLOSE: u8 = 0x8;
/// Opcode of a ping.
pub(crate) const PING: u8 = 0x9;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 0xA;

/// First byte: the last frame of its message.
const FINAL: u8 = 0x80;
/// Second byte: a mask follows the length.
const MASKED: u8 = 0x80;
/// Second byte: the length follows in two bytes.
const LENGTH_IN_2: u8 = 0x7E;
/// Second byte: the length follows in eight bytes.
const LENGTH_IN_8: u8 = 0x7F;

/// A larger frame from the server is taken for a broken stream. (A page of `sync` at its largest is
/// 1,000 frames of 4,000 characters each.)
const LARGEST: u64 = 64 * 1024 * 1024;

/// What a carried buffer may keep allocated between frames.
const CARRY_KEPT: usize = 16 * 1024;

/// One whole frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// The frame's opcode.
    pub(crate) opcode: u8,
    /// The payload, unmasked as servers send it.
    pub(crate) payload: &'a [u8],
}

/// Cuts a byte stream into frames. Frames that lie whole in a chunk are not copied; only one split
/// between two reads is.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    carry: Vec<u8>,
}

/// What the first bytes of a frame say about the rest.
struct Header {
    opcode: u8,
    payload_at: usize,
    end: usize,
}

impl Scanner {
    /// Takes the next chunk and calls `each` for every frame that it completes.
    ///
    /// Fails on what the server must not send (masked, fragmented, reserved bits, over 64 MiB); the
    /// stream is then unusable.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Frame<'_>),
    ) -> Result<(), &'static str> {
        let mut rest = chunk;
        while !self.carry.is_empty() {
            let wanted = match header(&self.carry)? {
                Some(header) if header.end == self.carry.len() => {
                    each(header.frame(&self.carry));
                    self.carry.clear();
                    self.carry.shrink_to(CARRY_KEPT);
                    break;
                }
                Some(header) => header.end - self.carry.len(),
                None => 1,
            };
            if rest.is_empty() {
                return Ok(());
            }
            let (now, later) = rest.split_at(wanted.min(rest.len()));
            self.carry.extend_from_slice(now);
            rest = later;
        }
        while let Some(header) = header(rest)? {
            if header.end > rest.len() {
                break;
            }
            let (whole, later) = rest.split_at(header.end);
            each(header.frame(whole));
            rest = later;
        }
        self.carry.extend_from_slice(rest);
        Ok(())
    }
}

impl Header {
    fn frame<'a>(&self, whole: &'a [u8]) -> Frame<'a> {
        Frame { opcode: self.opcode, payload: &whole[self.payload_at..self.end] }
    }
}

/// Reads a frame's header; `None` while it is not all there.
fn header(bytes: &[u8]) -> Result<Option<Header>, &'static str> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    if first & 0x70 != 0 {
        return Err("a frame with reserved bits");
    }
    let opcode = first & 0x0F;
    if first & FINAL == 0 || opcode == 0 {
        return Err("a fragmented frame");
    }
    if second & MASKED != 0 {
        return Err("a masked frame");
    }
    let (payload_at, length) = match second & !MASKED {
        LENGTH_IN_2 => match rest.first_chunk::<2>() {
            Some(length) => (4, u64::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        LENGTH_IN_8 => match rest.first_chunk::<8>() {
            Some(length) => (10, u64::from_be_bytes(*length)),
            None => return Ok(None),
        },
        length => (2, u64::from(length)),
    };
    if length > LARGEST {
        return Err("a frame over 64 MiB");
    }
    let length = usize::try_from(length).map_err(|_| "a frame over the address space")?;
    Ok(Some(Header { opcode: first & 0x0F, payload_at, end: payload_at + length }))
}

/// Appends one final frame, masked with `mask` as a client must.
pub(crate) fn encode(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: [u8; 4]) {
    out.push(FINAL | opcode);
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < LENGTH_IN_2 => out.push(MASKED | length),
        (_, Ok(length)) => {
            out.push(MASKED | LENGTH_IN_2);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(MASKED | LENGTH_IN_8);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..=125 => out.push(u8::try_from(length).unwrap()),
            length @ 126..=65_535 => {
                out.push(126);
                out.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                out.push(127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(payload);
        out
    }

    fn scan(chunks: &[&[u8]]) -> Vec<(u8, Vec<u8>)> {
        let mut scanner = Scanner::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            scanner
                .feed(chunk, |frame| {
                    seen.push((frame.opcode, frame.payload.to_vec()));
                })
                .unwrap();
        }
        assert!(scanner.carry.is_empty(), "a whole stream leaves nothing");
        seen
    }

    fn stream() -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
        let frames: Vec<(u8, Vec<u8>)> = vec![
            (TEXT, b"{}".to_vec()),
            (PING, Vec::new()),
            (TEXT, vec![b'a'; 125]),
            (TEXT, vec![b'b'; 126]),
            (CLOSE, vec![3, 0xE8]),
            (TEXT, vec![b'c'; 300]),
        ];
        let bytes = frames.iter().flat_map(|(o, p)| served(*o, p)).collect();
        (bytes, frames)
    }

    #[test]
    fn a_stream_split_at_any_byte_gives_the_same_frames() {
        let (bytes, frames) = stream();
        for at in 0..=bytes.len() {
            assert_eq!(scan(&[&bytes[..at], &bytes[at..]]), frames, "split at {at}");
        }
    }

    #[test]
    fn a_stream_in_pieces_of_any_size_gives_the_same_frames() {
        let (bytes, frames) = stream();
        for size in 1..40 {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(scan(&chunks), frames, "pieces of {size}");
        }
    }

    #[test]
    fn a_long_frame_has_an_eight_byte_length() {
        let payload = vec![b'x'; 70_000];
        let bytes = served(TEXT, &payload);
        for at in [0, 1, 2, 3, 9, 10, 11, 69_999, bytes.len()] {
            let seen = scan(&[&bytes[..at], &bytes[at..]]);
            assert_eq!(seen, [(TEXT, payload.clone())], "split at {at}");
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        for bytes in [
            &[0x01, 0x00][..],
            &[0x80, 0x00],
            &[0x81, 0x80],
            &[0xC1, 0x00],
            &[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let mut scanner = Scanner::default();
            assert!(scanner.feed(bytes, |_| ()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn encoded_frames_are_masked_and_unmask_to_the_payload() {
        for length in [0, 5, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mask = [1, 2, 3, 250];
            let mut out = Vec::new();
            encode(&mut out, TEXT, &payload, mask);
            assert_ne!(out[1] & 0x80, 0);
            let body = &out[out.len() - length..];
            assert_eq!(&out[out.len() - length - 4..out.len() - length], mask);
            let clear: Vec<u8> = body.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
            assert_eq!(clear, payload);
        }
    }
}
