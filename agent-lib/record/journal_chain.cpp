#include "agent-lib/record/journal_chain.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/evp.h>

#include <array>

namespace rdpmend {

namespace {
// Map fields have no order of their own; the chain needs one.
std::string serialize_deterministically(const v1::JournalEntry& entry) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    entry.SerializeToCodedStream(&coded);
  }
  return bytes;
}
}  // namespace

std::string journal_genesis_hash() {
  return std::string(32, '\0');
}

std::string journal_hash(const std::string& previous, const v1::JournalEntry& entry) {
  v1::JournalEntry content = entry;
  content.clear_seq();
  content.clear_previous_hash();
  content.clear_hash();

  std::string input = previous;
  for (int shift = 56; shift >= 0; shift -= 8) input += static_cast<char>((entry.seq() >> shift) & 0xFFU);
  input += serialize_deterministically(content);

  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void seal_entry(v1::JournalEntry& entry, std::uint64_t seq, const std::string& previous) {
  entry.set_seq(seq);
  entry.set_previous_hash(previous);
  entry.set_hash(journal_hash(previous, entry));
}

}  // namespace rdpmend
