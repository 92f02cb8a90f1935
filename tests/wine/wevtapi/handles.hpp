// EVT_HANDLEs: numbers that cannot be mistaken for pointers, and what is behind each.
#pragma once

#include <windows.h>
#include <winevt.h>

#include <map>
#include <memory>
#include <mutex>
#include <variant>

#include "tests/wine/wevtapi/result_sets.hpp"

namespace rdpmend::lab {

struct EventObject {
  std::string channel;
  StoredEvent event;
};
struct LogObject {
  Channel channel;
};
struct ChannelConfigObject {
  Channel channel;
};
struct ChannelEnumObject {
  std::vector<std::string> left;  // In reverse order.
};

using Object = std::variant<EventObject, Bookmark, std::shared_ptr<QueryResult>, std::shared_ptr<Subscription>,
                            LogObject, ChannelConfigObject, ChannelEnumObject>;

class Handles {
 public:
  EVT_HANDLE add(Object object);
  std::shared_ptr<Object> find(EVT_HANDLE handle) const;
  // Null: there is no such handle, or it is of another kind.
  template <class Kind>
  std::shared_ptr<Kind> find_as(EVT_HANDLE handle) const {
    auto object = find(handle);
    auto* kind = object ? std::get_if<Kind>(object.get()) : nullptr;
    return kind ? std::shared_ptr<Kind>(std::move(object), kind) : nullptr;
  }
  std::shared_ptr<ResultSet> find_result_set(EVT_HANDLE handle) const;
  // False: there was none.
  bool remove(EVT_HANDLE handle);
  std::vector<std::shared_ptr<Subscription>> subscriptions() const;

 private:
  mutable std::mutex mutex_;
  std::uintptr_t last_ = 0x1000;
  std::map<std::uintptr_t, std::shared_ptr<Object>> objects_;
};

}  // namespace rdpmend::lab
