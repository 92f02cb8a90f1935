#include "tests/wine/lab/channel_store.hpp"

#include <windows.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/wine/lab/event_fields.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

constexpr DWORD k_writer_timeout_ms = 30'000;
constexpr std::wstring_view k_changes_key = L"SOFTWARE\\rdpmend-laboratory\\Changes";
// Where real hosts keep a channel's configuration.
constexpr std::wstring_view k_winevt_channels = L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WINEVT\\Channels\\";

// Windows itself names a channel's file so.
std::wstring file_of(std::string_view channel) {
  std::string name = to_lower(channel);
  for (auto at = name.find('/'); at != std::string::npos; at = name.find('/')) name.replace(at, 1, "%4");
  return std::wstring(k_channels_folder) + L"\\" + widen(name) + L".events";
}

RegistryKey configuration(const std::string& channel) {
  return RegistryKey::create(std::wstring(k_winevt_channels) + widen(channel));
}

// A registry value tells everybody: several processes may wait for it, and none can miss a change that comes while it
// reads. A named event could do only one of the two.
void tell_everybody() {
  auto key = RegistryKey::create(k_changes_key);
  key.set_dword(L"Count", key.dword(L"Count").value_or(0) + 1);
}

struct Header {
  std::uint64_t base = 0;
  std::string name;
};

std::optional<Header> read_header(std::istream& file) {
  std::string word, name;
  Header header;
  if (!(file >> word >> header.base) || word != "base") return std::nullopt;
  file.get();
  if (!std::getline(file, header.name)) return std::nullopt;
  return header;
}

std::string header_text(std::uint64_t base, const std::string& name) {
  return "base " + std::to_string(base) + " " + name + "\n";
}

// nullopt: the end, or a record that a killed writer left unfinished.
std::optional<StoredEvent> read_record(std::istream& file) {
  StoredEvent event;
  std::size_t size = 0;
  if (!(file >> event.record_id >> size)) return std::nullopt;
  file.get();
  event.xml.resize(size);
  if (!file.read(event.xml.data(), static_cast<std::streamsize>(size)) || file.get() != '\n') return std::nullopt;
  return event;
}

std::string record_text(const StoredEvent& event) {
  return std::to_string(event.record_id) + " " + std::to_string(event.xml.size()) + "\n" + event.xml + "\n";
}

// Positions the file after the header, or where `position` was; sets `position` right if its file is gone.
std::optional<std::ifstream> open_at(const std::wstring& path, FilePosition& position) {
  std::ifstream file(std::filesystem::path(path), std::ios::binary);
  const auto header = read_header(file);
  if (!header) return std::nullopt;
  if (position.base != header->base) {
    position = {header->base, static_cast<std::uint64_t>(file.tellg()), header->base};
  }
  file.seekg(static_cast<std::streamoff>(position.offset));
  return file;
}

}  // namespace

StoreLock::StoreLock(std::uint32_t timeout_ms)
    : mutex_(CreateMutexW(nullptr, FALSE, L"Global\\rdpmend-laboratory-channels")) {
  if (!mutex_) throw std::runtime_error("cannot create the store's mutex");
  const DWORD result = WaitForSingleObject(mutex_, timeout_ms);
  held_ = result == WAIT_OBJECT_0 || result == WAIT_ABANDONED;
}

StoreLock::~StoreLock() {
  if (held_) ReleaseMutex(mutex_);
  CloseHandle(mutex_);
}

StoreChange::StoreChange() : event_(CreateEventW(nullptr, FALSE, FALSE, nullptr)), key_(nullptr) {
  auto key = RegistryKey::create(k_changes_key);
  HKEY own = nullptr;
  if (RegOpenKeyExW(key.get(), nullptr, 0, KEY_NOTIFY | KEY_WOW64_64KEY, &own) != ERROR_SUCCESS || !event_)
    throw std::runtime_error("cannot watch the store");
  key_ = own;
}

StoreChange::~StoreChange() {
  RegCloseKey(static_cast<HKEY>(key_));
  CloseHandle(event_);
}

void StoreChange::arm() {
  RegNotifyChangeKeyValue(static_cast<HKEY>(key_), FALSE, REG_NOTIFY_CHANGE_LAST_SET, event_, TRUE);
}

std::optional<Channel> Channel::open(std::string_view name) {
  const auto path = file_of(name);
  const StoreLock lock(k_writer_timeout_ms);
  std::ifstream file(std::filesystem::path(path), std::ios::binary);
  const auto header = read_header(file);
  if (!header) return std::nullopt;
  return Channel(header->name, path);
}

Channel Channel::create(std::string_view name, ChannelType type) {
  std::filesystem::create_directories(std::filesystem::path(k_channels_folder));
  Channel channel(std::string(name), file_of(name));
  configuration(channel.name_).set_dword(L"LaboratoryLarge", 0);  // Its records are numbered anew.
  {
    const StoreLock lock(k_writer_timeout_ms);
    std::ofstream(std::filesystem::path(channel.path_), std::ios::binary | std::ios::trunc)
        << header_text(0, channel.name_);
  }
  auto settings = configuration(channel.name_);
  settings.set_dword(L"Enabled", 1);
  settings.set_dword(L"Type", static_cast<std::uint32_t>(type));
  tell_everybody();
  return channel;
}

ChannelType Channel::type() const {
  return static_cast<ChannelType>(configuration(name_).dword(L"Type").value_or(0));
}

bool Channel::enabled() const {
  return configuration(name_).dword(L"Enabled").value_or(1) != 0;
}

void Channel::set_enabled(bool enabled) {
  configuration(name_).set_dword(L"Enabled", enabled ? 1 : 0);
}

bool Channel::silent() const {
  return configuration(name_).dword(L"LaboratorySilent").value_or(0) != 0;
}

void Channel::set_silent(bool silent) {
  configuration(name_).set_dword(L"LaboratorySilent", silent ? 1 : 0);
}

void Channel::kill_subscriptions(DeadAnswer answer) {
  auto settings = configuration(name_);
  settings.set_dword(L"LaboratoryDeadAnswer", static_cast<std::uint32_t>(answer));
  settings.set_dword(L"LaboratoryDeaths", deaths() + 1);
}

std::uint32_t Channel::deaths() const {
  return configuration(name_).dword(L"LaboratoryDeaths").value_or(0);
}

DeadAnswer Channel::dead_answer() const {
  return static_cast<DeadAnswer>(configuration(name_).dword(L"LaboratoryDeadAnswer").value_or(0));
}

bool Channel::strict_not_found() const {
  return configuration(name_).dword(L"LaboratoryStrictNotFound").value_or(0) != 0;
}

void Channel::set_strict_not_found(bool not_found) {
  configuration(name_).set_dword(L"LaboratoryStrictNotFound", not_found ? 1 : 0);
}

void Channel::make_next_large() {
  const auto now = extent(k_writer_timeout_ms);
  configuration(name_).set_dword(L"LaboratoryLarge", static_cast<std::uint32_t>(now->last + 1));
}

std::uint64_t Channel::large() const {
  return configuration(name_).dword(L"LaboratoryLarge").value_or(0);
}

void Channel::advance_to_end() {
  auto file = open_at(path_, end_);
  if (!file) throw std::runtime_error("channel " + name_ + " is gone");
  while (const auto event = read_record(*file)) {
    end_.last_id = event->record_id;
    end_.offset = static_cast<std::uint64_t>(file->tellg());
  }
}

std::optional<Channel::Extent> Channel::extent(std::uint32_t timeout_ms) {
  const StoreLock lock(timeout_ms);
  if (!lock.held()) return std::nullopt;
  advance_to_end();
  return Extent{end_.base + 1, end_.last_id};
}

bool Channel::read(std::uint64_t after, std::uint32_t timeout_ms, const std::function<bool(StoredEvent)>& wanted) {
  const StoreLock lock(timeout_ms);
  if (!lock.held()) return false;
  if (after < reading_.last_id) reading_ = {};
  auto file = open_at(path_, reading_);
  if (!file) return true;
  while (auto event = read_record(*file)) {
    const auto id = event->record_id;
    if (id > after && !wanted(std::move(*event))) break;
    reading_.last_id = id;
    reading_.offset = static_cast<std::uint64_t>(file->tellg());
  }
  return true;
}

std::uint64_t Channel::append(const std::function<std::string(std::uint64_t id)>& make_xml) {
  if (!enabled()) return 0;
  const StoreLock lock(k_writer_timeout_ms);
  if (!lock.held()) throw std::runtime_error("the event store is locked");
  advance_to_end();
  const auto id = end_.last_id + 1;
  std::filesystem::resize_file(std::filesystem::path(path_), end_.offset);  // Without what a killed writer began.
  std::ofstream(std::filesystem::path(path_), std::ios::binary | std::ios::app) << record_text({id, make_xml(id)});
  if (id - end_.base > k_max_channel_records) rewrite_from(end_.base + 1 + k_max_channel_records / 10);
  tell_everybody();
  return id;
}

void Channel::clear() {
  const StoreLock lock(k_writer_timeout_ms);
  advance_to_end();
  rewrite_from(end_.last_id + 1);
  tell_everybody();
}

void Channel::drop_oldest(std::uint64_t records) {
  const StoreLock lock(k_writer_timeout_ms);
  advance_to_end();
  rewrite_from(std::min(end_.base + records, end_.last_id) + 1);
  tell_everybody();
}

void Channel::rewrite_from(std::uint64_t first_id) {
  std::string kept = header_text(first_id - 1, name_);
  FilePosition position;
  if (auto file = open_at(path_, position)) {
    while (const auto event = read_record(*file)) {
      if (event->record_id >= first_id) kept += record_text(*event);
    }
  }
  std::ofstream(std::filesystem::path(path_), std::ios::binary | std::ios::trunc) << kept;
}

std::vector<std::string> channel_names() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(k_channels_folder), error)) {
    std::ifstream file(entry.path(), std::ios::binary);
    if (auto header = read_header(file)) names.push_back(std::move(header->name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void append_event(std::string_view xml) {
  const auto begin = xml.find("<Channel>"), end = xml.find("</Channel>");
  if (begin == std::string_view::npos || end == std::string_view::npos)
    throw std::runtime_error("the event names no channel");
  const auto name = unescape_xml(xml.substr(begin + 9, end - begin - 9));
  auto channel = Channel::open(name);
  if (!channel) throw std::runtime_error("there is no channel " + name);
  channel->append([&](std::uint64_t id) { return with_record_id(xml, id); });
}

}  // namespace rdpmend::lab
