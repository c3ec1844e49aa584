#include "workload/event_types.h"

namespace unirust::workload {
namespace {

using enum Form;

constexpr const char* kDepartments[] = {"Engineering", "Sales", "HR", "Finance", "IT", "Security"};
constexpr const char* kPrograms[] = {"svchost.exe",  "chrome.exe", "powershell.exe", "cmd.exe",
                                     "explorer.exe", "python.exe", "java.exe",       "notepad.exe"};
constexpr const char* kProtocols[] = {"TCP", "UDP"};
constexpr const char* kServicePorts[] = {"80", "443", "22", "3389", "8080", "8443"};
constexpr const char* kSystems[] = {"Windows 10",   "Windows 11", "Windows Server 2019",
                                    "Ubuntu 22.04", "RHEL 8",     "macOS 14"};
constexpr const char* kSeverities[] = {"Critical", "High", "Medium", "Low", "Info"};
constexpr const char* kStatuses[] = {"Open", "In Progress", "Remediated", "Accepted"};
constexpr const char* kAlertTypes[] = {"Malware",          "Phishing",
                                       "Brute Force",      "Data Exfiltration",
                                       "Lateral Movement", "Privilege Escalation",
                                       "C2 Communication"};
constexpr const char* kPathStems[] = {"C:\\Windows\\System32\\",
                                      "C:\\Users\\Public\\",
                                      "C:\\Program Files\\",
                                      "/usr/bin/",
                                      "/tmp/",
                                      "/var/lib/"};
constexpr const char* kPathEndings[] = {".exe", ".dll", ".ps1", ".sh", ".py", ".bat"};

constexpr EventAttribute Plain(const char* name, Form form, const char* prefix = "") {
  return {.name = name, .form = form, .prefix = prefix};
}

constexpr EventAttribute Word(const char* name, Words words) {
  return {.name = name, .form = kWord, .words = words};
}

constexpr EventAttribute Number(const char* name, const char* prefix, uint32_t low, uint32_t high,
                                uint32_t width = 1) {
  return {
      .name = name, .form = kNumber, .prefix = prefix, .low = low, .high = high, .width = width};
}

constexpr EventAttribute OfSeed(EventAttribute attribute) {
  attribute.of_seed = true;
  return attribute;
}

// clang-format off
constexpr EventAttribute kUserAttributes[] = {
    OfSeed(Plain("user_sid", kSid)),
    OfSeed(Plain("user_upn", kUpn)),
    OfSeed(Number("employee_id", "EMP", 10'000, 99'999'999, 8)),
    OfSeed(Word("department", kDepartments)),
};
constexpr EventAttribute kSessionAttributes[] = {
    OfSeed(Plain("session_id", kHex, "SES-")),
    Plain("user_ref", kUser),
    Plain("source_ip", kPrivateAddress),
    Plain("login_time", kStart),
};
constexpr EventAttribute kProcessAttributes[] = {
    OfSeed(Plain("process_hash", kHash)),
    OfSeed(Number("process_id", "", 1000, 65'535)),
    Word("process_name", kPrograms),
    Number("parent_pid", "", 1, 65'535),
    OfSeed(Plain("asset_id", kAsset)),
};
constexpr EventAttribute kConnectionAttributes[] = {
    OfSeed(Plain("flow_id", kHex, "FLOW-")),
    Plain("src_ip", kPrivateAddress),
    Plain("dst_ip", kPublicAddress),
    Number("src_port", "", 1024, 65'535),
    Word("dst_port", kServicePorts),
    Word("protocol", kProtocols),
};
constexpr EventAttribute kAssetAttributes[] = {
    OfSeed(Plain("asset_id", kShortHex, "ASSET-")),
    OfSeed(Number("hostname", "HOST-", 1, 999'999, 6)),
    OfSeed(Plain("ip_address", kPrivateAddress)),
    Plain("mac_address", kMac),
    OfSeed(Word("os_type", kSystems)),
};
constexpr EventAttribute kVulnerabilityAttributes[] = {
    OfSeed(Plain("cve_id", kCve)),
    OfSeed(Plain("asset_id", kAsset)),
    Word("severity", kSeverities),
    Plain("cvss_score", kScore),
    Word("remediation_status", kStatuses),
};
constexpr EventAttribute kAlertAttributes[] = {
    OfSeed(Plain("alert_id", kHex, "ALERT-")),
    Word("alert_type", kAlertTypes),
    Word("severity", kSeverities),
    Plain("asset_ref", kAsset),
};
constexpr EventAttribute kFileAttributes[] = {
    OfSeed(Plain("file_hash", kHash)),
    Plain("file_path", kPath),
    Number("file_size", "", 1024, 10'485'760),
    Plain("asset_ref", kAsset),
};
// clang-format on

constexpr const char* kOfUser[] = {"ldap", "sso", "active_directory"};
constexpr const char* kOfSession[] = {"sso", "server_logs", "siem"};
constexpr const char* kOfProcess[] = {"edr", "server_logs"};
constexpr const char* kOfConnection[] = {"edr", "siem"};
constexpr const char* kOfAsset[] = {"asset_inventory", "edr", "vuln_scanner"};
constexpr const char* kOfVulnerability[] = {"vuln_scanner", "siem"};
constexpr const char* kOfAlert[] = {"siem", "edr"};
constexpr const char* kOfFile[] = {"edr", "vuln_scanner"};

constexpr EventType kTypes[] = {
    {"user", 3, 0, kOfUser, kUserAttributes},
    {"session", 4, 3, kOfSession, kSessionAttributes},
    {"process", 5, 7, kOfProcess, kProcessAttributes},
    {"network_connection", 3, 12, kOfConnection, kConnectionAttributes},
    {"asset", 2, 15, kOfAsset, kAssetAttributes},
    {"vulnerability", 1, 17, kOfVulnerability, kVulnerabilityAttributes},
    {"alert", 1, 18, kOfAlert, kAlertAttributes},
    {"file", 1, 19, kOfFile, kFileAttributes},
};

constexpr bool SharesAddUp() {
  uint32_t turns = 0;
  for (const EventType& type : kTypes) {
    if (type.first_turn != turns) return false;
    turns += type.share;
  }
  return turns == kEventsPerBlock;
}
static_assert(SharesAddUp());

}  // namespace

std::span<const EventType> EventTypes() { return kTypes; }
Words PathStems() { return kPathStems; }
Words PathEndings() { return kPathEndings; }

}  // namespace unirust::workload
