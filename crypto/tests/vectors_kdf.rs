//! Key derivation as published: Argon2id (RFC 9106 §5.3) and HKDF-SHA256 (RFC 5869 appendix A).

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use solo2_crypto::kdf;

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace([' ', '\n'], "")).expect("hex")
}

#[test]
fn argon2id_is_that_of_rfc_9106() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).expect("short"))
        .build()
        .expect("allowed");
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .expect("short");
    let mut tag = [0; 32];
    argon2
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .expect("allowed");
    assert_eq!(
        tag.to_vec(),
        hex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")
    );
}

#[test]
fn hkdf_is_that_of_rfc_5869() {
    // A.1: basic.
    let okm = kdf::hkdf::<42>(
        &hex("000102030405060708090a0b0c"),
        &[0x0b; 22],
        &[&hex("f0f1f2f3f4f5f6f7f8f9")],
    );
    assert_eq!(
        okm.expose().to_vec(),
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    );
    // The same by its second step alone.
    let prk = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    let prk: [u8; 32] = prk.try_into().expect("32 bytes");
    let expanded = kdf::expand::<42>(&prk, &[&hex("f0f1f2f3"), &hex("f4f5f6f7f8f9")]);
    assert!(expanded.same_as(&okm));

    // A.2: longer inputs and output.
    let bytes = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let okm = kdf::hkdf::<82>(&bytes(0x60, 0xaf), &bytes(0, 0x4f), &[&bytes(0xb0, 0xff)]);
    assert_eq!(
        okm.expose().to_vec(),
        hex(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
             59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
             cc30c58179ec3e87c14c01d5c1f3434f1d87"
        )
    );

    // A.3: no salt, no info.
    let okm = kdf::hkdf::<42>(&[], &[0x0b; 22], &[]);
    assert_eq!(
        okm.expose().to_vec(),
        hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    );
}
