//! Numbers for programs to work on.

/// Marsaglia's xorshift with 64 bits.
#[derive(Clone)]
pub(crate) struct Random(u64);

#[allow(dead_code, reason = "each program uses a part")]
impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((self.next() >> 32) * u64::from(bound) >> 32) as u32
    }

    pub(crate) fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// Words of a vocabulary of 64, so that the text repeats itself as prose does.
    pub(crate) fn prose(&mut self, length: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(length + 16);
        while text.len() < length {
            let word = self.below(64);
            text.extend((0..2 + word % 7).map(|i| b'a' + ((word * word + i * (word + 3)) % 26) as u8));
            text.push(b' ');
        }
        text.truncate(length);
        text
    }
}

/// Mixes a value into a checksum.
#[allow(dead_code, reason = "not every program has several values")]
pub(crate) fn mix(sum: u64, value: u64) -> u64 {
    (sum.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
