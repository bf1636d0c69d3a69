//! The official vectors of every cryptographic function. Each file in `tests/vectors` says what it is and what it lacks.

use super::{bls12_381, bn254, hash, signature};

fn unhex(text: &str) -> Vec<u8> {
    if text == "-" {
        return Vec::new();
    }
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("hexadecimal") as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a field of this length")
}

/// The cases of a file, each as its fields; there are `count` of them.
fn cases<const FIELDS: usize>(file: &'static str, count: usize) -> Vec<[&'static str; FIELDS]> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let cases: Vec<[&str; FIELDS]> =
        lines.map(|line| line.split(' ').collect::<Vec<_>>().try_into().expect("so many fields")).collect();
    assert_eq!(cases.len(), count);
    cases
}

macro_rules! vectors {
    ($name:literal, $count:literal) => {
        cases(include_str!(concat!("../../tests/vectors/", $name, ".txt")), $count)
    };
}

fn digests<const N: usize>(of: fn(&[u8]) -> [u8; N], cases: Vec<[&str; 2]>) {
    for [message, digest] in cases {
        assert_eq!(of(&unhex(message)).to_vec(), unhex(digest), "{message}");
    }
}

#[test]
fn digests_of_nist_keccak_and_the_evm() {
    digests(hash::sha2_256, vectors!("nist_sha2_256", 129));
    digests(hash::sha3_256, vectors!("nist_sha3_256", 256));
    digests(hash::sha3_256, vectors!("nist_sha3_256_cavp", 148));
    digests(hash::keccak_256, vectors!("keccak_256", 265));
    digests(hash::sha2_256, vectors!("evm_sha2_256", 321));
    digests(hash::ripemd_160, vectors!("evm_ripemd_160", 321));
}

/// From a seed, a thousand hashes a round, by SHAVS and SHA3VS: of SHA-2 each over the three before it.
#[test]
fn digests_of_nist_monte_carlo() {
    let [seed, rounds @ ..] = &vectors!("nist_sha2_256_monte", 101)[..] else { unreachable!() };
    let mut last: [u8; 32] = array(&unhex(seed[0]));
    for [round] in rounds {
        let mut words = [last; 3];
        for _ in 0..1_000 {
            words = [words[1], words[2], hash::sha2_256(&words.concat())];
        }
        last = words[2];
        assert_eq!(last.to_vec(), unhex(round));
    }
    let [seed, rounds @ ..] = &vectors!("nist_sha3_256_monte", 101)[..] else { unreachable!() };
    let mut last: [u8; 32] = array(&unhex(seed[0]));
    for [round] in rounds {
        last = (0..1_000).fold(last, |word, _| hash::sha3_256(&word));
        assert_eq!(last.to_vec(), unhex(round));
    }
}

#[test]
fn digests_of_blake3() {
    for [len, digest] in vectors!("blake3", 22) {
        let input: Vec<u8> = (0..251).cycle().take(len.parse().unwrap()).collect();
        assert_eq!(hash::blake3(&input).to_vec(), unhex(digest), "{len}");
    }
}

/// FIPS 180-4's examples, a million times `a`, and what the BLAKE2 and RIPEMD authors publish.
#[test]
fn digests_that_authors_publish() {
    let million = vec![b'a'; 1_000_000];
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (input, digest) in [
        (&b"abc"[..], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (long, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ] {
        assert_eq!(hash::sha2_256(input).to_vec(), unhex(digest));
    }
    for (input, digest) in [
        (&b""[..], "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        (b"a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"),
        (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
        (b"message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"),
        (b"abcdefghijklmnopqrstuvwxyz", "f71c27109c692c1b56bbdceb5b9d2865b3708dbc"),
        (long, "12a053384a9c0c88e405a06c27dcf49ada62eb2b"),
        (&million, "52783243c1697bdbe16d37f97f68f08325dc1528"),
    ] {
        assert_eq!(hash::ripemd_160(input).to_vec(), unhex(digest));
    }
    // Of pycryptodome (tv1): h(1) of nothing, h(n) of h(n-1), ..., h(1); this is h(100) for 32 bytes.
    let mut all: Vec<u8> = Vec::new();
    let mut last = hash::blake2b_256(&all);
    for _ in 1..100 {
        all.splice(..0, last);
        last = hash::blake2b_256(&all);
    }
    assert_eq!(last.to_vec(), unhex("28df1518fd6dc91bb3caa93774b34d126cdc9d9252176f31d5d2e1da58ea8511"));
}

type Verify = fn(&[u8; 32], &[u8; 64], &[u8], bool) -> bool;

/// The compressed form of a SEC1 key of 65 bytes.
fn compressed(key: &[u8]) -> Vec<u8> {
    [&[2 | key[64] & 1], &key[1..33]].concat()
}

/// Each case in both forms of the key. The set `bitcoin` is about low s.
fn wycheproof_ecdsa(verify: Verify, cases: Vec<[&str; 6]>) {
    for [set, number, key, message, sig, valid] in cases {
        let (key, sig, hash) = (unhex(key), array(&unhex(sig)), hash::sha2_256(&unhex(message)));
        let (valid, low) = (valid == "1", set == "bitcoin");
        assert_eq!(verify(&hash, &sig, &key, low), valid, "{set} {number}");
        assert_eq!(verify(&hash, &sig, &compressed(&key), low), valid, "{set} {number}");
    }
}

#[test]
fn secp256k1_of_wycheproof() {
    wycheproof_ecdsa(signature::secp256k1, vectors!("wycheproof_secp256k1", 687));
    // What verifies is recovered too, by one of the ids.
    for [set, number, key, message, sig, valid] in vectors!("wycheproof_secp256k1", 687) {
        let (key, sig, hash) = (unhex(key), array(&unhex(sig)), hash::sha2_256(&unhex(message)));
        let found =
            (0..4).any(|id| signature::recover_secp256k1(id, &hash, &sig).is_some_and(|k| k == key[1..]));
        if set != "bitcoin" {
            assert_eq!(found, valid == "1", "{set} {number}");
        }
    }
}

#[test]
fn secp256r1_of_wycheproof_and_nist() {
    wycheproof_ecdsa(signature::secp256r1, vectors!("wycheproof_secp256r1", 470));
    for [key, message, sig, valid] in vectors!("nist_p256", 15) {
        let (key, sig, hash) = (unhex(key), array(&unhex(sig)), hash::sha2_256(&unhex(message)));
        assert_eq!(signature::secp256r1(&hash, &sig, &key, false), valid == "1", "{message}");
    }
}

#[test]
fn secp256k1_recovery_of_the_evm() {
    for [name, input, output] in vectors!("evm_ecrecover", 5) {
        let input = unhex(input);
        // The precompile's v: 32 bytes that are 27 or 28, or there is no answer.
        let id = match input[32..64] {
            [ref zeros @ .., v @ (27 | 28)] if zeros.iter().all(|byte| *byte == 0) => u32::from(v - 27),
            _ => 4,
        };
        let key = signature::recover_secp256k1(id, &array(&input[..32]), &array(&input[64..128]));
        let address = key.map_or(Vec::new(), |key| [&[0; 12], &hash::keccak_256(&key)[12..]].concat());
        assert_eq!(address, unhex(output), "{name}");
    }
}

#[test]
fn ed25519_of_rfc_8032_and_wycheproof() {
    for [key, message, sig] in vectors!("rfc8032", 3) {
        assert!(signature::ed25519(&array(&unhex(sig)), &array(&unhex(key)), &unhex(message)), "{key}");
    }
    for [number, key, message, sig, valid] in vectors!("wycheproof_ed25519", 138) {
        let found = signature::ed25519(&array(&unhex(sig)), &array(&unhex(key)), &unhex(message));
        assert_eq!(found, valid == "1", "{number}");
    }
}

/// The 14 encodings of the points of small order, 6 of them not canonical, as key and as r: with s = 0 ZIP-215 accepts all
/// 196 (the vectors of Zcash, whose message is `Zcash`), where RFC 8032 and libraries differ. And it refuses s of the
/// group's order or more.
#[test]
fn ed25519_of_zip_215_and_points_of_small_order() {
    let mut encodings: Vec<[u8; 32]> = Vec::new();
    let sign = |mut encoding: [u8; 32], bit: u8| {
        encoding[31] |= bit << 7;
        encoding
    };
    // y = 1, y = -1, y = 0 (both signs), and the two y of order 8 (both signs).
    let (mut one, mut minus_one) = ([0; 32], [0xff; 32]);
    (one[0], minus_one[0], minus_one[31]) = (1, 0xec, 0x7f);
    encodings.extend([one, minus_one, [0; 32], sign([0; 32], 1)]);
    for y in [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ] {
        encodings.extend([array(&unhex(y)), sign(array(&unhex(y)), 1)]);
    }
    // The same points again: a sign for x = 0, and y + p.
    let (mut p, mut p_plus_one) = ([0xff; 32], [0xff; 32]);
    (p[0], p[31], p_plus_one[0], p_plus_one[31]) = (0xed, 0x7f, 0xee, 0x7f);
    encodings.extend([sign(one, 1), sign(minus_one, 1), p, sign(p, 1), p_plus_one, sign(p_plus_one, 1)]);
    let order: [u8; 32] = array(&unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"));
    let mut count = 0;
    for key in &encodings {
        for r in &encodings {
            let mut sig = [0; 64];
            sig[..32].copy_from_slice(r);
            assert!(signature::ed25519(&sig, key, b"Zcash"), "{key:x?} {r:x?}");
            sig[32..].copy_from_slice(&order);
            assert!(!signature::ed25519(&sig, key, b"Zcash"), "{key:x?} {r:x?}");
            sig[32..].fill(0xff);
            assert!(!signature::ed25519(&sig, key, b"Zcash"), "{key:x?} {r:x?}");
            count += 1;
        }
    }
    assert_eq!(count, 196);
    // No point has y = 2.
    let mut two = [0; 32];
    two[0] = 2;
    assert!(!signature::ed25519(&[0; 64], &two, b"Zcash"));
}

/// The precompiles read a short input as if zeros followed, and ignore what is too much.
fn padded<const N: usize>(input: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let len = input.len().min(N);
    bytes[..len].copy_from_slice(&input[..len]);
    bytes
}

#[test]
fn bn254_of_the_evm() {
    for [name, input, output] in vectors!("evm_bn254_add", 16) {
        assert_eq!(bn254::add(&padded(&unhex(input))).map(|sum| sum.to_vec()), Some(unhex(output)), "{name}");
    }
    for [name, input, output] in vectors!("evm_bn254_mul", 19) {
        let product = bn254::mul(&padded(&unhex(input))).map(|product| product.to_vec());
        assert_eq!(product, Some(unhex(output)), "{name}");
    }
    for [name, input, output] in vectors!("evm_bn254_pairing", 14) {
        let input = unhex(input);
        let (pairs, rest) = input.as_chunks();
        assert!(rest.is_empty());
        assert_eq!(bn254::pairing(pairs), Some(unhex(output)[31] == 1), "{name}");
    }
}

#[test]
fn bls12_381_of_eip_2537() {
    for [function, input, output] in vectors!("evm_bls12_381", 9) {
        let input = unhex(input);
        let found = match function {
            "g1_add" => bls12_381::g1_add(&array(&input)).map(|out| out.to_vec()),
            "g2_add" => bls12_381::g2_add(&array(&input)).map(|out| out.to_vec()),
            "g1_msm" => bls12_381::g1_msm(input.as_chunks().0).map(|out| out.to_vec()),
            "g2_msm" => bls12_381::g2_msm(input.as_chunks().0).map(|out| out.to_vec()),
            "map_fp_to_g1" => bls12_381::map_g1(&array(&input)).map(|out| out.to_vec()),
            "map_fp2_to_g2" => bls12_381::map_g2(&array(&input)).map(|out| out.to_vec()),
            "pairing_check" => bls12_381::pairing(input.as_chunks().0).map(|is_one| word(is_one.into())),
            other => panic!("{other}"),
        };
        assert_eq!(found, Some(unhex(output)), "{function}");
    }
}

/// A file of names and cases in them: `name NAME PART...`, and `FUNCTION PART... = RESULT`.
struct Named {
    names: std::collections::BTreeMap<&'static str, Vec<u8>>,
}

impl Named {
    fn bytes(&self, part: &str) -> Vec<u8> {
        /// What stands before the 48 bytes of a field element.
        const PAD: [u8; 16] = [0; 16];
        match (self.names.get(part), part.len()) {
            (Some(bytes), _) => bytes.clone(),
            (None, 64 | 128) => unhex(part),
            (None, 96) => [&PAD[..], &unhex(part)].concat(),
            (None, _) => panic!("neither a name nor hexadecimal of a known length: {part}"),
        }
    }

    fn all(&self, parts: &str) -> Vec<u8> {
        parts.split(' ').flat_map(|part| self.bytes(part)).collect()
    }
}

#[test]
fn bls12_381_of_the_assets_of_eip_2537() {
    let mut named = Named { names: Default::default() };
    let (mut computed, mut refused) = (0, 0);
    let file = include_str!("../../tests/vectors/eip_2537.txt");
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let (first, rest) = line.split_once(' ').expect("more than a word");
        if first == "name" {
            let (name, parts) = rest.split_once(' ').expect("a name of something");
            let bytes = named.all(parts);
            assert!(named.names.insert(name, bytes).is_none(), "{name} is named twice");
            continue;
        }
        let (input, result) = rest.split_once(" = ").expect("a result");
        let input = named.all(input);
        let found = match first {
            "g1_add" => bls12_381::g1_add(&array(&input)).map(|out| out.to_vec()),
            "g2_add" => bls12_381::g2_add(&array(&input)).map(|out| out.to_vec()),
            "g1_mul" => bls12_381::g1_msm(&[array(&input)]).map(|out| out.to_vec()),
            "g2_mul" => bls12_381::g2_msm(&[array(&input)]).map(|out| out.to_vec()),
            "g1_msm" => bls12_381::g1_msm(whole(&input)).map(|out| out.to_vec()),
            "g2_msm" => bls12_381::g2_msm(whole(&input)).map(|out| out.to_vec()),
            "map_fp_to_g1" => bls12_381::map_g1(&array(&input)).map(|out| out.to_vec()),
            "map_fp2_to_g2" => bls12_381::map_g2(&array(&input)).map(|out| out.to_vec()),
            "pairing_check" => bls12_381::pairing(whole(&input)).map(|is_one| word(is_one.into())),
            other => panic!("{other}"),
        };
        if result == "refused" {
            assert_eq!(found, None, "{line}");
            refused += 1;
        } else {
            assert_eq!(found, Some(named.bytes(result)), "{line}");
            computed += 1;
        }
    }
    assert_eq!((computed, refused), (88, 46));
    for count in 1..=149 {
        assert_eq!(bls12_381::g1_msm(&vec![[0; 160]; count]), Some([0; 128]), "{count}");
        assert_eq!(bls12_381::g2_msm(&vec![[0; 288]; count]), Some([0; 256]), "{count}");
    }
}

fn whole<const N: usize>(bytes: &[u8]) -> &[[u8; N]] {
    let (items, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    items
}

fn word(last: u8) -> Vec<u8> {
    let mut word = vec![0; 32];
    word[31] = last;
    word
}
