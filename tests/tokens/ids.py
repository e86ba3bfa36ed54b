"""ids.py TOKENIZER - token ids by Hugging Face tokenizers, in the environment of scripts/install-tokenizers. Standard input is a JSON array of texts,
standard output the array of their ids."""

import json
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
tokenizer.no_padding()
tokenizer.no_truncation()
json.dump([encoded.ids for encoded in tokenizer.encode_batch(json.load(sys.stdin))], sys.stdout)
