#include "lmtx/tagger.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <pybind11/typing.h>

#include <map>
#include <memory>

#include "interrupts.h"
#include "lmtx/encoder.h"
#include "lmtx/roll_up.h"
#include "lmtx/search/label_filter.h"
#include "lmtx/search/label_index.h"
#include "register.h"
#include "tagger_labels.h"
#include "text.h"
#include "texts.h"

namespace lmtx::python {
namespace {

const TaggerSettings defaults;

std::optional<std::string> to_utf8(std::optional<Text> text) { return text ? std::optional(std::move(text->utf8)) : std::nullopt; }

TaggerSettings make_settings(int64_t search_length, int64_t label_length, std::optional<Text> document_prompt, std::optional<Text> label_prompt,
                             bool embed_other_names, bool embed_descriptions) {
  return {.search_length = search_length,
          .label_length = label_length,
          .document_prompt = to_utf8(std::move(document_prompt)),
          .label_prompt = to_utf8(std::move(label_prompt)),
          .embed_other_names = embed_other_names,
          .embed_descriptions = embed_descriptions};
}

Tagger make_tagger(Encoder encoder, LabelSet labels, LabelIndex index, const TaggerSettings& settings, int64_t k) {
  return {std::move(encoder), std::move(labels), std::move(index), settings, DecisionRule::top(k)};
}

Tagger from_labels(Encoder encoder, LabelSet labels, const TaggerSettings& settings, int64_t k, const Text& dtype, const py::object& on_event) {
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) {
    return Tagger::from_labels(std::move(encoder), std::move(labels), settings, DecisionRule::top(k), event, stop, parse_compute_dtype(dtype.utf8));
  });
}

Tagger load(const std::filesystem::path& folder, const std::string& device) { return Tagger::load(folder, {.device = device}); }

// What works without the GIL has a copy of its own: TaggerLabels may put another tagger in the place of one meanwhile.
void save(Tagger tagger, const std::filesystem::path& folder, const Text& provenance) {
  const py::gil_scoped_release release;
  tagger.save(folder, provenance.utf8);
}

// None: all labels. (A plain pointer would take None only in pybind11's second look at the arguments, when an iterator has been read already.)
using Filter = std::optional<std::shared_ptr<LabelFilter>>;
using TagList = py::typing::List<Tag>;

// lmtx.tables.Tags: lists that notebooks show as tables.
py::typing::List<TagList> to_lists(std::vector<std::vector<Tag>> tags) {
  const py::object list_type = py::module_::import("lmtx.tables").attr("Tags");
  py::list lists;
  for (std::vector<Tag>& of_text : tags) lists.append(list_type(py::cast(std::move(of_text))));
  return lists;
}

py::typing::List<TagList> tag_views(Tagger tagger, std::span<const std::string_view> texts, int64_t k, const Filter& filter, const py::object& on_event) {
  const TagOptions options{.k = k, .filter = filter.value_or(nullptr)};
  return to_lists(run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return tagger.tag(texts, options, event, stop); }));
}

py::typing::List<TagList> tag_many(const Tagger& tagger, const TextsOrDocuments& texts, int64_t k, const Filter& filter, const py::object& on_event) {
  return tag_views(tagger, texts.views(), k, filter, on_event);
}

TagList tag_text(const Tagger& tagger, const Text& text, int64_t k, const Filter& filter, const py::object& on_event) {
  const std::string_view view = text.utf8;
  return TagList(py::object(tag_views(tagger, std::span(&view, 1), k, filter, on_event)[0]));
}

TagList tag_document(const Tagger& tagger, const Document& document, int64_t k, const Filter& filter, const py::object& on_event) {
  return tag_text(tagger, {document_text(document)}, k, filter, on_event);
}

// One or several.
std::vector<std::string> to_list(const py::object& texts) {
  if (const py::object one = find_str(texts)) return {lmtx::python::to_utf8(one)};
  return strings(texts.cast<std::vector<Text>>());
}

std::optional<std::vector<std::string>> to_condition(const py::object& texts) {
  return texts.is_none() ? std::nullopt : std::optional(to_list(texts));
}

std::map<std::string, std::vector<std::string>> to_members(const py::object& members) {
  std::map<std::string, std::vector<std::string>> result;
  if (members.is_none()) return result;
  for (const auto& [group, uids] : py::dict(members)) result[lmtx::python::to_utf8(group)] = to_list(py::reinterpret_borrow<py::object>(uids));
  return result;
}

std::shared_ptr<LabelFilter> make_filter(const Tagger& tagger, const py::object& allow, const py::object& deny, const py::object& groups, const py::object& within, const py::object& members) {
  const LabelChoice choice{.allow = to_condition(allow),
                           .deny = to_condition(deny).value_or(std::vector<std::string>()),
                           .groups = to_condition(groups),
                           .within = to_condition(within),
                           .members = to_members(members)};
  const LabelSet labels = tagger.labels();
  const py::gil_scoped_release release;
  return std::make_shared<LabelFilter>(choose_labels(labels, choice));
}

TagList roll_up_list(const std::vector<Tag>& tags, const LabelSet& labels, bool drop_ancestors) {
  return TagList(py::object(to_lists({roll_up(tags, labels, {.drop_ancestors = drop_ancestors})})[0]));
}

std::string to_string(const Tagger& tagger) {
  return "Tagger(" + with_commas(tagger.labels().num_living()) + " labels, dim=" + std::to_string(tagger.encoder().dim()) +
         ", search_length=" + std::to_string(tagger.settings().search_length) + ", k=" + std::to_string(tagger.rule().k()) + ")";
}

void register_tag(py::module_& m) {
  py::class_<Tag>(m, "Tag", R"(A label that a tagger gives to a text. Immutable.

Example:
    >>> tag = lmtx.Tagger.load('tagger').tag('tax', k=1)[0]
    >>> tag
    Tag(label='tax', score=1.00)
    >>> tag.number, tag.uid, tag.label, tag.probability
    (0, 'l-tax', 'tax', None))")
      .def_readonly("number", &Tag::number, "int: the label's number in the tagger's labels.")
      .def_readonly("uid", &Tag::uid, "str: the label's uid.")
      .def_readonly("label", &Tag::label, "str: the label's name.")
      .def_readonly("score", &Tag::score, "float: cosine of text and label, plus the label's bias.")
      .def_readonly("probability", &Tag::probability, "float in [0, 1], of the tag being right; None where the tagger's decision rule has no calibration.")
      .def("__repr__", [](const Tag& tag) {
        const py::object probability = tag.probability ? py::str(", probability={:.2f}").format(*tag.probability) : py::str("");
        return py::str("Tag(label={!r}, score={:.2f}{})").format(tag.label, tag.score, probability);
      });
}

void register_settings(py::module_& m) {
  py::class_<TaggerSettings>(m, "TaggerSettings", R"(How a tagger cuts and prompts texts and labels. Immutable.

Example:
    >>> lmtx.TaggerSettings(search_length=128, document_prompt='query: ')
    TaggerSettings(search_length=128, label_length=0, document_prompt='query: ', label_prompt=None))")
      .def(py::init(&make_settings), py::kw_only(), py::arg("search_length") = defaults.search_length, py::arg("label_length") = defaults.label_length,
           py::arg("document_prompt") = py::none(), py::arg("label_prompt") = py::none(), py::arg("embed_other_names") = defaults.embed_other_names,
           py::arg("embed_descriptions") = defaults.embed_descriptions,
           R"(Settings, which the tagger checks against its encoder.

Args:
    search_length: Tokens of a document, special tokens included; 0: the encoder's max_length.
    label_length: Tokens of a label, special tokens included; 0: the encoder's max_length.
    document_prompt: Put before each document; None: the encoder's default prompt.
    label_prompt: Put before each label name; None: the encoder's default prompt.
    embed_other_names: Labels have a vector for each of their other names, too; the best counts.
    embed_descriptions: Labels have one for "name: description", too.)")
      .def_readonly("search_length", &TaggerSettings::search_length,
                    "int: tokens of a document, special tokens included; 0: the encoder's max_length, which a tagger has filled in.")
      .def_readonly("label_length", &TaggerSettings::label_length, "int: tokens of a label, special tokens included; 0 as above.")
      .def_readonly("document_prompt", &TaggerSettings::document_prompt,
                    "str, put before each document; None: the encoder's default prompt, which a tagger has filled in.")
      .def_readonly("label_prompt", &TaggerSettings::label_prompt, "str, put before each label name; None as above.")
      .def_readonly("embed_other_names", &TaggerSettings::embed_other_names, "bool: labels have a vector for each of their other names, too.")
      .def_readonly("embed_descriptions", &TaggerSettings::embed_descriptions, "bool: labels have one for \"name: description\", too.")
      .def("__repr__", [](const TaggerSettings& settings) {
        return py::str("TaggerSettings(search_length={}, label_length={}, document_prompt={!r}, label_prompt={!r})")
            .format(settings.search_length, settings.label_length, settings.document_prompt, settings.label_prompt);
      });
}

template <class Class, class Function, class... Extra>
void def_tag(Class& tagger, Function function, const char* name, const Extra&... extra) {
  tagger.def("tag", function, py::arg(name), py::kw_only(), py::arg("k") = TagOptions{}.k, py::arg("filter") = py::none(), py::arg("on_event") = py::none(),
             extra...);
}

}  // namespace

void register_tagger(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  register_tag(m);
  register_settings(m);
  auto tagger = py::class_<Tagger>(m, "Tagger", py::dynamic_attr(), R"(Texts to tags: encoder, labels and their vectors, saved as one folder.

May be used from several threads, also at once. Immutable but for its labels, which `tagger.labels` changes.

Example:
    >>> encoder, labels = lmtx.Encoder.load('model'), lmtx.LabelSet.open('labels.jsonl')
    >>> tagger = lmtx.Tagger.from_labels(encoder, labels, k=3)
    >>> tagger
    Tagger(12 labels, dim=32, search_length=48, k=3)
    >>> tagger.tag('tax', k=1)
    [Tag(label='tax', score=1.00)]
    >>> [len(tags) for tags in tagger.tag(['income tax', {'title': 'Trade', 'content': 'with neighbours'}])]
    [3, 3])");
  tagger
      .def(py::init(&make_tagger), py::arg("encoder"), py::arg("labels"), py::arg("index"), py::kw_only(), py::arg("settings") = defaults,
           py::arg("k") = DecisionRule().k(), R"(Puts a tagger together.

Args:
    encoder: Embeds texts.
    labels: Label i owns the rows of number i in the index.
    index: The labels' vectors, of the encoder's `dim`.
    settings: How texts and labels are cut and prompted.
    k: Tags a text.

Raises:
    ValueError: For parts that do not fit together: lengths that the encoder has no positions for, another dim, label numbers that `labels` lacks, k below 1.)")
      .def_static("from_labels", &from_labels, py::arg("encoder"), py::arg("labels"), py::kw_only(), py::arg("settings") = defaults,
                  py::arg("k") = DecisionRule().k(), py::arg("dtype") = "float32", py::arg("on_event") = py::none(),
                  R"(Embeds the labels' names with `encoder` and puts a tagger together: what there is before any training.

Args:
    dtype: What labels are embedded in, as for Encoder.encode; texts are embedded in float32 later on.
    on_event: Called with an Event after each batch of labels.

Raises:
    ValueError: For settings that do not fit the encoder, k below 1, or a `dtype` that the encoder's device has no code for.

Example:
    >>> encoder, labels = lmtx.Encoder.load('model'), lmtx.LabelSet.open('labels.jsonl')
    >>> lmtx.Tagger.from_labels(encoder, labels, settings=lmtx.TaggerSettings(search_length=32), k=2)
    Tagger(12 labels, dim=32, search_length=32, k=2))")
      .def_static("load", &load, py::arg("folder"), py::kw_only(), py::arg("device") = TaggerOptions{}.device, release(), R"(Opens the folder of a saved tagger.

Args:
    device: "cpu", "cuda" or "cuda:N".

Raises:
    RuntimeError: Naming the file and what in it is missing, damaged or of a newer format.

Example:
    >>> lmtx.Tagger.load('tagger', device='cpu')
    Tagger(12 labels, dim=32, search_length=48, k=5))")
      .def("save", &save, py::arg("folder"), py::kw_only(), py::arg("provenance") = "{}",
           R"(Writes a sentence-transformers folder with the folder `lmtx/` in it, whole or not at all.

Args:
    provenance: JSON text that is kept with it; ValueError for text that is none.

Raises:
    RuntimeError: For a folder that is there and no tagger, or a path that could not be written, saying why.

Example:
    >>> lmtx.Tagger.load('tagger').save('tagger-for-laptops', provenance='{"from": "the run of Monday"}')
    >>> len(lmtx.Tagger.load('tagger-for-laptops').labels)
    12)");
  tagger.def("with_rule", &Tagger::with_rule, py::arg("rule"), R"(The same tagger with another rule for which labels become tags.

Example:
    >>> lmtx.Tagger.load('tagger').with_rule(lmtx.DecisionRule.top(2))
    Tagger(12 labels, dim=32, search_length=48, k=2))");
  def_tag(tagger, &tag_text, "text", R"(The tags of a text, best first: a list of Tag. Ctrl-C ends it within a second.

Args:
    text: Taken as it is.
    k: The k best labels, whatever their scores; 0: as the tagger's `rule` says.
    filter: Which labels may come, as `Tagger.filter` makes it; None: all.
    on_event: Called with an Event after each batch.

Raises:
    ValueError: For k below 0, and for a dict without `title` and `content`.
    TypeError: For a text that is missing or no str, naming its position.
    RuntimeError: In a process that was forked while LMTX computed in its parent.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.tag('army', k=1)
    [Tag(label='army', score=1.00)]
    >>> [tags[0].label for tags in tagger.tag(['tax', lmtx.Document('7', title='army')])]
    ['tax', 'army'])");
  def_tag(tagger, &tag_document, "document", "The same for the text of a Document, or of a dict with `title` and `content`.");
  def_tag(tagger, &tag_many, "texts",
          "The same for each item of a list, tuple, NumPy array, pandas Series or generator of str, Documents or dicts: a list of lists of Tag.");
  def_tag(tagger, &tag_many, "documents", "The same.");
  tagger
      .def("filter", &make_filter, py::kw_only(), py::arg("allow") = py::none(), py::arg("deny") = py::none(), py::arg("groups") = py::none(),
           py::arg("within") = py::none(), py::arg("members") = py::none(), R"(Which labels may come, for `tag`: those that meet each condition that is given. Each takes a str or a list.

Made once, it serves any number of calls. Label numbers never change, so it stays right when names do; labels that are added later are not among those it allows.

Args:
    allow: Uids of labels that may come.
    deny: Uids of labels that may not.
    groups: Names of groups: a label must be in one of them.
    within: Uids of labels: a label must be one of them, or lie below one in the hierarchy of `Label.broader`.
    members: A dict of the uids of the labels of each group; None: `Label.groups` says it.

Raises:
    ValueError: For a uid that no label has, and a group without labels.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.tag('army', k=2, filter=tagger.filter(groups='money', members={'money': ['l-tax', 'l-trade']}))[0].label in ('tax', 'trade')
    True)")
      .def_property_readonly("labels", [](const py::object& self) { return TaggerLabels(self.cast<const Tagger&>().labels(), self); },
                             "TaggerLabels: what it tags with: a LabelSet, and what changes it.")
      .def_property_readonly("encoder", &Tagger::encoder, py::return_value_policy::copy, "Encoder: what embeds texts.")
      .def_property_readonly("index", &Tagger::index, py::return_value_policy::copy, "LabelIndex: the labels' vectors.")
      .def_property_readonly("settings", &Tagger::settings, py::return_value_policy::copy, "TaggerSettings, with nothing left open.")
      .def_property_readonly(
          "k", [](const Tagger& self) { return self.rule().k(); }, "int: tags a text at most, unless tag() says otherwise.")
      .def_property_readonly("rule", &Tagger::rule, py::return_value_policy::copy, "DecisionRule: which of the ranked labels become tags.")
      .def("__repr__", &to_string);
  m.def("roll_up", &roll_up_list, py::arg("tags"), py::arg("labels"), py::kw_only(), py::arg("drop_ancestors") = RollUpOptions{}.drop_ancestors,
        R"(The tags with every label that is broader than one of them, with the best score and probability of its narrower ones; best first.

Args:
    tags: Of one text.
    labels: The tagger's, whose `broader` are followed upwards; uids that it lacks are passed over.
    drop_ancestors: Instead leave out what is broader than another tag.

Raises:
    IndexError: For a tag that `labels` lacks.

Example:
    >>> labels = lmtx.LabelSet([lmtx.Label('l-tax', 'tax', broader=['l-money']), lmtx.Label('l-money', 'money')])
    >>> tagger = lmtx.Tagger.from_labels(lmtx.Encoder.load('model'), labels, k=1)
    >>> [tag.label for tag in lmtx.roll_up(tagger.tag('tax'), labels)]
    ['tax', 'money']
    >>> [tag.label for tag in lmtx.roll_up(tagger.tag('tax', k=2), labels, drop_ancestors=True)]
    ['tax'])");
}

}  // namespace lmtx::python
