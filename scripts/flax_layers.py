"""Layers of flax as PyTorch has them, and what XLA says that they cost."""

import flax.linen as fnn
import jax
import jax.numpy as jnp


def adaptive(x, sides):
    """Means over PyTorch's windows of an adaptive pooling; channels are last."""
    rows = []
    height, width = x.shape[1:3]
    for i in range(sides[0]):
        top, bottom = i * height // sides[0], -(-(i + 1) * height // sides[0])
        row = []
        for j in range(sides[1]):
            left, right = j * width // sides[1], -(-(j + 1) * width // sides[1])
            row.append(jnp.mean(x[:, top:bottom, left:right], axis=(1, 2)))
        rows.append(jnp.stack(row, 1))
    return jnp.stack(rows, 1)


class Bias(fnn.Module):
    @fnn.compact
    def __call__(self, x):
        return x + self.param("bias", fnn.initializers.zeros, (x.shape[-1],))


def flops(layer, shape):
    """Of a layer of flax or a function of JAX as JAX hands it over, before XLA rewrites it; and the
    shape that comes out. The channels are last."""
    x = jax.ShapeDtypeStruct(shape, jnp.int32 if isinstance(layer, fnn.Embed) else jnp.float32)
    inputs = (x,)
    if isinstance(layer, fnn.Module):
        inputs = (jax.eval_shape(layer.init, jax.random.key(0), x), x)
        layer = layer.apply
    lowered = jax.jit(layer).lower(*inputs)
    return int(lowered.cost_analysis().get("flops", 0)), jax.eval_shape(layer, *inputs).shape


def flops_of_layers(layers, shape):
    """The exact sum: XLA adds up in 32-bit floats, which lose the last digits of a large network."""
    total = 0
    for layer in layers:
        cost, shape = flops(layer, shape)
        total += cost
    return total
