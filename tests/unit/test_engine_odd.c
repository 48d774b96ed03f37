/*
 * The engine when something is odd: a newer program, a full store, functions of a saga that refuse,
 * a clock that was set, secrets that are gone.
 */
#include "engine_fake.h"

#include "finish.h"
#include "schedule.h"

static int put_change(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &job_table, arg, err);
}

static void put_job(struct world *w, const struct job *job)
{
    struct err err = {0};
    struct job copy = *job;

    if (db_write(w->db, put_change, &copy, &err) == -1)
        fail_msg("put: %s", err.text);
}

/* A job that another program left at an intent, by the step's name. */
static void leave_at(struct world *w, const char *id, uint32_t step, const char *name)
{
    struct job job;

    get_job(w, id, &job);
    job.state = JOB_RUNNING;
    job.intent = true;
    job.step = step;
    (void)str_copy(job.step_name, sizeof job.step_name, name);
    (void)str_copy(job.worker, sizeof job.worker, "0123456789abcdef:1:1");
    put_job(w, &job);
}

static void test_steps_are_found_by_name(void **state)
{
    struct world *w = *state;
    struct job job;
    char moved[ID_SIZE], gone[ID_SIZE], beyond[ID_SIZE];

    engine_start_job(w, "fake.pivot", "x", "", moved);
    engine_start_job(w, "fake.pivot", "y", "", gone);
    engine_start_job(w, "fake.pivot", "z", "", beyond);
    leave_at(w, moved, 0, "b"); /* a newer program put one before it */
    leave_at(w, gone, 1, "no-longer-there");
    leave_at(w, beyond, 77, "b");
    world_engine(w);
    wait_state(w, moved, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "make x.a"), 0);
    assert_int_equal(ledger_count(w, "make x.b"), 1);
    wait_state(w, gone, JOB_STUCK, &job);
    assert_non_null(strstr(job.remedy, "install the version"));
    wait_state(w, beyond, JOB_STUCK, &job);
}

static void test_full_store_is_waited_for(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "apply_t=full_until_fix", id);
    clock_sleep_ms(150); /* some attempts; a wrong engine would undo now */
    get_job(w, id, &job);
    assert_true(job.live && !job.undo);
    engine_touch(w, "fix");
    wait_state(w, id, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "make x.b"), 1);
    assert_int_equal(ledger_count(w, "check x.b"), 0);
}

static void test_hooks_that_refuse(void **state)
{
    struct world *w = *state;
    struct job job;
    char one[ID_SIZE], two[ID_SIZE], three[ID_SIZE], four[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "hook=begun", one);
    engine_start_job(w, "fake.undoing", "y", "hook=done", two);
    engine_start_job(w, "fake.keeping", "z", "make_c=fail hook=stuck", three);
    engine_start_job(w, "fake.undoing", "u", "make_c=fail hook=turned", four);
    wait_state(w, one, JOB_DONE, &job);
    wait_state(w, two, JOB_DONE, &job); /* the end comes, with the refusal in the log */
    wait_state(w, three, JOB_STUCK, &job);
    wait_state(w, four, JOB_UNDONE, &job);
    assert_int_equal(records(w, &subject_table), 1);
}

static void test_revert_that_refuses_is_stuck(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE], journal[4096];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_c=fail revert_t=fail", id);
    wait_state(w, id, JOB_STUCK, &job);
    assert_string_equal(job.cause, "step t cannot be taken back");
    assert_true(effect_there(w->outside.folder, "x.b"));
    engine_steer_job(w, id, 'd'); /* somebody took it back by hand */
    wait_state(w, id, JOB_UNDONE, &job);
    assert_false(effect_there(w->outside.folder, "x.b"));
    journal_text(w, id, journal, sizeof journal);
    assert_non_null(strstr(journal, "revert:t=failed"));
}

static void test_needless_step_is_not_undone(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_c=fail without=a", id);
    wait_state(w, id, JOB_UNDONE, &job);
    assert_int_equal(ledger_count(w, "make x.a"), 0);
    assert_int_equal(ledger_count(w, "undo x.b"), 1);
}

static void test_timeout_over_all_attempts(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];
    int64_t began = clock_mono_ms();

    world_engine(w);
    engine_start_job(w, "fake.pivot", "x", "make_c=silent", id);
    wait_state(w, id, JOB_STUCK, &job);
    assert_string_equal(job.cause_class, "timeout");
    assert_string_equal(job.cause, "step c did not come to pass");
    assert_in_range(clock_mono_ms() - began, 900, 10000);
}

static bool nobody(void *arg, const char *id)
{
    (void)arg;
    (void)id;
    return false;
}

static void test_clock_that_was_set(void **state)
{
    struct world *w = *state;
    struct schedule schedule = {.db = w->db, .lease = "ours"};
    static struct schedule_found found;
    struct err err = {0};
    struct job job;
    char later[ID_SIZE], stranded[ID_SIZE];
    int64_t now = clock_wall_ms();

    engine_start_job(w, "fake.undoing", "x", "", later);
    engine_start_job(w, "fake.undoing", "y", "", stranded);
    get_job(w, later, &job);
    job.wake_at = now + 3600000; /* meant for later */
    put_job(w, &job);
    get_job(w, stranded, &job);
    job.wake_at = now + 86400000 + 1000; /* put down while the clock was a day ahead */
    job.updated_at = now + 86400000;
    put_job(w, &job);
    schedule.offset_ms = now - clock_mono_ms();
    assert_int_equal(schedule_look(&schedule, nobody, NULL, &found, &err), 0);
    assert_int_equal(found.count, 0);
    assert_int_equal(found.next_ms, now + 3600000);
    schedule.offset_ms += 86400000; /* what it was at the last look */
    assert_int_equal(schedule_look(&schedule, nobody, NULL, &found, &err), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.ids[0], stranded);
}

static void test_batch_has_an_end(void **state)
{
    struct world *w = *state;
    struct schedule schedule = {.db = w->db, .lease = "ours"};
    static struct schedule_found found;
    struct err err = {0};
    char id[ID_SIZE], subject[16];

    for (unsigned i = 0; i < SCHEDULE_BATCH + 3; i++) {
        (void)str_format(subject, sizeof subject, "s%u", i);
        engine_start_job(w, "fake.undoing", subject, "", id);
    }
    assert_int_equal(schedule_look(&schedule, nobody, NULL, &found, &err), 0);
    assert_int_equal(found.count, SCHEDULE_BATCH);
    assert_true(found.more);
}

static int stranger_change(struct txn *txn, void *arg, struct err *err)
{
    const struct vault *vault = arg;

    return secret_set(txn, vault, "job:another", "its own", 7, err);
}

static int move_secret(struct txn *txn, void *arg, struct err *err)
{
    struct job *job = arg;
    struct secret secret = {0};

    finish_secret_name(secret.name, job);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

static void test_secrets_last_until_the_end(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct job job;
    char id[ID_SIZE];

    assert_int_equal(db_write(w->db, stranger_change, &w->vault, &err), 0);
    world_engine(w);
    engine_start_job(w, "fake.keeping", "x", "make_c=until_fix", id);
    wait_state(w, id, JOB_STUCK, &job);
    assert_int_equal(records(w, &secret_table), 2); /* the job's own, and the stranger */
    assert_int_equal(db_write(w->db, move_secret, &job, &err), 0);
    engine_touch(w, "fix");
    engine_steer_job(w, id, 'r'); /* what is gone is not needed by a step that has none */
    wait_state(w, id, JOB_DONE, &job);
    assert_int_equal(records(w, &secret_table), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, engine_set_up, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_steps_are_found_by_name),     TEST(test_full_store_is_waited_for),
        TEST(test_hooks_that_refuse),           TEST(test_revert_that_refuses_is_stuck),
        TEST(test_needless_step_is_not_undone), TEST(test_timeout_over_all_attempts),
        TEST(test_clock_that_was_set),          TEST(test_batch_has_an_end),
        TEST(test_secrets_last_until_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
