/* identity.h - who the requests are made as: credentials found at the first request, kept fresh ahead of their end, for one store or for
 * all of a run.
 *
 * Two windows before the end of a set with a lifetime: in the first (15 minutes, at most a quarter of the life) a thread of its
 * own asks for the next set while everybody goes on; in the second (10 minutes, at most a sixth) everybody waits for it. However
 * many wait, one asks. A set that a server refuses as expired is replaced once; when that does not help, it says the same
 * error to all for a minute: a run stops in place of failing request after request.
 *
 * Any thread. Source: spec/s3.md 2.5. */
#ifndef STORE_S3_IDENTITY_H
#define STORE_S3_IDENTITY_H

#include "store/options.h"
#include "store/s3/credentials.h"

/* Looks at nothing yet. What `options` says is copied, the environment too; clock and log are borrowed. `options` is not anonymous.
 * `ca_file` "": the system's. Errors: NO_MEMORY. */
MUST_USE Error *s3_identity_new(const StoreOptions *options, Str ca_file, S3Identity **ret_identity);
/* Nobody may be using it. NULL is allowed. */
void s3_identity_free(S3Identity *identity);
DEFINE_FREEP(S3Identity, s3_identity_free)

/* Returns when there are credentials to send with, and sees to it that they stay fresh: at once but for the first time and the second
 * window. Not on network threads. Errors: as s3_chain_find, and what follows a refusal. */
MUST_USE Error *s3_identity_ready(S3Identity *identity, const Cancel *cancel);

/* The newest set, with a reference that is the caller's to give back. Never waits. Errors: what follows a refusal; STATE before the first
 * s3_identity_ready. */
MUST_USE Error *s3_identity_get(S3Identity *identity, S3Credentials **ret_credentials);

/* A server said that `refused` has expired, in the words of `cause`. True: send again once s3_identity_is_renewing says no. False: there is no
 * help. Never waits. */
bool s3_identity_refused(S3Identity *identity, S3Credentials *refused, const Error *cause);
/* True while a set that was refused is being replaced. Never waits. */
bool s3_identity_is_renewing(const S3Identity *identity);

/* How often sources were asked; for tests and traces. */
unsigned s3_identity_searches(const S3Identity *identity);

#endif
