// Lines of text for people, wrapped at the terminal's width. Everything that is written goes through printable().
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/format/terminal.hpp"
#include "cli/format/text.hpp"

namespace rdpmend::cli {

struct Span {
  std::string text;
  Style style = Style::plain;
};

class Page {
 public:
  Page(std::ostream& out, Terminal terminal) : out_(out), terminal_(terminal) {}

  const Terminal& terminal() const { return terminal_; }

  void blank();
  // An empty line, then a heading.
  void heading(std::string_view text);
  // Text that is wrapped below itself, `indent` columns in. Nothing if it is empty.
  void text(std::string_view text, std::size_t indent = 0, Style style = Style::plain);
  // "  name      value", the value wrapped beside itself. Nothing if the value is empty.
  void field(std::string_view name, std::string_view value, Style style = Style::plain, std::size_t indent = 2);
  // A prefix in several styles, then text that is wrapped beside it.
  void hang(const std::vector<Span>& prefix, std::string_view text, Style style = Style::plain);

 private:
  std::ostream& out_;
  Terminal terminal_;
};

}  // namespace rdpmend::cli
