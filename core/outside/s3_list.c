/* What is in a bucket: objects, uploads that were begun, their parts. Apart from the single calls
 * because these are read from XML, page by page. */
#include "s3.h"

#include <string.h>

#include "clock.h"
#include "http.h"
#include "s3_call.h"
#include "str.h"
#include "xml_in.h"

#define PAGES_MAX 100000 /* a server that never ends its list */

/* What is read of one page, whichever list it is of. */
struct page {
    const struct s3 *s;
    const char *item; /* path of an entry */
    struct s3_object object;
    struct s3_upload upload;
    struct s3_part part;
    bool ours; /* the entry's key is one of ours */
    bool more;
    char next[S3_UPLOAD_MAX], next_key[1100];
    int (*each_object)(void *arg, const struct s3_object *object, struct err *err);
    int (*each_upload)(void *arg, const struct s3_upload *upload, struct err *err);
    int (*each_part)(void *arg, const struct s3_part *part, struct err *err);
    void *arg;
};

/* The key without the prefix; whatever lies in folders below is not ours. */
static void take_key(struct page *p, const char *text)
{
    const char *name = text + strlen(p->s->prefix);

    p->ours = str_starts(text, p->s->prefix) && strchr(name, '/') == NULL &&
              str_copy(p->object.key, sizeof p->object.key, name) == 0 &&
              str_copy(p->upload.key, sizeof p->upload.key, name) == 0;
}

static int take_field(struct page *p, const char *name, const char *text)
{
    uint64_t number = 0;

    if (str_equal(name, "Key")) {
        take_key(p, text);
    } else if (str_equal(name, "Size")) {
        (void)str_u64(text, 0, UINT64_MAX, &p->object.bytes);
        p->part.length = p->object.bytes;
    } else if (str_equal(name, "LastModified")) {
        (void)clock_parse(text, &p->object.stored_at);
    } else if (str_equal(name, "UploadId")) {
        if (str_copy(p->upload.id, sizeof p->upload.id, text) == -1)
            p->ours = false;
    } else if (str_equal(name, "Initiated")) {
        (void)clock_parse(text, &p->upload.begun_at);
    } else if (str_equal(name, "PartNumber")) {
        if (str_u64(text, 1, 10000, &number) == 0)
            p->part.number = (uint32_t)number;
    } else if (str_equal(name, "ETag")) {
        (void)str_copy(p->part.etag, sizeof p->part.etag, text);
    } else if (str_equal(name, "ChecksumSHA256")) {
        (void)str_copy(p->part.checksum, sizeof p->part.checksum, text);
    }
    return 0;
}

static int end_item(struct page *p, struct err *err)
{
    int rc = 0;

    if (p->each_part != NULL)
        rc = p->part.number == 0 ? 0 : p->each_part(p->arg, &p->part, err);
    else if (p->ours)
        rc = p->each_object != NULL ? p->each_object(p->arg, &p->object, err)
                                    : p->each_upload(p->arg, &p->upload, err);
    memset(&p->object, 0, sizeof p->object);
    memset(&p->upload, 0, sizeof p->upload);
    memset(&p->part, 0, sizeof p->part);
    p->ours = false;
    return rc;
}

static int on_element(void *arg, const char *path, const char *text, struct err *err)
{
    struct page *p = arg;
    size_t len = strlen(p->item);
    const char *name = strchr(path, '/');

    if (str_equal(path, p->item))
        return end_item(p, err);
    if (str_starts(path, p->item) && path[len] == '/')
        return take_field(p, path + len + 1, text);
    if (name == NULL)
        return 0;
    name++;
    if (str_equal(name, "IsTruncated"))
        p->more = str_equal(text, "true");
    else if (str_equal(name, "NextContinuationToken") || str_equal(name, "NextUploadIdMarker") ||
             str_equal(name, "NextPartNumberMarker"))
        return str_copy(p->next, sizeof p->next, text) == -1
                   ? err_set(err, ERR_MALFORMED, "s3_page", "the mark of a page is too long")
                   : 0;
    else if (str_equal(name, "NextKeyMarker"))
        return str_copy(p->next_key, sizeof p->next_key, text) == -1
                   ? err_set(err, ERR_MALFORMED, "s3_page", "the mark of a page is too long")
                   : 0;
    return 0;
}

/* One page after another: ${write} makes its query from the last one's marks. */
static int pages(struct s3 *s, struct page *p, const char *key,
                 int (*write)(const struct page *p, const char *arg, char *out, size_t size),
                 const char *arg, struct err *err)
{
    char url[S3_URL_MAX], query[S3_URL_MAX];
    struct transfer_request r = {.method = "GET", .url = url};

    for (unsigned i = 0; i < PAGES_MAX; i++) {
        if (write(p, arg, query, sizeof query) == -1)
            return err_set(err, ERR_TOO_LARGE, "s3_url", "the query of a list is too long");
        p->more = false;
        p->next[0] = p->next_key[0] = '\0';
        if (s3_url(s, url, key, query, err) == -1 || s3_call(s, &r, err) == -1 ||
            xml_read(s->answer.body.data, s->answer.body.len, on_element, p, err) == -1)
            return -1;
        if (!p->more || (p->next[0] == '\0' && p->next_key[0] == '\0'))
            return 0;
    }
    return err_set(err, ERR_MALFORMED, "s3_page", "the list does not end");
}

static int object_query(const struct page *p, const char *prefix, char *out, size_t size)
{
    char mark[3 * S3_UPLOAD_MAX], safe[1300], whole[430];

    if (str_format(whole, sizeof whole, "%s%s", p->s->prefix, prefix) == -1 ||
        http_escape(safe, sizeof safe, whole) == -1 ||
        http_escape(mark, sizeof mark, p->next) == -1)
        return -1;
    return str_format(out, size, "%s%s%slist-type=2&prefix=%s",
                      mark[0] == '\0' ? "" : "continuation-token=", mark,
                      mark[0] == '\0' ? "" : "&", safe);
}

static int upload_query(const struct page *p, const char *prefix, char *out, size_t size)
{
    char mark[3 * S3_UPLOAD_MAX], key[3300], safe[1300], whole[430];
    bool first = p->next_key[0] == '\0';

    if (str_format(whole, sizeof whole, "%s%s", p->s->prefix, prefix) == -1 ||
        http_escape(safe, sizeof safe, whole) == -1 ||
        http_escape(key, sizeof key, p->next_key) == -1 ||
        http_escape(mark, sizeof mark, p->next) == -1)
        return -1;
    return str_format(out, size, "%s%s%sprefix=%s%s%s&uploads=", first ? "" : "key-marker=", key,
                      first ? "" : "&", safe, first ? "" : "&upload-id-marker=", mark);
}

static int part_query(const struct page *p, const char *id, char *out, size_t size)
{
    char safe[3 * S3_UPLOAD_MAX];
    bool first = p->next[0] == '\0';

    if (http_escape(safe, sizeof safe, id) == -1)
        return -1;
    return str_format(out, size, "%s%s%suploadId=%s", first ? "" : "part-number-marker=", p->next,
                      first ? "" : "&", safe);
}

int s3_list(struct s3 *s, const char *prefix,
            int (*each)(void *arg, const struct s3_object *object, struct err *err), void *arg,
            struct err *err)
{
    struct page p = {.s = s, .item = "ListBucketResult/Contents", .each_object = each, .arg = arg};

    return pages(s, &p, NULL, object_query, prefix, err);
}

int s3_uploads(struct s3 *s, const char *prefix,
               int (*each)(void *arg, const struct s3_upload *upload, struct err *err), void *arg,
               struct err *err)
{
    struct page p = {
        .s = s, .item = "ListMultipartUploadsResult/Upload", .each_upload = each, .arg = arg};

    return pages(s, &p, NULL, upload_query, prefix, err);
}

int s3_parts(struct s3 *s, const char *key, const char *id,
             int (*each)(void *arg, const struct s3_part *part, struct err *err), void *arg,
             struct err *err)
{
    struct page p = {.s = s, .item = "ListPartsResult/Part", .each_part = each, .arg = arg};

    return pages(s, &p, key, part_query, id, err);
}
