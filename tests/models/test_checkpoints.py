"""Checkpoints come back bit for bit, and no file of anybody's making gets anything executed."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from counterpoint.models.checkpoints import TYPE, digest, load_into, load_policy, save_policy
from counterpoint.opt.errors import CheckpointError

TENSORS = {"a.weight": torch.arange(6, dtype=torch.float32).view(2, 3), "b": torch.tensor(7), "c": torch.zeros(0)}
CARD = {"problem": "job-shop", "algorithm": "none", "network": {"name": "toy", "options": {"width": 3}}}


def test_a_policy_comes_back_bit_for_bit(tmp_path):
    path = tmp_path / "x.safetensors"
    save_policy(path, TENSORS, {**CARD, "note": "ß\n"})
    found = load_policy(path)
    assert {k: (v.dtype, v.shape, v.tolist()) for k, v in found.tensors.items()} == {
        k: (v.dtype, v.shape, v.tolist()) for k, v in TENSORS.items()
    }
    assert found.card["note"] == "ß\n"
    assert found.card["network"] == CARD["network"]
    assert json.loads((tmp_path / "x.json").read_text()) == found.card  # the readers' copy is the card itself
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json", "x.safetensors"]  # no temporary file is left


def test_digest_sees_every_change():
    base = digest(TENSORS)
    assert digest({**TENSORS, "b": torch.tensor(8)}) != base
    assert digest({**TENSORS, "a.weight": TENSORS["a.weight"].view(3, 2)}) != base
    assert digest({**TENSORS, "b": torch.tensor(7, dtype=torch.int32)}) != base
    assert digest({("z" if k == "b" else k): v for k, v in TENSORS.items()}) != base
    assert digest(dict(reversed(TENSORS.items()))) == base


def test_load_into_names_what_does_not_fit(tmp_path):
    module = nn.Linear(3, 2)
    path = tmp_path / "x.safetensors"
    save_policy(path, module.state_dict(), CARD)
    other = nn.Linear(3, 2)
    load_into(other, load_policy(path))
    assert torch.equal(other.weight, module.weight)
    with pytest.raises(CheckpointError, match=r"'weight' is float32 \[2, 3\], but .* has float32 \[2, 4\]"):
        load_into(nn.Linear(4, 2), load_policy(path))
    with pytest.raises(CheckpointError, match="unknown tensor 'bias'"):
        load_into(nn.Linear(3, 2, bias=False), load_policy(path))
    with pytest.raises(CheckpointError, match=r"lacks tensor '0\.bias'"):
        load_into(nn.Sequential(nn.Linear(3, 2)), load_policy(path))


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({**CARD, "x": float("nan")}, "plain JSON"),
        ({**CARD, "x": object()}, "plain JSON"),
        ({k: v for k, v in CARD.items() if k != "network"}, "network"),
        ({**CARD, "network": {"options": {}}}, "name"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, card, message):
    with pytest.raises(CheckpointError, match=message):
        save_policy(tmp_path / "x.safetensors", TENSORS, card)
    assert list(tmp_path.iterdir()) == []


class Bomb:
    """Unpickled, it makes a folder: the mark that something was executed."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return (os.mkdir, (self.mark,))


def raw(header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def with_card(card, tensors=None):
    tensors = {"a": torch.ones(2)} if tensors is None else tensors
    return save(tensors, metadata={"card": card if isinstance(card, str) else json.dumps(card)})


def sound(**changes):
    tensors = {"a": torch.ones(2)}
    return {"type": TYPE, "version": 1, **CARD, "sha256": digest(tensors), **changes}


def zip_with(name, content, *, is_link=False):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        if is_link:
            info.external_attr = 0o120777 << 16
        archive.writestr(info, content)
    return file.getvalue()


def malicious(mark: Path) -> dict[str, bytes]:
    """Thirty-odd files, by name; each must be refused with one line."""
    pickled = pickle.dumps(Bomb(mark))
    torch_file = io.BytesIO()
    torch.save(Bomb(mark), torch_file)
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    nan = {"a": torch.tensor([1.0, float("nan")])}
    infinite = {"a": torch.tensor([1.0, float("inf")])}
    return {
        "pickle": pickled,
        "torch-zip": torch_file.getvalue(),
        "pickle-behind-length": struct.pack("<Q", len(pickled)) + pickled,
        "zip-bomb": zip_with("data.pkl", b"\0" * 5_000_000),
        "zip-traversal": zip_with("../../evil", b"x"),
        "zip-symlink": zip_with("link", b"/etc/passwd", is_link=True),
        "empty": b"",
        "short": b"\x01\x00",
        "huge-header-claim": raw({}, length=2**63),
        "header-over-file": raw({"a": one}, length=10**6),
        "header-of-9-mib": raw(b" " * (9 * 2**20)),
        "header-not-json": raw(b"{]"),
        "header-not-utf8": raw(b'{"\xff": 1}'),
        "header-list": raw([1, 2]),
        "header-deep": raw(b"[" * 100_000),
        "doubled-key": raw(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":1}', b"\0" * 8),
        "metadata-not-text": raw({"__metadata__": {"card": 5}, "a": one}, b"\0" * 8),
        "huge-shape": raw({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}, b"\0" * 8),
        "negative-shape": raw({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, b"\0" * 8),
        "overlapping": raw({"a": one, "b": one}, b"\0" * 8),
        "offsets-outside": raw({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 800]}}, b"\0" * 8),
        "hole": raw({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}, b"\0" * 16),
        "unknown-dtype": raw({"a": {"dtype": "PY", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8),
        "no-card": save({"a": torch.ones(2)}),
        "card-not-json": with_card("__import__('os').mkdir('x')"),
        "card-nan": with_card('{"type": NaN}'),
        "card-wrong-type": with_card({**sound(), "type": "counterpoint-result"}),
        "card-future-version": with_card(sound(version=99)),
        "card-version-true": with_card(sound(version=True)),
        "card-without-network": with_card({k: v for k, v in sound().items() if k != "network"}),
        "card-network-is-code": with_card(sound(network="os:system")),
        "nan-weights": with_card(sound(sha256=digest(nan)), nan),
        "infinite-weights": with_card(sound(sha256=digest(infinite)), infinite),
        "tensors-swapped": with_card(sound(), {"a": torch.zeros(2)}),
        "complex": with_card(sound(), {"a": torch.zeros(2, dtype=torch.complex64)}),
        "escape-codes": with_card(sound(type="\x1b]0;owned\x07")),
    }


def test_every_malicious_file_is_refused_with_one_line_and_executes_nothing(tmp_path):
    mark, folder = tmp_path / "executed", tmp_path / "files"
    folder.mkdir()
    corpus = malicious(mark)
    assert len(corpus) >= 30
    for name, content in corpus.items():
        path = folder / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            load_policy(path)
        said = str(caught.value)
        assert said.isprintable(), name  # one line, nothing that drives a terminal
        assert str(path) in said
    assert not mark.exists()
    assert sorted(p.stem for p in folder.iterdir()) == sorted(corpus)  # nothing was written


def test_the_corpus_is_live(tmp_path):
    """The bomb does go off where a file is unpickled, so its silence above means something; and the rest is sound."""
    mark = tmp_path / "executed"
    pickle.loads(malicious(mark)["pickle"])  # noqa: S301 - that it executes is the point
    assert mark.exists()
    path = tmp_path / "sound.safetensors"
    path.write_bytes(with_card(sound()))
    assert load_policy(path).card["network"]["name"] == "toy"


def test_files_that_are_no_files(tmp_path):
    for name, make in (
        ("missing.safetensors", lambda p: None),
        ("folder.safetensors", Path.mkdir),
        ("pipe.safetensors", os.mkfifo),  # must be refused, not waited for
        ("model.pt", lambda p: p.write_bytes(pickle.dumps(1))),
    ):
        make(tmp_path / name)
        with pytest.raises(CheckpointError):
            load_policy(tmp_path / name)


@pytest.mark.parametrize("cut", [9, 60, 200, -1, -9])
def test_a_cut_file_is_refused(tmp_path, cut):
    path = tmp_path / "x.safetensors"
    save_policy(path, {"w": torch.ones(50)}, CARD)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError):
        load_policy(path)


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "x.safetensors"
    save_policy(path, {"w": torch.ones(50)}, CARD)
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_policy(path)


def test_the_command_line_refuses_a_pickle_in_one_line(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "executed")))
    code = f"import counterpoint as ct; ct.policy({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "CheckpointError" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "executed").exists()
