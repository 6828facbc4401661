//! The data of the image: as many bytes as requested, repeatable, and their checksum.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// Written at the start, followed by spaces up to here. Programs that look for signatures of disk formats
/// find none.
const HEAD: usize = 1024;

const SIGN: &[u8] = b"direct-upload-operator verify: this image may be deleted\n";

/// Bytes without structure, from a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    pub size: u64,
    pub seed: u64,
}

impl Content {
    /// Its pieces, in order.
    pub fn pieces(self, length: usize) -> impl Iterator<Item = Vec<u8>> + Send {
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = self.size - at;
            let length = usize::try_from(rest).unwrap_or(usize::MAX).min(length);
            let piece = (length > 0).then(|| self.piece(at, length));
            at += length as u64;
            piece
        })
    }

    fn piece(self, from: u64, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        let mut word = from / 8;
        while bytes.len() < length + 8 {
            bytes.extend(self.word(word).to_le_bytes());
            word += 1;
        }
        let skipped = usize::try_from(from % 8).unwrap_or(0);
        let mut piece = bytes.split_off(skipped);
        piece.truncate(length);
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        for (nth, byte) in piece.iter_mut().enumerate().take(HEAD.saturating_sub(start)) {
            *byte = SIGN.get(start + nth).copied().unwrap_or(b' ');
        }
        piece
    }

    /// SplitMix64: every position has its word, whatever came before.
    fn word(self, nth: u64) -> u64 {
        let mut z = self.seed.wrapping_add(nth.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Its checksum with one of Glance's `[DEFAULT] hashing_algorithm`s; `None` if this program does not
    /// have it.
    pub fn checksum(self, algorithm: &str) -> Option<String> {
        match algorithm {
            "sha256" => Some(self.digest::<Sha256>()),
            "sha384" => Some(self.digest::<Sha384>()),
            "sha512" => Some(self.digest::<Sha512>()),
            _ => None,
        }
    }

    fn digest<D: Digest>(self) -> String {
        let mut digest = D::new();
        for piece in self.pieces(1 << 16) {
            digest.update(&piece);
        }
        digest.finalize().iter().fold(String::new(), |all, byte| {
            let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
            all + digit(byte >> 4).encode_utf8(&mut [0; 4]) + digit(byte & 15).encode_utf8(&mut [0; 4])
        })
    }
}
