#include "lmtx/tagger.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "interrupts.h"
#include "lmtx/encoder.h"
#include "lmtx/search/label_index.h"
#include "register.h"
#include "text.h"
#include "texts.h"

namespace lmtx::python {
namespace {

const TaggerSettings defaults;

std::optional<std::string> to_utf8(std::optional<Text> text) { return text ? std::optional(std::move(text->utf8)) : std::nullopt; }

TaggerSettings make_settings(int64_t search_length, int64_t label_length, std::optional<Text> document_prompt, std::optional<Text> label_prompt) {
  return {.search_length = search_length,
          .label_length = label_length,
          .document_prompt = to_utf8(std::move(document_prompt)),
          .label_prompt = to_utf8(std::move(label_prompt))};
}

Tagger make_tagger(Encoder encoder, LabelSet labels, LabelIndex index, const TaggerSettings& settings, int64_t k) {
  return {std::move(encoder), std::move(labels), std::move(index), settings, DecisionRule{.k = k}};
}

Tagger from_labels(Encoder encoder, LabelSet labels, const TaggerSettings& settings, int64_t k, const py::object& on_event) {
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) {
    return Tagger::from_labels(std::move(encoder), std::move(labels), settings, DecisionRule{.k = k}, event, stop);
  });
}

Tagger load(const std::filesystem::path& folder, const std::string& device) { return Tagger::load(folder, {.device = device}); }

void save(const Tagger& tagger, const std::filesystem::path& folder, const Text& provenance) { tagger.save(folder, provenance.utf8); }

std::vector<std::vector<Tag>> tag_views(const Tagger& tagger, std::span<const std::string_view> texts, int64_t k, const py::object& on_event) {
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return tagger.tag(texts, {.k = k}, event, stop); });
}

std::vector<std::vector<Tag>> tag_many(const Tagger& tagger, const TextsOrDocuments& texts, int64_t k, const py::object& on_event) {
  return tag_views(tagger, texts.views(), k, on_event);
}

std::vector<Tag> tag_text(const Tagger& tagger, const Text& text, int64_t k, const py::object& on_event) {
  const std::string_view view = text.utf8;
  return tag_views(tagger, std::span(&view, 1), k, on_event).front();
}

std::vector<Tag> tag_document(const Tagger& tagger, const Document& document, int64_t k, const py::object& on_event) {
  return tag_text(tagger, {document_text(document)}, k, on_event);
}

std::string to_string(const Tagger& tagger) {
  return "Tagger(" + with_commas(tagger.labels().size()) + " labels, dim=" + std::to_string(tagger.encoder().dim()) +
         ", search_length=" + std::to_string(tagger.settings().search_length) + ", k=" + std::to_string(tagger.rule().k) + ")";
}

void register_tag(py::module_& m) {
  py::class_<Tag>(m, "Tag", "A label that a tagger gives to a text.")
      .def_readonly("number", &Tag::number, "The label's number in the tagger's labels.")
      .def_readonly("uid", &Tag::uid)
      .def_readonly("label", &Tag::label, "The label's name.")
      .def_readonly("score", &Tag::score, "Cosine of text and label, plus the label's bias.")
      .def_readonly("probability", &Tag::probability, "Of the tag being right; None until the tagger is calibrated.")
      .def("__repr__", [](const Tag& tag) {
        const py::object probability = tag.probability ? py::str(", probability={:.2f}").format(*tag.probability) : py::str("");
        return py::str("Tag(label={!r}, score={:.2f}{})").format(tag.label, tag.score, probability);
      });
}

void register_settings(py::module_& m) {
  py::class_<TaggerSettings>(m, "TaggerSettings", "How a tagger cuts and prompts texts and labels. Immutable.")
      .def(py::init(&make_settings), py::kw_only(), py::arg("search_length") = defaults.search_length, py::arg("label_length") = defaults.label_length,
           py::arg("document_prompt") = py::none(), py::arg("label_prompt") = py::none())
      .def_readonly("search_length", &TaggerSettings::search_length, "Tokens of a document, special tokens included.")
      .def_readonly("label_length", &TaggerSettings::label_length, "Tokens of a label, special tokens included.")
      .def_readonly("document_prompt", &TaggerSettings::document_prompt, "Put before each document; None: the encoder's default prompt, which a tagger has filled in.")
      .def_readonly("label_prompt", &TaggerSettings::label_prompt, "Put before each label name; None as above.")
      .def("__repr__", [](const TaggerSettings& settings) {
        return py::str("TaggerSettings(search_length={}, label_length={}, document_prompt={!r}, label_prompt={!r})")
            .format(settings.search_length, settings.label_length, settings.document_prompt, settings.label_prompt);
      });
}

template <class Class, class Function, class... Extra>
void def_tag(Class& tagger, Function function, const char* name, const Extra&... extra) {
  tagger.def("tag", function, py::arg(name), py::kw_only(), py::arg("k") = TagOptions{}.k, py::arg("on_event") = py::none(), extra...);
}

}  // namespace

void register_tagger(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  register_tag(m);
  register_settings(m);
  auto tagger = py::class_<Tagger>(m, "Tagger", py::dynamic_attr(), "Texts to tags: encoder, labels and their vectors, saved as one folder.");
  tagger
      .def(py::init(&make_tagger), py::arg("encoder"), py::arg("labels"), py::arg("index"), py::kw_only(), py::arg("settings") = defaults,
           py::arg("k") = DecisionRule{}.k, "Puts a tagger together; label i owns row i of the index.")
      .def_static("from_labels", &from_labels, py::arg("encoder"), py::arg("labels"), py::kw_only(), py::arg("settings") = defaults, py::arg("k") = DecisionRule{}.k,
                  py::arg("on_event") = py::none(), "Embeds the labels' names with `encoder` and puts a tagger together.")
      .def_static("load", &load, py::arg("folder"), py::kw_only(), py::arg("device") = TaggerOptions{}.device, release(), "Opens the folder of a saved tagger.")
      .def("save", &save, py::arg("folder"), py::kw_only(), py::arg("provenance") = "{}", release(),
           "Writes a sentence-transformers folder with the folder `lmtx/` in it, whole or not at all. `provenance` is JSON text that is kept with it.");
  def_tag(tagger, &tag_text, "text", "The k best tags of a text (0: as many as the tagger was made for), best first.");
  def_tag(tagger, &tag_document, "document", "The k best tags of a Document or a dict with `title` and `content`.");
  def_tag(tagger, &tag_many, "texts",
          "The tags of each item of a list, tuple, NumPy array, pandas Series or generator of str, Documents or dicts; TypeError names the position of a\n"
          "missing one.");
  def_tag(tagger, &tag_many, "documents", "The same.");
  tagger.def_property_readonly("labels", &Tagger::labels, py::return_value_policy::reference_internal)
      .def_property_readonly("encoder", &Tagger::encoder, py::return_value_policy::copy)
      .def_property_readonly("index", &Tagger::index, py::return_value_policy::copy)
      .def_property_readonly("settings", &Tagger::settings, py::return_value_policy::copy)
      .def_property_readonly("k", [](const Tagger& self) { return self.rule().k; }, "Tags a text, unless tag() says otherwise.")
      .def("__repr__", &to_string);
}

}  // namespace lmtx::python
