//! TLS on the way to PostgreSQL: who is taken for the server.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Proof;

/// Reads the certificates that the proof needs, once: a new one is seen at the next start.
pub(super) fn connector(proof: &Proof) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (authorities, named) = match proof {
        Proof::Nothing => (None, false),
        Proof::Signed(path) => (Some(Authorities::of_file(path)?), false),
        Proof::Named(Some(path)) => (Some(Authorities::of_file(path)?), true),
        Proof::Named(None) => (Some(Authorities::of_machine()?), true),
    };
    let verifier = Verifier { provider: Arc::clone(&provider), authorities, named };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // Needed by `sslnegotiation=direct` (PostgreSQL 17).
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

/// Whose certificates are believed.
#[derive(Debug)]
struct Authorities {
    roots: RootCertStore,
    /// Believed as they are: a server that has signed its own certificate can be named itself, which
    /// no chain of authorities leads to.
    certificates: Vec<CertificateDer<'static>>,
}

impl Authorities {
    fn of_file(path: &Path) -> Result<Self, String> {
        let failed = |why: &dyn std::fmt::Display| format!("sslrootcert {}: {why}", path.display());
        let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| failed(&error))?;
        if certificates.is_empty() {
            return Err(failed(&"there is no certificate in it"));
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| failed(&error))?;
        }
        Ok(Self { roots, certificates })
    }

    fn of_machine() -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Some machines have some that are broken: those that can be read count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this machine has no trusted certificates: install ca-certificates, or \
                        name a file in sslrootcert"
                .to_owned());
        }
        Ok(Self { roots, certificates: Vec::new() })
    }
}

/// Asks of a certificate what the proof says. That its owner is at the other end is asked always.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    authorities: Option<Authorities>,
    named: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if !authorities.certificates.contains(end_entity) {
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                &authorities.roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
        }
        if self.named {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
