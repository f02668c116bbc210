"""Our decoder beside other engines, on the exact shapes of MobileLLM with random weights.

    ./dev peers language && ./dev bench decode --rounds 5

Each engine runs in a process of its own, all at once loaded and one at a time at work, in an
order that turns from round to round. A ratio is taken within a round and its median is told,
so that what else the machine does falls on all. All are given the same tokens: a prompt of
300, then 48 one at a time. Weights are random because a download is no part of a test; speed
does not depend on them, and what fewer bits lose on them is the worst case.

Memory is the peak of the process less what its packages took when imported. A logit's error
is the largest over 48 positions of a forced text against float32, beside the logits' deviation.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from statistics import median
from typing import IO, Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402
from healthslm.bench import Goal, Result  # noqa: E402
from healthslm.language import checkpoint, graph  # noqa: E402
from healthslm.language.shape import Shape, parameters, sizes  # noqa: E402

PACKAGES = ("healthslm", "numpy", "onnxruntime")
SIDE = Path(__file__).with_name("decode_side.py")
PEERS = ROOT / ".venv-peers-language" / "bin" / "python"
MADE = ROOT / "runs" / "decode"
PROMPT, TEXT, FORCED = 300, 48, 64  # tokens
CONTEXT = 512
PAUSE_S = 0.05  # between engines: the threads of the last stop spinning
MOST = 15  # rounds
SLOW = 6  # the slow reference reads so many times fewer tokens

SHAPES = {
    "125m": Shape(32_000, 30, 576, 9, 3, 64, 1536, CONTEXT),
    "350m": Shape(32_000, 32, 960, 15, 5, 64, 2560, CONTEXT),
}
PARAMETERS = {"125m": 124_635_456, "350m": 345_355_200}  # as published


def peers_python() -> Path | None:
    """Return the Python that has the other engines, or None where they are not installed."""
    return PEERS if PEERS.exists() else None


@dataclass
class Engine:
    """One engine's process, and what was measured of it."""

    name: str
    process: subprocess.Popen[str]
    to: IO[str]
    back: IO[str]
    load_s: float = 0.0
    first_s: list[float] = field(default_factory=list)  # one a round
    each_s: list[float] = field(default_factory=list)  # one a round: the median step
    rss_mb: float = 0.0

    @classmethod
    def start(cls, name: str, python: Path, path: Path, threads: int) -> Engine:
        """Start an engine and wait until it is loaded."""
        process = subprocess.Popen(  # noqa: S603 - our own file, our own environments
            [str(python), str(SIDE), name, str(path), str(threads), str(CONTEXT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError(f"{name}: no pipe")
        engine = cls(name, process, process.stdin, process.stdout)
        engine.load_s = engine.answer()["load_s"]
        return engine

    def ask(self, do: str, **more: object) -> dict[str, Any]:
        """Ask for one thing and wait for it."""
        self.to.write(json.dumps({"do": do, **more}) + "\n")
        self.to.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Return what the process says next."""
        line = self.back.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        """End the process."""
        self.to.close()
        self.back.close()
        self.process.wait()


@dataclass(frozen=True)
class Setting:
    """What is compared: our bits and threads, and whose file stands against them."""

    task: str
    size: str  # of SHAPES
    bits: int
    threads: int
    gguf: str  # llama.cpp's kind of about as many bits
    genai: bool  # whether its builder makes such bits
    goals: Mapping[str, Goal]


def measure(setting: Setting, seed: int, n: int, peers: Any) -> list[Result]:
    """Return the figures of one setting.

    Parameters
    ----------
    n
        Rounds; of more than `MOST` the rest tell nothing new.
    peers
        The Python that has the other engines, or what holds it as `python`; None: no others.
    """
    python = getattr(peers, "python", peers)
    folder = made(setting.size, seed)
    ours = _ours(folder, setting)
    paths = {"ours": (Path(sys.executable), ours)}
    if python is not None:
        paths |= _peers(folder, setting, Path(python))
    with ExitStack() as stack:
        engines = {}
        for name, (interpreter, path) in paths.items():
            engines[name] = Engine.start(name, interpreter, path, setting.threads)
            stack.callback(engines[name].stop)
        _rounds(list(engines.values()), min(n, MOST), seed)
        for engine in engines.values():
            engine.rss_mb = engine.ask("rss")["mb"]
        lost = _lost(engines, folder, seed)
    metrics = _metrics(engines, ours, setting, lost)
    goals = {name: goal for name, goal in setting.goals.items() if name in metrics}
    split = f"{setting.bits} bits, {setting.threads} thread{'s' * (setting.threads > 1)}"
    found = {name: _told(e, paths[name][1], setting, lost) for name, e in engines.items()}
    found.pop("ours")
    return [Result(setting.task, "random weights", split, metrics, goals, found)]


def _rounds(engines: Sequence[Engine], n: int, seed: int) -> None:
    """Let each engine read a prompt and go on, in turn, `n` times, and once before to warm up."""
    draw = np.random.default_rng(seed + 1)
    for lap in range(n + 1):
        tokens = draw.integers(3, 32_000, PROMPT + TEXT).tolist()
        turn = lap % len(engines)
        for engine in [*engines[turn:], *engines[:turn]]:
            slow = SLOW if engine.name == "transformers" else 1
            time.sleep(PAUSE_S)
            first = engine.ask("prefill", tokens=tokens[:PROMPT])["s"]
            each = engine.ask("decode", tokens=tokens[PROMPT : PROMPT + TEXT // slow])["s"]
            if lap:
                engine.first_s.append(first)
                engine.each_s.append(median(each))


def _lost(engines: Mapping[str, Engine], folder: Path, seed: int) -> dict[str, dict[str, float]]:
    """Return, for each engine, the error of a logit, and how often the likeliest is the same.

    Against float32 of transformers where it is, else of our own graph.
    """
    tokens = np.random.default_rng(seed + 2).integers(3, 32_000, FORCED).tolist()
    with tempfile.TemporaryDirectory() as held:
        if "transformers" in engines:
            reference = engines["transformers"]
        else:
            whole = folder / "ours-32" / "model.onnx"
            if not whole.exists():
                _build(folder, whole, 32)
            reference = Engine.start("ours", Path(sys.executable), whole, 2)
        rows = {}
        for name, engine in {**engines, "reference": reference}.items():
            to = str(Path(held) / f"{name}.npy")
            engine.ask("force", tokens=tokens, to=to)
            rows[name] = np.load(to)
        if "transformers" not in engines:
            reference.stop()
    exact = rows["reference"]
    return {
        name: {
            "logit_error": round(float(np.abs(found - exact).max()), 4),
            "logit_error_rms": round(float(np.sqrt(np.square(found - exact).mean())), 4),
            "logit_std": round(float(exact.std()), 4),
            "top1": round(float((found.argmax(1) == exact.argmax(1)).mean()), 3),
        }
        for name, found in rows.items()
    }


def _metrics(
    engines: Mapping[str, Engine],
    ours: Path,
    setting: Setting,
    lost: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    """Return our figures, and the ratios in which more is better for us but for memory."""
    we = engines["ours"]
    metrics = _told(we, ours, setting, lost)
    for name in ("llama", "genai", "transformers"):
        if (they := engines.get(name)) is None:
            continue
        each = zip(they.each_s, we.each_s, strict=True)
        metrics[f"ratio_{name}"] = round(median(b / a for b, a in each), 3)
        first = zip(they.first_s, we.first_s, strict=True)
        metrics[f"ttft_ratio_{name}"] = round(median(b / a for b, a in first), 3)
        metrics[f"rss_ratio_{name}"] = round(we.rss_mb / they.rss_mb, 3)
    return metrics


def _told(
    engine: Engine, path: Path, setting: Setting, lost: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Return one engine's own figures."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    kinds = (".onnx", ".data", ".gguf", ".safetensors")
    octets = sum(f.stat().st_size for f in files if f.suffix in kinds)
    return {
        "tokens_per_s": round(1 / median(engine.each_s), 1),
        "tokens_per_s_best": round(1 / min(engine.each_s), 1),
        "ttft_ms": round(1000 * median(engine.first_s), 1),
        "load_ms": round(1000 * engine.load_s, 1),
        "rss_mb": round(engine.rss_mb, 1),
        "bits_per_weight": round(8 * octets / PARAMETERS[setting.size], 2),
        **lost[engine.name],
    }


def made(size: str, seed: int) -> Path:
    """Return the folder of a size; its checkpoint is made where it is not there yet."""
    shape, folder = SHAPES[size], MADE / f"{size}-{seed}"
    if parameters(shape) != PARAMETERS[size]:
        raise ValueError(f"{size}: {parameters(shape)} weights, and it has {PARAMETERS[size]}")
    if (folder / "checkpoint" / "done").exists():
        return folder
    from safetensors.numpy import save_file

    sys.stderr.write(f"making {folder} ...\n")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "checkpoint").mkdir(parents=True)
    draw, tensors = np.random.default_rng(seed), {}
    for name, wanted in sizes(shape).items():
        values = np.ones(wanted, np.float32)
        if len(wanted) == 2:
            values = draw.standard_normal(wanted, np.float32) * np.float32(0.02)
        tensors[checkpoint.published(name)] = values
    save_file(tensors, folder / "checkpoint" / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": 2048,
        "rms_norm_eps": shape.eps,
        "rope_theta": shape.theta,
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }
    (folder / "checkpoint" / "config.json").write_text(json.dumps(config))
    _tokenizer(folder / "checkpoint")
    (folder / "checkpoint" / "done").touch()
    return folder


def _tokenizer(folder: Path) -> None:
    """Write a tokenizer of single letters: one engine's builder wants one, none uses it."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = ["<unk>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({t: n for n, t in enumerate(letters)}, []))
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))


def _ours(folder: Path, setting: Setting) -> Path:
    """Return our graph of a setting."""
    path = folder / f"ours-{setting.bits}" / "model.onnx"
    if not path.exists():
        _build(folder, path, setting.bits)
    return path


def _build(folder: Path, path: Path, bits: int) -> None:
    path.parent.mkdir(exist_ok=True)
    read = checkpoint.read(folder / "checkpoint", CONTEXT)
    part = path.with_name("part") / path.name
    part.parent.mkdir(exist_ok=True)
    for file in graph.save(part, read.shape, read, bits, 64):
        file.rename(path.with_name(file.name))
    part.parent.rmdir()


def _peers(folder: Path, setting: Setting, python: Path) -> dict[str, tuple[Path, Path]]:
    """Return the other engines' files, made from the same checkpoint; say which are missing."""
    found = {}
    source = folder / "checkpoint"
    for name, package in (
        ("llama", "llama_cpp"),
        ("genai", "onnxruntime_genai"),
        ("transformers", "transformers"),
    ):
        if name == "genai" and not setting.genai:
            continue
        if subprocess.run(  # noqa: S603
            [str(python), "-c", f"import {package}"], capture_output=True, check=False
        ).returncode:
            sys.stderr.write(f"decode: no {package} in {python}: not compared\n")
            continue
        path = {
            "llama": folder / f"{setting.gguf}.gguf",
            "genai": folder / "genai",
            "transformers": source,
        }[name]
        if not path.exists():
            sys.stderr.write(f"making {path} ...\n")
            made_by: list[str | Path] = [SIDE, "gguf", source, folder, setting.gguf]
            if name == "genai":
                made_by = ["-m", "onnxruntime_genai.models.builder", "-i", source, "-o", path]
                made_by += ["-p", "int4", "-e", "cpu", "-c", folder / "cache"]
                made_by += ["--extra_options", "int4_accuracy_level=4"]
            done = subprocess.run(  # noqa: S603
                [str(python), *map(str, made_by)], capture_output=True, check=False, text=True
            )
            if done.returncode:
                shutil.rmtree(path, ignore_errors=True)
                sys.stderr.write(f"decode: {name} not compared: {done.stderr[-300:]}\n")
                continue
        found[name] = (python, path)
    return found


def main() -> int:
    """Run the settings that are asked for and say what they gave."""
    tasks = [m.name for m in iter_modules([str(Path(__file__).parent / "language_tasks")])]
    tasks = sorted(name for name in tasks if name.startswith("decode"))
    parser = argparse.ArgumentParser(prog="./dev bench decode", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    report.options(parser, tasks)
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--seed", type=int, default=1, help="of the weights (default: 1)")
    parser.add_argument("--peers", type=Path, default=peers_python(), help="their Python")
    wanted = parser.parse_args()
    peers = None if wanted.no_peers else wanted.peers
    if peers is None and not wanted.no_peers:
        sys.stderr.write("decode: no peers: ./dev peers language installs them\n")
    results: list[Result] = []
    for name in wanted.task or tasks:
        sys.stderr.write(f"measuring: {name} ...\n")
        task = import_module(f"benchmarks.language_tasks.{name}")
        results += task.measure(wanted.seed, wanted.rounds, peers)
    return report.told("decode", results, wanted, PACKAGES, {})


if __name__ == "__main__":
    sys.exit(main())
