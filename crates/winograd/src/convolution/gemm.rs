//! Matrix products of packed factors, sixteen columns at a time.
//!
//! The left factor is stored in lines of sixteen neighbouring `k`: `a[k / 16][row][k % 16]`. It is read
//! by broadcasts; its rows lie 64 bytes apart, so that all addresses of a block are one register and a
//! constant. The right factor is packed in panels of one or two lines: `b[panel][k][column]`.
//! The result is `c[column / 16][row][column % 16]`, which is again the layout of a left factor.
#![allow(unsafe_code)]

use crate::maps::line::{LANES, Line};
use crate::simd::Vector;

/// A line of a packed right factor, as it is stored.
pub(crate) trait Packed: Copy + Send + Sync {
    fn load<V: Vector>(&self) -> V;
}

impl Packed for Line {
    #[inline(always)]
    fn load<V: Vector>(&self) -> V {
        V::load(&self.0)
    }
}

/// A line in half precision.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct HalfLine(pub [u16; LANES]);

impl Packed for HalfLine {
    #[inline(always)]
    fn load<V: Vector>(&self) -> V {
        V::load_f16(&self.0)
    }
}

/// Evaluates `$body` with constants `R` and `C` equal to `$rows` (at most `$v::ROWS`) and `$cols`.
macro_rules! with_sizes {
    ($v:ident, $rows:expr, $cols:expr, $body:expr) => {
        crate::convolution::gemm::with_sizes!($v, $rows, $cols, $body, [1 2 3 4 5 6 7 8 9 10 11 12 13 14])
    };
    ($v:ident, $rows:expr, $cols:expr, $body:expr, [$($r:literal)*]) => {
        match ($rows, $cols) {
            $(
                ($r, 1) if $r <= $v::ROWS => {
                    const R: usize = $r;
                    const C: usize = 1;
                    $body
                }
                ($r, 2) if $r <= $v::ROWS && 2 <= $v::COLS => {
                    const R: usize = $r;
                    const C: usize = 2;
                    $body
                }
            )*
            _ => unreachable!("a register block of {} rows and {} columns", $rows, $cols),
        }
    };
}
pub(crate) use with_sizes;

/// `c = a · panel`.
///
/// - `a`: `[depth / 16]` blocks of `rows` lines, `a_step` lines apart.
/// - `panel`: `[depth][cols]` lines.
/// - `c`: `[cols]` blocks of `rows` lines, `c_step` lines apart.
///
/// `ONCE` says that nobody will read the panel again soon. It then goes through the processor without a place
/// in the last cache, where it would take that of what is read again. That only helps if the rows make one
/// block, as each block reads the panel.
#[inline(always)]
pub(crate) fn multiply<V: Vector, P: Packed, const ONCE: bool>(
    a: &[Line],
    a_step: usize,
    rows: usize,
    panel: &[P],
    cols: usize,
    c: &mut [Line],
    c_step: usize,
) {
    let depth = panel.len() / (LANES * cols);
    assert!(rows > 0 && depth > 0 && cols <= V::COLS && panel.len() == depth * LANES * cols);
    assert!(a.len() >= (depth - 1) * a_step + rows);
    assert!(c.len() >= (cols - 1) * c_step + rows);
    // Blocks of nearly equal height: 16 rows are 8 + 8 and not 14 + 2.
    let blocks = rows.div_ceil(V::ROWS);
    let (height, higher) = (rows / blocks, rows % blocks);
    let mut row = 0;
    for block_index in 0..blocks {
        let height = height + usize::from(block_index < higher);
        // SAFETY: the block reads lines `row..row + height` of each block of `a`, all of `panel`, and
        // writes lines `row..row + height` of each block of `c`; the asserts above bound all of them.
        unsafe {
            let a = a.as_ptr().add(row);
            let c = c.as_mut_ptr().add(row);
            with_sizes!(
                V,
                height,
                cols,
                block::<V, P, ONCE, R, C>(depth, a, a_step, panel.as_ptr(), c, c_step)
            );
        }
        row += height;
    }
}

/// Lines from where a panel that is read once is read to where it is asked for. At 32 to 512 of them the same
/// time was measured.
const AHEAD: usize = 128;

/// One block of `R` rows and `C` lines, held in registers over the whole depth.
///
/// # Safety
/// `a` has `depth` blocks of `R` lines, `a_step` apart; `panel` has `depth * 16 * C` lines; `c` has `C`
/// blocks of `R` lines, `c_step` apart.
#[inline(always)]
unsafe fn block<V: Vector, P: Packed, const ONCE: bool, const R: usize, const C: usize>(
    depth: usize,
    a: *const Line,
    a_step: usize,
    panel: *const P,
    c: *mut Line,
    c_step: usize,
) {
    let mut sums = [[V::splat(0.0); C]; R];
    let mut a: *const f32 = a.cast();
    let mut panel = panel;
    for _ in 0..depth {
        for k in 0..LANES {
            let mut weights = [V::splat(0.0); C];
            for (j, weight) in weights.iter_mut().enumerate() {
                // SAFETY: in bounds, says the caller.
                *weight = unsafe { (*panel.add(k * C + j)).load() };
                if ONCE {
                    V::prefetch_once(panel.wrapping_add(k * C + j + AHEAD).cast());
                }
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: in bounds, says the caller.
                let x = V::splat(unsafe { *a.add(r * LANES + k) });
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = x.mul_add(weight, *sum);
                }
            }
        }
        a = a.wrapping_add(a_step * LANES);
        panel = panel.wrapping_add(LANES * C);
    }
    for (r, sums) in sums.iter().enumerate() {
        for (j, sum) in sums.iter().enumerate() {
            // SAFETY: in bounds, says the caller.
            sum.store(unsafe { &mut (*c.add(j * c_step + r)).0 });
        }
    }
}

/// `c += aᵀ · b`, where both factors are stored row by row: the sum over rows of the outer products of
/// the lines of `a` and of `b`. This is what the gradient of weights needs.
///
/// - `a`: `[rows]` lines; gives 16 rows of the result.
/// - `b`: `[cols]` blocks of `rows` lines, `b_step` lines apart.
/// - `c`: `[16][cols]` lines: row `i` belongs to lane `i` of `a`.
#[inline(always)]
pub(crate) fn multiply_transposed<V: Vector>(
    a: &[Line],
    b: &[Line],
    b_step: usize,
    cols: usize,
    c: &mut [Line],
) {
    let rows = a.len();
    assert!(cols == 1 || (cols == 2 && V::COLS == 2));
    assert!(rows > 0 && b.len() >= (cols - 1) * b_step + rows && c.len() == LANES * cols);
    let mut lane = 0;
    while lane < LANES {
        // SAFETY: the block reads lanes `lane..lane + CHANNEL_ROWS` of the lines of `a`, the lines of
        // `b` that the assert bounds, and as many rows of `c`; `CHANNEL_ROWS` divides 16.
        unsafe {
            let a = a.as_ptr().cast::<f32>().add(lane);
            let c = c.as_mut_ptr().add(lane * cols);
            match (V::CHANNEL_ROWS, cols) {
                (2, 1) => outer_block::<V, 2, 1>(rows, a, b.as_ptr(), b_step, c),
                (4, 1) => outer_block::<V, 4, 1>(rows, a, b.as_ptr(), b_step, c),
                (8, 1) => outer_block::<V, 8, 1>(rows, a, b.as_ptr(), b_step, c),
                (8, 2) => outer_block::<V, 8, 2>(rows, a, b.as_ptr(), b_step, c),
                _ => unreachable!("a register block of {} channels", V::CHANNEL_ROWS),
            }
        }
        lane += V::CHANNEL_ROWS;
    }
}

/// # Safety
/// `a` points at the first of `R` lanes of the first of `rows` lines; `b` has `C` blocks of `rows`
/// lines, `b_step` apart; `c` has `R * C` lines.
#[inline(always)]
unsafe fn outer_block<V: Vector, const R: usize, const C: usize>(
    rows: usize,
    a: *const f32,
    b: *const Line,
    b_step: usize,
    c: *mut Line,
) {
    let mut sums = [[V::splat(0.0); C]; R];
    for (i, sums) in sums.iter_mut().enumerate() {
        for (j, sum) in sums.iter_mut().enumerate() {
            // SAFETY: in bounds, says the caller.
            *sum = V::load(unsafe { &(*c.add(i * C + j)).0 });
        }
    }
    for row in 0..rows {
        let mut right = [V::splat(0.0); C];
        for (j, right) in right.iter_mut().enumerate() {
            // SAFETY: in bounds, says the caller.
            *right = V::load(unsafe { &(*b.add(j * b_step + row)).0 });
        }
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: in bounds, says the caller.
            let x = V::splat(unsafe { *a.add(row * LANES + i) });
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = x.mul_add(right, *sum);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (j, sum) in sums.iter().enumerate() {
            // SAFETY: in bounds, says the caller.
            sum.store(unsafe { &mut (*c.add(i * C + j)).0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Kernel, Op};

    const GUARD: f32 = -77.0;

    /// Small whole numbers, whose products and sums are exact.
    fn values(count: usize, seed: usize) -> Vec<Line> {
        (0..count)
            .map(|i| {
                Line(std::array::from_fn(|lane| {
                    ((i * 16 + lane) * seed % 13) as f32 - 6.0
                }))
            })
            .collect()
    }

    /// Surrounds lines with lines that nothing may write, or that spoil what reads them.
    fn guarded(lines: &[Line], guard: f32) -> Vec<Line> {
        let guard = [Line([guard; LANES]); 3];
        [&guard, lines, &guard].concat()
    }

    struct Multiply<'a>(&'a [Line], usize, usize, &'a [Line], usize, &'a mut [Line]);

    impl Op for Multiply<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Vector>(self) {
            let Self(a, a_step, rows, panel, cols, c) = self;
            if cols <= V::COLS {
                multiply::<V, Line, false>(a, a_step, rows, panel, cols, c, rows);
            }
        }
    }

    #[test]
    fn products_read_and_write_only_what_they_should() {
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            for cols in 1..=kernel.panel_lines() {
                for (depth, rows) in (1..=3).flat_map(|d| (1..=31).map(move |r| (d, r))) {
                    let a = values(depth * rows, 7);
                    let panel = values(depth * LANES * cols, 5);
                    let (a_guarded, panel_guarded) =
                        (guarded(&a, f32::NAN), guarded(&panel, f32::NAN));
                    let mut c = guarded(&vec![Line::ZERO; rows * cols], GUARD);
                    let end = c.len() - 3;
                    kernel.run(Multiply(
                        &a_guarded[3..3 + a.len()],
                        rows,
                        rows,
                        &panel_guarded[3..3 + panel.len()],
                        cols,
                        &mut c[3..end],
                    ));
                    for line in c[..3].iter().chain(&c[end..]) {
                        assert_eq!(line.0, [GUARD; LANES]);
                    }
                    for (row, column) in
                        (0..rows).flat_map(|r| (0..cols * LANES).map(move |c| (r, c)))
                    {
                        let expected: f32 = (0..depth * LANES)
                            .map(|k| {
                                let x = a[k / LANES * rows + row].0[k % LANES];
                                x * panel[k * cols + column / LANES].0[column % LANES]
                            })
                            .sum();
                        let found = c[3 + column / LANES * rows + row].0[column % LANES];
                        assert_eq!(found, expected, "{kernel:?} {rows}x{cols}, depth {depth}");
                    }
                }
            }
        }
    }

    struct Transposed<'a>(&'a [Line], &'a [Line], usize, &'a mut [Line]);

    impl Op for Transposed<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Vector>(self) {
            multiply_transposed::<V>(self.0, self.1, self.0.len(), self.2, self.3);
        }
    }

    #[test]
    fn outer_products_read_and_write_only_what_they_should() {
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            for (cols, rows) in
                (1..=kernel.panel_lines()).flat_map(|c| (1..=9).map(move |r| (c, r)))
            {
                let (a, b) = (values(rows, 7), values(rows * cols, 5));
                let (a_guarded, b_guarded) = (guarded(&a, f32::NAN), guarded(&b, f32::NAN));
                let mut c = guarded(&vec![Line([2.0; LANES]); LANES * cols], GUARD);
                let end = c.len() - 3;
                kernel.run(Transposed(
                    &a_guarded[3..3 + rows],
                    &b_guarded[3..3 + b.len()],
                    cols,
                    &mut c[3..end],
                ));
                for line in c[..3].iter().chain(&c[end..]) {
                    assert_eq!(line.0, [GUARD; LANES]);
                }
                for (i, column) in (0..LANES).flat_map(|i| (0..cols * LANES).map(move |c| (i, c))) {
                    let sum: f32 = (0..rows)
                        .map(|r| a[r].0[i] * b[column / LANES * rows + r].0[column % LANES])
                        .sum();
                    let found = c[3 + i * cols + column / LANES].0[column % LANES];
                    assert_eq!(found, 2.0 + sum, "{kernel:?} {rows} rows, {cols} lines");
                }
            }
        }
    }
}
