"""A place that holds objects: an S3 bucket or a local directory, with one face, so that one test tries both."""

import pathlib


class Bucket:
    """One bucket on a running S3 server."""

    kind = "s3"

    def __init__(self, server, name, client=None):
        self.server, self.name = server, name
        self.client = client or server.client()
        self.env = server.env

    def url(self, key=""):
        return f"s3://{self.name}/{key}"

    def put(self, key, body=b"", metadata=None, **fields):
        self.client.put_object(Bucket=self.name, Key=key, Body=body, Metadata=metadata or {}, **fields)

    def get(self, key):
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def metadata(self, key):
        return self.client.head_object(Bucket=self.name, Key=key)["Metadata"]

    def delete(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))


class Directory:
    """A local directory. `keys` leaves out names that begin with a point, where stores keep what is theirs."""

    kind = "directory"
    env: dict[str, str] = {}

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)

    def url(self, key=""):
        return f"file://{self.root}/{key}"

    def put(self, key, body=b""):
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def get(self, key):
        return (self.root / key).read_bytes()

    def delete(self, key):
        (self.root / key).unlink()

    def keys(self, prefix=""):
        paths = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        names = (str(path) for path in paths if not any(part.startswith(".") for part in path.parts))
        return sorted(name for name in names if name.startswith(prefix))
