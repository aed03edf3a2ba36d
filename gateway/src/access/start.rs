//! What a server does not start without.

use super::gate::Gate;
use super::tls::Certificates;
use crate::config::Settings;
use anyhow::{Context, Result, bail};
use std::net::ToSocketAddrs;
use std::sync::Arc;

/// What guards the doors.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) gate: Option<Arc<Gate>>,
    pub(crate) certificates: Option<Arc<Certificates>>,
    /// The address of the HTTP door, as it was given.
    pub(crate) http: String,
}

impl Access {
    /// Reads tokens and certificate again.
    pub(crate) fn reload(&self) {
        if let Some(gate) = &self.gate {
            gate.reload();
        }
        if let Some(certificates) = &self.certificates {
            certificates.reload();
        }
    }
}

/// Reads what guards the doors, and refuses to open them to other machines unguarded.
///
/// # Errors
/// When a file is not sound, or an address can be reached from other machines and there are no tokens.
pub(crate) fn configure(settings: &Settings) -> Result<Access> {
    let gate = settings
        .tokens
        .clone()
        .map(|file| {
            let shown = file.display().to_string();
            Gate::open(file).with_context(|| format!("the tokens {shown} were refused"))
        })
        .transpose()?
        .map(Arc::new);
    let certificates = match (&settings.tls_certificate, &settings.tls_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(Arc::new(Certificates::open(certificate.clone(), key.clone())?)),
        (Some(_), None) => bail!("tls_certificate is given and tls_key is not: TLS needs both"),
        (None, Some(_)) => bail!("tls_key is given and tls_certificate is not: TLS needs both"),
    };
    for (key, address) in [("tcp", &settings.tcp), ("http", &settings.http)] {
        if is_loopback(address) {
            continue;
        }
        if gate.is_none() {
            bail!(
                "{key} = {address} can be reached from other machines, and nobody would be asked who he is. Make a \
                 token, `fentan token new --name admin --scope operate,read --file tokens.toml`, and start with \
                 --tokens tokens.toml; or listen on 127.0.0.1 (docs/access.md)"
            );
        }
        if certificates.is_none() {
            tracing::warn!(
                "{key} = {address} can be reached from other machines and speaks plain text: whoever is on the way reads \
                 the tokens. Give tls_certificate and tls_key, or put something that speaks TLS before it"
            );
        }
    }
    if let Some(gate) = &gate {
        tracing::info!(tokens = gate.tokens(), tls = certificates.is_some(), "access control is on");
    }
    Ok(Access { gate, certificates, http: settings.http.clone() })
}

/// Whether only this machine reaches the address. One that cannot be resolved cannot be listened on either, which is
/// told there.
fn is_loopback(address: &str) -> bool {
    address.to_socket_addrs().is_ok_and(|mut all| all.all(|address| address.ip().to_canonical().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_alone_are_loopback() {
        for address in ["127.0.0.1:0", "127.1.2.3:7400", "[::1]:7400", "[::ffff:127.0.0.1]:7400"] {
            assert!(is_loopback(address), "{address}");
        }
        for address in
            ["0.0.0.0:7400", "[::]:7400", "10.0.0.1:7400", "192.168.1.1:0", "[::ffff:10.0.0.1]:7400", "", "x"]
        {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
