/*
 * The engine as a program: many jobs at once, being woken and not being woken, stopping, taking
 * over what a dead worker left, and how long it waits.
 */
#include "engine_fake.h"

#include "backoff.h"
#include "lease.h"

static void test_many_at_once(void **state)
{
    struct world *w = *state;
    struct job job;
    char(*ids)[ID_SIZE] = calloc(200, ID_SIZE), subject[16];

    assert_non_null(ids);
    world_engine_with(w, "", 16, 2000);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(str_format(subject, sizeof subject, "n%u", i), 0);
        engine_start_job(w, "fake.undoing", subject, i % 3 == 0 ? "make_c=fail" : "make_b=again_2",
                         ids[i]);
    }
    for (unsigned i = 0; i < 200; i++)
        wait_state(w, ids[i], i % 3 == 0 ? JOB_UNDONE : JOB_DONE, &job);
    assert_int_equal(records(w, &subject_table), 0);
    for (unsigned i = 0; i < 200; i++) {
        char line[64];
        assert_int_equal(str_format(line, sizeof line, "make n%u.a", i), 0);
        assert_int_equal(ledger_count(w, line), 1);
    }
    free(ids);
}

static void test_lost_datagram(void **state)
{
    struct world *w = *state;
    struct job job;
    struct err err = {0};
    char id[ID_SIZE];
    int64_t began;

    world_engine(w);
    clock_sleep_ms(50);
    began = clock_mono_ms();
    assert_int_equal(start_job(w, "fake.undoing", "x", "", id, &err), 0); /* nobody is told */
    wait_state(w, id, JOB_DONE, &job);
    assert_true(clock_mono_ms() - began < 5000);
}

static void test_datagram_wakes(void **state)
{
    struct world *w = *state;
    struct job job;
    struct err err = {0};
    char id[ID_SIZE], sock[256];

    assert_int_equal(str_copy(sock, sizeof sock, world_path(w, "wake.sock")), 0);
    job_wake(sock); /* nobody listens: no error */
    world_engine_with(w, sock, 2, 2000);
    for (unsigned i = 0; i < 5; i++) {
        char subject[8];
        assert_int_equal(str_format(subject, sizeof subject, "d%u", i), 0);
        assert_int_equal(start_job(w, "fake.undoing", subject, "", id, &err), 0);
        job_wake(sock);
        wait_state(w, id, JOB_DONE, &job);
    }
}

static void test_stop_and_go_on(void **state)
{
    struct world *w = *state;
    struct job job;
    char id[ID_SIZE];
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    world_engine(w);
    engine_start_job(w, "fake.undoing", "x", "make_b=wait_go", id);
    do {
        get_job(w, id, &job);
        assert_true(clock_mono_ms() < until);
    } while (!str_equal(job.step_name, "b"));
    engine_touch(w, "go");
    engine_stop(w->engine, 5000);
    w->engine = NULL;
    get_job(w, id, &job);
    assert_true(job.live);
    world_engine(w);
    wait_state(w, id, JOB_DONE, &job);
    assert_int_equal(ledger_count(w, "make x.b"), 1);
    assert_int_equal(ledger_count(w, "again x.b"), 0);
}

static int set_worker(struct txn *txn, void *arg, struct err *err)
{
    struct job *job = arg;

    if (record_get(txn, &job_table, job, err) != 1)
        return -1;
    job->state = JOB_RUNNING;
    (void)str_copy(job->worker, sizeof job->worker, job->request_id);
    return record_put(txn, &job_table, job, err);
}

static void test_leases(void **state)
{
    struct world *w = *state;
    char own[LEASE_SIZE], other[LEASE_SIZE];
    struct err err = {0};

    (void)w;
    assert_int_equal(lease_own(own, &err), 0);
    assert_true(lease_alive(own));
    assert_false(lease_alive(""));
    assert_false(lease_alive("x:y"));
    assert_int_equal(str_format(other, sizeof other, "%s9", own), 0); /* another start time */
    assert_false(lease_alive(other));
    (void)str_copy(other, sizeof other, own);
    other[0] = other[0] == 'f' ? '0' : 'f'; /* another boot */
    assert_false(lease_alive(other));
}

static void test_dead_workers_jobs_are_taken_over(void **state)
{
    struct world *w = *state;
    static struct job job;
    struct err err = {0};
    char id[ID_SIZE];

    engine_start_job(w, "fake.undoing", "x", "", id);
    memset(&job, 0, sizeof job);
    (void)str_copy(job.id, sizeof job.id, id);
    get_job(w, id, &job);
    (void)str_copy(job.request_id, sizeof job.request_id, "0123456789abcdef:1:1");
    assert_int_equal(db_write(w->db, set_worker, &job, &err), 0);
    world_engine(w);
    wait_state(w, id, JOB_DONE, &job);
}

static void test_backoff_bounds(void **state)
{
    struct backoff b = {.min_ms = 100, .max_ms = 5000};

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t first = backoff_ms(&b, ERR_NETWORK, 1, 0),
                 third = backoff_ms(&b, ERR_NETWORK, 3, 0);
        assert_in_range(first, 50, 100);
        assert_in_range(third, 200, 400);
        assert_in_range(backoff_ms(&b, ERR_RATE, 1, 0), 400, 800);
        assert_in_range(backoff_ms(&b, ERR_NETWORK, 60, 0), 2500, 5000);
        assert_in_range(backoff_ms(&b, ERR_RATE, 1, 30), 30000, 33000);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, engine_set_up, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_at_once),
        TEST(test_lost_datagram),
        TEST(test_datagram_wakes),
        TEST(test_stop_and_go_on),
        TEST(test_leases),
        TEST(test_dead_workers_jobs_are_taken_over),
        cmocka_unit_test(test_backoff_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
