"""boto3_list.py URL BUCKET - prints every key, as a user of boto3 would write it."""

import sys

import boto3
import botocore
from botocore.config import Config


def main():
    url, bucket = sys.argv[1:3]
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1",
        config=Config(signature_version=botocore.UNSIGNED, s3={"addressing_style": "path"}),
    )
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        sys.stdout.writelines(entry["Key"] + "\n" for entry in page.get("Contents", []))


if __name__ == "__main__":
    main()
