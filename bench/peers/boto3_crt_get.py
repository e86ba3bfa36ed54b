"""boto3_crt_get.py URL BUCKET KEY FILE - one large object by AWS's own fast client.

awscrt 0.38.0 resolves no "host:port" of a plain HTTP endpoint and says AWS_IO_DNS_INVALID_NAME; the bench then shows that."""

import sys

import awscrt.exceptions
import boto3
import boto3.s3.transfer


def main():
    url, bucket, key, path = sys.argv[1:5]
    client = boto3.client("s3", endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any")
    try:
        client.download_file(bucket, key, path, Config=boto3.s3.transfer.TransferConfig(preferred_transfer_client="crt"))
    except awscrt.exceptions.AwsCrtError as error:
        sys.exit(f"awscrt with the endpoint {url}: {error}")


if __name__ == "__main__":
    main()
