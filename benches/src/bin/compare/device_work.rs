//! Work that a GPU does for its own sake: how fast it is at most, and whether it is as fast as before.

use std::error::Error;
use std::time::{Duration, Instant};

use benches::Peaks;
use burn::tensor::{Device, Distribution, Tensor};

use crate::backend::Gpu;

/// Products of two square matrices.
pub(crate) struct Products {
    device: Device,
    factors: [Tensor<2>; 2],
}

impl Products {
    pub(crate) fn new(device: &Device, rows: usize) -> Self {
        let random = || Tensor::random([rows, rows], Distribution::Normal(0.0, 1.0), device);
        Self {
            device: device.clone(),
            factors: [random(), random()],
        }
    }

    /// The time of so many of them.
    pub(crate) fn time(&self, count: usize) -> Result<Duration, Box<dyn Error>> {
        let [a, b] = &self.factors;
        time(&self.device, count, || a.clone().matmul(b.clone()))
    }
}

/// Reading every value of a tensor, and writing it to another one.
struct Copies {
    device: Device,
    values: Tensor<2>,
}

impl Copies {
    const ROWS: usize = 1024;

    fn new(device: &Device, bytes: u64) -> Self {
        let columns = bytes as usize / size_of::<f32>() / Self::ROWS;
        Self {
            device: device.clone(),
            values: Tensor::random([Self::ROWS, columns], Distribution::Default, device),
        }
    }

    /// Read and written.
    fn bytes(&self) -> f64 {
        2.0 * (self.values.shape().num_elements() * size_of::<f32>()) as f64
    }

    fn time(&self, count: usize) -> Result<Duration, Box<dyn Error>> {
        // An addition is the least that a backend does with every value; a copy it would leave out.
        time(&self.device, count, || self.values.clone() + 1.0)
    }
}

/// The time of so many calls between two moments at which the device has nothing to do: a single one would be
/// measured with the way there and back.
fn time(
    device: &Device,
    count: usize,
    call: impl Fn() -> Tensor<2>,
) -> Result<Duration, Box<dyn Error>> {
    device.sync()?;
    let start = Instant::now();
    for _ in 0..count {
        let result = call();
        // Where operations are joined, these stay apart.
        device.flush()?;
        drop(result);
    }
    device.sync()?;
    Ok(start.elapsed())
}

/// As long as a measurement has to last for the way to the device and back to be small.
const LONG: Duration = Duration::from_millis(50);

/// How long the best of several is looked for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Seconds of one call, at best.
fn least(time: impl Fn(usize) -> Result<Duration, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    // Kernels are compiled, and chosen, and clocks go up.
    let mut taken = time(1)?.min(time(1)?);
    let mut count = 1;
    while taken < LONG && count < 64 {
        count *= 2;
        taken = time(count)?;
    }
    let (start, mut runs) = (Instant::now(), 1);
    while runs < 3 || start.elapsed() < PATIENCE {
        taken = taken.min(time(count)?);
        runs += 1;
    }
    Ok(taken.as_secs_f64() / count as f64)
}

/// The most that the device does: of products that grow until they are large enough, and of reading and writing more
/// than its caches hold.
pub(crate) fn peaks(device: &Device, gpu: &Gpu) -> Result<Peaks, Box<dyn Error>> {
    let limit = gpu.largest_tensor.unwrap_or(u64::MAX);
    let (most_rows, most_bytes) = match gpu.is_software {
        true => (256, 32 << 20),
        false => (8192, 512 << 20),
    };
    let (mut gflops, mut rows) = (0f64, 256);
    while rows <= most_rows && (rows * rows * size_of::<f32>()) as u64 <= limit {
        let products = Products::new(device, rows);
        let seconds = least(|count| products.time(count))?;
        gflops = gflops.max(2.0 * (rows as f64).powi(3) / seconds / 1e9);
        if seconds > LONG.as_secs_f64() {
            break;
        }
        rows *= 2;
    }
    let copies = Copies::new(device, limit.min(most_bytes));
    let seconds = least(|count| copies.time(count))?;
    Ok(Peaks {
        gflops,
        gigabytes_per_second: copies.bytes() / seconds / 1e9,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(largest_tensor: Option<u64>) -> Gpu {
        Gpu {
            name: "flex".into(),
            is_software: true,
            largest_tensor,
        }
    }

    #[test]
    fn any_device_has_peaks() {
        let peaks = peaks(&Device::flex(), &gpu(None)).expect("peaks");
        assert!(peaks.gflops > 0.0 && peaks.gflops.is_finite());
        assert!(peaks.gigabytes_per_second > 0.0);
    }

    #[test]
    fn what_is_read_and_what_is_written_counts() {
        let copies = Copies::new(&Device::flex(), 1 << 20);
        assert_eq!(copies.bytes(), 2.0 * (1 << 20) as f64);
    }

    #[test]
    fn the_time_of_a_call_is_a_part_of_the_whole() {
        let slow = |count: usize| Ok(Duration::from_millis(10) * count as u32);
        assert!((least(slow).expect("a time") - 0.01).abs() < 1e-9);
        let error = least(|_| Err("lost".into())).expect_err("the device is lost");
        assert_eq!(error.to_string(), "lost");
    }
}
