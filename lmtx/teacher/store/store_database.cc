#include "lmtx/teacher/store/store_database.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "lmtx/detail/fault.h"
#include "lmtx/teacher/store/format.h"

namespace lmtx::detail {

namespace fs = std::filesystem;

namespace {

// Made and not yet filled, or just touched; true also for a file of no bytes.
bool is_empty(Database& database) { return database.integer("SELECT count(*) FROM sqlite_master") == 0 && database.integer("PRAGMA user_version") == 0; }

// Views in place of tables, or triggers, could do anything.
void check_tables(Database& database, const fs::path& file) {
  const int64_t tables = database.integer("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('teachers', 'runs', 'answers', 'judgments')");
  const int64_t triggers = database.integer("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'");
  if (tables != 4 || triggers != 0) throw std::runtime_error(file.string() + ": the judgment store lacks tables or has triggers.");
}

// False for an empty database, true for a store of ours.
bool has_schema(Database& database, const fs::path& file) {
  // In this order: another process may make the tables in between, in one transaction with the application id.
  const bool empty = is_empty(database);
  const int64_t application = database.integer("PRAGMA application_id");
  if (application == 0 && empty) return false;
  if (application != store_application_id) throw std::runtime_error(file.string() + ": an SQLite database, but no judgment store of LMTX.");
  const int64_t format = database.integer("PRAGMA user_version");
  if (format > newest_store_format) {
    throw std::runtime_error(file.string() + ": the judgment store has format " + std::to_string(format) + ", but this version of LMTX reads up to format " +
                             std::to_string(newest_store_format) + "; a newer version is needed.");
  }
  if (format < 1) throw std::runtime_error(file.string() + ": the judgment store has no valid format number (" + std::to_string(format) + ").");
  check_tables(database, file);
  return true;
}

// SQLite takes a file of a few bytes for an empty one, and fills up a last page that is cut with zeros.
void check_file(Database& database, const fs::path& file) {
  const auto size_of = [](const fs::path& of) -> uintmax_t {
    std::error_code none;
    const auto size = fs::file_size(of, none);
    return none ? 0 : size;
  };
  const auto size = size_of(file);
  // A journal is what a kill left: SQLite brings the file in order with it.
  if (size == 0 || size_of(file.string() + "-journal") > 0) return;
  const std::string header = database.first_bytes(100);
  constexpr std::string_view mark("SQLite format 3\0", 16);
  if (!header.starts_with(mark)) throw std::runtime_error(file.string() + ": the file is no SQLite database, or is damaged.");
  // While there is a log, another process may be at work on the file.
  if (size_of(file.string() + "-wal") > 0) return;
  const unsigned page_size = static_cast<uint8_t>(header[16]) * 256u + static_cast<uint8_t>(header[17]);  // 1 stands for 65,536
  if (size < header.size() || (page_size >= 512 && size % page_size != 0)) throw std::runtime_error(file.string() + ": the database is damaged or truncated.");
}

// Two processes that make one store at the same moment may refuse each other here.
void use_write_ahead_log(Database& database) {
  insist(database, [&] { return sqlite3_exec(database.handle(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr); });
}

void make_schema(Database& database, const fs::path& file) {
  Transaction transaction(database, Transaction::Kind::write);
  // Another process may have been faster.
  if (!has_schema(database, file)) database.execute(store_schema);
  transaction.commit();
}

}  // namespace

bool is_store(Database& database, const fs::path& file) {
  check_file(database, file);
  return has_schema(database, file);
}

StoreDatabase::StoreDatabase(const fs::path& file) : Database(file, Access::create, store_busy_timeout_ms) {
  if (read_only()) fail(SQLITE_READONLY);
  const bool is_new = !is_store(*this, file);
  use_write_ahead_log(*this);
  // Survives the end of the process; after a power cut the last commits may be missing.
  execute("PRAGMA synchronous = NORMAL");
  // Keys are as if random: pages are met again and again. What goes from the log into the file is written and flushed there once for many answers.
  execute("PRAGMA cache_size = -65536");
  execute("PRAGMA wal_autocheckpoint = 8192");
  if (is_new) make_schema(*this, file);
  migrate_store(*this);
}

}  // namespace lmtx::detail
