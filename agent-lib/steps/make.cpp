#include "agent-lib/steps/make.hpp"

namespace rdpmend {

v1::Step enable_firewall_rule(std::string_view rule_id) {
  v1::Step step;
  step.mutable_enable_firewall_rule()->set_rule_id(std::string(rule_id));
  return step;
}

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

v1::Step move_key_file_aside(std::string_view folder, std::string_view file) {
  v1::Step step;
  auto& move = *step.mutable_move_key_file_aside();
  move.set_folder(std::string(folder));
  move.set_file(std::string(file));
  return step;
}

v1::Step remove_certificate(std::string_view store, std::string_view sha1) {
  v1::Step step;
  auto& remove = *step.mutable_remove_certificate();
  remove.set_store(std::string(store));
  remove.set_sha1(std::string(sha1));
  return step;
}

v1::Step restart_service(std::string_view service) {
  v1::Step step;
  step.mutable_restart_service()->set_service(std::string(service));
  return step;
}

v1::Step set_start_type(std::string_view service, v1::ServiceStartType type) {
  v1::Step step;
  auto& set = *step.mutable_set_service_start_type();
  set.set_service(std::string(service));
  set.set_start_type(type);
  return step;
}

v1::Step set_setting(v1::Setting setting, std::uint32_t number) {
  v1::Step step;
  step.mutable_set_setting()->set_setting(setting);
  step.mutable_set_setting()->set_number(number);
  return step;
}

v1::Step set_setting(v1::Setting setting, std::string_view text) {
  v1::Step step;
  step.mutable_set_setting()->set_setting(setting);
  step.mutable_set_setting()->set_text(std::string(text));
  return step;
}

v1::Step set_setting(v1::Setting setting, const RegistryBinary& bytes) {
  v1::Step step;
  step.mutable_set_setting()->set_setting(setting);
  step.mutable_set_setting()->set_binary(bytes.data(), bytes.size());
  return step;
}

v1::Step delete_setting(v1::Setting setting) {
  v1::Step step;
  step.mutable_set_setting()->set_setting(setting);
  step.mutable_set_setting()->set_absent(true);
  return step;
}

}  // namespace rdpmend
