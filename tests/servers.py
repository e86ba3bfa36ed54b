"""Real servers for the tests: started here on free ports, watched, stopped here. Nothing is left running.

A server whose program is missing is an error with the command that installs it, never a skipped test.
"""

import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

CACHE = pathlib.Path(
    os.environ.get("QUERN_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "quern"
)
READY_SECONDS = 30
STOP_SECONDS = 10
ACCESS_KEY, SECRET_KEY, REGION = "quern", "quernsecret", "us-east-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_program(path, install):
    found = shutil.which(str(path), path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        raise RuntimeError(f"'{path}' is missing: run {install}")
    return found


class Server:
    """A child process that answers HTTP. Subclasses say how to start it and how to see that it is ready."""

    name = "server"
    ready_path = "/"
    scheme = "http"

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{self.name}.log"
        self.port = 0
        self.process = None

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts it; once more on another port, should somebody have taken the free one meanwhile."""
        for attempt in range(3):
            self.port = free_port()
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    self.command(), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )
            if self.wait_ready():
                return self
            self.stop()
        raise RuntimeError(f"{self.name} does not start; its log '{self.log}' ends:\n{self.log_tail()}")

    def wait_ready(self):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if self.is_ready():
                return True
            time.sleep(0.02)
        return False

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.url + self.ready_path, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True  # an error page is an answer
        except OSError:
            return False

    def check_alive(self):
        status = self.process.poll()
        if status is not None:
            raise RuntimeError(f"{self.name} died with status {status}; its log ends:\n{self.log_tail()}")

    def log_tail(self, lines=40):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class S3Server(Server):
    """A server that speaks S3, with a boto3 client and the environment that points quern at it."""

    ca_file = None

    @property
    def env(self):
        settings = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
        }
        return settings | ({"AWS_CA_BUNDLE": str(self.ca_file)} if self.ca_file else {})

    def client(self, access_key=ACCESS_KEY, secret_key=SECRET_KEY):
        return s3_client(self.url, access_key, secret_key, self.ca_file)


def s3_client(url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, ca_file=None):
    import boto3  # slow to import: only those who use a client wait
    import botocore.config

    return boto3.session.Session().client(
        "s3", endpoint_url=url, region_name=REGION, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        verify=str(ca_file) if ca_file else None,
        config=botocore.config.Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, proxies={},
            connect_timeout=5, read_timeout=60,
            # Else a PUT over TLS has trailers, after which versitygw now and then cannot read the connection's next request.
            request_checksum_calculation="when_required",
        ),
    )


class Versitygw(S3Server):
    """Validates signatures and checksums as AWS does. Its keys are paths: see spec/test-servers.md for what that forbids."""

    name = "versitygw"
    ready_path = "/health"

    def __init__(self, directory, certificate=None):
        super().__init__(directory)
        self.certificate = certificate
        if certificate:
            self.scheme, self.ca_file = "https", certificate.ca_file

    def command(self):
        program = find_program(CACHE / "bin" / "versitygw", "scripts/install-versitygw")
        root = self.directory.resolve()
        for name in ("data", "versions", "iam", "sidecar"):
            (root / name).mkdir(exist_ok=True)
        backend = ["posix", "--versioning-dir", str(root / "versions")]
        if not keeps_attributes(root / "data"):
            backend += ["--sidecar", str(root / "sidecar")]
        tls = ["--cert", str(self.certificate.file), "--key", str(self.certificate.key_file)] if self.certificate else []
        return [
            program, "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION,
            "--port", f"127.0.0.1:{self.port}", "--health", "/health", "--keep-alive", "--quiet",
            "--virtual-domain", f"localhost:{self.port}", "--iam-dir", str(root / "iam"), *tls,
            *backend, str(root / "data"),
        ]

    def is_ready(self):
        if not self.certificate:
            return super().is_ready()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Moto(S3Server):
    """Takes every key, also those that no file system holds; checks no signature and no checksum."""

    name = "moto"
    ready_path = "/moto-api/"

    def command(self):
        program = find_program(pathlib.Path(sys.prefix) / "bin" / "moto_server", "scripts/install-test-venv")
        return [program, "-H", "127.0.0.1", "-p", str(self.port)]


class Nginx(Server):
    """Serves the files of `www/BUCKET/` as objects and `lists/N.xml` as the pages of the list of bucket `bench`, with a
    tenth of a real server's CPU time. Ignores credentials; its ETag is not an MD5; takes version 2 lists only, by
    continuation token: see lists_write()."""

    name = "nginx"
    ready_path = "/ready"

    def __init__(self, directory, www=None, lists=None):
        super().__init__(directory)
        self.www = pathlib.Path(www) if www else self.directory / "www"
        self.lists = pathlib.Path(lists) if lists else self.directory / "lists"
        self.www.mkdir(parents=True, exist_ok=True)
        self.lists.mkdir(parents=True, exist_ok=True)

    def command(self):
        program = find_program("nginx", "scripts/install-deps bench")
        (self.directory / "tmp").mkdir(exist_ok=True)
        settings = self.directory / "nginx.conf"
        settings.write_text(NGINX_SETTINGS.format(
            root=self.directory.resolve(), port=self.port, www=self.www.resolve(), lists=self.lists.resolve(),
            user="user root;" if os.geteuid() == 0 else "",
            # Each cached file is an open descriptor: with more than the limit nginx answers 500.
            cached=min(200_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2),
        ))
        return [program, "-c", str(settings.resolve()), "-p", str(self.directory.resolve()), "-e", "stderr"]


NGINX_SETTINGS = """
daemon off; {user} worker_processes 1; pid {root}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 300s; keepalive_requests 100000000;
  client_body_temp_path {root}/tmp/body; proxy_temp_path {root}/tmp/proxy; fastcgi_temp_path {root}/tmp/fastcgi;
  uwsgi_temp_path {root}/tmp/uwsgi; scgi_temp_path {root}/tmp/scgi;
  open_file_cache max={cached} inactive=600s; open_file_cache_valid 600s; types {{ }} default_type binary/octet-stream;
  map $args $page {{ default 0; "~continuation-token=(?<t>[0-9]+)" $t; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {www}; merge_slashes off;
    location = /ready {{ return 200; }}
    location ~ ^/bench/?$ {{ default_type application/xml; root {lists}; rewrite ^ /$page.xml break; }}
  }}
}}
"""


# When every object on nginx was modified: its ETag is made of time and size, and a listing must say the same one.
NGINX_MODIFIED_S = 1704164645  # 2024-01-02T03:04:05Z


def nginx_write(path, body):
    """An object for nginx, as lists_write will list it."""
    path.write_bytes(body)
    os.utime(path, (NGINX_MODIFIED_S, NGINX_MODIFIED_S))


def lists_write(directory, bucket, objects, keys_per_page=1000):
    """Writes the ListObjectsV2 pages 0.xml, 1.xml, ... for `objects`, an iterable of (key, size) written by
    nginx_write; gives their number."""
    page, entries = 0, []

    def flush(more):
        token = f"<NextContinuationToken>{page + 1}</NextContinuationToken>" if more else ""
        (pathlib.Path(directory) / f"{page}.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix></Prefix><KeyCount>{len(entries)}</KeyCount><MaxKeys>{keys_per_page}</MaxKeys>"
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{''.join(entries)}</ListBucketResult>\n"
        )

    for key, size in objects:
        if len(entries) == keys_per_page:
            flush(more=True)
            page, entries = page + 1, []
        entries.append(
            f"<Contents><Key>{key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
            f"<ETag>&quot;{NGINX_MODIFIED_S:x}-{size:x}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>\n"
        )
    flush(more=False)
    return page + 1


def keeps_attributes(directory):
    """Whether the file system keeps the extended attributes in which versitygw stores metadata."""
    probe = pathlib.Path(directory) / ".attributes"
    probe.touch()
    try:
        os.setxattr(probe, "user.quern", b"1")
        return True
    except OSError:
        return False
    finally:
        probe.unlink()


class Certificate:
    """A certificate for localhost and 127.0.0.1 and the authority that signed it, made by openssl(1) for this run."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.ca_file, self.file, self.key_file = (directory / name for name in ("ca.pem", "server.pem", "server.key"))
        ca_key, request, extensions = (directory / name for name in ("ca.key", "server.csr", "extensions"))
        extensions.write_text("subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self._openssl("req", "-x509", *new_key, "-keyout", ca_key, "-out", self.ca_file, "-days", "2", "-subj", "/CN=quern tests")
        self._openssl("req", "-new", *new_key, "-keyout", self.key_file, "-out", request, "-subj", "/CN=localhost")
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
            "-extfile", extensions, "-out", self.file,
        )

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
