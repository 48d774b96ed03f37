/*
 * What runs of this box, and in which version. Apart from the inventory, which is about tenants:
 * here it is our own programs, the web server and the connectors, with the memory that is theirs
 * alone, which only who owns a process, or root, may read.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "docker_api.h"
#include "file.h"
#include "hands_world.h"
#include "json_in.h"
#include "process_launch.h"
#include "str.h"

#define PROCESSES_MOST  8192
#define CONNECTORS_MOST 100
#define VERSION_S       10

static const char *const programs[] = {"sett-front", "sett-worker", "sett-hands", NULL};

/* One process, as /proc tells it. */
struct process {
    uint32_t pid, parent;
    int64_t started_ms;
    char name[32];
};

struct processes {
    struct process *at;
    size_t count;
    int64_t booted_ms;
};

static size_t read_proc(uint32_t pid, const char *file, char *out, size_t size)
{
    char path[64];
    FILE *f;
    size_t n;

    (void)str_format(path, sizeof path, "/proc/%u/%s", pid, file);
    if ((f = fopen(path, "re")) == NULL)
        return 0;
    n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    (void)fclose(f);
    return n;
}

/* When the machine was started: what processes' own times count from. */
static int64_t booted_ms(void)
{
    struct timespec since;

    (void)clock_gettime(CLOCK_BOOTTIME, &since);
    return clock_wall_ms() - ((int64_t)since.tv_sec * 1000 + since.tv_nsec / 1000000);
}

/* "pid (name) state parent … starttime …" */
static bool read_stat(struct processes *all, uint32_t pid, struct process *p)
{
    char text[1024], *name, *end;
    unsigned long long ticks = 0;
    unsigned parent = 0;

    if (read_proc(pid, "stat", text, sizeof text) == 0 || (name = strchr(text, '(')) == NULL ||
        (end = strrchr(text, ')')) == NULL)
        return false;
    *end = '\0';
    /* Numbers of the kernel's. NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(end + 1,
               " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &parent, &ticks) != 2)
        return false;
    p->pid = pid;
    p->parent = parent;
    p->started_ms = all->booted_ms + (int64_t)(ticks * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
    str_cut(p->name, sizeof p->name, name + 1);
    return true;
}

static int read_processes(struct processes *all, struct err *err)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    uint64_t pid;

    all->booted_ms = booted_ms();
    all->count = 0;
    if (folder == NULL || (all->at = calloc(PROCESSES_MOST, sizeof *all->at)) == NULL) {
        if (folder != NULL)
            (void)closedir(folder);
        return err_set(err, ERR_UNAVAILABLE, "processes", "/proc cannot be read");
    }
    while (all->count < PROCESSES_MOST && (entry = readdir(folder)) != NULL)
        if (str_u64(entry->d_name, 1, UINT32_MAX, &pid) == 0 &&
            read_stat(all, (uint32_t)pid, &all->at[all->count]))
            all->count++;
    (void)closedir(folder);
    return 0;
}

/* Proportional set size of one process, or -1 when it may not be read. */
static int64_t pss_of(uint32_t pid)
{
    char text[2048];
    const char *at;

    if (read_proc(pid, "smaps_rollup", text, sizeof text) == 0 ||
        (at = strstr(text, "\nPss:")) == NULL)
        return -1;
    return strtoll(at + 5, NULL, 10) * 1024;
}

/* And of those that it has started, as a web server's workers are. */
static int64_t pss_with_children(const struct processes *all, uint32_t pid)
{
    int64_t sum = pss_of(pid);

    for (size_t i = 0; sum >= 0 && i < all->count; i++)
        if (all->at[i].parent == pid) {
            int64_t more = pss_of(all->at[i].pid);
            sum += more > 0 ? more : 0;
        }
    return sum;
}

/* Whether a process is a program of this very box: its name, and "--root OURS" or none. */
static bool is_ours(const struct hands_job *job, const struct process *p, const char *name)
{
    char line[4096];
    const char *root = job->world->paths->root, *given = NULL;
    size_t len, at = 0;

    if (!str_equal(p->name, name) || (len = read_proc(p->pid, "cmdline", line, sizeof line)) == 0)
        return false;
    for (; at < len; at += strlen(line + at) + 1)
        if (given == NULL && str_equal(line + at, "--root") && at + 7 < len)
            given = line + at + 7;
    return root[0] == '\0' ? given == NULL : given != NULL && str_equal(given, root);
}

static const struct process *find(const struct hands_job *job, const struct processes *all,
                                  const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (is_ours(job, &all->at[i], name))
            return &all->at[i];
    return NULL;
}

static const struct process *by_pid(const struct processes *all, uint32_t pid)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].pid == pid)
            return &all->at[i];
    return NULL;
}

/* What `sett run` notes of those that it keeps alive: "NAME RESTARTS BEAT_MS" a line. */
static void read_report(const struct hands_job *job, const char *name, long long *restarts,
                        long long *beat_ms)
{
    char path[400], wanted[48];
    const char *at;
    struct err err;
    struct buf b;

    buf_init(&b, 4096);
    if (str_format(path, sizeof path, "%s/supervised", job->world->paths->run) == 0 &&
        file_read(path, &b, &err) == 0) {
        (void)str_format(wanted, sizeof wanted, "\n%s ", name);
        if ((at = strstr(buf_string(&b), wanted)) != NULL)
            /* Numbers of our own. NOLINTNEXTLINE(cert-err34-c) */
            (void)sscanf(at + strlen(wanted), "%lld %lld", restarts, beat_ms);
    }
    buf_free(&b);
}

/* "program NAME PID PSS STARTED RESTARTS BEAT": -1 for what is not known. */
static void write_line(struct hands_job *job, const char *kind, const char *name,
                       const struct process *p, int64_t pss, long long restarts, long long beat_ms)
{
    (void)buf_format(job->stream, "%s %s %u %lld %lld %lld %lld\n", kind, name,
                     p == NULL ? 0 : p->pid, (long long)pss,
                     p == NULL ? -1LL : (long long)p->started_ms, restarts, beat_ms);
}

static void add_program(struct hands_job *job, const struct processes *all, const char *name)
{
    struct supervisor *s = job->world->supervisor;
    long long restarts = -1, beat_ms = -1;
    const struct process *p = find(job, all, name);
    const char *word = name + strlen("sett-");

    if (job->world->paths->root[0] == '\0' && str_equal(s->name, "systemd")) {
        struct supervisor_unit unit = {.name = ""};
        struct supervisor_status status;
        struct err err;
        (void)str_copy(unit.name, sizeof unit.name, name);
        if (s->status(s->self, &unit, &status, &err) == 0 && status.known) {
            restarts = status.restarts;
            beat_ms = status.beat_at > 0 ? status.beat_at : -1;
        }
    } else {
        read_report(job, word, &restarts, &beat_ms);
    }
    write_line(job, "program", word, p, p == NULL ? -1 : pss_of(p->pid), restarts, beat_ms);
}

static void add_web(struct hands_job *job, const struct processes *all)
{
    long long restarts = -1, beat_ms = -1;
    const struct process *p = NULL;
    struct err err;
    uint64_t pid;
    struct buf b;

    buf_init(&b, 64);
    if (file_read(job->world->web_pid, &b, &err) == 0 && b.len > 0 &&
        str_u64(str_trim(b.data), 1, UINT32_MAX, &pid) == 0)
        p = by_pid(all, (uint32_t)pid);
    buf_free(&b);
    read_report(job, "nginx", &restarts, &beat_ms);
    if (p != NULL || restarts >= 0)
        write_line(job, "program", "web", p, p == NULL ? -1 : pss_with_children(all, p->pid),
                   restarts, -1);
}

struct connectors {
    struct hands_job *job;
    const struct processes *all;
    unsigned count;
};

static int add_connector(void *arg, uint64_t number, struct err *err)
{
    struct connectors *c = arg;
    struct supervisor_status status;
    const struct process *p;
    char name[24];

    if (c->count++ >= CONNECTORS_MOST ||
        hands_connector_look(c->job->world, number, &status, err) == -1)
        return 0; /* one that cannot be asked is not told, and hides no other */
    p = status.pid == 0 ? NULL : by_pid(c->all, status.pid);
    (void)str_format(name, sizeof name, "%llu", (unsigned long long)number);
    write_line(c->job, "connector", name, p, p == NULL ? -1 : pss_of(p->pid), status.restarts, -1);
    return 0;
}

/* ---- versions ---- */

static void version_line(struct hands_job *job, const char *name, const char *text)
{
    size_t len = strcspn(text, "\r\n");

    if (len > 0)
        (void)buf_format(job->stream, "version %s %.*s\n", name, (int)(len > 200 ? 200 : len),
                         text);
}

/* What a program says when it is asked for its version. */
static void add_version(struct hands_job *job, const char *name, const char *program,
                        const char *option)
{
    const char *const argv[] = {program, option, NULL};
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct err err;
    struct buf out;
    int code = 1;

    buf_init(&out, 4096);
    if (plan != NULL && access(program, X_OK) == 0 &&
        process_plan_args(plan, (char *const *)(uintptr_t)argv) == 0) {
        (void)str_copy(plan->name, sizeof plan->name, "version");
        if (process_run(plan, VERSION_S, &out, &code, &err) == 0 && code == 0)
            version_line(job, name, buf_string(&out));
    }
    buf_free(&out);
    free(plan);
}

static void add_engine(struct hands_job *job)
{
    struct docker_api api;
    struct docker_reply reply;
    char text[160];
    struct err err;

    if (job->world->docker_socket == NULL || !file_exists(job->world->docker_socket) ||
        docker_api_init(&api, job->world->docker_socket, &err) == -1)
        return;
    if (docker_api_call(&api, "GET", "/version", NULL, VERSION_S, &reply, &err) == 0) {
        (void)str_format(text, sizeof text, "%.60s %.60s",
                         json_text(reply.json, "Components[0].Name", "engine"),
                         json_text(reply.json, "Version", ""));
        version_line(job, "engine", text);
        docker_reply_free(&reply);
    }
    docker_api_free(&api);
}

static void add_versions(struct hands_job *job)
{
    add_version(job, "cloudflared", job->world->cloudflared, "--version");
    add_version(job, "web", "/usr/sbin/nginx", "-v");
    add_version(job, "lxc", "/usr/bin/lxc-start", "--version");
    add_engine(job);
}

enum outcome hands_programs(struct hands_job *job, struct err *err)
{
    struct processes all = {.at = NULL};
    struct connectors connectors = {.job = job, .all = &all};

    if (read_processes(&all, err) == -1)
        return hands_outcome(-1, err);
    for (size_t i = 0; programs[i] != NULL; i++)
        add_program(job, &all, programs[i]);
    add_web(job, &all);
    (void)hands_connector_each(job->world, add_connector, &connectors, err);
    free(all.at);
    if (job->request->flag)
        add_versions(job);
    return OUTCOME_OK;
}
