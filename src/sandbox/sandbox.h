/* sandbox.h - documents parsed in somebody else's process: the side of the program that has secrets.
 *
 * A Sandbox is one zygote process, started from `program` (quern-parse), and up to `workers_max` workers forked from
 * it, each locked down before it sees its first byte of input and used by one call at a time. Any number of threads may
 * call sandbox_run. Sources: spec/security.md 4.3, spec/toolchain.md "Parser sandbox". */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"

typedef struct Sandbox Sandbox;

typedef enum SandboxMode {
    SANDBOX_AUTO,    /* every layer the kernel has; says which */
    SANDBOX_REQUIRE, /* fails unless seccomp locks the workers */
    SANDBOX_OFF      /* workers are processes still, but nothing locks them */
} SandboxMode;

typedef struct SandboxOptions {
    SandboxMode mode;
    const char *program;       /* path of quern-parse; copied */
    unsigned workers_max;      /* 0: one for each CPU */
    size_t memory_max_bytes;   /* address space of a worker, the document included; 0: 2 GiB */
    int64_t silence_max_us;    /* 0: 30 s */
    int64_t total_max_us;      /* 0: 30 s and 2 s for each MiB of the input, at most 10 min */
    uint64_t answer_max_bytes; /* of one document; 0: 1 GiB */
    unsigned documents_max;    /* a worker is replaced after so many; 0: 1000 */
    Log *log;                  /* may be NULL */
} SandboxOptions;

/* How a document ended; the words of the report. */
typedef enum SandboxEnd {
    SANDBOX_OK,
    SANDBOX_PARTIAL, /* some output, then the parser said LIMIT, CORRUPT or UNSUPPORTED, as it would again; the Error says which */
    SANDBOX_UNSUPPORTED,
    SANDBOX_CORRUPT,
    SANDBOX_LIMIT,
    SANDBOX_OOM,
    SANDBOX_TIMEOUT,
    SANDBOX_CRASH,
    SANDBOX_FORBIDDEN, /* the worker tried what it may not, and was killed; output that came before is worthless */
    SANDBOX_INTERNAL,  /* a parser that lives says that it failed, not the document: a request it does not know, say */
    SANDBOX_ABANDONED, /* cancelled, no worker, or the frame function failed: says nothing about the document */
    SANDBOX_ENDS       /* how many there are */
} SandboxEnd;
const char *sandbox_end_name(SandboxEnd end); /* "ok", "oom", ... */

/* Starts the zygote and one worker, so that a missing program or layer shows at once. Errors: UNSUPPORTED (no such
 * program; a layer is missing under SANDBOX_REQUIRE), UNAVAILABLE. */
MUST_USE Error *sandbox_new(const SandboxOptions *options, Sandbox **ret_sandbox);
/* Ends all workers. No run may be in progress. NULL is allowed. */
void sandbox_free(Sandbox *sandbox);
DEFINE_FREEP(Sandbox, sandbox_free)

/* Comma list of the active layers, "seccomp, landlock 7, rlimits, ...", or "off"; as long as the sandbox. */
const char *sandbox_layers_view(const Sandbox *sandbox);

typedef struct SandboxCounters {
    uint64_t documents, workers_started, workers_killed;
    uint64_t zygotes_started;   /* more than one: it died, and was replaced */
    uint64_t worker_peak_bytes; /* resident, of the largest */
    int64_t warm_up_us;         /* of the latest zygote */
} SandboxCounters;
SandboxCounters sandbox_counters(Sandbox *sandbox);

/* One piece of the answer, at most SANDBOX_FRAME_MAX bytes, valid during the call; untrusted. An Error ends the run:
 * the worker is killed and the error returned. */
typedef Error *SandboxFrameFn(void *context, Bytes frame);
enum { SANDBOX_FRAME_MAX = 16 * 1024 * 1024, SANDBOX_REQUEST_MAX = 32 * 1024 };

/* Sends `request` (at most SANDBOX_REQUEST_MAX bytes) and `input` (any size, not copied more than once) to a worker and
 * hands its answer, frame by frame, to `frame`. `*ret_end` is always set. Anything but SANDBOX_OK comes with an Error
 * that says why: UNSUPPORTED, CORRUPT (also CRASH, FORBIDDEN and INTERNAL), LIMIT (also OOM and TIMEOUT); else, with
 * SANDBOX_ABANDONED, CANCELLED (at STOP), UNAVAILABLE (no worker to be had), LIMIT (of the request), NO_MEMORY. */
MUST_USE Error *sandbox_run(Sandbox *sandbox, const Cancel *cancel, Bytes request, Bytes input, SandboxFrameFn *frame,
                            void *context, SandboxEnd *ret_end);

#endif
