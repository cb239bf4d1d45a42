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

using Member =
    std::variant<int64_t TrainerOptions::*, uint64_t TrainerOptions::*, double TrainerOptions::*, bool TrainerOptions::*, std::string TrainerOptions::*>;

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
      {"judgments_per_document", &O::judgments_per_document, at_least_1,
       "With `asking` `streams` and no budget: pairs judged for a document, in all cycles together and those of the documents held out included."},
      {"yes_above", &O::yes_above, {.low = 0, .high = 1, .above_low = true}, "A score from here up is a yes."},
      {"restart", &O::restart, {}, "Start each cycle from the base encoder's weights; otherwise go on from the last cycle's."},
      {"use_all_judgments", &O::use_all_judgments, {}, "Train on the verdicts of all cycles so far; otherwise on this cycle's only."},
      {"development", &O::development, at_least_0,
       "Most documents held out to measure each cycle, never over a tenth of all; 0 runs all cycles and keeps the last student."},
      {"selection",
       &O::selection,
       {},
       "Which student is kept: `rank1`, by yeses at rank 1 cycle by cycle, or `pooled`, by expected precision on the verdicts of all.",
       {"rank1", "pooled"}},
      {"held_out_labels", &O::held_out_labels, at_least_1, "Labels of each ranking that are asked on a document held out, where selection is pooled."},
      {"accept_confidence",
       &O::accept_confidence,
       {.low = 0, .high = 1},
       "Probability of being better from which a student takes the place of the best, where selection is pooled."},
      {"patience", &O::patience, at_least_1, "Students in a row that bring no gain, after which the run ends, where selection is pooled."},
      {"ask_rounds", &O::ask_rounds, at_least_1, "Times an open question is offered in one run before the run saves and stops."},
      {"accept_missing",
       &O::accept_missing,
       {.low = 0, .high = 1},
       "Share of a stage's pairs that may stay open when it closes; they count as unknown for the cycle."},
      {"asking", &O::asking, {}, "What is asked: `top`, the first labels of every document, or `streams`, as the options below say.", {"top", "streams"}},
      {"asking_breadth", &O::asking_breadth, at_least_1,
       "Labels of a document that is asked for the first time: its first ones, the last drawn from the places below."},
      {"first_documents",
       &O::first_documents,
       {},
       "Which documents come first: `random`, or `spread`, each as different as can be from those before.",
       {"random", "spread"}},
      {"cut_share", &O::cut_share, {.low = 0, .high = 1}, "Share of a cycle's pairs whose scores leave the answer open."},
      {"coverage_share", &O::coverage_share, {.low = 0, .high = 1}, "Share of a cycle's pairs for labels that few documents carry so far."},
      {"random_share", &O::random_share, {.low = 0, .high = 1}, "Share of a cycle's pairs drawn at random, from which the rate of yeses is estimated."},
      {"stop_after_noes", &O::stop_after_noes, at_least_0,
       "Noes in a row after which a document's list is left where the next label is likely a no, too; 0 means never."},
      {"shortlist_sources",
       &O::shortlist_sources,
       {},
       "Rankings that a shortlist is made of: vectors, words of the labels' names, labels judged a yes for documents near by.",
       {"dense", "bm25", "dense+bm25", "dense+neighbours", "dense+bm25+neighbours"}},
      {"shortlist_size", &O::shortlist_size, at_least_0, "Labels on a document's shortlist; 0 means `judgments_per_cycle`."},
      {"exploration", &O::exploration, at_least_0, "Labels on a shortlist that are drawn at random from those that no ranking has."},
      {"dense_weight",
       &O::dense_weight,
       {.low = 0, .high = 1},
       "Above 0, several rankings are mixed by score, that by vectors with this weight; 0 means by reciprocal ranks."},
      {"neighbours_weight", &O::neighbours_weight, at_least_0, "How much labels of judged neighbours count, beside the others' 1."},
      {"document_length", &O::document_length, length, "Tokens of a document in training."},
      {"search_length", &O::search_length, length_or_0, "Tokens of a document in search and tagging; 0 means min(430, document_length)."},
      {"label_length", &O::label_length, length_or_0, "Tokens of a label; 0 means 15, or 64 when over 5 % of the names have more than 15 tokens."},
      {"document_prompt", &O::document_prompt, {}, "Put before each document; `default` means the base encoder's default prompt, often none."},
      {"label_prompt", &O::label_prompt, {}, "Put before each label; `default` means the base encoder's default prompt, often none."},
      {"epochs", &O::epochs, at_least_1, "Passes over the documents that have a yes."},
      {"batch_size", &O::batch_size, {.low = 2}, "Documents a step; the positives of the others are a document's negatives."},
      {"learning_rate", &O::learning_rate, positive, "Largest learning rate, reached at the end of the warm-up."},
      {"warmup", &O::warmup, at_least_0, "Steps of rising learning rate; below 1, a share of all steps."},
      {"schedule",
       &O::schedule,
       {},
       "How the learning rate goes on after the warm-up: `linear` or `cosine`, down to `final_rate` at the last step, or `constant`.",
       {"linear", "cosine", "constant"}},
      {"final_rate", &O::final_rate, {.low = 0, .high = 1}, "Of `learning_rate`, what is left of it at the last step of a linear or cosine schedule."},
      {"max_gradient_norm", &O::max_gradient_norm, at_least_0,
       "Largest norm of the gradient over all parameters; a longer one is scaled down to it. 0 means no limit."},
      {"adam_epsilon", &O::adam_epsilon, positive, "Added to AdamW's denominator."},
      {"weight_decay", &O::weight_decay, at_least_0, "Decoupled weight decay of AdamW."},
      {"margin", &O::margin, {.low = 0, .high = 2}, "By which a positive should beat a negative, in cosine."},
      {"hard_negatives", &O::hard_negatives, at_least_1, "Hardest in-batch negatives a document."},
      {"violator_temperature", &O::violator_temperature, positive, "Temperature of the softmax that weights the violating negatives."},
      {"dropout", &O::dropout, {}, "Dropout as in the model's config.json; otherwise none."},
      {"steps", &O::steps, at_least_0, "Steps to take at least, by more passes than `epochs`; 0 takes `epochs` at its word."},
      {"max_epochs", &O::max_epochs, at_least_1, "Most passes that `steps` may make of it."},
      {"base_mix",
       &O::base_mix,
       {.low = 0, .high = 1},
       "Share of the trained weights in the student; the rest is those of the base encoder. 1 means the trained alone."},
      {"plan",
       &O::plan,
       {},
       "What a step takes of its documents: `one_yes` (one random yes of each, as published) or `all_judged` (all that is judged).",
       {"one_yes", "all_judged"}},
      {"judged_documents",
       &O::judged_documents,
       {},
       "Documents of `plan` all_judged: `with_yes` (those that have a positive) or `all` that are judged.",
       {"with_yes", "all"}},
      {"targets",
       &O::targets,
       {},
       "What scores become: `hard` (yes or no by `yes_above`), `shifted` (probabilities that agree with `yes_rate`) or `posterior` (weighed against what was "
       "to be expected).",
       {"hard", "shifted", "posterior"}},
      {"yes_rate",
       &O::yes_rate,
       {.low = -1, .high = 1},
       "The true share of yes among pairs drawn at random from shortlists; 0 believes the scores, -1 takes half of what they say."},
      {"score_slope", &O::score_slope, positive, "Steepness of shifted targets over the logits of scores."},
      {"positive_mean", &O::positive_mean, {.low = 0, .high = 1}, "Yeses are positives from the surest down, as long as their mean target is so much."},
      {"negative_below", &O::negative_below, {.low = 0, .high = 1}, "Shifted targets below are noes; what is neither is learned by graded losses only."},
      {"false_no_rate", &O::false_no_rate, {.low = 0.001, .high = 0.4}, "The share of labels that fit to which the teacher says no, for `posterior` targets."},
      {"label_evidence",
       &O::label_evidence,
       {.low = -1, .high = 1},
       "How far a label's verdicts on other documents count in `posterior` targets; -1 means less, the more the teacher's scores grade."},
      {"mask_near", &O::mask_near, at_least_0, "Labels at the head of a document's shortlist that are no negatives while they are not judged."},
      {"judged_per_step", &O::judged_per_step, at_least_0, "Most labels of a document in one step, drawn anew each time; 0 means all that are judged."},
      {"loss",
       &O::loss,
       {},
       "What a step lowers: `triplet`, and with `plan` all_judged also `decoupled`, `soft_decoupled`, `listwise`, `margin_mse` or `bce`.",
       {"triplet", "decoupled", "soft_decoupled", "listwise", "margin_mse", "bce"}},
      {"temperature", &O::temperature, positive,
       "Of the softmax over cosines in `decoupled`, `soft_decoupled` and `listwise`, and in the methods without a teacher."},
      {"decoupled_weight", &O::decoupled_weight, at_least_0, "Weight of the decoupled loss beside another one."},
      {"column_weight", &O::column_weight, at_least_0,
       "Weight of the decoupled loss from labels to documents, beside any loss on all judgments; with `soft_decoupled` it is that."},
      {"bce_weight", &O::bce_weight, at_least_0, "Weight of the soft binary cross-entropy beside another loss."},
      {"bce_scale", &O::bce_scale, positive, "By which cosines are multiplied in the binary cross-entropy."},
      {"far_weight", &O::far_weight, at_least_0, "Weight in the binary cross-entropy of labels that are neither judged nor near."},
      {"far_labels", &O::far_labels, at_least_0, "Labels that are neither judged nor near in a document's list of `listwise`."},
      {"margin_scale", &O::margin_scale, {.low = 0, .high = 2}, "Cosine by which a sure yes and a sure no should differ in `margin_mse`."},
      {"prototype_weight", &O::prototype_weight, at_least_0,
       "How far the vector of a label with much evidence moves towards the documents that carry it; 0 means not at all."},
      {"prototype_no_weight", &O::prototype_no_weight, at_least_0,
       "How far it moves away from those that it was judged not to fit, where vectors move at all."},
      {"prototype_shrinkage", &O::prototype_shrinkage, at_least_0, "Judgments of a label at which half of that is moved."},
      {"label_residuals", &O::label_residuals, at_least_0,
       "Steps that train a vector of its own to be added to each judged label's, with the encoder as it is; 0 means none."},
      {"residual_penalty", &O::residual_penalty, at_least_0, "Holds these vectors short; more, the fewer yeses a label has."},
      {"label_bias", &O::label_bias, {}, "Add to each judged label's score what makes up for a vector that promises too often or too rarely."},
      {"method",
       &O::method,
       {},
       "`curriculum`, or one of two that learn from documents and label names alone, without a teacher: `maclr` or `rts`.",
       {"curriculum", "maclr", "rts"}},
      {"mask_duplicates", &O::mask_duplicates, {}, "Rows of a batch that have a text, a document or a label in common are never each other's negatives."},
      {"title_length", &O::title_length, length, "Tokens of a title in training."},
      {"title_deletion", &O::title_deletion, {.low = 0, .high = 1}, "Probability with which a document's title is deleted from each sentence of its content."},
      {"inverse_cloze", &O::inverse_cloze, {}, "A document without a title lends one of its sentences; otherwise it is passed over."},
      {"max_steps", &O::max_steps, at_least_0, "Steps of the first stage at most, whatever `epochs` and `steps` say; 0 means no limit."},
      {"clusters",
       &O::clusters,
       {},
       "Clusters of each phase of the first stage's first half, separated by commas; `auto` means one for 32, 16, 8, 4 and 2 documents; `none`, no clusters."},
      {"random_labels", &O::random_labels, at_least_0, "Labels drawn at random in each step, further negatives of the second views."},
      {"regularization", &O::regularization, at_least_0, "Weight of the loss on second views and random labels; 0 leaves it out."},
      {"self_training_epochs", &O::self_training_epochs, at_least_0, "Passes over the documents' likely labels in the second stage; 0 leaves it out."},
      {"self_training_rate", &O::self_training_rate, positive, "Of the first stage's learning rate, that of the second."},
      {"segment_words", &O::segment_words, at_least_0,
       "Words of a segment at least, at most twice as many; 0 means a quarter of the median of the contents, from 8 to 40."},
      {"pair_titles", &O::pair_titles, {}, "Learn from each title paired with itself."},
      {"pair_labels", &O::pair_labels, {}, "Learn from each label paired with itself."},
      {"pair_title_segments", &O::pair_title_segments, {}, "Learn from each title paired with the segments of its content."},
      {"pair_segments", &O::pair_segments, {}, "Learn from segments of a content paired with each other."},
      {"max_pairs", &O::max_pairs, at_least_0, "Pairs an epoch, of more each kind keeps its share; 0 means all."},
      {"seed", &O::seed, {}, "Keys every random draw of the run."},
      {"dtype",
       &O::dtype,
       {},
       "Of the products in training and search: `float32`, `bfloat16` (on cards only), or `auto`, which is bfloat16 on a card that has it.",
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
        if constexpr (std::is_same_v<decltype(member), std::string O::*>)
          check_text(options.*member, field);
        else if (!field.range.contains(static_cast<double>(options.*member)))
          refuse(field, expectation(field.range), text_of(options, field));
      },
      field.member);
}

// What each may be, but not beside the others.
void check_together(const TrainerOptions& options) {
  if (options.yes_rate == 1 || (options.yes_rate < 0 && options.yes_rate != -1)) refuse(find("yes_rate"), "-1 or in [0, 1)", to_text(options.yes_rate));
  if (options.label_evidence < 0 && options.label_evidence != -1) refuse(find("label_evidence"), "-1 or in [0, 1]", to_text(options.label_evidence));
  if (options.plan == "all_judged") return;
  if (options.loss != "triplet") refuse(find("loss"), "\"triplet\" where `plan` is \"one_yes\"", "\"" + options.loss + "\"");
  if (options.bce_weight > 0) refuse(find("bce_weight"), "0 where `plan` is \"one_yes\"", to_text(options.bce_weight));
  if (options.decoupled_weight > 0) refuse(find("decoupled_weight"), "0 where `plan` is \"one_yes\"", to_text(options.decoupled_weight));
}

// The options' defaults are the paper's.
TrainerOptions paper() { return {}; }

// The paper's questions and loss, with a schedule for small sets.
TrainerOptions paper_tuned() {
  TrainerOptions options;
  options.steps = 600;
  options.max_epochs = 20;
  options.learning_rate = 5e-5;
  options.warmup = 0.1;
  options.max_gradient_norm = 1;
  options.weight_decay = 0.01;
  return options;
}

// What measured best (docs/quality.md).
TrainerOptions best() {
  TrainerOptions options = paper_tuned();
  options.cycles = 4;
  options.use_all_judgments = true;
  options.selection = "pooled";
  options.held_out_labels = 1;
  options.accept_confidence = 0.5;
  options.patience = 4;
  options.asking = "streams";
  options.cut_share = 0;
  options.shortlist_sources = "dense+bm25";
  options.shortlist_size = 100;
  options.dense_weight = 0.7;
  options.document_length = 256;
  options.steps = 300;
  options.plan = "all_judged";
  options.targets = "posterior";
  options.yes_rate = -1;
  options.label_evidence = -1;
  options.loss = "bce";
  options.column_weight = 0;
  options.prototype_weight = 0.7;
  return options;
}

// The published settings scaled to thousands of documents (ours), on a card; on the CPU two epochs in batches of 64 do.
TrainerOptions maclr() {
  TrainerOptions options;
  options.method = "maclr";
  options.document_length = 128;
  options.label_length = 32;
  options.epochs = 10;
  options.steps = 300;
  options.max_epochs = 300;
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

constexpr Preset presets[] = {{"default", best}, {"paper", paper}, {"paper-tuned", paper_tuned}, {"maclr", maclr}, {"rts", rts}};

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
  const int64_t listed = options.shortlist_size > 0 ? options.shortlist_size : options.judgments_per_cycle;
  if (options.exploration > listed) refuse(find("exploration"), "at most " + to_text(listed) + ", the labels on a shortlist", to_text(options.exploration));
  check_together(options);
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
