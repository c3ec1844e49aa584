// The published contract, docs/wire.md, against what the programs were built with.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "proto/unirust.pb.h"

namespace unirust::proto {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;

// The cells of the rows of all tables in the part of docs/wire.md that lists services and messages.
std::vector<std::vector<std::string>> ReadRows() {
  std::ifstream page(UNIRUST_DOCS "/wire.md");
  std::vector<std::vector<std::string>> rows;
  std::string line;
  bool listing = false;
  while (std::getline(page, line)) {
    listing = listing || line == "## Services and messages";
    if (!listing || !line.starts_with("| ") || line.starts_with("| ---")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(2));
    for (std::string cell; std::getline(parts, cell, '|');) {
      const size_t end = cell.find_last_not_of(' ');
      cells.push_back(
          cell.substr(cell.find_first_not_of(' '), end - cell.find_first_not_of(' ') + 1));
    }
    rows.push_back(cells);
  }
  return rows;
}

std::string TypeName(const FieldDescriptor& field) {
  if (field.message_type() != nullptr) return field.message_type()->name();
  if (field.enum_type() != nullptr) return field.enum_type()->name();
  return field.type_name();
}

// "identity RecordIdentity 2", as the tables write a field.
std::string FieldText(const FieldDescriptor& field) {
  return field.name() + (field.is_repeated() ? " repeated " : " ") + TypeName(field) + " " +
         std::to_string(field.number());
}

// The fields of a message row: separated by semicolons, within a oneof by commas.
std::vector<std::string> FieldTexts(std::string cell) {
  if (const size_t oneof = cell.find("oneof outcome:"); oneof == 0) cell = cell.substr(14);
  std::vector<std::string> texts;
  std::string text;
  for (const char c : cell + ";") {
    if (c != ';' && c != ',') {
      if (!text.empty() || c != ' ') text += c;
      continue;
    }
    texts.push_back(text);
    text.clear();
  }
  return texts;
}

TEST(Contract, HasEveryPublishedMessageAndField) {
  const DescriptorPool* pool = DescriptorPool::generated_pool();
  ASSERT_NE(RecordIdentity::descriptor(), nullptr);  // links the generated file
  size_t fields = 0;
  for (const std::vector<std::string>& row : ReadRows()) {
    if (row.size() != 2 || row[0] == "message") continue;
    const auto* message = pool->FindMessageTypeByName("unirust." + row[0]);
    ASSERT_NE(message, nullptr) << row[0];
    if (row[1] == "(none)" || row[1].starts_with("field 1 reserved")) continue;
    std::vector<std::string> have;
    for (int i = 0; i < message->field_count(); ++i) have.push_back(FieldText(*message->field(i)));
    for (const std::string& text : FieldTexts(row[1])) {
      EXPECT_THAT(have, ::testing::Contains(text)) << row[0];
      ++fields;
    }
  }
  EXPECT_GT(fields, 100U);
}

TEST(Contract, HasEveryPublishedMethod) {
  const DescriptorPool* pool = DescriptorPool::generated_pool();
  const google::protobuf::ServiceDescriptor* service = nullptr;
  size_t methods = 0;
  for (const std::vector<std::string>& row : ReadRows()) {
    if (row.size() != 3) continue;
    if (row[0] == "method") {
      service = pool->FindServiceByName(service == nullptr ? "unirust.RouterService"
                                                           : "unirust.ShardService");
      continue;
    }
    ASSERT_NE(service, nullptr);
    const auto* method = service->FindMethodByName(row[0]);
    ASSERT_NE(method, nullptr) << row[0];
    EXPECT_EQ((method->client_streaming() ? "stream " : "") + method->input_type()->name(), row[1]);
    EXPECT_EQ((method->server_streaming() ? "stream " : "") + method->output_type()->name(),
              row[2]);
    ++methods;
  }
  EXPECT_EQ(methods, 34U);
}

TEST(Contract, ReservesWhatClientsMaySendToReconcile) {
  EXPECT_TRUE(ReconcileRequest::descriptor()->IsReservedNumber(1));
}

}  // namespace
}  // namespace unirust::proto
