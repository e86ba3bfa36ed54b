"""A listing of 1,000,000 keys from a server that answers at once: what the client costs for each key."""

import list_cases


def case(context):
    return list_cases.case(context, "list_million", delay_ms=0, goals=[])
