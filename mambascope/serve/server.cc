#include "mambascope/serve/server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "mambascope/error.h"
#include "mambascope/figures/web.h"

namespace mambascope {
namespace {

using httplib::Request;
using httplib::Response;

constexpr size_t kMostWaiting = 128;  // requests for computations
constexpr size_t kThreads = 192;      // each answers one connection, and mostly waits
constexpr size_t kLongestBody = 256 << 10;
constexpr int kReadSeconds = 5;    // a client that sends nothing for so long is given up
constexpr int kWriteSeconds = 20;  // as is one that takes nothing
constexpr std::chrono::milliseconds kPoll{200};  // between checks that the client is there

// The page may load its own files and nothing else. vega writes styles into its figures.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src data: blob:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

void Reply(Response& response, int status, const Json& json) {
  response.status = status;
  response.set_content(DumpJson(json), "application/json");
}

void Refuse(Response& response, int status, const std::string& message) {
  Reply(response, status, {{"message", message}});
}

// An event as a stream has it; JSON has no line ends.
std::string EventText(const Event& event) {
  return fmt::format("event: {}\ndata: {}\n\n", event.name, DumpJson(event.data));
}

struct CommandRequest {
  std::string client;
  std::vector<std::string> words;
};

CommandRequest ReadCommand(const std::string& body) {
  const auto refuse = [](const char* what) {
    throw Error(fmt::format("the request {}", what),
                "expected {\"client\": \"..\", \"words\": [\"trace\", \"--prompt=..\"]}");
  };
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) refuse("is not JSON");
  if (!json.is_object() || !json.contains("client") || !json["client"].is_string() ||
      !json.contains("words") || !json["words"].is_array() || json["words"].empty())
    refuse("lacks the client or the words of a command");
  CommandRequest request{json["client"], {}};
  for (const Json& word : json["words"]) {
    if (!word.is_string()) refuse("has a word that is not a string");
    request.words.push_back(word);
  }
  return request;
}

// Another program must not bind the same port, which httplib's own options allow.
void SetSocketOptions(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions o, Service& s) : options(std::move(o)), service(s), queue(kMostWaiting) {
    http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http.set_socket_options([this](socket_t made) {
      SetSocketOptions(made);
      socket = made;
    });
    http.set_payload_max_length(kLongestBody);
    // One request per connection: the body of a refused request would be read as the next one.
    http.set_keep_alive_max_count(1);
    http.set_read_timeout(kReadSeconds);
    http.set_write_timeout(kWriteSeconds);
    http.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                              {"Referrer-Policy", "no-referrer"},
                              {"Cross-Origin-Resource-Policy", "same-origin"},
                              {"Cache-Control", "no-store"}});
    http.set_pre_routing_handler([this](const Request& request, Response& response) {
      return Admits(request, response) ? httplib::Server::HandlerResponse::Unhandled
                                       : httplib::Server::HandlerResponse::Handled;
    });
    http.set_exception_handler([](const Request&, Response& response, std::exception_ptr thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const Error& e) {
        Refuse(response, 400, e.what());
      } catch (const std::exception& e) {
        Refuse(response, 500, fmt::format("unexpected: {}", e.what()));
      }
    });
    http.set_error_handler([](const Request& request, Response& response) {
      if (!response.body.empty()) return;
      const int status = response.status;
      Refuse(response, status,
             status == 413   ? "the request is too long"
             : status == 404 ? fmt::format("there is no {}", request.path)
                             : fmt::format("the request cannot be read (status {})", status));
    });
    AddFiles();
    AddApi();
  }

  // Whether the request may be answered. Otherwise it is refused here, before its body is read.
  bool Admits(const Request& request, Response& response) const {
    if (request.has_header("Transfer-Encoding")) {  // its length would have no limit
      Refuse(response, 411, "the request needs a Content-Length");
      return false;
    }
    if (const auto why = RefusedOrigin(options.access, {request.get_header_value("Host"),
                                                        request.get_header_value("Origin")})) {
      Refuse(response, 403, *why);
      return false;
    }
    const bool is_data = request.path.starts_with("/api/") || request.path == "/report";
    const std::string token = request.has_header("X-Mambascope-Token")
                                  ? request.get_header_value("X-Mambascope-Token")
                                  : request.get_param_value("token");
    if (!is_data || options.access.token.empty() || IsToken(options.access, token)) return true;
    Refuse(response, 403,
           "the access token is missing or wrong: open the address that the server printed");
    return false;
  }

  void AddFile(const char* path, const char* type, std::string_view (*text)()) {
    http.Get(path, [type, text](const Request&, Response& response) {
      response.set_header("Content-Security-Policy", kPolicy);
      response.set_content(text().data(), text().size(), type);
    });
  }

  void AddFiles() {
    AddFile("/", "text/html; charset=utf-8", web::ServeHtml);
    AddFile("/base.css", "text/css; charset=utf-8", web::BaseCss);
    AddFile("/app.css", "text/css; charset=utf-8", web::ServeCss);
    AddFile("/app.js", "text/javascript; charset=utf-8", web::ServeJs);
    AddFile("/vega.js", "text/javascript; charset=utf-8", web::Vega);
    AddFile("/vega-lite.js", "text/javascript; charset=utf-8", web::VegaLite);
    AddFile("/vega-embed.js", "text/javascript; charset=utf-8", web::VegaEmbed);
    http.Get("/report", [this](const Request&, Response& response) {
      const std::lock_guard lock(report);  // it takes memory, and one at a time is enough
      if (const std::optional<std::string> page = service.ReportPage())
        response.set_content(*page, "text/html; charset=utf-8");
      else
        Refuse(response, 404,
               "there is no report, because the server was started without --results");
    });
  }

  void AddApi() {
    http.Get("/api/session", [this](const Request&, Response& response) {
      Reply(response, 200, service.Session());
    });
    http.Post("/api/run", [this](const Request& request, Response& response) {
      CommandRequest command = ReadCommand(request.body);
      Work work = service.Prepare(command.words);
      try {
        Stream(queue.Add(command.client, std::move(work)), response);
      } catch (const Error& e) {
        Refuse(response, 503, e.what());
      }
    });
    http.Get(R"(/api/edits/(\w+)/edit.safetensors)", [this](const Request& r, Response& response) {
      response.set_header("Content-Disposition", "attachment; filename=\"edit.safetensors\"");
      response.set_content(service.EditFile(r.matches[1]), "application/octet-stream");
    });
    http.Post(R"(/api/edits/(\w+)/save)", [this](const Request& request, Response& response) {
      Reply(response, 200, service.SaveEdit(request.matches[1]));
    });
    http.Delete(R"(/api/edits/(\w+))", [this](const Request& request, Response& response) {
      service.DiscardEdit(request.matches[1]);
      Reply(response, 200, Json::object());
    });
  }

  // Writes the events as they come, and cancels the work when the client is gone.
  static void Stream(const std::shared_ptr<EventStream>& events, Response& response) {
    response.set_chunked_content_provider(
        "text/event-stream",
        [events](size_t, httplib::DataSink& sink) {
          if (!sink.is_writable()) return false;
          if (const std::optional<Event> event = events->Next(kPoll)) {
            const std::string text = EventText(*event);
            return sink.write(text.data(), text.size());
          }
          if (events->IsOver()) sink.done();
          return true;
        },
        [events](bool) { events->Cancel(); });
  }

  const ServerOptions options;
  Service& service;
  WorkQueue queue;
  std::mutex report;
  httplib::Server http;
  socket_t socket = INVALID_SOCKET;  // that listens
  int port = 0;
};

Server::Server(ServerOptions options, Service& service)
    : impl_(std::make_unique<Impl>(std::move(options), service)) {
  const auto& [host, port, access] = impl_->options;
  const bool is_bound = port == 0 ? (impl_->port = impl_->http.bind_to_any_port(host)) > 0
                                  : impl_->http.bind_to_port(host, impl_->port = port);
  if (!is_bound)
    throw Error(
        fmt::format("the server cannot listen at {} port {}", host, port),
        "another program may have the port, or the address may be another machine's: choose "
        "a port with --port, or a free one with --port 0");
  // httplib lets 5 connections wait. More are dropped when many clients come at once.
  ::listen(impl_->socket, SOMAXCONN);
}

Server::~Server() = default;

int Server::port() const { return impl_->port; }

void Server::Listen() {
  if (!impl_->http.listen_after_bind()) throw Error("the server cannot listen any more");
}

void Server::Stop() {
  while (!impl_->http.is_running()) std::this_thread::sleep_for(kPoll);  // stop() is lost before
  impl_->http.stop();
}

}  // namespace mambascope
