// A result file of any command, and the report page made from it.
#include "mambascope/reports/report_page.h"
#include "mambascope/reports/result_files.h"
#include "tests/fuzz/fuzz.h"

FUZZ(Report) {
  using namespace mambascope;
  ReportPage(ReadResults(InputFile(input, "trace.json")));
}
