#include "jobs/ingest/company.h"

#include <stdlib.h>

#include "base/thread.h"

struct Company {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    unsigned together, alone; /* in it; of the second one at most */
    unsigned waiting_alone;
};

Company *company_new(void)
{
    Company *company = calloc(1, sizeof *company);
    if (!company)
        return NULL;
    pthread_mutex_init(&company->lock, NULL);
    pthread_cond_init(&company->changed, NULL);
    return company;
}

void company_free(Company *company)
{
    if (!company)
        return;
    ASSERT(company->together == 0 && company->alone == 0);
    pthread_cond_destroy(&company->changed);
    pthread_mutex_destroy(&company->lock);
    free(company);
}

static bool may_join_locked(const Company *company, CompanyWish wish)
{
    if (wish == COMPANY_ALONE)
        return company->together == 0 && company->alone == 0;
    return company->alone == 0 && company->waiting_alone == 0;
}

static unsigned *count_of(Company *company, CompanyWish wish)
{
    return wish == COMPANY_ALONE ? &company->alone : &company->together;
}

Error *company_join(Company *company, const Cancel *cancel, CompanyWish wish)
{
    Error *error = NULL;
    pthread_mutex_lock(&company->lock);
    company->waiting_alone += wish == COMPANY_ALONE;
    while (!cancel_stopped(cancel) && !may_join_locked(company, wish))
        thread_wait(&company->changed, &company->lock);
    company->waiting_alone -= wish == COMPANY_ALONE;
    if (cancel_stopped(cancel)) {
        error = cancel_check(cancel);
        pthread_cond_broadcast(&company->changed); /* who waited behind it need not any longer */
    } else {
        ++*count_of(company, wish);
    }
    pthread_mutex_unlock(&company->lock);
    return error;
}

void company_leave(Company *company, CompanyWish wish)
{
    pthread_mutex_lock(&company->lock);
    ASSERT(*count_of(company, wish) > 0);
    if (--*count_of(company, wish) == 0)
        pthread_cond_broadcast(&company->changed);
    pthread_mutex_unlock(&company->lock);
}
