#include "tests/sim/sim_scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace unirust::sim {
namespace {

constexpr size_t kGiveWayOneIn = 6;
constexpr uint64_t kMicrosMax = 3'600'000'000;

}  // namespace

thread_local SimScheduler::Task* SimScheduler::self_ = nullptr;

SimScheduler::SimScheduler(uint64_t seed) : seed_(seed), random_(seed) {
  tasks_.push_back(std::make_unique<Task>());
  self_ = tasks_.back().get();
  self_->runs = true;
  Install(this);
}

SimScheduler::~SimScheduler() {
  Install(nullptr);
  self_ = nullptr;
}

// --- what the standard library does else ---------------------------------------------------------

void SimScheduler::Lock(std::mutex& mutex) {
  MayGiveWay();
  while (!mutex.try_lock()) WaitFor(&mutex, std::nullopt);
}

void SimScheduler::Unlock(std::mutex& mutex) {
  mutex.unlock();
  WakeAll(&mutex);
}

void SimScheduler::Wait(const void* condition, std::mutex& mutex, std::optional<uint64_t> micros) {
  Unlock(mutex);
  WaitFor(condition, micros);
  while (!mutex.try_lock()) WaitFor(&mutex, std::nullopt);
}

void SimScheduler::Notify(const void* condition, Whom whom) {
  if (whom == Whom::kAll) return WakeAll(condition);
  std::vector<Task*> waiting;
  for (const auto& task : tasks_) {
    const bool waits = task->state == Task::State::kWaiting && task->waits_for == condition;
    if (waits) waiting.push_back(task.get());
  }
  if (!waiting.empty()) waiting[Below(waiting.size())]->state = Task::State::kReady;
}

std::thread SimScheduler::Start(std::function<void()> body) {
  tasks_.push_back(std::make_unique<Task>());
  Task* const task = tasks_.back().get();
  std::thread thread([this, task, body = std::move(body)] {
    self_ = task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      task->go.wait(lock, [&] { return task->runs; });
    }
    body();
    WakeAll(task);
    std::unique_lock<std::mutex> lock(mutex_);
    task->state = Task::State::kEnded;
    task->runs = false;
    Task* const next = Next();
    next->runs = true;
    next->go.notify_one();
  });
  task_of_[thread.get_id()] = task;
  MayGiveWay();
  return thread;
}

void SimScheduler::Join(std::thread& thread) {
  const auto found = task_of_.find(thread.get_id());
  Task* const task = found->second;
  while (task->state != Task::State::kEnded) WaitFor(task, std::nullopt);
  thread.join();
  task_of_.erase(found);
  std::erase_if(tasks_, [&](const auto& one) { return one.get() == task; });
}

void SimScheduler::Sleep(uint64_t micros) { WaitFor(nullptr, micros); }

// --- tasks ---------------------------------------------------------------------------------------

void SimScheduler::WaitFor(const void* what, std::optional<uint64_t> micros) {
  self_->state = Task::State::kWaiting;
  self_->waits_for = what;
  self_->until_micros.reset();
  if (micros) self_->until_micros = micros_ + *micros;
  std::unique_lock<std::mutex> lock(mutex_);
  GoOnWithAnother(lock);
}

void SimScheduler::WakeAll(const void* what) {
  for (const auto& task : tasks_) {
    if (task->state == Task::State::kWaiting && task->waits_for == what && what != nullptr) {
      task->state = Task::State::kReady;
    }
  }
}

void SimScheduler::MayGiveWay() {
  if (Below(kGiveWayOneIn) != 0) return;
  std::unique_lock<std::mutex> lock(mutex_);
  GoOnWithAnother(lock);
}

void SimScheduler::GoOnWithAnother(std::unique_lock<std::mutex>& lock) {
  Task* const self = self_;
  Task* const next = Next();
  if (next != self) {
    self->runs = false;
    next->runs = true;
    next->go.notify_one();
    self->go.wait(lock, [&] { return self->runs; });
  }
}

void SimScheduler::Stuck(const char* how) const {
  std::fprintf(stderr, "simulation of UNIRUST_FIRST_SEED=%llu: %s\n",
               static_cast<unsigned long long>(seed_), how);
  std::abort();
}

// One that is ready; if there is none, time passes until there is.
SimScheduler::Task* SimScheduler::Next() {
  while (true) {
    std::vector<Task*> ready;
    std::optional<uint64_t> soonest;
    for (const auto& task : tasks_) {
      if (task->state == Task::State::kReady) ready.push_back(task.get());
      if (task->state == Task::State::kWaiting && task->until_micros) {
        soonest = std::min(soonest.value_or(*task->until_micros), *task->until_micros);
      }
    }
    if (!ready.empty()) return ready[Below(ready.size())];
    if (!soonest) Stuck("every thread waits for another one");
    micros_ = std::max(micros_, *soonest);
    if (micros_ > kMicrosMax) Stuck("it does not come to an end");
    for (const auto& task : tasks_) {
      const bool due = task->state == Task::State::kWaiting && task->until_micros &&
                       *task->until_micros <= micros_;
      if (due) task->state = Task::State::kReady;
    }
  }
}

}  // namespace unirust::sim
