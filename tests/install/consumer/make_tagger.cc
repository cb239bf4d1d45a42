// Makes a tagger of an untrained encoder: make_tagger MODEL LABELS FOLDER
#include <lmtx/corpus/label_set.h>
#include <lmtx/encoder.h>
#include <lmtx/tagger.h>

int main(int, char** arguments) {
  lmtx::Tagger::from_labels(lmtx::Encoder::load(arguments[1]), lmtx::LabelSet::open(arguments[2])).save(arguments[3]);
}
