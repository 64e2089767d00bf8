//! Gradients of all workers, added up.

use std::collections::HashMap;

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use super::group::{Group, Sum};
use crate::device::failure;
use crate::train::error::TrainError;
use crate::train::pieces::Piece;
use crate::train::step::Learning;

/// Numbers of small gradients that are added up together, 4 MiB: fewer would wait for the network too often, and more would
/// let nothing start before a whole piece is there.
const BUCKET: usize = 1 << 20;

/// The gradients of a step on their way through the group, piece by piece.
pub(super) struct GradientSum<'a> {
    group: &'a dyn Group,
    network: &'a Learning,
    pieces: Vec<Piece>,
    buckets: Vec<Bucket>,
    /// Those of a worker alone, which stay on its device.
    alone: GradientsParams,
}

impl<'a> GradientSum<'a> {
    pub(super) fn new(group: &'a dyn Group, network: &'a Learning) -> Self {
        Self {
            group,
            network,
            pieces: Vec::new(),
            buckets: Vec::new(),
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
            values: Vec::new(),
            parameters: Vec::new(),
            buckets: &mut self.buckets,
            alone: (self.group.size() == 1).then_some(&mut self.alone),
            failure: None,
        };
        self.network.visit_piece(piece, &mut collect);
        collect.send_small();
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
        let mut values = HashMap::new();
        for bucket in self.buckets {
            bucket.wait(&mut values)?;
        }
        let mut register = Register {
            values,
            gradients: GradientsParams::new(),
        };
        for piece in self.pieces {
            self.network.visit_piece(piece, &mut register);
        }
        Ok(register.gradients)
    }
}

/// Gradients of some parameters that are added up at once.
struct Bucket {
    /// With how many numbers each has.
    parameters: Vec<(ParamId, usize)>,
    sum: Sum,
}

impl Bucket {
    fn wait(self, found: &mut HashMap<ParamId, Vec<f32>>) -> Result<(), TrainError> {
        let values = self.sum.wait()?;
        // A large gradient is not copied.
        if let [(id, _)] = self.parameters[..] {
            found.insert(id, values);
            return Ok(());
        }
        let mut rest = values.as_slice();
        for (id, count) in self.parameters {
            let missing = || TrainError::Stopped("gradients are missing".to_owned());
            let (mine, behind) = rest.split_at_checked(count).ok_or_else(missing)?;
            found.insert(id, mine.to_vec());
            rest = behind;
        }
        Ok(())
    }
}

/// Puts gradients into buckets: large ones as they are, small ones together, in the order of a piece's parameters. Where a
/// worker has none, as it had no image, they are zeros.
struct Collect<'a> {
    group: &'a dyn Group,
    gradients: GradientsParams,
    before: &'a mut GradientsParams,
    /// Of small gradients that were not sent yet.
    values: Vec<f32>,
    parameters: Vec<(ParamId, usize)>,
    buckets: &'a mut Vec<Bucket>,
    alone: Option<&'a mut GradientsParams>,
    failure: Option<TrainError>,
}

impl Collect<'_> {
    fn add(&mut self, id: ParamId, values: Vec<f32>) {
        let parameter = (id, values.len());
        if values.len() >= BUCKET {
            return self.send(vec![parameter], values);
        }
        self.parameters.push(parameter);
        self.values.extend_from_slice(&values);
        if self.values.len() >= BUCKET {
            self.send_small();
        }
    }

    fn send_small(&mut self) {
        if !self.parameters.is_empty() {
            let parameters = std::mem::take(&mut self.parameters);
            let values = std::mem::take(&mut self.values);
            self.send(parameters, values);
        }
    }

    fn send(&mut self, parameters: Vec<(ParamId, usize)>, values: Vec<f32>) {
        if self.failure.is_some() {
            return;
        }
        match self.group.begin_sum(values) {
            Ok(sum) => self.buckets.push(Bucket { parameters, sum }),
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
            Ok(values) => self.add(param.id, values),
            Err(error) => self.failure = Some(TrainError::Device(failure(error))),
        }
    }
}

/// Makes gradients of the sums.
struct Register {
    values: HashMap<ParamId, Vec<f32>>,
    gradients: GradientsParams,
}

impl ModuleVisitor for Register {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(values) = self.values.remove(&param.id) {
            let device = param.lazy_device().inner();
            let sum = Tensor::from_data(TensorData::new(values, param.lazy_shape()), &device);
            self.gradients.register::<D>(param.id, sum);
        }
    }
}
