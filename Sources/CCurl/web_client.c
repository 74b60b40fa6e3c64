#include "web_client.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// libcurl's interface has been the same since 2006 (its file's number, .so.4), so that its numbers can be written here, and
// a build needs no headers of it. Source: curl.h.
enum option {
    OPTION_URL = 10002,
    OPTION_HTTPHEADER = 10023,
    OPTION_USERAGENT = 10018,
    OPTION_CAINFO = 10065,
    OPTION_ERRORBUFFER = 10010,
    OPTION_WRITEDATA = 10001,
    OPTION_HEADERDATA = 10029,
    OPTION_XFERINFODATA = 10057,
    OPTION_WRITEFUNCTION = 20011,
    OPTION_HEADERFUNCTION = 20079,
    OPTION_XFERINFOFUNCTION = 20219,
    OPTION_LOW_SPEED_LIMIT = 19,
    OPTION_LOW_SPEED_TIME = 20,
    OPTION_NOPROGRESS = 43,
    OPTION_FOLLOWLOCATION = 52,
    OPTION_CONNECTTIMEOUT = 78,
    OPTION_NOSIGNAL = 99,
    OPTION_PROTOCOLS = 181,
    OPTION_TCP_KEEPALIVE = 213,
    OPTION_SUPPRESS_CONNECT_HEADERS = 265,
};
enum { PROTOCOLS_HTTP_AND_HTTPS = 1 | 2 };
enum information { INFO_REDIRECT_URL = 0x10001F, INFO_RETRY_AFTER = 0x600039 };
enum { GLOBAL_DEFAULT = 3, ERROR_SIZE = 256 };
// What curl_easy_perform returns, as far as it matters here.
enum {
    RESOLVE_PROXY = 5,
    RESOLVE_HOST = 6,
    CONNECT = 7,
    PARTIAL_FILE = 18,
    WRITE_ERROR = 23,
    TIMED_OUT = 28,
    SSL_CONNECT = 35,
    ABORTED = 42,
    GOT_NOTHING = 52,
    SEND_ERROR = 55,
    RECEIVE_ERROR = 56,
    PEER_FAILED_VERIFICATION = 60,
    CA_FILE = 77,
    HTTP2_STREAM = 92,
};

static struct {
    int (*global_init)(long flags);
    void *(*easy_init)(void);
    void (*easy_cleanup)(void *);
    void (*easy_reset)(void *);
    int (*easy_setopt)(void *, int, ...);
    int (*easy_perform)(void *);
    int (*easy_getinfo)(void *, int, ...);
    const char *(*easy_strerror)(int);
    void *(*slist_append)(void *, const char *);
    void (*slist_free_all)(void *);
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *problem;

static void *symbol(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) problem = "it lacks functions that libcurl has had since 2006";
    return found;
}

static void load(void) {
    // The same library over OpenSSL, and Debian's over GnuTLS, which its git brings along.
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    void *library = NULL;
    for (size_t index = 0; !library && index < sizeof names / sizeof *names; index++)
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        problem = dlerror();
        return;
    }
    curl.global_init = (int (*)(long))symbol(library, "curl_global_init");
    curl.easy_init = (void *(*)(void))symbol(library, "curl_easy_init");
    curl.easy_cleanup = (void (*)(void *))symbol(library, "curl_easy_cleanup");
    curl.easy_reset = (void (*)(void *))symbol(library, "curl_easy_reset");
    curl.easy_setopt = (int (*)(void *, int, ...))symbol(library, "curl_easy_setopt");
    curl.easy_perform = (int (*)(void *))symbol(library, "curl_easy_perform");
    curl.easy_getinfo = (int (*)(void *, int, ...))symbol(library, "curl_easy_getinfo");
    curl.easy_strerror = (const char *(*)(int))symbol(library, "curl_easy_strerror");
    curl.slist_append = (void *(*)(void *, const char *))symbol(library, "curl_slist_append");
    curl.slist_free_all = (void (*)(void *))symbol(library, "curl_slist_free_all");
    if (!problem && curl.global_init(GLOBAL_DEFAULT)) problem = "it cannot be set up";
}

const char *web_load(void) {
    pthread_once(&once, load);
    return problem;
}

struct web_client {
    void *handle;
    char error[ERROR_SIZE];
};

web_client *web_client_make(void) {
    web_client *client = calloc(1, sizeof *client);
    if (client && !(client->handle = curl.easy_init())) {
        free(client);
        return NULL;
    }
    return client;
}

void web_client_free(web_client *client) {
    curl.easy_cleanup(client->handle);
    free(client);
}

static size_t take_field(char *bytes, size_t size, size_t count, void *context) {
    const struct web_request *request = context;
    return request->field(request->context, (const uint8_t *)bytes, size * count) ? size * count : 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
    const struct web_request *request = context;
    if (size * count == 0) return 0;
    return request->body(request->context, (const uint8_t *)bytes, size * count) ? size * count : 0;
}

static int stops(void *context, int64_t total, int64_t now, int64_t upload_total, int64_t upload_now) {
    (void)total, (void)now, (void)upload_total, (void)upload_now;
    const struct web_request *request = context;
    return !request->goes_on(request->context);
}

static enum web_result result_of(int code) {
    switch (code) {
    case 0: return web_done;
    case RESOLVE_PROXY:
    case RESOLVE_HOST:
    case CONNECT: return web_unreachable;
    case SSL_CONNECT:
    case PEER_FAILED_VERIFICATION:
    case CA_FILE: return web_untrusted;
    case TIMED_OUT: return web_stalled;
    case PARTIAL_FILE:
    case GOT_NOTHING:
    case SEND_ERROR:
    case RECEIVE_ERROR:
    case HTTP2_STREAM: return web_cut_short;
    case WRITE_ERROR:
    case ABORTED: return web_stopped;
    default: return web_failed;
    }
}

// A TLS library may write to a connection that has ended: the signal of that is not for the process.
static int perform(void *handle) {
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const int code = curl.easy_perform(handle);
    const struct timespec now = {0, 0};
    if (!sigismember(&pending, SIGPIPE)) sigtimedwait(&pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

void web_exchange(web_client *client, const struct web_request *request, struct web_answer *answer) {
    memset(answer, 0, sizeof *answer);
    void *handle = client->handle, *fields = NULL;
    for (size_t index = 0; index < request->field_count; index++) {
        void *longer = curl.slist_append(fields, request->fields[index]);
        if (!longer) {
            curl.slist_free_all(fields);
            answer->result = web_failed;
            snprintf(answer->reason, sizeof answer->reason, "out of memory");
            return;
        }
        fields = longer;
    }
    client->error[0] = 0;
    curl.easy_reset(handle); // connections stay open
    curl.easy_setopt(handle, OPTION_URL, request->url);
    curl.easy_setopt(handle, OPTION_HTTPHEADER, fields);
    curl.easy_setopt(handle, OPTION_USERAGENT, request->user_agent);
    if (request->ca_file) curl.easy_setopt(handle, OPTION_CAINFO, request->ca_file);
    curl.easy_setopt(handle, OPTION_ERRORBUFFER, client->error);
    curl.easy_setopt(handle, OPTION_PROTOCOLS, (long)PROTOCOLS_HTTP_AND_HTTPS);
    curl.easy_setopt(handle, OPTION_FOLLOWLOCATION, 0L);
    curl.easy_setopt(handle, OPTION_NOSIGNAL, 1L);
    curl.easy_setopt(handle, OPTION_TCP_KEEPALIVE, 1L);
    curl.easy_setopt(handle, OPTION_SUPPRESS_CONNECT_HEADERS, 1L);
    curl.easy_setopt(handle, OPTION_CONNECTTIMEOUT, request->connect_seconds);
    curl.easy_setopt(handle, OPTION_LOW_SPEED_TIME, request->stall_seconds);
    curl.easy_setopt(handle, OPTION_LOW_SPEED_LIMIT, request->stall_bytes);
    curl.easy_setopt(handle, OPTION_HEADERFUNCTION, take_field);
    curl.easy_setopt(handle, OPTION_HEADERDATA, request);
    curl.easy_setopt(handle, OPTION_WRITEFUNCTION, take_body);
    curl.easy_setopt(handle, OPTION_WRITEDATA, request);
    curl.easy_setopt(handle, OPTION_XFERINFOFUNCTION, stops);
    curl.easy_setopt(handle, OPTION_XFERINFODATA, request);
    curl.easy_setopt(handle, OPTION_NOPROGRESS, 0L);
    const int code = perform(handle);
    answer->result = result_of(code);
    if (code) {
        const char *reason = client->error[0] ? client->error : curl.easy_strerror(code);
        snprintf(answer->reason, sizeof answer->reason, "%s", reason);
    }
    const char *location = NULL;
    curl.easy_getinfo(handle, INFO_REDIRECT_URL, &location);
    if (location && strlen(location) < sizeof answer->location) strcpy(answer->location, location);
    curl.easy_getinfo(handle, INFO_RETRY_AFTER, &answer->retry_after);
    // What the handle refers to is gone when this returns.
    curl.easy_reset(handle);
    curl.slist_free_all(fields);
}
