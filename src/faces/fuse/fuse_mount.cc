#include "faces/fuse/fuse_mount.h"

#include <utility>

#include "faces/fuse/face.h"
#include "fuse/mount.h"

namespace weft::faces {

struct FuseMount::State {
  explicit State(config::Tree& tree) : face(tree) {}
  ~State() { face.requests().close(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Face face;
  std::unique_ptr<fuse::Mount> mount;
};

Result<std::unique_ptr<FuseMount>> FuseMount::mount(config::Tree& tree, const MountOptions& options) {
  auto state = std::make_unique<State>(tree);
  auto mount = fuse::Mount::start({.directory = options.directory}, Face::operations(), &state->face);
  if (!mount) return std::unexpected(mount.error());
  state->mount = std::move(*mount);
  return std::unique_ptr<FuseMount>(new FuseMount(std::move(state)));
}

FuseMount::FuseMount(std::unique_ptr<State> state) : state_(std::move(state)) {}
FuseMount::~FuseMount() = default;

const std::string& FuseMount::directory() const {
  return state_->mount->directory();
}

std::size_t FuseMount::known_objects() const {
  return state_->face.inodes().size();
}

}  // namespace weft::faces
