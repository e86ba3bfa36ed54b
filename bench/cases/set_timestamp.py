"""set-timestamp over 40 bz2 files of 5 MB, every line read; the floor is libbz2 alone, on one core, over the same bytes."""

import timestamp_files


def case(context):
    return timestamp_files.all_lines(context, "set_timestamp", one_file=False)
