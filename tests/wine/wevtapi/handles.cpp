#include "tests/wine/wevtapi/handles.hpp"

namespace rdpmend::lab {

EVT_HANDLE Handles::add(Object object) {
  const std::scoped_lock lock(mutex_);
  last_ += 4;
  objects_.emplace(last_, std::make_shared<Object>(std::move(object)));
  return reinterpret_cast<EVT_HANDLE>(last_);
}

std::shared_ptr<Object> Handles::find(EVT_HANDLE handle) const {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(reinterpret_cast<std::uintptr_t>(handle));
  return found == objects_.end() ? nullptr : found->second;
}

std::shared_ptr<ResultSet> Handles::find_result_set(EVT_HANDLE handle) const {
  const auto object = find(handle);
  if (!object) return nullptr;
  if (const auto* query = std::get_if<std::shared_ptr<QueryResult>>(object.get())) return *query;
  if (const auto* subscription = std::get_if<std::shared_ptr<Subscription>>(object.get())) return *subscription;
  return nullptr;
}

bool Handles::remove(EVT_HANDLE handle) {
  const std::scoped_lock lock(mutex_);
  return objects_.erase(reinterpret_cast<std::uintptr_t>(handle)) != 0;
}

std::vector<std::shared_ptr<Subscription>> Handles::subscriptions() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Subscription>> found;
  for (const auto& [handle, object] : objects_) {
    if (const auto* one = std::get_if<std::shared_ptr<Subscription>>(object.get())) found.push_back(*one);
  }
  return found;
}

}  // namespace rdpmend::lab
