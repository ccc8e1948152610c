#include "cli/export_spec.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/text.h"

namespace weft::cli {

namespace {

constexpr ExportOption kRamOptions[] = {{"block_size", "block_size"}, {"overcommit", "overcommit", true}};
constexpr ExportOption kFileOptions[] = {{"size", "fd_dev_size"},
                                         {"block_size", "block_size"},
                                         {"buffered", "fd_buffered_io", true},
                                         {"readonly", "readonly", true}};
constexpr ExportOption kBlockOptions[] = {{"block_size", "block_size"}, {"readonly", "readonly", true}};
constexpr ExportOption kNullOptions[] = {{"block_size", "block_size"}};

constexpr ExportKind kKinds[] = {
    {"ramdisk", "rd_mcp", "size", false, kRamOptions},
    {"file", "fileio", "fd_dev_name", true, kFileOptions},
    {"block", "iblock", "udev_path", true, kBlockOptions},
    {"null", "null", "size", false, kNullOptions},
};
constexpr const ExportKind& kRamdisk = kKinds[0];
constexpr const ExportKind& kFile = kKinds[1];
constexpr const ExportKind& kBlock = kKinds[2];

std::unexpected<Error> refuse_export(std::string_view text, std::string_view rule) {
  return fail(EINVAL, fmt::format("export \"{}\": {}", text, rule));
}

// At single commas; two commas are one of the text.
std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',')
      parts.back() += text[i];
    else if (i + 1 < text.size() && text[i + 1] == ',')
      parts.back() += text[++i];
    else
      parts.emplace_back();
  }
  return parts;
}

struct Meaning {
  const ExportKind* kind;
  std::string value;
};

// A path without a prefix: what it is says how it is exported.
Result<Meaning> meaning_of_path(std::string_view text, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT && path.find('/') == std::string::npos)
      return refuse_export(
          text,
          "no size (like 1G) and no file of this folder; write ramdisk:SIZE, file:PATH, block:PATH "
          "or null:SIZE");
    if (errno == ENOENT)
      return fail(ENOENT, fmt::format("export \"{}\": there is no such file; file:{},size=10G makes one",
                                      text, path));
    return fail_errno(errno, fmt::format("export \"{}\"", text));
  }
  if (S_ISREG(status.st_mode)) return Meaning{&kFile, path};
  if (S_ISBLK(status.st_mode)) return Meaning{&kBlock, path};
  return refuse_export(text, "it must be a regular file or a block device");
}

Result<Meaning> meaning_of(std::string_view text, const std::string& first) {
  if (first.empty())
    return refuse_export(text, "it is empty; name a size (like 1G), a file or a block device");
  const std::size_t colon = first.find(':');
  if (colon == std::string::npos || first.find('/') < colon) {
    if (parse_size(first)) return Meaning{&kRamdisk, first};
    return meaning_of_path(text, first);
  }
  const std::string_view prefix = std::string_view(first).substr(0, colon);
  for (const ExportKind& kind : kKinds)
    if (kind.name == prefix) return Meaning{&kind, first.substr(colon + 1)};
  return refuse_export(
      text, fmt::format("\"{}\" must be ramdisk, file, block or null; a path with a colon in it is "
                        "written ./PATH",
                        prefix));
}

Result<> store_option(Export& made, const ExportKind& kind, const std::string& option) {
  const std::size_t equals = option.find('=');
  const std::string_view name = std::string_view(option).substr(0, equals);
  const auto row = std::ranges::find(kind.options, name, &ExportOption::name);
  if (row == kind.options.end()) {
    std::string known;
    for (const auto& each : kind.options)
      known += fmt::format("{}{}{}", known.empty() ? "" : ", ", each.name, each.is_flag ? "" : "=VALUE");
    return refuse_export(
        made.text, fmt::format("unknown option \"{}\"; {} knows {}; a comma in a path is written twice", name,
                               kind.name, known));
  }
  const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
  if (!row->is_flag && value.empty())
    return refuse_export(made.text, fmt::format("option {} needs a value: {}=VALUE", name, name));
  if (row->is_flag && equals != std::string::npos && !parse_bool(value))
    return refuse_export(made.text, fmt::format("option {}={}: must be 0 or 1", name, value));
  if (!made.entry.control.emplace(row->key, row->is_flag && value.empty() ? "1" : value).second)
    return refuse_export(made.text, fmt::format("option {} is there twice", name));
  return {};
}

// The last part of a path as a part of a name: what a name must not hold becomes '_'.
std::string plain_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (char& c : name)
    if (c <= ' ' || c == 0x7F || c < 0) c = '_';
  return name.substr(0, 64);
}

// A file that is not there is made only when its size is said.
Result<> check_file(Export& made, const std::string& path) {
  if (made.entry.control.contains("fd_dev_size")) {
    made.entry.control["create"] = "1";
    return {};
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 || errno != ENOENT) return {};
  return fail(ENOENT,
              fmt::format("export \"{}\": there is no such file; add ,size=10G to make it", made.text));
}

Result<> name_device(Export& made, const Meaning& meaning, std::size_t place) {
  const ExportKind& kind = *meaning.kind;
  if (!kind.is_path) {
    const auto bytes = parse_size(meaning.value);
    if (!bytes || *bytes == 0)
      return refuse_export(
          made.text,
          fmt::format("\"{}\" must be a size that is not 0, like 512M, 1G or 1.5T", meaning.value));
    made.entry.control.emplace(kind.key, meaning.value);
    made.device = fmt::format("{}_1/disk{}", kind.plugin, place);
    made.what = fmt::format("{}:{}", kind.name, *bytes);
    return {};
  }
  if (meaning.value.empty())
    return refuse_export(made.text, fmt::format("there is no path behind {}:", kind.name));
  std::error_code error;
  const auto path = std::filesystem::absolute(meaning.value, error).lexically_normal();
  if (error) return fail_errno(error.value(), fmt::format("export \"{}\"", made.text));
  made.entry.control.emplace(kind.key, path.string());
  made.device = fmt::format("{}_1/{}-{}", kind.plugin, plain_name(path), name_hash(path.string()));
  made.what = fmt::format("{}:{}", kind.name, path.string());
  return &kind == &kFile ? check_file(made, path.string()) : Result<>();
}

}  // namespace

std::span<const ExportKind> export_kinds() {
  return kKinds;
}

Result<Export> parse_export(std::string_view text, std::size_t place) {
  const auto parts = split_at_commas(text);
  const auto meaning = meaning_of(text, parts.front());
  if (!meaning) return std::unexpected(meaning.error());
  Export made{.text = std::string(text), .device = {}, .what = {}, .entry = {}};
  for (const auto& option : std::span(parts).subspan(1))
    if (auto stored = store_option(made, *meaning->kind, option); !stored)
      return std::unexpected(std::move(stored.error()));
  if (auto named = name_device(made, *meaning, place); !named)
    return std::unexpected(std::move(named.error()));
  return made;
}

}  // namespace weft::cli
