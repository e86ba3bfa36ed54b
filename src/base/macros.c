#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assert_failed(const char *condition, const char *file, int line)
{
    /* The one place below the command line that prints: the program is about to end because of a mistake of ours. */
    fprintf(stderr, "quern: internal error: %s:%d: %s\n", file, line, condition);
    abort();
}

void cleanup_free(void *pointer_address)
{
    free(*(void **)pointer_address);
}

void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
