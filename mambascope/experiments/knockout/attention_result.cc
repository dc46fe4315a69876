#include "mambascope/experiments/knockout/attention_result.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// [to][from]
Json MatrixJson(const at::Tensor& matrix) {
  const at::Tensor numbers = matrix.to(at::kDouble);
  const auto each = numbers.accessor<double, 2>();
  Json rows = Json::array();
  for (int64_t to = 0; to < each.size(0); ++to) {
    rows.push_back(Json::array());
    for (int64_t from = 0; from < each.size(1); ++from) rows.back().push_back(each[to][from]);
  }
  return rows;
}

// float32 [to, from], each of all tokens. Throws Error for another shape.
at::Tensor ReadMatrix(const Json& rows, size_t tokens) {
  std::vector<double> numbers;
  bool fits = rows.size() == tokens;
  for (const Json& row : rows) {
    fits = fits && row.size() == tokens;
    for (const Json& number : row) numbers.push_back(number);
  }
  if (!fits) throw Error(fmt::format("a matrix is not {0} x {0}, as the tokens are", tokens));
  const auto size = static_cast<int64_t>(tokens);
  return at::tensor(numbers, at::kDouble).to(at::kFloat).reshape({size, size});
}

}  // namespace

void to_json(Json& json, const AttentionResult& result) {
  json = {{"options", result.options}, {"tokens", Json::array()}, {"layers", Json::array()}};
  for (size_t t = 0; t < result.ids.size(); ++t)
    json["tokens"].push_back({{"id", result.ids[t]}, {"text", result.texts[t]}});
  for (const LayerAttention& layer : result.layers) {
    json["layers"].push_back({{"layer", layer.layer},
                              {"kind", layer.channel_name},
                              {"channels", layer.channels},
                              {"signed", MatrixJson(layer.mean)},
                              {"absolute", MatrixJson(layer.absolute)},
                              {"normalised", MatrixJson(layer.normalised)}});
    if (result.channel)
      json["layers"].back()["channel"] = {{"index", *result.channel},
                                          {"matrix", MatrixJson(layer.channel)}};
  }
}

void from_json(const Json& json, AttentionResult& result) {
  result = {.options = json.at("options"), .ids = {}, .texts = {}, .layers = {}};
  for (const Json& token : json.at("tokens")) {
    result.ids.push_back(token.at("id"));
    result.texts.push_back(token.at("text").get<std::optional<std::string>>());
  }
  const size_t tokens = result.ids.size();
  for (const Json& layer : json.at("layers")) {
    result.layers.push_back({.layer = layer.at("layer"),
                             .channels = layer.at("channels"),
                             .mean = ReadMatrix(layer.at("signed"), tokens),
                             .absolute = ReadMatrix(layer.at("absolute"), tokens),
                             .normalised = ReadMatrix(layer.at("normalised"), tokens),
                             .channel = {},
                             .channel_name = layer.at("kind")});
    if (layer.contains("channel") != json["layers"][0].contains("channel"))
      throw Error("some layers have the matrix of a channel, and others have none");
    if (!layer.contains("channel")) continue;
    result.channel = layer["channel"].at("index").get<int64_t>();
    result.layers.back().channel = ReadMatrix(layer["channel"].at("matrix"), tokens);
  }
}

}  // namespace mambascope
