/*
 * The engine killed in the middle of its work and started again. Each run is a process of its own:
 * this program called as "child FOLDER JOB". What is believed is the ledger of effects. In builds
 * with crash points every point is visited; in all builds the steps themselves kill the process
 * before and after their effects.
 */
#include "engine_fake.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static int child(const char *folder, const char *id)
{
    struct world *w = calloc(1, sizeof *w);
    struct job job;
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    if (w == NULL || str_copy(w->outside.folder, sizeof w->outside.folder, folder) == -1)
        return 3;
    world_open(w);
    world_engine(w);
    do {
        get_job(w, id, &job);
        if (clock_mono_ms() > until)
            return 4;
        clock_sleep_ms(2);
    } while (job.live);
    engine_stop(w->engine, 5000);
    free(w);
    return 0;
}

/* Run the engine in a process until the job is over or the process is dead. Return whether it was
 * killed. */
static bool run_child(struct world *w, const char *id, const char *crash, const char *log)
{
    char self[] = "/proc/self/exe", verb[] = "child", folder[200], job[ID_SIZE];
    char *argv[] = {self, verb, folder, job, NULL};
    pid_t pid;
    int status;

    (void)str_copy(folder, sizeof folder, w->outside.folder);
    (void)str_copy(job, sizeof job, id);
    assert_int_equal(crash != NULL ? setenv("SETT_CRASH", crash, 1) : unsetenv("SETT_CRASH"), 0);
    assert_int_equal(log != NULL ? setenv("SETT_CRASH_LOG", log, 1) : unsetenv("SETT_CRASH_LOG"),
                     0);
    assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
    (void)unsetenv("SETT_CRASH"); /* the store has points of its own, and we use it too */
    (void)unsetenv("SETT_CRASH_LOG");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

struct scene {
    const char *saga, *args;
    enum job_state end;
};
static const struct scene scenes[] = {
    {"fake.undoing", "", JOB_DONE},
    {"fake.undoing", "make_c=fail", JOB_UNDONE},
    {"fake.undoing", "apply_t=fail", JOB_UNDONE},
    {"fake.keeping", "make_c=quota", JOB_STUCK}, /* falls back twice */
    {"fake.pivot", "", JOB_DONE},
};
#define SCENES (sizeof scenes / sizeof scenes[0])

static const char *const steps[] = {"a", "b", "c"};

/* Exactly once, or made and undone as often, and no secret or lock left. */
static void expect_end(struct world *w, const struct scene *scene, const char *id)
{
    struct job job;
    char line[32], name[16];

    get_job(w, id, &job);
    if (job.state != (uint32_t)scene->end)
        fail_msg("%s is %s at %s: %s", scene->saga, job_state_names[job.state], job.step_name,
                 job.cause);
    for (size_t i = 0; i < 3; i++) {
        unsigned made, undone, again;
        (void)str_format(line, sizeof line, "make x.%s", steps[i]);
        made = ledger_count(w, line);
        (void)str_format(line, sizeof line, "undo x.%s", steps[i]);
        undone = ledger_count(w, line);
        (void)str_format(line, sizeof line, "again x.%s", steps[i]);
        again = ledger_count(w, line);
        (void)str_format(name, sizeof name, "x.%s", steps[i]);
        assert_int_equal(again, 0);
        assert_int_equal(made - undone, effect_there(w->outside.folder, name) ? 1 : 0);
        if (scene->end == JOB_UNDONE)
            assert_int_equal(made, undone);
        if (scene->end == JOB_DONE)
            assert_true(made == 1 && undone == 0);
    }
    if (scene->end == JOB_STUCK)
        return;
    assert_int_equal(records(w, &subject_table), 0);
    assert_int_equal(records(w, &secret_table), 0);
    assert_int_equal(records(w, &audit_table), 1);
}

static struct world *begin(const struct scene *scene, const char *more, char id[ID_SIZE])
{
    struct world *w = world_new();
    struct err err = {0};
    char args[160];

    assert_int_equal(str_format(args, sizeof args, "%s %s", scene->args, more), 0);
    if (start_job(w, scene->saga, "x", args, id, &err) == -1)
        fail_msg("start: %s", err.text);
    return w;
}

/* Steps that kill the process themselves, once. */
static void test_killed_inside_steps(void **state)
{
    static const char *const verbs[] = {"make", "undo"}, *const whens[] = {"die_before",
                                                                           "die_after"};
    unsigned killed = 0;

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        for (size_t i = 0; i < 12; i++) {
            char more[48], id[ID_SIZE];
            struct world *w;
            (void)str_format(more, sizeof more, "%s_%s=%s", verbs[i % 2], steps[i / 2 % 3],
                             whens[i / 6]);
            if (strncmp(scenes[s].args, more, 6) == 0)
                continue; /* this step is told to fail */
            w = begin(&scenes[s], more, id);
            while (run_child(w, id, NULL, NULL))
                killed++;
            expect_end(w, &scenes[s], id);
            world_end(w);
        }
    }
    assert_true(killed > 15);
}

#ifdef SETT_CRASH_POINTS

#define POINTS_MAX 128

struct points {
    char name[POINTS_MAX][100];
    unsigned count;
};

/* The points that a whole run passes, each once. */
static void collect(const struct scene *scene, struct points *p)
{
    char id[ID_SIZE], log[256], line[100];
    struct world *w = begin(scene, "", id);
    FILE *file;

    (void)str_copy(log, sizeof log, world_path(w, "points"));
    assert_false(run_child(w, id, NULL, log));
    p->count = 0;
    assert_non_null(file = fopen(log, "re"));
    while (fgets(line, sizeof line, file) != NULL) {
        bool known = false;
        line[strcspn(line, "\n")] = '\0';
        for (unsigned i = 0; i < p->count; i++)
            known = known || str_equal(p->name[i], line);
        if (known)
            continue;
        assert_true(p->count < POINTS_MAX);
        (void)str_copy(p->name[p->count++], sizeof p->name[0], line);
    }
    fclose(file);
    expect_end(w, scene, id);
    world_end(w);
}

static void test_every_point(void **state)
{
    static struct points p;
    unsigned all = 0;

    (void)state;
    for (size_t s = 0; s < SCENES; s++) {
        collect(&scenes[s], &p);
        assert_true(p.count >= 8);
        for (unsigned i = 0; i < p.count; i++) {
            char id[ID_SIZE];
            struct world *w = begin(&scenes[s], "", id);
            if (!run_child(w, id, p.name[i], NULL))
                fail_msg("%s was not reached", p.name[i]);
            assert_false(run_child(w, id, NULL, NULL));
            expect_end(w, &scenes[s], id);
            world_end(w);
            all++;
        }
    }
    print_message("# %u crashes\n", all);
}

/* A second crash while the first is being mended. */
static void test_pairs_of_points(void **state)
{
    static struct points p;
    unsigned twice = 0;

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        collect(&scenes[s], &p);
        for (unsigned i = 0; i < p.count; i += 2) {
            for (unsigned j = 0; j < p.count; j += 2) {
                char id[ID_SIZE];
                struct world *w = begin(&scenes[s], "", id);
                assert_true(run_child(w, id, p.name[i], NULL));
                if (run_child(w, id, p.name[j], NULL)) {
                    twice++;
                    assert_false(run_child(w, id, NULL, NULL));
                }
                expect_end(w, &scenes[s], id);
                world_end(w);
            }
        }
    }
    print_message("# %u pairs\n", twice);
}

#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_inside_steps),
#ifdef SETT_CRASH_POINTS
        cmocka_unit_test(test_every_point),
        cmocka_unit_test(test_pairs_of_points),
#endif
    };

    if (argc == 4 && str_equal(argv[1], "child"))
        return child(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
