"""Token ids and chunks of so many tokens, held against Hugging Face tokenizers."""

import json
import pathlib
import random
import subprocess

import pytest
from program import ROOT, build_directory

NAMES = ["kl3m-001-32k", "kl3m-004-char-4k-cased", "kl3m-004-char-8k-cased"]
TEXT_TYPES = (".txt", ".md", ".html", ".eml", ".csv", ".json")
TEXT_CHARACTERS_MAX = 150_000  # in all, for each tokenizer: the peer makes 0.4 MB/s of them
PIECES = [
    *"aZ7é\u00df\u0130\u01c5½²Ⅷ٣中한ｶ９ﬁ…™Å\u0301\u0327\u0e33\u1e9b\u0323\u200d\u200b\ufeff\U0001f600\U0001d54f",
    *" \t\n\r\v\f\x00\x1c\x85\xa0\u2003\u2028\u3000'\"<|>.,$_-",
    "'s", "'LL", "'ll", "'re", "don't", "  ", "\n\n", "\r\n", "<|start|>", "</|user|>", "<|", "http://", "U.S.C.", "######", "the", " of", "1987",
]  # fmt: skip


@pytest.fixture(scope="session")
def theirs():
    """A function of a tokenizer.json and texts: their ids by tokenizers, which is installed where it is missing (10 MB)."""
    done = subprocess.run([ROOT / "scripts/install-tokenizers"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    python = pathlib.Path(done.stdout.strip()) / "bin/python"

    def ids(tokenizer, texts):
        command = [python, ROOT / "tests/tokens/ids.py", tokenizer]
        done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ids


@pytest.fixture(params=NAMES)
def tokenizer(request, corpus):
    return corpus.parent / "tokenizers" / request.param / "tokenizer.json"


def ours(tokenizer, texts, directory):
    files = [directory / f"{index}.txt" for index in range(len(texts))]
    for file, text in zip(files, texts):
        file.write_bytes(text.encode())
    done = subprocess.run([build_directory() / "src/tokenizer/tokenizer_cli", tokenizer, *files], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [[int(id) for id in line.split()] for line in done.stdout.splitlines()]


def corpus_texts(corpus):
    """Small files first, so that there are many kinds."""
    left = TEXT_CHARACTERS_MAX
    files = [file for file in corpus.rglob("*") if file.is_file() and file.suffix in TEXT_TYPES]
    for file in sorted(files, key=lambda file: (file.stat().st_size, file.name)):
        text = file.read_bytes().decode(errors="replace")
        left -= len(text)
        if left < 0:
            return
        yield text


def test_ids_of_documents(tokenizer, theirs, corpus, tmp_path):
    texts = list(corpus_texts(corpus))
    assert len(texts) > 20
    assert ours(tokenizer, texts, tmp_path) == theirs(tokenizer, texts)


def test_ids_of_odd_texts(tokenizer, theirs, tmp_path):
    dice = random.Random(6)
    texts = ["", *PIECES, *("".join(dice.choices(PIECES, k=dice.randrange(1, 40))) for _ in range(500))]
    texts += ["a" * 3000, "=" * 999, " " * 700 + "x", "ab" * 40 + "é" * 200]
    for text, our_ids, their_ids in zip(texts, ours(tokenizer, texts, tmp_path), theirs(tokenizer, texts)):
        assert our_ids == their_ids, repr(text)


@pytest.mark.parametrize(
    "tokens, flags",
    [(16, ["basic"]), (64, ["by_title", "--chunk-overlap", "20"]), (7, ["basic", "--chunk-overlap", "6", "--chunk-overlap-all"])],
)
def test_no_chunk_has_more_tokens(quern, theirs, corpus, tokens, flags):
    path = corpus.parent / "tokenizers" / NAMES[0] / "tokenizer.json"
    files = [file for kind in ("txt", "html", "md", "xlsx") for file in sorted((corpus / kind).glob("*.*"))[:4] if file.is_file() and file.stat().st_size < 60_000]
    chunks = quern.ok(
        "partition", *files, "--output-format", "ndjson", "--no-chunk-include-orig-elements", "--chunking-strategy", *flags,
        "--chunk-max-tokens", str(tokens), "--chunk-tokenizer", path,
    ).json_lines  # fmt: skip
    counts = [len(ids) for ids in theirs(path, [chunk["text"] for chunk in chunks])]
    assert len(counts) > 50
    assert max(counts) <= tokens
    assert sum(counts) / len(counts) > tokens / 2 - 1
