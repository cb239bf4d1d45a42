// Runs a fuzz target without libFuzzer: on the files given (seeds), then on mutations of them, each drawn from its number, so that a finding is found again.
//   fuzz_NAME SEED_FILE_OR_FOLDER...
//   LMTX_FUZZ_SECONDS=60   CPU time; 2 without it
//   LMTX_FUZZ_SEED=7       other mutations
//   LMTX_FUZZ_ONLY=1234    this one alone, as a finding names it; it is also written to the file `finding`
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "fuzz.h"
#include "lmtx/detail/random.h"

// There in programs that are linked with a sanitizer.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using namespace lmtx::fuzz;
using lmtx::detail::KeyedRandom;

// Some bytes of which JSON, our files and safetensors are made, and numbers that hurt.
constexpr std::string_view tokens[] = {
    "{", "}", "[", "]", "\"", ":", ",", "\\", "\\u0000", "\\ud800", "\\n", "null", "true", "false", "NaN", "Infinity", "-1", "0", "1e999", "-1e-999", "1.5", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "4294967296", "2147483648", "1e9", "\"\"", "[]", "{}", "[[[[[[[[", "{\"a\":{\"a\":", "\n", "\r\n",
    "\xef\xbb\xbf", "\xff", "\xc3", "\x1f\x8b\x08", "F32", "F64", "F16", "BF16", "I64", "U8", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"format\"", "\"uid\"", "\"checksum\"",
    "[0,0]", "\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "..", "/", "[CLS]", "##"};
constexpr int64_t numbers[] = {0, 1, -1, 2, 7, 8, 16, 255, 256, 65535, 1 << 20, INT32_MAX, INT32_MIN, int64_t{1} << 32, int64_t{1} << 40, int64_t{1} << 61, INT64_MAX, INT64_MIN};
constexpr size_t largest_input = size_t{1} << 20;

size_t place_in(KeyedRandom& random, size_t size) { return static_cast<size_t>(random.below(static_cast<int64_t>(size) + 1)); }

std::string chunk_of(KeyedRandom& random, const std::string& bytes) {
  const size_t begin = place_in(random, bytes.size());
  return bytes.substr(begin, place_in(random, std::min<size_t>(bytes.size() - begin, random.below(4) == 0 ? 4096 : 32)));
}

// A number in a text becomes another.
void change_number(KeyedRandom& random, std::string& bytes) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(place_in(random, bytes.size()));
  const auto begin = std::find_if(from, bytes.end(), is_digit);
  const auto end = std::find_if_not(begin, bytes.end(), is_digit);
  if (begin != end) bytes.replace(begin, end, std::to_string(numbers[random.below(std::size(numbers))]));
}

// A value, a member or an item of a JSON text: from one comma, bracket or colon to another.
void copy_part(KeyedRandom& random, std::string& bytes) {
  const size_t begin = bytes.find_first_of(",[{:", place_in(random, bytes.size()));
  if (begin == std::string::npos) return;
  const size_t end = bytes.find_first_of(",]}", begin + 1);
  const size_t target = bytes.find_first_of(",]}", place_in(random, bytes.size()));
  if (end != std::string::npos && target != std::string::npos) bytes.insert(target, bytes.substr(begin, end - begin));
}

// A number of a binary file becomes another.
void set_word(KeyedRandom& random, std::string& bytes) {
  const size_t width = random.below(2) == 0 ? 8 : 4;
  if (bytes.size() < width) return;
  // Heads and ends hold the sizes.
  const size_t words = bytes.size() / width, near = std::min<size_t>(words, 12), choice = static_cast<size_t>(random.below(3));
  const size_t word = choice == 0 ? place_in(random, near - 1) : choice == 1 ? words - 1 - place_in(random, near - 1) : place_in(random, words - 1);
  const int64_t number = numbers[random.below(std::size(numbers))];
  bytes.replace(word * width, width, reinterpret_cast<const char*>(&number), width);
}

void mutate(KeyedRandom& random, std::string& bytes, const std::vector<std::string>& seeds) {
  const size_t place = place_in(random, bytes.size());
  switch (random.below(10)) {
    case 0: bytes.resize(place); break;
    case 1:
    case 2:
      if (place < bytes.size()) bytes[place] = static_cast<char>(bytes[place] ^ (1 << random.below(8)));
      break;
    case 3: bytes.insert(place, chunk_of(random, bytes)); break;
    case 4: bytes.erase(place, place_in(random, std::min<size_t>(bytes.size() - place, 64))); break;
    case 5: bytes.insert(place, tokens[random.below(std::size(tokens))]); break;
    case 6: change_number(random, bytes); break;
    case 7: copy_part(random, bytes); break;
    case 8: set_word(random, bytes); break;
    default: bytes.replace(place, place_in(random, std::min<size_t>(bytes.size() - place, 64)), chunk_of(random, seeds[random.below(static_cast<int64_t>(seeds.size()))])); break;
  }
}

std::string input_of(uint64_t seed, int64_t number, const std::vector<std::string>& seeds) {
  KeyedRandom random(lmtx::detail::random_key(seed, "fuzz", {number}));
  std::string bytes = seeds[random.below(static_cast<int64_t>(seeds.size()))];
  for (int64_t i = 1 + random.below(4); i > 0; --i) mutate(random, bytes, seeds);
  if (bytes.size() > largest_input) bytes.resize(largest_input);
  return bytes;
}

std::vector<std::string> read_seeds(int count, char** names) {
  std::vector<fs::path> files;
  for (int i = 0; i < count; ++i) {
    if (!fs::is_directory(names[i])) files.emplace_back(names[i]);
    else
      for (const auto& entry : fs::recursive_directory_iterator(names[i])) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const fs::path& file : files) seeds.push_back(read(file));
  return seeds;
}

int64_t number_from(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::atoll(text) : otherwise;
}

// What is being tried, for the handlers.
std::string current_input;
char current_name[64];

void name_input() {
  if (write(2, current_name, strlen(current_name)) < 0) _exit(3);
  if (std::FILE* file = std::fopen("finding", "wb")) {
    std::fwrite(current_input.data(), 1, current_input.size(), file);
    std::fclose(file);
  }
}

// Crashes, what expect_one_line() reports, and inputs that take too long all come here.
void handle(int signal) {
  name_input();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

// Sanitizers report crashes themselves, and name the input at the end.
void install_handlers() {
  std::vector<int> signals = {SIGABRT, SIGALRM};
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(name_input);
  else signals.insert(signals.end(), {SIGSEGV, SIGBUS, SIGFPE, SIGILL});
  for (const int signal : signals) ::signal(signal, handle);
}

void run(const std::string& name, std::string input) {
  current_input = std::move(input);
  std::snprintf(current_name, sizeof current_name, "in input %s\n", name.c_str());
  // No input of a megabyte takes so long.
  alarm(60);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current_input.data()), current_input.size());
}

// A gigabyte more than the process has by now; not under sanitizers, which reserve most of what there is.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) + (uint64_t{1} << 30);
  setrlimit(RLIMIT_AS, &limit);
#endif
}

}  // namespace

int main(int argc, char* argv[]) {
  const std::vector<std::string> seeds = read_seeds(argc - 1, argv + 1);
  if (seeds.empty()) {
    std::fprintf(stderr, "usage: %s SEED_FILE_OR_FOLDER...\n", argv[0]);
    return 2;
  }
  const auto seed = static_cast<uint64_t>(number_from("LMTX_FUZZ_SEED", 1));
  const auto seconds = static_cast<double>(number_from("LMTX_FUZZ_SECONDS", 2));
  const int64_t only = number_from("LMTX_FUZZ_ONLY", -1);
  install_handlers();
  for (size_t i = 0; i < seeds.size() && only < 0; ++i) run("seed " + std::to_string(i), seeds[i]);
  limit_memory();
  int64_t number = only < 0 ? 0 : only;
  const std::clock_t end = std::clock() + static_cast<std::clock_t>(seconds * CLOCKS_PER_SEC);
  do {
    run(std::to_string(number), input_of(seed, number, seeds));
    ++number;
  } while (only < 0 && std::clock() < end);
  std::printf("%lld inputs and %zu seeds: nothing found\n", static_cast<long long>(only < 0 ? number : 1), seeds.size());
  return 0;
}
