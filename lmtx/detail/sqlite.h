// SQLite with messages that name the file. Internal: no public header includes it. Its code lies in lmtx/teacher/, the one folder that links SQLite.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lmtx::detail {

// A connection; belongs to one thread at a time. Every fault is a std::runtime_error that names the file.
class Database {
 public:
  enum class Access {
    // Makes the file where it is not there.
    create,
    read_write,
    // Changes nothing; also where neither the file nor its folder can be written. Such a file must not change meanwhile, unless a log lies beside it.
    read_only,
  };

  // Opens the file. Locks of other processes are waited for, up to `busy_timeout_ms`.
  Database(const std::filesystem::path& file, Access access, int busy_timeout_ms);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs statements that give no rows.
  void execute(const char* sql);
  // The first column of the first row.
  int64_t integer(const char* sql);
  std::string text(const char* sql);
  bool read_only() const;
  // Of the file, as SQLite has it open: to open and close it besides would release the locks that this process has on it. Zeros where it is shorter.
  std::string first_bytes(int count);
  // Throws what `code` and the connection say about the last call.
  [[noreturn]] void fail(int code) const;
  sqlite3* handle() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  int connect(const std::string& path, int flags);

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> connection_;
};

// A prepared statement. Texts and bytes bound to it must live until the next reset().
class Statement {
 public:
  Statement(Database& database, const char* sql);

  // Parameters count from 1, columns from 0.
  Statement& bind(int index, int64_t value);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::span<const uint8_t> bytes);
  Statement& bind_null(int index);
  // Goes to the next row; false, and ready to be bound again, where there is none.
  bool step();
  // For statements that give no rows.
  void run();
  void reset();
  int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
  std::string text(int column) const;
  // Until the next step() or reset().
  std::span<const uint8_t> blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement& check(int code);

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// All or nothing: undone unless commit() was called.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Database& database, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace lmtx::detail
