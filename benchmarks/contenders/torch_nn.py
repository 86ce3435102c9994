"""torch: ``nn.LSTM`` and its kin (oneDNN on a CPU, cuDNN on a GPU), and a user's Python loop."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import checks
from benchmarks.grid import Case
from benchmarks.machine import cores


class UGRNN(nn.Module):
    """With the input projection before the loop, as a torch user who cares for speed writes it."""

    def __init__(self, in_features: int, features: int, batch_first: bool):
        super().__init__()
        self.features = features
        self.input = nn.Linear(in_features, 2 * features)
        self.recurrent = nn.Linear(features, 2 * features, bias=False)

    def forward(self, xs: Tensor) -> tuple[Tensor, Tensor]:
        h = xs.new_zeros(xs.shape[0], self.features)
        ys = []
        for z in self.input(xs).unbind(1):
            c, g = (z + self.recurrent(h)).chunk(2, dim=-1)
            g = torch.sigmoid(g)
            h = g * h + (1 - g) * torch.tanh(c)
            ys.append(h)
        return torch.stack(ys, 1), h[None]


CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN, "ugrnn": UGRNN}


class TorchRunner:
    def __init__(self, platform: str, precision: str):
        self.on_gpu = platform == "gpu" and torch.cuda.is_available()
        if not self.on_gpu and platform != "cpu":
            raise RuntimeError(f"this torch ({torch.__version__}) does not run on {platform}")
        self.device = torch.device("cuda" if self.on_gpu else "cpu")
        torch.set_num_threads(cores())
        torch.backends.cuda.matmul.allow_tf32 = precision == "default"
        torch.backends.cudnn.allow_tf32 = precision == "default"

    def facts(self) -> dict[str, Any]:
        if not self.on_gpu:
            return {"platform": "cpu", "threads": torch.get_num_threads()}
        device = torch.cuda.get_device_name()
        return {"platform": "gpu", "device": device, "cudnn": torch.backends.cudnn.version()}

    def prepare(self, case: Case) -> None:
        """Layer, input and cotangents of ``case``; nothing runs yet."""
        B, T, D, H = case.shape
        rng = np.random.default_rng(0)

        def normal(*shape: int) -> Tensor:
            return torch.from_numpy(rng.standard_normal(shape, np.float32)).to(self.device)

        self.case = case
        self.xs = normal(B, T, D)
        self.layer = CELLS[case.cell](D, H, batch_first=True).to(self.device)
        if self.on_gpu and isinstance(self.layer, nn.RNNBase):
            self.layer.flatten_parameters()
        self.wanted = [self.xs.requires_grad_(), *self.layer.parameters()]
        self.cotangents = [normal(B, T, H)] + [normal(1, B, H)] * (2 if case.cell == "lstm" else 1)
        checks.number_of_parameters(case, sum(p.numel() for p in self.layer.parameters()))

    def call(self) -> list[Tensor]:
        """One forward pass, or one gradient, to its end."""
        if self.case.direction == "forward":
            with torch.no_grad():
                result = self.outputs()
        else:
            pairs = zip(self.outputs(), self.cotangents, strict=True)
            loss = torch.stack([(output * cotangent).sum() for output, cotangent in pairs]).sum()
            result = [loss, *torch.autograd.grad(loss, self.wanted)]
        if self.on_gpu:
            torch.cuda.synchronize()
        return result

    def outputs(self) -> list[Tensor]:
        """``ys``, then the arrays of the final carry."""
        ys, carry = self.layer(self.xs)
        return [ys, *carry] if isinstance(carry, tuple) else [ys, carry]

    def check(self, result: list[Tensor]) -> None:
        """Raises unless ``result`` is what the case asks for."""
        arrays = [array.detach().cpu().numpy() for array in result]
        if self.case.direction == "forward":
            checks.forward(self.case, arrays[0], [array[0] for array in arrays[1:]])
        else:
            checks.backward(self.case, arrays[1], [arrays[0], *arrays[2:]])

    def temp_bytes(self) -> None:
        """torch compiles nothing that could be asked."""
        return
