// The features of I/O controllers.
#include <algorithm>
#include <cstring>

#include "target/admin/features.h"
#include "target/controller.h"
#include "target/queue.h"

namespace weft::target {

using namespace wire::status;

namespace {

using wire::FeatureId;
using wire::GetFeatures;
using wire::Parsed;
using wire::SetFeatures;

constexpr std::uint64_t kKeepAliveGranularityMs = 1000;  // KAS of Identify Controller
constexpr std::uint32_t kLongestKeepAliveMs = 4'294'967'000;

void refuse_value(Request& request, std::uint16_t location = wire::admin_field::kCdw11) {
  request.complete(wire::refuse(kInvalidField, location).error());
}

// A feature whose value is kept as it came and read by nobody else here.
template <auto kMember>
Parsed<std::uint32_t> kept(Controller& controller, const GetFeatures&, FeatureValue which) {
  const FeatureValues defaults;
  return which == FeatureValue::current ? controller.features().*kMember : defaults.*kMember;
}

void set_arbitration(Request& request, const SetFeatures& command) {
  request.queue.controller().features().arbitration = wire::Arbitration::decode(command.cdw11).encode();
  request.complete();
}

void set_power_management(Request& request, const SetFeatures& command) {
  const auto wanted = wire::PowerManagement::decode(command.cdw11);
  if (wanted.power_state != 0) {  // NPSS
    refuse_value(request);
    return;
  }
  request.queue.controller().features().power_management = wanted.encode();
  request.complete();
}

void raise_temperature_warning(Controller& controller) {
  const wire::AsyncEventConfiguration wanted{controller.features().async_event_configuration};
  if (!wanted.has(wire::smart_warning::kTemperature) || !controller.features().temperature_warning()) return;
  controller.events().raise({wire::EventType::smart, wire::event_info::kTemperature, wire::LogId::smart});
}

// There is the composite temperature alone.
Parsed<std::uint32_t> temperature_threshold(Controller& controller, const GetFeatures& command,
                                            FeatureValue which) {
  const auto asked = wire::TemperatureThreshold::parse(command.cdw11);
  if (!asked) return std::unexpected(asked.error());
  if (asked->sensor != 0) return wire::refuse(kInvalidField, wire::admin_field::kCdw11);
  const FeatureValues values = which == FeatureValue::current ? controller.features() : FeatureValues{};
  return asked->under ? values.under_temperature_kelvin : values.over_temperature_kelvin;
}

void set_temperature_threshold(Request& request, const SetFeatures& command) {
  const auto wanted = wire::TemperatureThreshold::parse(command.cdw11);
  if (!wanted) {
    request.complete(wanted.error());
    return;
  }
  if (wanted->sensor != 0 && wanted->sensor != wire::TemperatureThreshold::kAllSensors) {
    refuse_value(request);
    return;
  }
  Controller& controller = request.queue.controller();
  FeatureValues& values = controller.features();
  (wanted->under ? values.under_temperature_kelvin : values.over_temperature_kelvin) = wanted->kelvin;
  raise_temperature_warning(controller);
  request.complete();
}

void set_error_recovery(Request& request, const SetFeatures& command) {
  const auto wanted = wire::ErrorRecovery::decode(command.cdw11);
  if (wanted.dulbe) {  // NSFEAT.DAE is clear
    refuse_value(request);
    return;
  }
  request.queue.controller().features().error_recovery = wanted.encode();
  request.complete();
}

Parsed<std::uint32_t> write_cache(Controller& controller, const GetFeatures&, FeatureValue which) {
  const bool on = which == FeatureValue::default_value || controller.write_cache();
  return wire::VolatileWriteCache{.enable = on}.encode();
}

void set_write_cache(Request& request, const SetFeatures& command) {
  request.queue.controller().set_write_cache(wire::VolatileWriteCache::decode(command.cdw11).enable);
  request.complete();
}

Parsed<std::uint32_t> number_of_queues(Controller& controller, const GetFeatures&, FeatureValue which) {
  const std::uint16_t granted = which == FeatureValue::current ? controller.features().io_queues : 0;
  const std::uint16_t queues = granted != 0 ? granted : controller.settings().qid_max;
  return wire::NumberOfQueues{.submission = queues, .completion = queues}.encode();
}

bool has_io_queues(Controller& controller) {
  for (std::uint32_t qid = 1; qid <= controller.settings().qid_max; ++qid)
    if (controller.queue(Qid(static_cast<std::uint16_t>(qid))) != nullptr) return true;
  return false;
}

// Over Fabrics a submission queue and its completion queue are one.
void set_number_of_queues(Request& request, const SetFeatures& command) {
  const auto wanted = wire::NumberOfQueues::parse(command.cdw11);
  if (!wanted) {
    request.complete(wanted.error());
    return;
  }
  Controller& controller = request.queue.controller();
  if (has_io_queues(controller)) {
    request.complete(kCommandSequenceError.with_dnr());
    return;
  }
  const std::uint32_t pairs =
      std::min({wanted->submission, wanted->completion, std::uint32_t{controller.settings().qid_max}});
  controller.features().io_queues = static_cast<std::uint16_t>(pairs);
  request.complete_result(wire::NumberOfQueues{.submission = pairs, .completion = pairs}.encode());
}

Parsed<std::uint32_t> write_atomicity(Controller& controller, const GetFeatures&, FeatureValue which) {
  const bool disabled = which == FeatureValue::current && controller.features().disable_normal_atomicity;
  return wire::WriteAtomicity{.disable_normal = disabled}.encode();
}

void set_write_atomicity(Request& request, const SetFeatures& command) {
  request.queue.controller().features().disable_normal_atomicity =
      wire::WriteAtomicity::decode(command.cdw11).disable_normal;
  request.complete();
}

void set_events(Request& request, const SetFeatures& command) {
  using Config = wire::AsyncEventConfiguration;
  set_event_configuration(request, command,
                          Config::kSmartMask | Config::kNamespaceAttribute | Config::kAnaChange);
}

Parsed<std::uint32_t> no_value(Controller&, const GetFeatures&, FeatureValue) {
  return 0;
}

void get_host_behavior(Controller& controller, FeatureValue which, std::span<std::byte> into) {
  const wire::HostBehaviorSupport defaults{};
  const auto& values = which == FeatureValue::current ? controller.features().host_behavior : defaults;
  std::ranges::copy(wire::bytes_of(values), into.begin());
}

void store_host_behavior(Request& request) {
  wire::HostBehaviorSupport wanted{};
  request.read_out(wire::writable_bytes_of(wanted));
  const auto good = wire::check(wanted);
  if (!good) {
    request.complete(good.error());
    return;
  }
  // Advanced command retry needs nothing of the controller; the other switches it does not know.
  if (wanted.etdas != 0 || wanted.lbafee != 0 || wanted.hdisns != 0 || wanted.cdfe != 0) {
    refuse_value(request, wire::CommandError::kNoByte);
    return;
  }
  request.queue.controller().features().host_behavior = {.acre = wanted.acre};
  request.complete();
}

void set_host_behavior(Request& request, const SetFeatures&) {
  request.receive_data(sizeof(wire::HostBehaviorSupport), &store_host_behavior);
}

void set_command_set_profile(Request& request, const SetFeatures& command) {
  const auto wanted = wire::IoCommandSetProfile::decode(command.cdw11);
  if (wanted.index != 0) {  // Identify CNS 1Ch has one combination
    request.complete(wire::refuse(kIoCommandSetCombination, wire::admin_field::kCdw11).error());
    return;
  }
  request.complete_result(wanted.encode());
}

Parsed<std::uint32_t> host_identifier(Controller&, const GetFeatures& command, FeatureValue) {
  const auto format = wire::HostIdentifierFormat::decode(command.cdw11);
  if (!format.extended) return wire::refuse(kInvalidField, wire::admin_field::kCdw11);
  return 0;
}

void get_host_identifier(Controller& controller, FeatureValue, std::span<std::byte> into) {
  std::ranges::copy(std::as_bytes(std::span(controller.host().id)), into.begin());
}

// Connect has set it for ever.
void set_host_identifier(Request& request, const SetFeatures&) {
  request.complete(kCommandSequenceError.with_dnr());
}

constexpr FeatureRow kRows[] = {
    {FeatureId::arbitration, &kept<&FeatureValues::arbitration>, &set_arbitration},
    {FeatureId::power_management, &kept<&FeatureValues::power_management>, &set_power_management},
    {FeatureId::temperature_threshold, &temperature_threshold, &set_temperature_threshold},
    {FeatureId::error_recovery, &kept<&FeatureValues::error_recovery>, &set_error_recovery},
    {FeatureId::volatile_write_cache, &write_cache, &set_write_cache},
    {FeatureId::number_of_queues, &number_of_queues, &set_number_of_queues},
    {FeatureId::write_atomicity, &write_atomicity, &set_write_atomicity},
    {FeatureId::async_event_configuration, &event_configuration, &set_events},
    {FeatureId::keep_alive_timer, &keep_alive_timer, &set_keep_alive_timer},
    {FeatureId::host_behavior_support, &no_value, &set_host_behavior, sizeof(wire::HostBehaviorSupport),
     &get_host_behavior},
    {FeatureId::io_command_set_profile, &no_value, &set_command_set_profile},
    {FeatureId::host_identifier, &host_identifier, &set_host_identifier,
     wire::HostIdentifierFormat{.extended = true}.data_bytes(), &get_host_identifier},
};
static_assert(std::ranges::is_sorted(kRows, {}, &FeatureRow::id));

}  // namespace

std::span<const FeatureRow> io_features() {
  return kRows;
}

Parsed<std::uint32_t> event_configuration(Controller& controller, const GetFeatures& command,
                                          FeatureValue which) {
  return kept<&FeatureValues::async_event_configuration>(controller, command, which);
}

void set_event_configuration(Request& request, const SetFeatures& command, std::uint32_t allowed) {
  if ((command.cdw11 & ~allowed) != 0) {
    refuse_value(request);
    return;
  }
  Controller& controller = request.queue.controller();
  controller.features().async_event_configuration = command.cdw11;
  raise_temperature_warning(controller);
  request.complete();
}

Parsed<std::uint32_t> keep_alive_timer(Controller& controller, const GetFeatures&, FeatureValue which) {
  return which == FeatureValue::current ? controller.keep_alive_ms() : 0;
}

void set_keep_alive_timer(Request& request, const SetFeatures& command) {
  const std::uint64_t wanted = wire::KeepAliveTimer::decode(command.cdw11).kato_ms;
  const std::uint64_t units = (wanted + kKeepAliveGranularityMs - 1) / kKeepAliveGranularityMs;
  const std::uint64_t rounded = std::min<std::uint64_t>(units * kKeepAliveGranularityMs, kLongestKeepAliveMs);
  request.queue.controller().set_keep_alive(static_cast<std::uint32_t>(rounded));
  request.complete();
}

}  // namespace weft::target
