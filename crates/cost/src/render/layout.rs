//! How a report is laid out.

/// How a table, a Markdown page or a picture is laid out; CSV and JSON have one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// No line of a table for the terminal is longer; below [`Layout::LEAST`] it counts as that.
    pub width: usize,
    /// Whether equal siblings have a line each, instead of one for all of them.
    pub all: bool,
}

impl Layout {
    /// The width of a table where nothing else is known.
    pub const WIDTH: usize = 100;

    /// The least width that a table can be laid out in.
    pub const LEAST: usize = 40;

    /// With another width.
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// With a line for each of equal siblings.
    #[must_use]
    pub fn with_all(self, all: bool) -> Self {
        Self { all, ..self }
    }

    /// The width that is laid out in.
    pub(crate) fn room(&self) -> usize {
        self.width.max(Self::LEAST)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            width: Self::WIDTH,
            all: false,
        }
    }
}
