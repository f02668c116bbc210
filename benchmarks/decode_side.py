"""One engine at the end of a pipe: loads a model, then reads tokens as it is told.

    python decode_side.py ENGINE MODEL THREADS CONTEXT

Each line on stdin is a JSON object, and one comes back: `prefill` reads tokens from the start,
`decode` reads on one at a time, `force` does both and keeps the logits, `rss` tells the memory
beyond what the imported packages took. All engines are given the same tokens, so that all do
the same work. Runs in any environment that has the engine, and imports nothing else of ours.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from pathlib import Path

import numpy as np

FIRST = 16  # tokens of a forced text that are read at once


class Ours:
    """The project's own runner, as a summary uses it."""

    def __init__(self):
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        from healthslm.language.decoder import Decoder

        self.kind = Decoder

    def load(self, path, threads, context):
        """Load the graph; its context is its own."""
        self.decoder = self.kind(Path(path), threads, spin=threads > 1)

    def reset(self):
        """Forget the text."""
        self.decoder.rewind()

    def read(self, tokens):
        """Return the logits after tokens that are read at once."""
        return self.decoder.read(tokens)


class Llama:
    """llama.cpp by its C interface, with no Python between a token and its logits."""

    def __init__(self):
        import llama_cpp

        self.c = llama_cpp
        silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        self.silence = silent(lambda *_: None)
        llama_cpp.llama_log_set(self.silence, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()

    def load(self, path, threads, context):
        """Load a GGUF file, mapped into memory as by default."""
        c = self.c
        self.model = c.llama_model_load_from_file(path.encode(), c.llama_model_default_params())
        settings = c.llama_context_default_params()
        settings.n_ctx = settings.n_batch = settings.n_ubatch = context
        settings.n_threads = settings.n_threads_batch = threads
        self.context = c.llama_init_from_model(self.model, settings)
        self.vocabulary = c.llama_vocab_n_tokens(c.llama_model_get_vocab(self.model))

    def reset(self):
        """Forget the text."""
        self.c.llama_memory_clear(self.c.llama_get_memory(self.context), True)

    def read(self, tokens):
        """Return the logits after tokens that are read at once."""
        held = (self.c.llama_token * len(tokens))(*tokens)
        status = self.c.llama_decode(self.context, self.c.llama_batch_get_one(held, len(tokens)))
        if status:
            raise RuntimeError(f"llama_decode: {status}")
        found = self.c.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(found, (self.vocabulary,)).copy()


class GenAI:
    """onnxruntime-genai: what its builder made, tokens appended to one generator."""

    def __init__(self):
        import onnxruntime_genai

        self.og = onnxruntime_genai

    def load(self, path, threads, context):
        """Load a folder; the number of threads stands in its configuration."""
        config = Path(path) / "genai_config.json"
        values = json.loads(config.read_text())
        values["model"]["decoder"]["session_options"]["intra_op_num_threads"] = threads
        config.write_text(json.dumps(values, indent=1))
        self.model = self.og.Model(path)
        self.context = context
        self.reset()

    def reset(self):
        """Begin a new text."""
        parameters = self.og.GeneratorParams(self.model)
        parameters.set_search_options(max_length=self.context, do_sample=False)
        self.generator = self.og.Generator(self.model, parameters)

    def read(self, tokens):
        """Return the logits after tokens that are read at once."""
        self.generator.append_tokens(np.array([tokens], np.int32))
        return np.array(self.generator.get_logits()).reshape(-1)


class Transformers:
    """transformers with torch, in float32: the reference of what is computed."""

    def __init__(self):
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        self.torch, self.kind = torch, transformers.AutoModelForCausalLM

    def load(self, path, threads, context):
        """Load the checkpoint itself."""
        self.torch.set_num_threads(threads)
        self.model = self.kind.from_pretrained(path, dtype=self.torch.float32).eval()
        self.reset()

    def reset(self):
        """Forget the text."""
        self.past = None

    def read(self, tokens):
        """Return the logits after tokens that are read at once."""
        with self.torch.inference_mode():
            out = self.model(
                self.torch.tensor([tokens]),
                past_key_values=self.past,
                use_cache=True,
                logits_to_keep=1,
            )
        self.past = out.past_key_values
        return out.logits[0, -1].numpy()


ENGINES = {"ours": Ours, "llama": Llama, "genai": GenAI, "transformers": Transformers}


def memory_mb(name):
    """Return a figure of this process's memory."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def timed(engine, tokens):
    """Return the seconds that a reading takes, logits in hand."""
    before = time.perf_counter()
    engine.read(tokens)
    return time.perf_counter() - before


def forced(engine, tokens):
    """Return the logits after the first tokens, and after each of the others."""
    engine.reset()
    rows = [np.array(engine.read(tokens[:FIRST]))]
    rows += [np.array(engine.read([token])) for token in tokens[FIRST:]]
    return np.stack(rows).astype(np.float32)


def answer(engine, asked, base_mb):
    """Do what one line asks."""
    if asked["do"] == "prefill":
        engine.reset()
        return {"s": timed(engine, asked["tokens"])}
    if asked["do"] == "decode":
        return {"s": [timed(engine, [token]) for token in asked["tokens"]]}
    if asked["do"] == "force":
        np.save(asked["to"], forced(engine, asked["tokens"]))
        return {}
    return {"mb": memory_mb("VmHWM") - base_mb}


def gguf(checkpoint, to, *kinds):
    """Write a checkpoint as GGUF in each of `kinds` ("Q4_0"), by llama.cpp's own quantiser."""
    import gguf as format_
    import llama_cpp
    from safetensors import safe_open

    folder, to = Path(checkpoint), Path(to)
    config = json.loads((folder / "config.json").read_text())
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    whole = to / "F32.gguf"
    writer = format_.GGUFWriter(whole, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"t{n}".encode() for n in range(config["vocab_size"])])
    writer.add_token_scores([-float(n) for n in range(config["vocab_size"])])
    writer.add_token_types([1] * config["vocab_size"])
    parts = {
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    with safe_open(folder / "model.safetensors", "np") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - it is no mapping
            weight = tensors.get_tensor(name)
            if name == "model.embed_tokens.weight":
                writer.add_tensor("token_embd.weight", weight)
            elif name == "model.norm.weight":
                writer.add_tensor("output_norm.weight", weight)
            else:
                _, _, layer, *part, _ = name.split(".")
                short = parts[".".join(part)]
                if short in ("attn_q", "attn_k"):  # its rotation turns neighbours, not halves
                    n, k = (heads if short == "attn_q" else kv), weight.shape[1]
                    weight = weight.reshape(n, 2, -1, k).swapaxes(1, 2).reshape(weight.shape)
                writer.add_tensor(f"blk.{layer}.{short}.weight", np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for kind in kinds:
        settings = llama_cpp.llama_model_quantize_default_params()
        settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind}")
        status = llama_cpp.llama_model_quantize(
            str(whole).encode(), str(to / f"{kind}.gguf").encode(), settings
        )
        if status:
            raise RuntimeError(f"llama_model_quantize: {status}")
    whole.unlink()


def main():
    """Answer until there is no more line."""
    if sys.argv[1] == "gguf":
        gguf(*sys.argv[2:])
        return
    name, path, threads, context = sys.argv[1:5]
    reply = sys.stdout
    sys.stdout = sys.stderr
    engine = ENGINES[name]()
    base_mb = memory_mb("VmRSS")
    before = time.perf_counter()
    engine.load(path, int(threads), int(context))
    said = {"load_s": time.perf_counter() - before, "base_mb": base_mb}
    while True:
        reply.write(json.dumps(said) + "\n")
        reply.flush()
        line = sys.stdin.readline()
        if not line:
            return
        said = answer(engine, json.loads(line), base_mb)


if __name__ == "__main__":
    main()
