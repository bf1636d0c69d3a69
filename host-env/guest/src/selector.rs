//! Names as four bytes and as topics: SHA-256, computed while compiling.

/// What a function is called by: the first bytes of its name's hash.
pub type Selector = [u8; 4];

/// The selector of a name of at most 55 bytes. In a constant; [`selector_of!`](crate::selector_of) makes sure.
pub const fn selector(name: &str) -> Selector {
    let [a, b, c, d, ..] = sha256(name);
    [a, b, c, d]
}

/// The selector of a name, as a constant.
#[macro_export]
macro_rules! selector_of {
    ($name:expr) => {
        const { $crate::selector($name) }
    };
}

const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// SHA-256 of a name of at most 55 bytes, for constants. What is hashed while a contract runs goes to
/// [`crypto`](crate::crypto).
///
/// # Panics
/// When the name is longer: in a constant, the contract does not compile.
pub const fn sha256(name: &str) -> [u8; 32] {
    let name = name.as_bytes();
    assert!(name.len() <= 55, "a name has at most 55 bytes");
    let mut block = [0_u8; 64];
    let mut i = 0;
    while i < name.len() {
        block[i] = name[i];
        i += 1;
    }
    block[i] = 0x80;
    let bits = (name.len() as u16 * 8).to_be_bytes();
    block[62] = bits[0];
    block[63] = bits[1];
    let state = compress(schedule(&block));
    let mut digest = [0; 32];
    let mut i = 0;
    while i < 32 {
        digest[i] = state[i / 4].to_be_bytes()[i % 4];
        i += 1;
    }
    digest
}

const fn schedule(block: &[u8; 64]) -> [u32; 64] {
    let mut w = [0_u32; 64];
    let mut i = 0;
    while i < 64 {
        w[i] = if i < 16 {
            u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
        } else {
            let (x, y) = (w[i - 15], w[i - 2]);
            let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
            let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
            w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1)
        };
        i += 1;
    }
    w
}

const fn compress(w: [u32; 64]) -> [u32; 8] {
    let initial =
        [0x6a09e667_u32, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = initial;
    let mut i = 0;
    while i < 64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(K[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        i += 1;
    }
    let mut state = [a, b, c, d, e, f, g, h];
    let mut i = 0;
    while i < 8 {
        state[i] = state[i].wrapping_add(initial[i]);
        i += 1;
    }
    state
}

// FIPS 180-2, appendix B.1; and the empty message.
const _: () = {
    assert!(matches!(selector("abc"), [0xba, 0x78, 0x16, 0xbf]));
    assert!(matches!(selector(""), [0xe3, 0xb0, 0xc4, 0x42]));
};
