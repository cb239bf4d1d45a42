#include "lmtx/teacher/judgment_store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "lmtx/detail/files.h"
#include "lmtx/teacher/open_store_files.h"
#include "lmtx/teacher/store/check.h"
#include "lmtx/teacher/store/json_lines.h"
#include "lmtx/teacher/store/merge.h"
#include "lmtx/teacher/store/reader.h"
#include "lmtx/teacher/store/recording.h"
#include "lmtx/teacher/store/summary.h"
#include "lmtx/teacher/store/writer.h"

namespace lmtx {

namespace fs = std::filesystem;
using detail::Lookup;
using detail::StoreFile;
using detail::StoreReader;

struct JudgmentStore::Impl {
  Impl(const fs::path& path, bool read_only) : store{not_inherited(path), read_only} {
    if (read_only) {
      idle_readers.push_back(std::make_unique<StoreReader>(store));
    } else {
      writer.emplace(store.path);
    }
    open_file.emplace(store.path);
  }

  static fs::path not_inherited(const fs::path& path) {
    detail::OpenStoreFile::check_not_inherited(path);
    return fs::absolute(path);
  }

  // SQLite's connections do not survive fork(): two processes that used one would damage the file.
  void check_process() const {
    if (getpid() != process) detail::OpenStoreFile::refuse_inherited(store.path);
  }

  // Calls `use` with a connection that no other thread uses meanwhile. One that threw is not used again.
  template <typename Use>
  auto with_reader(Use use) {
    check_process();
    std::unique_ptr<StoreReader> reader = take_reader();
    auto result = use(*reader);
    const std::lock_guard lock(readers_mutex);
    idle_readers.push_back(std::move(reader));
    return result;
  }

  std::unique_ptr<StoreReader> take_reader() {
    {
      const std::lock_guard lock(readers_mutex);
      if (!idle_readers.empty()) {
        std::unique_ptr<StoreReader> reader = std::move(idle_readers.back());
        idle_readers.pop_back();
        return reader;
      }
    }
    return std::make_unique<StoreReader>(store);
  }

  // With the lock held.
  detail::StoreWriter& checked_writer() {
    if (!writer) throw std::runtime_error(store.path.string() + ": the judgment store was opened for reading only.");
    return *writer;
  }

  const StoreFile store;
  const pid_t process = getpid();
  std::mutex writer_mutex;
  std::optional<detail::StoreWriter> writer;
  std::optional<detail::OpenStoreFile> open_file;
  std::mutex readers_mutex;
  // As many as threads ever read at once.
  std::vector<std::unique_ptr<StoreReader>> idle_readers;
};

namespace {

using Found = std::vector<std::vector<std::optional<Judgment>>>;

// Pairs that are looked up at one go: enough for neighbours in the file, and few enough for the caches of a processor.
constexpr size_t max_block = 65'536;
// Fewer are not worth a thread.
constexpr size_t min_block = 2048;

struct Block {
  size_t begin, end;
};

// Questions in a row with about `pairs` pairs each.
std::vector<Block> blocks_of(std::span<const Question> questions, size_t pairs) {
  std::vector<Block> blocks;
  size_t count = pairs;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (count >= pairs) {
      blocks.push_back({i, i});
      count = 0;
    }
    blocks.back().end = i + 1;
    count += questions[i].labels.size();
  }
  return blocks;
}

std::vector<Lookup> lookups_of(const std::string& identity, std::span<const Question> questions, const Block& block, Found& found) {
  std::vector<Lookup> lookups;
  for (size_t i = block.begin; i < block.end; ++i) {
    const detail::QuestionKeys key_of(identity, questions[i]);
    for (size_t label = 0; label < found[i].size(); ++label) lookups.push_back({key_of(questions[i].labels[label]), &found[i][label]});
  }
  return lookups;
}

// Calls use(0), …, use(count - 1) from several threads, and throws what one of them threw.
template <typename Use>
void in_threads(size_t count, size_t num_threads, Use use) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next++) < count;) use(i);
  };
  std::vector<std::future<void>> others;
  for (size_t thread = 1; thread < std::min(count, num_threads); ++thread) others.push_back(std::async(std::launch::async, work));
  work();
  for (std::future<void>& other : others) other.get();
}

}  // namespace

JudgmentStore::JudgmentStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JudgmentStore::JudgmentStore(JudgmentStore&&) noexcept = default;
JudgmentStore& JudgmentStore::operator=(JudgmentStore&&) noexcept = default;

JudgmentStore::~JudgmentStore() {
  // After fork() the connections belong to the parent; closing them here could release its locks.
  if (impl_ && getpid() != impl_->process) static_cast<void>(impl_.release());
}

JudgmentStore JudgmentStore::open(const fs::path& file) { return JudgmentStore(std::make_unique<Impl>(file, /*read_only=*/false)); }

JudgmentStore JudgmentStore::open_read_only(const fs::path& file) { return JudgmentStore(std::make_unique<Impl>(file, /*read_only=*/true)); }

const fs::path& JudgmentStore::file() const { return impl_->store.path; }

bool JudgmentStore::read_only() const { return impl_->store.read_only; }

std::vector<std::optional<Judgment>> JudgmentStore::find(const std::string& identity, const Question& question) const {
  return std::move(find(identity, std::span(&question, 1))[0]);
}

Found JudgmentStore::find(const std::string& identity, std::span<const Question> questions) const {
  Found found(questions.size());
  size_t num_pairs = 0;
  for (size_t i = 0; i < questions.size(); ++i) {
    found[i].resize(questions[i].labels.size());
    num_pairs += found[i].size();
  }
  const size_t num_threads = std::max(1u, std::thread::hardware_concurrency());
  const std::vector<Block> blocks = blocks_of(questions, std::clamp(num_pairs / num_threads + 1, min_block, max_block));
  in_threads(blocks.size(), num_threads, [&](size_t i) {
    std::vector<Lookup> lookups = lookups_of(identity, questions, blocks[i], found);
    impl_->with_reader([&](StoreReader& reader) {
      reader.find(identity, lookups);
      return true;
    });
  });
  return found;
}

int64_t JudgmentStore::put(const std::string& identity, const Question& question, std::span<const Verdict> verdicts, const Usage& usage, const std::string& run,
                           std::string_view raw) {
  impl_->check_process();
  check_verdicts(question, verdicts);
  const std::lock_guard lock(impl_->writer_mutex);
  return detail::put(impl_->checked_writer(), {.identity = identity, .question = question, .verdicts = verdicts, .usage = usage, .run = run, .raw = raw});
}

void JudgmentStore::flush() {
  impl_->check_process();
  const std::lock_guard lock(impl_->writer_mutex);
  detail::Database& database = impl_->checked_writer().database;
  // Flushes the log, and moves what no reader stands in the way of into the file.
  detail::insist(database, [&] { return sqlite3_wal_checkpoint_v2(database.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr); });
}

int64_t JudgmentStore::size() const {
  return impl_->with_reader([](StoreReader& reader) { return reader.database.integer("SELECT count(*) FROM judgments"); });
}

int64_t JudgmentStore::size(const std::string& identity) const {
  return impl_->with_reader([&](StoreReader& reader) {
    detail::Statement count(reader.database, "SELECT count(*) FROM judgments WHERE teacher = (SELECT id FROM teachers WHERE identity = ?1)");
    count.bind(1, identity).step();
    return count.integer(0);
  });
}

std::vector<std::string> JudgmentStore::identities() const {
  return impl_->with_reader([](StoreReader& reader) {
    std::vector<std::string> identities;
    detail::Statement select(reader.database, "SELECT identity FROM teachers ORDER BY identity");
    while (select.step()) identities.push_back(select.text(0));
    return identities;
  });
}

UsageTotals JudgmentStore::usage(const std::optional<std::string>& identity, const std::optional<std::string>& run) const {
  return impl_->with_reader([&](StoreReader& reader) { return detail::usage_of(reader, identity, run); });
}

std::vector<TeacherSummary> JudgmentStore::teachers() const { return impl_->with_reader(detail::teachers_of); }

StoreCheck JudgmentStore::check(const std::stop_token& stop) const {
  impl_->check_process();
  return detail::check_store(impl_->store, stop);
}

MergeCounts JudgmentStore::merge_from(const JudgmentStore& other, const std::stop_token& stop) {
  impl_->check_process();
  other.impl_->check_process();
  {
    const std::lock_guard lock(impl_->writer_mutex);
    impl_->checked_writer();
  }
  return detail::merge_stores(file(), other.impl_->store, stop);
}

StoreDiff JudgmentStore::diff(const JudgmentStore& other, int64_t max_listed, const std::stop_token& stop) const {
  impl_->check_process();
  other.impl_->check_process();
  return detail::diff_stores(impl_->store, other.impl_->store, max_listed, stop);
}

void JudgmentStore::export_json_lines(const fs::path& file, const std::optional<std::string>& identity, const std::stop_token& stop) const {
  impl_->check_process();
  detail::write_judgment_lines(impl_->store, identity, file, stop);
}

MergeCounts JudgmentStore::import_json_lines(const fs::path& file, const std::stop_token& stop) {
  impl_->check_process();
  return detail::read_judgment_lines(*this, file, stop);
}

void JudgmentStore::export_recording(const std::string& identity, const fs::path& file) const {
  const std::string text = impl_->with_reader([&](StoreReader& reader) { return detail::recording_of(reader, identity, file); });
  detail::write_file_atomically(file, text);
}

}  // namespace lmtx
