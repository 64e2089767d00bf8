"""The networks of crates/cost/tests/zoo that have attention or recurrence, in PyTorch, for zoo_networks.py."""

import torch
import torch.nn.functional as F
from torch import nn


class MultiHeadAttention(nn.Module):
    """Burn's: four linear layers, two products and a softmax."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        for name in ("query", "key", "value", "output"):
            setattr(self, name, nn.Linear(hidden, hidden))

    def forward(self, query, key, value):
        def split(x):
            return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = split(self.query(query)), split(self.key(key)), split(self.value(value))
        weights = F.softmax(torch.matmul(q, k.transpose(2, 3)) / q.shape[-1] ** 0.5, dim=3)
        return self.output(torch.matmul(weights, v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.linear_1 = nn.Linear(hidden, 4 * hidden)
        self.gelu = nn.GELU()
        self.linear_2 = nn.Linear(4 * hidden, hidden)

    def forward(self, x):
        return self.linear_2(self.gelu(self.linear_1(x)))


class EncoderBlock(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.ln_1 = nn.LayerNorm(hidden)
        self.self_attention = MultiHeadAttention(hidden, 12)
        self.ln_2 = nn.LayerNorm(hidden)
        self.mlp = Mlp(hidden)

    def forward(self, input):
        x = self.ln_1(input)
        x = self.self_attention(x, x, x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    def __init__(self, hidden, tokens):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.zeros(1, tokens, hidden))
        self.layers = nn.ModuleList(EncoderBlock(hidden) for _ in range(12))
        self.ln = nn.LayerNorm(hidden)

    def forward(self, x):
        x = x + self.pos_embedding
        for layer in self.layers:
            x = layer(x)
        return self.ln(x)


class VisionTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, 768, 16, 16)
        self.class_token = nn.Parameter(torch.zeros(1, 1, 768))
        self.encoder = Encoder(768, 14 * 14 + 1)
        self.head = nn.Linear(768, 1000)

    def forward(self, images):
        x = self.conv_proj(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)
        return self.head(self.encoder(x)[:, 0])


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        for index, (inputs, outputs) in enumerate([(3, 16), (16, 32), (32, 64)], 1):
            setattr(self, f"conv{index}", nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False))
            setattr(self, f"bn{index}", nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)))


class EncoderLayer(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.self_attn = MultiHeadAttention(hidden, 4)
        self.linear1 = nn.Linear(hidden, 2 * hidden)
        self.relu = nn.ReLU()
        self.linear2 = nn.Linear(2 * hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden)
        self.norm2 = nn.LayerNorm(hidden)

    def forward(self, x, positions):
        q = x + positions
        x = self.norm1(x + self.self_attn(q, q, x))
        return self.norm2(x + self.linear2(self.relu(self.linear1(x))))


class DecoderLayer(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.self_attn = MultiHeadAttention(hidden, 4)
        self.multihead_attn = MultiHeadAttention(hidden, 4)
        self.linear1 = nn.Linear(hidden, 2 * hidden)
        self.relu = nn.ReLU()
        self.linear2 = nn.Linear(2 * hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden)
        self.norm2 = nn.LayerNorm(hidden)
        self.norm3 = nn.LayerNorm(hidden)

    def forward(self, x, query_positions, memory, positions):
        q = x + query_positions
        x = self.norm1(x + self.self_attn(q, q, x))
        x = self.norm2(x + self.multihead_attn(x + query_positions, memory + positions, memory))
        return self.norm3(x + self.linear2(self.relu(self.linear1(x))))


class BoxMlp(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 4)])
        self.relu = nn.ReLU()

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.relu(layer(x))
        return self.layers[-1](x)


class Detr(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.backbone = Backbone()
        self.input_proj = nn.Conv2d(64, hidden, 1)
        self.positions = nn.Parameter(torch.zeros(8 * 8, hidden))
        self.encoder = nn.ModuleList(EncoderLayer(hidden) for _ in range(2))
        self.queries = nn.Parameter(torch.zeros(10, hidden))
        self.query_positions = nn.Parameter(torch.zeros(10, hidden))
        self.decoder = nn.ModuleList(DecoderLayer(hidden) for _ in range(2))
        self.norm = nn.LayerNorm(hidden)
        self.class_embed = nn.Linear(hidden, 21)
        self.bbox_embed = BoxMlp(hidden)

    def forward(self, images):
        # In one piece: of a view, PyTorch adds a linear layer's bias apart, where ptflops does not see it.
        x = self.input_proj(self.backbone(images)).flatten(2).transpose(1, 2).contiguous()
        positions, queries, query_positions = (
            table.repeat(len(x), 1, 1) for table in (self.positions, self.queries, self.query_positions))
        for layer in self.encoder:
            x = layer(x, positions)
        memory, x = x, queries
        for layer in self.decoder:
            x = layer(x, query_positions, memory, positions)
        x = self.norm(x)
        return self.class_embed(x), self.bbox_embed(x)


class CausalSelfAttention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.c_attn = nn.Linear(hidden, 3 * hidden)
        self.c_proj = nn.Linear(hidden, hidden)

    def forward(self, x):
        q, k, v = (x.unflatten(2, (4, -1)).transpose(1, 2) for x in self.c_attn(x).chunk(3, 2))
        scores = torch.matmul(q, k.transpose(2, 3)) / q.shape[-1] ** 0.5
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        weights = F.softmax(scores.masked_fill(~mask, -torch.inf), dim=3)
        return self.c_proj(torch.matmul(weights, v).transpose(1, 2).flatten(2))


class GptMlp(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.c_fc = nn.Linear(hidden, 4 * hidden)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(4 * hidden, hidden)

    def forward(self, x):
        return self.c_proj(self.gelu(self.c_fc(x)))


class GptBlock(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.ln_1 = nn.LayerNorm(hidden)
        self.attn = CausalSelfAttention(hidden)
        self.ln_2 = nn.LayerNorm(hidden)
        self.mlp = GptMlp(hidden)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.wte = nn.Embedding(100, hidden)
        self.wpe = nn.Embedding(32, hidden)
        self.h = nn.ModuleList(GptBlock(hidden) for _ in range(3))
        self.ln_f = nn.LayerNorm(hidden)
        self.lm_head = nn.Linear(hidden, 100, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1])[None])
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class Gate(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.input_transform = nn.Linear(inputs, hidden)
        self.hidden_transform = nn.Linear(hidden, hidden)

    def forward(self, x, hidden):
        return self.input_transform(x) + self.hidden_transform(hidden)


class Lstm(nn.Module):
    """Burn's, gate by gate: as one layer, each tool has a rule of its own for it."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.hidden = hidden
        for name in ("input", "forget", "output", "cell"):
            setattr(self, f"{name}_gate", Gate(inputs, hidden))

    def forward(self, x):
        hidden = cell = torch.zeros(len(x), self.hidden)
        for step in x.unbind(1):
            kept = torch.sigmoid(self.forget_gate(step, hidden)) * cell
            added = torch.sigmoid(self.input_gate(step, hidden)) * torch.tanh(self.cell_gate(step, hidden))
            cell = kept + added
            hidden = torch.sigmoid(self.output_gate(step, hidden)) * torch.tanh(cell)
        return hidden


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 24)
        self.lstm = Lstm(24, 32)
        self.fc = nn.Linear(32, 5)

    def forward(self, tokens):
        return self.fc(self.lstm(self.embedding(tokens)))
