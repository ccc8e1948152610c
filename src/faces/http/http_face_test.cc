#include "faces/http/http_face.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <thread>
#include <vector>

#include "faces/http/test_client.h"

namespace weft::faces {

namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kNqn = "nqn.2026-01.io.example:disks";

std::string subsystem(const std::string& rest = "") {
  return std::string("/v1/tree/nvmet/subsystems/nqn.2026-01.io.example%3Adisks") + rest;
}

// A client that speaks no HTTP.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(const std::string& text) const { (void)::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  std::string receive_all() const {
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }

 private:
  const int fd_;
  bool connected_ = false;
};

TEST_F(HttpTest, TheTreeByPath) {
  EXPECT_EQ(ask("POST", subsystem(), {{"kind", "directory"}}).status, 201);
  const auto shown = ask("GET", subsystem());
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body["path"], std::string("nvmet/subsystems/") + kNqn);
  EXPECT_EQ(shown.body["kind"], "directory");
  ASSERT_EQ(shown.body["entries"].size(), 5u);
  EXPECT_EQ(shown.body["entries"][0], (json{{"name", "attr_serial"}, {"kind", "attribute"}}));
  EXPECT_EQ(ask("PUT", subsystem("/attr_serial"), {{"value", "17"}}).status, 204);
  EXPECT_EQ(ask("GET", subsystem("/attr_serial")).body["value"], "17");
  EXPECT_EQ(ask("POST", subsystem("/hosts/link"), {{"kind", "link"}, {"target", "../x"}}).status, 201);
  EXPECT_EQ(ask("GET", subsystem("/hosts/link")).body["target"], "../x");
  EXPECT_EQ(ask("DELETE", subsystem("/hosts/link")).status, 204);
  EXPECT_EQ(ask("DELETE", subsystem()).status, 204);
  EXPECT_EQ(ask("GET", subsystem()).status, 404);
}

TEST_F(HttpTest, DepthAndValues) {
  ask("POST", subsystem(), {{"kind", "directory"}});
  EXPECT_FALSE(ask("GET", "/v1/tree/nvmet/subsystems").body["entries"][0].contains("entries"));
  const auto deep =
      ask("GET", "/v1/tree?depth=32&attributes=values").body["entries"][0]["entries"][0]["entries"][0];
  EXPECT_EQ(deep["name"], kNqn);
  EXPECT_EQ(deep["entries"][0]["value"], "0123456789");
  EXPECT_FALSE(deep["entries"][4].contains("value")) << "revalidate_size cannot be read";
  EXPECT_EQ(
      ask("GET", "/v1/tree/nvmet/subsystems?depth=2&attributes=none").body["entries"][0]["entries"].size(),
      1u);
}

TEST_F(HttpTest, RefusalsSayWhy) {
  ask("POST", subsystem(), {{"kind", "directory"}});
  struct Row {
    const char* method;
    std::string target;
    json body;
    int status;
    const char* name;
    const char* message;
  };
  const Row rows[] = {
      {"GET", "/v1/tree/none", nullptr, 404, "ENOENT", "not there"},
      {"GET", "/elsewhere", nullptr, 404, "ENOENT", "/v1/openapi.json"},
      {"PUT", "/v1/operations", json::object(), 501, "EOPNOTSUPP", "no such method"},
      {"POST", subsystem(), {{"kind", "directory"}}, 409, "EEXIST", "it exists"},
      {"POST",
       subsystem("x"),
       {{"kind", "folder"}},
       400,
       "EINVAL",
       "kind: \"folder\" must be directory, link"},
      {"POST", subsystem("x"), {{"kind", "link"}}, 400, "EINVAL", "a link has a target"},
      {"POST",
       subsystem("x"),
       {{"kind", "directory"}, {"target", "x"}},
       400,
       "EINVAL",
       "a link has a target"},
      {"POST", subsystem("x"), nullptr, 400, "EINVAL", "kind is missing"},
      {"PUT", subsystem("/enable"), {{"value", "refused"}}, 409, "EBUSY", "in use"},
      {"PUT", subsystem("/enable"), {{"value", 1}}, 400, "EINVAL", "value: 1 must be a string"},
      {"PUT", subsystem("/enable"), {{"values", "1"}}, 400, "EINVAL", "values: it is not known here"},
      {"PUT", subsystem("/enable"), json::array(), 400, "EINVAL", "must be a JSON object"},
      {"GET", "/v1/tree?depth=0x", nullptr, 400, "EINVAL", "depth: \"0x\" must be an integer"},
      {"GET", "/v1/tree?deep=1", nullptr, 400, "EINVAL", "deep: it is not known here"},
      {"GET", "/v1/operations/7", nullptr, 404, "ENOENT", "operation 7: there is none"},
  };
  for (const Row& row : rows) {
    const auto answer = ask(row.method, row.target, row.body);
    EXPECT_EQ(answer.status, row.status) << row.method << " " << row.target << " " << answer.body;
    EXPECT_EQ(answer.body["error"]["errno"], row.name) << row.target;
    EXPECT_THAT(answer.body["error"]["message"].get<std::string>(), HasSubstr(row.message));
  }
}

TEST_F(HttpTest, WhatTakesItsTimeIsAskedForLater) {
  const auto accepted = ask("POST", "/v1/tree/nvmet/subsystems/slow", {{"kind", "directory"}});
  ASSERT_EQ(accepted.status, 202);
  EXPECT_EQ(accepted.body["request"], "POST /v1/tree/nvmet/subsystems/slow");
  const auto list = ask("GET", "/v1/operations").body["operations"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["id"], accepted.body["id"]);
  EXPECT_EQ(list[0]["done"], false);
  tree_.release();
  const auto done = poll(accepted);
  EXPECT_EQ(done.body["done"], true);
  EXPECT_EQ(done.body["status"], 201);
  EXPECT_TRUE(done.body["result"].is_null());

  const auto refused = ask("DELETE", "/v1/tree/nvmet/subsystems/slow");
  ASSERT_EQ(refused.status, 202);
  tree_.release(fail(EBUSY, "it is in use"));
  const auto why = poll(refused);
  EXPECT_EQ(why.body["status"], 409);
  EXPECT_EQ(why.body["result"]["error"]["errno"], "EBUSY");
}

TEST_F(HttpTest, ManyThatHangHoldUpNobody) {
  constexpr std::size_t kHanging = 200;
  std::vector<std::future<TestAnswer>> hanging;
  for (std::size_t i = 0; i < kHanging; ++i)
    hanging.push_back(std::async(std::launch::async, [this, i] {
      return ask("POST", "/v1/tree/nvmet/subsystems/slow" + std::to_string(i), {{"kind", "directory"}});
    }));
  ASSERT_TRUE(tree_.wait_for_held(kHanging));
  EXPECT_EQ(ask("POST", subsystem(), {{"kind", "directory"}}).status, 201);
  for (auto& each : hanging) EXPECT_EQ(each.get().status, 202);
  EXPECT_EQ(ask("GET", "/v1/operations").body["operations"].size(), kHanging);
  tree_.release();
}

TEST_F(HttpTest, ClientsThatSayNothingHoldUpNobody) {
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<RawClient>(socket_));
    ASSERT_TRUE(silent.back()->connected());
    if (i % 2 == 0) silent.back()->send("GET /v1/tree HTT");
  }
  EXPECT_EQ(ask("GET", "/v1/tree").status, 200);
  face_.reset();  // and the end does not wait for them
  for (const auto& each : silent) EXPECT_EQ(each->receive_all(), "");
}

TEST_F(HttpTest, RequestsAreBounded) {
  const auto answer_to = [this](const std::string& text) {
    const RawClient client(socket_);
    client.send(text);
    return client.receive_all();
  };
  const std::string put = "PUT /v1/tree/x HTTP/1.1\r\nHost: x\r\n";
  EXPECT_THAT(answer_to(put + "Content-Length: 99999999\r\n\r\n"), HasSubstr("HTTP/1.1 413"));
  EXPECT_THAT(answer_to(put + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), HasSubstr("HTTP/1.1 415"));
  EXPECT_THAT(answer_to(put + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"),
              HasSubstr("HTTP/1.1 415"));
  EXPECT_THAT(answer_to("nonsense\r\n\r\n"), HasSubstr("HTTP/1.1 400"));
  std::string endless = put;
  while (endless.size() < (6u << 20)) endless += "Name: " + std::string(1000, 'x') + "\r\n";
  EXPECT_THAT(answer_to(endless), testing::Not(HasSubstr("HTTP/1.1 20")));
  // One path of the longest kind: nothing recurses on it.
  EXPECT_THAT(answer_to("GET /v1/tree/" + std::string(8000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
              HasSubstr("HTTP/1.1 404"));
  EXPECT_EQ(ask("GET", "/v1/tree").status, 200);
}

TEST_F(HttpTest, ABodyIsJsonWhateverItIsCalled) {
  const RawClient client(socket_);
  client.send(
      "POST /v1/tree/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 20\r\n\r\n{\"kind\":\"directory\"}");
  EXPECT_THAT(client.receive_all(), HasSubstr("HTTP/1.1 201"));
}

TEST_F(HttpTest, EachConnectionServesOneRequest) {
  const RawClient client(socket_);
  client.send("GET /v1/tree HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(client.receive_all(), HasSubstr("HTTP/1.1 200"));  // to its end
}

TEST_F(HttpTest, EndsWhileChangesAreUnderWay) {
  ASSERT_EQ(ask("POST", "/v1/tree/nvmet/subsystems/slow", {{"kind", "directory"}}).status, 202);
  auto waiting =
      std::async(std::launch::async, [this] { return ask("DELETE", "/v1/tree/nvmet/subsystems/slow"); });
  face_.reset();
  waiting.get();
  tree_.release();  // the answer finds nobody, and nothing that is gone
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(HttpTest, RowsOfOthers) {
  start({{.method = "POST",
          .pattern = "/v1/echo",
          .summary = "Echo",
          .parameters = {{.name = "text", .in = In::body, .help = "what", .required = true}},
          .handle = [](const Call& call, Respond respond) {
            respond({.body = {{"echo", call.body["text"]}}});
          }}});
  EXPECT_EQ(ask("POST", "/v1/echo", {{"text", "hello"}}).body["echo"], "hello");
  EXPECT_EQ(ask("POST", "/v1/echo", json::object()).status, 400);
  EXPECT_TRUE(ask("GET", "/v1/openapi.json").body["paths"].contains("/v1/echo"));
}

// The page and what is served are the same rows: whatever the page names is there, and refuses what it does
// not name.
TEST_F(HttpTest, ThePageIsTrue) {
  const auto page = ask("GET", "/v1/openapi.json").body;
  EXPECT_EQ(page["openapi"], "3.0.3");
  EXPECT_EQ(page["info"]["version"], "1.2");
  std::size_t count = 0;
  for (const auto& [pattern, methods] : page["paths"].items()) {
    for (const auto& [name, described] : methods.items()) {
      std::string method = name;
      for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
      std::string target = pattern.substr(0, pattern.find('{'));
      const auto refused = ask(method, target + "?no_such_parameter=1");
      EXPECT_EQ(refused.status, 400) << method << " " << pattern;
      EXPECT_THAT(refused.body["error"]["message"].get<std::string>(), HasSubstr("no_such_parameter"));
      if (described.contains("requestBody")) {
        const auto& schema = described["requestBody"]["content"]["application/json"]["schema"];
        for (const auto& each : schema["required"])
          EXPECT_THAT(ask(method, target, json::object()).body["error"]["message"].get<std::string>(),
                      HasSubstr("missing"))
              << each;
      }
      EXPECT_TRUE(described.contains("summary"));
      ++count;
    }
  }
  EXPECT_EQ(count, 8u);
  EXPECT_EQ(page["paths"]["/v1/tree/{path}"]["get"]["parameters"][1]["schema"]["enum"],
            (json{"none", "names", "values"}));
  EXPECT_EQ(page["paths"]["/v1/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]
                ["properties"]["operations"]["items"]["required"],
            (json{"op", "path"}));
}

}  // namespace

}  // namespace weft::faces
