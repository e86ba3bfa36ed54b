/* proof.h - what proves to the server, and to us, that a body arrived as it was.
 *
 * Over TLS to AWS the payload is not signed and a CRC64NVME goes in a header; elsewhere its SHA-256 is in the signature, which every server
 * checks. A checksum that the user chose goes in a header wherever the body goes. It is known in all cases: it is compared with what the server
 * says it stored, and a CRC with the bytes that were really sent, so that a body that changed between two readings is found.
 * Source: spec/s3.md 0.3, 1.5, 3.12, 5.1. */
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
    Checksum checksum; /* what the header says, where one is sent: CRC64NVME, or of the kind that was chosen */
    Checksum crc;      /* the same where that is a CRC; else CRC64NVME */
    char checksum_text[CHECKSUM_TEXT_MAX_BYTES + 8];
    char sha256_hex[SHA256_HEX_BYTES + 1];
    char md5_text[S3_PROOF_MD5_TEXT];
    SignedHeader headers[S3_PROOF_HEADERS_MAX]; /* for the request */
    size_t header_count, optional_count;        /* the last of them may be dropped: the payload is signed */

    /* the network thread's while the request runs */
    ChecksumState sent;
    uint64_t sent_bytes; /* of the running attempt; UINT64_MAX: they did not come in order */
} S3Proof;

/* What goes in a header, or NONE: the kind that was chosen; else CRC64NVME, where the settings want it and the server is known to
 * understand it. */
ChecksumKind s3_proof_kind(const S3Client *client);
/* Nobody chose it, so a server that refuses it is asked without. */
bool s3_proof_is_optional(const S3Client *client);
/* "x-amz-checksum-crc64nvme" */
const char *s3_checksum_header(ChecksumKind kind);
/* Reads the piece once. `locked`: the object is to be under object lock, for which S3 wants a Content-MD5 where there is no other
 * checksum in a header. Errors: the body's, CANCELLED, NO_MEMORY. */
MUST_USE Error *s3_proof_make(S3Proof *proof, const S3Client *client, const Cancel *cancel, const PutBody *body,
                              uint64_t offset_bytes, uint64_t size_bytes, bool locked);
/* Gives the request its upload and its payload hash; the headers are the caller's to add. */
void s3_proof_apply(S3Proof *proof, S3Request *request);
/* After the request; passes `take_error` on. CHANGED: other bytes were sent than were proven. CORRUPT: the server stored others. */
MUST_USE Error *s3_proof_judge(const S3Proof *proof, const S3Request *request, Error *take_error);

#endif
