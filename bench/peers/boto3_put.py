"""boto3_put.py URL BUCKET DIRECTORY THREADS - every file of the directory into the bucket, as a user of boto3 would write it."""

import concurrent.futures
import pathlib
import sys

import boto3
from botocore.config import Config


def main():
    url, bucket, directory, threads = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    client = boto3.client("s3", endpoint_url=url, config=Config(max_pool_connections=threads, s3={"addressing_style": "path"}))

    def put(path):
        client.put_object(Bucket=bucket, Key=path.name, Body=path.read_bytes())

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(put, path) for path in directory.iterdir()]:
            done.result()


if __name__ == "__main__":
    main()
