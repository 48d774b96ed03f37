#ifndef SETT_BOX_FIGURES_H
#define SETT_BOX_FIGURES_H
/* How busy this machine is, as the kernel says it. */
#include <stdint.h>

struct box_figures {
    uint64_t load_millis; /* of one minute; 1000 is one */
    uint64_t cores, cpu_millis;
    uint64_t memory_bytes, memory_total_bytes; /* in use: what is not available */
    uint64_t disk_bytes, disk_total_bytes;     /* of the file system of a folder */
};

/** box_figures(out, folder, busy, all): look. The processors' share is that since the last call,
 * whose counters are kept in *${busy} and *${all}; 0 at first. What cannot be read is 0. */
void box_figures(struct box_figures *out, const char *folder, uint64_t *busy, uint64_t *all);

#endif
