//! The wire format of Protocol Buffers.

/// The value of one field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    /// A variable-length integer.
    Number(u64),
    /// Text, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Word(u32),
    /// Eight bytes.
    Long(u64),
}

impl<'a> Field<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            other => Err(format!("{other:?} where bytes belong")),
        }
    }

    pub(super) fn text(self) -> Result<String, String> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    /// One integer, or several that are packed.
    pub(super) fn integers(self, into: &mut Vec<i64>) -> Result<(), String> {
        match self {
            Self::Number(number) => into.push(number.cast_signed()),
            Self::Bytes(mut rest) => {
                while !rest.is_empty() {
                    into.push(number(&mut rest)?.cast_signed());
                }
            }
            other => return Err(format!("{other:?} where integers belong")),
        }
        Ok(())
    }

    pub(super) fn integer(self) -> Result<i64, String> {
        match self {
            Self::Number(number) => Ok(number.cast_signed()),
            other => Err(format!("{other:?} where an integer belongs")),
        }
    }

    /// One floating-point number, or several of 32 bits that are packed.
    pub(super) fn floats(self, into: &mut Vec<f64>) -> Result<(), String> {
        match self {
            Self::Word(word) => into.push(f64::from(f32::from_bits(word))),
            Self::Long(long) => into.push(f64::from_bits(long)),
            Self::Bytes(bytes) => into.extend(
                bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|&word| f64::from(f32::from_le_bytes(word))),
            ),
            other => return Err(format!("{other:?} where numbers belong")),
        }
        Ok(())
    }
}

/// The fields of a message, with their numbers.
pub(super) fn fields(mut rest: &[u8]) -> Result<Vec<(u64, Field<'_>)>, String> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = number(&mut rest)?;
        let field = match key & 7 {
            0 => Field::Number(number(&mut rest)?),
            1 => Field::Long(u64::from_le_bytes(*array(&mut rest)?)),
            2 => {
                let length = number(&mut rest)?;
                let length = usize::try_from(length).map_err(|error| error.to_string())?;
                Field::Bytes(take(&mut rest, length)?)
            }
            5 => Field::Word(u32::from_le_bytes(*array(&mut rest)?)),
            kind => return Err(format!("a field of kind {kind}")),
        };
        fields.push((key >> 3, field));
    }
    Ok(fields)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, after) = rest.split_at_checked(length).ok_or("it ends too early")?;
    *rest = after;
    Ok(taken)
}

fn array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], String> {
    let (taken, after) = rest.split_first_chunk().ok_or("it ends too early")?;
    *rest = after;
    Ok(taken)
}

fn number(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = *array(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of more than 64 bits".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_fields() {
        let bytes = [8, 0xac, 2, 0x12, 2, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f];
        let found = fields(&bytes).expect("a message");
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].1.integer(), Ok(300));
        assert_eq!(found[1].1.text().as_deref(), Ok("hi"));
        let mut floats = Vec::new();
        found[2].1.floats(&mut floats).expect("a number");
        assert_eq!(floats, [1.0]);
    }

    #[test]
    fn broken_messages() {
        for bytes in [
            &[8][..],
            &[0x12, 5, 1],
            &[0x1d, 0],
            &[0x0b],
            &[
                8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
        ] {
            assert!(fields(bytes).is_err(), "{bytes:?}");
        }
    }
}
