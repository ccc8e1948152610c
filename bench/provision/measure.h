// Times of many, and how they are printed: "name value unit".
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "provision/client.h"

namespace weft::bench {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

struct Times {
  std::vector<double> each_ms;
  double total_s = 0;

  double percentile(double of_hundred) const;
};

double time_ms(const std::function<void()>& work);

using MakeClient = std::function<std::unique_ptr<Client>()>;
using Work = std::function<void(Client&, std::size_t number)>;
// The numbers from `first` on, shared by so many clients at once.
Times run_clients(std::size_t clients, std::size_t first, std::size_t count, const MakeClient& make,
                  const Work& work);

void print(const std::string& name, double value, const std::string& unit);

}  // namespace weft::bench
