#include "lmtx/teacher/judgment_store.h"

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/sqlite.h"
#include "lmtx/teacher/open_store_files.h"

namespace lmtx {

namespace fs = std::filesystem;
using detail::Database;
using detail::Statement;
using detail::Transaction;

namespace {

// "LMTX", in the header of the file.
constexpr int64_t application_id = 0x4c4d5458;
constexpr int64_t newest_format = 1;
// Long enough for other processes' commits and checkpoints.
constexpr int busy_timeout_ms = 60'000;

// Keys are digests, so rows lie in random order, and the table is its own index. What many judgments share lies in `answers`, one row a put().
constexpr const char* schema = R"sql(
CREATE TABLE teachers (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE answers (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  document TEXT NOT NULL,           -- uid
  time INTEGER NOT NULL,            -- seconds since 1970, UTC
  prompt_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cost REAL NOT NULL,
  seconds REAL NOT NULL
) STRICT;
CREATE TABLE judgments (
  key BLOB NOT NULL PRIMARY KEY,    -- 16 bytes
  teacher INTEGER NOT NULL REFERENCES teachers,
  answer INTEGER NOT NULL REFERENCES answers,
  label TEXT NOT NULL,              -- uid
  score REAL CHECK (score BETWEEN 0 AND 1),  -- NULL: abstained
  sum INTEGER                       -- over all that the row means; NULL in stores that had none
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 0x4c4d5458;
PRAGMA user_version = 1;
)sql";

// The keys of a question's labels. What they have in common is hashed once.
class QuestionKeys {
 public:
  QuestionKeys(std::string_view identity, const Question& question) {
    constexpr uint8_t version = 1;
    document_.add_raw(&version, 1).add(identity).add(question.title).add(question.content);
  }

  detail::Digest operator()(const LabelToJudge& label) const { return detail::Hasher(document_).add(label.name).add(label.description).finish(); }

 private:
  detail::Hasher document_;
};

// What a judgment says, for its checksum: SQLite has none, and a damaged score would be learned from.
struct JudgmentRow {
  std::string_view identity;
  detail::Digest key;
  std::string_view run, document, label;
  // NaN where abstained.
  double score;

  int64_t sum() const {
    detail::Hasher hasher;
    // SQLite keeps no -0.
    const double plain = score + 0.0;
    hasher.add("judgment 1").add(identity).add_raw(key.data(), key.size()).add(run).add(document).add(label);
    hasher.add(std::isnan(score) ? std::string_view("abstained") : std::string_view(reinterpret_cast<const char*>(&plain), sizeof plain));
    const detail::Digest digest = hasher.finish();
    int64_t sum = 0;
    std::memcpy(&sum, digest.data(), sizeof sum);
    return sum;
  }
};

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
  if (application != application_id) throw std::runtime_error(file.string() + ": an SQLite database, but no judgment store of LMTX.");
  const int64_t format = database.integer("PRAGMA user_version");
  if (format > newest_format) {
    throw std::runtime_error(file.string() + ": the judgment store has format " + std::to_string(format) + ", but this version of LMTX reads up to format " +
                             std::to_string(newest_format) + "; a newer version is needed.");
  }
  if (format < 1) throw std::runtime_error(file.string() + ": the judgment store has no valid format number (" + std::to_string(format) + ").");
  check_tables(database, file);
  return true;
}

// Damage that SQLite would pass over: rows out of order are not found and would be asked again, values of a wrong type become zeros.
void check_contents(Database& database, const fs::path& file) {
  const std::string fault = database.text("PRAGMA integrity_check(1)");
  if (fault != "ok") detail::fail(file.string(), "the database is damaged (" + fault + ").");
}

bool has_sums(Database& database) { return database.integer("SELECT count(*) FROM pragma_table_info('judgments') WHERE name = 'sum'") > 0; }

// Stores of the first version had no sums; what is in them stays without.
void add_sums(Database& database) {
  if (has_sums(database)) return;
  Transaction transaction(database, Transaction::Kind::write);
  // Another process may have been faster.
  if (!has_sums(database)) database.execute("ALTER TABLE judgments ADD COLUMN sum INTEGER");
  transaction.commit();
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

// For calls in which SQLite does not wait for other processes by itself: `call` gives its code.
template <typename Call>
void insist(Database& database, Call call) {
  for (int waited_ms = 0;; waited_ms += 10) {
    const int code = call();
    if (code == SQLITE_OK) return;
    if ((code & 0xff) != SQLITE_BUSY || waited_ms >= busy_timeout_ms) database.fail(code);
    sqlite3_sleep(10);
  }
}

// Two processes that make one store at the same moment may refuse each other here.
void use_write_ahead_log(Database& database) {
  insist(database, [&] { return sqlite3_exec(database.handle(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr); });
}

void make_schema(Database& database, const fs::path& file) {
  Transaction transaction(database, Transaction::Kind::write);
  // Another process may have been faster.
  if (!has_schema(database, file)) database.execute(schema);
  transaction.commit();
}

// Looks judgments up.
struct Reader {
  explicit Reader(const fs::path& file)
      : file(file),
        database(file, /*create=*/false, busy_timeout_ms),
        find(database,
             "SELECT score, runs.name, document, label, sum FROM judgments LEFT JOIN answers ON answers.id = answer LEFT JOIN runs ON runs.id = run WHERE key = ?1") {}

  // The one that `find` stands on.
  Judgment judgment(std::string_view identity, const detail::Digest& key) const { return check(find, identity, key); }

  // The row of a query for the columns that `find` has.
  Judgment check(const Statement& row, std::string_view identity, const detail::Digest& key) const {
    const std::string run = row.text(1), document = row.text(2), label = row.text(3);
    const double score = row.is_null(0) ? std::nan("") : row.real(0);
    const JudgmentRow meant{.identity = identity, .key = key, .run = run, .document = document, .label = label, .score = score};
    const bool has_its_sum = row.is_null(4) || row.integer(4) == meant.sum();
    if (row.is_null(1) || !has_its_sum || score < 0 || score > 1) {
      detail::fail(file.string(), "the judgment of document " + detail::quote(document) + " and label " + detail::quote(label) + " is damaged.");
    }
    return {std::isnan(score) ? Verdict::abstain() : Verdict::score(score), run};
  }

  const fs::path file;
  Database database;
  Statement find;
};

// A connection for writing to a file that is, or becomes, a store.
struct StoreDatabase : Database {
  explicit StoreDatabase(const fs::path& file) : Database(file, /*create=*/true, busy_timeout_ms) {
    if (read_only()) fail(SQLITE_READONLY);
    check_file(*this, file);
    const bool is_new = !has_schema(*this, file);
    use_write_ahead_log(*this);
    // Survives the end of the process; after a power cut the last commits may be missing.
    execute("PRAGMA synchronous = NORMAL");
    // Keys are as if random: pages are met again and again. What goes from the log into the file is written and flushed there once for many answers.
    execute("PRAGMA cache_size = -65536");
    execute("PRAGMA wal_autocheckpoint = 8192");
    if (is_new) make_schema(*this, file);
    else check_contents(*this, file);
    add_sums(*this);
  }
};

// Puts judgments in.
struct Writer {
  explicit Writer(const fs::path& file) : database(file) {}

  // The row of a name in one of the tables that intern names.
  int64_t intern(Statement& insert, Statement& select, std::string_view name) {
    insert.bind(1, name).run();
    select.bind(1, name);
    select.step();
    const int64_t id = select.integer(0);
    select.reset();
    return id;
  }

  int64_t add_answer(const Question& question, const Usage& usage, int64_t run) {
    // Not a number would be NULL to SQLite; no reason to lose a verdict that was paid for.
    const auto known = [](double value) { return std::isfinite(value) ? value : 0.0; };
    answer.bind(1, run).bind(2, question.uid).bind(3, static_cast<int64_t>(std::time(nullptr)));
    answer.bind(4, usage.prompt_tokens).bind(5, usage.cached_tokens).bind(6, usage.completion_tokens);
    answer.bind(7, known(usage.cost)).bind(8, known(usage.seconds)).run();
    return sqlite3_last_insert_rowid(database.handle());
  }

  // True where the key was not there before.
  bool add_judgment(const JudgmentRow& row, int64_t teacher, int64_t answer_id) {
    judgment.bind(1, std::span<const uint8_t>(row.key)).bind(2, teacher).bind(3, answer_id).bind(4, row.label).bind(6, row.sum());
    std::isnan(row.score) ? judgment.bind_null(5) : judgment.bind(5, row.score);
    judgment.run();
    return sqlite3_changes(database.handle()) > 0;
  }

  StoreDatabase database;
  Statement insert_teacher{database, "INSERT INTO teachers (identity) VALUES (?1) ON CONFLICT DO NOTHING"};
  Statement select_teacher{database, "SELECT id FROM teachers WHERE identity = ?1"};
  Statement insert_run{database, "INSERT INTO runs (name) VALUES (?1) ON CONFLICT DO NOTHING"};
  Statement select_run{database, "SELECT id FROM runs WHERE name = ?1"};
  Statement answer{database,
                   "INSERT INTO answers (run, document, time, prompt_tokens, cached_tokens, completion_tokens, cost, seconds) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"};
  Statement judgment{database, "INSERT INTO judgments (key, teacher, answer, label, score, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key) DO NOTHING"};
};

// The lines of a recording: documents one by one, each with its labels.
class RecordingLines {
 public:
  // Pairs come by rising document and label. Of one that comes again the first counts.
  void add(std::string document, std::string label, std::optional<double> score) {
    if (document != document_) end_document();
    if (!labels_.empty() && labels_.back() == label) return;
    document_ = std::move(document);
    labels_.push_back(std::move(label));
    scores_.push_back(score ? detail::Json(*score) : detail::Json());
    ++num_pairs_;
  }

  std::string finish(const std::string& identity) {
    end_document();
    return detail::Json{{"format", 1}, {"identity", identity}, {"pairs", num_pairs_}}.dump() + "\n" + text_;
  }

 private:
  void end_document() {
    if (labels_.empty()) return;
    text_ += detail::Json{{"uid", document_}, {"labels", std::move(labels_)}, {"scores", std::move(scores_)}}.dump() + "\n";
    labels_.clear();
    scores_.clear();
  }

  std::string document_;
  std::vector<std::string> labels_;
  std::vector<detail::Json> scores_;
  std::string text_;
  int64_t num_pairs_ = 0;
};

detail::Digest key_in(const std::string& bytes, const fs::path& file) {
  detail::Digest key;
  if (bytes.size() != key.size()) detail::fail(file.string(), "a key has " + std::to_string(bytes.size()) + " bytes, but must have 16.");
  std::memcpy(key.data(), bytes.data(), key.size());
  return key;
}

bool is_kept(const Verdict& verdict) { return verdict.kind() == Verdict::Kind::scored || verdict.kind() == Verdict::Kind::abstained; }

}  // namespace

struct JudgmentStore::Impl {
  explicit Impl(const fs::path& path) : file(not_inherited(path)), writer(file), open_file(file) {}

  static fs::path not_inherited(const fs::path& path) {
    detail::OpenStoreFile::check_not_inherited(path);
    return fs::absolute(path);
  }

  // SQLite's connections do not survive fork(): two processes that used one would damage the file.
  void check_process() const {
    if (getpid() != process) detail::OpenStoreFile::refuse_inherited(file);
  }

  // Calls `use` with a connection that no other thread uses meanwhile. One that threw is not used again.
  template <typename Use>
  auto with_reader(Use use) {
    check_process();
    std::unique_ptr<Reader> reader = take_reader();
    auto result = use(*reader);
    const std::lock_guard lock(readers_mutex);
    idle_readers.push_back(std::move(reader));
    return result;
  }

  std::unique_ptr<Reader> take_reader() {
    {
      const std::lock_guard lock(readers_mutex);
      if (!idle_readers.empty()) {
        std::unique_ptr<Reader> reader = std::move(idle_readers.back());
        idle_readers.pop_back();
        return reader;
      }
    }
    return std::make_unique<Reader>(file);
  }

  const fs::path file;
  const pid_t process = getpid();
  std::mutex writer_mutex;
  Writer writer;
  const detail::OpenStoreFile open_file;
  std::mutex readers_mutex;
  // As many as threads ever read at once.
  std::vector<std::unique_ptr<Reader>> idle_readers;
};

JudgmentStore::JudgmentStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JudgmentStore::JudgmentStore(JudgmentStore&&) noexcept = default;
JudgmentStore& JudgmentStore::operator=(JudgmentStore&&) noexcept = default;

JudgmentStore::~JudgmentStore() {
  // After fork() the connections belong to the parent; closing them here could release its locks.
  if (impl_ && getpid() != impl_->process) static_cast<void>(impl_.release());
}

JudgmentStore JudgmentStore::open(const fs::path& file) { return JudgmentStore(std::make_unique<Impl>(file)); }

std::vector<std::optional<Judgment>> JudgmentStore::find(const std::string& identity, const Question& question) const {
  return impl_->with_reader([&](Reader& reader) {
    const QuestionKeys key_of(identity, question);
    std::vector<std::optional<Judgment>> found(question.labels.size());
    // One transaction, so that the file is locked and looked at once for all labels.
    Transaction transaction(reader.database, Transaction::Kind::read);
    for (size_t i = 0; i < found.size(); ++i) {
      const detail::Digest key = key_of(question.labels[i]);
      if (!reader.find.bind(1, std::span<const uint8_t>(key)).step()) continue;
      found[i] = reader.judgment(identity, key);
      reader.find.reset();
    }
    transaction.commit();
    return found;
  });
}

int64_t JudgmentStore::put(const std::string& identity, const Question& question, std::span<const Verdict> verdicts, const Usage& usage, const std::string& run,
                           std::string_view /*raw*/) {
  impl_->check_process();
  check_verdicts(question, verdicts);
  const QuestionKeys key_of(identity, question);
  std::vector<std::pair<size_t, detail::Digest>> kept;
  for (size_t i = 0; i < verdicts.size(); ++i) {
    if (is_kept(verdicts[i])) kept.emplace_back(i, key_of(question.labels[i]));
  }
  if (kept.empty()) return 0;

  const std::lock_guard lock(impl_->writer_mutex);
  Writer& writer = impl_->writer;
  Transaction transaction(writer.database, Transaction::Kind::write);
  const int64_t teacher = writer.intern(writer.insert_teacher, writer.select_teacher, identity);
  const int64_t answer = writer.add_answer(question, usage, writer.intern(writer.insert_run, writer.select_run, run));
  int64_t num_new = 0;
  for (const auto& [i, key] : kept) {
    const double score = verdicts[i].scored() ? verdicts[i].score() : std::nan("");
    num_new += writer.add_judgment({.identity = identity, .key = key, .run = run, .document = question.uid, .label = question.labels[i].uid, .score = score}, teacher, answer);
  }
  if (num_new > 0) transaction.commit();
  return num_new;
}

void JudgmentStore::flush() {
  impl_->check_process();
  const std::lock_guard lock(impl_->writer_mutex);
  Database& database = impl_->writer.database;
  // Flushes the log, and moves what no reader stands in the way of into the file.
  insist(database, [&] { return sqlite3_wal_checkpoint_v2(database.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr); });
}

int64_t JudgmentStore::size() const {
  return impl_->with_reader([](Reader& reader) { return reader.database.integer("SELECT count(*) FROM judgments"); });
}

int64_t JudgmentStore::size(const std::string& identity) const {
  return impl_->with_reader([&](Reader& reader) {
    Statement count(reader.database, "SELECT count(*) FROM judgments WHERE teacher = (SELECT id FROM teachers WHERE identity = ?1)");
    count.bind(1, identity).step();
    return count.integer(0);
  });
}

UsageTotals JudgmentStore::usage(const std::optional<std::string>& identity, const std::optional<std::string>& run) const {
  return impl_->with_reader([&](Reader& reader) {
    Statement sum(reader.database,
                  "SELECT count(*), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(cost), sum(seconds) FROM answers "
                  "WHERE (?1 IS NULL OR id IN (SELECT answer FROM judgments WHERE teacher = (SELECT id FROM teachers WHERE identity = ?1))) "
                  "AND (?2 IS NULL OR run = (SELECT id FROM runs WHERE name = ?2))");
    identity ? sum.bind(1, *identity) : sum.bind_null(1);
    run ? sum.bind(2, *run) : sum.bind_null(2);
    sum.step();
    const Usage usage{.prompt_tokens = sum.integer(1), .cached_tokens = sum.integer(2), .completion_tokens = sum.integer(3), .cost = sum.real(4), .seconds = sum.real(5)};
    return UsageTotals{.usage = usage, .answers = sum.integer(0)};
  });
}

std::vector<std::string> JudgmentStore::identities() const {
  return impl_->with_reader([](Reader& reader) {
    std::vector<std::string> identities;
    Statement select(reader.database, "SELECT identity FROM teachers ORDER BY identity");
    while (select.step()) identities.push_back(select.text(0));
    return identities;
  });
}

void JudgmentStore::export_recording(const std::string& identity, const fs::path& file) const {
  const std::string text = impl_->with_reader([&](Reader& reader) {
    // A row that belongs to nothing would be left out unseen.
    if (Statement(reader.database, "PRAGMA foreign_key_check").step()) reader.database.fail(SQLITE_CORRUPT);
    Statement select(reader.database,
                     "SELECT score, runs.name, document, label, sum, key FROM judgments JOIN answers ON answers.id = answer JOIN runs ON runs.id = run "
                     "WHERE teacher = (SELECT id FROM teachers WHERE identity = ?1) ORDER BY document, label, answer DESC");
    select.bind(1, identity);
    RecordingLines lines;
    bool any = false;
    try {
      for (; select.step(); any = true) {
        const Verdict verdict = reader.check(select, identity, key_in(select.text(5), impl_->file)).verdict;
        lines.add(select.text(2), select.text(3), verdict.scored() ? std::optional(verdict.score()) : std::nullopt);
      }
      if (!any) throw std::invalid_argument(impl_->file.string() + ": no judgments by " + detail::quote(identity) + ".");
      return lines.finish(identity);
    } catch (const detail::Json::type_error&) {
      throw std::runtime_error("Cannot write " + file.string() + ": an identity or uid in " + impl_->file.string() + " is not UTF-8.");
    }
  });
  detail::write_file_atomically(file, text);
}

}  // namespace lmtx
