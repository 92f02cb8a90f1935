#include "cli/format/table.hpp"

#include <algorithm>

namespace rdpmend::cli {

Table::Table(std::vector<std::string> headings) {
  for (auto& heading : headings) {
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

void Table::print(Page& page) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    auto width = display_width(headings_[i].text);
    for (const auto& row : rows_) width = std::max(width, display_width(row[i].text));
    widths.push_back(width);
  }
  page.hang(prefix_of(headings_, widths), headings_.back().text, headings_.back().style);
  for (const auto& row : rows_) page.hang(prefix_of(row, widths), row.back().text, row.back().style);
}

}  // namespace rdpmend::cli
