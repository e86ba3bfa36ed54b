"""manifests.py latest BUCKET STAGE [PARTITION] | changes NEW OLD - what impresso-essentials, as it came from PyPI, says of data manifests: where the
latest is, on the server that SE_HOST_URL names; which titles are new or modified in one file since another. Prints JSON."""

import contextlib
import json
import os
import pathlib
import sys
from unittest import mock

import boto3

# What other parts of the modules that it imports are for.
for name in ("numpy", "dask", "dask.bag", "dask.bag.core", "dask.diagnostics", "smart_open", "tqdm"):
    sys.modules[name] = mock.MagicMock()

# The address of its own server is in it, and of what it makes at import too.
for kind in ("client", "resource"):
    make = getattr(boto3, kind)
    setattr(boto3, kind, lambda *a, make=make, **options: make(*a, **{**options, "endpoint_url": os.environ["SE_HOST_URL"]}))
sys.path.insert(0, str(pathlib.Path(sys.prefix) / "impresso"))

from impresso_essentials.versioning import helpers  # noqa: E402

what, *arguments = sys.argv[1:]
with contextlib.redirect_stdout(sys.stderr):
    if what == "latest":
        answer = helpers.find_s3_data_manifest_path(*arguments)
    else:
        new, old = (json.loads(pathlib.Path(path).read_text()) for path in arguments)
        answer = helpers.get_media_titles(helpers.filter_new_or_modified_media(new, old))
print(json.dumps(answer))
