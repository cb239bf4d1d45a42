// Training where the memory of a card does not suffice, played on the CPU.
#include <c10/util/Exception.h>

#include "catch.h"
#include "student_task.h"

namespace lmtx::cuda {
class Network;
}

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Fits so many tokens at once.
class TightNetwork final : public TrainingNetwork {
 public:
  TightNetwork(std::unique_ptr<TrainingNetwork> network, int64_t most_tokens) : network_(std::move(network)), most_tokens_(most_tokens) {}
  at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) override {
    if (batch.num_tokens() > most_tokens_) throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "Tried to allocate 2.00 GiB.\nA trace.");
    return network_->forward(batch, dropout, stop);
  }
  void refresh() override { network_->refresh(); }

 private:
  const std::unique_ptr<TrainingNetwork> network_;
  const int64_t most_tokens_;
};

class TightModel final : public SentenceModel {
 public:
  TightModel(std::shared_ptr<const SentenceModel> model, int64_t most_tokens) : model_(std::move(model)), most_tokens_(most_tokens) {}
  at::Tensor forward(const TokenBatch& batch, Dropout* dropout, const std::stop_token& stop) const override { return model_->forward(batch, dropout, stop); }
  std::unique_ptr<const cpu::Inference> prepare(ComputeDtype, const cpu::Kernels*) const override { throw std::logic_error("not needed"); }
  virtual std::shared_ptr<const cuda::Network> prepare_on_card(ComputeDtype) const { return nullptr; }
  void check_trainable(ComputeDtype dtype) const override { model_->check_trainable(dtype); }
  std::unique_ptr<TrainingNetwork> training_network(ComputeDtype dtype) const override {
    return std::make_unique<TightNetwork>(model_->training_network(dtype), most_tokens_);
  }
  NamedTensors parameters() const override { return model_->parameters(); }
  std::shared_ptr<SentenceModel> clone(at::ScalarType dtype) const override { return std::make_shared<TightModel>(model_->clone(dtype), most_tokens_); }
  void save(const fs::path& folder, int64_t max_length, bool normalize) const override { model_->save(folder, max_length, normalize); }
  int64_t dim() const override { return model_->dim(); }
  int64_t max_positions() const override { return model_->max_positions(); }
  int64_t max_length() const override { return model_->max_length(); }
  bool normalizes() const override { return model_->normalizes(); }
  const Pooling& pooling() const override { return model_->pooling(); }
  const std::vector<DenseSettings>& dense() const override { return model_->dense(); }
  at::Device device() const override { return model_->device(); }

 private:
  const std::shared_ptr<const SentenceModel> model_;
  const int64_t most_tokens_;
};

// With a model that fits so many tokens at once.
struct TightTask : Task {
  explicit TightTask(int64_t most_tokens) { start = std::make_shared<TightModel>(start, most_tokens); }
};

// Notices of a training, and the budget that the last of them names.
struct Notices {
  std::vector<std::string> messages;
  int64_t budget = 0;

  EventCallback listen() {
    return [this](const Event& event) {
      if (event.kind != Event::Kind::notice) return;
      messages.push_back(event.message);
      const size_t place = event.message.find("going on with ");
      REQUIRE(place != std::string::npos);
      budget = std::stoll(event.message.substr(place + 14));
    };
  }
};

}  // namespace

TEST_CASE("a batch that memory does not suffice for is computed in parts, which is said, and so are all later ones") {
  const TightTask tight(60);
  Notices notices;
  const auto result = tight.train({}, notices.listen());
  REQUIRE(notices.messages.size() == 1);
  CHECK_THAT(notices.messages[0], ContainsSubstring("Step 1 does not fit the memory of cpu; going on with ") && ContainsSubstring(" tokens at once."));
  // As if the smaller budget had been given: nothing of the failed steps is left in the gradients.
  Task roomy;
  roomy.options.train_token_budget = notices.budget;
  CHECK(same_weights(*result.student, *roomy.train().student));
}

TEST_CASE("the token budget goes down as far as single texts") {
  const TightTask tight(13);
  Notices notices;
  const auto result = tight.train({}, notices.listen());
  CHECK(notices.messages.size() > 1);
  CHECK(notices.budget <= 13);
  CHECK(result.steps == 24);
}

TEST_CASE("a text that memory does not suffice for ends training, with what to lower") {
  const TightTask tight(5);
  CHECK_THROWS_WITH(tight.train(), ContainsSubstring("Training does not fit the memory of cpu, not even one text of ") &&
                                       ContainsSubstring(" tokens at once (Tried to allocate 2.00 GiB.). Lower `document_length` or `batch_size`"));
}

TEST_CASE("a resumed training begins with the token budget that the interrupted one came to") {
  const TightTask tight(60);
  const TemporaryFolder folder;
  std::stop_source source;
  Notices first, second;
  const auto note = first.listen();
  CHECK_THROWS_AS(
      tight.train(
          folder.path(), [&](const Event& event) { note(event), event.done == 5 ? static_cast<void>(source.request_stop()) : void(); }, source.get_token()),
      Stopped);
  CHECK(first.messages.size() == 1);
  const auto resumed = tight.train(folder.path(), second.listen());
  CHECK(second.messages.empty());
  CHECK(same_weights(*resumed.student, *tight.train().student));
}
