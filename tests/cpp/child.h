// A second process for tests.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

// Forked off; says what it has to say through a pipe, at last what was thrown. Make it while this process has one thread.
class Child {
 public:
  explicit Child(const std::function<void(int output)>& work) {
    int ends[2];
    if (pipe(ends) != 0 || (process_ = fork()) < 0) throw std::runtime_error("cannot start a process");
    if (process_ == 0) {
      close(ends[0]);
      run(work, ends[1]);
    }
    close(ends[1]);
    input_ = ends[0];
  }
  ~Child() {
    if (process_ > 0) kill_now();
    close(input_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  template <typename T>
  bool read_value(T& value) {
    return read(input_, &value, sizeof value) == static_cast<ssize_t>(sizeof value);
  }
  // What is left to be said, until the process closes its end.
  std::string read_rest() {
    std::string text;
    char block[512];
    for (ssize_t got; (got = read(input_, block, sizeof block)) > 0;) text.append(block, static_cast<size_t>(got));
    return text;
  }
  void kill_now() {
    kill(process_, SIGKILL);
    wait_for_end();
  }
  // 0 where `work` returned, as the command line has it 2 for std::invalid_argument and 1 for other exceptions; -SIGKILL for a process that was killed.
  int wait_for_end() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  [[noreturn]] static void run(const std::function<void(int)>& work, int output) {
    try {
      work(output);
    } catch (const std::exception& error) {
      const std::string message = error.what();
      if (write(output, message.data(), message.size()) < 0) _exit(3);
      _exit(dynamic_cast<const std::invalid_argument*>(&error) ? 2 : 1);
    }
    _exit(0);
  }

  pid_t process_ = 0;
  int input_ = -1;
};
