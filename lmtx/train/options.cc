#include "lmtx/train/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <variant>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/options_json.h"
#include "lmtx/train/unsupervised/cluster_phases.h"

namespace lmtx {

namespace {

using Member = std::variant<int64_t TrainerOptions::*, uint64_t TrainerOptions::*, double TrainerOptions::*, bool TrainerOptions::*,
                            std::string TrainerOptions::*>;

constexpr double infinity = std::numeric_limits<double>::infinity();

// The numbers that an option takes: `special`, where it is one, or from low to high.
struct Range {
  double low = -infinity;
  double high = infinity;
  bool above_low = false;  // low itself is left out
  bool zero_too = false;

  bool contains(double x) const {
    if (std::isnan(x) || std::isinf(x)) return false;
    return (zero_too && x == 0) || ((above_low ? x > low : x >= low) && x <= high);
  }
};

struct Field {
  const char* name;
  Member member;
  Range range;
  const char* help;
  // What a text may be; none: anything.
  std::vector<std::string_view> choices = {};
};

using O = TrainerOptions;

constexpr Range at_least_0{.low = 0}, at_least_1{.low = 1}, positive{.low = 0, .above_low = true};
// Two special tokens and one of the text.
constexpr Range length{.low = 3}, length_or_0{.low = 3, .zero_too = true};

// All there is to know about the options, once, in the order of the struct.
const std::vector<Field>& fields() {
  static const std::vector<Field> table = {
      {"cycles", &O::cycles, at_least_1, "Most cycles to run; fewer where the development verdicts stop improving."},
      {"judgments_per_cycle", &O::judgments_per_cycle, at_least_1, "Labels judged for a document in each cycle, from the top of its shortlist."},
      {"yes_above", &O::yes_above, {.low = 0, .high = 1, .above_low = true}, "A score from here up is a yes."},
      {"restart", &O::restart, {}, "Start each cycle from the base encoder's weights; otherwise go on from the last cycle's."},
      {"use_all_judgments", &O::use_all_judgments, {}, "Train on the verdicts of all cycles so far; otherwise on this cycle's only."},
      {"development", &O::development, at_least_0,
       "Most documents held out to measure each cycle, never over a tenth of all; 0 runs all cycles and keeps the last student."},
      {"ask_rounds", &O::ask_rounds, at_least_1, "Times an open question is offered in one run before the run saves and stops."},
      {"accept_missing", &O::accept_missing, {.low = 0, .high = 1}, "Share of a stage's pairs that may stay open when it closes; they count as unknown for the cycle."},
      {"asking", &O::asking, {}, "What is asked: `top`, the first labels of every document, or `streams`, as the options below say.", {"top", "streams"}},
      {"asking_breadth", &O::asking_breadth, at_least_1, "Labels of a document that is asked for the first time: its first ones, the last drawn from the places below."},
      {"first_documents", &O::first_documents, {}, "Which documents come first: `random`, or `spread`, each as different as can be from those before.",
       {"random", "spread"}},
      {"cut_share", &O::cut_share, {.low = 0, .high = 1}, "Share of a cycle's pairs whose scores leave the answer open."},
      {"coverage_share", &O::coverage_share, {.low = 0, .high = 1}, "Share of a cycle's pairs for labels that few documents carry so far."},
      {"random_share", &O::random_share, {.low = 0, .high = 1}, "Share of a cycle's pairs drawn at random, from which the rate of yeses is estimated."},
      {"stop_after_noes", &O::stop_after_noes, at_least_0,
       "Noes in a row after which a document's list is left where the next label is likely a no, too; 0 means never."},
      {"document_length", &O::document_length, length, "Tokens of a document in training."},
      {"search_length", &O::search_length, length_or_0, "Tokens of a document in search and tagging; 0 means min(430, document_length)."},
      {"label_length", &O::label_length, length_or_0, "Tokens of a label; 0 means 15, or 64 when over 5 % of the names have more than 15 tokens."},
      {"document_prompt", &O::document_prompt, {}, "Put before each document; `default` means the base encoder's default prompt, often none."},
      {"label_prompt", &O::label_prompt, {}, "Put before each label; `default` means the base encoder's default prompt, often none."},
      {"epochs", &O::epochs, at_least_1, "Passes over the documents that have a yes."},
      {"batch_size", &O::batch_size, {.low = 2}, "Documents a step; the positives of the others are a document's negatives."},
      {"learning_rate", &O::learning_rate, positive, "Largest learning rate, reached at the end of the warm-up."},
      {"warmup", &O::warmup, at_least_0, "Steps of rising learning rate; below 1, a share of all steps."},
      {"schedule", &O::schedule, {}, "How the learning rate goes on after the warm-up: `linear` or `cosine`, down to `final_rate` at the last step, or `constant`.",
       {"linear", "cosine", "constant"}},
      {"final_rate", &O::final_rate, {.low = 0, .high = 1}, "Of `learning_rate`, what is left of it at the last step of a linear or cosine schedule."},
      {"max_gradient_norm", &O::max_gradient_norm, at_least_0, "Largest norm of the gradient over all parameters; a longer one is scaled down to it. 0 means no limit."},
      {"adam_epsilon", &O::adam_epsilon, positive, "Added to AdamW's denominator."},
      {"weight_decay", &O::weight_decay, at_least_0, "Decoupled weight decay of AdamW."},
      {"margin", &O::margin, {.low = 0, .high = 2}, "By which a positive should beat a negative, in cosine."},
      {"hard_negatives", &O::hard_negatives, at_least_1, "Hardest in-batch negatives a document."},
      {"violator_temperature", &O::violator_temperature, positive, "Temperature of the softmax that weights the violating negatives."},
      {"dropout", &O::dropout, {}, "Dropout as in the model's config.json; otherwise none."},
      {"prototype_weight", &O::prototype_weight, at_least_0,
       "How far the vector of a label with much evidence moves towards the documents that carry it; 0 means not at all."},
      {"prototype_no_weight", &O::prototype_no_weight, at_least_0, "How far it moves away from those that it was judged not to fit, where vectors move at all."},
      {"prototype_shrinkage", &O::prototype_shrinkage, at_least_0, "Judgments of a label at which half of that is moved."},
      {"label_residuals", &O::label_residuals, at_least_0,
       "Steps that train a vector of its own to be added to each judged label's, with the encoder as it is; 0 means none."},
      {"residual_penalty", &O::residual_penalty, at_least_0, "Holds these vectors short; more, the fewer yeses a label has."},
      {"label_bias", &O::label_bias, {}, "Add to each judged label's score what makes up for a vector that promises too often or too rarely."},
      {"method", &O::method, {}, "`curriculum`, or one of two that learn from documents and label names alone, without a teacher: `maclr` or `rts`.",
       {"curriculum", "maclr", "rts"}},
      {"contrast_temperature", &O::contrast_temperature, positive, "Temperature of the softmax over cosines."},
      {"mask_duplicates", &O::mask_duplicates, {}, "Rows of a batch that have a text, a document or a label in common are never each other's negatives."},
      {"title_length", &O::title_length, length, "Tokens of a title in training."},
      {"title_deletion", &O::title_deletion, {.low = 0, .high = 1}, "Probability with which a document's title is deleted from each sentence of its content."},
      {"inverse_cloze", &O::inverse_cloze, {}, "A document without a title lends one of its sentences; otherwise it is passed over."},
      {"min_steps", &O::min_steps, at_least_0, "Steps of the first stage at least, whatever `epochs` says."},
      {"max_steps", &O::max_steps, at_least_0, "Steps of the first stage at most; 0 means no limit."},
      {"clusters", &O::clusters, {}, "Clusters of each phase of the first stage's first half, separated by commas; `auto` means one for 32, 16, 8, 4 and 2 documents; `none`, no clusters."},
      {"random_labels", &O::random_labels, at_least_0, "Labels drawn at random in each step, further negatives of the second views."},
      {"regularization", &O::regularization, at_least_0, "Weight of the loss on second views and random labels; 0 leaves it out."},
      {"self_training_epochs", &O::self_training_epochs, at_least_0, "Passes over the documents' likely labels in the second stage; 0 leaves it out."},
      {"self_training_rate", &O::self_training_rate, positive, "Of the first stage's learning rate, that of the second."},
      {"segment_words", &O::segment_words, at_least_0, "Words of a segment at least, at most twice as many; 0 means a quarter of the median of the contents, from 8 to 40."},
      {"pair_titles", &O::pair_titles, {}, "Learn from each title paired with itself."},
      {"pair_labels", &O::pair_labels, {}, "Learn from each label paired with itself."},
      {"pair_title_segments", &O::pair_title_segments, {}, "Learn from each title paired with the segments of its content."},
      {"pair_segments", &O::pair_segments, {}, "Learn from segments of a content paired with each other."},
      {"max_pairs", &O::max_pairs, at_least_0, "Pairs an epoch, of more each kind keeps its share; 0 means all."},
      {"seed", &O::seed, {}, "Keys every random draw of the run."},
      {"dtype", &O::dtype, {}, "Of the products in training and search: `float32`, `bfloat16` (on cards only), or `auto`, which is bfloat16 on a card that has it.",
       {"auto", "float32", "bfloat16"}},
      {"deterministic", &O::deterministic, {}, "On a card: the same bits when the run is repeated, at some cost of speed. On the CPU it is always so."},
      {"train_token_budget", &O::train_token_budget, at_least_0,
       "Tokens computed at once in training; a larger batch is embedded in parts with the gradient of the whole. 0 means 16384, on a card 65536."},
      {"search_token_budget", &O::search_token_budget, at_least_0, "Tokens computed at once in search. 0 means 4096, on a card 32768."},
      {"checkpoint_every", &O::checkpoint_every, at_least_1, "Steps between training checkpoints."},
  };
  return table;
}

template <typename T>
constexpr const char* type_name = std::is_same_v<T, bool>          ? "boolean"
                                  : std::is_same_v<T, double>      ? "number"
                                  : std::is_same_v<T, std::string> ? "text"
                                                                   : "integer";

std::string to_text(bool value) { return value ? "true" : "false"; }

std::string to_text(const std::string& value) { return value; }

template <typename T>
std::string to_text(T value) {
  char buffer[400];
  std::to_chars_result result{};
  if constexpr (std::is_same_v<T, double>) {
    // The shortest digits that give the same number back, without an exponent where that reads well.
    const bool plain = value == 0 || (std::abs(value) >= 1e-4 && std::abs(value) < 1e15);
    result = std::to_chars(buffer, buffer + sizeof(buffer), value, plain ? std::chars_format::fixed : std::chars_format::scientific);
  } else {
    result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  }
  return std::string(buffer, result.ptr);
}

bool parse(std::string_view text, std::string& value) {
  value = text;
  return true;
}

bool parse(std::string_view text, bool& value) {
  value = text == "true";
  return value || text == "false";
}

template <typename T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string expectation(const Range& range) {
  const std::string zero = range.zero_too ? "0 or " : "";
  if (range.high < infinity) return zero + "in " + (range.above_low ? "(" : "[") + to_text(range.low) + ", " + to_text(range.high) + "]";
  if (range.above_low) return zero + "greater than " + to_text(range.low);
  return range.low > -infinity ? zero + "at least " + to_text(range.low) : "a finite number";
}

std::string type_expectation(const Field& field) {
  return std::visit(
      [](auto member) -> std::string {
        using T = std::remove_reference_t<decltype(std::declval<O&>().*member)>;
        if (std::is_same_v<T, bool>) return "true or false";
        if (std::is_same_v<T, double>) return "a number";
        return std::is_same_v<T, uint64_t> ? "an integer from 0 to 18446744073709551615" : "an integer";
      },
      field.member);
}

[[noreturn]] void refuse(const Field& field, const std::string& expected, std::string_view came) {
  throw std::invalid_argument("`" + std::string(field.name) + "` must be " + expected + ", but is " + std::string(came) + " instead.");
}

// Insertions, deletions and substitutions that make `a` out of `b` (Levenshtein 1966).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

const Field& find(std::string_view name) {
  const Field* nearest = &fields().front();
  for (const Field& field : fields()) {
    if (name == field.name) return field;
    if (edit_distance(name, field.name) < edit_distance(name, nearest->name)) nearest = &field;
  }
  throw std::invalid_argument("There is no option `" + std::string(name.substr(0, 64)) + "`. Did you mean `" + nearest->name + "`?");
}

std::string text_of(const TrainerOptions& options, const Field& field) {
  return std::visit([&](auto member) { return to_text(options.*member); }, field.member);
}

std::string expectation(const std::vector<std::string_view>& choices) {
  std::string text = "one of ";
  for (const std::string_view choice : choices) text.append(choice == choices.front() ? "\"" : ", \"").append(choice).append("\"");
  return text;
}

void check_text(const std::string& text, const Field& field) {
  if (field.choices.empty() || std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end()) return;
  refuse(field, expectation(field.choices), "\"" + text.substr(0, 64) + "\"");
}

void check_field(const TrainerOptions& options, const Field& field) {
  std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), std::string O::*>) check_text(options.*member, field);
        else if (!field.range.contains(static_cast<double>(options.*member))) refuse(field, expectation(field.range), text_of(options, field));
      },
      field.member);
}

// The options' defaults are the paper's.
TrainerOptions paper() { return {}; }

// The published settings scaled to thousands of documents (ours), on a card; on the CPU two epochs in batches of 64 do.
TrainerOptions maclr() {
  TrainerOptions options;
  options.method = "maclr";
  options.document_length = 128;
  options.label_length = 32;
  options.epochs = 10;
  options.min_steps = 300;
  options.max_steps = 3000;
  options.batch_size = 128;
  options.learning_rate = 2e-5;
  options.warmup = 0.1;
  options.max_gradient_norm = 1;
  return options;
}

TrainerOptions rts() {
  TrainerOptions options;
  options.method = "rts";
  options.epochs = 3;
  options.batch_size = 256;
  options.learning_rate = 2e-5;
  options.warmup = 0;
  options.final_rate = 0.1;
  options.max_gradient_norm = 1;
  options.weight_decay = 0.01;
  return options;
}

struct Preset {
  const char* name;
  TrainerOptions (*make)();
};

constexpr Preset presets[] = {{"paper", paper}, {"maclr", maclr}, {"rts", rts}};

}  // namespace

TrainerOptions preset(std::string_view name) {
  std::string known;
  for (const Preset& preset : presets) {
    if (name == preset.name) return preset.make();
    known += (known.empty() ? "" : ", ") + std::string(preset.name);
  }
  throw std::invalid_argument("There is no preset `" + std::string(name.substr(0, 64)) + "`. Presets: " + known + ".");
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets) names.emplace_back(preset.name);
  return names;
}

std::vector<OptionInfo> describe(const TrainerOptions& options) {
  std::vector<OptionInfo> infos;
  for (const Field& field : fields()) {
    const char* type = std::visit([](auto member) { return type_name<std::remove_reference_t<decltype(std::declval<O&>().*member)>>; }, field.member);
    infos.push_back({field.name, type, text_of(options, field), field.help});
  }
  return infos;
}

void set_option(TrainerOptions& options, std::string_view name, std::string_view value) {
  const Field& field = find(name);
  TrainerOptions changed = options;
  if (!std::visit([&](auto member) { return parse(value, changed.*member); }, field.member)) {
    std::string came = "\"";
    refuse(field, type_expectation(field), came.append(value.substr(0, 64)).append("\""));
  }
  check_field(changed, field);
  options = changed;
}

void check(const TrainerOptions& options) {
  for (const Field& field : fields()) check_field(options, field);
  cluster_phases(options.clusters, 0);
  if (options.max_steps > 0 && options.max_steps < options.min_steps)
    throw std::invalid_argument("`max_steps` must be 0 or at least `min_steps`, " + std::to_string(options.min_steps) + ", but is " + std::to_string(options.max_steps) + " instead.");
}

namespace detail {

Json options_to_json(const TrainerOptions& options) {
  Json json = Json::object();
  for (const Field& field : fields()) {
    std::visit([&](auto member) { json[field.name] = options.*member; }, field.member);
  }
  return json;
}

TrainerOptions options_from_json(const Json& json, const std::string& place) try {
  if (!json.is_object()) throw std::invalid_argument("The options must be an object, but came as " + std::string(json.type_name()) + " instead.");
  TrainerOptions options;
  // Through their text, so that a value meets the same checks wherever it comes from.
  for (const auto& [name, value] : json.items()) set_option(options, name, value.is_string() ? value.get<std::string>() : value.dump());
  return options;
} catch (const std::invalid_argument& error) {
  fail(place, error.what());
}

}  // namespace detail

}  // namespace lmtx
