// Every setting of a training run, and the presets, which are plain option values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

struct TrainerOptions {
  // --- the curriculum ---
  // Most cycles to run; fewer where the development verdicts stop improving.
  int64_t cycles = 6;
  // Labels judged for a document in each cycle, from the top of its shortlist.
  int64_t judgments_per_cycle = 10;
  // With `asking` "streams" and no budget: pairs judged for a document, in all cycles together and those of the documents held out included.
  int64_t judgments_per_document = 10;
  // A score from here up is a yes, in (0, 1].
  double yes_above = 0.5;
  // Start each cycle from the base encoder's weights; otherwise go on from the last cycle's.
  bool restart = true;
  // Train on the verdicts of all cycles so far; otherwise on this cycle's only.
  bool use_all_judgments = false;
  // Documents held out to measure each cycle by rank-1 verdicts: at most this many, and at most a tenth of all. 0 runs all cycles and keeps the last.
  int64_t development = 800;
  // Which student is kept: "rank1", by the share of yeses at rank 1, each cycle on its own; "pooled", by expected precision on verdicts of all cycles, the
  // untouched base encoder among the candidates. Then the number of documents held out follows from the budget, and `development` only switches it off.
  std::string selection = "rank1";
  // "pooled": labels of each ranking that are asked on a document held out.
  int64_t held_out_labels = 5;
  // "pooled": the probability of being better from which a student takes the place of the best so far.
  double accept_confidence = 0.8;
  // "pooled": students in a row that do not, after which the run ends.
  int64_t patience = 2;
  // Times an open question is offered in one run before the run saves and stops.
  int64_t ask_rounds = 3;
  // Share of a stage's pairs, in [0, 1], that may stay open when it closes; they count as unknown for the cycle.
  double accept_missing = 0;

  // --- what is asked ---
  // "top": the first labels of every document; "streams": as the options below say.
  std::string asking = "top";
  // Labels of a document that is asked for the first time: its first ones, and the last drawn from the places below.
  int64_t asking_breadth = 4;
  // Which documents come first: "random", or "spread" (each as different as can be from those before).
  std::string first_documents = "random";
  // Shares of a cycle's pairs: where scores leave the answer open, for labels that few documents carry, and drawn at random; what is left goes to the first
  // places.
  double cut_share = 0.2;
  double coverage_share = 0.2;
  double random_share = 0.1;
  // Noes in a row after which a document's list is left where the next is likely one, too; 0: never.
  int64_t stop_after_noes = 2;

  // --- what is proposed ---
  // The rankings that a shortlist is made of: "dense" (vectors), "bm25" (words of names), "neighbours" (labels judged a yes for documents near by), joined by
  // "+".
  std::string shortlist_sources = "dense";
  // Labels on a document's shortlist; 0 means as many as are judged for it in a cycle.
  int64_t shortlist_size = 0;
  // Of these, labels drawn at random from those that no ranking has.
  int64_t exploration = 0;
  // How several rankings become one: above 0, a mix of scores in which that of "dense" has this weight; 0: by reciprocal ranks.
  double dense_weight = 0;
  // How much labels of judged neighbours count, beside the others' 1.
  double neighbours_weight = 1;

  // --- texts ---
  // Tokens of a document in training.
  int64_t document_length = 450;
  // Tokens of a document in search and tagging; 0 means min(430, document_length).
  int64_t search_length = 0;
  // Tokens of a label; 0 means 15, or 64 when over 5 % of the names have more than 15 tokens.
  int64_t label_length = 0;
  // Put before each document and each label; "default" means the base encoder's default prompt (often none). They count as tokens.
  std::string document_prompt = "default";
  std::string label_prompt = "default";

  // --- a cycle's training ---
  // Passes over the documents that have a yes.
  int64_t epochs = 1;
  // Documents a step.
  int64_t batch_size = 128;
  double learning_rate = 2e-4;
  // Steps of rising learning rate; below 1, a share of all steps.
  double warmup = 100;
  // After the warm-up: "linear" or "cosine", down to `final_rate` at the last step, or "constant".
  std::string schedule = "linear";
  // Of `learning_rate`, what is left of it at the last step of a linear or cosine schedule.
  double final_rate = 0;
  // Largest norm of the gradient over all parameters; a longer one is scaled down to it. 0: none is.
  double max_gradient_norm = 0;
  double adam_epsilon = 1e-6;
  double weight_decay = 0;
  // By which a positive should beat a negative, in cosine.
  double margin = 0.3;
  // Hardest in-batch negatives a document.
  int64_t hard_negatives = 10;
  // Temperature of the softmax that weights the violating negatives.
  double violator_temperature = 0.1;
  // Dropout as in the model's config.json; otherwise none.
  bool dropout = true;
  // Steps to take at least, by more passes than `epochs`; 0: as `epochs` says.
  int64_t steps = 0;
  // Most passes to get there.
  int64_t max_epochs = 10;
  // Share of the trained weights in what comes out; the rest is those it started from. 1: the trained alone.
  double base_mix = 1;

  // --- training on all judgments ---
  // What a step takes of its documents: "one_yes" (the paper's: one random yes of each) or "all_judged" (all that is judged, yes or no).
  std::string plan = "one_yes";
  // Its documents: "with_yes" (those that have a positive) or "all" that are judged.
  std::string judged_documents = "with_yes";
  // What scores become: "hard" (yes or no) or "shifted" (probabilities).
  std::string targets = "hard";
  // The true share of yes among pairs drawn at random from the shortlists, for "shifted"; 0: scores are believed, -1: automatic.
  double yes_rate = 0;
  // Steepness of the targets over the logits of scores.
  double score_slope = 1;
  // Yeses are positives from the surest down, as long as their mean target is so much.
  double positive_mean = 0.6;
  // Targets below are noes.
  double negative_below = 0.1;
  // The share of the labels that fit to which the teacher says no, for "posterior" targets.
  double false_no_rate = 0.1;
  // How far a label's verdicts on other documents count in "posterior" targets, in [0, 1]; -1: less, the more the teacher's scores grade.
  double label_evidence = 1;
  // Labels at the head of a document's shortlist that are no negatives while they are not judged.
  int64_t mask_near = 50;
  // Labels of a document in one step; 0: all that are judged.
  int64_t judged_per_step = 0;
  // "triplet", and with plan "all_judged" also "decoupled", "soft_decoupled", "listwise", "margin_mse" or "bce".
  std::string loss = "triplet";
  // Of the softmax over cosines in "decoupled", "soft_decoupled" and "listwise", and in the methods without a teacher.
  double temperature = 0.05;
  // Weight of the decoupled loss beside another one.
  double decoupled_weight = 0;
  // Weight of the decoupled loss from labels to documents, beside any loss; with "soft_decoupled" it is that.
  double column_weight = 0;
  // Weight of the soft binary cross-entropy beside another loss.
  double bce_weight = 0;
  // By which its cosines are multiplied.
  double bce_scale = 20;
  // Weight of labels that were not judged in it.
  double far_weight = 0.2;
  // Labels that were not judged in a document's list of "listwise".
  int64_t far_labels = 8;
  // Cosine by which a sure yes and a sure no should differ in "margin_mse".
  double margin_scale = 0.4;

  // --- labels ---
  // How far the vector of a label with much evidence moves towards the documents that carry it; 0: not at all.
  double prototype_weight = 0;
  // And away from those that it was judged not to fit, where the vectors move at all.
  double prototype_no_weight = 0.2;
  // Judgments of a label at which half of that is moved.
  double prototype_shrinkage = 3;
  // Steps that train a vector of its own to be added to each judged label's, with the encoder as it is; 0: none.
  int64_t label_residuals = 0;
  // Holds these vectors short; more, the fewer yeses a label has.
  double residual_penalty = 100;
  // Add to each judged label's score a number that makes up for what its vector promises too often or too rarely.
  bool label_bias = false;

  // --- learning without a teacher ---
  // "curriculum", or one of two that learn from documents and label names alone, without a teacher: "maclr" (Xiong et al., NAACL 2022) and "rts" (Zhang et al.,
  // Findings of EMNLP 2022).
  std::string method = "curriculum";
  // Rows of a batch that have a text, a document or a label in common are never each other's negatives.
  bool mask_duplicates = true;

  // --- method "maclr" ---
  // Tokens of a title in training.
  int64_t title_length = 32;
  // With which a document's title is deleted from each sentence of its content.
  double title_deletion = 0.9;
  // A document without a title lends one of its sentences; otherwise it is passed over.
  bool inverse_cloze = true;
  // Steps of the first stage at most, whatever `epochs` and `steps` say; 0: no limit.
  int64_t max_steps = 0;
  // Clusters of each of the phases that the first half of the first stage is cut into, separated by commas: "250,500,1000". "auto": five phases, with a cluster
  // for 32, 16, 8, 4 and 2 documents. "none": no clusters.
  std::string clusters = "auto";
  // Labels drawn at random in each step, further negatives of the second views; 0: none.
  int64_t random_labels = 32;
  // Weight of the loss on second views and random labels; 0 leaves it out.
  double regularization = 1;
  // Passes over the documents' likely labels in the second stage; 0 leaves it out.
  int64_t self_training_epochs = 3;
  // Of the first stage's learning rate, that of the second.
  double self_training_rate = 0.5;

  // --- method "rts" ---
  // Words of a segment at least; at most twice as many. 0: a quarter of the median of the contents, from 8 to 40.
  int64_t segment_words = 0;
  // Which pairs are learned: a title with itself, a label with itself, a title with each segment of its content, segments of a content with each other.
  bool pair_titles = true;
  bool pair_labels = true;
  bool pair_title_segments = true;
  bool pair_segments = true;
  // Pairs an epoch; of more each kind keeps its share. 0: all.
  int64_t max_pairs = 0;

  // --- the machine ---
  uint64_t seed = 0;
  // Of the products in training and search: "float32", "bfloat16" (on cards only), or "auto", which is bfloat16 on a card that has it. Weights, gradients,
  // moments and sums are float32 in any case.
  std::string dtype = "auto";
  // On a card: the same bits when the run is repeated there, at some cost of speed; the token budget is never lowered. On the CPU it is always so.
  bool deterministic = false;
  // Tokens computed at once in training; a larger batch is embedded in parts with the gradient of the whole. 0 means 16,384, on a card 65,536.
  int64_t train_token_budget = 0;
  // Tokens computed at once in search. 0 means 4,096, on a card 32,768.
  int64_t search_token_budget = 0;
  // Steps between training checkpoints.
  int64_t checkpoint_every = 25;

  bool operator==(const TrainerOptions&) const = default;
};

// The options of a preset ("paper"). Throws std::invalid_argument naming the presets there are.
LMTX_API TrainerOptions preset(std::string_view name);
LMTX_API std::vector<std::string> preset_names();

struct OptionInfo {
  std::string name;
  // "integer", "number", "boolean" or "text".
  std::string type;
  std::string value;
  // One sentence.
  std::string help;
};

// All options in the order of the struct, with their values in `options`.
LMTX_API std::vector<OptionInfo> describe(const TrainerOptions& options);
// Sets one option by its name from text ("3", "1e-4", "true", "query: "). Throws std::invalid_argument naming the option, what it takes, and what came;
// for an unknown name, the nearest that exists.
LMTX_API void set_option(TrainerOptions& options, std::string_view name, std::string_view value);
// Throws std::invalid_argument naming the first option that makes no sense, alone or beside the others, what was expected and what came.
LMTX_API void check(const TrainerOptions& options);

}  // namespace lmtx
