// The parts of a document as JSON values, for those who keep them one by one.  Pure functions.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/document.h"

namespace weft::config {

// As parse_document, of a text that was parsed.
Result<ParsedDocument> read_document(const nlohmann::json& root);

// Attributes stand there when they differ from their default.
nlohmann::json to_json(const DeviceEntry& entry);
nlohmann::json to_json(const NamespaceEntry& entry);
nlohmann::json to_json(const PortEntry& entry);
nlohmann::json to_json(const ReferralEntry& entry);
nlohmann::json to_json(const std::map<std::string, std::string>& attributes);  // of a subsystem
nlohmann::json to_json(const HostEntry& entry);
nlohmann::json to_json(const KernelPortEntry& entry);
nlohmann::json to_json(const KernelLink& link);

}  // namespace weft::config
