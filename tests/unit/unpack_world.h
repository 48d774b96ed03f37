#ifndef SETT_UNPACK_WORLD_H
#define SETT_UNPACK_WORLD_H
/* Folders to make snapshots of and to unpack them into, for tests of unpacking. */
#include "snapshot_world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "unpack.h"

#define CHUNK 4096

struct place {
    char root[64], source[128], staging[128], scratch[128];
};

static inline void setup(struct place *p)
{
    (void)str_copy(p->root, sizeof p->root, "/tmp/sett-unpack-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    (void)str_format(p->source, sizeof p->source, "%s/source", p->root);
    (void)str_format(p->staging, sizeof p->staging, "%s/staging", p->root);
    (void)str_format(p->scratch, sizeof p->scratch, "%s/scratch", p->root);
    assert_int_equal(mkdir(p->source, 0700) + mkdir(p->staging, 0700) + mkdir(p->scratch, 0700), 0);
}

static inline void teardown(struct place *p)
{
    assert_int_equal(file_remove_tree(p->root, NULL), 0);
}

static inline void path_of(char out[256], const char *folder, const char *name)
{
    (void)str_format(out, 256, "%s/%s", folder, name);
}

static inline void make_file(const char *folder, const char *name, const char *text, mode_t mode)
{
    struct timespec times[2] = {{.tv_sec = 1700000000, .tv_nsec = 5},
                                {.tv_sec = 1700000000, .tv_nsec = 987654321}};
    char path[256];
    int fd;

    path_of(path, folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode) + futimens(fd, times), 0);
    (void)close(fd);
}

static inline void make_folder(const char *folder, const char *name, mode_t mode)
{
    char path[256];

    path_of(path, folder, name);
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static inline int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_not_equal(fd, -1);
    return fd;
}

/* Unpack both sections of one file. 0 or -1; the manifest of the second stays in ${manifest}. */
static inline int unpack_file(const struct shot *s, const struct unpack_setup *setup,
                              FILE *manifest, struct unpack_figures *figures, struct err *err)
{
    struct at at = {s->data, s->len, 0};
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r;
    FILE *control = tmpfile();
    struct seal_sizes counted = {0};
    struct unpack_setup with = *setup;
    uint64_t length;
    int rc;

    with.got = &counted;
    setup = &with;
    if (chunk_reader_new(&r, &source, err) == -1) {
        (void)fclose(control);
        return -1;
    }
    rc = chunk_reader_open(r, s->secret, NULL, err) == 0 &&
                 unpack_section(r, setup, control, figures, err) == 0 &&
                 unpack_section(r, setup, manifest, figures, err) == 0 &&
                 unpack_finish(r, setup, &length, err) == 0
             ? 0
             : -1;
    chunk_reader_free(r);
    (void)fclose(control);
    return rc;
}

#endif
