// Logons fail far more often than people mistype: passwords are being guessed. Report only: closing the port is the
// network's business, and whoever bans addresses shuts out its own users sooner or later.
#include "agent-lib/engine/fault.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "agent-lib/faults/clients/accounts.hpp"
#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/support/address.hpp"

namespace rdpmend::faults::clients {

namespace {

// Who tries always the same account has its password wrong, a tool or a stored one; a guesser of one account's password
// is faster by far. How many failures of a source are too many stands in the catalogue (signals/clients.textproto).
constexpr std::uint64_t k_one_account_factor = 10;
// Many sources that keep below it one by one, and are too many together.
constexpr std::size_t k_many_sources = 10;
constexpr std::uint64_t k_many_sources_factor = 2;
// More than so many floods at a time are one.
constexpr std::size_t k_most_subjects = 8;
constexpr std::size_t k_most_named = 10;
constexpr std::string_view k_subject_of_many = "many sources";

constexpr std::string_view k_not_named = "-";

struct Source {
  std::uint64_t failures = 0;
  WallTime last{};
  Accounts accounts;
};

class Failures {
 public:
  explicit Failures(const Look& look)
      : refused_(need(look.known.tallies.of("logon_refused"))),
        in_session_(look.known.tallies.of("session_logon_failed")),
        network_(look.known.tallies.of("network_logon_failed")) {
    // With Network Level Authentication a logon that fails is 140, without it 4625 of type 10: none is both.
    count(refused_);
    if (in_session_) count(*in_session_);
    if (network_) name_accounts(*network_);
  }

  std::map<std::string, Source> floods() const {
    std::map<std::string, Source> found;
    for (const auto& [address, source] : sources_) {
      const auto most = refused_.threshold * (source.accounts.one() ? k_one_account_factor : 1);
      if (source.failures >= most) found.emplace(address, source);
    }
    return found;
  }
  bool of_many_sources() const {
    return sources_.size() >= k_many_sources && total_ >= refused_.threshold * k_many_sources_factor;
  }

  std::uint64_t total() const { return total_; }
  std::vector<std::string> largest() const {
    std::vector<std::pair<std::uint64_t, std::string>> all;
    for (const auto& [address, source] : sources_) all.emplace_back(source.failures, address);
    std::sort(all.rbegin(), all.rend());
    std::vector<std::string> lines;
    for (const auto& [failures, address] : all) {
      if (lines.size() == k_most_named) break;
      lines.push_back(fmt::format("{} ({})", address, failures));
    }
    return lines;
  }
  std::size_t sources() const { return sources_.size(); }
  const TallySnapshot& refused() const { return refused_; }
  // Why failures without Network Level Authentication, and accounts, are not known; nullptr: they are, or a site has
  // switched their rule off.
  const Error* not_known() const {
    return in_session_ || in_session_.error().code == ErrorCode::unsupported ? nullptr : &in_session_.error();
  }

 private:
  void count(const TallySnapshot& tally) {
    for (const auto& group : tally.groups) {
      const auto address = address_in(group.of("source"));
      if (!address) continue;
      auto& source = sources_[*address];
      source.failures += group.count;
      source.last = std::max(source.last, group.last);
      source.accounts.add(group);
    }
    total_ += tally.total;
  }

  // Of the sources that are counted. A failure without an address can only be that of the one source that there is.
  void name_accounts(const TallySnapshot& tally) {
    for (const auto& group : tally.groups) {
      const auto& written = group.of("source");
      const auto known = sources_.find(written);
      if (known != sources_.end()) {
        known->second.accounts.add(group);
      } else if (written == k_not_named && sources_.size() == 1) {
        sources_.begin()->second.accounts.add(group);
      }
    }
  }

  const TallySnapshot refused_;
  const Result<TallySnapshot> in_session_;
  const Result<TallySnapshot> network_;
  std::map<std::string, Source> sources_;
  std::uint64_t total_ = 0;
};

void advise(Case& found) {
  found.advises(
      "Close the port of Remote Desktop to the internet: let clients in through a VPN, a Remote Desktop Gateway or a "
      "bastion, and allow the port for their addresses alone, in the network before the host if possible. Until then "
      "the host may refuse its own users, and accounts may be locked out. Neither a restart of services nor a new "
      "certificate helps. Nobody is banned by this service.");
}

void add_security_log(const Failures& failures, Case& found) {
  if (const auto* why = failures.not_known())
    found.noted("accounts that were tried", "not known: " + why->what, "", "Security log");
}

Case case_of(const std::string& address, const Source& source, const Failures& failures) {
  Case found(address, fmt::format("Logons from {} fail without end: {}", address,
                                  how_often(source.failures, failures.refused())));
  found
      .saw("failed logons of one source", fmt::format("too many, from {}", address),
           fmt::format("fewer than {} in {}", failures.refused().threshold, to_human(failures.refused().window)),
           "RdpCoreTS 140, Security 4625")
      .noted("failed logons", how_often(source.failures, failures.refused()), "", "RdpCoreTS 140, Security 4625")
      .noted("the last of them", to_iso8601(source.last), "", "event log")
      .noted("accounts that were tried", source.accounts.text(), "", "Security 4625");
  if (source.accounts.one())
    found.advises("Only one account is tried: a tool or a stored password that is wrong may do this, too.");
  if (is_loopback(address))
    found.advises("The source is this host: whoever guesses comes through a tunnel that ends here.");
  return found;
}

Case case_of_many(const Failures& failures) {
  Case found(k_subject_of_many, fmt::format("Logons from {} sources fail without end: {}", failures.sources(),
                                            how_often(failures.total(), failures.refused())));
  found
      .saw("failed logons of many sources", "too many together",
           fmt::format("fewer than {} in {}", failures.refused().threshold * k_many_sources_factor,
                       to_human(failures.refused().window)),
           "RdpCoreTS 140, Security 4625")
      .noted("failed logons", how_often(failures.total(), failures.refused()), "", "RdpCoreTS 140, Security 4625")
      .noted("the largest sources", fmt::format("{}", fmt::join(failures.largest(), ", ")), "", "event log");
  return found;
}

class LogonFlood final : public Fault {
 public:
  std::string_view id() const override { return "logon_flood"; }

  std::vector<v1::Diagnosis> detect(const Look& look) const override {
    const Failures failures(look);
    std::vector<Case> found;
    const auto floods = failures.floods();
    if (floods.size() > k_most_subjects || (floods.empty() && failures.of_many_sources())) {
      found.push_back(case_of_many(failures));
    } else {
      for (const auto& [address, source] : floods) found.push_back(case_of(address, source, failures));
    }
    // What RdpCoreTS does not show may be in the log that cannot be read.
    if (found.empty() && failures.not_known() != nullptr) throw Unreadable(*failures.not_known());
    std::vector<v1::Diagnosis> diagnoses;
    for (auto& one : found) {
      add_security_log(failures, one);
      advise(one);
      diagnoses.push_back(std::move(one));
    }
    return diagnoses;
  }
};

}  // namespace

std::unique_ptr<Fault> make_logon_flood() {
  return std::make_unique<LogonFlood>();
}

}  // namespace rdpmend::faults::clients
