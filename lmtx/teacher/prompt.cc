#include "lmtx/teacher/prompt.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/quote.h"
#include "lmtx/text/graphemes.h"
#include "lmtx/text/tokenizer.h"
#include "lmtx/text/utf8.h"

namespace lmtx {

namespace {

constexpr const char* fenced_document = "{task}\n<document>\n{document}\n</document>\n";
constexpr const char* one_label = "Tag: {label}\nMeaning of the tag: {description}\n";
constexpr const char* several_labels = "Tags:\n{labels}\n";

// Of the wordings that were tried on a model of 1.5B parameters, "specifically about this tag" told relevant labels from others best.
std::string default_text(AnswerKind answer) {
  const std::string question = answer == AnswerKind::yes_no
                                   ? "Is the document specifically about this tag? Answer yes or no."
                                   : "How specifically is the document about this tag, from 0 (not at all) to 9 (entirely)? Answer with the digit alone.";
  return std::string(fenced_document) + one_label + question;
}

std::string default_list_text(AnswerKind answer) {
  const std::string question = answer == AnswerKind::yes_no
                                   ? "For each tag: is the document specifically about it? Answer with a line for each tag: its number, a colon, and yes or no."
                                   : "For each tag: how specifically is the document about it, from 0 (not at all) to 9 (entirely)? "
                                     "Answer with a line for each tag: its number, a colon, and the digit.";
  return std::string(fenced_document) + several_labels + question;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

constexpr std::string_view full_width_bar = "\xef\xbd\x9c";

// Whether `rest` goes on as a tag or a chat template's mark after "<".
bool opens_mark(std::string_view rest) {
  return !rest.empty() && (is_letter(rest[0]) || rest[0] == '/' || rest[0] == '<' || rest[0] == '|' || rest.starts_with(full_width_bar));
}

// Whether `rest` goes on as a mark in square brackets after "[": "INST", "/INST", "|user|]" (EXAONE), "SYSTEM_PROMPT]", "gMASK]". A word with two capitals is
// taken for one.
bool opens_bracketed_mark(std::string_view rest) {
  if (rest.starts_with('|')) return true;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  constexpr std::string_view mark = "inst";
  if (rest.size() >= mark.size() && std::equal(mark.begin(), mark.end(), rest.begin(), [](char a, char b) { return a == lower(b); })) return true;
  const auto end = std::find_if_not(rest.begin(), rest.end(), [](char c) { return is_letter(c) || c == '_'; });
  return end != rest.end() && *end == ']' && std::count_if(rest.begin(), end, [](char c) { return c != lower(c); }) >= 2;
}

// C0 but for line ends and tabs, DEL, and C1 (U+0080 to U+009F), at `pos` of valid UTF-8; gives the length, 0 for none.
size_t control_length(std::string_view text, size_t pos) {
  const auto byte = static_cast<unsigned char>(text[pos]);
  if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) return 1;
  const bool c1 = byte == 0xc2 && pos + 1 < text.size() && static_cast<unsigned char>(text[pos + 1]) < 0xa0;
  return c1 ? 2 : 0;
}

// With line ends as "\n" alone. Before marks are looked for: what is left out may have stood inside one.
std::string without_controls(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_old_line_end = text[i] == '\r' && !text.substr(i + 1).starts_with('\n');
    const size_t length = control_length(text, i);
    if (is_old_line_end)
      result += '\n';
    else if (length == 0)
      result += text[i];
    i += std::max<size_t>(length, 1) - 1;
  }
  return result;
}

// On one line, runs of white space as one space.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : defused(text)) {
    if (!is_space(c))
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

std::string defused(std::string_view text) {
  std::string buffer;
  const std::string plain = without_controls(detail::valid_utf8(text, buffer));
  const std::string_view rest = plain;
  std::string result;
  result.reserve(plain.size() + plain.size() / 16);
  for (size_t i = 0; i < plain.size(); ++i) {
    const std::string_view before = rest.substr(0, i), after = rest.substr(i + 1);
    if (plain[i] == '>' && (before.ends_with('|') || before.ends_with(full_width_bar))) result += ' ';
    result += plain[i];
    if ((plain[i] == '<' && opens_mark(after)) || (plain[i] == '[' && opens_bracketed_mark(after))) result += ' ';
  }
  return result;
}

namespace {

// Where sentences and words of a text end, found from behind.
class CutPoints {
 public:
  explicit CutPoints(std::string_view text) : text_(text) {}

  // The last end of a sentence in [from, to]; 0 for none.
  size_t sentence(size_t from, size_t to) const {
    return last(from, to, [this](size_t end) { return ends_sentence(end); });
  }
  size_t word(size_t from, size_t to) const {
    return last(from, to, [this](size_t end) { return is_space_at(end) && !is_space(text_[end - 1]); });
  }
  size_t character(size_t to) const {
    size_t end = 0;
    while (end < to) {
      const size_t next = end + detail::Graphemes::get().length(text_, end);
      if (next > to) break;
      end = next;
    }
    return end;
  }

 private:
  template <typename Holds>
  static size_t last(size_t from, size_t to, Holds holds) {
    for (size_t end = to; end >= from && end > 0; --end) {
      if (holds(end)) return end;
    }
    return 0;
  }
  bool is_space_at(size_t pos) const { return pos >= text_.size() || is_space(text_[pos]); }

  bool ends_sentence(size_t end) const {
    if (is_space(text_[end - 1])) return false;
    if (end < text_.size() && text_[end] == '\n') return true;
    std::string_view before = text_.substr(0, end);
    const bool wide = ends_with_any(before, {"。", "！", "？"});
    return wide || (is_space_at(end) && ends_with_any(without_quotes(before), {".", "!", "?", "…", "。", "！", "？"}));
  }
  static std::string_view without_quotes(std::string_view text) {
    for (bool found = true; found;) {
      found = false;
      for (const std::string_view quote : {"\"", "'", ")", "]", "”", "’", "»", "」", "』", "）"}) {
        if (!text.ends_with(quote)) continue;
        text.remove_suffix(quote.size());
        found = true;
      }
    }
    return text;
  }
  static bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> marks) {
    return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) { return text.ends_with(mark); });
  }

  std::string_view text_;
};

// The most bytes of `text` that have at most `max_tokens` tokens; a prefix of fewer bytes never has more but for a token or two, which the caller checks.
size_t most_bytes(std::string_view text, int64_t max_tokens, const std::function<int64_t(std::string_view)>& count) {
  size_t fits = 0, too_many = text.size() + 1;
  while (fits + 1 < too_many) {
    const size_t middle = fits + (too_many - fits) / 2;
    (count(text.substr(0, middle)) <= max_tokens ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace

std::string_view cut_at_sentence(std::string_view text, int64_t max_tokens, const std::function<int64_t(std::string_view)>& count) {
  if (max_tokens <= 0) return text;
  const auto most = static_cast<size_t>(max_tokens) * 64;
  if (text.size() <= most && count(text) <= max_tokens) return text;
  const CutPoints ends(text);
  for (size_t fits = most_bytes(text.substr(0, most), max_tokens, count); fits > 0;) {
    size_t end = ends.sentence(fits / 2, fits);
    if (end == 0) end = ends.word(fits / 2, fits);
    if (end == 0) end = ends.character(fits);
    const std::string_view cut = text.substr(0, end);
    if (count(cut) <= max_tokens) return cut;
    fits = end - 1;
  }
  return {};
}

// A template by lines, each with its literals and fields in turn.
struct Prompt::Template {
  struct Piece {
    bool is_field;
    std::string text;
  };
  using Line = std::vector<Piece>;
  using Fields = std::function<std::string(std::string_view)>;

  static std::shared_ptr<const Template> parse(const std::string& text, const char* name, std::initializer_list<std::string_view> known) {
    auto result = std::make_shared<Template>();
    size_t begin = 0;
    for (;;) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      result->lines.push_back(parse_line(text.substr(begin, end - begin), name, known));
      if (end == text.size()) break;
      begin = end + 1;
    }
    return result;
  }

  static Line parse_line(const std::string& text, const char* name, std::initializer_list<std::string_view> known) {
    Line line;
    std::string literal;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{' && text[i] != '}')
        literal += text[i];
      else if (i + 1 < text.size() && text[i + 1] == text[i])
        literal += text[i++];
      else {
        const size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
        if (end == std::string::npos) {
          throw std::invalid_argument("`" + std::string(name) + "` has a single brace in the line " + detail::quote(text) + "; write {{ and }} for braces.");
        }
        std::string field = text.substr(i + 1, end - i - 1);
        if (std::find(known.begin(), known.end(), field) == known.end()) throw std::invalid_argument(unknown_field(name, field, known));
        line.push_back({false, std::exchange(literal, {})});
        line.push_back({true, std::move(field)});
        i = end;
      }
    }
    line.push_back({false, std::move(literal)});
    return line;
  }

  static std::string unknown_field(const char* name, const std::string& field, std::initializer_list<std::string_view> known) {
    std::string message("`");
    message.append(name).append("` has no field `{").append(field).append("}`; there are");
    for (const std::string_view other : known) message.append(" {").append(other).append("}");
    return message.append(".");
  }

  bool has(std::string_view field) const {
    return std::any_of(lines.begin(), lines.end(), [&](const Line& line) { return has(line, field); });
  }
  static bool has(const Line& line, std::string_view field) {
    return std::any_of(line.begin(), line.end(), [&](const Piece& piece) { return piece.is_field && piece.text == field; });
  }

  // The line as it reads, and where its first field that differs from label to label begins (npos: none does). Unset where all its fields are empty.
  struct Filled {
    bool shown = true;
    std::string text;
    size_t label = std::string::npos;
  };
  static Filled fill(const Line& line, const Fields& value_of) {
    Filled filled;
    bool has_fields = false, has_values = false;
    for (const Piece& piece : line) {
      if (piece.is_field && filled.label == std::string::npos && piece.text != "document" && piece.text != "task") filled.label = filled.text.size();
      const std::string value = piece.is_field ? value_of(piece.text) : piece.text;
      has_fields |= piece.is_field;
      has_values |= piece.is_field && !value.empty();
      filled.text += value;
    }
    filled.shown = !has_fields || has_values;
    return filled;
  }

  // The prefix ends where the first line begins that depends on labels, so that no token reaches over its end; inside that line where the document is in it,
  // too.
  PromptText fill(const Fields& value_of) const {
    PromptText result;
    std::string* part = &result.prefix;
    for (const Line& line : lines) {
      Filled filled = fill(line, value_of);
      if (part == &result.prefix && filled.label != std::string::npos) {
        part = &result.suffix;
        if (filled.shown && has(line, "document")) result.prefix += std::exchange(filled.text, filled.text.substr(filled.label)).substr(0, filled.label);
      }
      if (filled.shown) *part += filled.text + "\n";
    }
    result.suffix.pop_back();
    return result;
  }

  std::vector<Line> lines;
};

Prompt::Prompt(PromptOptions options, std::shared_ptr<const Tokenizer> tokenizer) : options_(std::move(options)), tokenizer_(std::move(tokenizer)) {
  if (options_.document_tokens < 0) {
    throw std::invalid_argument("`document_tokens` must be 0 (all) or more, but is " + std::to_string(options_.document_tokens) + " instead.");
  }
  if (options_.text.empty()) options_.text = default_text(options_.answer);
  if (options_.list_text.empty()) options_.list_text = default_list_text(options_.answer);
  one_ = Template::parse(options_.text, "text", {"document", "label", "description", "task"});
  several_ = Template::parse(options_.list_text, "list_text", {"document", "labels", "task"});
  const auto require = [](const Template& from, const char* name, std::string_view field) {
    if (!from.has(field)) throw std::invalid_argument("`" + std::string(name) + "` must have the field {" + std::string(field) + "}.");
  };
  require(*one_, "text", "document");
  require(*one_, "text", "label");
  require(*several_, "list_text", "document");
  require(*several_, "list_text", "labels");
  identity_ = make_identity();
}

std::string Prompt::make_identity() const {
  detail::Hasher hasher;
  hasher.add("prompt 1").add(options_.text).add(options_.list_text).add(options_.system).add(options_.task);
  hasher.add(static_cast<int64_t>(options_.answer)).add(options_.document_tokens);
  if (tokenizer_ && options_.document_tokens > 0) {
    const std::vector<std::string_view> probe{"A tax on tea, of 1773 ounces: l'été in 北京 (re-tokenizers)!"};
    const RaggedTokens tokens = tokenizer_->encode(probe, 512, {}, 1);
    hasher.add(tokenizer_->vocabulary_size()).add_raw(tokens.ids.data(), tokens.ids.size() * sizeof(tokens.ids[0]));
  }
  return detail::hex(hasher.finish()).substr(0, 16);
}

std::string Prompt::document(const Question& question) const {
  std::string buffer;
  std::string text(question.title);
  if (!question.title.empty() && !question.content.empty()) text += '\n';
  text += question.content;
  const std::string_view valid = detail::valid_utf8(text, buffer);
  return defused(cut_at_sentence(valid, options_.document_tokens, [this](std::string_view part) { return count_tokens(part); }));
}

PromptText Prompt::one(std::string_view document, const LabelToJudge& label) const {
  return one_->fill([&](std::string_view field) -> std::string {
    if (field == "document") return std::string(document);
    if (field == "task") return options_.task;
    return on_one_line(field == "label" ? label.name : label.description);
  });
}

PromptText Prompt::several(std::string_view document, std::span<const LabelToJudge> labels) const {
  return several_->fill([&](std::string_view field) -> std::string {
    if (field == "document") return std::string(document);
    if (field == "task") return options_.task;
    std::string list;
    for (size_t i = 0; i < labels.size(); ++i) {
      const std::string description = on_one_line(labels[i].description);
      if (i > 0) list += '\n';
      list += std::to_string(i + 1);
      list.append(". ").append(on_one_line(labels[i].name));
      if (!description.empty()) list.append(" (").append(description).append(")");
    }
    return list;
  });
}

int64_t Prompt::count_tokens(std::string_view text) const {
  if (!tokenizer_) return static_cast<int64_t>(text.size() + 3) / 4;
  const std::vector<std::string_view> texts{text};
  const auto special = static_cast<int64_t>(tokenizer_->prefix().size() + tokenizer_->suffix().size());
  const auto most = static_cast<int64_t>(text.size()) + special + 2;
  return static_cast<int64_t>(tokenizer_->encode(texts, most, {}, 1).ids.size()) - special;
}

}  // namespace lmtx
