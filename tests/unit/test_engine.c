/*
 * The engine on a real store with steps that do as they are told. What is believed is the journal
 * and the effects, never the engine's own word.
 */
#include "engine_fake.h"

static void expect_journal(struct world *w, const char *id, const char *expected)
{
    char text[4096];

    journal_text(w, id, text, sizeof text);
    assert_string_equal(text, expected);
}

static bool has_record(struct world *w, const char *subject, const char *step, char value[512])
{
    struct setting record = {0};
    struct txn *txn;
    struct err err = {0};
    int found;

    assert_int_equal(str_format(record.name, sizeof record.name, "%s.%s", subject, step), 0);
    assert_int_equal(db_read(&txn, w->db, &err), 0);
    found = record_get(txn, &setting_table, &record, &err);
    db_read_end(txn);
    if (value != NULL)
        (void)str_copy(value, 512, record.value);
    return found == 1;
}

static void expect_hooks(struct world *w, const char *subject, const char *expected)
{
    char value[512];

    assert_true(has_record(w, subject, "hooks", value));
    assert_string_equal(value, expected);
}

/* Nothing outside, no lock, no secret. */
static void expect_clean(struct world *w, const char *subject)
{
    static const char *const steps[] = {"a", "b", "c"};
    char name[160];

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(str_format(name, sizeof name, "%s.%s", subject, steps[i]), 0);
        assert_false(effect_there(w->outside.folder, name));
    }
    assert_false(has_record(w, subject, "s", NULL));
    assert_false(has_record(w, subject, "t", NULL));
    assert_false(has_record(w, subject, "settled", NULL));
    assert_int_equal(records(w, &subject_table), 0);
    assert_int_equal(records(w, &secret_table), 0);
}

static void test_steps_run_in_order(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "", id);
    wait_state(w, id, JOB_DONE, &job);
    expect_journal(w, id, "apply:s=done make:a=done make:b=done apply:t=done make:c=done");
    assert_int_equal(ledger_count(w, NULL), 3);
    assert_true(has_record(w, "x", "s", NULL) && has_record(w, "x", "settled", NULL));
    assert_string_equal(kv_get(&job.facts, "made_c"), "yes");
    assert_false(job.live);
    assert_true(job.ended_at >= job.started_at && job.started_at >= job.created_at);
    assert_int_equal(records(w, &subject_table), 0);
    assert_int_equal(records(w, &secret_table), 0);
    assert_int_equal(records(w, &audit_table), 1);
    expect_hooks(w, "x", "begun done ");
}

static void test_needless_step_is_passed_over(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "without=c", id);
    wait_state(w, id, JOB_DONE, &job);
    expect_journal(w, id, "apply:s=done make:a=done make:b=done apply:t=done");
}

static void test_failure_undoes_in_reverse(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_c=fail", id);
    wait_state(w, id, JOB_UNDONE, &job);
    expect_journal(w, id,
                   "apply:s=done make:a=done make:b=done apply:t=done make:c=failed "
                   "undo:c=was_absent revert:t=done undo:b=done undo:a=done revert:s=done");
    expect_clean(w, "x");
    assert_string_equal(job.cause_class, "network");
    assert_string_equal(job.cause, "step c is told to fail");
    assert_string_equal(job.remedy, "tell it otherwise");
    expect_hooks(w, "x", "begun turned undone ");
}

static void test_store_step_failing_leaves_no_trace(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "apply_t=fail", id);
    wait_state(w, id, JOB_UNDONE, &job);
    expect_journal(w, id,
                   "apply:s=done make:a=done make:b=done apply:t=failed "
                   "undo:b=done undo:a=done revert:s=done");
    expect_clean(w, "x");
    assert_string_equal(job.cause_class, "quota");
}

static void test_first_store_step_failing(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "apply_s=fail", id);
    wait_state(w, id, JOB_UNDONE, &job);
    expect_journal(w, id, "apply:s=failed");
    expect_clean(w, "x");
}

static void test_store_step_waits_for_busy(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "apply_t=busy_3", id);
    wait_state(w, id, JOB_DONE, &job);
    expect_journal(w, id,
                   "apply:s=done make:a=done make:b=done apply:t=try_again apply:t=try_again "
                   "apply:t=done make:c=done");
}

static void test_prepare_and_settle_may_refuse(void **state)
{
    struct world *w = *state;
    struct job job;
    char one[ID_SIZE], two[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "prepare_b=fail", one);
    engine_start_job(w, "fake.undoing", "y", "settle_b=fail", two);
    wait_state(w, one, JOB_UNDONE, &job);
    assert_string_equal(job.cause, "prepare is told to fail");
    wait_state(w, two, JOB_UNDONE, &job);
    assert_string_equal(job.cause, "settle is told to fail");
    expect_clean(w, "x");
    expect_clean(w, "y");
}

static void test_again_is_asked_again(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_b=again_4", id);
    wait_state(w, id, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "make x.b"), 1);
    assert_int_equal(ledger_count(w, "check x.b"), 3); /* before each further make */
}

static void test_again_through_the_store(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine_with(w, "", 4, 1); /* every wait is committed */
    engine_start_job(w, "fake.undoing", "x", "make_b=again_3", id);
    wait_state(w, id, JOB_DONE, &job);
    expect_journal(w, id,
                   "apply:s=done make:a=done make:b=try_again make:b=try_again make:b=done "
                   "apply:t=done make:c=done");
}

static void test_lost_answer_is_checked_not_repeated(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_b=lost", id);
    wait_state(w, id, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "make x.b"), 1);
    assert_int_equal(ledger_count(w, "again x.b"), 0);
    assert_int_equal(ledger_count(w, "check x.b"), 1);
    assert_string_equal(kv_get(&job.facts, "made_b"), "yes");
}

static void test_again_too_often_fails(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_b=never", id);
    wait_state(w, id, JOB_UNDONE, &job);
    expect_clean(w, "x");
    assert_string_equal(job.cause, "step b is not there yet");
    assert_int_equal(ledger_count(w, "check x.b"), 5); /* six attempts */
}

static void test_stuck_then_retry(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];
    struct err err = {0};

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_b=until_fix", id);
    wait_state(w, id, JOB_STUCK, &job);
    assert_false(job.live);
    assert_true(effect_there(w->outside.folder, "x.a"));
    assert_int_equal(records(w, &subject_table), 1); /* still held */
    assert_int_equal(records(w, &secret_table), 1);
    assert_int_equal(steer(w, "job_nothing", 'r', &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    engine_touch(w, "fix");
    engine_steer_job(w, id, 'r');
    wait_state(w, id, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "make x.a"), 1);
    assert_int_equal(ledger_count(w, "make x.b"), 1);
    assert_string_equal(job.cause, "");
    expect_hooks(w, "x", "begun stuck begun done ");
    assert_int_equal(steer(w, id, 'r', &err), -1);
    assert_string_equal(err.code, "job_not_stuck");
}

static void test_stuck_then_undone(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_c=fail", id);
    wait_state(w, id, JOB_STUCK, &job);
    engine_steer_job(w, id, 'u');
    wait_state(w, id, JOB_UNDONE, &job);
    expect_clean(w, "x");
    expect_hooks(w, "x", "begun stuck turned undone ");
}

static void test_stuck_then_called_done(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_b=fail", id);
    wait_state(w, id, JOB_STUCK, &job);
    engine_steer_job(w, id, 'd');
    wait_state(w, id, JOB_DONE, &job);
    expect_journal(w, id,
                   "apply:s=done make:a=done make:b=failed make:b=done apply:t=done make:c=done");
    assert_false(effect_there(w->outside.folder, "x.b"));
}

static void test_undo_that_fails_is_stuck(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_c=fail undo_a=until_fix", id);
    wait_state(w, id, JOB_STUCK, &job);
    assert_true(job.undo);
    assert_false(effect_there(w->outside.folder, "x.b"));
    assert_true(effect_there(w->outside.folder, "x.a"));
    engine_touch(w, "fix");
    engine_steer_job(w, id, 'r');
    wait_state(w, id, JOB_UNDONE, &job);
    expect_clean(w, "x");
}

static void test_cancel_at_the_boundary(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_b=wait_go", id);
    do {
        get_job(w, id, &job);
        assert_true(clock_mono_ms() < until);
    } while (!str_equal(job.step_name, "b"));
    engine_steer_job(w, id, 'c');
    engine_touch(w, "go");
    wait_state(w, id, JOB_UNDONE, &job);
    assert_int_equal(ledger_count(w, "make x.b"),
                     1); /* the step under way was let come to its end */
    assert_int_equal(ledger_count(w, "make x.c"), 0);
    expect_clean(w, "x");
}

static void test_cancel_while_it_pauses(void **state)
{
    struct world *w = *state;
    struct job job;
    char short_one[ID_SIZE], long_one[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_a=never", short_one);
    engine_start_job(w, "fake.keeping", "y", "make_b=later", long_one);
    wait_state(w, long_one, JOB_WAITING, &job);
    assert_string_equal(job.cause_class, "rate");
    engine_steer_job(w, long_one, 'c');
    wait_state(w, long_one, JOB_UNDONE, &job);
    engine_steer_job(w, short_one, 'c');
    wait_state(w, short_one, JOB_UNDONE, &job);
    expect_clean(w, "x");
    expect_clean(w, "y");
}

static void test_a_pause_is_cut_short(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];
    uint32_t before;

    world_engine(w);
    engine_start_job(w, "fake.keeping", "y", "make_b=later", id);
    wait_state(w, id, JOB_WAITING, &job);
    before = job.attempt;
    assert_true(job.wake_at > 0);
    engine_steer_job(w, id, 'r');
    for (int i = 0; i < 2000 && job.attempt == before; i++) {
        clock_sleep_ms(5);
        get_job(w, id, &job);
    }
    assert_true(job.attempt > before);
    wait_state(w, id, JOB_WAITING, &job);
    engine_steer_job(w, id, 'c');
    wait_state(w, id, JOB_UNDONE, &job);
}

static void test_cancel_of_a_queued_job(void **state)
{
    struct world *w = *state;
    struct job job;
    struct err err = {0};
    char id[ID_SIZE];

    engine_start_job(w, "fake.undoing", "x", "", id);
    assert_int_equal(steer(w, id, 'c', &err), 0);
    world_engine(w);
    wait_state(w, id, JOB_UNDONE, &job);
    assert_int_equal(ledger_count(w, NULL), 0);
    assert_int_equal(steer(w, id, 'c', &err), -1);
    assert_string_equal(err.code, "job_ended");
}

static void test_fall_back_begins_again(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_c=quota", id);
    wait_state(w, id, JOB_STUCK, &job); /* it falls back twice, then stays */
    assert_int_equal(kv_get_u64(&job.facts, JOB_FACT_FALLS, 0), 2);
    assert_int_equal(ledger_count(w, "make x.a"), 3);
    assert_int_equal(ledger_count(w, "undo x.a"), 2);
    assert_false(job.undo);
    assert_true(has_record(w, "x", "s", NULL));
    engine_steer_job(w, id, 'u');
    wait_state(w, id, JOB_UNDONE, &job);
    expect_clean(w, "x");
}

static void test_fall_back_whose_beginning_fails(void **state)
{
    struct world *w = *state;
    struct job job;
    char kept[ID_SIZE], undone[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_c=quota apply_s=second", kept);
    engine_start_job(w, "fake.undoing", "y", "make_c=quota apply_s=second", undone);
    wait_state(w, kept, JOB_STUCK, &job);
    assert_string_equal(job.step_name, "s");
    assert_false(job.undo);
    engine_steer_job(w, kept, 'u');
    wait_state(w, kept, JOB_UNDONE, &job);
    wait_state(w, undone, JOB_UNDONE, &job);
    expect_clean(w, "x");
    expect_clean(w, "y");
}

static void test_pivot_has_no_way_back(void **state)
{
    struct world *w = *state;
    struct job job;
    struct err err = {0};
    char before[ID_SIZE], after[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.pivot", "x", "make_b=fail", before);
    wait_state(w, before, JOB_UNDONE, &job);
    engine_start_job(w, "fake.pivot", "y", "make_c=until_fix", after);
    wait_state(w, after, JOB_STUCK, &job);
    assert_true(effect_there(w->outside.folder, "y.a"));
    assert_int_equal(steer(w, after, 'u', &err), -1);
    assert_string_equal(err.code, "past_pivot");
    assert_int_equal(steer(w, after, 'c', &err), -1);
    assert_string_equal(err.code, "past_pivot");
    engine_touch(w, "fix");
    engine_steer_job(w, after, 'r');
    wait_state(w, after, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "undo y.a"), 0);
}

static void test_one_job_per_subject(void **state)
{
    struct world *w = *state;
    struct job job;
    struct err err = {0};
    char one[ID_SIZE], two[ID_SIZE];

    engine_start_job(w, "fake.undoing", "x", "", one);
    assert_int_equal(start_job(w, "fake.undoing", "x", "", two, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "busy");
    assert_non_null(strstr(err.text, one));
    world_engine(w);
    wait_state(w, one, JOB_DONE, &job);
    engine_start_job(w, "fake.undoing", "y", "", two);
    wait_state(w, two, JOB_DONE, &job);
}

static void test_unknown_saga_is_stuck(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.gone", "x", "", id);
    wait_state(w, id, JOB_STUCK, &job);
    assert_string_equal(job.cause_class, "internal");
}

static int follow_change(struct txn *txn, void *arg, struct err *err)
{
    struct start_arg *a = arg;

    return job_start(txn, &a->job, err);
}

static void test_next_saga_follows(void **state)
{
    struct world *w = *state;
    static struct start_arg a;
    struct job job;
    struct err err = {0};
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    memset(&a, 0, sizeof a);
    (void)str_copy(a.job.saga, sizeof a.job.saga, "fake.undoing");
    (void)str_copy(a.job.next_saga, sizeof a.job.next_saga, "fake.pivot");
    job_subject(a.job.subjects[0], "tenant", "x");
    assert_int_equal(db_write(w->db, follow_change, &a, &err), 0);
    world_engine(w);
    wait_state(w, a.job.id, JOB_DONE, &job);
    while (ledger_count(w, "again x.c") == 0) /* the follower finds what the first made */
        assert_true(clock_mono_ms() < until);
    assert_int_equal(records(w, &job_table), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, engine_set_up, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_steps_run_in_order),
        TEST(test_needless_step_is_passed_over),
        TEST(test_failure_undoes_in_reverse),
        TEST(test_store_step_failing_leaves_no_trace),
        TEST(test_first_store_step_failing),
        TEST(test_store_step_waits_for_busy),
        TEST(test_prepare_and_settle_may_refuse),
        TEST(test_again_is_asked_again),
        TEST(test_again_through_the_store),
        TEST(test_lost_answer_is_checked_not_repeated),
        TEST(test_again_too_often_fails),
        TEST(test_stuck_then_retry),
        TEST(test_stuck_then_undone),
        TEST(test_stuck_then_called_done),
        TEST(test_undo_that_fails_is_stuck),
        TEST(test_cancel_at_the_boundary),
        TEST(test_cancel_while_it_pauses),
        TEST(test_a_pause_is_cut_short),
        TEST(test_cancel_of_a_queued_job),
        TEST(test_fall_back_begins_again),
        TEST(test_fall_back_whose_beginning_fails),
        TEST(test_pivot_has_no_way_back),
        TEST(test_one_job_per_subject),
        TEST(test_unknown_saga_is_stuck),
        TEST(test_next_saga_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
