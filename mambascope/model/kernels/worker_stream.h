// A worker's own queue of work on a GPU. A GPU computes the work of several streams at the same
// time, and that of one stream in order.
#pragma once

#include <c10/core/StreamGuard.h>

#include <optional>

namespace mambascope {

class WorkerStream {
 public:
  // Takes a stream of `device`; a CPU has none. Waits until the device's default stream is done, so
  // that this stream can read what was made there.
  explicit WorkerStream(c10::Device device);

  // While the guard exists, the stream gets all work of this thread. Tensors that are made then
  // must be read there, or copied to the CPU.
  std::optional<c10::StreamGuard> Use() const {
    if (!stream_) return std::nullopt;
    return std::optional<c10::StreamGuard>(std::in_place, *stream_);
  }

 private:
  std::optional<c10::Stream> stream_;
};

}  // namespace mambascope
