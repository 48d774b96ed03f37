#ifndef SETT_CONFORMANCE_H
#define SETT_CONFORMANCE_H
/*
 * What every runtime promises, as cases that are the same for all of them. A test program makes a
 * subject: its driver, a blueprint whose program is CONFORMANCE_COMMAND, and the few acts that only
 * it knows (something foreign of our name, something half made). What a runtime cannot do stands in
 * its subject as a row with the reason, which the case then says; and a case that the subject has
 * no such row for must hold. Included by one test program for each runtime, after cmocka.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blueprint.h"
#include "clock.h"
#include "file.h"
#include "hands_verb.h"
#include "runtime.h"
#include "str.h"
#include "wait_for.h"

enum conformance_cannot { /* what a runtime may be excused from, one by one */
                          CANNOT_REFUSE_A_START, /* of what was never created */
                          CANNOT_LIMIT_MEMORY,   /* of the tenant as a whole */
                          CANNOT_LIMIT_CPU,
                          CANNOT_LIMIT_PIDS,
                          CANNOT_READ_ONLY,
                          CANNOT_SAY_OOM,
                          CANNOT_SAY_EXIT,
                          CANNOT_COUNT_RESTARTS,
                          CANNOT_COUNT_TRAFFIC,
                          CANNOT_PART_TENANTS,
                          CANNOT_KEEP_RUNNING, /* what is created again while it runs, unchanged */
                          CANNOT_RUN_INSIDE,   /* a command, beside the program */
                          CANNOT_SHARE_FILES,  /* volumes that are folders of this machine */
                          CANNOT_SAY_WHEN,     /* it was started, to the millisecond */
                          CANNOT_SAY_CREATED,  /* apart from stopped */
                          CANNOT_BE_LOCAL,     /* a port of this machine alone */
                          CANNOT_HOLD_A_NAME,  /* a foreign one of ours is no reason to refuse */
                          CANNOT_READ_OUTPUT,  /* of the program itself */
                          CANNOT_STAND_STILL,  /* while its files are read */
                          CANNOTS
};

struct conformance {
    const char *name;
    struct runtime *runtime;
    struct blueprint b;
    const char *tenants;         /* folder of the tenants' folders */
    const char *site;            /* where the program sees its volume */
    const char *cannot[CANNOTS]; /* the reason; NULL: it can */
    /* Something that is not ours where tenant ${o} would be; then whether it is still as it was,
     * taking it away. */
    void (*foreign)(const struct runtime_order *o);
    bool (*untouched)(const struct runtime_order *o);
    /* State number ${i} in which a crash may leave a create; false when there is no such state. */
    bool (*half_made)(const struct runtime_order *o, unsigned i);
    /* Whether nothing of the tenant is left outside. */
    bool (*nothing_left)(const struct runtime_order *o);
    /* Where a neighbour could reach tenant ${o}, in ${address}: "10.201.0.2 8080". */
    void (*address)(const struct runtime_order *o, char address[64]);
    /* What is further in an order; NULL: nothing. */
    void (*order)(struct runtime_order *o);
    /* Whether the program of ${o} answers, where it is not its page on 127.0.0.1 that says so. */
    bool (*answers)(const struct runtime_order *o);
    /* Put a file into its site, where that is no folder of this machine. */
    void (*put)(const struct runtime_order *o, const char *name, const char *text);
    struct hands_world *world; /* whose runtime is this one; NULL: the hands do not run it */
    unsigned last;             /* number given to a tenant */
};

static struct conformance subject;

/* The tenant's program: a web server on its port that serves its volume, and obeys files there. The
 * two %s: "127.0.0.1:" where the port is the machine's own, else ""; the volume. */
#define CONFORMANCE_COMMAND                                                                        \
    "trap 'exit 0' TERM; echo begun; busybox httpd -f -p %s${PORT} -h %s & while sleep 0.1; do "   \
    "[ ! -e end ] || { rm end; exit 3; }; [ ! -e oom ] || { rm oom; exec tail /dev/zero; }; done"

/* The blueprint: as an operator would write it, read as the hands read it. */
static inline void conformance_blueprint(const char *folder, const char *kind, const char *more,
                                         const char *listen, const char *site, const char *target)
{
    char path[256], command[512], text[2048];
    struct err err;

    (void)str_format(command, sizeof command, CONFORMANCE_COMMAND, listen, ".");
    (void)str_format(text, sizeof text,
                     "[blueprint]\nruntime = %s\n%scommand = /bin/sh -c \"cd %s; %s\"\n"
                     "[limits]\nmemory = 48M\ncpu_millis = 250\npids = 24\nnofile = 200\n"
                     "[env]\nGREETING = Hello ${TENANT_NAME} of ${COLOUR}$$\n"
                     "[variables]\nCOLOUR = blue\nTENANT_NAME = nobody\n"
                     "[volumes]\nsite = %s\n"
                     "[init]\ncommand = /bin/sh -c \"echo init >> %s/inits\"\n",
                     kind, more, site, command, target, site);
    (void)str_format(path, sizeof path, "%s/conform.conf", folder);
    if (file_mkdirs(folder, 0755, &err) == -1 ||
        file_write(path, text, strlen(text), 0644, &err) == -1 ||
        blueprint_load(&subject.b, folder, "conform", &err) == -1)
        fail_msg("%s\n%s", err.text, text);
}

#define CONFORM(call_)                                                                             \
    do {                                                                                           \
        err_clear(&err);                                                                           \
        if ((call_) != 0)                                                                          \
            fail_msg("%s: %s: %s (%s; %s)", subject.name, #call_, err.text, err.code, err.hint);   \
    } while (0)

/* Say why a case does not hold; the case then ends, or goes on with what does hold. */
static inline bool conformance_cannot(enum conformance_cannot what)
{
    if (subject.cannot[what] != NULL)
        print_message("# %s cannot: %s\n", subject.name, subject.cannot[what]);
    return subject.cannot[what] != NULL;
}

static inline struct runtime_order conformance_order(void)
{
    struct runtime_order o = {.number = ++subject.last};

    (void)str_format(o.mark, sizeof o.mark, "sett-t%06u", subject.last);
    (void)str_format(o.tenant_id, sizeof o.tenant_id, "tn_conform%u", subject.last);
    (void)str_format(o.job_id, sizeof o.job_id, "job_conform%u", subject.last);
    (void)str_copy(o.box_id, sizeof o.box_id, "box_conform");
    (void)str_copy(o.blueprint, sizeof o.blueprint, "conform");
    o.port = free_port();
    assert_int_equal(kv_set(&o.env, "TENANT_NAME", "Acme"), 0);
    if (subject.order != NULL)
        subject.order(&o);
    return o;
}

static inline void conformance_path(const struct runtime_order *o, const char *name, char out[256])
{
    (void)str_format(out, 256, "%s/%u/site/%s", subject.tenants, (unsigned)o->number, name);
}

/* A file in its volume, as the tenant's own user would have written it. */
static inline void conformance_put(const struct runtime_order *o, const char *name,
                                   const char *text)
{
    char path[256];
    struct err err;

    if (subject.put != NULL) {
        subject.put(o, name, text);
        return;
    }
    if (subject.cannot[CANNOT_SHARE_FILES] != NULL)
        return;
    conformance_path(o, name, path);
    CONFORM(file_write(path, text, strlen(text), 0644, &err));
}

/* What the web server at ${port} of 127.0.0.1 answers to GET /${name}: its status, 0 for none. */
static inline long conformance_ask(uint32_t port, const char *name, char *text, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval wait = {.tv_sec = 3};
    char request[128];
    size_t have = 0;
    ssize_t got = -1;
    char *body;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)str_format(request, sizeof request, "GET /%s HTTP/1.0\r\n\r\n", name);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        write(fd, request, strlen(request)) == (ssize_t)strlen(request))
        while (have + 1 < size && (got = read(fd, text + have, size - 1 - have)) > 0)
            have += (size_t)got;
    (void)close(fd);
    text[have] = '\0';
    if (!str_starts(text, "HTTP/1.") || have < 12)
        return 0;
    got = (ssize_t)strtol(text + 9, NULL, 10);
    if ((body = strstr(text, "\r\n\r\n")) != NULL)
        memmove(text, body + 4, strlen(body + 4) + 1);
    return got;
}

static inline bool conformance_answers(const struct runtime_order *o, const char *expected)
{
    char text[1024];

    if (subject.answers != NULL)
        return subject.answers(o);
    return conformance_ask(o->port, "index.html", text, sizeof text) == 200 &&
           str_equal(text, expected);
}

static inline struct runtime_status conformance_status(const struct runtime_order *o)
{
    struct runtime_status status;
    struct err err;

    CONFORM(subject.runtime->inspect(subject.runtime->self, o, &status, &err));
    return status;
}

static inline int conformance_create(const struct runtime_order *o, struct runtime_status *status,
                                     struct err *err)
{
    return subject.runtime->create(subject.runtime->self, o, &subject.b, status, err);
}

static inline int conformance_start(const struct runtime_order *o, struct runtime_status *status,
                                    struct err *err)
{
    return subject.runtime->start(subject.runtime->self, o, &subject.b, status, err);
}

/* Made, started and answering; its page says who it is. */
static inline struct runtime_order conformance_serving(void)
{
    struct runtime_order o = conformance_order();
    struct runtime_status status;
    struct err err;

    CONFORM(conformance_create(&o, &status, &err));
    conformance_put(&o, "index.html", o.mark);
    CONFORM(conformance_start(&o, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    WAIT_FOR(conformance_answers(&o, o.mark));
    return o;
}

static inline void conformance_gone(const struct runtime_order *o)
{
    struct err err;

    CONFORM(subject.runtime->remove(subject.runtime->self, o, true, &err));
    assert_int_equal(conformance_status(o).state, RUNTIME_ABSENT);
    assert_true(subject.nothing_left(o));
}

/* A script inside; what it said in a static buffer, its end in ${err}. */
static inline const char *conformance_inside(const struct runtime_order *o, const char *script,
                                             struct err *err)
{
    static char text[8192];
    static struct blueprint_command c;
    struct buf out;

    memset(&c, 0, sizeof c);
    for (const char *const *arg = (const char *const[]){"/bin/sh", "-c", script, NULL};
         *arg != NULL; arg++)
        assert_int_equal(str_copy(c.args[c.count++], sizeof c.args[0], *arg), 0);
    buf_init(&out, sizeof text - 1);
    err_clear(err);
    (void)subject.runtime->exec(subject.runtime->self, o, &subject.b, &c, 30, &out, err);
    (void)str_copy(text, sizeof text, buf_string(&out));
    buf_free(&out);
    return text;
}

/* As that, of a script that must succeed. */
static inline const char *conformance_says(const struct runtime_order *o, const char *script)
{
    struct err err;
    const char *text = conformance_inside(o, script, &err);

    if (err.kind != ERR_NONE)
        fail_msg("%s: %s: %s (%s)", subject.name, script, err.text, text);
    return text;
}

#endif
