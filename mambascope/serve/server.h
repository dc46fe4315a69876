// The web server of `mambascope serve`: one page, and the data behind it. Answers to commands are
// streams of server-sent events.
//
//   GET    /                    the page; GET /NAME: its scripts and its style
//   GET    /report              the page of result folders
//   GET    /api/session         Service::Session
//   POST   /api/run             {client, words}: the events of a command (work_queue.h). Closing
//   the
//                               connection cancels it, as does a new command of the same client
//   GET    /api/edits/ID/edit.safetensors;  POST /api/edits/ID/save;  DELETE /api/edits/ID
//
// Other answers are JSON; {message} with a status from 400 on.
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
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mambascope
