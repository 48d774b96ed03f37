/*
 * Snapshots as files at the command line: looked at, verified, compared, taken apart. No box is
 * needed for a file; a number or an id is looked up in the box and fetched from its vaults.
 */
#include "snapshot_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cage.h"
#include "clock.h"
#include "enc.h"
#include "extract.h"
#include "file.h"
#include "recovery.h"
#include "signer.h"
#include "snapshot_fetch.h"
#include "str.h"

int snapshot_words_read(struct snapshot_words *w, int argc, char **argv, unsigned least,
                        unsigned most, const char *usage, struct err *err)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < argc; i++) {
        if (i + 1 < argc && str_equal(argv[i], "--recovery-file")) {
            if (recovery_read(argv[++i], w->secret, err) == -1)
                return -1;
            w->has_secret = true;
            w->keys.secret_key = w->secret;
        } else if (i + 1 < argc && str_equal(argv[i], "--passphrase-file")) {
            if (recovery_passphrase(argv[++i], w->passphrase, sizeof w->passphrase, err) == -1)
                return -1;
            w->has_secret = true;
            w->keys.passphrase = w->passphrase;
        } else if (i + 1 < argc && str_equal(argv[i], "--signer")) {
            w->signer = argv[++i];
        } else if (i + 1 < argc && str_equal(argv[i], "--out")) {
            w->out = argv[++i];
        } else if (argv[i][0] != '-' && w->count < most) {
            w->words[w->count++] = argv[i];
        } else {
            return err_field(err, "argument", "usage", "usage: %s", usage);
        }
    }
    return w->count >= least ? 0 : err_field(err, "argument", "usage", "usage: %s", usage);
}

/* Whether the header's signer is the one that is expected; the caller said which, or did not. */
static int check_signer(const struct snapshot_words *w, const struct seal_header *h,
                        struct err *err)
{
    char hex[65];

    if (w->signer == NULL || signer_is(h, w->signer))
        return 0;
    enc_hex(hex, h->signer, sizeof h->signer);
    (void)err_set(err, ERR_FORBIDDEN, "unknown_signer", "it was signed by %s, not by %.64s", hex,
                  w->signer);
    return err_hint(err, "the box's own signer: sett recovery kit");
}

static void header_json(struct cli *cli, struct json_out *j, const struct seal_header *h)
{
    char text[65];

    json_out_key_text(j, "box_id", h->box_id);
    json_out_key_u64(j, "number", h->number);
    enc_hex(text, h->id, sizeof h->id);
    json_out_key_text(j, "uid", text);
    clock_text(text, h->created_at);
    json_out_key_text(j, "created_at", text);
    json_out_key_text(j, "scope", h->scope);
    enc_hex(text, h->hash, sizeof h->hash);
    json_out_key_text(j, "hash", text);
    enc_hex(text, h->signer, sizeof h->signer);
    json_out_key_text(j, "signer", text);
    json_out_key_text(j, "signed_by",
                      signer_of_box(h, cli->paths.keys) ? "this box"
                                                        : "another box, or a stranger");
    json_out_key(j, "builds_on");
    enc_hex(text, h->base_id, sizeof h->base_id);
    if (h->incremental)
        json_out_text(j, text);
    else
        json_out_null(j);
    json_out_key_u64(j, "recipients", h->recipient_count);
    json_out_key_text(j, "made_by", h->made_by);
    json_out_key_u64(j, "schema", h->schema);
}

static void figures_json(struct json_out *j, const struct unpack_figures *f)
{
    json_out_key_u64(j, "files", f->files + f->kept);
    json_out_key_u64(j, "in_older_files", f->kept);
    json_out_key_u64(j, "folders", f->folders);
    json_out_key_u64(j, "links", f->links);
    json_out_key_u64(j, "left_out", f->skipped);
    json_out_key_u64(j, "content_bytes", f->bytes);
}

static int print(struct cli *cli, struct buf *b, struct err *err)
{
    int rc = cli_print(cli, op_find("snapshot.show"), buf_string(b), b->len, err);

    buf_free(b);
    return rc;
}

/* ---- show ---- */

int cli_snapshot_show_file(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct chain *c = calloc(1, sizeof *c);
    struct snapshot_words w;
    struct json_out j;
    struct buf b;
    int rc = -1;

    if (c == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    buf_init(&b, 1u << 16);
    json_out_init(&j, &b);
    if (snapshot_words_read(&w, argc, argv, 1, 1, "sett snapshot show FILE", err) == 0 &&
        chain_open(c, w.words[0], true, NULL, 0, err) == 0 &&
        check_signer(&w, &c->files[0].header, err) == 0) {
        json_out_object(&j);
        json_out_key_text(&j, "object", "snapshot_file");
        header_json(cli, &j, &c->files[0].header);
        json_out_end_object(&j);
        rc = print(cli, &b, err);
    }
    chain_close(c);
    free(c);
    sodium_memzero(&w, sizeof w);
    return rc;
}

/* ---- verify ---- */

/* Whatever a file says from here on can reach ${folder} and nothing else of this machine. What was
 * fetched is open, and goes before that. */
static int shut_in(struct snapshot_fetched *f, const char *folder, struct err *err)
{
    const struct cage cage = {.folder = folder, .scratch = CAGE_TEMPORARY};

    snapshot_fetched_remove(f);
    return cage_enter(&cage, err);
}

static int verify_one(struct cli *cli, const struct snapshot_words *w, struct snapshot_fetched *f,
                      struct err *err)
{
    const char *path = f->path;
    struct verify_report r;
    struct json_out j;
    struct buf b;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;

    if (fd == -1)
        return err_set(err, ERR_NOT_FOUND, "file_missing", "%s cannot be opened", path);
    rc = shut_in(f, NULL, err) == 0 ? verify_file(fd, &w->keys, NULL, &r, NULL, NULL, err) : -1;
    (void)close(fd);
    if (rc == -1 || check_signer(w, &r.header, err) == -1)
        return -1;
    buf_init(&b, 1u << 16);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "snapshot_verified");
    json_out_key_text(&j, "file", path);
    json_out_key_text(&j, "checked",
                      r.opened ? "everything: signature, form, order, every content"
                               : "signature, order, completeness (contents need the secret)");
    header_json(cli, &j, &r.header);
    json_out_key_u64(&j, "bytes", r.length);
    if (r.opened)
        figures_json(&j, &r.tenants);
    json_out_end_object(&j);
    return print(cli, &b, err);
}

int cli_snapshot_verify(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct snapshot_fetched *f = calloc(1, sizeof *f);
    struct snapshot_words w;
    int rc = -1;

    if (f == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    if (snapshot_words_read(&w, argc, argv, 1, 1,
                            "sett snapshot verify FILE|ID [--recovery-file FILE] [--signer KEY]",
                            err) == 0 &&
        snapshot_fetch(cli, w.words[0], false, f, err) == 0)
        rc = verify_one(cli, &w, f, err);
    snapshot_fetched_remove(f);
    free(f);
    sodium_memzero(&w, sizeof w);
    return rc;
}

/* ---- extract ---- */

static int extract_into(struct cli *cli, const struct snapshot_words *w, struct snapshot_fetched *f,
                        struct err *err)
{
    struct chain *c = calloc(1, sizeof *c);
    const char *only = w->count > 1 ? w->words[1] : NULL;
    const char *out = w->out == NULL ? "." : w->out;
    struct unpack_figures figures;
    int folder = -1, rc = -1;

    if (c == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    if (chain_open(c, f->path, false, NULL, 0, err) == 0 &&
        check_signer(w, &c->files[0].header, err) == 0) {
        if (file_mkdirs(out, 0700, err) == 0 &&
            (folder = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
            (void)err_set(err, ERR_NOT_FOUND, "folder_missing", "%s cannot be opened", out);
        if (folder != -1 && shut_in(f, out, err) == 0)
            rc = extract(c, &w->keys, only, folder, &figures, err);
    }
    if (folder != -1)
        (void)close(folder);
    chain_close(c);
    free(c);
    if (rc == 0 && !cli->quiet)
        printf("%s of the snapshot is in %s\n", only == NULL ? "All" : only, out);
    return rc;
}

int cli_snapshot_extract(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct snapshot_fetched *f = calloc(1, sizeof *f);
    struct snapshot_words w;
    int rc = -1;

    if (f == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    if (snapshot_words_read(&w, argc, argv, 1, 2,
                            "sett snapshot extract FILE|ID [PATH] --recovery-file FILE "
                            "[--out FOLDER]",
                            err) == 0) {
        if (!w.has_secret)
            (void)err_field(err, "recovery-file", "required",
                            "what is in a snapshot is read with --recovery-file FILE");
        else if (snapshot_fetch(cli, w.words[0], true, f, err) == 0)
            rc = extract_into(cli, &w, f, err);
    }
    snapshot_fetched_remove(f);
    free(f);
    sodium_memzero(&w, sizeof w);
    return rc;
}

/* ---- export ---- */

int cli_snapshot_export(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct snapshot_fetched *f = calloc(1, sizeof *f);
    struct snapshot_words w;
    int rc = -1;

    if (f == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    if (snapshot_words_read(&w, argc, argv, 2, 2, "sett snapshot export ID FOLDER", err) == 0 &&
        file_mkdirs(w.words[1], 0700, err) == 0)
        rc = snapshot_fetch_into(cli, w.words[0], true, w.words[1], f, err);
    if (rc == 0 && !cli->quiet)
        printf("%s\n", f->path);
    free(f);
    sodium_memzero(&w, sizeof w);
    return rc;
}
