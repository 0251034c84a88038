/* The floor of the bench: mailwatch's four default conversations in bare C with OpenSSL.
 *
 * Once a second, one after the other: SMTP (greeting, EHLO, QUIT), the same over TLS, IMAP over
 * TLS (greeting, CAPABILITY, LOGOUT), and HTTPS (GET, the status and the whole page). Each is a new
 * connection with a full handshake, no certificate is verified, and close_notify is said. Nothing
 * is recorded and nothing is decided: no watcher that holds these conversations can cost less.
 *
 * Usage: floor ADDRESS. It ends with 1 and one sentence as soon as a conversation fails.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define TIMEOUT_S 5

struct step {
    const char *say;    /* NULL where the server speaks first */
    const char *expect; /* what begins the last line of its answer; NULL: read to the end */
};

static const struct step smtp[] = {
    {NULL, "220 "}, {"EHLO [127.0.0.1]\r\n", "250 "}, {"QUIT\r\n", "221 "}, {0}};
static const struct step imap[] = {
    {NULL, "* OK"}, {"a1 CAPABILITY\r\n", "a1 OK"}, {"a9 LOGOUT\r\n", "a9 OK"}, {0}};
static const struct step http[] = {
    {"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: floor\r\nAccept: */*\r\n"
     "Connection: close\r\n\r\n", NULL}, {0}};

static const struct service {
    int port;
    int tls;
    const struct step *steps;
} services[] = {{25, 0, smtp}, {465, 1, smtp}, {993, 1, imap}, {443, 1, http}};

static int failed(const struct service *service, const char *what)
{
    fprintf(stderr, "Port %d: %s.\n", service->port, what);
    return -1;
}

static int put(int fd, SSL *ssl, const char *text)
{
    int size = strlen(text);
    return (ssl ? SSL_write(ssl, text, size) : (int)write(fd, text, size)) == size ? 0 : -1;
}

static int get(int fd, SSL *ssl, char *into, int size)
{
    return ssl ? SSL_read(ssl, into, size) : (int)read(fd, into, size);
}

/* Read until the last line begins with `expect`, or to the end of the stream where it is NULL. */
static int hear(int fd, SSL *ssl, const char *expect)
{
    char text[65536];
    int got, held = 0;

    while ((got = get(fd, ssl, text + held, (int)sizeof text - 1 - held)) > 0) {
        held += got;
        text[held] = '\0';
        if (expect == NULL) {
            if (strncmp(text, "HTTP/1.1 200 ", 13) != 0)
                return -1;
            continue;
        }
        if (text[held - 1] != '\n')
            continue;
        text[held - 1] = '\0';
        char *line = strrchr(text, '\n');
        line = line ? line + 1 : text;
        text[held - 1] = '\n';
        if (strncmp(line, expect, strlen(expect)) == 0)
            return 0;
    }
    return expect == NULL && held > 0 ? 0 : -1;
}

static int converse(const struct service *service, int fd, SSL *ssl)
{
    if (ssl && (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1))
        return failed(service, "the TLS handshake failed");
    for (const struct step *step = service->steps; step->say || step->expect; step++) {
        if (step->say && put(fd, ssl, step->say) != 0)
            return failed(service, "the connection broke");
        if (hear(fd, ssl, step->expect) != 0)
            return failed(service, "another answer came than was expected");
    }
    if (ssl)
        SSL_shutdown(ssl);
    return 0;
}

static int check(const struct service *service, const char *address, SSL_CTX *context)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(service->port)};
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = service->tls ? SSL_new(context) : NULL;
    int outcome = -1;

    if (fd < 0 || (service->tls && ssl == NULL) || inet_pton(AF_INET, address, &peer.sin_addr) != 1
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0
        || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0
        || connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0)
        failed(service, strerror(errno));
    else
        outcome = converse(service, fd, ssl);
    SSL_free(ssl);
    if (fd >= 0)
        close(fd);
    return outcome;
}

int main(int argc, char **argv)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct timespec next;

    if (argc != 2 || context == NULL) {
        fprintf(stderr, "Usage: floor ADDRESS\n");
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts(OpenSSL_version(OPENSSL_VERSION));
        return 0;
    }
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (;;) {
        for (size_t i = 0; i < sizeof services / sizeof *services; i++)
            if (check(&services[i], argv[1], context) != 0)
                return 1;
        next.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}
