// Prints the vectors of the lines of standard input, a line each: embed MODEL < texts
#include <cstdint>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include <lmtx/encoder.h>

namespace {

// One line a text, flushed, so that whoever writes the lines can wait for their vectors.
void print_vector(const at::Tensor& vector) {
  const std::span numbers(vector.const_data_ptr<float>(), static_cast<std::size_t>(vector.numel()));
  for (const float number : numbers) std::cout << number << ' ';
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 2) {
    std::cerr << "usage: embed MODEL < texts\n";
    return 2;
  }
  try {
    const lmtx::Encoder encoder = lmtx::Encoder::load(argv[1]);
    for (std::string line; std::getline(std::cin, line);) {
      const std::string_view text = line;
      print_vector(encoder.encode(std::span(&text, 1)));
    }
  } catch (const std::exception& error) {
    std::cerr << "embed: " << error.what() << '\n';
    return 1;
  }
}
