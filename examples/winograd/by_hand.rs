//! Winograd's minimal filtering F(m, 3) as it stands in textbooks: m outputs of a filter of three at once, by m + 2
//! products.

/// Rows of numbers.
pub type Matrix = Vec<Vec<f64>>;

/// The three matrices of F(m, 3): outputs = A·((G·filter) ⊙ (B·inputs)), where ⊙ multiplies value by value.
pub struct Transforms {
    /// Outputs along a side of a tile.
    pub outputs: usize,
    /// For inputs: (m + 2) × (m + 2).
    pub b: Matrix,
    /// For filters: (m + 2) × 3.
    pub g: Matrix,
    /// For outputs: m × (m + 2).
    pub a: Matrix,
}

impl Transforms {
    /// F(2, 3), from the points 0, 1, -1 and infinity.
    pub fn two() -> Self {
        Self {
            outputs: 2,
            b: rows(
                [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
                1,
            ),
            g: rows([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], 2),
            a: rows([[1, 1, 1, 0], [0, 1, -1, -1]], 1),
        }
    }

    /// F(4, 3), from the points 0, 1, -1, 2, -2 and infinity.
    pub fn four() -> Self {
        let b = [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ];
        let g = [
            [6, 0, 0],
            [-4, -4, -4],
            [-4, 4, -4],
            [1, 2, 4],
            [1, -2, 4],
            [0, 0, 24],
        ];
        let a = [
            [1, 1, 1, 1, 1, 0],
            [0, 1, -1, 2, -2, 0],
            [0, 1, 1, 4, 4, 0],
            [0, 1, -1, 8, -8, 1],
        ];
        Self {
            outputs: 4,
            b: rows(b, 1),
            g: rows(g, 24),
            a: rows(a, 1),
        }
    }

    /// Inputs along a side of a tile.
    pub fn inputs(&self) -> usize {
        self.outputs + 2
    }
}

/// Whole numbers over a common denominator.
fn rows<const R: usize, const C: usize>(numbers: [[i32; C]; R], denominator: i32) -> Matrix {
    let row = |row: [i32; C]| {
        row.map(|number| f64::from(number) / f64::from(denominator))
            .to_vec()
    };
    numbers.into_iter().map(row).collect()
}

/// What a way to compute takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Products of a value of the image and one of the filter.
    pub multiplications: usize,
    /// Additions and subtractions in the transforms of inputs and outputs, row by row as the matrices say.
    pub transform_additions: usize,
}

/// Each output of a tile as its definition says: nine products.
pub fn direct(tile: &Matrix, filter: &Matrix, count: &mut Count) -> Matrix {
    let outputs = tile.len() - 2;
    let output = |row: usize, column: usize, count: &mut Count| {
        let mut sum = 0.0;
        for (y, weights) in filter.iter().enumerate() {
            for (x, weight) in weights.iter().enumerate() {
                sum += tile[row + y][column + x] * weight;
                count.multiplications += 1;
            }
        }
        sum
    };
    (0..outputs)
        .map(|row| {
            (0..outputs)
                .map(|column| output(row, column, count))
                .collect()
        })
        .collect()
}

/// The same outputs from one product for each value of the transformed tile.
pub fn minimal(
    transforms: &Transforms,
    tile: &Matrix,
    filter: &Matrix,
    count: &mut Count,
) -> Matrix {
    // A filter is transformed once for all tiles of all images: that is not counted.
    let filter = both_sides(&transforms.g, filter, &mut Count::default());
    let tile = both_sides(&transforms.b, tile, count);
    let mut products = tile;
    for (row, weights) in products.iter_mut().zip(&filter) {
        for (value, weight) in row.iter_mut().zip(weights) {
            *value *= weight;
            count.multiplications += 1;
        }
    }
    both_sides(&transforms.a, &products, count)
}

/// M·X·Mᵀ: the columns of X are transformed, then the rows of what comes out.
fn both_sides(matrix: &Matrix, values: &Matrix, count: &mut Count) -> Matrix {
    let columns = transposed(values)
        .iter()
        .map(|column| apply(matrix, column, count))
        .collect();
    transposed(&columns)
        .iter()
        .map(|row| apply(matrix, row, count))
        .collect()
}

/// M·x. Zeros cost nothing.
fn apply(matrix: &Matrix, values: &[f64], count: &mut Count) -> Vec<f64> {
    let mut sum = |row: &Vec<f64>| {
        let terms: Vec<_> = row
            .iter()
            .zip(values)
            .filter(|(factor, _)| **factor != 0.0)
            .collect();
        count.transform_additions += terms.len() - 1;
        terms.iter().map(|(factor, value)| *factor * *value).sum()
    };
    matrix.iter().map(&mut sum).collect()
}

/// M·x, as for one dimension.
pub fn transformed(matrix: &Matrix, values: &[f64]) -> Vec<f64> {
    apply(matrix, values, &mut Count::default())
}

fn transposed(values: &Matrix) -> Matrix {
    let columns = values.first().map_or(0, Vec::len);
    (0..columns)
        .map(|column| values.iter().map(|row| row[column]).collect())
        .collect()
}
