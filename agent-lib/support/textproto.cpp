#include "agent-lib/support/textproto.hpp"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <memory>

#include "agent-lib/support/protobuf_compat.hpp"
#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

using google::protobuf::TextFormat;

// A place as a text editor shows it.
TextprotoError at_offset(std::string_view text, std::size_t offset, std::string message) {
  const auto before = text.substr(0, offset);
  const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0.
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_begin) + 1, std::move(message)};
}

// The parser counts from 0, says -1 where it does not know, and takes a tab for as many columns as are left to a
// multiple of 8.
std::size_t offset_of(std::string_view text, int line, int column) {
  std::size_t at = 0;
  for (int i = 0; i < line; ++i) {
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) return text.size();
    at = end + 1;
  }
  for (int seen = 0; seen < column && at < text.size() && text[at] != '\n'; ++at) {
    seen += text[at] == '\t' ? 8 - seen % 8 : 1;
  }
  return at;
}

// Some errors are noticed one token too late, maybe lines below. They quote the word that they are about: the first or
// the last quoted one.
std::string_view late_word(std::string_view message) {
  const auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  const bool last = has("has no field named") || has("Invalid value for boolean field");
  if (!last && !has("Unknown enumeration value") && !has("specified multiple times")) return {};
  const auto end = last ? message.rfind('"') : message.find('"', message.find('"') + 1);
  if (end == std::string_view::npos || end == 0) return {};
  const auto begin = message.rfind('"', end - 1) + 1;
  return message.substr(begin, end - begin);
}

class Collector final : public compat::ErrorCollector {
 public:
  explicit Collector(std::string_view text) : text_(text) {}

  std::vector<TextprotoError> found;

 private:
  // Of an unknown field the parser only warns and goes on, so that one misspelt name does not hide the next.
  void add(int line, int column, std::string_view message) override {
    auto offset = offset_of(text_, line, column);
    if (const auto word = late_word(message); !word.empty()) {
      offset = std::min(offset, text_.substr(0, offset).rfind(word));
    }
    found.push_back(at_offset(text_, offset, std::string(message)));
  }

  std::string_view text_;
};

struct Attempt {
  bool parsed = false;  // To the end; there may be unknown fields.
  std::vector<TextprotoError> errors;
};

Attempt attempt(std::string_view text, google::protobuf::Message& out, TextFormat::ParseInfoTree* tree) {
  Attempt result;
  Collector collector(text);
  TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  parser.RecordErrorsTo(&collector);
  parser.SetRecursionLimit(32);
  if (tree != nullptr) parser.WriteLocationsTo(tree);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  result.parsed = parser.Parse(&input, &out);
  result.errors = std::move(collector.found);
  return result;
}

// Blanks the 1-based line, so that the parser can look behind its error. Not a line that opens or closes a block:
// without it the rest would mean something else.
bool blank_line(std::string& text, int line) {
  std::size_t begin = 0;
  for (int i = 1; i < line; ++i) {
    begin = text.find('\n', begin);
    if (begin == std::string::npos) return false;
    ++begin;
  }
  const auto end = std::min(text.find('\n', begin), text.size());
  const auto first = text.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto last = text.begin() + static_cast<std::ptrdiff_t>(end);
  if (std::all_of(first, last, [](char c) { return c == ' '; })) return false;
  if (std::count(first, last, '{') != std::count(first, last, '}')) return false;
  std::fill(first, last, ' ');
  return true;
}

bool before(const TextprotoError& a, const TextprotoError& b) {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

// The errors behind the one that stopped the parser.
void look_further(std::string_view text, int stopped_at, const google::protobuf::Message& out,
                  std::vector<TextprotoError>& errors) {
  std::string rest(text);
  while (errors.size() < k_max_textproto_errors && blank_line(rest, stopped_at)) {
    const std::unique_ptr<google::protobuf::Message> scratch(out.New());
    const auto next = attempt(rest, *scratch, nullptr);
    for (const auto& error : next.errors) {
      if (error.line > stopped_at) errors.push_back(error);
    }
    if (next.parsed || next.errors.empty() || next.errors.back().line <= stopped_at) return;
    stopped_at = next.errors.back().line;
  }
}

// "\377" in a string makes bytes that protobuf cannot send.
void check_strings(const google::protobuf::Message& message, const TextFormat::ParseInfoTree* tree,
                   std::vector<TextprotoError>& errors) {
  using google::protobuf::FieldDescriptor;
  std::vector<const FieldDescriptor*> fields;
  const auto& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    const bool many = field->is_repeated();
    for (int i = 0, count = many ? reflection.FieldSize(message, field) : 1; i < count; ++i) {
      const int index = many ? i : -1;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const auto& inner =
            many ? reflection.GetRepeatedMessage(message, field, i) : reflection.GetMessage(message, field);
        check_strings(inner, tree == nullptr ? nullptr : tree->GetTreeForNested(field, index), errors);
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        const auto value =
            many ? reflection.GetRepeatedString(message, field, i) : reflection.GetString(message, field);
        if (find_invalid_utf8(value) == std::string::npos) continue;
        const auto place = tree == nullptr ? TextFormat::ParseLocation{} : tree->GetLocation(field, index);
        errors.push_back({std::max(place.line, 0) + 1, std::max(place.column, 0) + 1,
                          std::string(field->name()) + " is not valid UTF-8"});
      }
    }
  }
}

}  // namespace

bool parse_textproto(std::string_view text, google::protobuf::Message& out, std::vector<TextprotoError>& errors,
                     TextFormat::ParseInfoTree* tree) {
  errors.clear();
  if (text.size() > k_max_textproto_bytes) {
    errors.push_back({1, 1, "the file is larger than 1 MiB; split it or remove what is not needed"});
    return false;
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    errors.push_back({1, 1, "the file begins with a byte order mark; save it as UTF-8 without BOM"});
    return false;
  }
  if (const auto invalid = find_invalid_utf8(text); invalid != std::string_view::npos) {
    errors.push_back(at_offset(text, invalid, "this byte is not valid UTF-8; save the file as UTF-8"));
    return false;
  }
  TextFormat::ParseInfoTree own_tree;
  if (tree == nullptr) tree = &own_tree;
  auto first = attempt(text, out, tree);
  errors = std::move(first.errors);
  if (!first.parsed) {
    if (errors.empty()) errors.push_back({1, 1, "cannot be parsed"});
    look_further(text, errors.back().line, out, errors);
  } else {
    check_strings(out, tree, errors);
  }
  std::stable_sort(errors.begin(), errors.end(), before);
  if (errors.size() > k_max_textproto_errors) errors.resize(k_max_textproto_errors);
  return errors.empty();
}

}  // namespace rdpmend
