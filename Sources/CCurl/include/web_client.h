#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Requests over HTTP and HTTPS by libcurl, which is opened when it is first needed and is not linked: who serves models
/// never has it in memory, and need not have it on the disk.

/// Opens libcurl (of whatever TLS library); null when that went well, else a reason that stays valid.
const char *_Nullable web_load(void);

/// One connection or more, kept open between exchanges; used by one thread at a time.
typedef struct web_client web_client;

/// A client, or null when there is no memory. Only after `web_load` went well.
web_client *_Nullable web_client_make(void);
void web_client_free(web_client *_Nonnull client);

/// A GET and who takes its answer. The callbacks say whether to go on.
struct web_request {
    const char *_Nonnull url;
    /// Fields such as "Range: bytes=7-".
    const char *_Nonnull const *_Nonnull fields;
    size_t field_count;
    const char *_Nonnull user_agent;
    /// A PEM file of certificates to trust in place of the system's; null for these.
    const char *_Nullable ca_file;
    long connect_seconds;
    /// The exchange fails when it brought less than `stall_bytes` a second for so long.
    long stall_seconds, stall_bytes;
    void *_Nonnull context;
    /// A line of the answer's head, status line and empty line among them, with its line end.
    bool (*_Nonnull field)(void *_Nonnull context, const uint8_t *_Nonnull line, size_t count);
    bool (*_Nonnull body)(void *_Nonnull context, const uint8_t *_Nonnull bytes, size_t count);
    /// Asked at least once a second.
    bool (*_Nonnull goes_on)(void *_Nonnull context);
};

enum web_result {
    web_done,
    web_unreachable,
    /// The peer's certificate, or what was agreed on.
    web_untrusted,
    web_stalled,
    /// The connection ended before the answer did.
    web_cut_short,
    /// A callback said so.
    web_stopped,
    web_failed,
};

struct web_answer {
    enum web_result result;
    /// Where a redirection leads to, absolute; empty for none.
    char location[4000];
    /// What the peer asks to wait for, in seconds; 0 for nothing.
    int64_t retry_after;
    /// What libcurl says about a failure.
    char reason[512];
};

/// Sends a request and passes on what comes; follows no redirection. HTTPS_PROXY, NO_PROXY and the like are heeded.
void web_exchange(web_client *_Nonnull client, const struct web_request *_Nonnull request,
                  struct web_answer *_Nonnull answer);
