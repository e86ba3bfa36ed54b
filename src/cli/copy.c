#include <string.h>

#include "cli/program.h"

/* The table of --differences: a line for each object that would change, its columns parted by tabs. */
typedef struct Table {
    bool head_printed;
} Table;

/* "would be copied (dry run): its size differs: size 1 -> 2, ..." is cut into its columns. */
static void print_row(void *user, const QuernItem *item)
{
    Table *table = user;
    if (item->outcome != QUERN_SKIPPED || strncmp(item->reason, "would ", 6) != 0)
        return;
    if (!table->head_printed)
        puts("KEY\tCHANGE\tBEFORE -> AFTER");
    table->head_printed = true;
    const char *change = strstr(item->reason, "(dry run): ");
    change = change ? change + strlen("(dry run): ") : item->reason;
    const char *differences = strstr(change, ": ");
    char reason[128];
    size_t len = differences ? (size_t)(differences - change) : strlen(change);
    len = len < sizeof reason ? len : sizeof reason - 1;
    memcpy(reason, change, len);
    reason[len] = 0;
    print_safe(stdout, item->key);
    putchar('\t');
    print_safe(stdout, reason);
    if (differences) {
        putchar('\t');
        print_safe(stdout, differences + 2);
    }
    putchar('\n');
}

int command_copy(Program *program)
{
    QuernReport *report = NULL;
    Table table = {0};
    if (program_flag(program, "differences") && !program->terminal.json)
        quern_control_on_item(program->control, print_row, &table);
    QuernError *e = quern_copy(NULL, program->options, program->control, &report);
    return program_finish(program, e, report);
}
