/* company.h - who may be at work beside whom: any number together, or one alone. Any number of threads. */
#ifndef JOBS_INGEST_COMPANY_H
#define JOBS_INGEST_COMPANY_H

#include "base/cancel.h"
#include "base/error.h"

typedef struct Company Company;

typedef enum CompanyWish { COMPANY_TOGETHER, COMPANY_ALONE } CompanyWish;

Company *company_new(void) MUST_USE; /* NULL without memory */
void company_free(Company *company); /* NULL is allowed; nobody may be in it */
DEFINE_FREEP(Company, company_free)

/* Waits until all who are in it may stay beside the caller. Who wants to be alone goes first: nobody joins before it had its turn.
 * Take what others wait for, a CPU say, after this and not before. Errors: CANCELLED. */
MUST_USE Error *company_join(Company *company, const Cancel *cancel, CompanyWish wish);
void company_leave(Company *company, CompanyWish wish);

#endif
