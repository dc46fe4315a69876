#include "mambascope/cli/command.h"

namespace mambascope {

void VisitAllOptions(Command& command, OptionVisitor& option) {
  command.VisitOptions(option);
  command.VisitModel(option);
  command.VisitCompat(option);
  VisitCommonOptions(command.common, option);
}

}  // namespace mambascope
