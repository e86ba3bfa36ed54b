"""unstructured_partition.py DIRECTORY - partitions every file below it; prints the time of that without the import, and for each
first folder below DIRECTORY how many files it could read and their seconds."""

import importlib.abc
import importlib.machinery
import json
import pathlib
import sys
import time
import types

# The PDF reader imports these and calls none of them with strategy "fast".
NEVER_CALLED = {"accelerate", "effdet", "huggingface_hub", "matplotlib", "onnx", "onnxruntime", "timm", "torch", "torchvision", "transformers"}


class Anything:
    """A class to inherit from, a function to call while modules are loaded."""

    def __init__(self, *arguments, **named):
        pass

    def __getattr__(self, name):
        return Anything()

    __call__ = __init__


class StandIn(types.ModuleType):
    """A module that has whatever is asked for; constants are texts."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return "" if name.isupper() else type(name, (Anything,), {})


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in NEVER_CALLED else None

    def create_module(self, spec):
        return StandIn(spec.name)

    def exec_module(self, module):
        pass


def main():
    from unstructured.partition.auto import partition
    from unstructured.partition.text import partition_text

    partition_text(text="The language model is loaded before there are stand-ins.")
    sys.meta_path.insert(0, StandIns())
    root = pathlib.Path(sys.argv[1])
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    types_there = {path.relative_to(root).parts[0]: path for path in paths}
    for path in types_there.values():
        read(partition, path)  # loads models and the reader of the type: start-up, not work
    wall, cpu = time.perf_counter(), time.process_time()
    by_type, elements = {}, 0
    for path in paths:
        started = time.perf_counter()
        found = read(partition, path)
        entry = by_type.setdefault(path.relative_to(root).parts[0], {"files": 0, "failed": 0, "seconds": 0})
        entry["seconds"] += time.perf_counter() - started
        entry["failed" if found is None else "files"] += 1
        elements += found or 0
    print(json.dumps({"files": len(paths), "elements": elements, "by_type": by_type, "seconds": time.perf_counter() - wall,
                      "cpu_seconds": time.process_time() - cpu}))


def read(partition, path):
    """The number of elements, or None."""
    try:
        return len(partition(str(path), strategy="fast"))
    except Exception as error:
        print(f"{path}: {error}", file=sys.stderr)
        return None


if __name__ == "__main__":
    main()
