// The part of Windows Event Log's query language that the product uses; anything else is ERROR_EVT_INVALID_QUERY.
// https://learn.microsoft.com/windows/win32/wes/consuming-events#xpath-10-limitations
// https://learn.microsoft.com/windows/win32/wes/queryschema-schema
//
//   query      := xpath | <QueryList><Query [Id] [Path]> (<Select [Path]>xpath</Select> | <Suppress ...>)+
//   </Query></QueryList> xpath      := ("*" | "Event") [ "[" "System" [ "[" or "]" ] "]" ] or         := and ("or"
//   and)* and        := test ("and" test)* test       := "(" or ")" | "Provider" "[" "@Name" "=" literal "]" |
//   number_name operator number
//               | "TimeCreated" "[" time_test ("and" time_test)* "]"
//   time_test  := "@SystemTime" operator literal | "timediff(@SystemTime)" operator number
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/wine/lab/event_fields.hpp"

namespace rdpmend::lab {

struct InvalidQuery : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Predicate over events, as a tree.
class XPath {
 public:
  static XPath parse(std::string_view text);  // Throws InvalidQuery.
  bool matches(const EventFields& event) const;

 private:
  friend class XPathParser;
  struct Node;
  std::shared_ptr<const Node> root_;  // Null: every event.
};

struct EventQuery {
  std::string channel;  // As the query spells it; empty: it names none.
  std::vector<XPath> selects;
  std::vector<XPath> suppresses;

  // Null, "" and "*" are all events. Throws InvalidQuery. A structured query's own path beats `path`.
  static EventQuery parse(std::string_view path, std::string_view text);
  bool matches(const EventFields& event) const;
};

}  // namespace rdpmend::lab
