/* The tables of jobs, of their journal and of the subjects they hold. What moves them is the
 * engine's; they are declared here because the front and the CLI show and start them. */
#include "job.h"

const char *const job_state_names[] = {"queued", "running", "waiting", "undoing",
                                       "stuck",  "done",    "undone",  NULL};
const char *const step_action_names[] = {"make", "check", "undo", "apply", "revert", NULL};
const char *const step_outcome_names[] = {"begun",     "done",   "was_absent",
                                          "try_again", "failed", NULL};

/* One of the subjects: a row each, so that the first can be indexed. */
#define SUBJECT_FIELD(name_, n_)                                                                   \
    {                                                                                              \
        .name = (name_), .type = FIELD_TEXT, .offset = offsetof(struct job, subjects[n_]),         \
        .size = JOB_SUBJECT_SIZE, .since = 1, .help = "what the job holds"                         \
    }

static const struct field rows[] = {
    FIELD(struct job, id, FIELD_ID, .ref_prefix = "job"),
    FIELD(struct job, saga, FIELD_TEXT, .help = "kind of job, as in tenant.provision"),
    FIELD(struct job, state, FIELD_ENUM, .names = job_state_names, .help = "where it stands"),
    FIELD(struct job, undo, FIELD_BOOL, .help = "it is being undone"),
    FIELD(struct job, cancel, FIELD_BOOL, .help = "somebody asked to turn it round"),
    FIELD(struct job, step, FIELD_U32, .help = "index of the step"),
    FIELD(struct job, intent, FIELD_BOOL, .help = "a step was begun and its result is not known"),
    FIELD(struct job, step_name, FIELD_TEXT, .help = "name of the step"),
    FIELD(struct job, attempt, FIELD_U32, .help = "attempt of the step, from 1"),
    FIELD(struct job, journal, FIELD_U32, .help = "rows of its journal"),
    FIELD(struct job, args, FIELD_KV, .help = "what it was started with"),
    FIELD(struct job, facts, FIELD_KV, .help = "what its steps found out"),
    SUBJECT_FIELD("subject", 0),
    SUBJECT_FIELD("subject_2", 1),
    SUBJECT_FIELD("subject_3", 2),
    SUBJECT_FIELD("subject_4", 3),
    FIELD(struct job, cause_class, FIELD_TEXT, .help = "class of the last failure"),
    FIELD(struct job, cause, FIELD_TEXT, .help = "last failure"),
    FIELD(struct job, remedy, FIELD_TEXT, .help = "what to do about it"),
    FIELD(struct job, actor, FIELD_TEXT, .help = "who started it"),
    FIELD(struct job, request_id, FIELD_TEXT, .help = "request that started it"),
    FIELD(struct job, next_saga, FIELD_TEXT, .help = "saga that follows when it ends well"),
    FIELD(struct job, live, FIELD_BOOL, .help = "has not ended and is not stuck"),
    FIELD(struct job, wake_at, FIELD_TIME, .help = "not before"),
    FIELD(struct job, worker, FIELD_TEXT, .flags = FIELD_HIDDEN),
    FIELD(struct job, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct job, started_at, FIELD_TIME, .help = "first step begun at"),
    FIELD(struct job, ended_at, FIELD_TIME, .help = "ended at"),
    FIELD(struct job, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD(struct job, step_at, FIELD_TIME, .help = "present step first begun at"),
};

static const struct index indexes[] = {
    {.name = "by_wake", .id = 160, .sparse = true, .fields = {"live", "wake_at"}},
    {.name = "state", .id = 161, .counted = true, .fields = {"state"}},
    {.name = "by_tenant", .id = 162, .sparse = true, .fields = {"subject"}},
};

const struct table job_table = {
    .name = "jobs",
    .noun = "job",
    .id = 9,
    .version = 1,
    .prefix = "job",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct job)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "job", .about = "subject", .beside = {"worker", "updated_at"}},
};

static const struct field step_rows[] = {
    FIELD(struct job_step, job_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "job"),
    FIELD(struct job_step, number, FIELD_U32, .help = "row of the journal, from 1"),
    FIELD(struct job_step, step, FIELD_TEXT, .help = "name of the step"),
    FIELD(struct job_step, action, FIELD_ENUM, .names = step_action_names, .help = "what was done"),
    FIELD(struct job_step, outcome, FIELD_ENUM, .names = step_outcome_names,
          .help = "what came of it"),
    FIELD(struct job_step, attempt, FIELD_U32, .help = "attempt, from 1"),
    FIELD(struct job_step, text, FIELD_TEXT, .help = "what was made, or the cause"),
    FIELD(struct job_step, started_at, FIELD_TIME, .help = "begun at"),
    FIELD(struct job_step, ended_at, FIELD_TIME, .help = "ended at"),
};

const struct table job_step_table = {
    .name = "job_steps",
    .noun = "job_step",
    .id = 10,
    .version = 1,
    .fields = {step_rows, sizeof step_rows / sizeof step_rows[0], sizeof(struct job_step)},
    .key = {"job_id", "number"},
};

static const struct field subject_rows[] = {
    FIELD(struct subject, name, FIELD_TEXT, .help = "what is held, as in tenant:tn_…"),
    FIELD(struct subject, job_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "job",
          .help = "job that holds it"),
};

const struct table subject_table = {
    .name = "subjects",
    .noun = "subject",
    .id = 11,
    .version = 1,
    .fields = {subject_rows, sizeof subject_rows / sizeof subject_rows[0], sizeof(struct subject)},
    .key = {"name"},
};
