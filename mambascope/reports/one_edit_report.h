// One edit as edit.json (docs/cli.md) holds it, as figures of its value search, and as lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "mambascope/checkpoint/json.h"
#include "mambascope/figures/line_chart.h"

namespace mambascope {

// `edit` is {layer, projection, prompt (with {} for the subject), subject, target, loss: [{loss, nll, kl, decay, p}, ..] by pass, stopped,
// change_norm, weight_norm, v0_norm, delta_norm, before: {top: [{id, text, prob}, ..], p_target}, after: the same,
// perplexity: {text, before, after} or null, warnings: [text, ..]}.
struct OneEdit {
  Json options;  // what made it
  Json edit;
};

// By pass: the loss and its parts in nats; p(target). None for fewer than two passes.
std::vector<LineChart> EditCharts(const OneEdit& edit);

std::string EditPage(const OneEdit& edit);

// What the model says before and after, side by side, and what the edit took.
std::string EditText(const OneEdit& edit);

}  // namespace mambascope
