"""run.py ARGUMENTS - mleko's own S3Ingester, in the environment of scripts/install-mleko. ARGUMENTS is a JSON object: the constructor's, and
"force". Prints {"returned": [...], "error": ..., "log": [[level, message], ...]}."""

import json
import logging
import pathlib
import sys
import types
from unittest import mock

PACKAGE = pathlib.Path(sys.prefix) / "mleko"

# What the package's other parts import, and its ingester does not need.
sys.modules["vaex"] = mock.MagicMock()


def without_init(name):
    """The package `name` as its directory alone: its __init__ would import every part of it."""
    module = types.ModuleType(name)
    module.__path__ = [str(PACKAGE / name.replace(".", "/"))]
    sys.modules[name] = module


class Messages(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append([logging.getLevelName(record.levelno), record.getMessage()])  # its own formatter colours levelname


def main():
    sys.path.insert(0, str(PACKAGE))
    for name in ("mleko.dataset", "mleko.dataset.ingest"):
        without_init(name)
    arguments = json.loads(sys.argv[1])
    force = arguments.pop("force", False)
    from mleko.dataset.ingest.s3_ingester import S3Ingester, logger

    messages = Messages()
    logger.addHandler(messages)
    answer = {"returned": None, "error": None}
    try:
        answer["returned"] = [str(path) for path in S3Ingester(**arguments).fetch_data(force)]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        answer["error"] = f"{type(error).__name__}: {error}"
    print("\n" + json.dumps(answer | {"log": messages.messages}))


main()
