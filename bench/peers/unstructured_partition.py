"""unstructured_partition.py DIRECTORY - partitions every file below it; prints the time of that without the import."""

import json
import pathlib
import sys
import time

from unstructured.partition.auto import partition


def main():
    paths = sorted(path for path in pathlib.Path(sys.argv[1]).rglob("*") if path.is_file())
    partition(str(paths[0]), strategy="fast")  # loads the language model: start-up, not work
    wall, cpu = time.perf_counter(), time.process_time()
    elements = 0
    for path in paths:
        elements += len(partition(str(path), strategy="fast"))
    print(json.dumps({"files": len(paths), "elements": elements, "seconds": time.perf_counter() - wall,
                      "cpu_seconds": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
