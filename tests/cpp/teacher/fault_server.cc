#include "teacher/fault_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace lmtx::test {

namespace {

using namespace std::chrono_literals;

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

size_t content_length(const std::string& head) {
  for (size_t line = head.find("\r\n"); line != head.npos; line = head.find("\r\n", line + 2)) {
    constexpr std::string_view name = "\r\ncontent-length:";
    if (strncasecmp(head.c_str() + line, name.data(), name.size()) == 0) return std::stoul(head.substr(line + name.size()));
  }
  return 0;
}

// Reads requests off a connection; what comes after one waits for the next.
class RequestReader {
 public:
  explicit RequestReader(int socket) : socket_(socket) {}

  std::optional<SeenRequest> read() {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) {
      if (!more()) return std::nullopt;
    }
    SeenRequest request{.head = buffer_.substr(0, end)};
    const size_t size = end + 4 + content_length(request.head);
    while (buffer_.size() < size) {
      if (!more()) return std::nullopt;
    }
    request.body = buffer_.substr(end + 4, size - end - 4);
    buffer_.erase(0, size);
    return request;
  }

 private:
  bool more() {
    char block[16384];
    const ssize_t got = recv(socket_, block, sizeof block, 0);
    if (got > 0) buffer_.append(block, static_cast<size_t>(got));
    return got > 0;
  }

  const int socket_;
  std::string buffer_;
};

void close_with_reset(int socket) {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

// Until the other side goes, or `stopping`.
void wait_for_end(int socket, const std::atomic<bool>& stopping) {
  while (!stopping) {
    pollfd watched{.fd = socket, .events = POLLIN | POLLRDHUP, .revents = 0};
    if (poll(&watched, 1, 10) > 0) return;
  }
}

std::string head_of(const Reply& reply) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) +
                     " Something\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
  for (const std::string& line : reply.headers) head += line + "\r\n";
  return head + "\r\n";
}

}  // namespace

FaultServer::FaultServer(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool ready = listener_ >= 0 && bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener_, 1024) == 0 &&
                     getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!ready) throw std::runtime_error("cannot start a server");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

FaultServer::~FaultServer() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

void FaultServer::accept_connections() {
  while (!stopping_) {
    const int socket = accept(listener_, nullptr, nullptr);
    if (socket < 0) continue;
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    join_ended();
    open_.push_back(socket);
    threads_.emplace_back([this, socket, connection = num_connections_++] { serve(socket, connection); });
  }
}

void FaultServer::serve(int socket, int64_t connection) {
  RequestReader reader(socket);
  while (auto request = reader.read()) {
    request->number = num_requests_++;
    request->connection = connection;
    const int64_t at_once = ++at_once_;
    for (int64_t most = most_at_once_; at_once > most && !most_at_once_.compare_exchange_weak(most, at_once);) continue;
    const bool keep = answer(socket, script_(*request));
    --at_once_;
    if (!keep) break;
  }
  const std::lock_guard lock(mutex_);
  open_.remove(socket);
  close(socket);
  ended_.push_back(std::this_thread::get_id());
}

// Threads that have ended hold memory until then.
void FaultServer::join_ended() {
  for (const std::thread::id id : std::exchange(ended_, {})) {
    const auto thread = std::find_if(threads_.begin(), threads_.end(), [&](const std::thread& one) { return one.get_id() == id; });
    thread->join();
    threads_.erase(thread);
  }
}

// Whether the connection goes on.
bool FaultServer::answer(int socket, const Reply& reply) {
  if (reply.delay_seconds > 0) std::this_thread::sleep_for(std::chrono::duration<double>(reply.delay_seconds));
  const std::string head = head_of(reply);
  switch (reply.way) {
    case Reply::Way::whole:
      return send_all(socket, head + reply.body);
    case Reply::Way::reset:
      close_with_reset(socket);
      return false;
    case Reply::Way::half:
      send_all(socket, head + reply.body.substr(0, reply.body.size() / 2));
      return false;
    case Reply::Way::silent:
      wait_for_end(socket, stopping_);
      return false;
    case Reply::Way::drip:
      break;
  }
  for (const char byte : head + reply.body) {
    if (stopping_ || !send_all(socket, {&byte, 1})) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

std::string chat_answer(double yes) {
  using nlohmann::json;
  const json alternatives = json::array({json{{"token", "yes"}, {"logprob", std::log(yes)}}, json{{"token", "no"}, {"logprob", std::log1p(-yes)}}});
  const json first = {{"token", "yes"}, {"logprob", std::log(yes)}, {"top_logprobs", alternatives}};
  const json choice = {
      {"index", 0}, {"message", {{"role", "assistant"}, {"content", "yes"}}}, {"logprobs", {{"content", json::array({first})}}}, {"finish_reason", "length"}};
  return json{
      {"object", "chat.completion"}, {"choices", json::array({choice})}, {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 1}, {"total_tokens", 101}}}}
      .dump();
}

std::string text_answer(const std::string& text) {
  using nlohmann::json;
  const json choice = {{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"logprobs", nullptr}, {"finish_reason", "stop"}};
  return json{
      {"object", "chat.completion"}, {"choices", json::array({choice})}, {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 5}, {"total_tokens", 105}}}}
      .dump();
}

}  // namespace lmtx::test
