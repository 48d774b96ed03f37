/*
 * Control groups of version 1 and 2, and lxc's trace. Apart because both are other programs' texts,
 * read in one place; lxc 4 to 6 write the lines that are looked for here.
 */
#include "lxc_group.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

#define GROUPS    "/sys/fs/cgroup"
#define TRACE_MAX (4u << 20)

/* A file of the container's group, of either version. */
static const char *group_file(struct buf *b, const char *mark, const char *old, const char *unified)
{
    char path[256];

    buf_reset(b);
    (void)str_format(path, sizeof path, GROUPS "/lxc.payload.%s/%s", mark, unified);
    if (!file_exists(path))
        (void)str_format(path, sizeof path, GROUPS "/%.*s/lxc.payload.%s/%s",
                         (int)strcspn(old, "/"), old, mark, strchr(old, '/') + 1);
    return file_read(path, b, NULL) == 0 ? buf_string(b) : "";
}

static uint64_t number_after(const char *text, const char *name)
{
    const char *at = name[0] == '\0' ? text : strstr(text, name);

    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

void lxc_group_stats(const char *mark, struct runtime_stats *out)
{
    uint64_t cache;
    struct buf b;

    buf_init(&b, 64 * 1024);
    out->cpu_ns = number_after(group_file(&b, mark, "cpuacct/cpuacct.usage", "cpu.stat"), "");
    if (out->cpu_ns == 0) /* of version 2, in microseconds */
        out->cpu_ns = number_after(buf_string(&b), "usage_usec ") * 1000;
    out->memory_bytes =
        number_after(group_file(&b, mark, "memory/memory.usage_in_bytes", "memory.current"), "");
    (void)group_file(&b, mark, "memory/memory.stat", "memory.stat");
    cache = number_after(buf_string(&b), "total_inactive_file ");
    if (cache == 0)
        cache = number_after(buf_string(&b), "\ninactive_file ");
    out->memory_bytes -= cache < out->memory_bytes ? cache : 0;
    out->pids = number_after(group_file(&b, mark, "pids/pids.current", "pids.current"), "");
    buf_free(&b);
}

bool lxc_group_oom(const char *mark, const char *end)
{
    struct buf b;
    bool killed;

    buf_init(&b, 64 * 1024);
    killed = number_after(group_file(&b, mark, "memory/memory.oom_control", "memory.events"),
                          "oom_kill ") > 0;
    buf_reset(&b);
    if (!killed && file_read(end, &b, NULL) == 0)
        killed = number_after(buf_string(&b), "oom_kill ") > 0;
    buf_free(&b);
    return killed;
}

static int remove_group(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    if (type == FTW_DP)
        (void)rmdir(path); /* refused for one that has processes */
    return 0;
}

static void sweep(const char *folder, const char *mark)
{
    static const char *const kinds[] = {"payload", "monitor"};
    char path[512];

    for (size_t i = 0; i < 2; i++) {
        (void)str_format(path, sizeof path, "%s/lxc.%s.%s", folder, kinds[i], mark);
        if (file_exists(path))
            (void)nftw(path, remove_group, 8, FTW_DEPTH | FTW_PHYS);
    }
}

void lxc_group_sweep(const char *mark)
{
    DIR *dir = opendir(GROUPS);
    struct dirent *entry;
    char path[300];

    sweep(GROUPS, mark);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' &&
            str_format(path, sizeof path, GROUPS "/%s", entry->d_name) == 0)
            sweep(path, mark);
    if (dir != NULL)
        (void)closedir(dir);
}

/* ---- trace ---- */

/* "… Child <123> ended on error (7)", "… ended on signal Killed(9)" */
static bool ended(const char *line, int32_t *code)
{
    const char *error = strstr(line, " ended on error ("),
               *sign = strstr(line, " ended on signal ");

    if (error != NULL)
        *code = (int32_t)strtol(error + strlen(" ended on error ("), NULL, 10);
    else if (sign != NULL && (sign = strrchr(sign, '(')) != NULL)
        *code = 128 + (int32_t)strtol(sign + 1, NULL, 10);
    else
        return false;
    return true;
}

static void read_line(struct lxc_trace *t, const char *line, bool *open)
{
    const char *words = strstr(line, " - ");

    if (strstr(line, ":post_start:") != NULL) {
        if (*open) /* the one before ended without a word: well */
            t->exit_code = 0;
        *open = t->started = true;
        t->missing = false;
    } else if (ended(line, &t->exit_code)) {
        *open = false;
    } else if (strstr(line, "Failed to exec") != NULL) {
        t->missing = strstr(line, "No such file") != NULL || strstr(line, "Permission") != NULL;
    }
    if (strstr(line, " ERROR ") != NULL && words != NULL && t->words[0] == '\0' &&
        strstr(line, ":start:") == NULL) {
        const char *text = strstr(words + 3, " - ");
        text = text == NULL ? words + 3 : text + 3;
        (void)str_copy_n(t->words, sizeof t->words, text,
                         strlen(text) < sizeof t->words ? strlen(text) : sizeof t->words - 1);
    }
}

void lxc_trace_read(struct lxc_trace *out, const char *path, bool running)
{
    bool open = false;
    char *line, *end;
    struct buf b;

    memset(out, 0, sizeof *out);
    buf_init(&b, TRACE_MAX);
    if (file_read(path, &b, NULL) == 0)
        for (line = b.data; line != NULL && *line != '\0'; line = end + 1) {
            if ((end = strchr(line, '\n')) == NULL)
                break;
            *end = '\0';
            read_line(out, line, &open);
        }
    if (open && !running)
        out->exit_code = 0;
    buf_free(&b);
}
