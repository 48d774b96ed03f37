/*
 * The way of the setup page without a box: a vault is said, the newest snapshot in it is found by
 * its header, and it comes here with all that it builds on. Apart from the restore, which knows
 * only files.
 */
#include "restore_vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "arrivals.h"
#include "chain.h"
#include "conf.h"
#include "file.h"
#include "room.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"

struct fetching {
    struct place place;
    struct arrivals arrivals;
    struct seal_header header, base;
};

static int open_vault(const struct restore_vault *v, const struct paths *paths, struct place *place,
                      struct err *err)
{
    struct vault_place record = {.name = "restore", .enabled = true};
    struct conf *conf = calloc(1, sizeof *conf);
    char ca_file[512] = "";
    struct buf secret;
    struct err ignored;
    int rc = -1;

    record.kind = v->address[0] == '/'                ? VAULT_FOLDER
                  : str_starts(v->address, "sftp://") ? VAULT_SFTP
                                                      : VAULT_S3;
    buf_init(&secret, VAULT_SECRET_MAX);
    if (conf != NULL && conf_read(conf, paths->conf, &ignored) == 0)
        (void)setting_text(NULL, conf, "outside.ca_file", ca_file, sizeof ca_file, &ignored);
    if (str_copy(record.address, sizeof record.address, v->address) == -1 ||
        (v->region != NULL && str_copy(record.region, sizeof record.region, v->region) == -1) ||
        (v->access_key != NULL &&
         str_copy(record.access_key, sizeof record.access_key, v->access_key) == -1) ||
        (v->host_key != NULL &&
         str_copy(record.host_key, sizeof record.host_key, v->host_key) == -1))
        (void)err_field(err, "vault", "too_long", "what is said of the vault is too long");
    else if (v->secret_file == NULL || (file_private(v->secret_file, err) == 0 &&
                                        file_read(v->secret_file, &secret, err) == 0)) {
        while (secret.len > 0 && record.kind != VAULT_SFTP && secret.data[secret.len - 1] == '\n')
            secret.data[--secret.len] = '\0';
        rc = vault_open_record(place, &record, buf_string(&secret), ca_file, err);
    }
    if (secret.data != NULL)
        sodium_memzero(secret.data, secret.cap);
    buf_free(&secret);
    free(conf);
    return rc;
}

/* Whether it is a snapshot of a whole box, and the one that is meant. */
static bool is_meant(const struct fetching *f, const struct place_file *file, const char *what)
{
    uint64_t number;

    if (!str_equal(f->header.scope, "box"))
        return false;
    if (what == NULL || str_equal(what, "newest") || str_equal(what, file->name))
        return true;
    return str_u64(what, 1, UINT64_MAX, &number) == 0 && number == f->header.number;
}

/* The newest that is meant. One vault may have snapshots of several boxes: then a number, or
 * "newest", says nothing. */
static int choose(struct fetching *f, const char *what, struct place_file *out, struct err *err)
{
    bool by_name = what != NULL && str_ends(what, ".sett"), found = false;
    char box[ID_SIZE] = "";
    struct seal_header chosen;
    struct err why;

    for (size_t i = 0; i < f->arrivals.count; i++) {
        const struct place_file *file = &f->arrivals.at[i];

        if (by_name && !str_equal(file->name, what))
            continue;
        if (arrivals_header(&f->arrivals, file->name, &f->header, &why) == -1)
            continue; /* cut off, or foreign */
        if (str_equal(f->header.scope, "box") && box[0] != '\0' &&
            !str_equal(box, f->header.box_id)) {
            (void)err_set(err, ERR_CONFLICT, "several_boxes",
                          "this vault has snapshots of more than one box");
            return err_hint(err, "say which by its file, as in %.100s", file->name);
        }
        if (str_equal(f->header.scope, "box"))
            memcpy(box, f->header.box_id, sizeof box);
        if (!found && is_meant(f, file, what)) {
            found = true;
            *out = *file;
            chosen = f->header;
        }
    }
    if (!found) {
        (void)err_set(err, ERR_NOT_FOUND, "snapshot_not_found",
                      "the vault has no snapshot %s of a "
                      "whole box",
                      what == NULL ? "" : what);
        return -1;
    }
    f->header = chosen;
    return 0;
}

static int fetch(const struct fetching *f, const struct place_file *file, const char *folder,
                 char *path, size_t size, struct err *err)
{
    struct stat st;
    int fd, rc = -1;

    if (place_name_check(file->name, err) == -1)
        return -1;
    if (str_format(path, size, "%s/%s", folder, file->name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if ((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
        return err_sys(err, "restore_fetch", errno, path);
    if (room_check_fd(fd, folder, file->bytes, "the file of a snapshot", err) == 0 &&
        f->place.get(f->place.self, file->name, 0, fd, err) == 0)
        rc = fstat(fd, &st) == 0 && (uint64_t)st.st_size == file->bytes
                 ? 0
                 : err_set(err, ERR_CORRUPT, "bring_length", "%s came with another length",
                           file->name);
    (void)close(fd);
    return rc;
}

/* It, and those it builds on, which chain_open finds beside it. */
static int fetch_chain(struct fetching *f, struct restore_vault *v, struct place_file *file,
                       struct err *err)
{
    char path[sizeof v->path];

    for (unsigned count = 0;; count++) {
        if (fetch(f, file, v->folder, path, sizeof path, err) == -1)
            return -1;
        if (count == 0)
            (void)str_copy(v->path, sizeof v->path, path);
        if (!f->header.incremental)
            return 0;
        if (count == CHAIN_MOST)
            return err_set(err, ERR_TOO_LARGE, "chain_too_long", "it builds on too many files");
        if (arrivals_base(&f->arrivals, &f->header, file, &f->base, err) == -1)
            return -1;
        f->header = f->base;
    }
}

static int make_folder(struct restore_vault *v, const struct paths *paths, struct err *err)
{
    char above[PATHS_SIZE], *slash;

    (void)str_copy(above, sizeof above, paths->live);
    if ((slash = strrchr(above, '/')) != NULL)
        *slash = '\0';
    if (file_mkdirs(above, 0755, err) == -1)
        return -1;
    (void)str_format(v->folder, sizeof v->folder, "%s/fetched-XXXXXX", above);
    if (mkdtemp(v->folder) != NULL)
        return 0;
    v->folder[0] = '\0';
    return err_sys(err, "restore_fetch", errno, above);
}

int restore_vault_fetch(struct restore_vault *v, const struct paths *paths, const char *what,
                        struct err *err)
{
    struct fetching *f = calloc(1, sizeof *f);
    struct place_file file;
    int rc = -1;

    if (f == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to fetch a snapshot");
    if (open_vault(v, paths, &f->place, err) == 0 &&
        arrivals_list(&f->arrivals, &f->place, err) == 0 && choose(f, what, &file, err) == 0 &&
        make_folder(v, paths, err) == 0)
        rc = fetch_chain(f, v, &file, err);
    arrivals_free(&f->arrivals);
    place_free(&f->place);
    free(f);
    return rc;
}

void restore_vault_end(struct restore_vault *v)
{
    if (v->folder[0] != '\0')
        (void)file_remove_tree(v->folder, NULL);
    v->folder[0] = '\0';
}
