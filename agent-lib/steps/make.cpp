#include "agent-lib/steps/make.hpp"

#include <string>

namespace rdpmend {

v1::Step grant_key_file_access(std::string_view folder, std::string_view file, const std::vector<v1::Ace>& missing) {
  v1::Step step;
  auto& grant = *step.mutable_grant_key_file_access();
  grant.set_folder(std::string(folder));
  grant.set_file(std::string(file));
  for (const auto& ace : missing) *grant.add_missing() = ace;
  return step;
}

v1::Step keep_key_file(std::string_view folder, std::string_view file, std::string_view store, std::string_view sha1) {
  v1::Step step;
  auto& keep = *step.mutable_keep_key_file();
  keep.set_folder(std::string(folder));
  keep.set_file(std::string(file));
  keep.set_store(std::string(store));
  keep.set_sha1(std::string(sha1));
  return step;
}

v1::Step remove_certificate(std::string_view store, std::string_view sha1) {
  v1::Step step;
  step.mutable_remove_certificate()->set_store(std::string(store));
  step.mutable_remove_certificate()->set_sha1(std::string(sha1));
  return step;
}

v1::Step set_service_start_type(std::string_view service, v1::ServiceStartType type) {
  v1::Step step;
  step.mutable_set_service_start_type()->set_service(std::string(service));
  step.mutable_set_service_start_type()->set_start_type(type);
  return step;
}

v1::Step restart_service(std::string_view service) {
  v1::Step step;
  step.mutable_restart_service()->set_service(std::string(service));
  return step;
}

v1::Step enable_firewall_rule(std::string_view rule_id) {
  v1::Step step;
  step.mutable_enable_firewall_rule()->set_rule_id(std::string(rule_id));
  return step;
}

}  // namespace rdpmend
