"""What --json prints against docs/json-output.schema.json, which ships with the program."""

import collections
import json

import jsonschema
from program import ROOT

_SCHEMA = json.loads((ROOT / "docs/json-output.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(_SCHEMA)
_validator = jsonschema.Draft202012Validator(_SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def checked(result):
    """The objects that a run printed with --json by their type, each list in order; all of them as the schema says, of one run, a summary last."""
    lines = result.json_lines
    for line in lines:
        for error in _validator.iter_errors(line):
            raise AssertionError(result.explain(f"{line} is not as the schema says: {error.message}"))
    assert lines[-1]["type"] == "summary" and [line["type"] for line in lines].count("summary") == 1, result.explain("one summary, at the end")
    assert len({line["run"] for line in lines}) == 1, result.explain("one name for the whole run")
    by_type = collections.defaultdict(list)
    for line in lines:
        by_type[line["type"]].append(line)
    return by_type


def is_valid(line):
    return _validator.is_valid(line)
