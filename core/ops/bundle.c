/*
 * The support bundle. Apart from what it is made of because one rule holds for all parts of it: a
 * part goes through log_redact before it is in the file, so that nobody has to remember.
 */
#include "bundle.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "doctor.h"
#include "job.h"
#include "log_line.h"
#include "notice.h"
#include "schema.h"
#include "setting.h"
#include "str.h"

#define PART_MAX    (2u * 1024u * 1024u)
#define BLOCK       512u
#define JOBS_MOST   50
#define ROWS_MOST   200 /* of a job's journal */
#define ALERTS_MOST 200
#define LOG_LINES   "2000"

struct making {
    const struct op_box *box;
    const struct bundle_source *source;
    struct buf *tar;
    int64_t now_ms;
};

static const char readme[] =
    "A support bundle of sett: what somebody who is to help needs to know of a box.\n"
    "\n"
    "doctor.json        what is wrong, and what to do about each\n"
    "versions.json      of sett, its libraries and what it works with\n"
    "programs.json      what runs: memory, restarts, last sign of life, disks\n"
    "certificates.json  until when they are good\n"
    "settings.json      each setting that differs from its default; secrets: only whether they are "
    "set\n"
    "store.json         figures of the store, how many records of each table\n"
    "jobs.json          jobs that are stuck, each with its journal\n"
    "alerts.json        what is raised\n"
    "logs.txt           the last lines of all programs\n"
    "\n"
    "Keys, tokens, passwords and e-mail addresses were taken out: they read [...]. Names of "
    "tenants\n"
    "and host names are in it. Read it before you send it.\n";

/* ---- the file ---- */

static void octal(char *out, size_t size, unsigned long long n)
{
    (void)snprintf(out, size, "%0*llo", (int)size - 1, n);
}

/* A member: its header, its bytes, up to a whole block. */
static void member(struct making *m, const char *name, const char *data, size_t len)
{
    char head[BLOCK] = {0}, zeros[BLOCK] = {0};
    unsigned sum = 0;

    (void)snprintf(head, 100, "sett-support/%s", name);
    octal(head + 100, 8, 0600);
    octal(head + 108, 8, 0);
    octal(head + 116, 8, 0);
    octal(head + 124, 12, len);
    octal(head + 136, 12, (unsigned long long)(m->now_ms / 1000));
    memset(head + 148, ' ', 8);
    head[156] = '0';
    /* Bytes, not text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof head; i++)
        sum += (unsigned char)head[i];
    (void)snprintf(head + 148, 8, "%06o", sum);
    (void)buf_add(m->tar, head, sizeof head);
    (void)buf_add(m->tar, data, len);
    (void)buf_add(m->tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

/* A text with its lines, without what must not be in it. */
static void clean_member(struct making *m, const char *name, const struct buf *text)
{
    struct buf clean;
    size_t at = 0, begin;

    buf_init(&clean, 2 * PART_MAX);
    while (at < text->len) {
        const char *end = memchr(text->data + at, '\n', text->len - at);
        size_t len = end == NULL ? text->len - at : (size_t)(end - text->data) - at;
        begin = clean.len;
        log_redact(&clean, text->data + at, len, true);
        if (!clean.failed && !str_utf8(clean.data + begin, clean.len - begin))
            for (size_t i = begin; i < clean.len; i++) /* a line that was cut within a character */
                if ((unsigned char)clean.data[i] >= 0x80)
                    clean.data[i] = '?';
        (void)buf_byte(&clean, '\n');
        at += len + 1;
    }
    member(m, name, clean.len == 0 ? "" : clean.data, clean.len);
    buf_free(&clean);
}

/* A part that is a function's; what it fails with is the part then. */
static void part(struct making *m, const char *name,
                 int (*write)(struct making *m, struct json_out *j, struct err *err))
{
    struct err err = {0};
    struct json_out j;
    struct buf b;

    buf_init(&b, PART_MAX);
    json_out_init(&j, &b);
    if (write(m, &j, &err) == -1 || b.failed) {
        buf_reset(&b);
        (void)buf_format(&b, "{\"unread\":\"%s\"}", err.code[0] == '\0' ? "too_large" : err.code);
    }
    clean_member(m, name, &b);
    buf_free(&b);
}

/* A part that the worker answers. */
static void asked(struct making *m, const char *name, const char *question,
                  const char *const *words)
{
    struct err err = {0};
    struct kv params;
    struct buf b;

    kv_clear(&params);
    for (; words != NULL && words[0] != NULL; words += 2)
        (void)kv_set(&params, words[0], words[1]);
    buf_init(&b, PART_MAX);
    if (m->source->ask(m->source->arg, question, &params, &b, &err) == -1) {
        buf_reset(&b);
        (void)buf_format(&b, "unread: %s; %s\n", err.text, err.hint);
    }
    clean_member(m, name, &b);
    buf_free(&b);
}

/* ---- its parts ---- */

static int write_doctor(struct making *m, struct json_out *j, struct err *err)
{
    struct doctor_finding *findings = calloc(DOCTOR_MOST, sizeof *findings);

    if (findings == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for findings");
    doctor_json(findings, doctor_look(m->box, findings), j);
    free(findings);
    return 0;
}

/* As a list: what stands behind a secret's name would be taken for it. */
static int write_secrets(struct txn *txn, struct json_out *j, struct err *err)
{
    json_out_key(j, "credentials");
    json_out_array(j);
    for (size_t i = 0; i < secret_row_count; i++) {
        int set = secret_exists(txn, secret_rows[i].name, err);
        if (set == -1)
            return -1;
        json_out_object(j);
        json_out_key_text(j, "name", secret_rows[i].name);
        json_out_key_bool(j, "set", set == 1);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    return 0;
}

static int write_settings(struct making *m, struct json_out *j, struct err *err)
{
    char value[512];
    struct txn *txn;
    int rc = 0;

    if (db_read(&txn, m->box->db, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key(j, "settings");
    json_out_array(j);
    for (size_t i = 0; rc == 0 && i < setting_row_count; i++) {
        int origin =
            setting_text(txn, &m->box->conf, setting_rows[i].name, value, sizeof value, err);
        if (origin == -1)
            rc = -1;
        if (origin <= SETTING_DEFAULT)
            continue;
        json_out_object(j);
        json_out_key_text(j, "name", setting_rows[i].name);
        json_out_key_text(j, "value", value);
        json_out_key_text(j, "origin", setting_origin_names[origin]);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    if (rc == 0)
        rc = write_secrets(txn, j, err);
    json_out_end_object(j);
    db_read_end(txn);
    return rc;
}

static int write_store(struct making *m, struct json_out *j, struct err *err)
{
    struct db_figures f;
    struct txn *txn;
    int rc = 0;

    if (db_figures(m->box->db, &f, err) == -1 || db_read(&txn, m->box->db, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key_u64(j, "schema", sett_schema.version);
    json_out_key_u64(j, "map_bytes", f.map_bytes);
    json_out_key_u64(j, "used_bytes", f.used_bytes);
    json_out_key_u64(j, "free_bytes", f.free_bytes);
    json_out_key_u64(j, "last_txn", f.last_txn);
    json_out_key_u64(j, "readers", f.readers);
    json_out_key_u64(j, "oldest_reader_txn", f.oldest_reader_txn);
    json_out_key_u64(j, "disk_free_bytes", f.disk_free_bytes);
    json_out_key(j, "records");
    json_out_object(j);
    for (size_t i = 0; rc == 0 && i < sett_schema.table_count; i++) {
        int64_t count = record_count(txn, sett_schema.tables[i], err);
        if (count == -1)
            rc = -1;
        else
            json_out_key_u64(j, sett_schema.tables[i]->name, (uint64_t)count);
    }
    json_out_end_object(j);
    json_out_key(j, "tables");
    json_out_object(j);
    for (size_t i = 0; i < sett_schema.table_count; i++)
        json_out_key_u64(j, sett_schema.tables[i]->name, sett_schema.tables[i]->version);
    json_out_end_object(j);
    json_out_end_object(j);
    db_read_end(txn);
    return rc;
}

/* What a job was asked for may name a customer: of its arguments only the names are told. */
static void write_members(const struct fields *f, const void *record, struct json_out *j)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct field *field = &f->at[i];
        if (field->flags & FIELD_HIDDEN || field->type == FIELD_KV || field->type == FIELD_SEALED)
            continue;
        json_out_key(j, field->name);
        fields_json_one(field, record, j);
    }
}

static int write_job(struct txn *txn, const struct job *job, struct json_out *j, struct err *err)
{
    struct job_step *row = calloc(1, sizeof *row);
    int got = 1;

    if (row == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a journal");
    json_out_object(j);
    write_members(&job_table.fields, job, j);
    json_out_key(j, "steps");
    json_out_array(j);
    for (uint32_t n = 1; n <= ROWS_MOST && got == 1; n++) {
        memset(row, 0, sizeof *row);
        (void)str_copy(row->job_id, sizeof row->job_id, job->id);
        row->number = n;
        if ((got = record_get(txn, &job_step_table, row, err)) != 1)
            break;
        json_out_object(j);
        write_members(&job_step_table.fields, row, j);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_end_object(j);
    free(row);
    return got == -1 ? -1 : 0;
}

static int write_jobs(struct making *m, struct json_out *j, struct err *err)
{
    struct job *job = calloc(1, sizeof *job);
    struct txn *txn;
    struct scan scan;
    int got = -1;

    if (job == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    job->state = JOB_STUCK;
    if (db_read(&txn, m->box->db, err) == 0) {
        json_out_array(j);
        if (scan_start(&scan, txn, &job_table, "state", job, 1, true, err) == 0)
            for (int i = 0; i < JOBS_MOST && (got = scan_next(&scan, job, err)) == 1; i++)
                if (write_job(txn, job, j, err) == -1) {
                    got = -1;
                    break;
                }
        json_out_end_array(j);
        db_read_end(txn);
    }
    free(job);
    return got == -1 ? -1 : 0;
}

static int write_alerts(struct making *m, struct json_out *j, struct err *err)
{
    struct notice *notice = calloc(1, sizeof *notice);
    struct txn *txn;
    struct scan scan;
    int got = -1;

    if (notice == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an alert");
    if (db_read(&txn, m->box->db, err) == 0) {
        json_out_array(j);
        if (scan_start(&scan, txn, &notice_table, NULL, NULL, 0, true, err) == 0)
            for (int i = 0; i < ALERTS_MOST && (got = scan_next(&scan, notice, err)) == 1; i++) {
                json_out_object(j);
                write_members(&notice_table.fields, notice, j);
                json_out_end_object(j);
            }
        json_out_end_array(j);
        db_read_end(txn);
    }
    free(notice);
    return got == -1 ? -1 : 0;
}

int bundle_make(const struct op_box *box, const struct bundle_source *source, struct buf *tar,
                struct err *err)
{
    static const char *const logs[] = {"format", "text", "limit", LOG_LINES, NULL};
    struct making m = {box, source, tar, clock_wall_ms()};
    char zeros[2 * BLOCK] = {0};

    member(&m, "README.txt", readme, sizeof readme - 1);
    part(&m, "doctor.json", write_doctor);
    asked(&m, "versions.json", "versions", NULL);
    asked(&m, "programs.json", "programs", NULL);
    asked(&m, "certificates.json", "certificates", NULL);
    part(&m, "settings.json", write_settings);
    part(&m, "store.json", write_store);
    part(&m, "jobs.json", write_jobs);
    part(&m, "alerts.json", write_alerts);
    asked(&m, "logs.txt", "log", logs);
    (void)buf_add(tar, zeros, sizeof zeros);
    return tar->failed ? err_set(err, ERR_TOO_LARGE, "bundle_too_large", "the bundle is too large")
                       : 0;
}

void bundle_name(const struct op_box *box, char *out, size_t size)
{
    char name[512] = "", at[CLOCK_TEXT_SIZE], stamp[CLOCK_TEXT_SIZE];
    size_t n = 0;
    struct txn *txn;

    if (db_read(&txn, box->db, NULL) == 0) {
        (void)setting_text(txn, &box->conf, "box.name", name, sizeof name, NULL);
        db_read_end(txn);
    }
    for (char *p = name; *p != '\0'; p++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", *p) == NULL)
            *p = '-';
    clock_text(at, clock_wall_ms());
    for (const char *p = at; *p != '\0' && *p != '.'; p++)
        if (*p != '-' && *p != ':')
            stamp[n++] = *p;
    stamp[n] = '\0';
    (void)str_format(out, size, "sett-support-%.40s-%sZ.tar", name[0] == '\0' ? "box" : name,
                     stamp);
}
