#include "mambascope/checkpoint/pickle.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <deque>
#include <variant>

#include "mambascope/error.h"

namespace mambascope {
namespace {

// Limits far above the needs of real checkpoints. A memo lets a few bytes of the pickle stand for
// large values. Without these limits a small file could need any amount of memory and time.
constexpr size_t kMaxWord = 256;  // longest name of a global or a storage key, in bytes
constexpr size_t kMaxDims = 64;   // most dimensions of a tensor, as in PyTorch
// Limit on the bytes of all tensors' names, plus kEntry for each entry of a dictionary.
constexpr size_t kMaxNames = 16 << 20;
constexpr size_t kEntry = 64;
// Limit on the bytes of the machine's values and its memo. 80,000 tensors, whose pickle has 8 MB,
// take about 300 MB.
constexpr size_t kMaxBytes = 512 << 20;
constexpr size_t kMemoEntry = 64;

// A value on the machine's stack or in its memo.
struct Value;
// Points into the machine's heap. The heap frees its values one by one, so deep nesting and cycles
// do no harm.
using ValuePtr = Value*;
constexpr size_t kPointerBytes = sizeof(void*);  // of a ValuePtr
struct None {};
struct Mark {};
struct Global {
  std::string name;  // "module attribute"
};
struct Storage {
  std::string type, key;
  int64_t size = 0;
};
struct Sequence {
  std::vector<ValuePtr> items;
};
struct Dictionary {
  std::vector<std::pair<ValuePtr, ValuePtr>> items;
};
struct Value {
  std::variant<None, Mark, int64_t, double, std::string, Global, Storage, Sequence, Dictionary,
               PickledTensor>
      v;
};

class Machine {
 public:
  Machine(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  ValuePtr Run() {
    while (true) {
      const auto op = Int<uint8_t>();
      if (op == '.') return Pop();
      Step(op);
    }
  }

 private:
  [[noreturn]] void Refuse(const std::string& what) const {
    throw Error(fmt::format("{}: pickle holds {} at byte {}", name_, what, at_),
                "only a dictionary of tensors can be read; convert the file to safetensors");
  }

  std::string_view Bytes(uint64_t n) {
    if (n > bytes_.size() - at_) Refuse("an end before its STOP");
    at_ += n;
    return bytes_.substr(at_ - n, n);
  }
  template <typename T>
  T Int() {
    T value;
    std::memcpy(&value, Bytes(sizeof(T)).data(), sizeof(T));  // pickles are little-endian
    return value;
  }
  std::string Line() {
    const size_t end = bytes_.substr(at_, kMaxWord).find('\n');
    if (end == bytes_.npos) Refuse("an unfinished line");
    const std::string line(Bytes(end));
    ++at_;
    return line;
  }
  // BINFLOAT is big-endian.
  double Double() {
    auto bits = Int<uint64_t>();
    return std::bit_cast<double>(__builtin_bswap64(bits));
  }
  int64_t Long(uint8_t n) {
    if (n > 8) Refuse("an integer of more than 64 bits");
    const std::string_view digits = Bytes(n);
    uint64_t value = n > 0 && (digits.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = n; i-- > 0;) value = value << 8 | static_cast<uint8_t>(digits[i]);
    return static_cast<int64_t>(value);
  }

  // Counts bytes against the limit.
  void Use(size_t bytes) {
    used_ += bytes;
    if (used_ > kMaxBytes) Refuse("more values than any checkpoint has");
  }
  // `more`: the bytes that the value holds besides its own.
  void Push(Value value, size_t more = 0) {
    Use(sizeof(Value) + more);
    stack_.push_back(&heap_.emplace_back(std::move(value)));
  }
  void PushText(std::string_view text) { Push({std::string(text)}, text.size()); }
  void PushSequence(std::vector<ValuePtr> items) {
    const size_t bytes = items.size() * kPointerBytes;
    Push({Sequence{std::move(items)}}, bytes);
  }
  ValuePtr Pop() {
    if (stack_.empty()) Refuse("a pop from an empty stack");
    ValuePtr top = stack_.back();
    stack_.pop_back();
    return top;
  }
  template <typename T>
  T& As(const ValuePtr& value, const char* expected) {
    T* held = std::get_if<T>(&value->v);
    if (held == nullptr) Refuse(fmt::format("something else where {} was expected", expected));
    return *held;
  }
  std::vector<ValuePtr> PopToMark() {
    size_t i = stack_.size();
    while (i > 0 && !std::holds_alternative<Mark>(stack_[i - 1]->v)) --i;
    if (i == 0) Refuse("no MARK where one was expected");
    std::vector<ValuePtr> items(stack_.begin() + static_cast<int64_t>(i), stack_.end());
    stack_.resize(i - 1);
    return items;
  }
  void PushTuple(size_t n) {
    std::vector<ValuePtr> items(n);
    while (n > 0) items[--n] = Pop();
    PushSequence(std::move(items));
  }
  void Remember(uint32_t key) {
    if (stack_.empty()) Refuse("a PUT from an empty stack");
    if (!memo_.contains(key)) Use(kMemoEntry);
    memo_[key] = stack_.back();
  }
  void Recall(uint32_t key) {
    if (!memo_.contains(key)) Refuse("a GET of something never PUT");
    stack_.push_back(memo_[key]);
  }

  void PushGlobal(const ValuePtr& module, const ValuePtr& attribute) {
    const std::string name = As<std::string>(module, "a module's name") + " " +
                             As<std::string>(attribute, "a global's name");
    if (name.size() > kMaxWord) Refuse("a global's name of more than 256 bytes");
    Push({Global{name}});
  }

  void SetItems(const std::vector<ValuePtr>& items) {
    if (stack_.empty() || items.size() % 2 != 0) Refuse("a SETITEMS without pairs");
    auto& dictionary = As<Dictionary>(stack_.back(), "a dictionary");
    Use(items.size() * kPointerBytes);
    for (size_t i = 0; i < items.size(); i += 2)
      dictionary.items.emplace_back(items[i], items[i + 1]);
  }
  void Append(const std::vector<ValuePtr>& items) {
    if (stack_.empty()) Refuse("an APPEND to nothing");
    auto& list = As<Sequence>(stack_.back(), "a list");
    Use(items.size() * kPointerBytes);
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  // The persistent id is a tuple: ('storage', <torch FloatStorage>, key, location, size).
  void LoadPersistent() {
    const ValuePtr id = Pop();
    const auto& tuple = As<Sequence>(id, "a storage description").items;
    if (tuple.size() != 5 || As<std::string>(tuple[0], "a string") != "storage")
      Refuse("an unknown persistent id");
    const std::string type = As<Global>(tuple[1], "a storage type").name;
    if (!type.starts_with("torch ") || !type.ends_with("Storage"))
      Refuse(fmt::format("the storage type '{}'", type));
    const std::string& key = As<std::string>(tuple[2], "a storage key");
    if (key.size() > kMaxWord) Refuse("a storage key of more than 256 bytes");
    Push({Storage{type.substr(6), key, As<int64_t>(tuple[4], "a storage size")}});
  }

  // Supports the three calls that a dictionary of tensors needs. They build descriptions, not
  // tensors.
  void Reduce() {
    const ValuePtr arguments = Pop(), callee = Pop();
    const std::string& function = As<Global>(callee, "a global").name;
    const auto& items = As<Sequence>(arguments, "a tuple of arguments").items;
    if (function == "collections OrderedDict" && items.empty()) Push({Dictionary{}});
    else if (function == "torch._utils _rebuild_tensor_v2" && items.size() >= 4) PushTensor(items);
    else if (function == "torch._utils _rebuild_parameter" && !items.empty())
      stack_.push_back(items[0]);
    else Refuse(fmt::format("a call of '{}'", function));
  }
  void PushTensor(const std::vector<ValuePtr>& items) {
    const auto& storage = As<Storage>(items[0], "a storage");
    PickledTensor tensor{storage.type,       storage.key,
                         storage.size,       As<int64_t>(items[1], "an offset"),
                         Integers(items[2]), Integers(items[3])};
    const size_t bytes = (tensor.shape.size() + tensor.strides.size()) * sizeof(int64_t);
    Push({std::move(tensor)}, bytes);
  }
  std::vector<int64_t> Integers(const ValuePtr& tuple) {
    std::vector<int64_t> out;
    const auto& items = As<Sequence>(tuple, "a tuple of sizes").items;
    if (items.size() > kMaxDims) Refuse("a tensor of more than 64 dimensions");
    for (const ValuePtr& item : items) out.push_back(As<int64_t>(item, "a size"));
    return out;
  }

  void Step(uint8_t op) {
    // clang-format off
    switch (op) {
      case 0x80:
        if (const int version = Int<uint8_t>(); version > 5)
          Refuse(fmt::format("protocol {}", version));
        break;
      case 0x95: Int<uint64_t>(); break;                                  // FRAME
      case '(': Push({Mark{}}); break;                                    // MARK
      case 'N': Push({None{}}); break;                                    // NONE
      case 0x88: Push({int64_t{1}}); break;                               // NEWTRUE
      case 0x89: Push({int64_t{0}}); break;                               // NEWFALSE
      case 'J': Push({int64_t{Int<int32_t>()}}); break;                   // BININT
      case 'K': Push({int64_t{Int<uint8_t>()}}); break;                   // BININT1
      case 'M': Push({int64_t{Int<uint16_t>()}}); break;                  // BININT2
      case 0x8a: Push({Long(Int<uint8_t>())}); break;                     // LONG1
      case 'G': Push({Double()}); break;                                  // BINFLOAT
      case 'X': PushText(Bytes(Int<uint32_t>())); break;                  // BINUNICODE
      case 0x8c: PushText(Bytes(Int<uint8_t>())); break;                  // SHORT_BINUNICODE
      // GLOBAL
      case 'c': { std::string module = Line(); Push({Global{module + " " + Line()}}); break; }
      // STACK_GLOBAL
      case 0x93: { ValuePtr name = Pop(), module = Pop(); PushGlobal(module, name); break; }
      case ')': case ']': Push({Sequence{}}); break;                      // EMPTY_TUPLE, EMPTY_LIST
      case '}': Push({Dictionary{}}); break;                              // EMPTY_DICT
      case 't': PushSequence(PopToMark()); break;                         // TUPLE
      case 0x85: case 0x86: case 0x87: PushTuple(op - 0x84u); break;      // TUPLE1..3
      case 'a': { ValuePtr item = Pop(); Append({item}); break; }         // APPEND
      case 'e': Append(PopToMark()); break;                               // APPENDS
      // SETITEM
      case 's': { ValuePtr value = Pop(), key = Pop(); SetItems({key, value}); break; }
      case 'u': SetItems(PopToMark()); break;                             // SETITEMS
      case 'q': Remember(Int<uint8_t>()); break;                          // BINPUT
      case 'r': Remember(Int<uint32_t>()); break;                         // LONG_BINPUT
      case 0x94: Remember(static_cast<uint32_t>(memo_.size())); break;    // MEMOIZE
      case 'h': Recall(Int<uint8_t>()); break;                            // BINGET
      case 'j': Recall(Int<uint32_t>()); break;                           // LONG_BINGET
      case 'Q': LoadPersistent(); break;                                  // BINPERSID
      case 'R': Reduce(); break;                                          // REDUCE
      // BUILD: drops a state_dict's _metadata
      case 'b':
        Pop();
        As<Dictionary>(stack_.empty() ? Pop() : stack_.back(), "a dictionary");
        break;
      default: Refuse(fmt::format("opcode 0x{:02x}", op));
    }
    // clang-format on
  }

  std::string_view bytes_;
  const std::string& name_;
  size_t at_ = 0;
  size_t used_ = 0;  // bytes counted against kMaxBytes
  std::deque<Value> heap_;
  std::vector<ValuePtr> stack_;
  std::map<uint32_t, ValuePtr> memo_;
};

// Collects the tensors of a dictionary and of its nested dictionaries.
struct Collector {
  const std::string& file;
  std::map<std::string, PickledTensor> tensors = {};
  size_t used = 0;  // bytes counted against kMaxNames

  void Collect(const Dictionary& dictionary, const std::string& prefix, int depth) {
    if (depth > 8) return;  // a dictionary may contain itself through the memo
    for (const auto& [key, value] : dictionary.items) {
      const auto* name = std::get_if<std::string>(&key->v);
      used += kEntry + (name == nullptr ? 0 : prefix.size() + name->size());
      if (used > kMaxNames)
        throw Error(fmt::format("{}: pickle holds more names than any checkpoint has", file),
                    "is the file corrupt?");
      if (name == nullptr) continue;
      if (const auto* tensor = std::get_if<PickledTensor>(&value->v)) {
        used += 2 * tensor->shape.size() * sizeof(int64_t);
        tensors[prefix + *name] = *tensor;
      }
      if (const auto* nested = std::get_if<Dictionary>(&value->v))
        Collect(*nested, prefix + *name + ".", depth + 1);
    }
  }
};

}  // namespace

std::map<std::string, PickledTensor> ReadTensorPickle(std::string_view bytes,
                                                      const std::string& name) {
  Machine machine(bytes, name);
  const ValuePtr top = machine.Run();
  const auto* dictionary = std::get_if<Dictionary>(&top->v);
  if (dictionary == nullptr)
    throw Error(fmt::format("{}: does not hold a dictionary of tensors", name));
  Collector collector{.file = name};
  collector.Collect(*dictionary, "", 0);
  return std::move(collector.tensors);
}

}  // namespace mambascope
