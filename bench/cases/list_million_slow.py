"""The same with 20 ms added to each page, as a real service has: what asking for many pages at once gains."""

import list_cases


def case(context):
    return list_cases.case(context, "list_million_slow", delay_ms=20, wall_goal=0.1)
