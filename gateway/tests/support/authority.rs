//! An authority of the test's own, and certificates that it signs.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};

/// Signs certificates for this machine.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate for `localhost` and 127.0.0.1 with its key, both PEM.
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "fentan tests");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, PEM: who has it trusts those that it signs.
    pub(crate) fn certificate(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn sign(&self) -> Signed {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &*self.0).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}
