#include "tests/wine/wevtapi/event_query.hpp"

#include <algorithm>
#include <charconv>

#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

// "If your XPath contains more than 20 expressions, use a structured XML query":
// https://learn.microsoft.com/windows/win32/api/winevt/nf-winevt-evtsubscribe
// and "Each XPath that you specify is limited to 32 expressions" in the query schema's page: the stricter one.
constexpr std::size_t k_max_expressions = 20;

enum class Field { provider, event_id, level, record_id, time, age_ms };
enum class Operator { equal, not_equal, less, less_or_equal, greater, greater_or_equal };

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool holds(Operator op, std::uint64_t left, std::uint64_t right) {
  switch (op) {
    case Operator::equal: return left == right;
    case Operator::not_equal: return left != right;
    case Operator::less: return left < right;
    case Operator::less_or_equal: return left <= right;
    case Operator::greater: return left > right;
    case Operator::greater_or_equal: return left >= right;
  }
  return false;
}

}  // namespace

struct XPath::Node {
  enum class Kind { all_of, any_of, test } kind = Kind::test;
  std::vector<std::shared_ptr<const Node>> children = {};
  Field field = Field::event_id;
  Operator op = Operator::equal;
  std::uint64_t number = 0;
  std::string text = {};

  bool matches(const EventFields& event) const {
    const auto child_matches = [&](const auto& child) { return child->matches(event); };
    if (kind == Kind::all_of) return std::all_of(children.begin(), children.end(), child_matches);
    if (kind == Kind::any_of) return std::any_of(children.begin(), children.end(), child_matches);
    switch (field) {
      case Field::provider: return (event.provider == text) == (op == Operator::equal);
      case Field::event_id: return holds(op, event.event_id, number);
      case Field::level: return holds(op, event.level, number);
      case Field::record_id: return holds(op, event.record_id, number);
      case Field::time: return holds(op, event.time, number);
      case Field::age_ms: {
        const auto now = file_time_now();
        return holds(op, now > event.time ? (now - event.time) / 10'000 : 0, number);
      }
    }
    return false;
  }
};

class XPathParser {
 public:
  using Node = XPath::Node;
  using NodePtr = std::shared_ptr<const Node>;

  explicit XPathParser(std::string_view text) : all_(text), rest_(text) {}

  NodePtr parse() {
    NodePtr predicate;
    if (!take("*")) expect_name("Event");
    if (take("[")) {
      expect_name("System");
      if (take("[")) {
        predicate = any_of();
        expect("]");
      }
      expect("]");
    }
    skip_space();
    if (!rest_.empty()) fail("unexpected text");
    if (expressions_ > k_max_expressions) fail("more than 20 expressions: use several selects");
    return predicate;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InvalidQuery(what + " at position " + std::to_string(all_.size() - rest_.size()) + " of " +
                       std::string(all_));
  }
  void skip_space() {
    while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool take_name(std::string_view name) {
    skip_space();
    if (!rest_.starts_with(name)) return false;
    if (rest_.size() > name.size() && is_name_char(rest_[name.size()])) return false;
    rest_.remove_prefix(name.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail("expected " + std::string(token));
  }
  void expect_name(std::string_view name) {
    if (!take_name(name)) fail("expected " + std::string(name));
  }

  NodePtr group(Node::Kind kind, std::vector<NodePtr> children) {
    if (children.size() == 1) return children.front();
    return std::make_shared<Node>(Node{.kind = kind, .children = std::move(children)});
  }
  NodePtr any_of() {
    std::vector<NodePtr> children{all_of()};
    while (take_name("or")) children.push_back(all_of());
    return group(Node::Kind::any_of, std::move(children));
  }
  NodePtr all_of() {
    std::vector<NodePtr> children{test()};
    while (take_name("and")) children.push_back(test());
    return group(Node::Kind::all_of, std::move(children));
  }

  NodePtr test() {
    if (take("(")) {
      if (++depth_ > 16) fail("nested too deeply");
      auto inner = any_of();
      expect(")");
      --depth_;
      return inner;
    }
    ++expressions_;
    if (take_name("Provider")) return provider_test();
    if (take_name("TimeCreated")) return time_tests();
    if (take_name("EventID")) return number_test(Field::event_id);
    if (take_name("Level")) return number_test(Field::level);
    if (take_name("EventRecordID")) return number_test(Field::record_id);
    fail("expected Provider, EventID, Level, EventRecordID or TimeCreated");
  }
  NodePtr provider_test() {
    expect("[");
    expect_name("@Name");
    const auto op = comparison();
    if (op != Operator::equal && op != Operator::not_equal) fail("a name can only be equal or not");
    Node node{.field = Field::provider, .op = op};
    node.text = literal();
    expect("]");
    return std::make_shared<Node>(std::move(node));
  }
  NodePtr time_tests() {
    expect("[");
    std::vector<NodePtr> children{time_test()};
    while (take_name("and")) {
      ++expressions_;
      children.push_back(time_test());
    }
    expect("]");
    return group(Node::Kind::all_of, std::move(children));
  }
  NodePtr time_test() {
    if (take_name("timediff")) {
      expect("(");
      expect_name("@SystemTime");
      expect(")");
      return number_test(Field::age_ms);
    }
    expect_name("@SystemTime");
    Node node{.field = Field::time, .op = comparison()};
    const auto time = parse_system_time(literal());
    if (!time) fail("not a time");
    node.number = *time;
    return std::make_shared<Node>(std::move(node));
  }
  NodePtr number_test(Field field) {
    Node node{.field = field, .op = comparison()};
    skip_space();
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), node.number);
    if (error != std::errc()) fail("expected a number");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return std::make_shared<Node>(std::move(node));
  }

  Operator comparison() {
    if (take("!=")) return Operator::not_equal;
    if (take("<=")) return Operator::less_or_equal;
    if (take(">=")) return Operator::greater_or_equal;
    if (take("=")) return Operator::equal;
    if (take("<")) return Operator::less;
    if (take(">")) return Operator::greater;
    fail("expected an operator");
  }
  std::string literal() {
    skip_space();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) fail("expected a literal in quotes");
    const auto end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) fail("a literal without its end");
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string_view all_;
  std::string_view rest_;
  std::size_t expressions_ = 0;
  std::size_t depth_ = 0;
};

XPath XPath::parse(std::string_view text) {
  XPath path;
  path.root_ = XPathParser(text).parse();
  return path;
}

bool XPath::matches(const EventFields& event) const {
  return !root_ || root_->matches(event);
}

namespace {

// One element of a structured query.
struct Tag {
  std::string name;  // With a leading '/' for an end tag.
  std::string path;  // Its Path attribute.
  std::string_view text_after;
};

class QueryListReader {
 public:
  explicit QueryListReader(std::string_view text) : rest_(text) {}

  // nullopt: the end.
  std::optional<Tag> next() {
    const auto begin = rest_.find('<');
    if (begin == std::string_view::npos) return std::nullopt;
    const auto end = rest_.find('>', begin);
    if (end == std::string_view::npos) throw InvalidQuery("the query's XML is not well-formed");
    const auto inside = rest_.substr(begin + 1, end - begin - 1);
    const auto name_end = std::min(inside.find_first_of(" \t\r\n"), inside.size());
    Tag tag{std::string(inside.substr(0, name_end)), attribute(inside, "Path"), {}};
    rest_.remove_prefix(end + 1);
    tag.text_after = rest_.substr(0, std::min(rest_.find('<'), rest_.size()));
    return tag;
  }

 private:
  static std::string attribute(std::string_view tag, std::string_view name) {
    const auto at = tag.find(" " + std::string(name) + "=");
    if (at == std::string_view::npos) return {};
    const auto quote = at + name.size() + 2;
    const auto end = quote < tag.size() ? tag.find(tag[quote], quote + 1) : std::string_view::npos;
    if (end == std::string_view::npos) throw InvalidQuery("the query's XML is not well-formed");
    return unescape_xml(tag.substr(quote + 1, end - quote - 1));
  }

  std::string_view rest_;
};

EventQuery parse_structured(std::string_view text) {
  EventQuery query;
  std::vector<std::string> open;
  std::string query_path;
  QueryListReader reader(text);
  while (const auto tag = reader.next()) {
    if (tag->name.starts_with('/')) {
      if (open.empty() || "/" + open.back() != tag->name) throw InvalidQuery("the query's XML is not well-formed");
      open.pop_back();
      continue;
    }
    constexpr std::string_view k_parents[][2] = {
        {"QueryList", ""}, {"Query", "QueryList"}, {"Select", "Query"}, {"Suppress", "Query"}};
    const auto parent = open.empty() ? std::string() : open.back();
    const bool fits = std::any_of(std::begin(k_parents), std::end(k_parents),
                                  [&](const auto& pair) { return pair[0] == tag->name && pair[1] == parent; });
    if (!fits) throw InvalidQuery("element " + tag->name + " is not expected here");
    open.push_back(tag->name);
    if (tag->name == "Query") query_path = tag->path;
    if (tag->name != "Select" && tag->name != "Suppress") continue;
    const auto& path = tag->path.empty() ? query_path : tag->path;
    if (path.empty()) throw InvalidQuery("a select names no channel");
    if (query.channel.empty()) query.channel = path;
    // Windows can read several channels at once; the product does not, so the laboratory cannot.
    if (!equal_ignoring_case(query.channel, path)) throw InvalidQuery("more than one channel");
    auto& list = tag->name == "Select" ? query.selects : query.suppresses;
    list.push_back(XPath::parse(unescape_xml(tag->text_after)));
  }
  if (!open.empty() || query.selects.empty()) throw InvalidQuery("the query selects nothing");
  return query;
}

}  // namespace

EventQuery EventQuery::parse(std::string_view path, std::string_view text) {
  while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
  if (text.starts_with('<')) return parse_structured(text);
  EventQuery query{std::string(path), {}, {}};
  query.selects.push_back(XPath::parse(text.empty() ? "*" : text));
  return query;
}

bool EventQuery::matches(const EventFields& event) const {
  const auto matches = [&](const XPath& path) { return path.matches(event); };
  return std::any_of(selects.begin(), selects.end(), matches) &&
         std::none_of(suppresses.begin(), suppresses.end(), matches);
}

}  // namespace rdpmend::lab
