#include "cli/format/table.hpp"

#include <algorithm>

#include "agent-lib/support/printable.hpp"

namespace rdpmend::cli {

namespace {
constexpr std::size_t k_least_last_columns = 32;
}  // namespace

Table::Table(const std::vector<std::string>& headings) {
  for (const auto& heading : headings) {
    right_.push_back(heading.starts_with('>'));
    headings_.emplace_back(heading.substr(right_.back() ? 1 : 0), Style::dim);
  }
}

void Table::add(std::vector<Cell> cells) {
  for (auto& cell : cells) cell.text = printable(cell.text);
  cells.resize(headings_.size(), Cell{""});
  rows_.push_back(std::move(cells));
}

// All but the last cell, padded.
std::vector<Span> Table::prefix_of(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths) const {
  std::vector<Span> prefix;
  for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
    std::string padding(widths[i] - display_width(cells[i].text), ' ');
    if (right_[i]) prefix.push_back({padding});
    prefix.push_back({cells[i].text, cells[i].style});
    prefix.push_back({right_[i] ? "  " : padding + "  "});
  }
  return prefix;
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    auto width = display_width(headings_[i].text);
    for (const auto& row : rows_) width = std::max(width, display_width(row[i].text));
    widths.push_back(width);
  }
  return widths;
}

bool Table::has_room_for_last(const Page& page, const std::vector<std::size_t>& widths) const {
  if (page.terminal().width == 0) return true;
  std::size_t taken = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) taken += widths[i] + 2;
  return taken + std::min(widths.back(), k_least_last_columns) <= page.terminal().width;
}

void Table::print(Page& page) const {
  const auto columns = widths();
  if (has_room_for_last(page, columns)) {
    page.hang(prefix_of(headings_, columns), headings_.back().text, headings_.back().style);
    for (const auto& row : rows_) page.hang(prefix_of(row, columns), row.back().text, row.back().style);
    return;
  }
  page.hang(prefix_of(headings_, columns), "");
  for (const auto& row : rows_) {
    page.hang(prefix_of(row, columns), "");
    page.text(row.back().text, 4, row.back().style);
  }
}

}  // namespace rdpmend::cli
