// Compares the CounterFact evaluation of many records in one pass with one whole pass per prompt
// and target, on the same records in one run.
//   ./dev bench
// The two methods take turns in each round. bench/results.md quotes medians over the rounds.
//
// The records are the bundled ones, tokenised by the demo model's tokenizer for every model. The
// looped method makes whole runs with the logits of all tokens, as the public implementations do.
// "rows" is the share of the rows of whole passes that the shared method computes. "of GEMM"
// compares the rate of the shared method's weight-matrix products (including the unembedding) with
// the BLAS rate on a large square product in the same round.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

#include "bench/random_model.h"
#include "mambascope/cli/tuned_start.h"
#include "mambascope/data/counterfact.h"
#include "mambascope/data/prompt.h"
#include "mambascope/experiments/editing/target_scores.h"
#include "mambascope/intervene/run.h"
#include "mambascope/model/threads.h"

namespace mambascope {
namespace {

// Returns the rewrite, paraphrase and neighborhood prompts of the first `count` bundled records,
// each with both targets.
std::vector<Question> Questions(size_t count) {
  const std::string root = MAMBASCOPE_ROOT;
  const Tokenizer tokenizer = Tokenizer::Load(root + "/models/demo-mamba");
  std::vector<Question> questions;
  std::vector<CounterFactRecord> records = ReadCounterFact(root + "/data/demo/counterfact.json");
  records.resize(std::min(count, records.size()));
  for (const CounterFactRecord& record : records) {
    const std::vector<std::vector<int64_t>> targets = {
        EncodeTarget(tokenizer, record.target_new, "target_new"),
        EncodeTarget(tokenizer, record.target_true, "target_true")};
    const auto add = [&](const std::string& text) {
      questions.push_back({EncodePrompt(tokenizer, text, "prompt"), targets});
    };
    add(FillPattern(record.pattern, record.subject));
    for (const std::string& text : record.paraphrase_prompts) add(text);
    for (const std::string& text : record.neighborhood_prompts) add(text);
  }
  return questions;
}

// Scores every `stride`th question by a whole pass per target: [question][target] negative
// log-likelihood.
std::vector<std::vector<double>> Looped(const Model& model, const std::vector<Question>& questions,
                                        size_t stride) {
  std::vector<std::vector<double>> nll;
  for (size_t q = 0; q < questions.size(); q += stride) {
    nll.emplace_back();
    for (const std::vector<int64_t>& target : questions[q].targets) {
      std::vector<int64_t> ids = questions[q].prompt;
      ids.insert(ids.end(), target.begin(), target.end() - 1);
      const auto tokens = static_cast<int64_t>(target.size());
      const at::Tensor log_p = Run(model, {ids}).Logits(0).slice(0, -tokens).log_softmax(1);
      nll.back().push_back(
          -log_p.gather(1, RowIndex(target, log_p).unsqueeze(1)).mean().item<double>());
    }
  }
  return nll;
}

double Difference(const std::vector<std::vector<double>>& looped,
                  const std::vector<std::vector<TargetScore>>& shared, size_t stride) {
  double largest = 0;
  for (size_t i = 0; i < looped.size(); ++i) {
    for (size_t t = 0; t < looped[i].size(); ++t)
      largest = std::max(largest, std::abs(looped[i][t] - shared[i * stride][t].nll));
  }
  return largest;
}

struct Subject {
  std::string name;
  MakeModel make;
  // The looped method computes only every `stride`th question, and its rate is scaled up.
  size_t stride;
  int rounds;
};

void Compare(const Subject& subject, const std::vector<Question>& questions) {
  const Model model = subject.make({});
  const Config& c = model.config();
  std::vector<double> looped_s, shared_s, gemm;
  double difference = 0;
  SharedForwardWork work;
  const SharedForwardOptions counted{
      .progress = [&](const SharedForwardWork& so_far) { work = so_far; }};
  for (int round = -1; round < subject.rounds; ++round) {  // the first round warms up
    std::vector<std::vector<double>> looped;
    std::vector<std::vector<TargetScore>> shared;
    const double rate = GemmRate(at::kFloat),
                 a = Seconds([&] { looped = Looped(model, questions, subject.stride); }),
                 b = Seconds([&] { shared = ScoreTargets(model, questions, counted); });
    difference = std::max(difference, Difference(looped, shared, subject.stride));
    if (round < 0) continue;
    gemm.push_back(rate);
    looped_s.push_back(a / static_cast<double>(looped.size()) *
                       static_cast<double>(questions.size()));
    shared_s.push_back(b);
  }
  int64_t unembedded = 0;  // upper bound: last tokens of equal prompts are unembedded once
  for (const Question& q : questions) {
    unembedded += 1;
    for (const auto& target : q.targets) unembedded += static_cast<int64_t>(target.size()) - 1;
  }
  const double flops = static_cast<double>(work.rows) * BlockFlopsPerToken(c) +
                       2.0 * static_cast<double>(unembedded * c.vocab * c.d_model);
  fmt::print("{:<14} {:>7} {:>10.2f} {:>10.2f} {:>7.1f} {:>8.0f}% {:>7.0f}% {:>11.1e}\n",
             subject.name, questions.size(), Median(looped_s), Median(shared_s),
             Median(looped_s) / Median(shared_s),
             100.0 * static_cast<double>(work.rows) / static_cast<double>(work.naive_rows),
             100 * flops / Median(shared_s) / Median(gemm), difference);
  std::fflush(stdout);
}

}  // namespace
}  // namespace mambascope

// mambascope_edit_eval_bench [NAME...] runs the models whose names contain one of the arguments;
// without arguments, all models.
int main(int argc, char** argv) {
  using namespace mambascope;
  c10::NoGradGuard no_grad;
  StartTuned(argv);
  SetThreads(0);
  KeepFreedMemory();
  const std::vector<Subject> subjects = {{"demo-mamba", Bundled("demo-mamba"), 8, 5},
                                         {"demo-mamba2", Bundled("demo-mamba2"), 8, 5},
                                         {"demo-neox", Bundled("demo-neox"), 8, 5},
                                         {"mamba-130m", Random(Mamba130mConfig()), 64, 3}};
  const std::vector<Question> questions = Questions(100);
  fmt::print("{:<14} {:>7} {:>10} {:>10} {:>7} {:>9} {:>8} {:>11}\n", "100 records", "prompts",
             "looped, s", "shared, s", "ratio", "rows", "of GEMM", "difference");
  for (const Subject& subject : subjects) {
    if (!IsWanted(subject.name, argc, argv)) continue;
    Compare(subject, questions);
  }
  return 0;
}
