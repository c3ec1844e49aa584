#include "tests/fuzz/calls.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "tests/fuzz/targets.h"

namespace unirust::fuzz {
namespace {

namespace pb = google::protobuf;

constexpr char kCursor[] = "cursor";
constexpr size_t kCursorHeadBytes = 1 + 3 * 8;  // resolve/cursor.cc

struct NoErrors : pb::io::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
};

std::unique_ptr<pb::Message> NewMessage(const pb::Descriptor& type) {
  return std::unique_ptr<pb::Message>(
      pb::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

std::string Encoded(const pb::Descriptor& type, const std::string& text) {
  static NoErrors no_errors;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&no_errors);
  parser.SetRecursionLimit(20);
  const auto message = NewMessage(type);
  return parser.ParseFromString(text, message.get()) ? message->SerializeAsString() : text;
}

grpc::ByteBuffer ToBuffer(const std::string& message) {
  const grpc::Slice slice(message);
  return {&slice, 1};
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  for (const grpc::Slice& slice : slices) {
    out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return out;
}

// The first cursor among the answers; empty if there is none.
std::string CursorIn(const pb::Descriptor& type, const std::vector<std::string>& answers) {
  const auto message = NewMessage(type);
  const pb::FieldDescriptor* field = type.FindFieldByName(kCursor);
  if (answers.empty() || !message->ParseFromString(answers[0])) return "";
  return message->GetReflection()->GetString(*message, field);
}

std::string WithPosition(const std::string& given, const std::string& wanted) {
  if (given.size() < kCursorHeadBytes) return wanted;
  const std::string_view position =
      ByteReader(std::string_view(given).substr(kCursorHeadBytes)).String();
  std::string changed(position.substr(0, static_cast<uint8_t>(wanted[0])));
  changed += wanted.substr(1);
  std::string out = given.substr(0, kCursorHeadBytes);
  AppendString(&out, changed);
  AppendBig64(&out, Hash64(out));
  return out;
}

// One call. Answers are read as they come: the server may wait for that before it reads on.
class Conversation {
 public:
  Conversation(grpc::GenericStub& stub, const std::string& path)
      : stream_(stub.PrepareCall(&context_, path, &queue_)) {
    stream_->StartCall(Tag(kStep));
    reading_ = Await();
    if (reading_) stream_->Read(&buffer_, Tag(kRead));
  }
  ~Conversation() {
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) continue;
  }

  // False if nothing more is taken.
  bool Write(const std::string& message) {
    stream_->Write(ToBuffer(message), Tag(kStep));
    return Await();
  }

  Answer Finish() {
    stream_->WritesDone(Tag(kStep));
    Await();
    while (reading_) Next();
    stream_->Finish(&answer_.status, Tag(kStep));
    Require(Await(), "a call ends with a status");
    return std::move(answer_);
  }

 private:
  enum Operation : uintptr_t { kStep, kRead };
  static void* Tag(Operation operation) { return reinterpret_cast<void*>(operation); }

  // Whether the step that was begun succeeds.
  bool Await() {
    while (true) {
      const auto [operation, ok] = Next();
      if (operation == kStep) return ok;
    }
  }

  std::pair<Operation, bool> Next() {
    void* tag = nullptr;
    bool ok = false;
    Require(queue_.Next(&tag, &ok), "the queue is open");
    const auto operation = static_cast<Operation>(reinterpret_cast<uintptr_t>(tag));
    if (operation == kRead) {
      reading_ = ok;
      if (ok) answer_.messages.push_back(ToString(buffer_));
      if (ok) stream_->Read(&buffer_, Tag(kRead));
    }
    return {operation, ok};
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer buffer_;
  bool reading_ = false;
  Answer answer_;
};

}  // namespace

std::vector<Call> ParseCalls(const std::string& service, std::string_view input) {
  [[maybe_unused]] static const auto talked = pb::SetLogHandler(nullptr);  // of what is not UTF-8
  const pb::ServiceDescriptor& methods =
      *pb::DescriptorPool::generated_pool()->FindServiceByName(service);
  std::vector<Call> calls;
  std::string text;
  const auto end_message = [&] {
    if (calls.empty()) return;
    auto& [method, messages] = calls.back();
    if (messages.empty() || method->client_streaming()) {
      messages.push_back(Encoded(*method->input_type(), text));
    }
    text.clear();
  };
  for (bool skipped = true; !input.empty();) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    if (line.starts_with("> ")) {
      if (!skipped) end_message();
      if (calls.size() == kCallsMax) return calls;
      const Method* method = methods.FindMethodByName(std::string(line.substr(2)));
      skipped = method == nullptr;
      if (!skipped) calls.push_back({method, {}});
    } else if (line == "-" && !skipped) {
      end_message();
    } else if (!skipped) {
      text.append(line).push_back('\n');
    }
    if (input.empty() && !skipped) end_message();
  }
  return calls;
}

std::string PathOf(const Method& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

Answer Caller::Make(const Call& call) {
  Conversation conversation(stub_, PathOf(*call.method));
  for (std::string message : call.messages) {
    PutCursor(*call.method, &message);
    if (!conversation.Write(message)) break;
  }
  Answer answer = conversation.Finish();
  const auto message = NewMessage(*call.method->output_type());
  for (const std::string& bytes : answer.messages) {
    Require(message->ParseFromString(bytes), "an answer decodes");
  }
  return answer;
}

void Caller::PutCursor(const Method& method, std::string* message) {
  const pb::FieldDescriptor* field = method.input_type()->FindFieldByName(kCursor);
  const pb::FieldDescriptor* size = method.input_type()->FindFieldByName("page_size");
  if (field == nullptr || size == nullptr) return;
  const auto request = NewMessage(*method.input_type());
  if (!request->ParseFromString(*message)) return;
  const pb::Reflection& reflection = *request->GetReflection();
  const std::string wanted = reflection.GetString(*request, field);
  if (wanted.empty()) return;
  const auto first = std::unique_ptr<pb::Message>(request->New());
  first->CopyFrom(*request);
  reflection.ClearField(first.get(), field);
  reflection.SetUInt32(first.get(), size, 1);
  const Answer answer = Make({&method, {first->SerializeAsString()}});
  const std::string given = CursorIn(*method.output_type(), answer.messages);
  reflection.SetString(request.get(), field, WithPosition(given, wanted));
  *message = request->SerializeAsString();
}

}  // namespace unirust::fuzz
