//! `fentan recon …`.
