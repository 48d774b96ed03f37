#ifndef SETT_CHUNK_H
#define SETT_CHUNK_H
/*
 * A snapshot from front to back: header, two sections of sealed chunks, trailer. Writing and
 * reading each have a thread that seals, hashes and moves bytes, so that whoever packs or unpacks
 * does not wait for it. Memory: a few chunks, whatever the size of the file.
 */
#include "seal.h"

/* Where the bytes go. Called by one thread at a time, in order. Return 0 or -1 with err. */
struct chunk_sink {
    int (*write)(void *arg, const void *data, size_t len, struct err *err);
    void *arg;
};

/* A file as where they go. What was written is on its way to the disk soon, so that the sync at the
 * end has little to do, and those who sync a few bytes meanwhile do not wait for all of it. */
struct chunk_file {
    int fd;
    const char *path; /* for words */
    uint64_t length, sent;
};

/** chunk_sink_file(sink, file): into ${file}, which must live as long, and whose fd and path are
 * set. */
void chunk_sink_file(struct chunk_sink *sink, struct chunk_file *file);

/* Where they come from. Return how many were read, 0 at the end, or -1 with err. */
struct chunk_source {
    long (*read)(void *arg, void *data, size_t len, struct err *err);
    void *arg;
};

/* ---- writing ---- */

struct chunk_writer;

/** chunk_writer_new(out, h, file_key, signing_key, sink, err): write the header (h->hash and
 * h->signer are set). The keys are copied and wiped by chunk_writer_free. Return 0 or -1. */
int chunk_writer_new(struct chunk_writer **out, struct seal_header *h,
                     const uint8_t file_key[SEAL_KEY], const uint8_t signing_key[64],
                     const struct chunk_sink *sink, struct err *err);

/** chunk_writer_section(w, err): begin the next section: first control, then tenants. 0 or -1. */
int chunk_writer_section(struct chunk_writer *w, struct err *err);

/** chunk_writer_add(w, data, len, err): plain bytes of the section, which must be a zstd stream.
 * An error of the sink shows here or later. Return 0 or -1. */
int chunk_writer_add(struct chunk_writer *w, const void *data, size_t len, struct err *err);

/** chunk_writer_end(w, err): pad and end the section. Return 0 or -1. */
int chunk_writer_end(struct chunk_writer *w, struct err *err);

/** chunk_writer_count(w, sizes): add to what the trailer will say of the sizes. */
void chunk_writer_count(struct chunk_writer *w, const struct seal_sizes *sizes);

/** chunk_writer_finish(w, length, err): the trailer, after both sections; ${length}: of the whole
 * file. Return 0 or -1. */
int chunk_writer_finish(struct chunk_writer *w, uint64_t *length, struct err *err);

/** chunk_writer_free(w): NULL is fine. What was written stays where it is. */
void chunk_writer_free(struct chunk_writer *w);

/* ---- reading ---- */

struct chunk_reader;

/** chunk_reader_new(out, source, err): read and check the header. Return 0 or -1. */
int chunk_reader_new(struct chunk_reader **out, const struct chunk_source *source, struct err *err);

/** chunk_reader_header(r): what it says; as long as ${r}. */
const struct seal_header *chunk_reader_header(const struct chunk_reader *r);

/** chunk_reader_open(r, secret_key, passphrase, err): with the recovery secret; see
 * seal_header_open. Return 0 or -1. */
int chunk_reader_open(struct chunk_reader *r, const uint8_t *secret_key, const char *passphrase,
                      struct err *err);

/** chunk_reader_open_key(r, file_key, err): with the file key itself (the drill). 0 or -1. */
int chunk_reader_open_key(struct chunk_reader *r, const uint8_t file_key[SEAL_KEY],
                          struct err *err);

/** chunk_reader_section(r, err): begin the next section; the one before must have been read to its
 * end. Not for a reader that was not opened. Return 0 or -1. */
int chunk_reader_section(struct chunk_reader *r, struct err *err);

/** chunk_reader_next(r, data, len, err): the next plain bytes, authenticated, valid until the next
 * call. Return 1, 0 at the section's proven end, or -1. */
int chunk_reader_next(struct chunk_reader *r, const void **data, size_t *len, struct err *err);

/** chunk_reader_ahead(r, fd, sizes, err): how much the file holds, by the trailer at the end of
 * ${fd}, which is the same file and can be read anywhere; ${r} was opened. Return 0 or -1. */
int chunk_reader_ahead(const struct chunk_reader *r, int fd, struct seal_sizes *sizes,
                       struct err *err);

/** chunk_reader_finish(r, length, sizes, err): after both sections: the trailer, its signature, and
 * that nothing follows. ${sizes}: what it tells; NULL: nobody asks. Return 0 or -1. */
int chunk_reader_finish(struct chunk_reader *r, uint64_t *length, struct seal_sizes *sizes,
                        struct err *err);

/** chunk_reader_verify(r, length, err): all that can be checked without a secret: the sections'
 * form, the trailer, its signature, the end. For a reader that was not opened. Return 0 or -1. */
int chunk_reader_verify(struct chunk_reader *r, uint64_t *length, struct err *err);

/** chunk_reader_free(r): NULL is fine. */
void chunk_reader_free(struct chunk_reader *r);

#endif
