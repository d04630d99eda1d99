//! TLS 1.3 and nothing older, by rustls; no session is resumed, so none is kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::version::TLS13;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// The certificate chain and its private key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the server first, then those that vouch for it.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A PEM file cannot be read, or holds something else.
    #[error("cannot read a {what} from {}", .path.display())]
    File {
        /// Certificate or private key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// The two files do not serve together.
    #[error("cannot use {} with its key", .path.display())]
    Pair {
        /// The certificate file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Reads the files and makes ready to serve; `protocol` is the one that ALPN names.
///
/// # Errors
/// [`TlsError`] that names the file at fault.
pub fn server(files: &TlsFiles, protocol: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| TlsError::File {
        what: "private key",
        path: files.key.clone(),
        source,
    })?;
    let pair = |source| TlsError::Pair {
        path: files.cert.clone(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![protocol.into()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// The certificate that clients are shown, in DER: the first of a PEM file.
///
/// # Errors
/// [`TlsError::File`] if there is none.
pub fn leaf(path: &Path) -> Result<CertificateDer<'static>, TlsError> {
    Ok(certificates(path)?.swap_remove(0))
}

/// Every certificate in a PEM file, of which there must be one.
///
/// # Errors
/// [`TlsError::File`].
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |source| TlsError::File {
        what: "certificate",
        path: path.to_owned(),
        source,
    };
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(error)?;
    if chain.is_empty() {
        Err(error(rustls_pki_types::pem::Error::NoItemsFound))
    } else {
        Ok(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).expect("made");
        let other = rcgen::KeyPair::generate().expect("a key");
        for (name, pem) in [
            ("cert", made.cert.pem()),
            ("key", made.signing_key.serialize_pem()),
            ("other", other.serialize_pem()),
        ] {
            std::fs::write(path(name), pem).expect("a file");
        }
        let serve = |cert: &str, key: &str| {
            let (cert, key) = (path(cert), path(key));
            server(&TlsFiles { cert, key }, "p").map(drop)
        };
        assert!(serve("cert", "key").is_ok());
        assert!(leaf(&path("cert")).is_ok_and(|der| der == *made.cert.der()));
        for (cert, key, what) in [
            ("key", "key", "key"),
            ("cert", "cert", "cert"),
            ("cert", "other", "cert"),
            ("nowhere", "key", "nowhere"),
        ] {
            let error = serve(cert, key).expect_err("refused").to_string();
            assert!(
                error.contains(path(what).to_str().expect("text")),
                "{error}"
            );
        }
    }
}
