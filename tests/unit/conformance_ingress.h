#ifndef SETT_CONFORMANCE_INGRESS_H
#define SETT_CONFORMANCE_INGRESS_H
/*
 * What every ingress promises, as cases that are the same for all of them (conformance.h does it
 * for runtimes). A test program makes a subject and runs INGRESS_CASES. Include after cmocka.h.
 */
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "ingress.h"
#include "str.h"

struct ingress_subject {
    const char *name;
    struct ingress ingress;
    const char *domain; /* of its host names */
    const char *secret; /* for INGRESS_TUNNEL */
    /* Nothing is configured, and no call was made. */
    void (*begin)(void);
    /* After a case: everything was as the provider's description says. */
    void (*end)(void);
    /* What visitors of ${hostname} are led to: the service; "503" in maintenance; "" for nothing.
     */
    void (*leads_to)(const char *hostname, char service[160]);
    /* Something that is not ours under this route's name; then whether it is as it was. NULL:
     * nothing foreign can be there, and ${no_foreign} says why. */
    void (*foreign)(const struct ingress_route *r);
    bool (*untouched)(const struct ingress_route *r);
    const char *no_foreign;
    const char *no_nonsense; /* why it takes a service that it cannot lead to; NULL: it does not */
};

static struct ingress_subject ingress_subject;

static inline void ingress_route_init(struct ingress_route *r, unsigned number, const char *name)
{
    memset(r, 0, sizeof *r);
    r->number = number;
    (void)str_format(r->name, sizeof r->name, "sett-tun%06u", number);
    (void)str_format(r->mark, sizeof r->mark, "sett box_conform tun_%u", number);
    (void)str_copy(r->job_id, sizeof r->job_id, "job_conform");
    (void)str_format(r->hostname, sizeof r->hostname, "%s.%s", name, ingress_subject.domain);
    (void)str_format(r->service, sizeof r->service, "http://127.0.0.1:%u", 3100 + number);
}

/* One stage, asked until it answers something else than AGAIN; its facts go back into the route, as
 * the engine does it. */
static inline enum outcome ingress_drive(enum ingress_stage stage, enum ingress_verb verb,
                                         struct ingress_route *r, struct err *err)
{
    struct ingress *in = &ingress_subject.ingress;
    enum outcome outcome = OUTCOME_AGAIN;
    struct kv facts;

    for (int i = 0; i < 20 && outcome == OUTCOME_AGAIN; i++) {
        kv_clear(&facts);
        err_clear(err);
        outcome = in->stage(in->self, stage, verb, r, ingress_subject.secret, &facts, err);
        if (outcome == OUTCOME_AGAIN) {
            assert_true(err->kind != ERR_NONE); /* why, for whoever waits */
            clock_sleep_ms(err->kind == ERR_RATE ? 1100 : 20);
        }
    }
    if (outcome == OUTCOME_OK && verb != INGRESS_UNDO) {
        if (kv_get(&facts, "cf_tunnel") != NULL)
            (void)str_copy(r->cf_tunnel, sizeof r->cf_tunnel, kv_get(&facts, "cf_tunnel"));
        if (kv_get(&facts, "cf_record") != NULL)
            (void)str_copy(r->cf_record, sizeof r->cf_record, kv_get(&facts, "cf_record"));
    }
    return outcome;
}

static inline void ingress_expect(enum outcome expected, enum ingress_verb verb,
                                  enum ingress_stage stage, struct ingress_route *r)
{
    struct err err;
    enum outcome outcome = ingress_drive(stage, verb, r, &err);

    if (outcome != expected)
        fail_msg("%s: stage %d verb %d: %d, %s: %s", ingress_subject.name, (int)stage, (int)verb,
                 (int)outcome, err.code, err.text);
}

static inline void ingress_make(struct ingress_route *r)
{
    for (int stage = 0; stage < INGRESS_STAGES; stage++)
        ingress_expect(OUTCOME_OK, INGRESS_MAKE, (enum ingress_stage)stage, r);
}

static inline void ingress_undo(struct ingress_route *r)
{
    for (int stage = INGRESS_STAGES; stage > 0; stage--)
        ingress_expect(OUTCOME_OK, INGRESS_UNDO, (enum ingress_stage)(stage - 1), r);
}

static inline void ingress_assert_leads(const struct ingress_route *r, const char *service)
{
    char found[160];

    ingress_subject.leads_to(r->hostname, found);
    assert_string_equal(found, service);
}

static void ingress_life(void **state)
{
    struct ingress_route r, blind;

    (void)state;
    ingress_subject.begin();
    ingress_route_init(&r, 1, "life");
    ingress_expect(OUTCOME_ABSENT, INGRESS_CHECK, INGRESS_RULES, &r);
    ingress_undo(&r); /* nothing is there: fine */
    ingress_make(&r);
    ingress_assert_leads(&r, r.service);
    ingress_make(&r); /* again */
    for (int stage = 0; stage < INGRESS_STAGES; stage++)
        ingress_expect(OUTCOME_OK, INGRESS_CHECK, (enum ingress_stage)stage, &r);
    ingress_assert_leads(&r, r.service);
    /* after a crash nothing of the facts was kept: all is found again */
    ingress_route_init(&blind, 1, "life");
    for (int stage = 0; stage < INGRESS_STAGES; stage++)
        ingress_expect(OUTCOME_OK, INGRESS_CHECK, (enum ingress_stage)stage, &blind);
    ingress_undo(&blind);
    ingress_assert_leads(&r, "");
    ingress_route_init(&r, 1, "life");
    ingress_undo(&r); /* again, knowing nothing */
    ingress_expect(OUTCOME_ABSENT, INGRESS_CHECK, INGRESS_RULES, &r);
    ingress_subject.end();
}

static void ingress_changes(void **state)
{
    struct ingress_route r;

    (void)state;
    ingress_subject.begin();
    ingress_route_init(&r, 2, "changes");
    ingress_make(&r);
    (void)str_copy(r.service, sizeof r.service, "http://127.0.0.1:3999");
    ingress_expect(OUTCOME_ABSENT, INGRESS_CHECK, INGRESS_RULES, &r);
    ingress_expect(OUTCOME_OK, INGRESS_MAKE, INGRESS_RULES, &r);
    ingress_expect(OUTCOME_OK, INGRESS_CHECK, INGRESS_RULES, &r);
    ingress_assert_leads(&r, "http://127.0.0.1:3999");
    r.maintenance = true;
    ingress_expect(OUTCOME_ABSENT, INGRESS_CHECK, INGRESS_RULES, &r);
    ingress_expect(OUTCOME_OK, INGRESS_MAKE, INGRESS_RULES, &r);
    ingress_assert_leads(&r, "503");
    r.maintenance = false;
    ingress_expect(OUTCOME_OK, INGRESS_MAKE, INGRESS_RULES, &r);
    ingress_assert_leads(&r, "http://127.0.0.1:3999");
    ingress_undo(&r);
    ingress_subject.end();
}

/* Two routes do not know of each other: one ends, the other leads on. */
static void ingress_two(void **state)
{
    struct ingress_route a, b;

    (void)state;
    ingress_subject.begin();
    ingress_route_init(&a, 3, "one");
    ingress_route_init(&b, 4, "two");
    ingress_make(&a);
    ingress_make(&b);
    ingress_assert_leads(&a, a.service);
    ingress_assert_leads(&b, b.service);
    ingress_undo(&a);
    ingress_assert_leads(&a, "");
    ingress_assert_leads(&b, b.service);
    ingress_undo(&b);
    ingress_subject.end();
}

static void ingress_foreign(void **state)
{
    struct ingress_route r;
    struct err err = {0};
    enum outcome outcome = OUTCOME_OK;

    (void)state;
    if (ingress_subject.foreign == NULL) {
        print_message("# %s cannot: %s\n", ingress_subject.name, ingress_subject.no_foreign);
        return;
    }
    ingress_subject.begin();
    ingress_route_init(&r, 5, "foreign");
    ingress_subject.foreign(&r);
    for (int stage = 0; stage < INGRESS_STAGES && outcome == OUTCOME_OK; stage++)
        outcome = ingress_drive((enum ingress_stage)stage, INGRESS_MAKE, &r, &err);
    assert_int_equal(outcome, OUTCOME_FAIL);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "foreign")); /* named */
    ingress_undo(&r);
    assert_true(ingress_subject.untouched(&r));
    ingress_subject.end();
}

static void ingress_nonsense(void **state)
{
    struct ingress_route r;
    struct err err;

    (void)state;
    if (ingress_subject.no_nonsense != NULL) {
        print_message("# %s cannot: %s\n", ingress_subject.name, ingress_subject.no_nonsense);
        return;
    }
    ingress_subject.begin();
    ingress_route_init(&r, 6, "nonsense");
    ingress_expect(OUTCOME_OK, INGRESS_MAKE, INGRESS_TUNNEL, &r);
    (void)str_copy(r.service, sizeof r.service, "gopher://127.0.0.1:70");
    assert_int_equal(ingress_drive(INGRESS_RULES, INGRESS_MAKE, &r, &err), OUTCOME_FAIL);
    assert_int_equal(err.kind, ERR_INVALID);
    ingress_assert_leads(&r, "");
    ingress_undo(&r);
    ingress_subject.end();
}

#define INGRESS_CASES                                                                              \
    cmocka_unit_test(ingress_life), cmocka_unit_test(ingress_changes),                             \
        cmocka_unit_test(ingress_two), cmocka_unit_test(ingress_foreign),                          \
        cmocka_unit_test(ingress_nonsense)

#endif
