// The server of `serve`: its answers are those of the command line, and no request harms it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <map>
#include <thread>

#include "mambascope/cli/cli_facts_test_support.h"
#include "mambascope/cli/serve_words.h"

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

// A trace is told cell by cell while it is computed.
TEST_F(CliServeTest, ATraceFillsIn) {
  const Events events = Ask(Words{"trace", "--site=resid", "--noise=3", "--samples=60"} + kFact);
  const Json& last = events.back().second["json"]["facts"][0];
  size_t parts = 0;
  for (const auto& [name, data] : events) {
    if (name != "partial") continue;
    ++parts;
    const Json& part = data["json"]["facts"][0];
    EXPECT_EQ(part["tokens"], last["tokens"]);
    EXPECT_EQ(part["answer"], last["answer"]);
    for (size_t t = 0; t < last["probs"].size(); ++t) {
      for (size_t l = 0; l < last["probs"][t].size(); ++l) {
        if (part["probs"][t][l].is_null()) continue;
        EXPECT_NEAR(part["probs"][t][l].get<double>(), last["probs"][t][l].get<double>(), 1e-6);
      }
    }
  }
  EXPECT_GE(parts, 2u);
}

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
  EXPECT_THAT(Message(Ask({"predict", "--edit=" + id, prompt})), HasSubstr("no longer has edit"));
}

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(CliServeTest, SaysWhatIsWrongAndGoesOn) {
  const std::map<std::string, std::string> bodies = {
      {"{", "not JSON"},
      {"[]", "lacks"},
      {R"({"client": 3, "words": ["predict"]})", "lacks"},
      {R"({"client": "a", "words": [3]})", "not a string"},
      {Body({"report"}), "cannot run the command 'report'"},
      {Body({"trace", "--out=/etc"}), "does not allow the option '--out'"},
      {Body({"trace", "out"}), "does not allow the option 'out'"},
      {Body({"predict", "--model=/etc"}), "has no model '/etc'"},
      {"{\"client\": \"a\", \"words\": [\"predict\", \"--prompt=\xff\"]}", "not JSON"}};
  for (const auto& [body, message] : bodies) {
    const auto answer = Post(body);
    EXPECT_EQ(answer->status, 400) << body;
    EXPECT_THAT(answer->body, HasSubstr(message));
  }
  EXPECT_EQ(Post(std::string(1 << 20, 'x'))->status, 413);
  const std::vector<std::pair<Words, std::string>> requests = {
      {{"predict"}, "no prompt"},
      {{"predict", "--prompt"}, "--prompt needs a value"},
      {{"predict", "--prompt=" + std::string(100'000, 'x')}, "allows at most 100"},
      {Words{"trace", "--window=0"} + kTraced, "--window: expected a whole number"},
      {Words{"trace", "--site=nothing"} + kTraced, "nothing"},
      {Words{"trace"} + kFact, "--corrupt-subject or --noise"},
      {Words{"predict", "--restore=resid:1:99"} + kTraced, "there is no token 99"},
      {Words{"trace", "--corrupt-subject=" + Repeated("Rome ", 200)} + kFact, "at most 100"},
      {Words{"edit", "--target=Rome", "--check-prompts={} " + Repeated("is ", 200)} + kFact,
       "at most 100"}};
  for (const auto& [words, message] : requests) {
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

// Minutes of work.
const Words kSlow = Words{"trace", "--noise=3", "--samples=1000", "--site=mixer_out"} + kFact;

// Asks for a command, and calls `hear` with each part of the stream until it returns false. The
// client then leaves.
void Listen(const std::string& url, const std::string& body,
            const std::function<bool(const std::string&)>& hear) {
  httplib::Client client(url);
  client.set_read_timeout(120);
  httplib::Request request;
  request.method = "POST";
  request.path = "/api/run";
  request.body = body;
  request.content_receiver = [&](const char* data, size_t n, uint64_t, uint64_t) {
    return hear({data, n});
  };
  (void)client.send(request);
}

// A client that leaves ends its computation, and the next one does not wait for it.
TEST_F(CliServeTest, AClosedConnectionCancelsTheWork) {
  bool heard = false;
  Listen(url_, Body(kSlow, "leaver"), [&](const std::string&) { return !(heard = true); });
  EXPECT_TRUE(heard) << "progress is told while it runs";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Ask({"predict", "--prompt=Rome is"}).back().first, "result");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_F(CliServeTest, ANewRequestOfAClientCancelsTheOldOne) {
  std::promise<void> runs;
  std::string old;
  std::thread first([&] {
    Listen(url_, Body(kSlow, "typist"), [&](const std::string& part) {
      if (old.empty()) runs.set_value();
      old += part;
      return true;
    });
  });
  runs.get_future().wait();
  EXPECT_EQ(Ask({"predict", "--prompt=Rome is"}, "typist").back().first, "result");
  first.join();
  EXPECT_EQ(ReadEvents(old).back().first, "cancelled");
}

// What the server answers to these bytes on one connection.
std::string Raw(int port, const std::string& bytes) {
  const int end = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(end, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_GT(send(end, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(end, buffer, sizeof(buffer), 0)) > 0;)
    answer.append(buffer, static_cast<size_t>(n));
  close(end);
  return answer;
}

size_t Occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The body of a refused request must not be read as another request.
TEST_F(CliServeTest, ARequestHidesNoOther) {
  const int port = std::stoi(url_.substr(url_.rfind(':') + 1));
  const std::string inner = Body({"predict", "--prompt=Rome is"}),
                    hidden = fmt::format(
                        "\r\n\r\nPOST /api/run HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Length: {}\r\n\r\n{}",
                        inner.size(), inner);
  const std::string answer =
      Raw(port, fmt::format("POST /api/run HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                            "http://evil.com\r\nContent-Length: {}\r\n\r\n{}",
                            hidden.size(), hidden));
  EXPECT_THAT(answer, HasSubstr(" 403 "));
  EXPECT_EQ(Occurrences(answer, "HTTP/1.1 "), 1u) << answer;
}

// A body without a length would have no limit.
TEST_F(CliServeTest, ABodyNeedsALength) {
  const int port = std::stoi(url_.substr(url_.rfind(':') + 1));
  EXPECT_THAT(Raw(port,
                  "POST /api/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
              HasSubstr(" 411 "));
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

// A server with these options, and its end.
class OwnServer {
 public:
  explicit OwnServer(const Words& options) {
    std::string line = fmt::format(
        "exec env --default-signal=INT OMP_WAIT_POLICY=passive TMPDIR={0} {1} serve --port 0",
        folder_.path().string(), Quoted(MAMBASCOPE_BINARY));
    for (const std::string& option : options) line += " " + Quoted(option);
    server_ =
        popen(fmt::format("{} 2>{}/err & echo $!; wait $!; echo $?", line, folder_.path().string())
                  .c_str(),
              "r");
    EXPECT_EQ(fscanf(server_, "%d\n", &pid_), 1);
    char line_of_url[512] = {};
    EXPECT_NE(fgets(line_of_url, sizeof(line_of_url), server_), nullptr) << err();
    url = line_of_url;
    url.pop_back();
  }
  ~OwnServer() { (void)Stop(SIGTERM); }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;

  // Returns the exit code.
  int Stop(int signal) {
    if (server_ == nullptr) return -1;
    kill(pid_, signal);
    int code = -1;
    char line[256];
    while (fgets(line, sizeof(line), server_) != nullptr) code = std::atoi(line);
    pclose(server_);
    server_ = nullptr;
    return code;
  }
  httplib::Client Client() const {
    const size_t end = url.find('/', 7), colon = url.rfind(':', end);
    return httplib::Client("127.0.0.1", std::stoi(url.substr(colon + 1)));
  }
  std::string err() const { return ReadFile(folder_ / "err"); }
  const TempFolder& folder() const { return folder_; }

  std::string url;

 private:
  const TempFolder folder_;
  FILE* server_ = nullptr;
  int pid_ = 0;
};

// If other machines reach the server, data need the token. The page's own files do not.
TEST(CliServeOptionsTest, TheAddressHoldsTheToken) {
  const OwnServer server({"--host", "0.0.0.0", "--quiet"});
  const size_t mark = server.url.find("?token=");
  ASSERT_NE(mark, std::string::npos) << "--quiet prints the address, too";
  const std::string token = server.url.substr(mark + 7);
  httplib::Client client = server.Client();
  EXPECT_EQ(client.Get("/")->status, 200);
  EXPECT_EQ(client.Get("/api/session")->status, 403);
  EXPECT_EQ(client.Get("/api/session", {{"X-Mambascope-Token", "guess"}})->status, 403);
  EXPECT_EQ(client.Get("/api/session", {{"X-Mambascope-Token", token}})->status, 200);
  EXPECT_EQ(client.Get("/api/session?token=" + token)->status, 200);
}

TEST(CliServeOptionsTest, WarnsThatOthersCanUseTheModels) {
  OwnServer server({"--host", "0.0.0.0"});
  server.Stop(SIGINT);
  EXPECT_THAT(server.err(), HasSubstr("Whoever has the page's address can use the models"));
}

TEST(CliServeOptionsTest, ResultsAreShownAsAReport) {
  const TempFolder out;
  ASSERT_EQ(RunProgram(Words{"trace", "--prompt", kPattern, "--subject", "Louvre",
                             "--corrupt-subject", "Colosseum", "--out", out.path().string()})
                .exit_code,
            0);
  const OwnServer server({"--results", out.path().string()});
  EXPECT_TRUE(ParseJson(server.Client().Get("/api/session")->body, "the session")["results"]);
  const auto report = server.Client().Get("/report");
  EXPECT_EQ(report->status, 200);
  EXPECT_THAT(report->body, HasSubstr("Causal tracing"));
}

// A signal ends the server even while it computes, and leaves no files behind.
TEST(CliServeOptionsTest, ASignalEndsIt) {
  for (const int signal : {SIGINT, SIGTERM}) {
    OwnServer server({});
    std::promise<void> runs;
    std::thread client([&] {
      bool heard = false;
      Listen(server.url.substr(0, server.url.size() - 1),
             DumpJson({{"client", "a"}, {"words", kSlow}}), [&](const std::string&) {
               if (!std::exchange(heard, true)) runs.set_value();
               return true;
             });
    });
    runs.get_future().wait();
    EXPECT_EQ(server.Stop(signal), 0) << server.err();
    client.join();
    for (const auto& entry : std::filesystem::directory_iterator(server.folder().path()))
      EXPECT_EQ(entry.path().filename(), "err");
  }
}

TEST(CliServeOptionsTest, ATakenPortIsAnError) {
  const OwnServer server({});
  const std::string port = server.url.substr(server.url.rfind(':') + 1);
  const Outcome outcome = RunProgram({"serve", "--port", port.substr(0, port.size() - 1)});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("another program may have the port"));
}

// The page's options are options of the commands.
TEST(CliServeOptionsTest, ServedOptionsExist) {
  const Json commands = RunForJson({"options"});
  for (const auto& [name, options] : ServedOptions()) {
    std::set<std::string> known;
    for (const Json& command : commands["commands"]) {
      if (command["name"] != name) continue;
      for (const Json& option : command["options"])
        for (const Json& own : option["names"]) known.insert(own.get<std::string>());
    }
    for (const std::string& option : options)
      EXPECT_TRUE(known.contains(option)) << name << " " << option;
  }
}

}  // namespace
}  // namespace mambascope
