// An HTTP server in the process of a test: answers as a script says, and does wrong what servers do wrong.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lmtx::test {

struct SeenRequest {
  // From 0, in the order in which they were read.
  int64_t number = 0;
  // From 0, in the order in which they were accepted.
  int64_t connection = 0;
  // "POST /v1/chat/completions HTTP/1.1" and the lines below.
  std::string head = {};
  std::string body = {};
};

struct Reply {
  enum class Way {
    whole,
    // The connection is reset before the answer.
    reset,
    // Half of the body, then the connection ends.
    half,
    // Nothing at all comes.
    silent,
    // A byte every 20 ms.
    drip,
  };

  int status = 200;
  // Lines such as "Retry-After: 1".
  std::vector<std::string> headers = {};
  std::string body = {};
  Way way = Way::whole;
  // Before it.
  double delay_seconds = 0;
};

// A thread a connection; connections are kept alive.
class FaultServer {
 public:
  // Called from many threads.
  using Script = std::function<Reply(const SeenRequest&)>;

  explicit FaultServer(Script script);
  ~FaultServer();
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  int port() const { return port_; }
  // "http://127.0.0.1:PORT/v1"
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int64_t num_requests() const { return num_requests_; }
  int64_t num_connections() const { return num_connections_; }
  // Requests that were being answered at once.
  int64_t most_at_once() const { return most_at_once_; }

 private:
  void accept_connections();
  void join_ended();
  void serve(int socket, int64_t connection);
  bool answer(int socket, const Reply& reply);

  const Script script_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int64_t> num_requests_ = 0, num_connections_ = 0, at_once_ = 0, most_at_once_ = 0;
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::vector<std::thread::id> ended_;
  std::thread acceptor_;
};

// The body of a chat's answer whose first token is yes with this probability, and no else.
std::string chat_answer(double yes);
// The same without log-probabilities.
std::string text_answer(const std::string& text);

}  // namespace lmtx::test
