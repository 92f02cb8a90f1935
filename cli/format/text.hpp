// Text for terminals: how wide it is, where it may break, and how it is coloured.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend::cli {

enum class Style { plain, bold, dim, good, warn, bad };

// Columns that printable UTF-8 text takes: 2 for East Asian wide characters, 0 for combining ones.
std::size_t display_width(std::string_view text);

// Breaks between words at `width` columns; a word that is longer is cut. Width 0: never. At least one line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

std::string paint(std::string_view text, Style style, bool colour);

}  // namespace rdpmend::cli
