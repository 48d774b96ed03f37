#ifndef SETT_RESOURCE_LIMITS_H
#define SETT_RESOURCE_LIMITS_H
/* What a tenant may use. 0 means: as the plan, then the blueprint says; finally no limit. Held by
 * value in plans, tenants and the requests to the hands. */
#include <stdint.h>

struct limits {
    uint64_t memory_bytes;
    uint32_t cpu_millis; /* 1000 is one processor */
    uint32_t pids;
    uint32_t nofile;
    uint64_t storage_bytes;
    uint32_t max_users; /* handed to the blueprint's program */
};

/** limits_over(out, above): each limit that ${above} sets replaces the one in ${out}. */
void limits_over(struct limits *out, const struct limits *above);

/* The rows of a field table for a `struct limits limits` member of struct ${t}; the spare slot of
 * help is the same everywhere. */
#define LIMITS_FIELDS(t)                                                                           \
    {.name = "memory_bytes",                                                                       \
     .type = FIELD_U64,                                                                            \
     .offset = offsetof(t, limits.memory_bytes),                                                   \
     .size = 8,                                                                                    \
     .since = 1,                                                                                   \
     .help = "memory limit in bytes"},                                                             \
        {.name = "cpu_millis",                                                                     \
         .type = FIELD_U32,                                                                        \
         .offset = offsetof(t, limits.cpu_millis),                                                 \
         .size = 4,                                                                                \
         .since = 1,                                                                               \
         .help = "processor limit, 1000 is one core"},                                             \
        {.name = "pids",                                                                           \
         .type = FIELD_U32,                                                                        \
         .offset = offsetof(t, limits.pids),                                                       \
         .size = 4,                                                                                \
         .since = 1,                                                                               \
         .help = "most processes and threads"},                                                    \
        {.name = "nofile",                                                                         \
         .type = FIELD_U32,                                                                        \
         .offset = offsetof(t, limits.nofile),                                                     \
         .size = 4,                                                                                \
         .since = 1,                                                                               \
         .help = "most open files per process"},                                                   \
        {.name = "storage_bytes",                                                                  \
         .type = FIELD_U64,                                                                        \
         .offset = offsetof(t, limits.storage_bytes),                                              \
         .size = 8,                                                                                \
         .since = 1,                                                                               \
         .help = "most bytes on disk"},                                                            \
    {                                                                                              \
        .name = "max_users", .type = FIELD_U32, .offset = offsetof(t, limits.max_users),           \
        .size = 4, .since = 1, .help = "most users of the program"                                 \
    }

#endif
