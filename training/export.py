"""Turns a training checkpoint into a model folder that serves.

``python -m training.export runs/NAME/checkpoints/last.ckpt --out DIR``

Writes ``model.safetensors`` and ``model.onnx`` (weights in half precision, arithmetic in single), ``model.json``, and
checks that ONNX Runtime answers as torch does before it says that it is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import torch
import typer
import yaml
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.labels import BENCHMARKS, LabelSet
from ihp_backend.networks import ClickNetwork, build_network
from ihp_backend.parsing.checkpoint import FORMAT

TOLERANCE = 2e-3
"""Largest difference of a logit between torch and ONNX Runtime, in units of the logits' standard deviation."""


def main(
    checkpoint: Annotated[Path, typer.Argument(help="Lightning checkpoint.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    config: Annotated[
        Path | None, typer.Option(help="The training's config.yaml; default: in the folder above the checkpoint's.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Label set of the data; needed only for checkpoints that do not carry theirs.")
    ] = None,
    working_size: Annotated[int, typer.Option(help="Pixels of the longer side at which the network works.")] = 512,
) -> None:
    """Exports a checkpoint."""
    label_set = labels_of(checkpoint, labels)
    config = config or checkpoint.resolve().parents[1] / "config.yaml"
    if not config.is_file():
        raise SystemExit(f"config: {config} does not exist; name the training's config.yaml with --config")
    network_config = yaml.safe_load(config.read_text())["model"]["network"]
    description = {
        "class": network_config["class_path"].rpartition(".")[2],
        "arguments": {**network_config["init_args"], "encoder_weights": None},
    }
    network = build_network(description).eval()
    network.load_state_dict(network_weights(checkpoint))
    # What is shipped is what is compared: torch answers with the rounded weights too.
    stored = {name: to_stored(tensor) for name, tensor in network.state_dict().items()}
    network.load_state_dict(stored)
    out.mkdir(parents=True, exist_ok=True)
    # Beside the folder's files until everything is proven, so that a failed export leaves what was there.
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as unproven:
        made = Path(unproven)
        (made / "model.safetensors").write_bytes(save(stored))
        export_onnx(network, made / "model.onnx")
        difference = largest_difference(network, made / "model.onnx")
        if difference > TOLERANCE:
            raise SystemExit(
                f"export: ONNX Runtime differs from torch by {difference:.2g} standard deviations; not exported"
            )
        write_description(made, out.name, description, label_set, working_size, network.multiple_of)
        for file in made.iterdir():
            file.replace(out / file.name)
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"{out}: {size / 1e6:.1f} MB, ONNX Runtime within {difference:.1e} standard deviations of torch")


def labels_of(checkpoint: Path, name: str | None) -> LabelSet:
    """The labels that the checkpoint carries, or those of the benchmark called ``name``."""
    if name is not None:
        if name not in BENCHMARKS:
            raise SystemExit(f"labels: {name!r} is unknown; known label sets: {', '.join(BENCHMARKS)}")
        return BENCHMARKS[name]
    carried = torch.load(checkpoint, map_location="cpu", weights_only=True).get("labels")
    if carried is None:
        raise SystemExit(f"labels: {checkpoint} does not carry its label set; name it with --labels, for example ccp")
    return LabelSet.from_dict(carried)


def network_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a Lightning checkpoint where it has them, else the last ones."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "network."
    weights = {name: tensor for name, tensor in state["state_dict"].items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


def to_stored(tensor: torch.Tensor) -> torch.Tensor:
    """Filters in half precision; statistics and offsets as they are, for they are few and of any magnitude."""
    return (tensor.half() if is_filter(tensor) else tensor).contiguous()


def is_filter(tensor: torch.Tensor) -> bool:
    """Whether a tensor of a network holds filters, which are nearly all of its numbers."""
    return tensor.is_floating_point() and tensor.ndim > 1


def export_onnx(network: ClickNetwork, path: Path) -> None:
    """Writes the network with inputs image and click_maps of any height and width, weights in half precision."""
    side = 8 * network.multiple_of
    image = torch.zeros(1, 3, side, side + network.multiple_of, dtype=torch.uint8)
    maps = torch.zeros(1, network.num_labels, *image.shape[-2:], dtype=torch.uint8)
    height = network.multiple_of * torch.export.Dim("rows", min=2, max=512)
    width = network.multiple_of * torch.export.Dim("columns", min=2, max=512)
    sizes = {2: height, 3: width}
    program = torch.onnx.export(
        network,
        (image, maps),
        input_names=["image", "click_maps"],
        output_names=["logits"],
        dynamic_shapes={"image": sizes, "click_maps": sizes},
        dynamo=True,
        # Folding batch norms into filters before they are rounded would round other numbers than torch's; ONNX
        # Runtime folds them on loading.
        optimize=False,
    )
    assert program is not None  # Only the exporter of old gives None.
    model = program.model_proto
    # The same tensors as in model.safetensors, so that ONNX Runtime and torch calculate with the same numbers.
    store_in_half_precision(model, {name for name, tensor in network.state_dict().items() if is_filter(tensor)})
    del model.graph.value_info[:]  # ONNX Runtime infers shapes itself.
    for node in model.graph.node:
        del node.metadata_props[:]  # Where in the Python source each node came from; half as large as the weights.
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def store_in_half_precision(model: onnx.ModelProto, filters: Collection[str]) -> None:
    """Stores the named weights as float16 followed by a cast, which ONNX Runtime folds away on loading."""
    casts = []
    for weight in list(model.graph.initializer):
        if weight.name not in filters:
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        stored = f"{weight.name}.half"
        casts.append(
            helper.make_node("Cast", [stored], [weight.name], to=TensorProto.FLOAT, name=f"{weight.name}.cast")
        )
        model.graph.initializer.remove(weight)
        model.graph.initializer.append(numpy_helper.from_array(half, stored))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def largest_difference(network: ClickNetwork, path: Path, seed: int = 0) -> float:
    """The largest difference of a logit between torch and ONNX Runtime over a few sizes, in standard deviations."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(seed)
    worst = 0.0
    for rows, columns in ((2, 2), (32, 12), (17, 30)):
        height, width = rows * network.multiple_of, columns * network.multiple_of
        image = rng.integers(0, 256, (1, 3, height, width), dtype=np.uint8)
        clicks = [
            Click(int(rng.integers(width)), int(rng.integers(height)), label) for label in range(network.num_labels)
        ]
        maps = localization_maps(clicks, height, width, network.num_labels)[None]
        (found,) = session.run(["logits"], {"image": image, "click_maps": maps})
        with torch.inference_mode():
            wanted = network(torch.from_numpy(image), torch.from_numpy(maps)).numpy()
        worst = max(worst, float(np.abs(found - wanted).max() / wanted.std()))
    return worst


def write_description(
    out: Path, name: str, network: dict[str, Any], labels: LabelSet, working_size: int, multiple_of: int
) -> None:
    """Writes ``model.json``; the version is the name and the beginning of the weights' digest."""
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(out.glob("model.*"))}
    described = {
        "format": FORMAT,
        "name": name,
        "version": f"{name}-{digests['model.safetensors'][:8]}",
        "labels": labels.to_dict(),
        "network": network,
        "working_size": working_size,
        "multiple_of": multiple_of,
        "sha256": digests,
    }
    (out / "model.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
