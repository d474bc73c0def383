"""The source's sequence generator: an LSTM encoder-decoder that writes a curve from its first row.

Encoder and decoder are LSTMs of their own with the same sizes; the decoder starts from the encoder's state, and a
linear layer maps its output to the next row. 7 features, 256 units and 2 layers have 1,597,191 parameters. Source:
Sutskever, Vinyals & Le 2014 for the architecture; Bengio et al. 2015, arXiv 1506.03099, for scheduled sampling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SequenceGenerator(nn.Module):
    """Generate rows (B, T, F) from a first row (B, F)."""

    def __init__(self, features: int, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        dropped = dropout if num_layers > 1 else 0.0
        self.encoder = nn.LSTM(features, hidden_size, num_layers, batch_first=True, dropout=dropped)
        self.decoder = nn.LSTM(features, hidden_size, num_layers, batch_first=True, dropout=dropped)
        self.output = nn.Linear(hidden_size, features)

    def forward(self, inputs: Tensor, points: int, forced: Tensor | None = None) -> Tensor:
        """Write `points` rows, the first of which is the first input.

        inputs (B, 1, F), or (B, points, F) with the rows that steps can be fed in training. forced (points,): whether
        the step from row t reads inputs[:, t] instead of the row that was written last; None never does. The first step
        always reads the first input. All true: one-step prediction of every row; all false: free running.

        Consecutive forced steps know their inputs beforehand and run through the layers in one call.
        """
        _, state = self.encoder(inputs[:, :1])
        rows, step = [inputs[:, :1]], 0
        while step < points - 1:
            end = step + 1
            while forced is not None and end < points - 1 and bool(forced[end]):
                end += 1
            begin = inputs[:, :1] if step == 0 else rows[-1][:, -1:]
            fed = begin if end == step + 1 else torch.cat([begin, inputs[:, step + 1 : end]], dim=1)
            hidden, state = self.decoder(fed, state)
            rows.append(self.output(hidden))
            step = end
        return torch.cat(rows, dim=1)
