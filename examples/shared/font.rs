//! Letters of 3×5 pixels for the labels of a contact sheet.

use image::{Rgb, RgbImage};

/// Pixels between two letters.
pub const ADVANCE: u32 = 4;

/// Five rows of three pixels, the leftmost the highest bit.
fn glyph(letter: char) -> [u8; 5] {
    match letter {
        '0' => [7, 5, 5, 5, 7],
        '1' => [2, 6, 2, 2, 7],
        '2' => [7, 1, 7, 4, 7],
        '3' => [7, 1, 7, 1, 7],
        '4' => [5, 5, 7, 1, 1],
        '5' => [7, 4, 7, 1, 7],
        '6' => [7, 4, 7, 5, 7],
        '7' => [7, 1, 1, 2, 2],
        '8' => [7, 5, 7, 5, 7],
        '9' => [7, 5, 7, 1, 7],
        'c' => [0, 0, 7, 4, 7],
        'e' => [0, 7, 5, 6, 7],
        'l' => [6, 2, 2, 2, 7],
        'm' => [0, 0, 7, 7, 5],
        'n' => [0, 0, 6, 5, 5],
        'o' => [0, 0, 7, 5, 7],
        'p' => [0, 7, 5, 7, 4],
        'r' => [0, 0, 5, 6, 4],
        'u' => [0, 0, 5, 5, 7],
        'v' => [0, 0, 5, 5, 2],
        '×' => [0, 5, 2, 5, 0],
        '_' => [0, 0, 0, 0, 7],
        _ => [0; 5],
    }
}

/// Writes `text` with its upper left corner at (`x`, `y`), each pixel `scale` wide.
pub fn write(picture: &mut RgbImage, text: &str, [x, y]: [u32; 2], scale: u32, ink: Rgb<u8>) {
    for (place, letter) in (0..).zip(text.chars()) {
        for (row, bits) in (0..).zip(glyph(letter)) {
            for column in (0..3).filter(|column| bits >> (2 - column) & 1 == 1) {
                let (left, top) = (x + (place * ADVANCE + column) * scale, y + row * scale);
                for (dx, dy) in (0..scale * scale).map(|i| (i % scale, i / scale)) {
                    if let Some(pixel) = picture.get_pixel_mut_checked(left + dx, top + dy) {
                        *pixel = ink;
                    }
                }
            }
        }
    }
}
