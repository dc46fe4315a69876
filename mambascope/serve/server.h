// The web server of `mambascope serve`: one page, and the data behind it. Answers to commands are
// streams of server-sent events.
//
//   GET /                    the page
//   GET /NAME                its scripts and its style
//   GET /report              the report of result folders
//   GET /api/session         Service::Session
//   POST /api/run            {client, words}: the events of a command (work_queue.h)
//   GET /api/edits/ID/edit.safetensors
//   POST /api/edits/ID/save
//   DELETE /api/edits/ID
//
// A command is cancelled when its connection closes, or when the same client asks for another one.
// All other answers are JSON. An error has a status of 400 or more, and a {message}.
#pragma once

#include <memory>
#include <string>

#include "mambascope/serve/access.h"
#include "mambascope/serve/service.h"

namespace mambascope {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any free port
  AccessRules access = {};
};

class Server {
 public:
  // Binds the port. Throws Error when it is taken. REQUIRES: `service` outlives the server.
  Server(ServerOptions options, Service& service);
  ~Server();
  int port() const;
  // Answers requests until Stop.
  void Listen();
  // Ends Listen, on another thread. Waits until it has begun.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mambascope
