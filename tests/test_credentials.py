"""Who quern is to S3: every source of credentials, their order, their end, against servers that we script.

One scripted server plays S3, STS, the sign-on services, a container's service and a machine's. The access key in a request's
Authorization says which source won.
"""

import collections
import datetime
import hashlib
import itertools
import json
import re
import sys
import threading
import time
import urllib.parse

import pytest
import scripted_server as answers
from test_copy_job import about, bucket, copied

SECRET_MARK = "hush"  # in every secret of these tests: may stand in no output
KEYS = [f"k{number:04}" for number in range(40)]


def access_key(request):
    match = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
    return match[1] if match else None


def iso(seconds_from_now):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds_from_now)).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_exact(seconds_from_now):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds_from_now)).isoformat().replace("+00:00", "Z")


def listing(request, page_size=1000, delay=0.0):
    """The page of KEYS that a ListObjectsV2 asks for."""
    after = request.query.get("continuation-token") or request.query.get("start-after") or ""
    prefix = request.query.get("prefix", "")
    rest = [key for key in KEYS if key > after and key.startswith(prefix)]
    size = min(page_size, int(request.query.get("max-keys", "1000")))
    more = rest[size - 1] if len(rest) > size else None
    return answers.list_page([(key, 3) for key in rest[:size]], next_token=more, delay=delay)


WORDS = b"words"
WORDS_MD5 = hashlib.md5(WORDS).hexdigest()


def words_page(keys):
    """A page of objects that all hold WORDS."""
    page = answers.list_page([(key, len(WORDS)) for key in keys])
    page.body = page.body.replace(b"0" * 32 + b"-1", WORDS_MD5.encode())
    return page


def words(request):
    return answers.ok(WORDS, headers={"ETag": f'"{WORDS_MD5}"'})


def json_keys(name, expires=None, token_name="Token", **more):
    value = {"AccessKeyId": name, "SecretAccessKey": f"{SECRET_MARK}-{name}", token_name: f"{SECRET_MARK}-token-{name}", **more}
    return json.dumps(value | ({"Expiration": expires} if expires else {})).encode()


def sts_answer(name, call="AssumeRole", expires=None):
    return answers.ok(answers.xml(
        f'<{call}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{call}Result><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser>'
        f"<Credentials><AccessKeyId>{name}</AccessKeyId><SecretAccessKey>{SECRET_MARK}-{name}</SecretAccessKey>"
        f"<SessionToken>{SECRET_MARK}-token-{name}</SessionToken><Expiration>{expires or iso(3600)}</Expiration></Credentials>"
        f"</{call}Result></{call}Response>"
    ))


def sts_error(code, status=403):
    return answers.status(status, answers.xml(
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no, said STS</Message></Error></ErrorResponse>"))


class World:
    """A home directory, a server for everything, and an environment that leads to it."""

    def __init__(self, quern, server, tmp_path):
        self.quern, self.server = quern, server
        self.home = tmp_path / "home"
        self.aws = self.home / ".aws"
        self.aws.mkdir(parents=True)
        self.env = {"AWS_ENDPOINT_URL_S3": server.url, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
        server.on("GET", re.compile(r"^/bucket(\?|/\?|$)"), listing)
        self.tmp_path = tmp_path

    def config(self, text):
        (self.aws / "config").write_text(text)

    def credentials(self, text):
        (self.aws / "credentials").write_text(text)

    def profile_keys(self, name):
        return f"aws_access_key_id = {name}\naws_secret_access_key = {SECRET_MARK}-{name}\n"

    def sts(self, *sent):
        self.env["AWS_ENDPOINT_URL_STS"] = self.server.url
        self.server.on("POST", "/", *sent)

    def sts_forms(self):
        return [dict(urllib.parse.parse_qsl(request.body.decode())) for request in self.server.sent("POST", "/")]

    def file(self, name, text, mode=0o600):
        path = self.tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def s3_requests(self):
        return [request for request in self.server.sent("GET") if request.path.startswith("/bucket")]

    def ls(self, *flags, **options):
        result = self.quern("ls", "s3://bucket/", "--verbose", *flags, env=self.env, **options)
        assert SECRET_MARK not in result.stdout + result.stderr, result.explain("a secret stands in the output")
        return result

    def expect_key(self, name, *flags):
        result = self.ls(*flags).expect(0)
        assert {access_key(request) for request in self.s3_requests()} == {name}, result.explain(f"not signed by {name}")
        return result


@pytest.fixture
def world(quern, scripted, tmp_path):
    return World(quern, scripted, tmp_path)


# ---- every source


def environment(world):
    world.env |= {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": f"{SECRET_MARK}-e", "AWS_SESSION_TOKEN": f"{SECRET_MARK}-t"}
    return "ENV"


def credentials_file(world):
    world.credentials("[default]\n" + world.profile_keys("FILE"))
    return "FILE"


def config_file(world):
    world.config("[default]\n" + world.profile_keys("CONFIG"))
    return "CONFIG"


def role(world):
    world.config("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nexternal_id = ext\nduration_seconds = 1800\n"
                 "role_session_name = me\n")
    world.credentials("[base]\n" + world.profile_keys("BASE"))
    world.sts(sts_answer("ROLE"))
    return "ROLE"


def web_identity(world):
    token = world.file("token", f"{SECRET_MARK}-jwt\n")
    world.env |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": "arn:aws:iam::1:role/w", "AWS_ROLE_SESSION_NAME": "pod"}
    world.sts(sts_answer("WEB", "AssumeRoleWithWebIdentity"))
    return "WEB"


def web_identity_profile(world):
    token = world.file("token", f"{SECRET_MARK}-jwt\n")
    world.config(f"[default]\nrole_arn = arn:aws:iam::1:role/w\nweb_identity_token_file = {token}\n")
    world.sts(sts_answer("WEB", "AssumeRoleWithWebIdentity"))
    return "WEB"


def sso_cache(world, name, expires="2099-01-01T00:00:00Z", **more):
    cache = world.aws / "sso/cache"
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / (hashlib.sha1(name.encode()).hexdigest() + ".json")
    path.write_text(json.dumps({"accessToken": f"{SECRET_MARK}-access", "expiresAt": expires, **more}))
    path.chmod(0o600)
    return path


def sso_servers(world):
    world.env |= {"AWS_ENDPOINT_URL_SSO": world.server.url, "AWS_ENDPOINT_URL_SSO_OIDC": world.server.url}
    body = {"roleCredentials": {"accessKeyId": "SSO", "secretAccessKey": f"{SECRET_MARK}-s", "sessionToken": f"{SECRET_MARK}-t",
                                "expiration": int((time.time() + 3600) * 1000)}}
    world.server.on("GET", "/federation/credentials", answers.ok(json.dumps(body).encode()))


SSO_CONFIG = ("[default]\nsso_session = corp\nsso_account_id = 123\nsso_role_name = Read Only\n"
              "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n")


def single_sign_on(world):
    world.config(SSO_CONFIG)
    sso_cache(world, "corp")
    sso_servers(world)
    return "SSO"


def single_sign_on_legacy(world):
    world.config("[default]\nsso_account_id = 123\nsso_role_name = r\nsso_region = eu-west-1\nsso_start_url = https://old.example/s\n")
    sso_cache(world, "https://old.example/s", expires="2099-01-01T00:00:00UTC")
    sso_servers(world)
    return "SSO"


def process(world):
    answer = world.file("keys.json", json_keys("PROC", iso(3600), "SessionToken", Version=1).decode())
    script = world.file("give keys.sh", '#!/bin/sh\n[ "$1" = "a b" ] && [ "$2" = "c\\"d" ] && exec cat "$3"\nexit 9\n', 0o700)
    world.config(f"[default]\ncredential_process = '{script}' \"a b\" c\\\"d {answer}\n")
    return "PROC"


def container(world):
    token = world.file("token", f"{SECRET_MARK}-container")
    world.env |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{world.server.url}/creds?x=1",
                  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token), "AWS_CONTAINER_AUTHORIZATION_TOKEN": "loses"}
    world.server.on("GET", "/creds", lambda request: answers.ok(json_keys("TASK", iso(3600)))
                    if request.headers.get("authorization") == f"{SECRET_MARK}-container" else answers.status(401))
    return "TASK"


def metadata(world, token_answer=None, expires=None, name="IMDS"):
    world.env["AWS_EC2_METADATA_DISABLED"] = "false"
    world.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = world.server.url + "/"
    needs_token = token_answer is None
    world.server.on("PUT", "/latest/api/token", token_answer or answers.ok(b"imds-token"))

    def with_token(body):
        def answer(request):
            if needs_token and request.headers.get("x-aws-ec2-metadata-token") != "imds-token":
                return answers.status(401)
            return answers.ok(body() if callable(body) else body)
        return answer

    roles = "/latest/meta-data/iam/security-credentials/"
    world.server.on("GET", roles, with_token(b"my-role\n"))
    world.server.on("GET", roles + "my-role", with_token(lambda: json_keys(name, expires or iso(6 * 3600), Code="Success")))
    world.server.on("GET", "/latest/meta-data/placement/region", with_token(b"eu-north-1"))
    return name


SOURCES = [environment, credentials_file, config_file, role, web_identity, web_identity_profile, single_sign_on, single_sign_on_legacy,
           process, container, metadata]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_source(world, source):
    world.expect_key(source(world))


def test_what_a_role_is_asked_with(world):
    role(world)
    world.expect_key("ROLE")
    (request,) = world.server.sent("POST", "/")
    assert access_key(request) == "BASE" and "/us-east-1/sts/aws4_request" in request.headers["authorization"]
    (form,) = world.sts_forms()
    assert form == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "me",
                    "DurationSeconds": "1800", "ExternalId": "ext"}
    assert all(r.headers["x-amz-security-token"] == f"{SECRET_MARK}-token-ROLE" for r in world.s3_requests())


def test_what_a_web_identity_is_asked_with(world):
    web_identity(world)
    world.expect_key("WEB")
    (request,) = world.server.sent("POST", "/")
    assert "authorization" not in request.headers
    assert world.sts_forms()[0] | {"RoleSessionName": "pod"} == {
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/w", "RoleSessionName": "pod",
        "WebIdentityToken": f"{SECRET_MARK}-jwt"}


def test_what_the_portal_is_asked_with(world):
    single_sign_on(world)
    world.expect_key("SSO")
    (request,) = world.server.sent("GET", "/federation/credentials")
    assert request.headers["x-amz-sso_bearer_token"] == f"{SECRET_MARK}-access"
    assert request.query == {"role_name": "Read Only", "account_id": "123"}


# ---- their order


# (the sources that are there, the one that wins, flags); AWS_PROFILE and --profile differ for the environment
PRECEDENCE = [
    ([environment, credentials_file, config_file, metadata], "ENV"),
    ([environment, role], "ENV"),
    ([role, web_identity], "ROLE"),
    ([web_identity, container], "WEB"),
    ([credentials_file, process], "FILE"),
    ([credentials_file, single_sign_on], "SSO"),
    ([credentials_file, config_file], "FILE"),
    ([process, container], "PROC"),
    ([config_file, container], "CONFIG"),
    ([container, metadata], "TASK"),
]


@pytest.mark.parametrize("sources, winner", PRECEDENCE, ids=lambda value: "-".join(s.__name__ for s in value) if isinstance(value, list) else value)
def test_precedence(world, sources, winner):
    for source in sources:
        source(world)
    world.server.on("POST", "/", lambda request: sts_answer("ROLE") if b"Action=AssumeRole&" in request.body
                    else sts_answer("WEB", "AssumeRoleWithWebIdentity"))
    world.expect_key(winner)


def test_a_profile_named_as_an_option_beats_the_environment(world):
    environment(world)
    world.credentials("[p]\n" + world.profile_keys("FILE"))
    world.expect_key("FILE", "--profile", "p")


def test_a_profile_named_by_variable_does_not(world):
    environment(world)
    world.env["AWS_PROFILE"] = "p"
    world.credentials("[p]\n" + world.profile_keys("FILE"))
    world.expect_key("ENV")


# ---- roles on the way to roles


def test_a_chain_of_roles(world):
    world.config("[profile a]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
                 "[profile c]\nregion = us-east-1\n")
    world.credentials("[c]\n" + world.profile_keys("BASE"))
    world.sts(sts_answer("B"), sts_answer("A"))
    world.env["AWS_PROFILE"] = "a"
    world.expect_key("A")
    first, second = world.server.sent("POST", "/")
    assert (access_key(first), access_key(second)) == ("BASE", "B")
    assert [form["RoleArn"] for form in world.sts_forms()] == ["arn:b", "arn:a"]
    assert second.headers["x-amz-security-token"] == f"{SECRET_MARK}-token-B"


def test_a_profile_may_be_its_own_source(world):
    world.config("[default]\nrole_arn = arn:a\nsource_profile = default\n")
    world.credentials("[default]\n" + world.profile_keys("BASE"))
    world.sts(sts_answer("A"))
    world.expect_key("A")


def test_credential_source(world):
    environment(world)
    world.config("[profile p]\nrole_arn = arn:a\ncredential_source = Environment\n")
    world.sts(sts_answer("A"))
    world.expect_key("A", "--profile", "p")
    assert access_key(world.server.sent("POST", "/")[0]) == "ENV"


# ---- errors: which source, what to do


ROLE_LINE = "role_arn = arn:aws:iam::1:role/r\n"
# config, credentials, environment, exit status, what the message says
BAD = {
    "nothing": ("", "", {}, 4, ["no credentials found", "AWS_ACCESS_KEY_ID", ".aws/credentials", "--anonymous", "metadata service is disabled"]),
    "half of the environment": ("", "", {"AWS_ACCESS_KEY_ID": "x"}, 2, ["the environment has an access key without a secret key"]),
    "the other half": ("", "", {"AWS_SECRET_ACCESS_KEY": "x"}, 2, ["a secret key without an access key"]),
    "half in a file": ("", "[default]\naws_access_key_id = x\n", {}, 2, [".aws/credentials", "without a secret key"]),
    "malformed credentials": ("", "[default]\naws_access_key_id = x\nhush-nonsense\n", {}, 2, [".aws/credentials", "line 3"]),
    "malformed config": ("[default\n", "", {}, 2, [".aws/config", "line 1"]),
    "unknown profile": ("", "[default]\nregion = x\n", {"AWS_PROFILE": "nope"}, 2, ["the profile 'nope' is neither in"]),
    "a circle": ("[default]\n" + ROLE_LINE + "source_profile = b\n[profile b]\n" + ROLE_LINE + "source_profile = default\n", "", {}, 2,
                 ["goes in a circle"]),
    "itself without keys": ("[default]\n" + ROLE_LINE + "source_profile = default\n", "", {}, 2, ["goes in a circle"]),
    "no such source": ("[default]\n" + ROLE_LINE + "source_profile = nobody\n", "", {}, 2, ["names 'nobody', which there is not"]),
    "an empty source": ("[default]\n" + ROLE_LINE + "source_profile = b\n[profile b]\nregion = x\n", "", {}, 2, ["has no credentials"]),
    "neither source": ("[default]\n" + ROLE_LINE, "", {}, 2, ["neither source_profile nor credential_source"]),
    "both sources": ("[default]\n" + ROLE_LINE + "source_profile = default\ncredential_source = Environment\n", "", {}, 2, ["both"]),
    "odd source": ("[default]\n" + ROLE_LINE + "credential_source = Moon\n", "", {}, 2, ["'Moon'"]),
    "source not there": ("[default]\n" + ROLE_LINE + "credential_source = EcsContainer\n", "", {}, 2, ["EcsContainer", "is not set"]),
    "a code is wanted": ("[default]\n" + ROLE_LINE + "source_profile = b\nmfa_serial = arn:mfa\n", "[b]\n", {}, 2, ["mfa_serial"]),
    "aws login": ("[default]\nlogin_session = arn:x\n", "", {}, 2, ["aws login", "credential_process"]),
    "token without role": ("", "", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/x"}, 2, ["AWS_ROLE_ARN"]),
    "token that is not there": ("", "", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/x", "AWS_ROLE_ARN": "arn:r"}, 6, ["'/nowhere/x'", "arn:r"]),
    "session that is not there": ("[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n", "", {}, 2, ["sso-session 's'"]),
    "half of single sign-on": ("[default]\nsso_start_url = https://x\n", "", {}, 2, ["lacks sso_account_id"]),
    "nobody signed in": (SSO_CONFIG, "", {}, 4, ["aws sso login --profile default"]),
    "a container in the clear": ("", "", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://198.51.100.1/x"}, 2, ["clear text"]),
    "a container that pretends": ("", "", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1.evil.example/x"}, 2, ["clear text"]),
    "a program that is not there": ("[default]\ncredential_process = /nowhere/x y\n", "", {}, 6, ["credential_process", "/nowhere/x"]),
    "an open quote": ("[default]\ncredential_process = x 'y\n", "", {}, 2, ["quote"]),
    "CA file": ("", "", {"AWS_CA_BUNDLE": "/nowhere/ca.pem"}, 2, ["'/nowhere/ca.pem'", "AWS_CA_BUNDLE"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_settings(world, case):
    config, credentials, env, status, says = BAD[case]
    world.config(config)
    world.credentials(credentials)
    world.env |= env
    world.ls().expect(status, *says)
    assert not world.server.requests, "nothing was asked"


def test_a_token_with_a_line_break(world):
    container(world)
    world.file("token", "a\r\nX-Evil: 1")
    world.ls().expect(2, "line breaks", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    assert not world.server.requests


# the program's script, what the message says
PROGRAMS = {
    "says why": ("echo 'touch your key' >&2; exit 3", ["it ended with status 3", "it says: touch your key"]),
    "says nothing": ("exit 0", ["no JSON object"]),
    "no JSON": ("echo hush-hush", ["no JSON object"]),
    "another version": ("echo '{\"Version\": 2}'", ["Version 2"]),
    "no secret": ("echo '{\"Version\": 1, \"AccessKeyId\": \"x\"}'", ["lacks AccessKeyId or SecretAccessKey"]),
    "no time": ("echo '{\"Version\": 1, \"AccessKeyId\": \"x\", \"SecretAccessKey\": \"hush\", \"Expiration\": \"soon\"}'", ["'soon'"]),
    "is killed": ("kill -9 $$", ["signal 9"]),
    "a flood": ("cat /dev/zero", ["its answer: more than the 262144 bytes"]),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_programs_that_fail(world, case):
    script, says = PROGRAMS[case]
    path = world.file("helper", f"#!/bin/sh\n{script}\n", 0o700)
    world.config(f"[default]\ncredential_process = {path}\n")
    result = world.ls()
    assert result.status not in (0, 70), result.explain("it should have failed")
    result.expect(result.status, "credential_process of the profile 'default'", *says)


def test_sts_refuses(world):
    role(world)
    world.sts(sts_error("AccessDenied"))
    world.ls().expect(4, "assume the role 'arn:aws:iam::1:role/r'", "keys from the shared credentials file", "AccessDenied", "no, said STS")
    assert len(world.server.sent("POST")) == 1


def test_sts_is_out_of_order(world):
    role(world)
    world.sts(answers.status(503), answers.hang_up(), sts_answer("ROLE"))
    world.expect_key("ROLE")
    assert len(world.server.sent("POST")) == 3


def test_identity_provider_is_out_of_order(world):
    web_identity(world)
    world.sts(sts_error("IDPCommunicationError", 400), sts_answer("WEB", "AssumeRoleWithWebIdentity"))
    world.expect_key("WEB")


@pytest.mark.parametrize("source", ["role", "web_identity"])
def test_sts_says_nothing(world, source):
    {"role": role, "web_identity": web_identity}[source](world)
    world.sts(answers.ok(b""), answers.ok(b" \n"), sts_answer("STS", "AssumeRole" if source == "role" else "AssumeRoleWithWebIdentity"))
    world.expect_key("STS")
    assert len(world.server.sent("POST")) == 3


def test_sts_never_says_anything(world):
    role(world)
    world.sts(answers.ok(b""))
    world.ls().expect(3, "assume the role 'arn:aws:iam::1:role/r'", "without content")
    assert len(world.server.sent("POST")) == 3


def test_sts_says_nonsense(world):
    role(world)
    world.sts(answers.ok(b"<html>welcome</html>"))
    world.ls().expect(6, "the answer of STS holds no keys")


def test_container_retries(world):
    container(world)
    world.server.on("GET", "/creds", answers.status(500), answers.ok(json_keys("TASK", iso(3600))))
    world.expect_key("TASK")


# ---- single sign-on is renewed without a browser


def renewable_cache(world, expires):
    return sso_cache(world, "corp", expires, refreshToken=f"{SECRET_MARK}-refresh", clientId="client", clientSecret=f"{SECRET_MARK}-client",
                     registrationExpiresAt="2099-01-01T00:00:00Z", startUrl="https://corp.example/start")


def test_a_sign_on_is_renewed_and_kept(world):
    world.config(SSO_CONFIG)
    path = renewable_cache(world, iso(60))
    sso_servers(world)
    answer = {"accessToken": f"{SECRET_MARK}-new", "expiresIn": 28800, "refreshToken": f"{SECRET_MARK}-refresh2", "tokenType": "Bearer"}
    world.server.on("POST", "/token", answers.ok(json.dumps(answer).encode()))
    world.expect_key("SSO")
    (request,) = world.server.sent("POST", "/token")
    assert json.loads(request.body) == {"clientId": "client", "clientSecret": f"{SECRET_MARK}-client", "grantType": "refresh_token",
                                        "refreshToken": f"{SECRET_MARK}-refresh"}
    assert world.server.sent("GET", "/federation/credentials")[0].headers["x-amz-sso_bearer_token"] == f"{SECRET_MARK}-new"
    kept = json.loads(path.read_text())
    assert (kept["accessToken"], kept["refreshToken"]) == (f"{SECRET_MARK}-new", f"{SECRET_MARK}-refresh2")
    assert kept["startUrl"] == "https://corp.example/start" and kept["expiresAt"] > iso(28000)
    assert path.stat().st_mode & 0o777 == 0o600 and [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_renewal_that_fails_is_no_matter_while_the_token_is_good(world):
    world.config(SSO_CONFIG)
    renewable_cache(world, iso(300))
    sso_servers(world)
    world.server.on("POST", "/token", answers.status(400, b'{"error": "invalid_grant"}'))
    world.expect_key("SSO")


def test_an_expired_sign_on(world):
    world.config(SSO_CONFIG)
    renewable_cache(world, iso(-60))
    sso_servers(world)
    world.server.on("POST", "/token", answers.status(400, b'{"error": "invalid_grant"}'))
    world.ls().expect(4, "the sign-in has expired", "aws sso login --profile default")


def test_the_portal_does_not_take_the_token(world):
    single_sign_on(world)
    world.server.on("GET", "/federation/credentials", answers.status(401))
    world.ls().expect(4, "401", "aws sso login")


# ---- a machine's metadata


def test_metadata_version_1(world):
    metadata(world, token_answer=answers.status(404))
    world.expect_key("IMDS")


def test_metadata_version_1_disabled(world):
    metadata(world, token_answer=answers.status(403))
    world.env["AWS_EC2_METADATA_V1_DISABLED"] = "true"
    world.ls().expect(4, "no credentials found", "version 1 is disabled")
    assert not world.server.sent("GET", "/latest/meta-data/iam/security-credentials/")


def test_metadata_does_not_answer(world):
    metadata(world, token_answer=answers.ok(b"late", delay=30))
    world.env["AWS_METADATA_SERVICE_TIMEOUT"] = "0.3"
    result = world.ls().expect(4, "no credentials found", "hop limit of 1")
    assert result.seconds < 10 or world.quern.sanitized


def test_metadata_without_a_role(world):
    metadata(world)
    world.server.on("GET", "/latest/meta-data/iam/security-credentials/", answers.status(404))
    world.ls().expect(4, "the machine has no role")


def test_metadata_in_trouble_gives_old_keys(world):
    metadata(world, expires=iso(-60))
    world.expect_key("IMDS")
    assert len(world.server.sent("PUT")) == 1


def test_the_machine_knows_its_region(world):
    """Only seen where nobody named an endpoint or a region, so a proxy plays AWS."""
    metadata(world)
    del world.env["AWS_REGION"], world.env["AWS_ENDPOINT_URL_S3"]
    world.env |= {"https_proxy": world.server.url, "no_proxy": ""}
    result = world.ls("--retries", "1")
    assert result.status == 3, result.explain("the proxy takes no CONNECT")
    assert [r.target for r in world.server.requests if r.method == "CONNECT"] == ["bucket.s3.eu-north-1.amazonaws.com:443"]


def test_another_metadata_mode(world):
    world.env |= {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"}
    world.ls().expect(2, "IPv4 or IPv6")


# ---- the end of credentials (spec/reliability.md F10)


class Lifetime:
    """STS gives keys that S3 takes for `life` seconds, counted."""

    def __init__(self, world, life, page_delay=0.1, page_size=1):
        self.world, self.life = world, life
        self.ends, self.given, self.expired_requests = {}, 0, 0
        self.lock = threading.Lock()
        self.in_flight = self.most_in_flight = 0
        self.fail_from = None  # STS refuses from this call on
        role(world)
        world.sts(self.give)
        world.server.on("GET", re.compile(r"^/bucket"), self.serve)
        self.page_delay, self.page_size = page_delay, page_size

    def give(self, request):
        with self.lock:
            self.given += 1
            number = self.given
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        time.sleep(0.05)
        with self.lock:
            self.in_flight -= 1
            if self.fail_from and number >= self.fail_from:
                return sts_error("AccessDenied")
            self.ends[f"R{number}"] = time.time() + self.life
        return sts_answer(f"R{number}", expires=iso_exact(self.life))

    def serve(self, request):
        with self.lock:
            if time.time() > self.ends.get(access_key(request), 0):
                self.expired_requests += 1
                return answers.s3_error("ExpiredToken", "The provided token has expired.", 400)
        return listing(request, self.page_size, self.page_delay)


def test_keys_are_renewed_ahead_of_their_end(world):
    life = Lifetime(world, life=2.0)
    result = world.ls().expect(0)
    assert [line.split()[-1] for line in result.lines if line.strip()][: len(KEYS)]
    assert all(any(key in line for line in result.lines) for key in KEYS), result.explain("a key is missing")
    assert life.expired_requests == 0, "no request goes with keys that have expired"
    assert 2 <= life.given <= 12 and life.most_in_flight == 1, (life.given, life.most_in_flight)


def test_keys_that_end_early_are_replaced(world):
    """The server takes them for a shorter time than they say: one refusal, one renewal, no failure."""
    life = Lifetime(world, life=3600, page_size=4)
    ended = threading.Event()

    def serve(request):
        key = access_key(request)
        if key == "R1" and (ended.is_set() or request.query.get("continuation-token")):
            ended.set()
            return answers.s3_error("ExpiredToken", "The provided token has expired.", 400)
        return listing(request, 4)

    world.server.on("GET", re.compile(r"^/bucket"), serve)
    result = world.ls().expect(0)
    assert all(any(key in line for line in result.lines) for key in KEYS), result.explain("a key is missing")
    assert life.given == 2


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"])
def test_new_keys_are_refused_too(world, code):
    life = Lifetime(world, life=3600)
    world.server.on("GET", re.compile(r"^/bucket"), answers.s3_error(code, "refused", 400))
    world.ls().expect(4, code, "the role 'arn:aws:iam::1:role/r'", "asked for anew")
    assert life.given == 2 and len(world.s3_requests()) == 2


def test_the_old_keys_come_back(world):
    credentials_file(world)
    world.server.on("GET", re.compile(r"^/bucket"), answers.s3_error("ExpiredToken", "expired", 400))
    world.ls().expect(4, "the same keys again", "the shared credentials file")
    assert len(world.s3_requests()) == 1


def test_a_file_is_read_again(world):
    """What another tool has renewed meanwhile is found."""
    credentials_file(world)

    def expired(request):
        if access_key(request) == "FILE":
            world.credentials("[default]\n" + world.profile_keys("RENEWED"))
            return answers.s3_error("ExpiredToken", "expired", 400)
        return listing(request)

    world.server.on("GET", re.compile(r"^/bucket"), expired)
    world.ls().expect(0)
    assert [access_key(request) for request in world.s3_requests()][:2] == ["FILE", "RENEWED"]


def test_keys_of_the_environment_cannot_be_renewed(world):
    environment(world)
    world.server.on("GET", re.compile(r"^/bucket"), answers.s3_error("ExpiredToken", "The provided token has expired.", 400))
    world.ls().expect(4, "ExpiredToken", "the environment", "get new temporary credentials")
    assert len(world.s3_requests()) == 1


def test_a_renewal_that_fails_ends_the_run(world):
    life = Lifetime(world, life=2.0)
    life.fail_from = 2
    result = world.ls()
    result.expect(4, "AccessDenied", "arn:aws:iam::1:role/r")
    assert life.expired_requests <= 1


def test_many_requests_ask_once(world, tmp_path):
    """A slow STS, many downloads at the same time: one asks, all wait."""
    names = [f"doc{number:02}.txt" for number in range(24)]
    life = Lifetime(world, life=3600)

    def serve(request):
        if "list-type" in request.query:
            return words_page(names)
        if access_key(request) == "R1":
            return answers.s3_error("ExpiredToken", "expired", 400)
        return words(request)

    world.server.on("GET", re.compile(r"^/bucket"), serve)
    result = world.quern("ingest", "s3://bucket/", "--structured-output-dir", str(tmp_path / "out"), env=world.env)
    result.expect(0)
    assert life.given == 2 and life.most_in_flight == 1
    assert len(list((tmp_path / "out").rglob("*.json"))) == len(names)


# ---- in the middle of a copy, 64 objects at once

COPIED = [f"{number:04}" for number in range(400)]


class Copying:
    """Buckets `a`, of COPIED, and `b`, which is empty; `takes` says of each request whether its keys are good."""

    def __init__(self, world, takes, delay):
        self.world, self.takes, self.delay = world, takes, delay
        self.lock = threading.Lock()
        self.copied, self.refused = collections.Counter(), 0
        world.server.on("GET", re.compile(r"^/a(\?|/\?)"), self.asked(bucket(*COPIED)))
        world.server.on("GET", re.compile(r"^/b(\?|/\?)"), self.asked(bucket()))
        world.server.on("HEAD", re.compile(r"^/[ab]/"), self.asked(self.look))
        world.server.on("PUT", re.compile(r"^/b/"), self.asked(self.copy))

    def asked(self, answer):
        def serve(request):
            if not self.takes(request):
                with self.lock:
                    self.refused += 1
                return answers.s3_error("ExpiredToken", "The provided token has expired.", 400)
            return answer(request)

        return serve

    def look(self, request):
        found = about()
        found.delay = self.delay
        return found

    def copy(self, request):
        with self.lock:
            self.copied[request.path.removeprefix("/b/")] += 1
        done = copied()
        done.delay = self.delay
        return done

    def run(self):
        """All is copied, once."""
        result = self.world.quern("copy", "s3://a/", "s3://b/", "--workers", "64", "--json", env=self.world.env).expect(0)
        assert (result.summary["done"], result.summary["failed"]) == (len(COPIED), 0)
        assert self.copied == dict.fromkeys(COPIED, 1)


def test_a_copy_goes_on_with_renewed_keys(world):
    """A program gives keys for two seconds: they are replaced ahead of their end, by one call each."""
    calls, life = world.tmp_path / "calls", 2.0
    script = world.file("give.py", f"""#!{sys.executable}
import datetime, json, os
with open({str(calls)!r}, "a") as file:
    file.write("x")
number = os.path.getsize({str(calls)!r})
end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds={life})
print(json.dumps({{"Version": 1, "AccessKeyId": f"P{{number}}-{{end.timestamp()}}", "SecretAccessKey": "{SECRET_MARK}", "SessionToken": "t",
                  "Expiration": end.isoformat().replace("+00:00", "Z")}}))
""", 0o700)
    world.config(f"[default]\ncredential_process = {script}\n")
    copying = Copying(world, lambda request: time.time() <= float(access_key(request).partition("-")[2]), 0.4)
    copying.run()
    assert copying.refused == 0, "no request goes with keys that have expired"
    assert 3 <= len(calls.read_text()) <= 12


def test_a_copy_whose_keys_end_early(world):
    """Those that are in flight are refused, one at least: one call for new keys, and all go on with them."""
    life = Lifetime(world, life=3600)
    copies = itertools.count()
    copying = Copying(world, lambda request: request.method != "PUT" or access_key(request) != "R1" or next(copies) < 100, 0.05)
    copying.run()
    assert life.given == 2 and life.most_in_flight == 1
    assert 1 <= copying.refused <= 64


def test_two_places_of_a_run_assume_a_role_once(world, tmp_path):
    life = Lifetime(world, life=3600)
    written = {}

    def read(request):
        if "list-type" in request.query:
            return words_page(["in/a.txt"] if request.query.get("prefix", "").startswith("in") else [])
        if request.path.startswith("/bucket/in/"):
            return words(request)
        return answers.s3_error("NoSuchKey", "no", 404)

    def write(request):
        written[request.path] = request.body
        return answers.ok(headers={"ETag": '"' + hashlib.md5(request.body).hexdigest() + '"'})

    world.server.on("GET", re.compile(r"^/bucket"), read)
    world.server.on("HEAD", re.compile(r"^/bucket"), answers.status(404))
    world.server.on("PUT", re.compile(r"^/bucket"), write)
    result = world.quern("ingest", "s3://bucket/in/", "--structured-output-dir", "s3://bucket/out/", env=world.env)
    assert life.given == 1, result.explain("a role was assumed more than once")
    assert written, result.explain("nothing was written")


def test_a_slow_chain_of_roles(world):
    world.config("[default]\nrole_arn = arn:a\nsource_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = c\n")
    world.credentials("[c]\n" + world.profile_keys("BASE"))
    slow_b, slow_a = sts_answer("B"), sts_answer("A")
    slow_b.delay = slow_a.delay = 1.0
    world.sts(slow_b, slow_a)
    world.expect_key("A")


def test_a_run_that_waits_for_keys_can_be_stopped(world):
    role(world)
    world.sts(answers.stall(b"<AssumeRoleResponse>" + b" " * 1000, after=20))  # an empty body would be a whole answer
    running = world.quern.start("ls", "s3://bucket/", env=world.env)
    running.wait_until(lambda: world.server.sent("POST"))
    started = time.monotonic()
    running.send(15)
    running.wait()
    assert time.monotonic() - started < 5


# ---- clocks and regions (F9, F11)


def skewed(world, seconds):
    def answer(request):
        date = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        sent = datetime.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        headers = {"Date": date.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        if abs((sent - date).total_seconds()) > 900:
            error = answers.s3_error("RequestTimeTooSkewed", "skewed", 403)
            error.headers |= headers
            return error
        page = listing(request, 10)
        page.headers |= headers
        return page
    world.server.on("GET", re.compile(r"^/bucket"), answer)


@pytest.mark.parametrize("hours", [1, -1])
def test_the_servers_clock_is_believed(world, hours):
    environment(world)
    skewed(world, hours * 3600)
    result = world.ls().expect(0, "clock")
    assert all(any(key in line for line in result.lines) for key in KEYS)
    pages = (len(KEYS) + 9) // 10
    assert len(world.s3_requests()) <= pages + 4, "one refusal, and no storm"


def test_roles_are_assumed_by_the_servers_clock(world):
    role(world)

    def sts(request):
        date = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        sent = datetime.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        answer = sts_error("SignatureDoesNotMatch") if abs((sent - date).total_seconds()) > 900 else sts_answer("ROLE", expires=iso(3600 + 1800))
        answer.headers |= {"Date": date.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return answer

    world.sts(sts)
    world.expect_key("ROLE")
    assert len(world.server.sent("POST")) == 2


def in_region(request):
    return re.search(r"Credential=[^/]+/\d+/([^/]+)/s3/", request.headers["authorization"])[1]


def test_a_region_that_the_answer_names(world):
    environment(world)
    world.server.on("GET", re.compile(r"^/bucket"), lambda request: listing(request) if in_region(request) == "eu-west-3" else answers.status(
        400, answers.xml("<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-3</Region></Error>")))
    world.ls().expect(0)
    assert [in_region(request) for request in world.s3_requests()][:2] == ["us-east-1", "eu-west-3"]


def elsewhere(request):
    return listing(request) if in_region(request) == "eu-west-3" else answers.s3_error("PermanentRedirect", "elsewhere", 301)


def test_a_region_found_by_head(world):
    environment(world)
    world.server.on("GET", re.compile(r"^/bucket"), elsewhere)
    world.server.on("HEAD", "/bucket", answers.status(403, headers={"x-amz-bucket-region": "eu-west-3"}))
    world.ls().expect(0, "eu-west-3")
    assert "authorization" not in world.server.sent("HEAD", "/bucket")[0].headers
    assert len(world.server.sent("HEAD")) == 1


@pytest.mark.parametrize("location, region", [("EU", "eu-west-1"), ("eu-west-3", "eu-west-3")])
def test_a_region_found_by_location(world, location, region):
    environment(world)

    def answer(request):
        if "location" in request.query:
            assert in_region(request) == "us-east-1"
            return answers.ok(answers.xml(f"<LocationConstraint>{location}</LocationConstraint>"))
        return listing(request) if in_region(request) == region else answers.s3_error("PermanentRedirect", "elsewhere", 301)

    world.server.on("GET", re.compile(r"^/bucket"), answer)
    world.server.on("HEAD", "/bucket", answers.status(403))
    world.ls().expect(0)


def test_a_region_that_nobody_names(world):
    environment(world)
    world.server.on("GET", re.compile(r"^/bucket"), answers.s3_error("PermanentRedirect", "elsewhere", 301))
    world.server.on("HEAD", "/bucket", answers.status(301))
    result = world.ls()
    assert result.status != 0
    result.expect(result.status, "PermanentRedirect", "--region")
    assert len(world.server.requests) <= 5, "no storm"


@pytest.mark.parametrize("region", ["evil.example/", "x@evil", "-", "1"])
def test_a_region_that_cannot_be(world, region):
    environment(world)
    world.server.on("GET", re.compile(r"^/bucket"), answers.status(301, headers={"x-amz-bucket-region": region}))
    world.server.on("HEAD", "/bucket", answers.status(301, headers={"x-amz-bucket-region": region}))
    result = world.ls()
    assert result.status not in (0, 70)
    assert len(world.server.requests) <= 5


def test_a_redirect_to_another_host_is_not_followed(world):
    environment(world)
    with answers.ScriptedServer() as other:
        world.server.on("GET", re.compile(r"^/bucket"), answers.redirect(f"{other.url}/bucket"))
        world.server.on("HEAD", "/bucket", answers.redirect(f"{other.url}/bucket"))
        assert world.ls().status != 0
        assert not other.requests, "credentials went to another host"


def test_an_access_point(quern):
    result = quern("ls", "s3://arn:aws:s3:us-east-1:1:accesspoint/x/")
    assert result.status != 0
    result.expect(result.status, "access point")


def test_a_run_whose_keys_are_refused_stops(world, tmp_path):
    """Not one failure after the other: nothing is sent any more, and the error is said once (aws-cli issue 4863)."""
    names = [f"doc{number:03}.txt" for number in range(400)]
    life = Lifetime(world, life=3600)

    def serve(request):
        return words_page(names) if "list-type" in request.query else answers.s3_error("ExpiredToken", "The token has expired.", 400)

    world.server.on("GET", re.compile(r"^/bucket"), serve)
    result = world.quern("ingest", "s3://bucket/", "--structured-output-dir", str(tmp_path / "out"), env=world.env)
    result.expect(4, "ExpiredToken", "asked for anew")
    assert life.given == 2
    refused = [request for request in world.s3_requests() if "list-type" not in request.query]
    assert len(refused) <= 40, result.explain(f"{len(refused)} requests")


# ---- settings that the program must leave to the store


def test_attempts_of_the_profile(world):
    environment(world)
    world.config("[default]\nmax_attempts = 2\n")
    world.server.on("GET", re.compile(r"^/bucket"), answers.status(500))
    assert world.ls().status == 3
    assert len(world.s3_requests()) == 2


def test_configured_endpoints_can_be_ignored(world):
    environment(world)
    world.env |= {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "https_proxy": world.server.url, "no_proxy": ""}
    assert world.ls("--retries", "1").status == 3
    assert {r.target for r in world.server.requests} == {"bucket.s3.us-east-1.amazonaws.com:443"}, "AWS itself, by the proxy"
    world.env.pop("https_proxy")
    world.ls("--endpoint-url", world.server.url).expect(0)


def test_a_named_profile_that_is_not_there(world):
    environment(world)
    world.ls("--profile", "nobody").expect(2, "'nobody'", ".aws/config")
