//! Which addresses may be loaded.
//!
//! A load test asks for money to be moved, as often as it can. Pointed at the wrong host by a slip
//! of the hand it does damage, so only this machine is allowed unless the caller insists.

use std::net::{SocketAddr, ToSocketAddrs};

/// Why an address is not used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not `host:port`, or the name is unknown.
    #[error("{flag} {text}: {source}; expected HOST:PORT")]
    Resolve {
        /// The flag that gave it.
        flag: &'static str,
        /// What was given.
        text: String,
        /// What the resolver says.
        source: std::io::Error,
    },
    /// The name has no address.
    #[error("{flag} {text}: the name has no address")]
    NoAddress {
        /// The flag that gave it.
        flag: &'static str,
        /// What was given.
        text: String,
    },
    /// Not this machine.
    #[error(
        "{flag} {text} is not this machine ({address}); a load test writes money movements to its target: \
         say --allow-remote if that is really meant"
    )]
    Remote {
        /// The flag that gave it.
        flag: &'static str,
        /// What was given.
        text: String,
        /// What it resolves to.
        address: SocketAddr,
    },
}

/// Resolves `host:port`; anything but loopback needs `allow_remote`. `flag` is for messages.
///
/// # Errors
/// See [`TargetError`].
pub fn resolve(flag: &'static str, text: &str, allow_remote: bool) -> Result<SocketAddr, TargetError> {
    let addresses: Vec<_> = text
        .to_socket_addrs()
        .map_err(|source| TargetError::Resolve { flag, text: text.to_owned(), source })?
        .collect();
    // A name may have several addresses; all must be loopback, the first is used.
    let Some(first) = addresses.first().copied() else {
        return Err(TargetError::NoAddress { flag, text: text.to_owned() });
    };
    match addresses.iter().find(|a| !a.ip().to_canonical().is_loopback()) {
        Some(address) if !allow_remote => Err(TargetError::Remote { flag, text: text.to_owned(), address: *address }),
        _ => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_insisted() {
        for good in ["127.0.0.1:7400", "[::1]:1", "127.9.9.9:1", "[::ffff:127.0.0.1]:1"] {
            assert!(resolve("--tcp", good, false).is_ok(), "{good}");
        }
        for remote in ["192.0.2.1:7400", "0.0.0.0:7400", "[2001:db8::1]:1"] {
            let error = resolve("--tcp", remote, false).unwrap_err();
            assert!(error.to_string().contains("--allow-remote"), "{error}");
            assert!(resolve("--tcp", remote, true).is_ok());
        }
        assert!(matches!(resolve("--tcp", "nonsense", false), Err(TargetError::Resolve { .. })));
    }
}
