// A face on a tree in memory, and a client of its socket, for tests.
#pragma once

#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "config/test_tree.h"
#include "faces/http/http_face.h"

namespace weft::faces {

class TestFolder {
 public:
  TestFolder() {
    std::string name = std::filesystem::temp_directory_path() / "weft-http-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct TestAnswer {
  int status = 0;  // 0: none
  nlohmann::json body = nullptr;
};

inline TestAnswer ask(const std::string& socket, const std::string& method, const std::string& target,
                      const nlohmann::json& body = nullptr) {
  httplib::ClientImpl client(socket, 80);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(config::kTestPatience);
  httplib::Request request;
  request.method = method;
  request.path = target;
  if (!body.is_null()) {
    request.body = body.dump();
    request.set_header("Content-Type", "application/json");
  }
  const auto answer = client.send(request);
  if (!answer) return {};
  return {answer->status, answer->body.empty() ? nlohmann::json() : nlohmann::json::parse(answer->body)};
}

class HttpTest : public testing::Test {
 protected:
  void SetUp() override {
    tree_.add_directory("nvmet", false);
    tree_.add_directory("nvmet/subsystems", true);
    tree_.add_directory("target", false);
    tree_.add_directory("target/core", true);
    start({});
  }
  void start(Routes more) {
    face_.reset();
    auto face =
        HttpFace::start(tree_, {.socket = {.path = socket_}, .version = "1.2", .more = std::move(more)});
    ASSERT_TRUE(face) << face.error().message;
    face_ = std::move(*face);
  }
  TestAnswer ask(const std::string& method, const std::string& target,
                 const nlohmann::json& body = nullptr) const {
    return faces::ask(socket_, method, target, body);
  }
  // Asks for an operation until it has ended.
  TestAnswer poll(const TestAnswer& accepted) const {
    const auto end = std::chrono::steady_clock::now() + config::kTestPatience;
    while (std::chrono::steady_clock::now() < end) {
      auto answer = ask("GET", accepted.body["href"]);
      if (answer.status != 200 || answer.body["done"]) return answer;
    }
    return {};
  }

  TestFolder folder_;
  const std::string socket_ = folder_ / "run/weftd.sock";
  config::TestTree tree_;
  std::unique_ptr<HttpFace> face_;
};

}  // namespace weft::faces
