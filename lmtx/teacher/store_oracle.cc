#include "lmtx/teacher/store_oracle.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lmtx/detail/quote.h"
#include "lmtx/teacher/judgment_store.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

std::string list_of(const std::vector<std::string>& identities) {
  if (identities.empty()) return "it has no judgments";
  std::string list = "it has those of ";
  for (size_t i = 0; i < identities.size(); ++i) list += (i > 0 ? ", " : "") + detail::quote(identities[i], 200);
  return list;
}

// The identities of which there are judgments: a store keeps the names of others, too.
std::vector<std::string> teachers_in(const JudgmentStore& store) {
  std::vector<std::string> identities = store.identities();
  std::erase_if(identities, [&](const std::string& identity) { return store.size(identity) == 0; });
  return identities;
}

std::string choose(const JudgmentStore& store, const fs::path& file, const std::string& identity) {
  const std::vector<std::string> teachers = teachers_in(store);
  if (identity.empty()) {
    if (teachers.size() == 1) return teachers[0];
    throw std::invalid_argument(file.string() + ": expected the judgments of one teacher, but " + list_of(teachers) +
                                (teachers.empty() ? "." : "; say whose to replay."));
  }
  if (std::find(teachers.begin(), teachers.end(), identity) == teachers.end())
    throw std::invalid_argument(file.string() + ": no judgments by " + detail::quote(identity, 200) + "; " + list_of(teachers) + ".");
  return identity;
}

}  // namespace

struct StoreOracle::Impl {
  JudgmentStore store;
  std::string identity;
};

StoreOracle::StoreOracle(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
StoreOracle::~StoreOracle() = default;

std::shared_ptr<StoreOracle> StoreOracle::open(const fs::path& file, const std::string& identity) {
  JudgmentStore store = JudgmentStore::open_read_only(file);
  std::string chosen = choose(store, file, identity);
  return std::shared_ptr<StoreOracle>(new StoreOracle(std::make_unique<const Impl>(Impl{std::move(store), std::move(chosen)})));
}

std::string StoreOracle::identity() const { return impl_->identity; }
int64_t StoreOracle::size() const { return impl_->store.size(impl_->identity); }

void StoreOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  // Judgments held at once, more or less; a stop request is obeyed in between.
  constexpr size_t block = 1024;
  std::vector<Verdict> verdicts;
  while (!questions.empty() && !answers.stop().stop_requested()) {
    const auto some = questions.first(std::min(block, questions.size()));
    questions = questions.subspan(some.size());
    const auto found = impl_->store.find(impl_->identity, some);
    for (size_t i = 0; i < some.size(); ++i) {
      verdicts.clear();
      for (const auto& judgment : found[i]) verdicts.push_back(judgment ? judgment->verdict : Verdict::miss());
      answers.put(some[i], verdicts);
    }
  }
}

}  // namespace lmtx
