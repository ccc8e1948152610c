#include "config/model_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "config/document_rows.h"
#include "wire/nqn.h"

namespace weft::config {

namespace {

std::unexpected<Error> none(std::string_view path) {
  return fail(ENOENT, fmt::format("{}: there is no such file or directory", path));
}

// A change counts when it will be there after a restart.
Answer durable(Store& store, Answer answer) {
  return [&store, answer = std::move(answer)](Result<> result) mutable {
    if (!result) return answer(std::move(result));
    store.when_durable(std::move(answer));
  };
}

// Notes why it was refused where people look for it.
Answer noting(std::shared_ptr<LastError> last_error, std::string path, Answer answer) {
  return [last_error = std::move(last_error), path = std::move(path),
          answer = std::move(answer)](Result<> result) mutable {
    if (!result) {
      result.error().message = fmt::format("{}: {}", path, result.error().message);
      last_error->set(result.error().message);
    }
    answer(std::move(result));
  };
}

// Names and values are kept as JSON.
Result<> check_text(std::string_view text) {
  if (wire::is_valid_utf8(text)) return {};
  return fail(EILSEQ, "it must be UTF-8 text, which is what the configuration is kept as");
}

std::string_view without_newline(std::string_view value) {
  if (value.ends_with('\n')) value.remove_suffix(1);
  return value;
}

}  // namespace

ModelTree::ModelTree(Model& model) : model_(model) {}

std::unique_ptr<Node> ModelTree::root() const {
  class Root final : public Directory {
   public:
    Root(Model& model, std::shared_ptr<LastError> last_error)
        : model_(model), last_error_(std::move(last_error)) {}
    std::shared_ptr<LastError> last_error() const override { return last_error_; }

   protected:
    std::vector<Attribute> attributes() const override {
      return {last_error_attribute(last_error_), reactors_attribute(model_.parts().target.loops())};
    }
    std::vector<Child> children() const override {
      return {{"kernel",
               [&model = model_, shared = last_error_] {
                 return std::make_unique<FixedDirectory>(std::vector<Child>{
                     {"nvmet", [&model, shared] { return kernel_directory(model, shared); }}});
               }},
              {"nvmet", [&model = model_] { return nvmet(model); }},
              {"target", [&model = model_] {
                 return std::make_unique<FixedDirectory>(
                     std::vector<Child>{{"core", [&model] { return core_directory(model); }}});
               }}};
    }

   private:
    // No part of the configuration: it is said of this process, as --reactors is.
    static Attribute reactors_attribute(Loops& loops) {
      return {"reactors", [&loops] { return fmt::to_string(loops.in_use()); },
              store_now([&loops](std::string_view value) -> Result<> {
                const std::size_t most = loops.all().size();
                const auto count = parse_number(value, 1, most);
                if (!count)
                  return fail(EINVAL,
                              fmt::format("\"{}\" must be 1 to {}, the threads that there are; more are "
                                          "made at the start: --most-reactors",
                                          value, most));
                loops.use(static_cast<unsigned>(*count));
                return {};
              })};
    }
    static std::unique_ptr<Node> nvmet(Model& model) {
      return std::make_unique<FixedDirectory>(
          std::vector<Child>{{"discovery", [&model] { return discovery_directory(model); }},
                             {"subsystems", [&model] { return subsystems_directory(model); }}},
          std::vector<Attribute>{discovery_nqn_attribute(model)});
    }
    Model& model_;
    const std::shared_ptr<LastError> last_error_;
  };
  return std::make_unique<Root>(model_, last_error_);
}

Result<ModelTree::Place> ModelTree::walk(std::string_view path) const {
  std::unique_ptr<Node> node = root();
  std::shared_ptr<LastError> last_error = last_error_;
  std::string row;
  bool is_kept = false;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    auto next = node->find(name);
    if (next == nullptr && node->info().kind != NodeKind::directory)
      return fail(ENOTDIR, fmt::format("{}: a part of it is not a directory", path));
    if (next == nullptr) return none(path);
    if (slash == std::string_view::npos) is_kept = node->keeps(name);
    node = std::move(next);
    if (auto its = node->last_error()) last_error = std::move(its);
    std::string own = node->row();
    row = own.empty() ? row + (row.empty() ? "" : "/") + row_path({name}) : std::move(own);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return Place{std::move(node), std::move(last_error), std::move(row), is_kept};
}

Result<ModelTree::Name> ModelTree::walk_to_parent(std::string_view path) const {
  const std::size_t slash = path.rfind('/');
  auto parent = walk(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
  if (!parent) return std::unexpected(std::move(parent.error()));
  if (parent->node->info().kind != NodeKind::directory)
    return fail(ENOTDIR, fmt::format("{}: a part of it is not a directory", path));
  return Name{std::move(*parent),
              std::string(slash == std::string_view::npos ? path : path.substr(slash + 1))};
}

Result<NodeInfo> ModelTree::info(std::string_view path) const {
  const auto place = walk(path);
  if (!place) return std::unexpected(place.error());
  NodeInfo info = place->node->info();
  info.fixed = info.fixed || place->is_kept;
  const ChangeTimes& times = model_.parts().store.times();
  info.changed = std::max(info.changed, info.kind == NodeKind::attribute ? times.changed(place->row)
                                                                         : times.names_changed(place->row));
  return info;
}

Result<std::vector<NodeEntry>> ModelTree::list(std::string_view path) const {
  const auto place = walk(path);
  if (!place) return std::unexpected(place.error());
  if (place->node->info().kind != NodeKind::directory)
    return fail(ENOTDIR, fmt::format("{}: it is not a directory", path));
  return place->node->list();
}

Result<std::string> ModelTree::read(std::string_view path) const {
  const auto place = walk(path);
  if (!place) return std::unexpected(place.error());
  return place->node->read();
}

Result<std::string> ModelTree::read_link(std::string_view path) const {
  const auto place = walk(path);
  if (!place) return std::unexpected(place.error());
  return place->node->read_link();
}

// Calls change(parent, name, what has the name or null, the answer that is noted).
template <class Change>
void ModelTree::change_name(std::string_view path, Answer answer, Change change) {
  const auto place = walk_to_parent(path);
  if (!place) return answer(std::unexpected(place.error()));
  Node& parent = *place->parent.node;
  const auto present = parent.find(place->name);
  change(
      parent, place->name, present.get(),
      durable(model_.parts().store, noting(place->parent.last_error, std::string(path), std::move(answer))));
}

void ModelTree::make_directory(std::string_view path, Answer answer) {
  change_name(path, std::move(answer),
              [](Node& parent, const std::string& name, const Node* present, Answer noted) {
                if (present != nullptr) return noted(fail(EEXIST, "there is one already"));
                parent.make_directory(name, std::move(noted));
              });
}

void ModelTree::remove_directory(std::string_view path, Answer answer) {
  change_name(path, std::move(answer),
              [](Node& parent, const std::string& name, const Node* present, Answer noted) {
                if (present == nullptr) return noted(fail(ENOENT, "there is none"));
                if (present->info().kind != NodeKind::directory)
                  return noted(fail(ENOTDIR, "it is not a directory"));
                parent.remove_directory(name, std::move(noted));
              });
}

void ModelTree::make_link(std::string_view path, std::string_view target, Answer answer) {
  change_name(path, std::move(answer),
              [target](Node& parent, const std::string& name, const Node* present, Answer noted) {
                if (present != nullptr) return noted(fail(EEXIST, "there is one already"));
                if (auto text = check_text(target); !text) return noted(std::move(text));
                parent.make_link(name, std::string(target), std::move(noted));
              });
}

void ModelTree::remove_link(std::string_view path, Answer answer) {
  change_name(path, std::move(answer),
              [](Node& parent, const std::string& name, const Node* present, Answer noted) {
                if (present == nullptr) return noted(fail(ENOENT, "there is none"));
                if (present->info().kind == NodeKind::directory)
                  return noted(fail(EISDIR, "it is a directory"));
                if (present->info().kind == NodeKind::attribute)
                  return noted(fail(EPERM, "an attribute goes with its directory alone"));
                parent.remove_link(name, std::move(noted));
              });
}

void ModelTree::write(std::string_view path, std::string_view value, Answer answer) {
  auto place = walk(path);
  if (!place) return answer(std::unexpected(std::move(place.error())));
  Answer noted =
      durable(model_.parts().store, noting(place->last_error, std::string(path), std::move(answer)));
  if (auto text = check_text(value); !text) return noted(std::move(text));
  place->node->write(without_newline(value), std::move(noted));
}

}  // namespace weft::config
