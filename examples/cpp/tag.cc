// Tags the lines of standard input: tag TAGGER < texts
#include <exception>
#include <iostream>
#include <string>

#include <lmtx/tagger.h>

int main(int argc, char* argv[]) {
  if (argc != 2) {
    std::cerr << "usage: tag TAGGER < texts\n";
    return 2;
  }
  try {
    const lmtx::Tagger tagger = lmtx::Tagger::load(argv[1]);
    for (std::string text; std::getline(std::cin, text);) {
      std::cout << text << '\n';
      for (const lmtx::Tag& tag : tagger.tag(text, {.k = 3})) std::cout << "  " << tag.score << "  " << tag.label << '\n';
    }
  } catch (const std::exception& error) {
    std::cerr << "tag: " << error.what() << '\n';
    return 1;
  }
}
