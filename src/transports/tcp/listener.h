// A listening TCP address: accepts on one loop and spreads the connections over all.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.h"
#include "net/stream.h"
#include "transports/tcp/home.h"

namespace weft::tcp {

class TcpListener final : public fabric::Listener, private net::AcceptHandler {
 public:
  using Homes = std::vector<std::unique_ptr<Home>>;
  static Result<std::unique_ptr<fabric::Listener>> open(const net::Address& address, const Homes& homes,
                                                        Shared& shared, fabric::Acceptor& acceptor);
  ~TcpListener() override;
  std::string traddr() const override { return address_.host_text(); }
  std::string trsvcid() const override;

 private:
  TcpListener(const Homes& homes, Shared& shared, fabric::Acceptor& acceptor);
  void on_accepted(std::unique_ptr<net::Accepted> accepted) override;

  const Homes& homes_;
  Shared& shared_;
  Loop& accepting_;  // acquired
  const std::shared_ptr<Origin> origin_;
  std::unique_ptr<net::Listener> listener_;
  net::Address address_;
};

}  // namespace weft::tcp
