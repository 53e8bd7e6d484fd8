"""Golden values of the layers of images from PyTorch (2.13), in double precision.

    python tests/golden/make_nn_conv.py

writes nn/conv.txt and nn/torch.safetensors beside this file.  Inputs and weights are not in the
file: the test fills them with the same numbers, fill(seed, ...) below.  All arrays are as Reverie
has them: images [B,H,W,C], kernels [O,H,W,I] (of a transposed convolution [I,H,W,O]).
"""
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from make_nn import HERE, Golden

TO_TORCH, TO_REVERIE = (0, 3, 1, 2), (0, 2, 3, 1)
X, W, PARAM = 1, 2, 10  # seeds: input, projection, first parameter


def fill(seed, shape, low=-1.0, high=1.0, steps=0):
    """Element i is a hash of (i, seed) in [low, high), row-major; of `steps` values only."""
    with np.errstate(over="ignore"):
        h = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
        h += np.uint32((seed * 40503 + 12345) % 2**32)
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822519)
        h ^= h >> np.uint32(13)
        h *= np.uint32(3266489917)
        h ^= h >> np.uint32(16)
    u = h.astype(np.float64) / 2.0**32
    if steps:
        u = np.floor(u * steps) / steps
    return torch.tensor((low + (high - low) * u).reshape(shape))


def to_torch(value):
    return value.permute(TO_TORCH).contiguous() if value.ndim == 4 else value


def to_reverie(value):
    return value.permute(TO_REVERIE).contiguous() if value.ndim == 4 else value


class ShortGolden(Golden):
    """10 digits instead of 17."""

    def add(self, name, value):
        value = np.asarray(to_reverie(value.detach()), dtype=np.float64)
        fields = [name, str(value.ndim), *map(str, value.shape)]
        fields += ["%.10g" % v for v in value.ravel()]
        self.lines.append(" ".join(fields))


def fill_params(module):
    """Weights, then buffers, are numbered as Reverie lists them: layer by layer."""
    for i, (_, value) in enumerate(module.named_parameters()):
        value.data.copy_(to_torch(fill(PARAM + i, to_reverie(value).shape)))
    i = 0
    for key, value in module.named_buffers():
        if value.dtype.is_floating_point:
            low, high = (0.5, 2.0) if key.endswith("running_var") else (-1.0, 1.0)
            value.copy_(fill(PARAM + 50 + i, value.shape, low, high))
            i += 1


def case(g, name, module, shape, train=True, steps=0):
    """y, and the gradients of sum(w y), for x of `shape` as Reverie has it."""
    module.train(train)
    fill_params(module)
    x = to_torch(fill(X, shape, steps=steps)).requires_grad_()
    a_kernel_first = isinstance(module[0], (nn.Conv2d, nn.ConvTranspose2d))
    y = module(x[:, :, None, None] if x.ndim == 2 and a_kernel_first else x)
    w = to_torch(fill(W, to_reverie(y).shape))
    g.add(f"{name}.y", y)
    (y * w).sum().backward()
    g.add(f"{name}.dx", x.grad)
    for key, value in module.named_parameters():
        g.add(f"{name}.d.{key}", value.grad)
    if train:
        for key, value in module.named_buffers():
            if value.dtype.is_floating_point:
                g.add(f"{name}.after.{key}", value)


def penalty_case(g, name, module, shape):
    """P = mean (|d D / d x| - 1)^2, Gulrajani et al. 2017, and its gradients."""
    module.train()
    fill_params(module)
    x = to_torch(fill(X, shape)).requires_grad_()
    (dx,) = torch.autograd.grad(module(x).sum(), x, create_graph=True)
    penalty = ((dx.flatten(1).norm(dim=1) - 1) ** 2).mean()
    g.add(f"{name}.penalty", penalty)
    penalty.backward()
    g.add(f"{name}.dx", x.grad)
    for key, value in module.named_parameters():
        grad = torch.zeros_like(value) if value.grad is None else value.grad
        g.add(f"{name}.d.{key}", grad)


class GlobalAverage(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def make_cases():
    g = ShortGolden("nn/conv.txt")
    S, C, T = nn.Sequential, nn.Conv2d, nn.ConvTranspose2d
    # DCGAN, its generator: 1, 5, 9, 21, 25, 28
    case(g, "deconv_1_5", S(T(4, 3, 5, bias=False)), (3, 1, 1, 4))
    case(g, "deconv_vector", S(T(4, 3, 5)), (3, 4))
    case(g, "deconv_5_9", S(T(3, 2, 5, bias=False)), (2, 5, 5, 3))
    case(g, "deconv_9_21", S(T(2, 1, 5, stride=2, bias=False)), (2, 9, 9, 2))
    case(g, "deconv_21_25", S(T(1, 2, 5, bias=False)), (2, 21, 21, 1))
    case(g, "deconv_25_28", S(T(2, 1, 4, bias=False)), (2, 25, 25, 2))
    # the small generator: 7, 14, 28
    case(g, "deconv_7_14", S(T(3, 2, 4, stride=2, padding=1)), (2, 7, 7, 3))
    case(g, "deconv_14_28", S(T(2, 1, 4, stride=2, padding=1)), (2, 14, 14, 2))
    case(g, "deconv_output_padding", S(T(3, 2, 3, stride=2, padding=1, output_padding=1)),
         (2, 4, 5, 3))
    # discriminators: 28, 14, 7, 3
    case(g, "conv_28_14", S(C(1, 3, 4, stride=2, padding=1, bias=False)), (2, 28, 28, 1))
    case(g, "conv_14_7", S(C(3, 4, 4, stride=2, padding=1)), (2, 14, 14, 3))
    case(g, "conv_7_3", S(C(4, 5, 4, stride=2, padding=1)), (3, 7, 7, 4))
    case(g, "conv_vector", S(C(4, 3, 1)), (3, 4))
    case(g, "conv_dilation", S(C(2, 3, 3, dilation=2, padding=2)), (2, 6, 5, 2))
    case(g, "batchnorm", S(nn.BatchNorm2d(3)), (3, 4, 5, 3))
    case(g, "batchnorm_eval", S(nn.BatchNorm2d(3)), (3, 4, 5, 3), train=False)
    case(g, "maxpool", S(nn.MaxPool2d(2)), (2, 7, 6, 3))
    case(g, "maxpool_set", S(nn.MaxPool2d(3, stride=2, padding=1)), (2, 7, 6, 2))
    case(g, "maxpool_ties", S(nn.MaxPool2d(3, stride=2, padding=1)), (2, 7, 6, 2), steps=3)
    case(g, "maxpool_all_tied", S(nn.MaxPool2d(2, stride=1)), (1, 4, 4, 1), steps=1)
    case(g, "avgpool", S(nn.AvgPool2d(2)), (2, 7, 6, 3))
    case(g, "avgpool_set", S(nn.AvgPool2d(3, stride=2, padding=1)), (2, 7, 6, 2))
    case(g, "globalavgpool", S(GlobalAverage()), (2, 3, 4, 3))
    case(g, "upsample", S(nn.Upsample(scale_factor=3)), (2, 2, 3, 2))
    case(g, "flatten", S(nn.Flatten(), nn.Linear(24, 2)), (2, 3, 4, 2))
    case(g, "reshape", S(nn.Linear(3, 24), nn.Unflatten(1, (2, 3, 4)), C(2, 2, 2)), (2, 3))
    case(g, "discriminator", S(C(1, 2, 4, 2, 1, bias=False), nn.LeakyReLU(),
                               C(2, 3, 4, 2, 1, bias=False), nn.BatchNorm2d(3), nn.LeakyReLU(),
                               GlobalAverage(), nn.Linear(3, 1)),
         (3, 14, 14, 1))
    penalty_case(g, "penalty_conv", S(C(2, 3, 3, stride=2, padding=1), nn.Tanh(), C(3, 1, 3)),
                 (3, 6, 6, 2))
    penalty_case(g, "penalty_batchnorm",
                 S(C(2, 3, 4, stride=2, padding=1), nn.BatchNorm2d(3), nn.LeakyReLU(0.2),
                   C(3, 2, 3, bias=False), nn.BatchNorm2d(2), nn.LeakyReLU(0.2),
                   GlobalAverage(), nn.Linear(2, 1)), (3, 8, 8, 2))
    penalty_case(g, "penalty_deconv", S(T(2, 3, 4, stride=2, padding=1), nn.BatchNorm2d(3),
                                        nn.Tanh(), C(3, 1, 3, stride=2)), (3, 3, 3, 2))
    make_file(g)
    g.write()


def make_file(g):
    """A net that PyTorch saved, and what it gives."""
    net = nn.Sequential(nn.ConvTranspose2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(),
                        nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
                        nn.Conv2d(2, 5, (3, 3)), nn.Flatten(), nn.Linear(5 * 4 * 4, 2)).eval()
    fill_params(net)
    state = {f"net.{k}": v.float() if v.dtype.is_floating_point else v
             for k, v in net.state_dict().items()}
    save_file(state, HERE / "nn" / "torch.safetensors")
    net.load_state_dict({k.removeprefix("net."): v.double() for k, v in state.items()})
    g.add("torch_file.y", net(to_torch(fill(X, (3, 1, 1, 4)))))


if __name__ == "__main__":
    make_cases()
