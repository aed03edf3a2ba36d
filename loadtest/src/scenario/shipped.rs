//! The scenarios built into the program.

/// Name and text of each, as `config/loads/` has them.
pub const SHIPPED: [(&str, &str); 11] = [
    ("promotion_peak", include_str!("../../../config/loads/promotion_peak.toml")),
    ("one_spend", include_str!("../../../config/loads/one_spend.toml")),
    ("batches", include_str!("../../../config/loads/batches.toml")),
    ("peak_single", include_str!("../../../config/loads/peak_single.toml")),
    ("peak_batches", include_str!("../../../config/loads/peak_batches.toml")),
    ("hot_merchant", include_str!("../../../config/loads/hot_merchant.toml")),
    ("hot_channel", include_str!("../../../config/loads/hot_channel.toml")),
    ("spread_channels", include_str!("../../../config/loads/spread_channels.toml")),
    ("half_peak", include_str!("../../../config/loads/half_peak.toml")),
    ("overload", include_str!("../../../config/loads/overload.toml")),
    ("one_by_one", include_str!("../../../config/loads/one_by_one.toml")),
];

/// Their names, for messages.
#[must_use]
pub fn shipped_names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}
