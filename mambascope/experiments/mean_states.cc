#include "mambascope/experiments/mean_states.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "mambascope/data/corpus.h"
#include "mambascope/error.h"
#include "mambascope/intervene/run.h"

namespace mambascope {
namespace {

std::vector<int64_t> FirstIds(const Tokenizer& tokenizer, const std::string& text, int64_t most) {
  std::vector<int64_t> ids = IdsOf(tokenizer.EncodeContinuation(text));
  if (static_cast<int64_t>(ids.size()) > most) ids.resize(static_cast<size_t>(most));
  return ids;
}

}  // namespace

std::vector<at::Tensor> MeanStates(const Model& model, const Tokenizer& tokenizer, const std::vector<std::filesystem::path>& texts,
                                   Site site, const MeanStateOptions& options) {
  c10::NoGradGuard no_grad;
  std::vector<Place> places;
  for (int l = 0; l < model.layers(); ++l) places.push_back({ParseSite(SiteName(site), model.sites()), l});
  std::vector<at::Tensor> sums(places.size());  // of the documents' means, float64
  Corpus corpus(texts);
  int64_t documents = 0, tokens = 0;
  while (documents < options.documents) {
    const std::optional<std::string> text = corpus.Next();
    if (!text) break;
    const std::vector<int64_t> ids = FirstIds(tokenizer, *text, options.max_tokens);
    if (ids.empty()) continue;
    const RunResult run = Run(model, {ids}, {.variants = {}, .keep = places});
    for (size_t l = 0; l < places.size(); ++l) {
      const at::Tensor mean = run.State(places[l], 0).to(at::kDouble).mean(0);
      sums[l] = sums[l].defined() ? sums[l] + mean : mean;
    }
    ++documents;
    tokens += static_cast<int64_t>(ids.size());
    if (options.progress) options.progress(documents, tokens);
  }
  if (documents == 0) throw Error("the text for mean states has no document");
  for (at::Tensor& sum : sums) sum = (sum / documents).to(at::kFloat);
  return sums;
}

}  // namespace mambascope
