"""Optimizers by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from charrnn.settings import OptimizerSettings

#: The one number of :data:`AVERAGES` that is no tensor of the parameter's shape.
STEP = "step"
#: What each optimizer keeps of a parameter, by torch's names.
AVERAGES: dict[type[Optimizer], set[str]] = {
    AdamW: {STEP, "exp_avg", "exp_avg_sq"},
    RMSprop: {STEP, "square_avg"},
    SGD: {"momentum_buffer"},
}
#: Short budgets see few steps: a second-moment average over 100 of them adapts in time.
_ADAM_BETAS = (0.9, 0.99)
_MOMENTUM = 0.9
#: As char-rnn has it.
_RMSPROP_DECAY = 0.95
# torch has a "decoupled_weight_decay" of another meaning in its groups.
_DECAY = "our_weight_decay"


def make_optimizer(model: nn.Module, settings: OptimizerSettings) -> Optimizer:
    """Make the optimizer; weight decay (decoupled, Loshchilov and Hutter 2019) acts on matrices only.

    torch's RMSprop and SGD would add the decay to the gradient: theirs is left out, and done by :func:`step`.
    """
    matrices = [each for each in model.parameters() if each.dim() > 1]
    others = [each for each in model.parameters() if each.dim() <= 1]
    lr = settings.lr or 0.0
    if settings.optimizer == "adamw":
        decayed = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        return AdamW(decayed, lr=lr, betas=_ADAM_BETAS, fused=True)
    groups = [{"params": matrices, _DECAY: settings.weight_decay}, {"params": others, _DECAY: 0.0}]
    if settings.optimizer == "rmsprop":
        return RMSprop(groups, lr=lr, alpha=_RMSPROP_DECAY, foreach=True)
    return SGD(groups, lr=lr, momentum=_MOMENTUM, nesterov=True, foreach=True)


def clip_gradient(model: nn.Module, settings: OptimizerSettings) -> tuple[Tensor, Tensor]:
    """Bound each number of the gradient by ``clip_value``, then scale all so that the norm is at most ``clip``.

    By the norm: Pascanu et al. 2013, algorithm 1; by value: as char-rnn does. 0 leaves it alone.

    Returns:
        The norm before either, and whether there was anything to cut: two scalars, which nothing waits for.
    """
    parameters = list(model.parameters())
    gradients = [each.grad for each in parameters if each.grad is not None]
    norm = bounded = nn.utils.get_total_norm(gradients)
    cut = torch.zeros_like(norm, dtype=torch.bool)
    if settings.clip_value:
        cut = nn.utils.get_total_norm(gradients, torch.inf) > settings.clip_value
        nn.utils.clip_grad_value_(parameters, settings.clip_value)
        bounded = nn.utils.get_total_norm(gradients)
    if settings.clip:
        cut = cut | (bounded > settings.clip)
        nn.utils.clip_grads_with_norm_(parameters, settings.clip, bounded)
    return norm, cut


def step(optimizer: Optimizer, lr: float) -> None:
    """Take a step at a learning rate, with decoupled weight decay where the optimizer has none of its own."""
    with torch.no_grad():
        for group in optimizer.param_groups:
            group["lr"] = lr
            if group.get(_DECAY):
                torch._foreach_mul_(group["params"], 1 - lr * group[_DECAY])
    optimizer.step()
