// Labels of a tagger that may mean the same.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/event.h"
#include "lmtx/export.h"

namespace lmtx {

class Tagger;

struct NearDuplicateOptions {
  // Two labels are near where two of their vectors have at least this cosine; above 1: vectors find none.
  double least_cosine = 0.95;
  // Nearest labels that are looked at for each vector, at least 1.
  int64_t neighbors = 10;
  // Two labels are near where two of their names, other names included, are the same but for case, accents, spaces, hyphens and the like, and a plural's s.
  bool by_names = true;
  // Uids of labels whose near duplicates are sought, among all labels; empty means of all, which compares each label with each.
  std::vector<std::string> of = {};
};

struct NearDuplicate {
  // Label numbers, first < second.
  int64_t first = -1, second = -1;
  // The largest one of their vectors, without biases.
  float cosine = 0;
  // The name that they share, as it is compared; empty where they share none.
  std::string shared_name = {};
};

// Each pair once, by falling cosine, then by numbers. Takes the memory of the label vectors twice. Reports progress as the stage "search". Throws
// std::invalid_argument for a uid that the tagger lacks and neighbors below 1.
LMTX_API std::vector<NearDuplicate> find_near_duplicates(const Tagger& tagger, const NearDuplicateOptions& options = {}, const EventCallback& on_event = {},
                                                         std::stop_token stop = {});

namespace detail {

// A name as names are compared.
LMTX_API std::string comparable_name(const std::string& name);

}  // namespace detail
}  // namespace lmtx
