#include "lmtx/detail/sqlite.h"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

// Makes a file of no bytes; gives the error, 0 for none. Leaves one alone that is there: closing it would release the locks that SQLite has on it in this
// process.
int make_new(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno == EEXIST ? 0 : errno;
  ::close(descriptor);
  return 0;
}

// What the system would say now of a file beside the database.
int error_beside(const std::filesystem::path& file) {
  const std::filesystem::path probe = file.string() + "-probe";
  const int error = make_new(probe);
  ::unlink(probe.c_str());
  return error;
}

// What a user can do something about, in words; the rest as SQLite says it.
std::string explain(int code, sqlite3* connection, const std::filesystem::path& file) {
  // It may quote what a damaged file holds.
  std::string message = one_line(connection ? sqlite3_errmsg(connection) : sqlite3_errstr(code), 500);
  int cause = connection ? sqlite3_system_errno(connection) : 0;
  switch (code & 0xff) {
    case SQLITE_NOTADB: return "the file is no SQLite database, or is damaged.";
    case SQLITE_CORRUPT: return "the database is damaged or truncated.";
    case SQLITE_FULL: return "the disk is full.";
    case SQLITE_READONLY: return "the file cannot be written (read-only).";
    case SQLITE_BUSY: return "the database stayed locked by another process.";
    case SQLITE_ERROR: return message + ".";
    case SQLITE_CANTOPEN:
      if (!std::filesystem::is_regular_file(file)) break;
      // SQLite says that they are not there.
      message = "the files that SQLite keeps beside it (-journal, -wal, -shm) cannot be made";
      cause = error_beside(file);
      break;
    // Of other files than the database it does not pass on what the system said.
    case SQLITE_IOERR: cause = cause ? cause : error_beside(file); break;
    default: break;
  }
  return cause ? message + " (" + std::strerror(cause) + ")." : message + ".";
}

// What SQLite is told to open.
struct Opening {
  std::string name;
  int flags;
};

bool has_bytes(const std::filesystem::path& file) {
  std::error_code none;
  return std::filesystem::file_size(file, none) > 0 && !none;
}

// The path in a URI.
std::string escape(const std::string& path) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string escaped;
  for (const char letter : path) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_plain = std::isalnum(byte) || std::strchr("/._-", letter);
    escaped += is_plain ? std::string(1, letter) : std::string{'%', digits[byte >> 4], digits[byte & 15]};
  }
  return escaped;
}

// To read, SQLite makes files beside the database; where it cannot, it takes the database alone, if all is in there.
Opening opening_of(const std::filesystem::path& file, Database::Access access) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (access == Database::Access::create) return {file.string(), flags | SQLITE_OPEN_CREATE};
  const bool is_writable = ::access(file.c_str(), W_OK) == 0 && ::access(file.parent_path().c_str(), W_OK) == 0;
  if (access == Database::Access::read_write || is_writable) return {file.string(), flags};
  if (has_bytes(file.string() + "-wal")) return {file.string(), SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX};
  return {"file:" + escape(file.string()) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI};
}

}  // namespace

Database::Database(const std::filesystem::path& file, Access access, int busy_timeout_ms) : file_(file) {
  // SQLite gives names such as ":memory:" a meaning of their own; an absolute path has none.
  const std::filesystem::path path = std::filesystem::absolute(file);
  const Opening opening = opening_of(path, access);
  int code = connect(opening.name, opening.flags);
  if ((code & 0xff) == SQLITE_CANTOPEN && access == Access::create) {
    // SQLite does not say why.
    if (const int error = make_new(path)) throw std::runtime_error(path.string() + ": cannot be made (" + std::strerror(error) + ").");
    code = connect(opening.name, opening.flags);
  }
  if (code != SQLITE_OK) fail(code);
  sqlite3_extended_result_codes(handle(), 1);
  // A damaged or hostile file is read with care.
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  execute("PRAGMA cell_size_check = ON");
  if (access == Access::read_only) execute("PRAGMA query_only = ON");
  sqlite3_busy_timeout(handle(), busy_timeout_ms);
}

int Database::connect(const std::string& path, int flags) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  connection_.reset(connection);
  return code;
}

std::string Database::first_bytes(int count) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  std::string bytes(static_cast<size_t>(count), '\0');
  const int code = file->pMethods->xRead(file, bytes.data(), count, 0);
  // Filled up with zeros.
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) fail(code);
  return bytes;
}

void Database::fail(int code) const { throw std::runtime_error(file_.string() + ": " + explain(code, connection_.get(), file_)); }

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

int64_t Database::integer(const char* sql) {
  Statement statement(*this, sql);
  statement.step();
  return statement.integer(0);
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  statement.step();
  return statement.text(0);
}

bool Database::read_only() const { return sqlite3_db_readonly(handle(), "main") == 1; }

Statement::Statement(Database& database, const char* sql) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  check(code);
}

Statement& Statement::check(int code) {
  if (code != SQLITE_OK) database_.fail(code);
  return *this;
}

Statement& Statement::bind(int index, int64_t value) { return check(sqlite3_bind_int64(statement_.get(), index, value)); }
Statement& Statement::bind(int index, double value) { return check(sqlite3_bind_double(statement_.get(), index, value)); }
Statement& Statement::bind_null(int index) { return check(sqlite3_bind_null(statement_.get(), index)); }

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer, which an empty view may hold, would bind NULL.
  return check(sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

Statement& Statement::bind(int index, std::span<const uint8_t> bytes) {
  return check(sqlite3_bind_blob64(statement_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  try {
    if (code != SQLITE_DONE) database_.fail(code);
  } catch (...) {
    reset();
    throw;
  }
  reset();
  return false;
}

void Statement::run() {
  while (step()) continue;
}

// Its result repeats the error of the last step(), which was thrown already.
void Statement::reset() { sqlite3_reset(statement_.get()); }

std::string Statement::text(int column) const {
  const void* text = sqlite3_column_text(statement_.get(), column);
  return text ? std::string(static_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))) : std::string();
}

std::span<const uint8_t> Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  return {static_cast<const uint8_t*>(bytes), bytes ? static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)) : 0};
}

// A writer takes its lock at the start: a reader that turns writer later could be refused without waiting.
Transaction::Transaction(Database& database, Kind kind) : database_(database) { database.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"); }

Transaction::~Transaction() {
  // May fail where SQLite has rolled back by itself (disk full), which is what is wanted.
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace lmtx::detail
