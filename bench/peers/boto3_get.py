"""boto3_get.py URL BUCKET DIRECTORY THREADS - every object of the bucket into a file, as a user of boto3 would write it."""

import concurrent.futures
import os
import sys

import boto3
import botocore
from botocore.config import Config


def main():
    url, bucket, directory, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1",
        config=Config(signature_version=botocore.UNSIGNED, max_pool_connections=threads, s3={"addressing_style": "path"}),
    )

    def fetch(key):
        path = os.path.join(directory, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for done in [pool.submit(fetch, entry["Key"]) for entry in page.get("Contents", [])]:
                done.result()


if __name__ == "__main__":
    main()
