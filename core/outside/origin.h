#ifndef SETT_ORIGIN_H
#define SETT_ORIGIN_H
/*
 * A service asked as a connector would ask it, one layer at a time: is somebody there (TCP), what
 * does it speak (TLS or not), what does it answer (HTTP), does it become a WebSocket (RFC 6455). It
 * changes nothing over there: GETs, and a handshake that is broken off.
 */
#include "http.h"

enum origin_kind {
    ORIGIN_HTTP,   /* http, https, ws, wss */
    ORIGIN_STREAM, /* tcp, ssh, rdp, smb …: only whether somebody is there */
    ORIGIN_UNIX,   /* unix:/path: HTTP over a UNIX socket */
    ORIGIN_NONE    /* http_status:N, hello_world, bastion: the connector answers by itself */
};

struct origin {
    enum origin_kind kind;
    bool tls;
    char host[256], address[48]; /* address: that it was reached at, "" until origin_connect */
    uint32_t port;
    char socket[160];
    char path[256];        /* behind the host in the address that was given, "" if nothing */
    char host_header[256]; /* sent instead of the host's own, "" for that */
    char server_name[256]; /* that the certificate must be for, "" for the host */
    bool no_verify;        /* take any certificate */
    bool public_only;      /* its address is somebody else's word: see address.h */
};

/** origin_parse(text, out, err): "https://localhost:8089/ws", "unix:/run/x.sock", "tcp://…:5060",
 * "http_status:404". ERR_INVALID "service_invalid". Return 0 or -1. */
int origin_parse(const char *text, struct origin *out, struct err *err);

enum origin_reach { ORIGIN_OPEN, ORIGIN_NO_NAME, ORIGIN_REFUSED, ORIGIN_SILENT, ORIGIN_FORBIDDEN };

/** origin_connect(o, err): a TCP (or UNIX) connection, given up at once; o->address becomes where
 * it led. With public_only no address that is not public is connected to, and one name that leads
 * to any such is refused as a whole. Waits at most 3 s. err->text says why not. */
enum origin_reach origin_connect(struct origin *o, struct err *err);

/** origin_ask(c, o, path, websocket, answer, err): GET ${path} at o->address, so that what the name
 * leads to meanwhile does not matter; with ${websocket} as a handshake. As http_call: any status is
 * success; answer->failure says why there is none. Redirects are not followed. Waits at most 4 s.
 * Return 0 or -1. */
int origin_ask(struct http_client *c, const struct origin *o, const char *path, bool websocket,
               struct http_answer *answer, struct err *err);

/** origin_switched(answer): whether it became a WebSocket: 101, Upgrade, and the right
 * Sec-WebSocket-Accept. */
bool origin_switched(const struct http_answer *answer);

/** origin_door(c, url, resolve, websocket, answer, err): the same of a front door: ${url} whole,
 * its name looked up or, with ${resolve}, as http_request has it. Return 0 or -1. */
int origin_door(struct http_client *c, const char *url, const char *resolve, bool websocket,
                bool no_verify, struct http_answer *answer, struct err *err);

#endif
