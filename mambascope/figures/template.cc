#include "mambascope/figures/template.h"

namespace mambascope {
namespace {

void Fill(Json& node, const std::map<std::string, Json>& values) {
  if (node.is_structured()) {
    for (Json& child : node) Fill(child, values);
  } else if (node.is_string() && node.get_ref<const std::string&>().starts_with('@')) {
    node = values.at(node.get_ref<const std::string&>().substr(1));
  }
}

}  // namespace

Json FillTemplate(std::string_view text, const std::map<std::string, Json>& values) {
  Json document = Json::parse(text, nullptr, true, /*ignore_comments=*/true);
  Fill(document, values);
  return document;
}

}  // namespace mambascope
