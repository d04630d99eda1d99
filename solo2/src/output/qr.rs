//! A QR code in half-block characters, for a camera across the room.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::error::Failure;

/// Draws `payload`, light on dark with its quiet zone, so that it reads on
/// dark and on light terminals.
pub(crate) fn draw(payload: &str) -> Result<String, Failure> {
    let code = QrCode::new(payload.as_bytes())
        .map_err(|_| Failure::internal("too much for one QR code"))?;
    Ok(code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_fits_a_terminal() {
        let drawn = draw(&format!("solo2:{}", "ab".repeat(32))).expect("draw");
        assert!(drawn.lines().count() <= 24);
        assert!(drawn.lines().all(|line| line.chars().count() <= 80));
        assert!(draw(&"x".repeat(5000)).is_err());
    }
}
