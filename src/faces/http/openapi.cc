// The OpenAPI page, from the rows that dispatch reads.
#include <algorithm>
#include <cctype>

#include "faces/http/route.h"

namespace weft::faces {

namespace {

using nlohmann::ordered_json;

ordered_json schema_of(const Parameter& parameter);

ordered_json object_schema(const std::vector<Parameter>& parameters) {
  ordered_json properties = ordered_json::object();
  ordered_json required = ordered_json::array();
  for (const Parameter& each : parameters) {
    if (each.in != In::body) continue;
    properties[each.name] = schema_of(each);
    if (each.required) required.push_back(each.name);
  }
  ordered_json schema = {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

ordered_json schema_of(const Parameter& parameter) {
  constexpr const char* kTypes[] = {"string", "integer", "boolean", "array"};
  ordered_json schema = {{"type", kTypes[static_cast<std::size_t>(parameter.type)]}};
  if (parameter.in == In::body) schema["description"] = parameter.help;
  if (!parameter.choices.empty()) schema["enum"] = parameter.choices;
  if (parameter.type == Type::list) schema["items"] = object_schema(parameter.fields);
  return schema;
}

// "getTree" of GET /v1/tree/{path}.
std::string operation_id(const Route& route) {
  std::string id = route.method;
  std::ranges::transform(id, id.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  bool starts_word = true;
  for (const char c : route.pattern.substr(route.pattern.find('/', 1))) {
    const bool is_word = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (is_word) id += starts_word ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    starts_word = !is_word;
  }
  return id;
}

ordered_json answer(const char* description, const char* schema) {
  return {{"description", description},
          {"content",
           {{"application/json", {{"schema", {{"$ref", std::string("#/components/schemas/") + schema}}}}}}}};
}

ordered_json describe(const Route& route) {
  ordered_json described = {{"operationId", operation_id(route)}, {"summary", route.summary}};
  ordered_json parameters = ordered_json::array();
  bool has_body = false;
  bool needs_body = false;
  for (const Parameter& each : route.parameters) {
    has_body = has_body || each.in == In::body;
    needs_body = needs_body || (each.in == In::body && each.required);
    if (each.in == In::body) continue;
    parameters.push_back({{"name", each.name},
                          {"in", each.in == In::path ? "path" : "query"},
                          {"required", each.in == In::path || each.required},
                          {"description", each.help},
                          {"schema", schema_of(each)}});
  }
  if (!parameters.empty()) described["parameters"] = std::move(parameters);
  if (has_body)
    described["requestBody"] = {
        {"required", needs_body},
        {"content", {{"application/json", {{"schema", object_schema(route.parameters)}}}}}};
  ordered_json responses;
  responses[std::to_string(route.success)] = {{"description", "done"}};
  if (route.changes()) responses["202"] = answer("it goes on: ask for the operation", "Operation");
  responses["default"] = answer("refused", "Refusal");
  described["responses"] = std::move(responses);
  return described;
}

ordered_json text_property(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

ordered_json schemas() {
  ordered_json refusal = {{"type", "object"},
                          {"properties",
                           {{"error",
                             {{"type", "object"},
                              {"properties",
                               {{"errno", text_property("like EBUSY")},
                                {"message", text_property("one line for people")},
                                {"path", text_property("of the object")}}}}}}}};
  ordered_json operation = {{"type", "object"},
                            {"properties",
                             {{"id", text_property("for /v1/operations/{id}")},
                              {"request", text_property("what was asked")},
                              {"seconds", {{"type", "number"}}},
                              {"done", {{"type", "boolean"}}},
                              {"status", {{"type", "integer"}}},
                              {"result", ordered_json::object()}}}};
  return {{"Refusal", std::move(refusal)}, {"Operation", std::move(operation)}};
}

}  // namespace

ordered_json openapi(const Routes& routes, std::string_view version) {
  ordered_json paths = ordered_json::object();
  for (const Route& route : routes) {
    std::string method = route.method;
    std::ranges::transform(method, method.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    paths[route.pattern][method] = describe(route);
  }
  return {{"openapi", "3.0.3"},
          {"info", {{"title", "Weft"}, {"version", version}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", schemas()}}}};
}

}  // namespace weft::faces
