//! Gradients of all workers, added up.

use std::collections::VecDeque;

use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::group::{Group, Sum};
use crate::device::failure;
use crate::train::error::TrainError;
use crate::train::pieces::Piece;
use crate::train::step::Learning;

/// Numbers that are added up at once, 4 MiB: fewer would wait for the network too often, and more would let nothing start
/// before a whole piece is there.
const BUCKET: usize = 1 << 20;

/// The gradients of a step on their way through the group, piece by piece.
pub(super) struct GradientSum<'a> {
    group: &'a dyn Group,
    network: &'a Learning,
    pieces: Vec<Piece>,
    sums: VecDeque<Sum>,
    /// Those of a worker alone, which stay on its device.
    alone: GradientsParams,
}

impl<'a> GradientSum<'a> {
    pub(super) fn new(group: &'a dyn Group, network: &'a Learning) -> Self {
        Self {
            group,
            network,
            pieces: Vec::new(),
            sums: VecDeque::new(),
            alone: GradientsParams::new(),
        }
    }

    /// Starts to add up the gradients of a piece, to which those of this worker's parts `before` belong. All workers do so
    /// in the same order.
    pub(super) fn begin(
        &mut self,
        piece: Piece,
        gradients: GradientsParams,
        before: &mut GradientsParams,
    ) -> Result<(), TrainError> {
        let mut collect = Collect {
            group: self.group,
            gradients,
            before,
            bucket: Vec::new(),
            sums: &mut self.sums,
            alone: (self.group.size() == 1).then_some(&mut self.alone),
            failure: None,
        };
        self.network.visit_piece(piece, &mut collect);
        collect.send();
        let failure = collect.failure;
        self.pieces.push(piece);
        failure.map_or(Ok(()), Err)
    }

    /// Starts to add up all pieces that were not begun.
    pub(super) fn begin_rest(&mut self, before: &mut GradientsParams) -> Result<(), TrainError> {
        for piece in self.network.pieces() {
            if !self.pieces.contains(&piece) {
                self.begin(piece, GradientsParams::new(), before)?;
            }
        }
        Ok(())
    }

    /// The sums, when they are there.
    pub(super) fn wait(self) -> Result<GradientsParams, TrainError> {
        if self.group.size() == 1 {
            return Ok(self.alone);
        }
        let mut spread = Spread {
            sums: self.sums,
            bucket: Vec::new(),
            used: 0,
            gradients: GradientsParams::new(),
            failure: None,
        };
        for piece in self.pieces {
            self.network.visit_piece(piece, &mut spread);
        }
        match spread.failure {
            Some(failure) => Err(failure),
            None => Ok(spread.gradients),
        }
    }
}

/// Puts gradients into buckets, in the order of a piece's parameters. Where a worker has none, as it had no image, they are
/// zeros.
struct Collect<'a> {
    group: &'a dyn Group,
    gradients: GradientsParams,
    before: &'a mut GradientsParams,
    bucket: Vec<f32>,
    sums: &'a mut VecDeque<Sum>,
    alone: Option<&'a mut GradientsParams>,
    failure: Option<TrainError>,
}

impl Collect<'_> {
    fn send(&mut self) {
        if self.bucket.is_empty() || self.failure.is_some() {
            return;
        }
        match self.group.begin_sum(std::mem::take(&mut self.bucket)) {
            Ok(sum) => self.sums.push_back(sum),
            Err(error) => self.failure = Some(error.into()),
        }
    }
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() || self.failure.is_some() {
            return;
        }
        let (last, before) = (
            self.gradients.remove::<D>(param.id),
            self.before.remove(param.id),
        );
        let gradient = match (last, before) {
            (Some(last), Some(before)) => Some(before + last),
            (last, before) => last.or(before),
        };
        if let Some(alone) = &mut self.alone {
            if let Some(gradient) = gradient {
                alone.register(param.id, gradient);
            }
            return;
        }
        let values = match gradient {
            Some(gradient) => gradient.try_into_vec_as::<f32>(),
            None => Ok(vec![0.0; param.lazy_shape().num_elements()]),
        };
        match values {
            Ok(values) if self.bucket.is_empty() => self.bucket = values,
            Ok(values) => self.bucket.extend_from_slice(&values),
            Err(error) => self.failure = Some(TrainError::Device(failure(error))),
        }
        if self.bucket.len() >= BUCKET {
            self.send();
        }
    }
}

/// Takes them out again in the same order.
struct Spread {
    sums: VecDeque<Sum>,
    bucket: Vec<f32>,
    used: usize,
    gradients: GradientsParams,
    failure: Option<TrainError>,
}

impl Spread {
    /// The next `count` numbers; a parameter lies in one bucket as a whole.
    fn next(&mut self, count: usize) -> Result<Vec<f32>, TrainError> {
        let missing = || TrainError::Stopped("gradients are missing".to_owned());
        if self.used == self.bucket.len() {
            self.bucket = self.sums.pop_front().ok_or_else(missing)?.wait()?;
            self.used = 0;
        }
        if self.used == 0 && count == self.bucket.len() {
            return Ok(std::mem::take(&mut self.bucket));
        }
        let range = self.used..self.used + count;
        self.used += count;
        self.bucket
            .get(range)
            .map(<[f32]>::to_vec)
            .ok_or_else(missing)
    }
}

impl ModuleVisitor for Spread {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() || self.failure.is_some() {
            return;
        }
        let shape = param.lazy_shape();
        match self.next(shape.num_elements()) {
            Ok(values) => {
                let device = param.lazy_device().inner();
                let sum = Tensor::from_data(TensorData::new(values, shape), &device);
                self.gradients.register::<D>(param.id, sum);
            }
            Err(error) => self.failure = Some(error),
        }
    }
}
