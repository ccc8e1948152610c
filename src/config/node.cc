#include "config/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weft::config {

namespace {

std::unexpected<Error> nothing_here(const std::string& name, std::string_view what) {
  return fail(EPERM, fmt::format("{}: {} can be made or removed here", name, what));
}

}  // namespace

std::unique_ptr<Node> Node::find(std::string_view /*name*/) const {
  return nullptr;
}

std::vector<NodeEntry> Node::list() const {
  return {};
}

bool Node::keeps(std::string_view /*name*/) const {
  return false;
}

void Node::make_directory(const std::string& name, Answer answer) {
  answer(nothing_here(name, "no directory"));
}

void Node::remove_directory(const std::string& name, Answer answer) {
  answer(nothing_here(name, "no directory"));
}

void Node::make_link(const std::string& name, const std::string& /*target*/, Answer answer) {
  answer(nothing_here(name, "no link"));
}

void Node::remove_link(const std::string& name, Answer answer) {
  answer(nothing_here(name, "no link"));
}

Result<std::string> Node::read() const {
  return fail(EISDIR, "it is not an attribute");
}

void Node::write(std::string_view /*value*/, Answer answer) {
  answer(fail(EISDIR, "it is not an attribute"));
}

Result<std::string> Node::read_link() const {
  return fail(EINVAL, "it is not a link");
}

std::function<void(std::string_view, Answer)> store_now(std::function<Result<>(std::string_view)> store) {
  return [store = std::move(store)](std::string_view value, Answer answer) { answer(store(value)); };
}

Attribute not_supported(std::string name, const std::string& off, std::string reason) {
  auto store = [off, reason = std::move(reason)](std::string_view value) -> Result<> {
    if (value == off) return {};
    return fail(EOPNOTSUPP, fmt::format("\"{}\": {}", value, reason));
  };
  return {std::move(name), [off] { return off; }, store_now(std::move(store))};
}

Attribute last_error_attribute(std::shared_ptr<LastError> last_error) {
  return {"last_error", [its = std::move(last_error)] { return its->text(); }, nullptr};
}

std::unique_ptr<Node> Directory::find(std::string_view name) const {
  for (const auto& child : children())  // first: every path goes through directories
    if (child.name == name) return child.make();
  for (auto& attribute : attributes())
    if (attribute.name == name) return std::make_unique<AttributeNode>(std::move(attribute));
  return nullptr;
}

std::vector<NodeEntry> Directory::list() const {
  std::vector<NodeEntry> all;
  for (auto& attribute : attributes()) all.push_back({std::move(attribute.name), NodeKind::attribute});
  for (const auto& child : children()) all.push_back({child.name, NodeKind::directory});
  std::ranges::sort(all, {}, &NodeEntry::name);
  return all;
}

bool Directory::keeps(std::string_view name) const {
  const auto all = children();
  return std::ranges::find(all, name, &Child::name) != all.end();
}

NodeInfo AttributeNode::info() const {
  return {.kind = NodeKind::attribute,
          .readable = attribute_.show != nullptr,
          .writable = attribute_.store != nullptr,
          .fixed = true};
}

Result<std::string> AttributeNode::read() const {
  if (attribute_.show == nullptr) return fail(EACCES, fmt::format("{} can only be written", attribute_.name));
  return attribute_.show();
}

void AttributeNode::write(std::string_view value, Answer answer) {
  if (attribute_.store == nullptr)
    return answer(fail(EACCES, fmt::format("{} can only be read", attribute_.name)));
  attribute_.store(value, std::move(answer));
}

}  // namespace weft::config
