// Aligned columns for people. The last column takes what the terminal has left, and wraps; where that is too little it
// stands below its row.
#pragma once

#include <string>
#include <vector>

#include "cli/format/page.hpp"

namespace rdpmend::cli {

// Made of plain text without a word: rows are lists of them.
struct Cell {
  // NOLINTBEGIN(google-explicit-constructor)
  Cell(std::string cell_text, Style cell_style = Style::plain) : text(std::move(cell_text)), style(cell_style) {}
  Cell(const char* cell_text, Style cell_style = Style::plain) : text(cell_text), style(cell_style) {}
  // NOLINTEND(google-explicit-constructor)
  std::string text;
  Style style;
};

class Table {
 public:
  // Headings; one that begins with '>' is of a column of numbers, aligned to the right.
  explicit Table(const std::vector<std::string>& headings);

  // As many cells as there are headings.
  void add(std::vector<Cell> cells);
  void print(Page& page) const;

 private:
  std::vector<std::size_t> widths() const;
  bool has_room_for_last(const Page& page, const std::vector<std::size_t>& widths) const;
  std::vector<Span> prefix_of(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Cell> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace rdpmend::cli
