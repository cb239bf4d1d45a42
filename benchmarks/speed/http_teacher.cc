// How fast the HTTP teacher is where the server takes no time: http_teacher.py runs it.
//
//   lmtx_http_speed judge CONCURRENCY LABELS STORE MILESTONE...   judges up to the last milestone, and says a line of JSON at each; STORE -: keeps nothing
//   lmtx_http_speed ceiling CONNECTIONS SECONDS                   requests a second that the server can answer, asked by plain sockets
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "lmtx/teacher/http_oracle.h"
#include "lmtx/teacher/judgment_store.h"
#include "teacher/fault_server.h"

namespace {

using namespace lmtx;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Each pair has a prompt of about 300 tokens.
std::string content_of(int64_t document) {
  std::string text = "Document ";
  text.append(std::to_string(document)).append(".");
  while (text.size() < 1000) text += " It says something about the matter, as documents do.";
  return text;
}

ChatProtocol protocol() { return ChatProtocol({.model = "instant"}); }

// In a process of its own, which ends with this one.
class Server {
 public:
  Server() {
    int ends[2];
    if (pipe(ends) != 0 || (process_ = fork()) < 0) throw std::runtime_error("cannot start a process");
    if (process_ == 0) serve(ends[0], ends[1]);
    if (read(ends[0], &port_, sizeof port_) != sizeof port_) throw std::runtime_error("the server did not start");
    close(ends[0]);
    close(ends[1]);
  }
  ~Server() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  int port() const { return port_; }
  double cpu_seconds() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/stat");
    std::string skipped;
    for (int i = 0; i < 13; ++i) file >> skipped;
    double user = 0, system = 0;
    file >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

 private:
  [[noreturn]] static void serve(int /*input*/, int output) {
    const test::Reply reply{.body = test::chat_answer(0.7)};
    test::FaultServer server([&](const test::SeenRequest&) { return reply; });
    const int port = server.port();
    if (write(output, &port, sizeof port) != sizeof port) _exit(1);
    while (getppid() != 1) sleep(1);
    _exit(0);
  }

  pid_t process_ = 0;
  int port_ = 0;
};

int64_t kib_of(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    int64_t kib = 0;
    if (word == name + ":" && file >> kib) return kib;
  }
  return 0;
}

// Puts into the store, where there is one, and says how far it is.
class StoreSink final : public AnswerSink {
 public:
  StoreSink(std::optional<JudgmentStore> store, std::string identity, std::vector<int64_t> milestones, const Server& server)
      : store_(std::move(store)), identity_(std::move(identity)), milestones_(milestones.begin(), milestones.end()), server_(server) {}

  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view) override {
    if (store_) store_->put(identity_, question, verdicts, usage, "speed");
    const std::lock_guard lock(mutex_);
    count_ += static_cast<int64_t>(verdicts.size());
    if (milestones_.empty() || count_ < milestones_.front()) return;
    milestones_.pop_front();
    const double cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    std::cout << nlohmann::json{{"judgments", count_},         {"seconds", seconds_since(begin_)}, {"rss_kib", kib_of("VmRSS")},
                                {"peak_kib", kib_of("VmHWM")}, {"client_cpu_seconds", cpu},        {"server_cpu_seconds", server_.cpu_seconds()}}
                     .dump()
              << std::endl;
  }
  std::stop_token stop() const override { return {}; }
  int64_t stored() const { return store_ ? store_->size() : 0; }

 private:
  std::optional<JudgmentStore> store_;
  const std::string identity_;
  std::mutex mutex_;
  std::deque<int64_t> milestones_;
  const Server& server_;
  int64_t count_ = 0;
  const Clock::time_point begin_ = Clock::now();
};

// Calls judge() as the trainer does: so many calls at once, each with as many questions as the teacher likes.
void judge_all(HttpOracle& oracle, AnswerSink& sink, int64_t num_documents, const std::vector<LabelToJudge>& labels) {
  std::atomic<int64_t> next = 0;
  const int64_t step = oracle.traits().questions_per_call;
  const auto work = [&] {
    for (int64_t first; (first = next.fetch_add(step)) < num_documents;) {
      std::deque<std::string> texts;
      std::vector<Question> questions;
      for (int64_t i = first; i < std::min(first + step, num_documents); ++i) {
        const std::string& uid = texts.emplace_back(std::to_string(i));
        questions.push_back({.uid = uid, .title = "", .content = texts.emplace_back(content_of(i)), .labels = labels});
      }
      oracle.judge(questions, sink);
    }
  };
  std::vector<std::jthread> threads;
  for (int64_t i = 0; i < oracle.traits().concurrent_calls; ++i) threads.emplace_back(work);
}

void judge(int64_t concurrency, int64_t num_labels, const std::string& file, const std::vector<int64_t>& milestones) {
  const Server server;
  std::deque<std::string> names;
  std::vector<LabelToJudge> labels;
  for (int64_t i = 0; i < num_labels; ++i)
    labels.push_back({.uid = names.emplace_back(std::string("l").append(std::to_string(i))), .name = names.back(), .description = ""});
  const auto oracle = HttpOracle::make(
      {.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/v1", .max_concurrency = concurrency, .starting_concurrency = concurrency}, protocol());
  StoreSink sink(file == "-" ? std::nullopt : std::optional(JudgmentStore::open(file)), oracle->identity(), milestones, server);
  judge_all(*oracle, sink, (milestones.back() + num_labels - 1) / num_labels, labels);
  const HttpStats stats = oracle->stats();
  std::cout
      << nlohmann::json{{"stored", sink.stored()}, {"requests", stats.requests}, {"retries", stats.retries}, {"most_in_flight", stats.most_in_flight}}.dump()
      << std::endl;
}

int connected(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("cannot connect");
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

// One request after the other on each connection, with no reading of what comes but its length.
void ceiling(int64_t connections, double seconds) {
  const Server server;
  const std::string content = content_of(0);
  const std::vector<LabelToJudge> labels = {{.uid = "l", .name = "l", .description = ""}};
  const std::string body = protocol().requests({.uid = "d", .title = "", .content = content, .labels = labels})[0].body;
  const std::string request = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const size_t body_size = test::chat_answer(0.7).size();
  std::vector<pollfd> sockets;
  std::vector<std::string> got(static_cast<size_t>(connections));
  for (int64_t i = 0; i < connections; ++i) sockets.push_back({.fd = connected(server.port()), .events = POLLIN, .revents = 0});
  const auto ask = [&](int socket) {
    if (send(socket, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) throw std::runtime_error("cannot send");
  };
  for (const pollfd& socket : sockets) ask(socket.fd);
  int64_t answers = 0;
  const auto begin = Clock::now();
  while (seconds_since(begin) < seconds) {
    poll(sockets.data(), sockets.size(), 1000);
    for (size_t i = 0; i < sockets.size(); ++i) {
      if (!(sockets[i].revents & POLLIN)) continue;
      char block[4096];
      const ssize_t size = recv(sockets[i].fd, block, sizeof block, 0);
      if (size <= 0) throw std::runtime_error("the server went away");
      got[i].append(block, static_cast<size_t>(size));
      const size_t head = got[i].find("\r\n\r\n");
      if (head == std::string::npos || got[i].size() < head + 4 + body_size) continue;
      got[i].clear();
      ++answers;
      ask(sockets[i].fd);
    }
  }
  std::cout << nlohmann::json{{"requests", answers}, {"seconds", seconds_since(begin)}}.dump() << std::endl;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  try {
    if (arguments.size() >= 5 && arguments[0] == "judge") {
      std::vector<int64_t> milestones;
      for (size_t i = 4; i < arguments.size(); ++i) milestones.push_back(std::stoll(arguments[i]));
      judge(std::stoll(arguments[1]), std::stoll(arguments[2]), arguments[3], milestones);
    } else if (arguments.size() == 3 && arguments[0] == "ceiling") {
      ceiling(std::stoll(arguments[1]), std::stod(arguments[2]));
    } else {
      std::cerr << "judge CONCURRENCY LABELS STORE MILESTONE... | ceiling CONNECTIONS SECONDS\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
