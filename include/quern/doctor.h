/* quern/doctor.h - is everything there that a run will need? */
#ifndef QUERN_DOCTOR_H
#define QUERN_DOCTOR_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernCheck {
    const char *area, *name, *detail; /* "s3", "list", "12 ms, 3 objects" */
    bool passed;
} QuernCheck;

/* Options of `doctor`. `each` is called for every check, in order; `*ret_failed` is how many did not pass. */
QUERN_API QuernError *quern_doctor(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                   void (*each)(void *user, const QuernCheck *check), void *user,
                                   unsigned *ret_failed) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
