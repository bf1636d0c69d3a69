//! Published vectors: FIPS 180-4 and 202, RFC 7693, RFC 8032, RFC 6979, RFC 9380, the BLAKE3 and RIPEMD-160 papers, ZIP-215,
//! EIP-196, EIP-197, EIP-2537 and Ethereum's tests of `ecrecover`.

use super::{bls12_381, bn254, hash, signature};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

#[test]
fn hashes() {
    for (input, digest) in [
        (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ] {
        assert_eq!(hash::sha2_256(input).to_vec(), hex(digest));
    }
    for (input, digest) in [
        (&b""[..], "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"),
        (b"abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
    ] {
        assert_eq!(hash::sha3_256(input).to_vec(), hex(digest));
    }
    for (input, digest) in [
        (&b""[..], "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ] {
        assert_eq!(hash::keccak_256(input).to_vec(), hex(digest));
    }
    for (input, digest) in [
        (&b""[..], "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
        (b"abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    ] {
        assert_eq!(hash::blake2b_256(input).to_vec(), hex(digest));
    }
    for (input, digest) in [
        (&b""[..], "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (&[0], "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    ] {
        assert_eq!(hash::blake3(input).to_vec(), hex(digest));
    }
    for (input, digest) in [
        (&b""[..], "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    ] {
        assert_eq!(hash::ripemd_160(input).to_vec(), hex(digest));
    }
}

#[test]
fn ed25519_of_rfc_8032() {
    for (key, msg, sig) in [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ] {
        let (key, msg, sig) = (array(key), hex(msg), array(sig));
        assert!(signature::ed25519(&sig, &key, &msg));
        for bit in [0, 255, 256, 500] {
            let mut other = sig;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!signature::ed25519(&other, &key, &msg), "{bit}");
        }
        assert!(!signature::ed25519(&sig, &key, &[&msg[..], &[0]].concat()));
    }
}

/// What ZIP-215 decides and others leave open: keys of small order and encodings that are not canonical count, a
/// multiplier of the group's order or more does not.
#[test]
fn ed25519_of_zip_215() {
    let identity: [u8; 32] = array("0100000000000000000000000000000000000000000000000000000000000000");
    let not_canonical: [u8; 32] = array("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    let order: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    for key in [identity, not_canonical] {
        for r in [identity, not_canonical] {
            let mut sig = [0; 64];
            sig[..32].copy_from_slice(&r);
            assert!(signature::ed25519(&sig, &key, b"Zcash"));
            sig[32..].copy_from_slice(&order);
            assert!(!signature::ed25519(&sig, &key, b"Zcash"));
        }
    }
}

#[test]
fn p256_of_rfc_6979() {
    let x = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6";
    let y = "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";
    let key = hex(&["04", x, y].concat());
    let compressed = hex(&["03", x].concat());
    let cases = [
        (
            &b"sample"[..],
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            false,
        ),
        (
            b"test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            true,
        ),
    ];
    for (msg, r, s, is_low) in cases {
        let digest = hash::sha2_256(msg);
        let sig = array(&[r, s].concat());
        assert!(signature::secp256r1(&digest, &sig, &key, false));
        assert!(signature::secp256r1(&digest, &sig, &compressed, false));
        assert_eq!(signature::secp256r1(&digest, &sig, &key, true), is_low);
        assert!(!signature::secp256r1(&hash::sha2_256(b"other"), &sig, &key, false));
        // Forms that a library may know are malformed here: compact, hybrid, and the point at infinity.
        for bad in [hex(&["05", x].concat()), hex(&["07", x, y].concat()), vec![0], key[..64].to_vec()] {
            assert!(!signature::secp256r1(&digest, &sig, &bad, false), "{bad:?}");
        }
        assert!(!signature::secp256r1(&digest, &[0; 64], &key, false));
        assert!(!signature::secp256r1(&digest, &[0xff; 64], &key, false));
    }
}

/// The vector has a high s.
#[test]
fn secp256k1_of_ethereum() {
    let digest = array("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
    let r = "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f";
    let sig = array(&[r, "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"].concat());
    let key = signature::recover_secp256k1(1, &digest, &sig).unwrap();
    assert_eq!(hash::keccak_256(&key)[12..], hex("a94f5374fce5edbc8e2a8697c15331677e6ebf0b"));
    let full = [&[4], &key[..]].concat();
    assert!(signature::secp256k1(&digest, &sig, &full, false));
    assert!(!signature::secp256k1(&digest, &sig, &full, true));
    let compressed = [&[2 | key[63] & 1], &key[..32]].concat();
    assert!(signature::secp256k1(&digest, &sig, &compressed, false));
    assert!(!signature::secp256k1(&[1; 32], &sig, &full, false));
    assert!(!signature::secp256k1(&digest, &[0; 64], &full, false));

    // n - s with the other parity is the same signature.
    let low = array(&[r, "1146bf4e2fc4de1c94f1b81868960f68bc842490f1b6bc98387ba6b57599fbf8"].concat());
    assert_eq!(signature::recover_secp256k1(0, &digest, &low), Some(key));
    assert!(signature::secp256k1(&digest, &low, &full, true));
    let other = signature::recover_secp256k1(0, &digest, &sig).unwrap();
    assert_ne!(other, key);
    for id in [4, 255, 256, u32::MAX] {
        assert_eq!(signature::recover_secp256k1(id, &digest, &sig), None);
    }
    assert_eq!(signature::recover_secp256k1(3, &digest, &sig), None); // r + n is beyond the field
    assert_eq!(signature::recover_secp256k1(0, &digest, &[0; 64]), None);
}

const BN_P: &str = "0000000000000000000000000000000000000000000000000000000000000001\
    0000000000000000000000000000000000000000000000000000000000000002";
const BN_MINUS_P: &str = "0000000000000000000000000000000000000000000000000000000000000001\
    30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45";
const BN_2P: &str = "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3\
    15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4";
const BN_Q: &str = "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2\
    1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed\
    090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b\
    12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";

#[test]
fn bn254_of_eip_196_and_197() {
    let zero = "00".repeat(64);
    let add = |a: &str, b: &str| bn254::add(&array(&[a, b].concat())).map(|sum| sum.to_vec());
    assert_eq!(add(BN_P, BN_P), Some(hex(BN_2P)));
    assert_eq!(add(BN_P, &zero), Some(hex(BN_P)));
    assert_eq!(add(BN_P, BN_MINUS_P), Some(hex(&zero)));
    assert_eq!(add(BN_P, &BN_P.replace('2', "3")), None); // not on the curve
    // The field's order is no coordinate, though it is 0 modulo itself.
    let p = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
    assert_eq!(add(&[p, &"00".repeat(32)].concat(), &zero), None);

    let mul = |by: &str| bn254::mul(&array(&[BN_P, by].concat())).map(|product| product.to_vec());
    assert_eq!(mul(&format!("{:064x}", 2)), Some(hex(BN_2P)));
    assert_eq!(mul(&"00".repeat(32)), Some(hex(&zero)));
    let order = "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
    assert_eq!(mul(order), Some(hex(&zero)));

    let pairing = |pairs: &[[&str; 2]]| {
        let pairs: Vec<[u8; 192]> = pairs.iter().map(|pair| array(&pair.concat())).collect();
        bn254::pairing(&pairs)
    };
    assert_eq!(pairing(&[]), Some(true));
    assert_eq!(pairing(&[[BN_P, BN_Q]]), Some(false));
    assert_eq!(pairing(&[[BN_P, BN_Q], [BN_MINUS_P, BN_Q]]), Some(true));
    assert_eq!(pairing(&[[BN_2P, BN_Q], [BN_MINUS_P, BN_Q], [BN_MINUS_P, BN_Q]]), Some(true));
    assert_eq!(pairing(&[[&zero, BN_Q], [BN_P, &"00".repeat(128)]]), Some(true));
    assert_eq!(pairing(&[[BN_P, &BN_Q.replace("198e", "198d")]]), None);
}

const PAD: &str = "00000000000000000000000000000000";
const G1: [&str; 2] = [
    "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
    "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1",
];
const G1_DOUBLED: [&str; 2] = [
    "0572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62ae28f75bb8f1c7c42c39a8c5529bf0f4e",
    "166a9d8cabc673a322fda673779d8e3822ba3ecb8670e461f73bb9021d5fd76a4c56d9d4cd16bd1bba86881979749d28",
];
const G2: [&str; 4] = [
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8",
    "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e",
    "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801",
    "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be",
];
const G2_DOUBLED: [&str; 4] = [
    "1638533957d540a9d2370f17cc7ed5863bc0b995b8825e0ee1ea1e1e4d00dbae81f14b0bf3611b78c952aacab827a053",
    "0a4edef9c1ed7f729f520e47730a124fd70662a904ba1074728114d1031e1572c6c886f6b57ec72a6178288c47c33577",
    "0468fb440d82b0630aeb8dca2b5256789a66da69bf91009cbfe6bd221e47aa8ae88dece9764bf3bd999d95d71e4c9899",
    "0f6d4552fa65dd2638b361543f887136a43253d9c66c411697003f7a13c308f5422e1aa0a59c8967acdefd8b6e36ccf3",
];

/// Field elements as EIP-2537 has them.
fn padded(numbers: &[&str]) -> Vec<u8> {
    numbers.iter().flat_map(|number| hex(&[PAD, number].concat())).collect()
}

#[test]
fn bls12_381_sums_of_eip_2537() {
    let (g1, g2) = (padded(&G1), padded(&G2));
    let add1 = |a: &[u8], b: &[u8]| bls12_381::g1_add(&[a, b].concat().try_into().unwrap());
    let add2 = |a: &[u8], b: &[u8]| bls12_381::g2_add(&[a, b].concat().try_into().unwrap());
    assert_eq!(add1(&g1, &g1).unwrap().to_vec(), padded(&G1_DOUBLED));
    assert_eq!(add2(&g2, &g2).unwrap().to_vec(), padded(&G2_DOUBLED));
    assert_eq!(add1(&g1, &[0; 128]).unwrap().to_vec(), g1);
    assert_eq!(add2(&[0; 256], &g2).unwrap().to_vec(), g2);
    let mut bad = g1.clone();
    bad[127] ^= 1;
    assert_eq!(add1(&g1, &bad), None);
    let mut bad = g1.clone();
    bad[0] = 1; // the padding
    assert_eq!(add1(&bad, &g1), None);

    let scalar = |by: u8| [[0; 31].as_slice(), &[by]].concat();
    let msm1 = |items: &[(&[u8], u8)]| {
        let items: Vec<[u8; 160]> =
            items.iter().map(|(point, by)| [point, &scalar(*by)[..]].concat().try_into().unwrap()).collect();
        bls12_381::g1_msm(&items).map(|sum| sum.to_vec())
    };
    assert_eq!(msm1(&[(&g1, 2)]), Some(padded(&G1_DOUBLED)));
    assert_eq!(msm1(&[(&g1, 1), (&g1, 1), (&[0; 128], 7)]), Some(padded(&G1_DOUBLED)));
    assert_eq!(msm1(&[]), Some(vec![0; 128]));
    let msm2 = |items: &[(&[u8], u8)]| {
        let items: Vec<[u8; 288]> =
            items.iter().map(|(point, by)| [point, &scalar(*by)[..]].concat().try_into().unwrap()).collect();
        bls12_381::g2_msm(&items).map(|sum| sum.to_vec())
    };
    assert_eq!(msm2(&[(&g2, 2)]), Some(padded(&G2_DOUBLED)));
    assert_eq!(msm2(&[(&g2, 3), (&g2, 0)]), add2(&g2, &padded(&G2_DOUBLED)).map(|sum| sum.to_vec()));
}

/// A point on the curve outside the subgroup may be added, and neither multiplied nor paired.
#[test]
fn bls12_381_holds_the_subgroup() {
    use ark_bls12_381::{Fq, G1Affine};
    use ark_ff::{BigInteger, PrimeField};
    let outside = (1_u64..)
        .filter_map(|x| G1Affine::get_point_from_x_unchecked(Fq::from(x), false))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let mut bytes = [0; 128];
    bytes[16..64].copy_from_slice(&outside.x.into_bigint().to_bytes_be());
    bytes[80..].copy_from_slice(&outside.y.into_bigint().to_bytes_be());
    assert!(bls12_381::g1_add(&[&bytes[..], &[0; 128]].concat().try_into().unwrap()).is_some());
    assert_eq!(bls12_381::g1_msm(&[[&bytes[..], &[0; 32]].concat().try_into().unwrap()]), None);
    let g2 = padded(&G2);
    assert_eq!(bls12_381::pairing(&[[&bytes[..], &g2].concat().try_into().unwrap()]), None);
}

#[test]
fn bls12_381_pairings_are_bilinear() {
    let minus = {
        let y = "114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca";
        padded(&[G1[0], y])
    };
    let (g1, g2, doubled) = (padded(&G1), padded(&G2), padded(&G2_DOUBLED));
    let pairing = |pairs: &[[&[u8]; 2]]| {
        let pairs: Vec<[u8; 384]> = pairs.iter().map(|pair| pair.concat().try_into().unwrap()).collect();
        bls12_381::pairing(&pairs)
    };
    assert_eq!(pairing(&[]), Some(true));
    assert_eq!(pairing(&[[&g1, &g2]]), Some(false));
    assert_eq!(pairing(&[[&g1, &g2], [&minus, &g2]]), Some(true));
    assert_eq!(pairing(&[[&padded(&G1_DOUBLED), &g2], [&minus, &doubled]]), Some(true));
    assert_eq!(pairing(&[[&[0; 128], &g2]]), Some(true));
}

/// RFC 9380, J.9.2 and J.10.2, of the empty message; EIP-2537 has the same.
#[test]
fn bls12_381_maps_of_rfc_9380() {
    let u = padded(&[
        "156c8a6a2c184569d69a76be144b5cdc5141d2d2ca4fe341f011e25e3969c55ad9e9b9ce2eb833c81a908e5fa4ac5f03",
    ]);
    let point = padded(&[
        "184bb665c37ff561a89ec2122dd343f20e0f4cbcaec84e3c3052ea81d1834e192c426074b02ed3dca4e7676ce4ce48ba",
        "04407b8d35af4dacc809927071fc0405218f1401a6d15af775810e4e460064bcc9468beeba82fdc751be70476c888bf3",
    ]);
    assert_eq!(bls12_381::map_g1(&u.try_into().unwrap()).unwrap().to_vec(), point);
    let u = padded(&[
        "07355d25caf6e7f2f0cb2812ca0e513bd026ed09dda65b177500fa31714e09ea0ded3a078b526bed3307f804d4b93b04",
        "02829ce3c021339ccb5caf3e187f6370e1e2a311dec9b75363117063ab2015603ff52c3d3b98f19c2f65575e99e8b78c",
    ]);
    let point = padded(&[
        "00e7f4568a82b4b7dc1f14c6aaa055edf51502319c723c4dc2688c7fe5944c213f510328082396515734b6612c4e7bb7",
        "126b855e9e69b1f691f816e48ac6977664d24d99f8724868a184186469ddfd4617367e94527d4b74fc86413483afb35b",
        "0caead0fd7b6176c01436833c79d305c78be307da5f6af6c133c47311def6ff1e0babf57a0fb5539fce7ee12407b0a42",
        "1498aadcf7ae2b345243e281ae076df6de84455d766ab6fcdaad71fab60abb2e8b980a440043cd305db09d283c895e3d",
    ]);
    assert_eq!(bls12_381::map_g2(&u.try_into().unwrap()).unwrap().to_vec(), point);
    let order = padded(&[
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    ]);
    assert_eq!(bls12_381::map_g1(&order.try_into().unwrap()), None);
}
