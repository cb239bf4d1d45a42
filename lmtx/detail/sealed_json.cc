#include "lmtx/detail/sealed_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"

namespace lmtx::detail {

namespace fs = std::filesystem;

namespace {

std::string checksum_of(std::string_view bytes) { return hex(Hasher().add_raw(bytes.data(), bytes.size()).finish()); }

}  // namespace

Json sealed(Json object) {
  object.erase("checksum");
  object["checksum"] = checksum_of(object.dump());
  return object;
}

void check_seal(const Json& object, const std::string& place) {
  const auto checksum = object.find("checksum");
  if (checksum == object.end()) return;
  if (*checksum != sealed(object)["checksum"]) fail(place, "damaged: its checksum does not fit its contents.");
}

std::string file_checksum(const fs::path& file) {
  const MappedFile mapped(file);
  return checksum_of({mapped.data(), static_cast<size_t>(mapped.size())});
}

Json folder_checksums(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(folder).generic_string());
  }
  std::sort(names.begin(), names.end());
  Json checksums = Json::object();
  for (const std::string& name : names) checksums[name] = file_checksum(folder / name);
  return checksums;
}

void check_folder(const fs::path& folder, const Json& checksums, const std::string& place) {
  if (checksums.is_null()) return;
  if (!checksums.is_object()) fail(place, "the checksums of " + folder.string() + " must be an object, but are " + checksums.type_name() + " instead.");
  for (const auto& [name, checksum] : checksums.items()) {
    const fs::path inside = fs::path(name).lexically_normal();
    if (inside.is_absolute() || inside.string().starts_with("..")) fail(place, "the file " + quote(name) + " does not lie in " + folder.string() + ".");
    const std::string file = (folder / inside).string();
    if (!fs::exists(file)) fail(one_line(file, 1000), "is missing, but " + place + " has its checksum.");
    if (checksum != Json(file_checksum(file))) fail(one_line(file, 1000), "damaged or changed: its checksum is not the one in " + place + ".");
  }
}

}  // namespace lmtx::detail
