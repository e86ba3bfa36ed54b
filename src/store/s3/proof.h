/* proof.h - what proves to the server, and to us, that a body arrived as it was.
 *
 * Over TLS to AWS the payload is not signed and a CRC64NVME goes in a header; elsewhere its SHA-256 is in the signature, which every server
 * checks. The CRC is known in both cases: it is compared with what the server says it stored, and with the bytes that were really
 * sent, so that a body that changed between two readings is found. Source: spec/s3.md 0.3, 1.5, 3.12, 5.1. */
#ifndef STORE_S3_PROOF_H
#define STORE_S3_PROOF_H

#include "store/checksum.h"
#include "store/s3/request.h"

enum { S3_PROOF_HEADERS_MAX = 3, S3_PROOF_MD5_TEXT = 25 };

/* Of a whole body or a part of it. Not to be moved between s3_proof_make and the end of the request. */
typedef struct S3Proof {
    const PutBody *body;
    uint64_t offset_bytes, size_bytes;
    bool unsigned_payload;
    Checksum crc; /* CRC64NVME */
    char crc_text[CHECKSUM_TEXT_MAX_BYTES + 8];
    char sha256_hex[SHA256_HEX_BYTES + 1];
    char md5_text[S3_PROOF_MD5_TEXT];
    SignedHeader headers[S3_PROOF_HEADERS_MAX]; /* for the request */
    size_t header_count, optional_count;        /* the last of them may be dropped: the payload is signed */

    /* the network thread's while the request runs */
    ChecksumState sent;
    uint64_t sent_bytes; /* of the running attempt; UINT64_MAX: they did not come in order */
    unsigned
        times_begun; /* sendings that began: libcurl repeats one itself when a connection that it used again was dead */
} S3Proof;

/* The settings want checksums in headers, and the server is known to understand them. */
bool s3_proof_has_crc(const S3Client *client);
/* Reads the piece once. `locked`: the object is to be under object lock, for which S3 wants a Content-MD5 where there is no other
 * checksum in a header. Errors: the body's, CANCELLED, NO_MEMORY. */
MUST_USE Error *s3_proof_make(S3Proof *proof, const S3Client *client, const Cancel *cancel, const PutBody *body,
                              uint64_t offset_bytes, uint64_t size_bytes, bool locked);
/* Gives the request its upload and its payload hash; the headers are the caller's to add. */
void s3_proof_apply(S3Proof *proof, S3Request *request);
/* After the request; passes `take_error` on. CHANGED: other bytes were sent than were proven. CORRUPT: the server stored others. */
MUST_USE Error *s3_proof_judge(const S3Proof *proof, const S3Request *request, Error *take_error);

#endif
