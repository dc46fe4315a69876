#include "mambascope/model/layer_cost.h"

namespace mambascope {

LayerCost& LayerCost::operator+=(const LayerCost& other) {
  row += other.row;
  pair += other.pair;
  slot += other.slot;
  walked_row += other.walked_row;
  keys_and_values += other.keys_and_values;
  return *this;
}

}  // namespace mambascope
