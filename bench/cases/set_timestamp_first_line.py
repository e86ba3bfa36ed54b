"""set-timestamp of 20 objects of 5 MB on versitygw, the first usable record; the original's script, of which we want a twentieth of the time."""

from harness import ROOT, Case, Contestant, Goal
from servers import ACCESS_KEY, REGION, SECRET_KEY, Versitygw
from timestamp_files import QUIET, packed

OBJECTS = 20
NAME = "impresso-last-ts"


def case(context):
    count, body = context.count(OBJECTS), packed()
    server = context.servers.enter_context(Versitygw(context.scratch("versitygw")))
    client = server.client()
    client.create_bucket(Bucket="bench")
    keys = [f"p/{number:03}.jsonl.bz2" for number in range(count)]

    def before():
        for key in keys:
            client.put_object(Bucket="bench", Key=key, Body=body)

    def verify():
        found = {client.head_object(Bucket="bench", Key=key)["Metadata"].get(NAME) for key in keys}
        assert len(found) == 1 and None not in found, found

    common = {"before": before, "verify": verify}
    python = context.venv("impresso")
    env = {"SE_ACCESS_KEY": ACCESS_KEY, "SE_SECRET_KEY": SECRET_KEY, "SE_REGION": REGION, "SE_HOST_URL": server.url}
    return Case(
        "set_timestamp_first_line", f"{count} objects of {len(body):,} bytes, the first line, written", len(body) * count,
        [
            Contestant.of("quern", [context.quern, *QUIET, "--s3-prefix", "s3://bench/p/"], context.quern, env=env, **common),
            Contestant.of("impresso-essentials 1.6.0", [python, ROOT / "tests/impresso/run.py", "s3_set_timestamp", "--s3-prefix", "s3://bench/p/"],
                          python, env=env, **common),
        ],
        goals=[Goal("wall", 0.05)],
        bounds_peak=True,
    )
