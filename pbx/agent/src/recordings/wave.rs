//! How long a WAVE file plays. Pure.

/// Where the audio begins in Asterisk's files (`format_wav`): 12 octets of RIFF, 24 of `fmt `, 8 of `data`.
pub(super) const HEADER: u64 = 44;
/// Where `fmt ` says how many octets are a second.
const RATE: std::ops::Range<usize> = 28..32;

/// Whole seconds of a file of so many octets; 0 when its head is none. Not by the length that the head states, which is right only
/// once the file is closed.
pub(super) fn seconds(header: &[u8], bytes: u64) -> u32 {
    let is_wave = header.starts_with(b"RIFF") && header.get(8..16) == Some(b"WAVEfmt ");
    let rate = header.get(RATE).filter(|_| is_wave).and_then(|rate| rate.try_into().ok()).map_or(0, u32::from_le_bytes);
    let played = bytes.saturating_sub(HEADER).checked_div(u64::from(rate)).unwrap_or_default();
    u32::try_from(played).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod fixtures {
    /// A recording of 8 kHz, 16 bit, one channel, as Asterisk writes it.
    pub(in crate::recordings) fn wave(seconds: usize) -> Vec<u8> {
        let audio = seconds * 16_000;
        let mut file =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0".to_vec();
        file.resize(file.len() + audio, 0);
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_follows_from_the_octets_whatever_the_head_says_of_it() {
        let file = fixtures::wave(3);
        assert_eq!(file.len(), 48_044);
        assert_eq!(seconds(&file, 48_044), 3);
        assert_eq!(seconds(&file, 48_043), 2);
    }

    #[test]
    fn what_is_no_wave_has_no_length() {
        for header in [&b""[..], b"RIFF", &[0; 44], &fixtures::wave(0)[..30]] {
            assert_eq!(seconds(header, 48_044), 0);
        }
    }
}
