/* manual COMMAND - the manual page of a command, roff. */
#include <quern/quern.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char *page = NULL;
    QuernError *e = quern_options_text(NULL, argc > 1 ? argv[1] : NULL, QUERN_TEXT_MANUAL, 0, &page);
    fputs(e ? quern_error_message(e) : page, e ? stderr : stdout);
    int status = quern_exit_status(e, NULL);
    quern_error_free(e);
    quern_free(page);
    return status;
}
