// One line on a terminal that tells how far long work is; nothing where stderr is no terminal.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace weft::cli {

class Progress {
 public:
  // `line` gives the text, several times a second, on a thread of its own.
  Progress(bool wanted, std::function<std::string()> line);
  ~Progress();  // takes the line away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void run();

  const std::function<std::string()> line_;
  std::mutex mutex_;
  std::condition_variable ends_;
  bool over_ = false;
  std::thread thread_;
};

// "[=====>    ]  52 %  1.0 GiB of 2.0 GiB  312 MiB/s  0:03 left"; without a bar when nobody knows the whole.
std::string progress_text(std::uint64_t done, std::optional<std::uint64_t> whole,
                          std::chrono::duration<double> took);

}  // namespace weft::cli
