"""run.py SCRIPT ARGUMENT... - one of the S3 scripts of impresso-essentials (s3_set_timestamp, s3_add_provider) as it came from PyPI, in the environment
of scripts/install-impresso, against the server that SE_HOST_URL names."""

import os
import pathlib
import runpy
import sys
from unittest import mock

import boto3

# What other parts of the modules that it imports are for.
for name in ("numpy", "dask", "dask.bag", "dask.bag.core", "dask.diagnostics", "smart_open"):
    sys.modules[name] = mock.MagicMock()

# s3_add_provider has its own server's address in it, and heeds no variable.
of_boto3 = boto3.client


def client(*arguments, **options):
    return of_boto3(*arguments, **{**options, "endpoint_url": os.environ["SE_HOST_URL"]})


boto3.client = client
sys.path.insert(0, str(pathlib.Path(sys.prefix) / "impresso"))
script = sys.argv[1]
sys.argv[:2] = [script + ".py"]
runpy.run_module("impresso_essentials.io." + script, run_name="__main__")
