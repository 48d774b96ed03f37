#ifndef SETT_SSH_KEY_H
#define SETT_SSH_KEY_H
/* Keys of SSH as OpenSSH writes them down. Source: its PROTOCOL.key, RFC 4253 part 6.6, RFC 8709.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSH_KEY_SEED        32
#define SSH_KEY_PUBLIC_SIZE 200  /* "ssh-ed25519 AAAA… comment" */
#define SSH_KEY_FILE_SIZE   600  /* a private key's file */
#define SSH_KEY_LINE_SIZE   1100 /* any host's public key: RSA of 4096 bits is 730 characters */
#define SSH_KEY_PRINT_SIZE  52   /* "SHA256:" and 43 characters */

/** ssh_key_public(out, seed, comment): the public half of the Ed25519 key of this seed, as a line
 * for authorized_keys. 0 or -1. */
int ssh_key_public(char out[SSH_KEY_PUBLIC_SIZE], const uint8_t seed[SSH_KEY_SEED],
                   const char *comment);

/** ssh_key_file(out, seed, comment): its private half, as ssh reads it from a file. 0 or -1. */
int ssh_key_file(char out[SSH_KEY_FILE_SIZE], const uint8_t seed[SSH_KEY_SEED],
                 const char *comment);

/** ssh_key_line(text): whether it is "TYPE BASE64" with a type that a host may have, and one that
 * the base64 says, too. */
bool ssh_key_line(const char *text);

/** ssh_key_print(out, line): "SHA256:…" of a key's line. 0, or -1 if it is none. */
int ssh_key_print(char out[SSH_KEY_PRINT_SIZE], const char *line);

#endif
