//! Brings a module into a recording without its weights.
//!
//! Every parameter is replaced by a tensor of the same shape on the recording device that has no
//! memory behind it. The caller's module stays as it is. Two things make that less than obvious:
//!
//! - A clone shares the running statistics of a batch normalisation with its original, so a
//!   mapped clone would change the original. [`Module::valid`] gives a copy with its own.
//! - That in turn initialises parameters which are still lazy, all 553 MB of a VGG-16. So the
//!   lazy ones are replaced first, by a tensor of one element.
//!
//! What is recorded on the way lies before the forward pass and counts for nothing.

use std::any::Any;
use std::collections::HashMap;

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, DType, Device, Int, Shape, Tensor};

use crate::inputs::{bool_id, float_id, int_id};
use crate::tree::{Role, Tree};

/// A module of which every parameter has a value, none of them large.
#[derive(Debug)]
pub(crate) struct Prepared<M> {
    module: M,
    /// Shape and type of each parameter, in the order of the traversal.
    sizes: Vec<(Shape, DType)>,
    roles: Vec<Role>,
    /// Whether each module that asks is in training, which a copy for inference is not.
    flags: Vec<bool>,
}

/// The first step, inside a recording on `device`; the module may be on any.
pub(crate) fn prepare<M: Module>(module: &M, device: &Device) -> Prepared<M> {
    let mut shrink = Shrink::default();
    let module = module.clone().map(&mut shrink).valid();

    // A running statistic cannot be made trainable, a frozen parameter can.
    let mut thaw = Thaw::new(device);
    let thawed = module.valid().map(&mut thaw);
    let mut trainable = Trainable::default();
    thawed.visit(&mut trainable);

    let roles = thaw
        .active
        .iter()
        .zip(&trainable.0)
        .map(|roles| match roles {
            (true, _) => Role::Trainable,
            (false, true) => Role::Frozen,
            (false, false) => Role::Buffer,
        })
        .collect();
    Prepared {
        module,
        sizes: shrink.sizes,
        roles,
        flags: shrink.flags,
    }
}

impl<M: Module> Prepared<M> {
    /// The second step: the module on the recording's device, and its tree. The error is the path
    /// of a quantised parameter.
    pub(crate) fn lend(self, device: &Device, root: &str) -> Result<(M, Tree), String> {
        let mut lend = Lend {
            device: device.clone(),
            tree: Tree::new(root),
            sizes: self.sizes.into_iter(),
            roles: self.roles.into_iter(),
            flags: self.flags.into_iter(),
            tied: HashMap::new(),
            quantized: None,
        };
        let module = self.module.map(&mut lend);
        match lend.quantized {
            Some(path) => Err(path),
            // Plain tensors in the module, which are no parameters, follow with their values.
            None => Ok((module.to_device(device), lend.tree)),
        }
    }
}

/// Tensors of one element, by rank and device: a clone costs nothing, a new one memory.
#[derive(Default)]
struct Small(Vec<(Device, Box<dyn Any>)>);

impl Small {
    fn get<const D: usize>(&mut self, device: &Device) -> Tensor<D> {
        let known = self.0.iter().filter(|(other, _)| other == device);
        let mut known = known.filter_map(|(_, tensor)| tensor.downcast_ref::<Tensor<D>>());
        if let Some(tensor) = known.next() {
            return tensor.clone();
        }
        let tensor = Tensor::zeros([1; D], device);
        self.0.push((device.clone(), Box::new(tensor.clone())));
        tensor
    }
}

/// Replaces what is not initialised yet, and notes the sizes of all.
#[derive(Default)]
struct Shrink {
    sizes: Vec<(Shape, DType)>,
    flags: Vec<bool>,
    small: Small,
}

impl ModuleMapper for Shrink {
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.flags.push(flag.is_enabled());
        flag
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape();
        if param.is_initialized() {
            self.sizes.push((shape, param.base().dtype()));
            return param;
        }
        let small = self.small.get(&param.lazy_device());
        self.sizes.push((shape, small.dtype()));
        let id = param.id;
        param.transform_for_load(small, id)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let shape = param.lazy_shape();
        if param.is_initialized() {
            self.sizes.push((shape, param.base().dtype()));
            return param;
        }
        let small = Tensor::zeros([1; D], &param.lazy_device());
        self.sizes.push((shape, small.dtype()));
        Param::initialized(param.id, small)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        let shape = param.lazy_shape();
        if param.is_initialized() {
            self.sizes.push((shape, param.base().dtype()));
            return param;
        }
        let small = Tensor::empty([1; D], &param.lazy_device());
        self.sizes.push((shape, small.dtype()));
        Param::initialized(param.id, small)
    }
}

/// Notes which parameters would be trained, and makes all trainable that can be.
///
/// Burn shows the setting only of a tensor with autodiff, which a tensor of a capture device
/// has only where it was made with it.
struct Thaw {
    device: Device,
    small: Small,
    active: Vec<bool>,
}

impl Thaw {
    fn new(device: &Device) -> Self {
        Self {
            device: device.clone().autodiff(),
            small: Small::default(),
            active: Vec::new(),
        }
    }
}

impl ModuleMapper for Thaw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let small = self.small.get(&self.device);
        // The mapper takes the setting along.
        let (id, _, mapper) = param.consume();
        let copy = Param::from_mapped_value(id, small.clone(), mapper).train();
        self.active.push(copy.is_require_grad());
        Param::initialized(id, small).set_require_grad(true)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.active.push(false);
        param
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.active.push(false);
        param
    }
}

/// Whether each parameter of a thawed module is trainable.
#[derive(Default)]
struct Trainable(Vec<bool>);

impl ModuleVisitor for Trainable {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.is_require_grad());
    }

    fn visit_int<const D: usize>(&mut self, _: &Param<Tensor<D, Int>>) {
        self.0.push(false);
    }

    fn visit_bool<const D: usize>(&mut self, _: &Param<Tensor<D, Bool>>) {
        self.0.push(false);
    }
}

/// Replaces every parameter by one of the recording and builds the tree.
struct Lend {
    device: Device,
    tree: Tree,
    sizes: std::vec::IntoIter<(Shape, DType)>,
    roles: std::vec::IntoIter<Role>,
    flags: std::vec::IntoIter<bool>,
    /// The stand-ins of parameters that were met before.
    tied: HashMap<ParamId, Box<dyn Any>>,
    quantized: Option<String>,
}

impl Lend {
    /// Size and role of the next parameter; `None` where it cannot be recorded.
    fn next(&mut self) -> Option<(Shape, DType, Role)> {
        let (shape, dtype) = self.sizes.next()?;
        let role = self.roles.next()?;
        if matches!(dtype, DType::QFloat(_)) {
            let path = self.tree.path().to_string();
            self.quantized.get_or_insert(path);
            return None;
        }
        Some((shape, dtype, role))
    }

    fn known<T: Clone + 'static>(&self, id: ParamId) -> Option<T> {
        self.tied.get(&id)?.downcast_ref::<T>().cloned()
    }
}

macro_rules! lend {
    ($self:ident, $param:ident, $kind:ty, $id:ident) => {{
        let Some((shape, dtype, role)) = $self.next() else {
            return $param;
        };
        if let Some(tensor) = $self.known::<$kind>($param.id) {
            $self.tree.hide();
            return Param::initialized($param.id, tensor);
        }
        let tensor = <$kind>::empty(shape.clone(), (&$self.device, dtype));
        if let Some(id) = $id(&tensor) {
            let shape = shape.iter().copied().collect();
            $self.tree.parameter(role, shape, dtype, id);
        }
        $self.tied.insert($param.id, Box::new(tensor.clone()));
        Param::initialized($param.id, tensor)
    }};
}

impl ModuleMapper for Lend {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.tree.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.tree.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        lend!(self, param, Tensor<D>, float_id)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        lend!(self, param, Tensor<D, Int>, int_id)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        lend!(self, param, Tensor<D, Bool>, bool_id)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.tree.hide();
        self.flags.next().map_or(flag, Param::<Flag>::from_bool)
    }
}
