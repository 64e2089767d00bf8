//! Memory of a device that kernels read and write.

use burn_backend::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::server::Handle;
use burn_cubecl::tensor::CubeTensor;

/// Four numbers that lie one behind the other.
pub(super) type Four = Vector<f32, Const<4>>;

/// So many numbers of 32 bits.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    handle: Handle,
    length: usize,
}

impl Numbers {
    /// Memory whose content is not defined. Memory of earlier calls is taken again.
    pub(super) fn new(client: &Client, length: usize) -> Self {
        Self {
            handle: client.empty(length * size_of::<f32>()),
            length,
        }
    }

    /// Those of a tensor, one behind the other.
    pub(super) fn of(tensor: CubeTensor) -> Self {
        let tensor = burn_cubecl::kernel::into_contiguous(tensor);
        debug_assert_eq!(tensor.dtype, DType::F32);
        Self {
            length: tensor.meta.num_elements(),
            handle: tensor.handle,
        }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// How many numbers a kernel reads and writes at once that takes one after the other.
    pub(super) fn vector(&self) -> usize {
        if self.length.is_multiple_of(4) { 4 } else { 1 }
    }

    /// For a kernel that reads or writes `vector` numbers at once.
    pub(super) fn argument(&self, vector: usize) -> BufferArg {
        // SAFETY: `length` is what the handle was made with.
        unsafe { BufferArg::from_raw_parts(self.handle.clone(), self.length / vector) }
    }

    pub(super) fn into_tensor(
        self,
        client: &Client,
        device: &CubeDevice,
        shape: impl Into<Shape>,
    ) -> CubeTensor {
        CubeTensor::new_contiguous(
            client.clone(),
            device.clone(),
            shape.into(),
            self.handle,
            DType::F32,
        )
    }
}
