// A stored entry made from any bytes, hashed as journal.proto says and not by the code under test: what another version
// of the service, with other fields, would have written.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <string>

#include "agent-lib/record/journal_chain.hpp"

namespace rdpmend::test {

inline v1::StoredEntry sealed_by_hand(std::string content, const ChainLink& last) {
  v1::StoredEntry stored;
  stored.set_seq(last.seq + 1);
  stored.set_previous_hash(last.hash);
  stored.set_content(std::move(content));
  std::string input = "rdpmend journal entry 1\n" + last.hash;
  for (int byte = 7; byte >= 0; --byte) input += static_cast<char>((stored.seq() >> (8 * byte)) & 0xFFU);
  input += stored.content();
  std::array<unsigned char, 32> digest{};
  EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  stored.set_hash(std::string(digest.begin(), digest.end()));
  return stored;
}

// An entry whose first field is one that this version does not know. protobuf keeps such fields, and writes them behind
// those that it knows: the bytes change when the entry is serialized again.
inline std::string content_of_another_version(const v1::JournalEntry& entry) {
  const std::string field_15_is_42{"\x78\x2a", 2};
  return field_15_is_42 + entry.SerializeAsString();
}

// An entry whose body, field 4711, this version does not know.
inline std::string content_with_a_body_of_another_version(v1::JournalEntry head) {
  head.clear_body();
  head.GetReflection()->MutableUnknownFields(&head)->AddLengthDelimited(4711, "what it says");
  return head.SerializeAsString();
}

}  // namespace rdpmend::test
