//! A certificate for the introduction server between two machines, made for one world.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// The server's certificate and its key.
pub(crate) const TLS_FILES: [&str; 2] = ["server.pem", "server.key"];
/// What vouches for it.
pub(crate) const TRUSTED_FILE: &str = "authority.pem";

/// Makes a certificate for a server at this address, and an authority that vouches for it.
pub(crate) fn certify(dir: &Path, server: IpAddr) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let trusted = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec![server.to_string()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let [certificate_file, key_file] = TLS_FILES;
    fs::write(dir.join(certificate_file), server.pem()).unwrap();
    fs::write(dir.join(key_file), key.serialize_pem()).unwrap();
    fs::write(dir.join(TRUSTED_FILE), trusted.pem()).unwrap();
}
