#include "jobs/doctor/doctor.h"
#include "api/internal.h"

typedef struct Listener {
    void (*each)(void *user, const QuernCheck *check);
    void *user;
    unsigned failed;
} Listener;

static void pass_check(void *context, const DoctorCheck *check)
{
    Listener *listener = context;
    QuernCheck shown = {check->area, check->name, check->detail, check->passed};
    listener->failed += !check->passed;
    if (listener->each)
        listener->each(listener->user, &shown);
}

QuernError *quern_doctor(QuernClient *client, const QuernOptions *options, QuernControl *control,
                         void (*each)(void *user, const QuernCheck *check), void *user, unsigned *ret_failed)
{
    CLEANUP(call_done) Call call = {0};
    Listener listener = {each, user, 0};
    TRY(call_begin(client, options, COMMAND_DOCTOR, control, &call));
    TRY(doctor_run(&call.env, pass_check, &listener));
    if (ret_failed)
        *ret_failed = listener.failed;
    return NULL;
}
