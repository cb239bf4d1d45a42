// The store against a map driven by the same calls; several threads; and files that are no store.
#include "lmtx/teacher/judgment_store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>
#include <map>
#include <thread>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/recorded_oracle.h"
#include "store_fixtures.h"
#include "temporary_folder.h"

namespace {

using namespace lmtx;
using namespace lmtx::test;
namespace fs = std::filesystem;

const std::vector<LabelToJudge> two_labels = {{"cat", "Cats", ""}, {"dog", "Dogs", "Canis familiaris"}};
const Question one_question = {.uid = "d1", .title = "Title", .content = "Content", .labels = two_labels};
const std::vector<Verdict> yes_and_abstained = {Verdict::yes(), Verdict::abstain()};

std::string document_uid(int64_t i) { return std::string("d").append(std::to_string(i)); }

// A closed store file with `count` questions of two labels each.
fs::path make_store(const TemporaryFolder& folder, const std::string& name, int count) {
  JudgmentStore store = JudgmentStore::open(folder / name);
  for (int i = 0; i < count; ++i) {
    const std::string uid = document_uid(i);
    store.put("llm/1", {.uid = uid, .title = uid, .content = "Content", .labels = two_labels}, std::vector{Verdict::score(i / (count + 1.0)), Verdict::abstain()});
  }
  return folder / name;
}

std::string open_error(const fs::path& file) {
  try {
    JudgmentStore::open(file);
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    CHECK_THAT(message, ContainsSubstring(file.string() + ": "));
    return message.substr(file.string().size() + 2);
  }
  return "no error";
}

// Sets a number of the SQLite header, big endian: 60 is user_version, 68 application_id.
void patch_header(const fs::path& file, int64_t offset, uint8_t value) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(offset);
  for (const char byte : {char{0}, char{0}, char{0}, static_cast<char>(value)}) out.put(byte);
}

}  // namespace

TEST_CASE("the store agrees with a map driven by the same random calls") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  std::optional<JudgmentStore> store(JudgmentStore::open(file));
  // The model: identity, title, content, name and description make a judgment; uids do not.
  using Pair = std::vector<std::string>;
  std::map<Pair, Judgment> model;
  detail::KeyedRandom random(17);
  const auto pick = [&](std::vector<std::string> items) { return items[static_cast<size_t>(random.below(static_cast<int64_t>(items.size())))]; };
  const auto draw_verdict = [&] {
    switch (random.below(5)) {
      case 0: return Verdict::abstain();
      case 1: return Verdict::fail("down");
      case 2: return Verdict::miss();
      default: return Verdict::score(random.uniform());
    }
  };

  for (int call = 0; call < 3000; ++call) {
    const std::string identity = pick({"llm/1", "llm/2", "", "llm/1\x01"}), uid = document_uid(random.below(5)), run = pick({"", "run a", "run b"});
    const std::string title = pick({"", "ab", "a", "a\tb"}), content = pick({"", "b", "bc", std::string("n\0l", 3), "\xff"});
    std::vector<Pair> texts(static_cast<size_t>(random.below(6)));
    for (Pair& text : texts) text = {pick({"x", "y", "z"}), pick({"Cat", "Dog", "D", "Ü", "é"}), pick({"", "og", "long"})};
    std::vector<LabelToJudge> labels;
    for (const Pair& text : texts) labels.push_back({text[0], text[1], text[2]});
    const Question question{.uid = uid, .title = title, .content = content, .labels = labels};
    const auto pair = [&](size_t i) { return Pair{identity, title, content, texts[i][1], texts[i][2]}; };

    if (random.below(3) == 0) {
      std::vector<Verdict> verdicts;
      for (size_t i = 0; i < labels.size(); ++i) verdicts.push_back(draw_verdict());
      store->put(identity, question, verdicts, {}, run);
      for (size_t i = 0; i < labels.size(); ++i) {
        const bool kept = verdicts[i].scored() || verdicts[i].kind() == Verdict::Kind::abstained;
        if (kept) model.try_emplace(pair(i), Judgment{verdicts[i], run});
      }
    } else {
      const std::vector<std::optional<Judgment>> found = store->find(identity, question);
      REQUIRE(found.size() == labels.size());
      for (size_t i = 0; i < labels.size(); ++i) {
        const auto expected = model.find(pair(i));
        REQUIRE(found[i].has_value() == (expected != model.end()));
        if (!found[i]) continue;
        REQUIRE(found[i]->verdict == expected->second.verdict);
        REQUIRE(found[i]->run == expected->second.run);
      }
    }
    if (call % 500 == 0) {
      store.reset();
      store.emplace(JudgmentStore::open(file));
    }
  }
  REQUIRE(model.size() > 500);
  CHECK(store->size() == static_cast<int64_t>(model.size()));
  std::map<std::string, int64_t> sizes;
  for (const auto& [pair, judgment] : model) ++sizes[pair[0]];
  std::vector<std::string> identities;
  for (const auto& [identity, size] : sizes) {
    CHECK(store->size(identity) == size);
    identities.push_back(identity);
  }
  CHECK(store->identities() == identities);
  CHECK(store->size("unknown") == 0);
}

TEST_CASE("a pair that is there already stays as it was") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  store.put("llm/1", one_question, yes_and_abstained, {}, "first");
  store.put("llm/1", one_question, std::vector{Verdict::no(), Verdict::no()}, {}, "second");
  const auto found = store.find("llm/1", one_question);
  CHECK(found[0]->verdict == Verdict::yes());
  CHECK(found[1]->verdict == Verdict::abstain());
  CHECK(found[1]->run == "first");
  CHECK(store.size() == 2);
}

TEST_CASE("the key is BLAKE2b of version, identity and length-prefixed texts") {
  // Made in Python:
  //   def part(text): data = text.encode(); return len(data).to_bytes(8, "little") + data
  //   parts = ["llm/1", "Title", "Content", "Dogs", "Canis familiaris"]
  //   hashlib.blake2b(b"\x01" + b"".join(map(part, parts)), digest_size=16).hexdigest()
  const unsigned char key[] = {0x65, 0x84, 0x89, 0xb3, 0x4c, 0x18, 0xfe, 0xba, 0x29, 0x5e, 0x6d, 0xf0, 0x40, 0xb8, 0xbb, 0x3a};
  const TemporaryFolder folder;
  JudgmentStore::open(folder / "judgments.db").put("llm/1", one_question, yes_and_abstained);
  const std::string bytes = read_bytes(folder / "judgments.db");
  CHECK(bytes.find(std::string(reinterpret_cast<const char*>(key), sizeof key)) != std::string::npos);
}

TEST_CASE("a list of verdicts of the wrong length is refused by the store") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  CHECK_THROWS_WITH(store.put("llm/1", one_question, std::vector{Verdict::yes()}),
                    "Document `d1` was asked about 2 labels, but 1 verdicts came; the first label without one is `dog`.");
}

TEST_CASE("usage that is no number does not cost the verdict") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  store.put("llm/1", one_question, yes_and_abstained, {.cost = std::nan(""), .seconds = 1e300 * 1e300});
  CHECK(store.size() == 2);
}

TEST_CASE("a teacher's judgments become a recording, which answers alike") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  store.put("llm/1", one_question, yes_and_abstained);
  store.put("llm/1", {.uid = "a \"quoted\" uid", .title = "x", .content = "", .labels = two_labels}, std::vector{Verdict::score(0.1), Verdict::fail("down")});
  store.put("llm/1", {.uid = "d1", .title = "A new title", .content = "", .labels = std::span(two_labels).first(1)}, std::vector{Verdict::score(0.7199)});
  store.put("llm/2", one_question, std::vector{Verdict::no(), Verdict::no()});
  store.export_recording("llm/1", folder / "verdicts.jsonl");
  CHECK(read_bytes(folder / "verdicts.jsonl") ==
        "{\"format\":1,\"identity\":\"llm/1\",\"pairs\":3}\n"
        "{\"uid\":\"a \\\"quoted\\\" uid\",\"labels\":[\"cat\"],\"scores\":[0.1]}\n"
        "{\"uid\":\"d1\",\"labels\":[\"cat\",\"dog\"],\"scores\":[0.7199,null]}\n");
  CHECK(RecordedOracle::open(folder / "verdicts.jsonl")->size() == 3);
  CHECK_THROWS_WITH(store.export_recording("llm/3", folder / "none.jsonl"), (folder / "judgments.db").string() + ": no judgments by `llm/3`.");
  CHECK_FALSE(fs::exists(folder / "none.jsonl"));
}

TEST_CASE("threads may look judgments up while others put some in") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  constexpr int num_questions = 200, num_writers = 2, num_readers = 3;
  std::atomic<int> written[num_writers] = {};
  std::atomic<int> faults = 0;
  const auto ask = [&](int writer, int i, auto use) {
    const std::string uid = std::to_string(writer) + "-" + std::to_string(i);
    return use(Question{.uid = uid, .title = uid, .content = "", .labels = two_labels});
  };
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < num_writers; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < num_questions; ++i) {
        ask(writer, i, [&](const Question& question) { store.put("llm/1", question, yes_and_abstained); });
        written[writer] = i + 1;
      }
    });
  }
  for (int reader = 0; reader < num_readers; ++reader) {
    threads.emplace_back([&, reader] {
      detail::KeyedRandom random(static_cast<uint64_t>(reader));
      for (int i = 0; i < num_questions; ++i) {
        const int writer = static_cast<int>(random.below(num_writers)), place = static_cast<int>(random.below(num_questions));
        const bool must_be_there = place < written[writer];
        const auto found = ask(writer, place, [&](const Question& question) { return store.find("llm/1", question); });
        if (found[0].has_value() != found[1].has_value() || (must_be_there && !found[0])) ++faults;
      }
    });
  }
  threads.clear();
  CHECK(faults == 0);
  CHECK(store.size() == num_writers * num_questions * 2);
}

TEST_CASE("files that are no judgment store are refused, naming the fault") {
  const TemporaryFolder folder;
  CHECK(open_error(folder.write("text.db", "this is a text file, and quite a long one, as database headers go; it goes on for more than a hundred bytes.\n")) ==
        "the file is no SQLite database, or is damaged.");
  CHECK(open_error(folder.write("short.db", "x")) == "the file is no SQLite database, or is damaged.");
  CHECK_THAT(open_error(folder.path()), ContainsSubstring("unable to open database file"));
  CHECK(open_error(folder / "none" / "judgments.db") == "cannot be made (No such file or directory).");

  const fs::path newer = make_store(folder, "newer.db", 1);
  patch_header(newer, 60, 3);
  CHECK(open_error(newer) == "the judgment store has format 3, but this version of LMTX reads up to format 2; a newer version is needed.");

  const fs::path foreign = make_store(folder, "foreign.db", 1);
  patch_header(foreign, 68, 0);
  CHECK(open_error(foreign) == "an SQLite database, but no judgment store of LMTX.");
}

TEST_CASE("a file of no bytes becomes a store") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder.write("judgments.db", ""));
  store.put("llm/1", one_question, yes_and_abstained);
  CHECK(store.size() == 2);
}

TEST_CASE("a truncated store is noticed wherever it was cut") {
  const TemporaryFolder folder;
  const fs::path whole = make_store(folder, "whole.db", 300);
  const auto size = static_cast<int64_t>(fs::file_size(whole));
  REQUIRE(size > 10 * 4096);
  std::vector<int64_t> cuts = {1, 15, 16, 50, 99, 100, 512, 4095, 4096, 4097, size - 4096, size - 4095, size - 1};
  detail::KeyedRandom random(3);
  for (int i = 0; i < 20; ++i) cuts.push_back(1 + random.below(size - 1));
  for (const int64_t cut : cuts) {
    fs::copy_file(whole, folder / "cut.db", fs::copy_options::overwrite_existing);
    fs::resize_file(folder / "cut.db", static_cast<uintmax_t>(cut));
    INFO("cut at " << cut << " of " << size);
    CHECK_THAT(open_error(folder / "cut.db"), ContainsSubstring("damaged"));
  }
}

TEST_CASE("a store that cannot be written is refused") {
  const TemporaryFolder folder;
  const fs::path file = make_store(folder, "judgments.db", 1);
  fs::permissions(file, fs::perms(0444));
  fs::permissions(folder.path(), fs::perms(0755));
  // Permissions do not bind root.
  const bool is_root = geteuid() == 0;
  if (is_root) REQUIRE(seteuid(65534) == 0);
  const std::string message = open_error(file);
  if (is_root) REQUIRE(seteuid(0) == 0);
  CHECK(message == "the file cannot be written (read-only).");
}

TEST_CASE("a judgment that was changed in the file is refused, not learned from") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  JudgmentStore::open(file).put("llm/1", one_question, yes_and_abstained, {}, "run 1");
  const auto change = [&](const char* sql) {
    run_sql(file, sql);
    const JudgmentStore store = JudgmentStore::open(file);
    CHECK_THROWS_WITH(store.find("llm/1", one_question), ContainsSubstring("judgments.db: the judgment of document `") && ContainsSubstring("is damaged."));
    CHECK_THROWS_AS(store.export_recording("llm/1", folder / "exported.jsonl"), std::runtime_error);
  };
  SECTION("its score") { change("UPDATE judgments SET score = 0.25 WHERE score IS NOT NULL"); }
  SECTION("its score, to none") { change("UPDATE judgments SET score = NULL"); }
  SECTION("its label") { change("UPDATE judgments SET label = label || 'x'"); }
  SECTION("its document") { change("UPDATE answers SET document = 'other'"); }
  SECTION("its run") { change("UPDATE runs SET name = 'run 2'"); }
  SECTION("its answer") { change("DELETE FROM answers"); }
}

TEST_CASE("a store of the first version, without checksums of judgments, is read and goes on with them") {
  const TemporaryFolder folder;
  const fs::path file = folder / "judgments.db";
  JudgmentStore::open(file).put("llm/1", one_question, yes_and_abstained);
  to_format_1(file);
  run_sql(file, "ALTER TABLE judgments DROP COLUMN sum");
  JudgmentStore store = JudgmentStore::open(file);
  CHECK(store.find("llm/1", one_question)[0]->verdict == yes_and_abstained[0]);
  store.put("llm/2", one_question, yes_and_abstained);
  CHECK(store.find("llm/2", one_question)[0]->verdict == yes_and_abstained[0]);
  run_sql(file, "UPDATE judgments SET score = 0.5 WHERE sum IS NOT NULL");
  CHECK_NOTHROW(store.find("llm/1", one_question));
  CHECK_THROWS_WITH(store.find("llm/2", one_question), ContainsSubstring("is damaged."));
}

TEST_CASE("a database with views for tables, or with triggers, is no store") {
  const TemporaryFolder folder;
  const fs::path file = make_store(folder, "judgments.db", 1);
  SECTION("a trigger") { run_sql(file, "CREATE TRIGGER t AFTER INSERT ON judgments BEGIN DELETE FROM answers; END"); }
  SECTION("a view") { run_sql(file, "ALTER TABLE judgments RENAME TO kept; CREATE VIEW judgments AS SELECT * FROM kept"); }
  CHECK(open_error(file) == "the judgment store lacks tables or has triggers.");
}
