// Which weights `edit` changes: those of --layers and --projections, and defaults for both.
#pragma once

#include <string>
#include <vector>

#include "mambascope/cli/common.h"

namespace mambascope {

enum class EditRun {
  kSweep,  // each record alone at each place
  kRome,   // one weight
  kMemit,  // one projection in several layers
};

struct ChosenPlaces {
  std::vector<EditPlace> places;
  std::string layers;              // as --layers would name them
  bool are_layers_chosen = false;  // not given, and chosen by the depth of published edits
};

// The layer that published edits of such a model change, or the last of their layers, in a model of
// `layers` layers: a share of the depth, rounded down.
int PublishedLayer(EditRun run, const std::string& model_type, const std::string& projection,
                   int layers);

// `layers` and `projections` may be empty. Projections default to W_o, or W_down in transformers.
// Layers of a sweep default to all. Otherwise they default to the depth at which published edits
// work well, in layers that have the projection:
//
//   ROME    GPT-2 8 of 24, 12 of 36, 17 of 48 (Meng et al. 2022): 0.355 of the depth.
//           Other transformers 5 of 28 (GPT-J, Meng et al. 2022): 0.18. Pythia-2.8b's S is 93 to 94
//           in layers 0 to 5 of 32, and lower above.
//           W_o and W_g of Mamba 14 of 64, where S is 94 (Sharma et al. 2024, Figure 6): 0.22.
//           W_a 18 of 64, its best layer: 0.285.
//   MEMIT   5 layers. The last one is 17 of 48 in GPT-2 XL (0.355) and 8 of 28 in GPT-J (Meng et
//           al. 2023), 0.29.
//
// Throws Error for layers and projections that the model lacks.
ChosenPlaces ChoosePlaces(const std::string& layers, const std::vector<std::string>& projections,
                          EditRun run, const Model& model);

}  // namespace mambascope
