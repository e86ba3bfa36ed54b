"""The peers of the S3 cases: how each is called against a server without credentials."""

from harness import CACHE, ROOT, Contestant

PEERS = ROOT / "bench" / "peers"
MINUTES = 1  # runs_max of what takes minutes


def s5cmd(context, server, *arguments, name="s5cmd 2.3.0", **fields):
    program = context.venv("s5cmd").with_name("s5cmd")
    env = {"AWS_REGION": "us-east-1"} | fields.pop("env", {})
    sign = [] if "AWS_ACCESS_KEY_ID" in env else ["--no-sign-request"]
    return Contestant.of(name, [program, *sign, "--endpoint-url", server.url, *arguments], program, env=env, **fields)


def aws(context, server, *arguments, name="aws-cli 1.46.2", **fields):
    program = context.venv("awscli").with_name("aws")
    env = {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"} | fields.pop("env", {})
    sign = [] if "AWS_ACCESS_KEY_ID" in env else ["--no-sign-request"]
    return Contestant.of(name, [program, *sign, "--endpoint-url", server.url, *arguments], program, env=env, runs_max=MINUTES,
                         **fields)


def boto3(context, script, *arguments, name="boto3 1.44.5", venv="bench", **fields):
    python = context.venv(venv)
    env = {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"} | fields.pop("env", {})
    return Contestant.of(name, [python, PEERS / script, *arguments], python, env=env, runs_max=MINUTES, **fields)


def rclone(context, server, *arguments, name="rclone 1.75.1", **fields):
    program = CACHE / "bin" / "rclone"
    settings = ["--config", "/dev/null", "--s3-provider", "Other", "--s3-endpoint", server.url, "--s3-no-check-bucket",
                "--s3-env-auth=false"]
    return Contestant.of(name, [program, *settings, *arguments], program, **fields)
