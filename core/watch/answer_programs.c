/*
 * What runs of this box and in which version. Apart from the figures of health, which are about
 * tenants and are kept: this is asked when somebody looks.
 */
#include "answer_programs.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "clock.h"
#include "file.h"
#include "json_out.h"
#include "postgres.h"
#include "str.h"
#include "trial.h"

#define LOOK_MS 30000

static int ask_hands(const struct answer_setup *s, bool versions, struct buf *stream,
                     struct err *err)
{
    struct hands_request request = {.verb = HANDS_PROGRAMS, .flag = versions};
    struct hands_reply reply;

    return outside_hands(s->outside, &request, LOOK_MS, &reply, stream, err) == OUTCOME_OK ? 0 : -1;
}

static void number_or_null(struct json_out *j, const char *key, long long n)
{
    json_out_key(j, key);
    if (n < 0)
        json_out_null(j);
    else
        json_out_i64(j, n);
}

/* "NAME PID PSS STARTED RESTARTS BEAT" */
static void write_program(struct json_out *j, const char *object, const char *line)
{
    long long pss = -1, started = -1, restarts = -1, beat = -1;
    char name[32];
    unsigned pid = 0;

    /* Numbers of the hands'. NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line, "%31s %u %lld %lld %lld %lld", name, &pid, &pss, &started, &restarts, &beat) !=
        6)
        return;
    json_out_object(j);
    json_out_key_text(j, "object", object);
    json_out_key_text(j, "name", name);
    json_out_key_bool(j, "running", pid != 0);
    number_or_null(j, "pid", pid == 0 ? -1 : (long long)pid);
    number_or_null(j, "pss_bytes", pss);
    json_out_key_time(j, "started_at", started < 0 ? 0 : started);
    number_or_null(j, "restarts", restarts);
    json_out_key_time(j, "beat_at", beat < 0 ? 0 : beat);
    json_out_end_object(j);
}

static void write_list(struct json_out *j, const char *key, const char *object, const char *kind,
                       const struct buf *stream)
{
    const char *at = stream->len == 0 ? "" : stream->data;
    size_t word = strlen(kind);

    json_out_key(j, key);
    json_out_array(j);
    for (; *at != '\0'; at += strcspn(at, "\n") + 1) {
        if (strncmp(at, kind, word) == 0 && at[word] == ' ')
            write_program(j, object, at + word + 1);
        if (at[strcspn(at, "\n")] == '\0')
            break;
    }
    json_out_end_array(j);
}

/* The file systems that our folders lie on, each once. */
static void write_disks(struct json_out *j, const struct paths *paths)
{
    const struct {
        const char *what, *path;
    } rows[] = {{"box", paths->live}, {"snapshots", paths->backups}, {"history", paths->history}};
    unsigned long seen[sizeof rows / sizeof rows[0]] = {0};
    unsigned count = 0;

    json_out_key(j, "disks");
    json_out_array(j);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct statvfs v;
        bool again = false;
        if (statvfs(rows[i].path, &v) == -1)
            continue;
        for (unsigned k = 0; k < count; k++)
            again = again || seen[k] == v.f_fsid;
        if (again)
            continue;
        seen[count++] = v.f_fsid;
        json_out_object(j);
        json_out_key_text(j, "name", rows[i].what);
        json_out_key_text(j, "path", rows[i].path);
        json_out_key_u64(j, "total_bytes",
                         (uint64_t)(v.f_blocks - v.f_bfree + v.f_bavail) * v.f_frsize);
        json_out_key_u64(j, "free_bytes", (uint64_t)v.f_bavail * v.f_frsize);
        json_out_key_u64(j, "inodes", (uint64_t)v.f_files);
        json_out_key_u64(j, "inodes_free", (uint64_t)v.f_favail);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

int answer_programs(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err)
{
    struct json_out j;
    struct buf stream;
    int rc;

    (void)params;
    buf_init(&stream, HANDS_STREAM_MAX);
    if ((rc = ask_hands(s, false, &stream, err)) == 0) {
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "programs");
        write_list(&j, "programs", "program", "program", &stream);
        write_list(&j, "connectors", "connector", "connector", &stream);
        write_disks(&j, &s->context->paths);
        json_out_key_time(&j, "at", clock_wall_ms());
        json_out_end_object(&j);
    }
    buf_free(&stream);
    return rc;
}

/* ---- versions ---- */

static void version(struct json_out *j, const char *name, const char *kind, const char *text)
{
    if (text[0] == '\0')
        return;
    json_out_object(j);
    json_out_key_text(j, "object", "version");
    json_out_key_text(j, "name", name);
    json_out_key_text(j, "kind", kind);
    json_out_key_text(j, "version", text);
    json_out_end_object(j);
}

/* PRETTY_NAME of os-release(5). */
static void os_name(char out[160])
{
    const char *at;
    struct err err;
    struct buf b;

    out[0] = '\0';
    buf_init(&b, 16384);
    if (file_read("/etc/os-release", &b, &err) == 0 &&
        (at = strstr(buf_string(&b), "PRETTY_NAME=\"")) != NULL)
        (void)str_copy_n(out, 160, at + 13, strcspn(at + 13, "\"\n"));
    buf_free(&b);
}

static void on_fact(void *arg, const char *name, const char *value)
{
    if (str_equal(name, "version"))
        str_cut(arg, 160, value);
}

static void on_check(void *arg, const char *name, bool ok, bool needed, const char *what,
                     const char *fix)
{
    (void)arg;
    (void)name;
    (void)ok;
    (void)needed;
    (void)what;
    (void)fix;
}

static void database_version(const struct answer_setup *s, char out[160])
{
    struct trial t = {.fact = on_fact, .check = on_check, .arg = out};
    struct providers *p = outside_use(s->outside);
    const struct postgres postgres = {p->database_admin, p->database_password};

    out[0] = '\0';
    if (p->database_admin[0] != '\0')
        postgres_trial(&postgres, &t);
    outside_done(s->outside, p);
}

/* "version NAME TEXT" of the hands. */
static void outside_versions(struct json_out *j, const struct buf *stream)
{
    const char *at = stream->len == 0 ? "" : stream->data;

    for (; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
        char name[32], text[220];
        if (sscanf(at, "version %31s %219[^\n]", name, text) == 2)
            version(j, name, "program", text);
    }
}

int answer_versions(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err)
{
    char text[160];
    struct utsname system;
    struct json_out j;
    struct buf stream;

    (void)params;
    buf_init(&stream, HANDS_STREAM_MAX);
    if (ask_hands(s, true, &stream, err) == -1) {
        buf_free(&stream);
        return -1;
    }
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "list");
    json_out_key(&j, "data");
    json_out_array(&j);
    version(&j, "sett", "sett", SETT_VERSION);
    outside_versions(&j, &stream);
    database_version(s, text);
    version(&j, "postgresql", "program", text);
    version(&j, "lmdb", "library", db_version());
    version(&j, "libcurl", "library", http_version());
    version(&j, "libsodium", "library", sodium_version_string());
    version(&j, "libpq", "library", postgres_version());
    os_name(text);
    version(&j, "os", "system", text);
    if (uname(&system) == 0) {
        (void)snprintf(text, sizeof text, "%.60s %.60s %.30s", system.sysname, system.release,
                       system.machine);
        version(&j, "kernel", "system", text);
    }
    json_out_end_array(&j);
    json_out_key_bool(&j, "has_more", false);
    json_out_key_text(&j, "url", "/api/system/versions");
    json_out_end_object(&j);
    buf_free(&stream);
    return 0;
}
