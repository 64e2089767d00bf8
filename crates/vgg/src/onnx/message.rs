//! The wire format of Protocol Buffers, written. ONNX files need two kinds of fields of it, numbers and what has a
//! length; the weights, by far the most of a file, never go through a message.

/// A message, or the beginning of one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

/// Kinds of fields, as the lowest three bits of a key have them.
const NUMBER: u64 = 0;
const BYTES: u64 = 2;

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn number(mut self, field: u64, value: i64) -> Self {
        self.variable(field << 3 | NUMBER);
        self.variable(value.cast_unsigned());
        self
    }

    pub(super) fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub(super) fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// The beginning of a field whose `length` bytes are not here.
    pub(super) fn begin(mut self, field: u64, length: u64) -> Self {
        self.variable(field << 3 | BYTES);
        self.variable(length);
        self
    }

    /// With the fields of another one.
    pub(super) fn with(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn bytes(self, field: u64, bytes: &[u8]) -> Self {
        let mut message = self.begin(field, bytes.len() as u64);
        message.0.extend_from_slice(bytes);
        message
    }

    /// Seven bits a byte, the lowest first; all bytes but the last have the highest bit set.
    fn variable(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's own documentation (protobuf.dev, "Encoding").
    #[test]
    fn fields_are_encoded_as_documented() {
        assert_eq!(Message::new().number(1, 150).as_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::new().text(2, "testing");
        assert_eq!(text.as_bytes(), b"\x12\x07testing");
        let inner = Message::new().number(1, 150);
        let outer = Message::new().message(3, &inner);
        assert_eq!(outer.as_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let negative = Message::new().number(1, -2);
        let bits = [
            0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        assert_eq!(negative.as_bytes(), bits);
        assert_eq!(Message::new().begin(2, 7).as_bytes(), [0x12, 0x07]);
    }
}
