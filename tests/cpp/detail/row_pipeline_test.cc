#include "lmtx/detail/row_pipeline.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "catch.h"
#include "lmtx/stopped.h"

using namespace lmtx;
using namespace lmtx::detail;

namespace {

constexpr int64_t dim = 3;

// What the device below computes: of a sequence its length, its sum and its last token.
std::vector<float> vector_of(Sequence sequence) {
  return {static_cast<float>(sequence.size()), static_cast<float>(std::accumulate(sequence.begin(), sequence.end(), int64_t{0})),
          static_cast<float>(sequence.back())};
}

struct Work : PendingRows {
  Work(std::future<std::vector<float>> made, std::atomic<int>& alive) : made(std::move(made)), alive(alive) { ++alive; }
  ~Work() override {
    if (made.valid()) made.wait();
    --alive;
  }
  const float* wait() override {
    rows = made.get();
    return rows.data();
  }
  std::future<std::vector<float>> made;
  std::vector<float> rows;
  std::atomic<int>& alive;
};

// Computes on threads of its own, as slowly as chance has it.
class FakeDevice : public BatchDevice {
 public:
  std::unique_ptr<PendingRows> start(std::span<const Sequence> batch, const std::stop_token&) override {
    int64_t tokens = 0;
    std::vector<float> rows;
    for (const Sequence sequence : batch) {
      tokens += static_cast<int64_t>(sequence.size());
      const std::vector<float> vector = vector_of(sequence);
      rows.insert(rows.end(), vector.begin(), vector.end());
    }
    if (tokens > memory) {
      ++refused;
      throw DeviceFull("fake:0 (a fake, 1 GiB, of which 0 GiB are free)");
    }
    batches.push_back(tokens);
    const auto pause = std::chrono::microseconds(random() % 300);
    auto made = std::async(std::launch::async, [rows, pause, fails = static_cast<int64_t>(batches.size()) == fail_at] {
      std::this_thread::sleep_for(pause);
      if (fails) throw std::domain_error("the fake broke");
      return rows;
    });
    auto work = std::make_unique<Work>(std::move(made), alive);
    most_alive = std::max<int>(most_alive, alive);
    return work;
  }

  int64_t memory = 1 << 30;
  int64_t fail_at = 0;
  int refused = 0, most_alive = 0;
  std::atomic<int> alive{0};
  std::vector<int64_t> batches;
  std::minstd_rand random{1};
};

struct Input {
  explicit Input(int64_t count, int64_t longest = 20) {
    std::minstd_rand random{7};
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t length = 1 + static_cast<int64_t>(random() % longest); length > 0; --length) tokens.ids.push_back(static_cast<int32_t>(random() % 1000));
      tokens.offsets.push_back(static_cast<int64_t>(tokens.ids.size()));
      rows.push_back(count - 1 - i);
    }
  }

  TokenBlock block(int64_t begin, int64_t end) const {
    TokenBlock block{.tokens = {}, .sequences = {}, .rows = std::span(rows).subspan(begin, end - begin)};
    for (int64_t i = begin; i < end; ++i) block.sequences.push_back(tokens[i]);
    return block;
  }

  std::vector<float> expected() const {
    std::vector<float> all(rows.size() * dim);
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::vector<float> vector = vector_of(tokens[static_cast<int64_t>(i)]);
      std::copy(vector.begin(), vector.end(), all.begin() + rows[i] * dim);
    }
    return all;
  }

  RaggedTokens tokens;
  std::vector<int64_t> rows;
};

std::vector<float> run(FakeDevice& device, const Input& input, RowPipelineOptions options, const EventCallback& on_event = {}, int64_t block_size = 100,
                       std::stop_token stop = {}) {
  const auto count = static_cast<int64_t>(input.rows.size());
  options.total = count;
  std::vector<float> rows(count * dim, -1);
  RowPipeline pipeline(device, rows.data(), dim, options, on_event);
  for (int64_t begin = 0; begin < count; begin += block_size) {
    const TokenBlock block = input.block(begin, std::min(begin + block_size, count));
    pipeline.add(block, stop);
  }
  pipeline.finish();
  return rows;
}

}  // namespace

TEST_CASE("a pipeline puts each vector into its row, whatever the sizes of blocks and batches") {
  const int64_t count = GENERATE(0, 1, 2, 517), budget = GENERATE(1, 64, 100'000), in_flight = GENERATE(1, 4);
  const Input input(count);
  FakeDevice device;
  CHECK(run(device, input, {.token_budget = budget, .in_flight = in_flight}) == input.expected());
  CHECK(device.most_alive <= in_flight + 1);  // One waits to be put.
  CHECK(device.alive == 0);
}

TEST_CASE("a pipeline computes each sequence alone where it is told to") {
  const Input input(40);
  FakeDevice device;
  CHECK(run(device, input, {.token_budget = 1000, .max_sequences = 1}) == input.expected());
  CHECK(device.batches.size() == 40);
}

TEST_CASE("progress of a pipeline rises from nothing to all") {
  const Input input(300);
  FakeDevice device;
  std::vector<int64_t> done;
  const auto thread = std::this_thread::get_id();
  run(device, input, {.token_budget = 64}, [&](const Event& event) {
    CHECK((event.kind == Event::Kind::progress && event.stage == "embed" && event.total == 300 && std::this_thread::get_id() == thread));
    done.push_back(event.done);
  });
  CHECK(done.front() == 0);
  CHECK(done.back() == 300);
  CHECK(std::adjacent_find(done.begin(), done.end(), std::greater_equal<>()) == done.end());
}

TEST_CASE("where a device is full, batches shrink, and a notice says so once for each time") {
  const Input input(300);
  FakeDevice device;
  device.memory = 130;
  std::vector<std::string> notices;
  const auto found = run(device, input, {.token_budget = 1000}, [&](const Event& event) {
    if (event.kind == Event::Kind::notice) notices.push_back(event.message);
  });
  CHECK(found == input.expected());
  CHECK(device.refused == static_cast<int>(notices.size()));
  REQUIRE(notices.size() >= 3);
  REQUIRE(notices.size() <= 5);
  CHECK(notices.front().starts_with("fake:0 (a fake, 1 GiB, of which 0 GiB are free) has too little memory for "));
  CHECK(notices.front().find(" tokens at once; going on with ") != std::string::npos);
  CHECK(*std::max_element(device.batches.begin(), device.batches.end()) <= 130);
}

TEST_CASE("a sequence that a device cannot hold alone ends a pipeline, naming the device and what to do") {
  const Input input(300);
  FakeDevice device;
  device.memory = 12;
  CHECK_THROWS_WITH(run(device, input, {.token_budget = 100}),
                    "fake:0 (a fake, 1 GiB, of which 0 GiB are free) has too little memory for one text of 20 tokens. Free some of it, choose a lower `dtype`, "
                    "cut texts with "
                    "`max_length`, or use another device.");
  CHECK(device.alive == 0);
}

TEST_CASE("what a device throws later comes out of a pipeline, and nothing stays under way") {
  const int64_t fail_at = GENERATE(1, 2, 9), blocks = GENERATE(1, 30);
  const Input input(blocks == 1 ? 5 : 300);
  FakeDevice device;
  device.fail_at = blocks == 1 ? 1 : fail_at;
  CHECK_THROWS_AS(run(device, input, {.token_budget = 200}), std::domain_error);
  CHECK(device.alive == 0);
}

TEST_CASE("a stop request and an exception of the callback end a pipeline") {
  const Input input(300);
  FakeDevice device;
  std::stop_source stop;
  CHECK_THROWS_AS(run(
                      device, input, {.token_budget = 64},
                      [&](const Event& event) {
                        if (event.done > 20) stop.request_stop();
                      },
                      100, stop.get_token()),
                  Stopped);
  CHECK(device.alive == 0);
  CHECK_THROWS_AS(run(device, input, {.token_budget = 64},
                      [&](const Event& event) {
                        if (event.done > 20) throw std::domain_error("no");
                      }),
                  std::domain_error);
  CHECK(device.alive == 0);
}
