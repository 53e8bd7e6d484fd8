"""Golden values of autoregressive nets of images from PyTorch (2.13), in double precision.

    python tests/golden/make_nn_causal.py

writes nn/causal.txt beside this file.  Convolutions are written as their papers have them: square
kernels, multiplied by a mask.  A kernel [O,I,k,k] without its masked cells, in the order of the
rows, is Reverie's [O,1,n,I].
"""
import torch
import torch.nn.functional as F
from torch import nn

from make_nn import Golden, values


class Masked(nn.Module):
    """k x k; the mask keeps `cells` cells in the order of the rows, or only those of one row."""

    def __init__(self, inputs, outputs, k, rows, columns):
        super().__init__()
        mask = torch.zeros(k, k)
        mask[rows, columns] = 1
        self.register_buffer("mask", mask)
        self.inputs, self.k = inputs, k
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, k, k))

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, padding=self.k // 2)

    def cells(self, tensor):
        """The cells that the mask keeps, as Reverie has them."""
        kept = tensor.flatten(2)[:, :, self.mask.flatten() > 0]
        return kept.permute(0, 2, 1).unsqueeze(1)

    def fill(self, seed):
        self.weight.data.copy_(values(seed, *self.weight.shape, low=-1, high=1))


def masks(k, strict):
    """Of a masked convolution, mask A or B; of the two stacks of a gated layer."""
    p = k // 2
    both = torch.zeros(k, k, dtype=torch.bool)
    both[:p] = True
    both[p, :p + (not strict)] = True
    return both


class Causal(Masked):
    def __init__(self, inputs, outputs, k, strict):
        super().__init__(inputs, outputs, k, slice(None), slice(None))
        self.mask.copy_(masks(k, strict))


class Conditional(nn.Module):
    """What a layer with parameters in a list shares: their names and values."""

    def named(self):
        for name, p in self.parts:
            if isinstance(p, Masked):
                yield name, p.cells(p.weight), p.cells(p.weight.grad)
            elif p.ndim == 4:
                yield name, p.permute(0, 2, 3, 1), p.grad.permute(0, 2, 3, 1)
            else:
                yield name, p, p.grad

    def of_context(self, c, weight):
        return (c @ weight.T)[:, :, None, None] if c is not None else 0


class CausalLayer(Conditional):
    def __init__(self, inputs, outputs, k, strict, context):
        super().__init__()
        self.conv = Causal(inputs, outputs, k, strict)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.parts = [("weight", self.conv), ("bias", self.bias)]
        if context:
            self.context = nn.Parameter(torch.zeros(outputs, context))
            self.parts.append(("context", self.context))

    def forward(self, state, c):
        v, h = state
        y = self.conv(h) + self.bias[None, :, None, None]
        return v, y + (self.of_context(c, self.context) if c is not None else 0)


class GatedLayer(Conditional):
    def __init__(self, inputs, n, k, strict, context, vertical):
        super().__init__()
        p = k // 2
        self.strict, self.residual = strict, not strict and inputs == n
        rows = slice(0, p if strict else p + 1)
        self.v = Masked(vertical, 2 * n, k, rows, slice(None))
        self.h = Masked(inputs, 2 * n, k, p, slice(0, p if strict else p + 1))
        self.v_bias, self.h_bias = (nn.Parameter(torch.zeros(2 * n)) for _ in range(2))
        self.link = nn.Parameter(torch.zeros(2 * n, 2 * n, 1, 1))
        self.out = nn.Parameter(torch.zeros(n, n, 1, 1))
        self.out_bias = nn.Parameter(torch.zeros(n))
        self.parts = [("vertical", self.v), ("vertical_bias", self.v_bias), ("horizontal", self.h),
                      ("horizontal_bias", self.h_bias), ("link", self.link), ("out", self.out),
                      ("out_bias", self.out_bias)]
        if context:
            self.v_context, self.h_context = (nn.Parameter(torch.zeros(2 * n, context))
                                              for _ in range(2))
            self.parts += [("vertical_context", self.v_context),
                           ("horizontal_context", self.h_context)]

    @staticmethod
    def gate(x):
        a, b = x.chunk(2, 1)
        return torch.tanh(a) * torch.sigmoid(b)

    def forward(self, state, c):
        v, h = state
        a = self.v(h if self.strict else v) + self.v_bias[None, :, None, None]
        e = self.h(h) + self.h_bias[None, :, None, None]
        if c is not None:
            a = a + self.of_context(c, self.v_context)
            e = e + self.of_context(c, self.h_context)
        e = e + F.conv2d(a, self.link)
        y = F.conv2d(self.gate(e), self.out, self.out_bias)
        return self.gate(a), y + h if self.residual else y


class Head(Conditional):
    def __init__(self, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1))
        self.parts = [("weight", self.weight), ("bias", self.bias)]

    def forward(self, state, c):
        return state[0], F.conv2d(state[1], self.weight, self.bias)


def fill(layers):
    seed = 100
    for layer in layers:
        for _, p in layer.parts:
            if isinstance(p, Masked):
                p.fill(seed)
            else:
                p.data.copy_(values(seed, *p.shape, low=-1, high=1))
            seed += 1


def case(g, name, layers, shape, context):
    """Logits, -log p of binary images and its gradients, and the weights after a step of Adam."""
    fill(layers)
    x = (values(1, *shape) > 0).double().requires_grad_()  # [B,H,W]
    c = values(2, shape[0], context).requires_grad_() if context else None
    weights = [p for layer in layers for p in layer.parameters()]
    for i, layer in enumerate(layers):
        for _, p in layer.parts:
            (p.weight if isinstance(p, Masked) else p).grad = None
    state = None, x[:, None]
    for layer in layers:
        state = layer(state, c)
    logits = state[1][:, 0]
    loss = F.binary_cross_entropy_with_logits(logits, x.detach(), reduction="sum") / shape[0]
    loss.backward()
    g.add(f"{name}.x", x)
    if context:
        g.add(f"{name}.c", c)
        g.add(f"{name}.dc", c.grad)
    g.add(f"{name}.logits", logits)
    g.add(f"{name}.loss", loss)
    g.add(f"{name}.dx", x.grad)
    for i, layer in enumerate(layers):
        for key, value, grad in layer.named():
            g.add(f"{name}.before.{i}.{key}", value)
            g.add(f"{name}.d.{i}.{key}", grad)
    torch.optim.Adam(weights, lr=1e-2).step()
    for i, layer in enumerate(layers):
        for key, value, _ in layer.named():
            g.add(f"{name}.after.{i}.{key}", value)


def main():
    g = Golden("nn/causal.txt")
    case(g, "causal", [CausalLayer(1, 3, 3, True, 2), CausalLayer(3, 3, 3, False, 2), Head(3)],
         (2, 5, 5), 2)
    case(g, "causal_wide", [CausalLayer(1, 2, 7, True, 0), CausalLayer(2, 3, 5, False, 0), Head(3)],
         (1, 6, 4), 0)
    case(g, "gated", [GatedLayer(1, 3, 3, True, 2, 1), GatedLayer(3, 3, 3, False, 2, 3), Head(3)],
         (2, 5, 5), 2)
    case(g, "gated_wide", [GatedLayer(1, 2, 7, True, 0, 1), GatedLayer(2, 3, 5, False, 0, 2),
                           Head(3)], (1, 6, 4), 0)
    g.write()


if __name__ == "__main__":
    main()
