#include "jobs/ingest/company.h"

#include "base/clock.h"
#include "base/testing.h"
#include "base/thread.h"

enum { MEMBERS = 6, ROUNDS = 200 };

typedef struct Member {
    Company *company;
    const Cancel *cancel;
    CompanyWish wish;
    atomic_uint *inside; /* of all; one who is alone counts for MEMBERS */
    unsigned rounds, crowds;
    _Atomic bool joined;
    Error *error;
} Member;

static void work(void *context)
{
    Member *member = context;
    unsigned weight = member->wish == COMPANY_ALONE ? MEMBERS : 1;
    for (unsigned i = 0; i < member->rounds; i++) {
        member->error = company_join(member->company, member->cancel, member->wish);
        if (member->error)
            return;
        member->joined = true;
        unsigned before = atomic_fetch_add(member->inside, weight);
        member->crowds += before + weight > MEMBERS;
        sched_yield();
        atomic_fetch_sub(member->inside, weight);
        company_leave(member->company, member->wish);
    }
}

static void one_alone_has_nobody_beside_it(void **state)
{
    (void)state;
    CLEANUP(company_freep) Company *company = company_new();
    atomic_uint inside = 0;
    Member members[MEMBERS];
    Thread threads[MEMBERS] = {0};
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i] = (Member){.company = company, .inside = &inside, .rounds = ROUNDS};
        members[i].wish = i < 2 ? COMPANY_ALONE : COMPANY_TOGETHER;
        assert_ok(thread_start(&threads[i], "member", work, &members[i]));
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        thread_join(&threads[i]);
        assert_ok(members[i].error);
        assert_int_equal(members[i].crowds, 0);
    }
    company_free(NULL);
}

static bool joins_within(Member *member, int64_t duration_us)
{
    for (int64_t waited = 0; waited < duration_us && !member->joined; waited += 1000)
        assert_ok(sleep_us(1000, NULL));
    return member->joined;
}

/* Those who are in it may be many; who comes after one that wants to be alone waits for it, and no more than that. */
static void who_wants_to_be_alone_goes_first(void **state)
{
    (void)state;
    CLEANUP(company_freep) Company *company = company_new();
    atomic_uint inside = 0;
    Cancel cancel = {0};
    Member alone = {company, &cancel, COMPANY_ALONE, &inside, .rounds = 1},
           late = {company, NULL, COMPANY_TOGETHER, &inside, .rounds = 1};
    Thread alone_thread = {0}, late_thread = {0};
    assert_ok(company_join(company, NULL, COMPANY_TOGETHER));
    assert_ok(company_join(company, NULL, COMPANY_TOGETHER));
    assert_ok(thread_start(&alone_thread, "alone", work, &alone));
    assert_false(joins_within(&alone, 20 * 1000));
    assert_ok(thread_start(&late_thread, "late", work, &late));
    assert_false(joins_within(&late, 20 * 1000));
    cancel_raise(&cancel, CANCEL_STOP); /* it gives up, and the one behind it goes on */
    thread_join(&alone_thread);
    assert_int_equal(error_code(alone.error), ERR_CANCELLED);
    error_free(alone.error);
    assert_true(joins_within(&late, 5000 * 1000));
    thread_join(&late_thread);
    assert_ok(late.error);
    company_leave(company, COMPANY_TOGETHER);
    company_leave(company, COMPANY_TOGETHER);
    assert_ok(company_join(company, NULL, COMPANY_ALONE));
    company_leave(company, COMPANY_ALONE);
    assert_fails(company_join(company, &cancel, COMPANY_TOGETHER), ERR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone_has_nobody_beside_it),
        cmocka_unit_test(who_wants_to_be_alone_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
