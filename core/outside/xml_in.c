/* Reading XML, the only file that knows expat. Apart so that what a storage server sends is taken
 * in within bounds, once. */
#include "xml_in.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "str.h"

struct reading {
    XML_Parser parser;
    char path[XML_PATH_MAX], text[XML_TEXT_MAX];
    size_t path_len, text_len;
    xml_each *each;
    void *arg;
    bool stopped;
    struct err *err;
};

static void stop(struct reading *r)
{
    r->stopped = true;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void on_start(void *arg, const char *name, const char **attributes)
{
    struct reading *r = arg;
    size_t len = strlen(name);

    (void)attributes;
    if (r->path_len + len + 2 > sizeof r->path) {
        (void)err_set(r->err, ERR_MALFORMED, "xml_deep", "the XML answer is nested too deeply");
        stop(r);
        return;
    }
    if (r->path_len > 0)
        r->path[r->path_len++] = '/';
    memcpy(r->path + r->path_len, name, len + 1);
    r->path_len += len;
    r->text_len = 0;
}

static void on_end(void *arg, const char *name)
{
    struct reading *r = arg;
    size_t len = strlen(name);

    r->text[r->text_len] = '\0';
    if (!r->stopped && r->each(r->arg, r->path, str_trim(r->text), r->err) == -1)
        stop(r);
    r->path_len -= len;
    if (r->path_len > 0)
        r->path_len--;
    r->path[r->path_len] = '\0';
    r->text_len = 0;
}

static void on_text(void *arg, const char *data, int len)
{
    struct reading *r = arg;

    if (r->text_len + (size_t)len >= sizeof r->text) {
        (void)err_set(r->err, ERR_MALFORMED, "xml_long", "the XML answer has a text too long");
        stop(r);
        return;
    }
    memcpy(r->text + r->text_len, data, (size_t)len);
    r->text_len += (size_t)len;
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public, int in)
{
    struct reading *r = arg;

    (void)name;
    (void)system;
    (void)public;
    (void)in;
    (void)err_set(r->err, ERR_MALFORMED, "xml_doctype", "the XML answer has a document type");
    stop(r);
}

int xml_read(const char *data, size_t len, xml_each *each, void *arg, struct err *err)
{
    struct reading r = {.each = each, .arg = arg, .err = err};
    int rc = 0;

    if ((r.parser = XML_ParserCreate(NULL)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to read XML");
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    if (len > INT32_MAX || XML_Parse(r.parser, data, (int)len, 1) != XML_STATUS_OK)
        rc = r.stopped ? -1
                       : err_set(err, ERR_MALFORMED, "xml", "the answer is no XML: %s",
                                 XML_ErrorString(XML_GetErrorCode(r.parser)));
    XML_ParserFree(r.parser);
    return rc;
}
