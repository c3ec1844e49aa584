// Every limit of the store, in one place. docs/limits.md explains each; tests/base/limits_test.cc keeps the two equal
// and every limit has a test that goes one past it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unirust::limits {

// --- one record -----------------------------------------------------------------------------
inline constexpr size_t kIdentityPartBytesMax = 1024;     // entity type, perspective, uid: each
inline constexpr size_t kAttributeBytesMax = 1024;        // an attribute's name
inline constexpr size_t kValueBytesMax = 64 * 1024;       // a descriptor's value
inline constexpr size_t kDescriptorsPerRecordMax = 65535; // before coalescing
inline constexpr size_t kKeyInstancesMax = 1024;          // semantics.md, 4.1

// --- one request ----------------------------------------------------------------------------
inline constexpr size_t kMessageBytesMax = 4 * 1024 * 1024;   // gRPC message received
inline constexpr uint64_t kDecodedBytesMax = 64ULL << 20U;     // that a message takes in memory
inline constexpr size_t kSmallRequestBytesMax = 4096;         // requests that need no room of their own
inline constexpr size_t kRecordsPerRequestMax = 20000;        // records in one ingest request or chunk
inline constexpr size_t kErasuresPerRequestMax = 1000;         // records that one request erases, in one commit
inline constexpr size_t kQueryDescriptorsMax = 64;            // pairs in one query
inline constexpr size_t kQueryMatchesMax = 100000;             // matches that one unary query may gather
inline constexpr size_t kPageItemsDefault = 1000;             // items of a page where the request says 0
inline constexpr size_t kPageItemsMax = 10000;                // items of a page
inline constexpr size_t kPageBytesMax = 1024 * 1024;          // a page, unless it is a single item
inline constexpr size_t kPageRowsReadMax = 10000;             // rows read for one page
inline constexpr size_t kPageBytesReadMax = 16 * 1024 * 1024;  // bytes of the records read for one page
inline constexpr uint64_t kSweepBytes = 48ULL << 20U;          // that one export takes for rows of entities
inline constexpr size_t kUnaryAnswerBytesMax = 3 * 1024 * 1024;  // a unary answer; beyond: use the stream
inline constexpr size_t kCursorBytesMax = 8 * 1024;           // a resumption cursor
inline constexpr size_t kAnswerBytesMax = 64 * 1024 * 1024;   // gRPC message that our own clients receive
inline constexpr size_t kRequestIdBytesMax = 64;              // a client's x-request-id
inline constexpr size_t kStatusMessageBytesMax = 2048;        // message of a gRPC status

// --- one daemon -----------------------------------------------------------------------------
inline constexpr size_t kCommitRecordsMax = 1000;      // records gathered into one commit
// What a record of a commit takes in memory from its resolution until the next commit is written, for three commits.
inline constexpr uint64_t kCommitBytesPerRecord = 32U << 10U;
inline constexpr size_t kChunksInFlightMax = 16;        // unanswered chunks of one ingest stream
inline constexpr size_t kServerThreadsMax = 512;       // threads that serve requests
inline constexpr size_t kIdleServerThreadsMax = 64;    // of these, that wait for requests; others end
inline constexpr size_t kCallsMax = 448;               // calls that a server answers at once; threads are left over
inline constexpr size_t kCallsPerMethodMax = 128;      // of these, unary ones of one method
inline constexpr size_t kAnswerStreamsMax = 32;        // of these, streams of answers; in a shard twice as many
inline constexpr size_t kAnswerStreamsKept = 8;        // of these, for clients that are known to read,
inline constexpr size_t kReadersKnownMax = 4096;       // as so many connections may be,
inline constexpr uint64_t kPromptAnswerMsMax = 1'000;  // by taking each answer within this
inline constexpr size_t kRequestStreamsMax = 64;       // of these, streams of requests
inline constexpr size_t kGraphExportsMax = 4;          // exports of the whole graph at once
inline constexpr int kReadAttemptsMax = 4;             // of a router, where the shard answers UNAVAILABLE: after
inline constexpr uint64_t kReadBackoffMs = 100;        // so long it asks again, then after twice as long, and so on
inline constexpr uint64_t kRetryAfterMs = 100;         // what refused clients are told to wait
inline constexpr uint64_t kStalledAnswerMsMax = 60'000;   // for which a client may leave an answer unread,
inline constexpr uint64_t kStalledAnswerFullMsMax = 5'000;  // where another one has no place else
inline constexpr uint64_t kKeepaliveMs = 30'000;          // of silence, until a client is asked whether it is there,
inline constexpr uint64_t kKeepaliveAnswerMsMax = 20'000; // and for its answer
inline constexpr uint64_t kClientPingMsMin = 2'000;       // between a client's own such questions; else it is let go
inline constexpr uint64_t kTransportBytesMax = 256ULL << 20U;  // of connections, and what they received and no call has
inline constexpr size_t kDrainMsMax = 5000;            // until running requests are cancelled at shutdown
inline constexpr size_t kScrapesMax = 2;               // scrapes of /metrics at once
inline constexpr size_t kScrapeRequestMsMax = 5000;    // for a scrape to send its request

inline constexpr size_t kSymbolCacheEntriesMax = 65536;  // symbols held in memory
inline constexpr uint64_t kMemoryBudgetBytesMin = 64ULL << 20U;
inline constexpr uint64_t kPurgeLookSeconds = 60;  // between two looks whether a purge is due
inline constexpr uint64_t kBackupRetrySecondsMax = 300;  // after a scheduled backup that failed
// Bytes of RocksDB's logs, beyond which it flushes what the oldest ones hold. An opening replays them.
inline constexpr uint64_t kLogBytesMax = 128ULL << 20U;
inline constexpr uint64_t kLogBytesLeftMax = 8ULL << 20U;  // of these, after an orderly end
inline constexpr size_t kLogsMarkedMax = 4000;           // logs of RocksDB that commit-mark knows
inline constexpr size_t kImageAttemptsMax = 1000;        // looks at a directory until two in turn are equal
inline constexpr size_t kReadOnlyAttemptsMax = 100;       // openings of a directory whose files change meanwhile

// --- answers --------------------------------------------------------------------------------
inline constexpr size_t kConflictNamesMax = 100;  // records or entities listed in one conflict (semantics.md, 8)
inline constexpr size_t kNeighbourhoodRecordsMax = 10000;  // records of the entities of one neighbourhood

// --- large shapes: how they are stored from then on (docs/resolution.md, 7 and 8) -----------------
inline constexpr size_t kLargeEntityRecordsMin = 128;  // records of an entity
inline constexpr size_t kLargeBlockKidsMin = 128;      // blocks that a block is made of
inline constexpr size_t kLargeGroupPiecesMin = 128;    // pieces of a group

// --- ontology -------------------------------------------------------------------------------
inline constexpr size_t kOntologyBytesMax = 1024 * 1024;  // JSON text
inline constexpr size_t kOntologyNameBytesMax = 1024;         // name or attribute of a rule

// --- input files ----------------------------------------------------------------------------
inline constexpr size_t kInputLineBytesMax = 16 * 1024 * 1024;  // a line of JSON Lines, a CSV row, a CSV record's rows
inline constexpr size_t kCsvMappingBytesMax = 1024 * 1024;      // JSON text

// --- workload -------------------------------------------------------------------------------
inline constexpr uint64_t kWorkloadRecordsMax = 10'000'000'000;  // identities that are all different

// --- cluster --------------------------------------------------------------------------------
inline constexpr size_t kEpochsKept = 8;              // last states of a part that can be read
inline constexpr uint64_t kDeliveryRetryMsMin = 20;   // until a part that could not be reached is asked again; doubles
inline constexpr uint64_t kDeliveryRetryMsMax = 1000;
inline constexpr uint64_t kPartDeadlineMs = 30000;       // of a call to another part,
inline constexpr uint64_t kPartBytesPerMsMin = 1024;     // and more for what it has to carry
inline constexpr uint64_t kPartStatusDeadlineMs = 2000;  // of the question how a part is
inline constexpr uint64_t kPartKeepaliveMs = 5000;         // of silence, until a part is asked whether it is there,
inline constexpr uint64_t kPartKeepaliveAnswerMsMax = 5000;  // and for its answer
inline constexpr uint64_t kPartPatienceMs = 5000;        // a part fails so long until requests wait for it no more
inline constexpr size_t kPartPageRowsMax = 1024;         // rows that one call to another part asks for
inline constexpr size_t kPartStatesMax = 1024;           // states of a part that are kept for readers elsewhere
inline constexpr uint64_t kPartStateIdleSecondsMax = 600;  // until one that nobody reads is dropped
inline constexpr uint64_t kPartSignMs = 1000;  // a part that makes its files anew says so often that it goes on
inline constexpr size_t kPartsMax = 256;                   // of a store
inline constexpr size_t kSlotRowsBytesMax = 2 * 1024 * 1024;  // of rows of moving slots that one epoch takes
inline constexpr size_t kSlotRowsReadMax = 20000;             // rows that are looked at for it

// --- access ---------------------------------------------------------------------------------
inline constexpr size_t kPrincipalsMax = 10'000;       // of one access file
inline constexpr size_t kPrincipalNameBytesMax = 64;   // of the name of one
inline constexpr uint64_t kAuditFileBytesMax = 64 * 1024 * 1024;  // of the audit log until the next file begins

// --- tenants --------------------------------------------------------------------------------
inline constexpr size_t kTenantsMax = 64;                // of one daemon, besides the default one
inline constexpr size_t kTenantNameBytesMax = 63;        // of the name of one
inline constexpr uint64_t kTenantRequestsMax = 1'000'000;  // a second, and in a burst, that a quota may allow

// --- addresses ------------------------------------------------------------------------------
inline constexpr uint32_t kSlots = 1024;
inline constexpr uint32_t kRecordsPerSlotMax = (1U << 22U) / 2;  // half of a slot's record ids

}  // namespace unirust::limits
