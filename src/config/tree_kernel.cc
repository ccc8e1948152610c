// kernel/nvmet: the same objects in the layout of Linux nvmet.  All of its directories are shared by tenants:
// nothing that makes or removes a name in them waits for hosts or backends.
#include <algorithm>
#include <utility>

#include "config/model_tree.h"

namespace weft::config {

namespace {

class HostsDirectory final : public Directory {
 public:
  explicit HostsDirectory(Model& model) : model_(model) {}
  std::string row() const override { return "kernel/nvmet/hosts"; }

  std::unique_ptr<Node> find(std::string_view name) const override {
    return model_.hosts().contains(name) ? host_directory() : nullptr;
  }
  std::vector<NodeEntry> list() const override {
    std::vector<NodeEntry> all;
    for (auto& nqn : model_.hosts().names()) all.push_back({std::move(nqn), NodeKind::directory});
    return all;
  }
  void make_directory(const std::string& name, Answer answer) override { answer(model_.hosts().make(name)); }
  void remove_directory(const std::string& name, Answer answer) override {
    answer(model_.hosts().remove(name));
  }

 protected:
  bool takes_names() const override { return true; }

 private:
  Model& model_;
};

}  // namespace

std::unique_ptr<Node> kernel_hosts_directory(Model& model) {
  return std::make_unique<HostsDirectory>(model);
}

std::unique_ptr<Node> kernel_directory(Model& model, std::shared_ptr<LastError> shared) {
  return std::make_unique<FixedDirectory>(
      std::vector<Directory::Child>{{"hosts", [&model] { return kernel_hosts_directory(model); }},
                                    {"ports", [&model] { return kernel_ports_directory(model); }},
                                    {"subsystems", [&model] { return kernel_subsystems_directory(model); }}},
      std::vector<Attribute>{discovery_nqn_attribute(model), last_error_attribute(std::move(shared))},
      "nvmet");
}

}  // namespace weft::config
