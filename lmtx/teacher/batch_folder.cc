#include "lmtx/teacher/batch_folder.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/teacher/batch_index.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

detail::BatchIndex open_index(const fs::path& folder) {
  detail::BatchIndex index(folder);
  if (!fs::is_directory(index.requests())) detail::fail(folder.string(), "expected a folder of batches, with the folder requests in it, but there is none.");
  index.refresh();
  return index;
}

// Calls `use` with each line that is not blank, and its place.
template <typename Use>
void each_line(const fs::path& file, const Use& use) {
  detail::LineReader lines(file);
  for (std::string line; lines.next(line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) use(line, lines.place());
  }
}

BatchImport count(const detail::BatchIndex& index, const fs::path& file) {
  BatchImport result;
  std::set<detail::Digest> answered;
  each_line(file, [&](const std::string& text, const std::string& place) {
    ++result.lines;
    const detail::BatchLine line = detail::parse_batch_line(text, place, /*with_body=*/false);
    const detail::BatchRequest request = line.id ? index.find(*line.id) : detail::BatchRequest{};
    if (request.exported == 0)
      ++result.unknown;
    else if (!line.failure.empty())
      ++result.failed;
    else {
      const bool before = std::any_of(request.answers.begin(), request.answers.end(), [](const detail::BatchAnswer& answer) { return !answer.failed; });
      ++(before || !answered.insert(*line.id).second ? result.repeated : result.answers);
    }
  });
  return result;
}

void copy_lines(const fs::path& from, const fs::path& to) {
  detail::write_file_atomically(
      to, [&](const detail::AppendBytes& append) { each_line(from, [&](const std::string& line, const std::string&) { append(line + "\n"); }); });
}

bool same_lines(const fs::path& one, const fs::path& two) {
  detail::LineReader first(one), second(two);
  std::string a, b;
  for (;;) {
    const bool more = first.next(a);
    if (more != second.next(b)) return false;
    if (!more) return true;
    if (a != b) return false;
  }
}

// The file's name without .gz, with a number where another file has it.
fs::path free_name(const fs::path& folder, const fs::path& file) {
  const fs::path plain = file.extension() == ".gz" ? file.stem() : file.filename();
  const std::string stem = plain.extension() == ".jsonl" ? plain.stem().string() : plain.string();
  fs::path name = folder / (stem + ".jsonl");
  for (int64_t number = 2; fs::exists(name); ++number) name = folder / (stem + "-" + std::to_string(number) + ".jsonl");
  return name;
}

// The file of answers with the same lines; empty where there is none.
fs::path find_same(const fs::path& folder, const fs::path& copy) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path() == copy || entry.path().extension() != ".jsonl" || entry.file_size() != fs::file_size(copy)) continue;
    if (same_lines(entry.path(), copy)) return entry.path();
  }
  return {};
}

}  // namespace

BatchStatus batch_status(const fs::path& folder) { return open_index(folder).status(); }

BatchImport import_batch_answers(const fs::path& folder, const fs::path& file) {
  const detail::BatchIndex index = open_index(folder);
  BatchImport result = count(index, file);
  if (result.unknown == result.lines) {
    detail::fail(file.string(),
                 "none of its " + std::to_string(result.lines) + " lines answers a request in " + index.requests().string() + "; is it another batch's?");
  }
  detail::make_folder(index.answers());
  // Copied first: the original may be packed, and is read once more only.
  result.file = free_name(index.answers(), file);
  copy_lines(file, result.file);
  const fs::path same = find_same(index.answers(), result.file);
  if (same.empty()) return result;
  detail::remove_tree(result.file);
  result.file = same;
  result.known = true;
  return result;
}

}  // namespace lmtx
