#include "mambascope/model/kernels/elementwise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "mambascope/checkpoint/test_support.h"

namespace mambascope {
namespace {

struct Case {
  const char* name;
  at::Tensor (*ours)(const at::Tensor&);
  at::Tensor (*libtorch)(const at::Tensor&);
};
const Case kCases[] = {
    {"silu", Silu, [](const at::Tensor& x) { return at::silu(x); }},
    {"gelu", Gelu, [](const at::Tensor& x) { return at::gelu(x); }},
    {"gelu_tanh", GeluTanh, [](const at::Tensor& x) { return at::gelu(x, "tanh"); }},
    {"sigmoid", Sigmoid, [](const at::Tensor& x) { return at::sigmoid(x); }},
    {"softplus", Softplus, [](const at::Tensor& x) { return at::softplus(x); }}};

// f(x) and dL/dx for L = sum of weight f(x).
std::pair<at::Tensor, at::Tensor> ValueAndGradient(at::Tensor (*f)(const at::Tensor&),
                                                   const at::Tensor& x, const at::Tensor& weight) {
  const at::Tensor leaf = x.detach().clone().set_requires_grad(true);
  const at::Tensor y = f(leaf);
  (y * weight).sum().backward();
  return {y.detach(), leaf.grad()};
}

TEST(Elementwise, AgreesWithLibTorch) {
  at::manual_seed(1);
  const at::Tensor x = at::randn({37, 51}) * 12, weight = at::randn({37, 51});
  for (const Case& c : kCases) {
    const auto [y, g] = ValueAndGradient(c.ours, x, weight);
    const auto [want, want_g] = ValueAndGradient(c.libtorch, x, weight);
    EXPECT_LT(MaxDifference(y, want), 1e-5) << c.name;
    EXPECT_LT(MaxDifference(g, want_g), 1e-5) << c.name;
    EXPECT_EQ(MaxDifference(c.ours(x.t()), y.t()), 0) << c.name << " of a transposed tensor";
    EXPECT_EQ(c.ours(at::empty({0, 3})).sizes(), at::IntArrayRef({0, 3}));
  }
}

TEST(Elementwise, AnElementHasTheSameValueAnywhere) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({100'003}) * 5, weight = at::randn({100'003});
  const int threads = at::get_num_threads();
  for (const Case& c : kCases) {
    at::set_num_threads(1);
    const auto [all, all_g] = ValueAndGradient(c.ours, x, weight);
    for (int count : {1, 2, 3, 7}) {
      at::set_num_threads(count);
      for (const auto& [begin, end] :
           {std::pair{0, 100'003}, {1, 100'000}, {70'001, 70'008}, {5, 6}}) {
        const auto [y, g] =
            ValueAndGradient(c.ours, x.slice(0, begin, end), weight.slice(0, begin, end));
        EXPECT_TRUE(at::equal(y, all.slice(0, begin, end))) << c.name << " from " << begin;
        EXPECT_TRUE(at::equal(g, all_g.slice(0, begin, end))) << c.name << " from " << begin;
      }
    }
  }
  at::set_num_threads(threads);
}

// The models call these of LibTorch directly.
TEST(Elementwise, LibTorchsOtherFunctionsDependOnTheirRowAlone) {
  at::manual_seed(3);
  constexpr int64_t kRows = 907, kWidth = 325;
  const at::Tensor x = at::randn({kRows, kWidth}), weight = at::randn({kRows, kWidth}),
                   scale = at::randn({kWidth});
  using Rows = at::Tensor (*)(const at::Tensor& x, const at::Tensor& scale);
  const std::pair<const char*, Rows> functions[] = {
      {"addcmul",
       [](const at::Tensor& y, const at::Tensor& s) { return at::addcmul(y, y * 3, s); }},
      {"rms",
       [](const at::Tensor& y, const at::Tensor& s) {
         return y * at::rsqrt(y.square().mean(-1, true) + 1e-5) * s;
       }},
      {"layer_norm",
       [](const at::Tensor& y, const at::Tensor& s) {
         return at::layer_norm(y, {y.size(-1)}, s, s, 1e-5);
       }},
      {"softmax", [](const at::Tensor& y, const at::Tensor&) { return at::softmax(y, -1); }},
      {"log_softmax",
       [](const at::Tensor& y, const at::Tensor&) { return at::log_softmax(y, -1); }},
      {"logsumexp",
       [](const at::Tensor& y, const at::Tensor& s) { return y.logsumexp(1, true) * s; }},
      {"tanh", [](const at::Tensor& y, const at::Tensor&) { return at::tanh(y / 30) * 30; }},
      {"exp", [](const at::Tensor& y, const at::Tensor&) { return at::exp(y.cumsum(-1) * 0.01); }},
      {"clamp", [](const at::Tensor& y, const at::Tensor& s) { return at::clamp(y, -1, 1) / s; }}};
  const auto compute = [&](Rows f, int64_t begin, int64_t end) {
    const at::Tensor leaf = x.slice(0, begin, end).clone().set_requires_grad(true);
    const at::Tensor y = f(leaf, scale);
    (y * weight.slice(0, begin, end)).sum().backward();
    return std::pair(y.detach(), leaf.grad());
  };
  const int threads = at::get_num_threads();
  for (const auto& [name, f] : functions) {
    at::set_num_threads(1);
    const auto [all, all_g] = compute(f, 0, kRows);
    for (int count : {1, 2, 3, 7}) {
      at::set_num_threads(count);
      for (const auto& [begin, end] :
           {std::pair<int64_t, int64_t>{0, kRows}, {1, 900}, {5, 6}, {700, 703}}) {
        const auto [y, g] = compute(f, begin, end);
        EXPECT_TRUE(at::equal(y, all.slice(0, begin, end))) << name << " " << begin << " " << count;
        EXPECT_TRUE(at::equal(g, all_g.slice(0, begin, end)))
            << name << " " << begin << " " << count;
      }
    }
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace mambascope
