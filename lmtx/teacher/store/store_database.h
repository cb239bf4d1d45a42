// A connection to a file that is, or becomes, a store of judgments. Internal.
#pragma once

#include <filesystem>

#include "lmtx/detail/sqlite.h"

namespace lmtx::detail {

// Long enough for other processes' commits and checkpoints.
constexpr int store_busy_timeout_ms = 60'000;

// For writing. Makes the tables where the file is new, and brings an older format up to the newest; reads no more than what that takes.
struct StoreDatabase : Database {
  // Throws std::runtime_error naming the file, where it is no store, of a newer format, read-only, cut, or the disk is full.
  explicit StoreDatabase(const std::filesystem::path& file);
};

// Throws std::runtime_error naming the file unless `database` is a store that this version can read, or, false, one that is to be made.
bool is_store(Database& database, const std::filesystem::path& file);

// For calls in which SQLite does not wait for other processes by itself: `call` gives its code.
template <typename Call>
void insist(Database& database, Call call) {
  for (int waited_ms = 0;; waited_ms += 10) {
    const int code = call();
    if (code == SQLITE_OK) return;
    if ((code & 0xff) != SQLITE_BUSY || waited_ms >= store_busy_timeout_ms) database.fail(code);
    sqlite3_sleep(10);
  }
}

// Brings a store to the newest format, in one transaction: after a kill it is as it was, and of several processes one does it.
void migrate_store(Database& database);

}  // namespace lmtx::detail
