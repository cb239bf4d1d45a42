#include "lmtx/search/detail/index_files.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {
namespace {

namespace fs = std::filesystem;

constexpr int64_t format = 1;
constexpr const char* manifest_name = "manifest.json";

// Named after their contents, so that a file that is there need not be written again.
std::string rows_file(const std::string& checksum) { return "rows-" + checksum + ".bin"; }
std::string graph_file(const std::string& checksum) { return "graph-" + checksum + ".bin"; }

// Pairs [label, value], by label.
template <typename Value>
Json pairs(const std::unordered_map<int64_t, Value>& map) {
  std::vector<std::pair<int64_t, Value>> sorted(map.begin(), map.end());
  std::sort(sorted.begin(), sorted.end());
  Json list = Json::array();
  for (const auto& [label, value] : sorted) list.push_back({label, value});
  return list;
}

template <typename Value>
std::unordered_map<int64_t, Value> map_of(const Json& manifest, const char* key, const fs::path& file) {
  std::unordered_map<int64_t, Value> map;
  const auto list = manifest.find(key);
  if (list == manifest.end() || !list->is_array()) fail(file, std::string("`") + key + "` must be a list of pairs.");
  for (const Json& pair : *list) {
    const bool is_pair = pair.is_array() && pair.size() == 2 && pair[0].is_number_unsigned() && pair[1].is_number();
    if (!is_pair || pair[0].get<uint64_t>() > static_cast<uint64_t>(INT64_MAX) || !std::isfinite(pair[1].get<float>())) {
      fail(file, std::string("`") + key + "` must be a list of pairs of a label number and a finite number.");
    }
    map[pair[0].get<int64_t>()] = pair[1].get<Value>();
  }
  return map;
}

// Over the manifest's meaning rather than its bytes.
std::string manifest_checksum(Json manifest) {
  manifest.erase("checksum");
  return checksum_of(manifest.dump());
}

Json manifest_of(const IndexState& index, const std::vector<std::string>& graphs) {
  Json segments = Json::array();
  for (size_t s = 0; s < index.segments.size(); ++s) {
    const Segment& segment = *index.segments[s];
    segments.push_back({{"file", rows_file(segment.checksum())},
                        {"rows", segment.num_rows()},
                        {"bytes", segment.bytes().size()},
                        {"checksum", segment.checksum()}});
    if (graphs[s].empty()) continue;
    const std::string checksum = checksum_of(graphs[s]);
    segments.back()["graph"] = {{"file", graph_file(checksum)}, {"bytes", graphs[s].size()}, {"checksum", checksum}};
  }
  Json manifest = {{"format", format},
                   {"dim", index.dim},
                   {"normalize", index.options.normalize},
                   {"method", index.options.method},
                   {"segments", segments},
                   {"removed", pairs(index.removed)},
                   {"biases", pairs(index.biases)}};
  manifest["checksum"] = manifest_checksum(manifest);
  return manifest;
}

// Unless it is there already, and not damaged.
void write_content(const fs::path& file, std::string_view bytes) {
  std::error_code none;
  if (fs::is_regular_file(file, none) && fs::file_size(file, none) == bytes.size()) {
    const MappedFile there(file);
    if (std::string_view(there.data(), static_cast<size_t>(there.size())) == bytes) return;
  }
  write_file_atomically(file, bytes);
}

// A checksum that file names are made of.
std::string checksum_in(const Json& described, const std::string& place) {
  const std::string checksum = json_string(described, "checksum", place);
  if (checksum.size() == 32 && checksum.find_first_not_of("0123456789abcdef") == std::string::npos) return checksum;
  fail(place, "`checksum` must be 32 hexadecimal digits, but is " + quote(checksum) + ".");
}

// The manifest goes last: until then the folder is the index that it was.
void write_into(const IndexState& index, const fs::path& folder) {
  std::vector<std::string> graphs;
  for (const auto& segment : index.segments) graphs.push_back(segment->graph() == nullptr ? "" : segment->graph()->to_bytes());
  for (size_t s = 0; s < index.segments.size(); ++s) {
    write_content(folder / rows_file(index.segments[s]->checksum()), index.segments[s]->bytes());
    if (!graphs[s].empty()) write_content(folder / graph_file(checksum_of(graphs[s])), graphs[s]);
  }
  write_json(folder / manifest_name, manifest_of(index, graphs));
}

std::set<std::string> files_of(const Json& manifest) {
  std::set<std::string> files;
  for (const Json& segment : manifest["segments"]) {
    files.insert(segment["file"].get<std::string>());
    if (segment.contains("graph")) files.insert(segment["graph"]["file"].get<std::string>());
  }
  return files;
}

// Content files that no manifest names any more, and what killed writes left.
void remove_orphans(const fs::path& folder) {
  const std::set<std::string> used = files_of(read_json(folder / manifest_name));
  std::vector<fs::path> orphans;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool content = name.starts_with("rows-") || name.starts_with("graph-");
    if (content && !used.contains(name)) orphans.push_back(entry.path());
  }
  std::error_code ignored;
  for (const fs::path& orphan : orphans) fs::remove(orphan, ignored);
}

std::shared_ptr<const RowGraph> load_graph(const fs::path& folder, const Json& described, const Segment& segment, const std::string& place) {
  const std::string checksum = checksum_in(described, place);
  const fs::path file = folder / graph_file(checksum);
  const std::string bytes = read_file(file);
  const int64_t expected = json_integer(described, "bytes", place);
  if (static_cast<int64_t>(bytes.size()) != expected) {
    fail(file, "expected " + std::to_string(expected) + " bytes, but it has " + std::to_string(bytes.size()) + ": truncated, or from another index.");
  }
  if (checksum_of(bytes) != checksum) fail(file, "damaged: its checksum is not the one in the manifest.");
#ifdef LMTX_FAISS
  try {
    return graph_from_bytes(bytes, segment.row(0), segment.num_rows(), segment.dim());
  } catch (const std::runtime_error& error) {
    fail(file, error.what());
  }
#else
  static_cast<void>(segment);
  fail(file, "this LMTX was built without FAISS (LMTX_FAISS).");
#endif
}

void load_segments(IndexState& index, const Json& manifest, const fs::path& folder, const std::string& place) {
  const auto segments = manifest.find("segments");
  if (segments == manifest.end() || !segments->is_array()) fail(place, "`segments` must be a list.");
  for (const Json& described : *segments) {
    const std::string checksum = checksum_in(described, place);
    const auto segment = Segment::open(folder / rows_file(checksum), json_integer(described, "rows", place), index.dim, checksum);
    if (described.contains("graph")) segment->set_graph(load_graph(folder, described["graph"], *segment, place));
    index.segments.push_back(segment);
    index.num_labels += index.count_new_labels(static_cast<int64_t>(index.segments.size()) - 1);
  }
}

Json read_manifest(const fs::path& file) {
  Json manifest = read_json(file);
  if (!manifest.is_object()) fail(file, "no manifest of a label index.");
  const int64_t found = json_integer(manifest, "format", file.string());
  if (found > format) {
    fail(file, "written by a newer LMTX (format " + std::to_string(found) + "; this one reads up to " + std::to_string(format) + ").");
  }
  if (json_string(manifest, "checksum", file.string()) != manifest_checksum(manifest)) fail(file, "damaged: its checksum does not fit its contents.");
  return manifest;
}

}  // namespace

void save_index(const IndexState& index, const fs::path& folder) {
  if (!fs::exists(folder)) return write_folder_atomically(folder, [&](const fs::path& fresh) { write_into(index, fresh); });
  if (!fs::exists(folder / manifest_name) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw std::runtime_error(folder.string() + ": is there already and is no label index; remove it or choose another folder.");
  }
  write_into(index, folder);
  remove_orphans(folder);
}

IndexState load_index(const fs::path& folder) {
  const fs::path file = folder / manifest_name;
  const Json manifest = read_manifest(file);
  const std::string place = file.string();
  IndexState index;
  index.dim = json_integer(manifest, "dim", place);
  index.options.normalize = json_boolean_or(manifest, "normalize", true, place);
  index.options.method = json_string(manifest, "method", place);
  try {
    check_method(index.options);
  } catch (const std::invalid_argument& error) {
    fail(file, error.what());
  }
  index.removed = map_of<int64_t>(manifest, "removed", file);
  index.biases = map_of<float>(manifest, "biases", file);
  load_segments(index, manifest, folder, place);
  return index;
}

}  // namespace lmtx::detail
