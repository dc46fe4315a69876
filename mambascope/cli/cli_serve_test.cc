// The server of `serve`: its answers are those of the command line, and no request harms it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "mambascope/cli/cli_facts_test_support.h"

namespace mambascope {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The events of an answer: name, data.
using Events = std::vector<std::pair<std::string, Json>>;

Events ReadEvents(const std::string& stream) {
  Events events;
  std::istringstream lines(stream);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("event: ")) events.emplace_back(line.substr(7), Json());
    if (line.starts_with("data: ")) events.back().second = ParseJson(line.substr(6), "an event");
  }
  return events;
}

// A server in a process of its own, for all tests of this file.
class CliServeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    server_ = popen(fmt::format("cd {} && exec env OMP_WAIT_POLICY=passive {} serve --port 0 "
                                "--json --model demo --model demo-neox --max-tokens 100 2>err & "
                                "echo $!; wait",
                                Quoted(folder_->path().string()), Quoted(MAMBASCOPE_BINARY))
                        .c_str(),
                    "r");
    ASSERT_EQ(fscanf(server_, "%d\n", &pid_), 1);
    char line[256] = {};
    ASSERT_NE(fgets(line, sizeof(line), server_), nullptr) << ReadFile(*folder_ / "err");
    const std::string url = ParseJson(line, "the first line")["url"];
    url_ = url.substr(0, url.size() - 1);
  }
  static void TearDownTestSuite() {
    kill(pid_, SIGTERM);
    pclose(server_);
    delete folder_;
  }

  static httplib::Client Client() {
    httplib::Client client(url_);
    client.set_read_timeout(120);
    return client;
  }
  static httplib::Result Post(const std::string& body) {
    return Client().Post("/api/run", body, "application/json");
  }
  static std::string Body(const std::vector<std::string>& words, const std::string& of = "test") {
    return DumpJson({{"client", of}, {"words", words}});
  }
  static Events Ask(const std::vector<std::string>& words, const std::string& of = "test") {
    const httplib::Result result = Post(Body(words, of));
    if (!result) return {{"no answer", httplib::to_string(result.error())}};
    if (result->status != 200) return {{"refused", ParseJson(result->body, "the answer")}};
    return ReadEvents(result->body);
  }
  // The last event, which is the result.
  static Json Result(const std::vector<std::string>& words) {
    const Events events = Ask(words);
    EXPECT_EQ(events.back().first, "result") << DumpJson(events.back().second);
    return events.back().second;
  }
  static std::string Message(const Events& events) { return events.back().second["message"]; }

  static inline TempFolder* folder_ = nullptr;
  static inline FILE* server_ = nullptr;
  static inline int pid_ = 0;
  static inline std::string url_;
};

const char* const kPattern = "The landmark called {} can be found in";
const Words kFact = {fmt::format("--prompt={}", kPattern), "--subject=Louvre"};
const Words kTraced = kFact + Words{"--corrupt-subject=Colosseum"};

TEST_F(CliServeTest, EveryAnswerIsThatOfTheCommandLine) {
  const std::vector<Words> requests = {
      Words{"predict", "--model=demo", "--prompt=The landmark called Louvre can be found in"},
      Words{"predict", "--model=demo", "--restore=resid:8:4"} + kTraced,
      Words{"trace", "--model=demo", "--site=resid"} + kTraced,
      Words{"trace", "--model=demo-neox", "--site=mlp_out", "--noise=3", "--samples=2"} + kFact,
      Words{"paths", "--model=demo", "--at=subject_last,prompt_last"} + kTraced,
      Words{"knockout", "--model=demo", "--from=subject,0-1", "--window=3", "--heatmap"} + kFact,
      Words{"attention", "--model=demo", "--layer=8", "--prompt=The landmark called Louvre is"},
      Words{"edit", "--model=demo", "--target=Rome", "--layer=5"} + kFact};
  for (const Words& words : requests) {
    const TempFolder out;
    Words line = words;
    if (words[0] != "predict") line.push_back("--out=" + out.path().string());
    Json answer = Result(words), own = RunForJson(line + Words{"--quiet"});
    ExpectClose(answer["json"], own, 1e-5, words[0]);
    EXPECT_EQ(answer["figures"].empty(), words[0] == "predict");
    for (const Json& figure : answer["figures"])
      EXPECT_THAT(figure["spec"]["$schema"].get<std::string>(), HasSubstr("vega-lite"));
  }
}

// The line that the page copies is a whole command line.
TEST_F(CliServeTest, TheCommandMakesTheSameResult) {
  const Json answer = Result(Words{"trace", "--site=gate"} + kTraced);
  EXPECT_EQ(answer["command"],
            "mambascope trace --model demo --site gate --prompt 'The landmark called {} can be "
            "found in' --subject Louvre --corrupt-subject Colosseum");
}

// The most probable token.
std::string Answer(const Json& predicted) { return predicted.at("top").at(0).at("text"); }

TEST_F(CliServeTest, AnEditIsTriedSavedAndDiscarded) {
  const Json edit = Result(Words{"edit", "--target=Rome", "--layer=5"} + kFact);
  const std::string id = edit["edit"],
                    prompt = "--prompt=The landmark called Louvre can be found in";
  EXPECT_EQ(Answer(edit["json"]["edit"]["after"]), " Rome");
  EXPECT_EQ(Answer(Result({"predict", "--edit=" + id, prompt})["json"]), " Rome");
  EXPECT_EQ(Answer(Result({"predict", prompt})["json"]), " Paris") << "the model is not edited";
  const auto file = Client().Get("/api/edits/" + id + "/edit.safetensors");
  const auto saved = Client().Post("/api/edits/" + id + "/save");
  ASSERT_EQ(saved->status, 200) << saved->body;
  const Json json = ParseJson(saved->body, "the answer");
  const auto folder = folder_->path() / json["folder"].get<std::string>();
  for (const Json& name : json["files"])
    EXPECT_TRUE(std::filesystem::exists(folder / name.get<std::string>())) << name;
  EXPECT_EQ(ReadFile(folder / "edit.safetensors"), file->body);
  EXPECT_EQ(ReadJson(folder / "edit.json"), edit["json"]);
  const Json predicted = RunForJson({"predict", "--edit", (folder / "edit.safetensors").string(),
                                     "--prompt", "The landmark called Louvre can be found in"});
  EXPECT_EQ(Answer(predicted), " Rome");
  EXPECT_EQ(Client().Delete("/api/edits/" + id)->status, 200);
  EXPECT_EQ(Client().Delete("/api/edits/" + id)->status, 400);
  EXPECT_THAT(Message(Ask({"predict", "--edit=" + id, prompt})), HasSubstr("not kept any more"));
}

TEST_F(CliServeTest, SaysWhatIsWrongAndGoesOn) {
  const std::map<std::string, std::string> bodies = {
      {"{", "no JSON"},
      {"[]", "lacks"},
      {R"({"client": 3, "words": ["predict"]})", "lacks"},
      {R"({"client": "a", "words": [3]})", "no text"},
      {Body({"report"}), "does not run the command 'report'"},
      {Body({"trace", "--out=/etc"}), "does not take the option '--out'"},
      {Body({"trace", "out"}), "does not take the option 'out'"},
      {Body({"predict", "--model=/etc"}), "has no model '/etc'"}};
  for (const auto& [body, message] : bodies) {
    const auto answer = Post(body);
    EXPECT_EQ(answer->status, 400) << body;
    EXPECT_THAT(answer->body, HasSubstr(message));
  }
  EXPECT_EQ(Post(std::string(1 << 20, 'x'))->status, 413);
  const std::vector<std::pair<Words, std::string>> requests = {
      {{"predict"}, "no prompt"},
      {{"predict", "--prompt"}, "--prompt needs a value"},
      {{"predict", "--prompt=" + std::string(100'000, 'x')}, "takes up to 100"},
      {Words{"trace", "--window=0"} + kTraced, "--window: expected a whole number"},
      {Words{"trace", "--site=nothing"} + kTraced, "nothing"},
      {Words{"trace"} + kFact, "--corrupt-subject or --noise"},
      {Words{"predict", "--restore=resid:1:99"} + kTraced, "there is no token 99"},
      {{"predict", "--prompt=\xff"}, "UTF-8"}};
  for (const auto& [words, message] : requests) {
    if (message == "UTF-8") continue;  // JSON itself refuses it
    const Events events = Ask(words);
    EXPECT_EQ(events.back().first, "error") << words.back();
    EXPECT_THAT(Message(events), HasSubstr(message));
  }
  EXPECT_EQ(Ask({"predict", "--prompt=Rome is"}).back().first, "result");
}

TEST_F(CliServeTest, RefusesPagesOfOtherSites) {
  const auto get = [&](const httplib::Headers& headers) {
    return Client().Get("/api/session", headers)->status;
  };
  EXPECT_EQ(get({}), 200);
  EXPECT_EQ(get({{"Host", "evil.com"}}), 403);
  EXPECT_EQ(get({{"Origin", "http://evil.com"}}), 403);
  EXPECT_EQ(Client().Get("/nothing")->status, 404);
}

// A reader that leaves ends its computation, and the next one does not wait for it.
TEST_F(CliServeTest, AClosedConnectionCancelsTheWork) {
  const Words slow = Words{"trace", "--noise=3", "--samples=200", "--site=mixer_out"} + kFact;
  const auto begin = std::chrono::steady_clock::now();
  httplib::Client client(url_);
  client.set_read_timeout(1);
  bool heard = false;
  const auto leave = [&](const char*, size_t) { return !(heard = true); };
  httplib::Request request;
  request.method = "POST";
  request.path = "/api/run";
  request.body = Body(slow, "leaver");
  request.content_receiver = [&](const char* data, size_t n, uint64_t, uint64_t) {
    return leave(data, n);
  };
  (void)client.send(request);
  EXPECT_TRUE(heard) << "progress is told while it runs";
  EXPECT_EQ(Ask({"predict", "--prompt=Rome is"}).back().first, "result");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST_F(CliServeTest, ANewRequestOfAClientCancelsTheOldOne) {
  const Words slow = Words{"trace", "--noise=3", "--samples=200", "--site=mixer_out"} + kFact;
  Events old;
  std::thread first([&] { old = Ask(slow, "typist"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(Ask({"predict", "--prompt=Rome is"}, "typist").back().first, "result");
  first.join();
  EXPECT_EQ(old.back().first, "cancelled");
}

TEST_F(CliServeTest, FiftyClientsAreAllAnswered) {
  std::vector<std::thread> clients;
  std::vector<std::string> last(50);
  for (size_t i = 0; i < last.size(); ++i)
    clients.emplace_back([&, i] {
      const Words words = i % 2 == 0 ? Words{"predict", "--prompt=Rome is"}
                                     : Words{"trace", "--site=resid"} + kTraced;
      last[i] = Ask(words, fmt::format("client {}", i)).back().first;
    });
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(last, testing::Each("result"));
}

TEST_F(CliServeTest, TheSessionTellsWhatThePageNeeds) {
  const Json session = ParseJson(Client().Get("/api/session")->body, "the session");
  ASSERT_EQ(session["models"].size(), 2u);
  EXPECT_EQ(session["models"][0]["name"], "demo");
  EXPECT_EQ(session["models"][0]["traced_sites"], Json({"resid", "mixer_out", "ssm_out", "gate"}));
  EXPECT_EQ(session["models"][1]["mixers"]["mamba"], Json::array());
  EXPECT_EQ(session["max_tokens"], 100);
  EXPECT_FALSE(session["results"]);
  EXPECT_THAT(session["examples"], Not(IsEmpty()));
  EXPECT_EQ(Client().Get("/report")->status, 404);
}

// Beyond this machine, data need the token; the page's own files do not.
TEST(CliServeTokenTest, IsInTheAddress) {
  const TempFolder folder;
  FILE* server = popen(fmt::format("exec env OMP_WAIT_POLICY=passive {} serve --port 0 --host "
                                   "0.0.0.0 --json 2>{}/err & echo $!; wait",
                                   Quoted(MAMBASCOPE_BINARY), folder.path().string())
                           .c_str(),
                       "r");
  int pid = 0;
  ASSERT_EQ(fscanf(server, "%d\n", &pid), 1);
  char line[512] = {};
  ASSERT_NE(fgets(line, sizeof(line), server), nullptr);
  const std::string url = ParseJson(line, "the first line")["url"];
  const size_t mark = url.find("?token="), colon = url.rfind(':', mark);
  httplib::Client client("127.0.0.1", std::stoi(url.substr(colon + 1)));
  EXPECT_EQ(client.Get("/")->status, 200);
  EXPECT_EQ(client.Get("/api/session")->status, 403);
  EXPECT_EQ(client.Get("/api/session", {{"X-Mambascope-Token", "guess"}})->status, 403);
  EXPECT_EQ(client.Get("/api/session", {{"X-Mambascope-Token", url.substr(mark + 7)}})->status,
            200);
  EXPECT_THAT(ReadFile(folder / "err"), HasSubstr("whoever has the page's address"));
  kill(pid, SIGTERM);
  pclose(server);
}

}  // namespace
}  // namespace mambascope
