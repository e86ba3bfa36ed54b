"""The same with 20 ms added to each page, as a real service has: what asking for many pages at once gains.

Peers are to be ten times slower as they come; "rclone by 64 folders" is what an expert makes of one whose keys lie well."""

import list_cases
from harness import Goal


def case(context):
    tenth = [Goal("wall", 0.1, peer) for peer in ("s5cmd 2.3.0", "rclone 1.75.1", "aws-cli 1.46.2", "boto3 1.44.5")]
    return list_cases.case(context, "list_million_slow", delay_ms=20, goals=tenth)
