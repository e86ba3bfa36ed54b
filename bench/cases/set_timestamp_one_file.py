"""The bytes of set_timestamp as one file of 200 MB."""

import timestamp_files


def case(context):
    return timestamp_files.all_lines(context, "set_timestamp_one_file", one_file=True)
