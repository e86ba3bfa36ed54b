/* quern/metadata.h - maintenance of a release: objects and their metadata, the content as it is. */
#ifndef QUERN_METADATA_H
#define QUERN_METADATA_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The time of an object's newest record into its metadata, or lists of what lacks it. Options of `set-timestamp`. With options report,
 * report_dirs and remove_backups quern_report_lines_view says what was found; remove_backups removes it only with option yes. Errors:
 * NOT_FOUND (no such place), LOCKED, CHECK; `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_set_timestamp(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                          QuernReport **ret_report) QUERN_MUST_USE;

/* The provider level into the keys of a partition: quern_control_on_line hears the original's lines in the order of the listing. Options of
 * `add-provider`; remove_src_keys is the consent to what it says. Errors: NOT_FOUND (no such place), CHECK (keys without a provider: nothing was
 * changed), LOCKED; `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_add_provider(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                         QuernReport **ret_report) QUERN_MUST_USE;

/* Objects with their metadata from option from to option to; nothing is ever deleted. Options of `copy`. Errors: INVALID (one place), NOT_FOUND (no
 * such place, nothing below it), LOCKED, CHECK (require_metadata); `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_copy(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                 QuernReport **ret_report) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
