// The configuration tree over the model: target/core in LIO's layout, nvmet in the multi-tenant one.
#pragma once

#include <chrono>
#include <memory>

#include "config/model.h"
#include "config/node.h"
#include "config/tree.h"

namespace weft::config {

class ModelTree final : public Tree {
 public:
  explicit ModelTree(Model& model);  // which outlives it, and every answer

  Result<NodeInfo> info(std::string_view path) const override;
  Result<std::vector<NodeEntry>> list(std::string_view path) const override;
  Result<std::string> read(std::string_view path) const override;
  Result<std::string> read_link(std::string_view path) const override;
  void make_directory(std::string_view path, Answer answer) override;
  void remove_directory(std::string_view path, Answer answer) override;
  void make_link(std::string_view path, std::string_view target, Answer answer) override;
  void remove_link(std::string_view path, Answer answer) override;
  void write(std::string_view path, std::string_view value, Answer answer) override;

 private:
  struct Place {
    std::unique_ptr<Node> node;
    std::shared_ptr<LastError> last_error;  // the nearest
    std::string row;                        // see Node::row
    bool is_kept = false;                   // see Node::keeps
  };
  Result<Place> walk(std::string_view path) const;
  // The directory that a path stands in, and its last name.
  struct Name {
    Place parent;
    std::string name;
  };
  Result<Name> walk_to_parent(std::string_view path) const;
  std::unique_ptr<Node> root() const;
  template <class Change>
  void change_name(std::string_view path, Answer answer, Change change);

  Model& model_;
  const std::shared_ptr<LastError> last_error_ =
      std::make_shared<LastError>();  // of directories that tenants share
};

// The parts of the tree, each in a file of its own.
std::unique_ptr<Node> core_directory(Model& model);        // target/core
std::unique_ptr<Node> subsystems_directory(Model& model);  // nvmet/subsystems
std::unique_ptr<Node> discovery_directory(Model& model);   // nvmet/discovery
std::unique_ptr<Node> controllers_directory(const StateStore& state,
                                            std::shared_ptr<target::Subsystem> subsystem);
std::unique_ptr<Node> ports_directory(Model& model, PortSet& ports, std::shared_ptr<Tenant> owner);
std::unique_ptr<Node> referrals_directory(Model& model);  // in both layouts
std::unique_ptr<Node> host_directory();                   // likewise, as all below
std::vector<Attribute> subsystem_attribute_nodes(const std::shared_ptr<Tenant>& tenant);  // attr_ and param_
std::vector<Attribute> namespace_attribute_nodes(const std::shared_ptr<Tenant>& tenant, Nsid nsid,
                                                 const NamespaceEntry& entry);
Attribute discovery_nqn_attribute(Model& model);  // likewise

// kernel/nvmet, and its parts.  `shared` is where refusals in directories that tenants share are noted.
std::unique_ptr<Node> kernel_directory(Model& model, std::shared_ptr<LastError> shared);
std::unique_ptr<Node> kernel_hosts_directory(Model& model);
std::unique_ptr<Node> kernel_subsystems_directory(Model& model);
std::unique_ptr<Node> kernel_ports_directory(Model& model);
std::unique_ptr<Node> kernel_namespaces_directory(Model& model, std::shared_ptr<Tenant> tenant);

}  // namespace weft::config
