/* The machine's own figures. Apart because it is all that knows what the files below /proc look
 * like. */
#include "box_figures.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "str.h"

#define FILE_MAX    16384
#define CPU_COLUMNS 8 /* user nice system idle iowait irq softirq steal */

/* The number that begins at ${s}, blanks before it passed over; *${end} behind it. */
static uint64_t number_at(const char *s, const char **end)
{
    uint64_t n = 0;

    while (*s == ' ')
        s++;
    while (*s >= '0' && *s <= '9')
        n = n * 10 + (uint64_t)(*s++ - '0');
    *end = s;
    return n;
}

static int read_file(struct buf *b, const char *path)
{
    buf_reset(b);
    return file_read(path, b, NULL);
}

static void load(struct box_figures *out, struct buf *b)
{
    const char *at;

    if (read_file(b, "/proc/loadavg") == -1)
        return;
    out->load_millis = number_at(buf_string(b), &at) * 1000;
    if (*at == '.') /* always two digits */
        out->load_millis += number_at(at + 1, &at) * 10;
}

static void processors(struct box_figures *out, struct buf *b, uint64_t *busy, uint64_t *all)
{
    uint64_t now_busy = 0, now_all = 0, n;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *at;

    out->cores = cores < 1 ? 1 : (uint64_t)cores;
    if (read_file(b, "/proc/stat") == -1 || !str_starts(buf_string(b), "cpu "))
        return;
    at = buf_string(b) + 4;
    for (int i = 0; i < CPU_COLUMNS; i++) {
        n = number_at(at, &at);
        now_all += n;
        now_busy += i == 3 || i == 4 ? 0 : n;
    }
    if (*all != 0 && now_all > *all && now_busy >= *busy)
        out->cpu_millis = (now_busy - *busy) * 1000 * out->cores / (now_all - *all);
    *busy = now_busy;
    *all = now_all;
}

/* "MemTotal:       4030208 kB" */
static uint64_t memory_line(const struct buf *b, const char *name)
{
    const char *line = strstr(buf_string(b), name), *end;

    return line == NULL ? 0 : number_at(line + strlen(name), &end) * 1024;
}

static void memory(struct box_figures *out, struct buf *b)
{
    uint64_t available;

    if (read_file(b, "/proc/meminfo") == -1)
        return;
    out->memory_total_bytes = memory_line(b, "MemTotal:");
    available = memory_line(b, "MemAvailable:");
    out->memory_bytes =
        out->memory_total_bytes > available ? out->memory_total_bytes - available : 0;
}

void box_figures(struct box_figures *out, const char *folder, uint64_t *busy, uint64_t *all)
{
    struct statvfs fs;
    struct buf b;

    memset(out, 0, sizeof *out);
    buf_init(&b, FILE_MAX);
    load(out, &b);
    processors(out, &b, busy, all);
    memory(out, &b);
    buf_free(&b);
    if (statvfs(folder, &fs) == 0) {
        /* As df counts: what is kept for root or by a quota cannot be filled by tenants. */
        out->disk_bytes = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
        out->disk_total_bytes = out->disk_bytes + (uint64_t)fs.f_bavail * fs.f_frsize;
    }
}
