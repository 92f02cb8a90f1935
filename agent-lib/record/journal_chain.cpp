#include "agent-lib/record/journal_chain.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <string_view>

namespace rdpmend {

namespace {

// Keeps the hashes of entries apart from all others; the number is that of this way of hashing.
constexpr std::string_view k_domain = "rdpmend journal entry 1\n";

std::string hash_of(const v1::StoredEntry& entry) {
  std::string input(k_domain);
  input += entry.previous_hash();
  for (int shift = 56; shift >= 0; shift -= 8) input += static_cast<char>((entry.seq() >> shift) & 0xFFU);
  input += entry.content();
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::string journal_genesis_hash() {
  return std::string(32, '\0');
}

Result<v1::StoredEntry> seal_entry(v1::JournalEntry& entry, const ChainLink& last) {
  const auto seq = last.seq + 1;
  if (entry.has_incident_opened()) entry.set_incident_id(seq);
  entry.clear_seq();
  v1::StoredEntry stored;
  stored.set_seq(seq);
  stored.set_previous_hash(last.hash);
  stored.set_content(entry.SerializeAsString());
  stored.set_hash(hash_of(stored));
  // protobuf writes text that is not UTF-8, and refuses to read it.
  if (!read_entry(stored))
    return fail(ErrorCode::internal, "an entry could not be read back and was not journalled", "Please report this.");
  entry.set_seq(seq);
  return stored;
}

ChainLink link_of(const v1::StoredEntry& entry) {
  return {entry.seq(), entry.hash()};
}

std::string check_link(const v1::StoredEntry& entry, ChainLink& last) {
  if (entry.seq() != last.seq + 1) {
    return last.seq == 0
               ? fmt::format("entry {} is the oldest, and no entry says that older ones were removed", entry.seq())
               : fmt::format("entry {} does not follow entry {}: entries are missing", entry.seq(), last.seq);
  }
  if (entry.hash() != hash_of(entry)) return fmt::format("entry {} was changed after it was written", entry.seq());
  if (entry.previous_hash() != last.hash)
    return fmt::format("entry {} was not written after the entry {} that is kept", entry.seq(), last.seq);
  last = link_of(entry);
  return {};
}

Result<v1::JournalEntry> read_entry(const v1::StoredEntry& stored) {
  v1::JournalEntry entry;
  if (!entry.ParseFromString(stored.content()))
    return fail(ErrorCode::corrupt, fmt::format("journal entry {} is damaged", stored.seq()));
  entry.set_seq(stored.seq());
  return entry;
}

}  // namespace rdpmend
