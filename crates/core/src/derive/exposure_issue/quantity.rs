//! Times and sizes, as proxies and Kubernetes write them.

/// Milliseconds of `90s`, `1h30m`, `500ms`, `0s`; a plain number counts as `bare` milliseconds each.
pub fn milliseconds(text: &str, bare: u64) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let number: u64 = digits.parse().ok()?;
        let part = match unit.trim() {
            "" => number.checked_mul(bare)?,
            // Less than the least is not nothing.
            "us" => number.div_ceil(1000),
            "ms" => number,
            "s" => number.checked_mul(1000)?,
            "m" => number.checked_mul(60_000)?,
            "h" => number.checked_mul(3_600_000)?,
            "d" => number.checked_mul(86_400_000)?,
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

/// Bytes of `10m`, `1g`, `10Mi`, `10MB`; `m` is nginx's mebibyte.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let shift = match unit.strip_suffix('i').unwrap_or(unit) {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("90", Some(90_000))]
    #[case("30s", Some(30_000))]
    #[case("1h30m", Some(5_400_000))]
    #[case("500ms", Some(500))]
    #[case("1500ms", Some(1500))]
    #[case("10us", Some(1))]
    #[case("1d", Some(86_400_000))]
    #[case("0s", Some(0))]
    #[case("infinity", None)]
    #[case("", None)]
    #[case("s", None)]
    fn times(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(milliseconds(text, 1000), expected);
    }

    #[rstest]
    #[case("0", Some(0))]
    #[case("10m", Some(10 << 20))]
    #[case("20G", Some(20 << 30))]
    #[case("10Mi", Some(10 << 20))]
    #[case("2GB", Some(2 << 30))]
    #[case("1x", None)]
    #[case("99999999999g", None)]
    fn sizes(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(bytes(text), expected);
    }
}
