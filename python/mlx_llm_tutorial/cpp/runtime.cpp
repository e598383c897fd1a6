// SPDX-License-Identifier: MIT
//
// The part of %%cpp that lives in the kernel: std::cout and std::cerr write to
// Python's sys.stdout and sys.stderr, so that their order is right; Ctrl-C for
// loops in C++; the seed of C++; and `identity`, which shows whether Python's
// arrays are C++'s arrays (the canary).
//
// Text goes to Python at once. A thread that does not hold Python's lock only
// leaves it here, since waiting for the lock could wait for ever.

#include <cxxabi.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <streambuf>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kFlushEvery = std::chrono::milliseconds(50);

// How many bytes of `text` are whole UTF-8 characters.
size_t whole_characters(const std::string& text) {
  size_t start = text.size();
  while (start > 0 && text.size() - start < 4) {
    const auto byte = static_cast<unsigned char>(text[--start]);
    if ((byte & 0xC0) != 0x80) { // the first byte of a character
      const size_t length = byte < 0xC0 ? 1
          : byte < 0xE0                 ? 2
          : byte < 0xF0                 ? 3
                                        : 4;
      return text.size() - start < length ? start : text.size();
    }
  }
  return text.size();
}

class PythonStream : public std::streambuf {
 public:
  PythonStream(std::ostream& stream, const char* name)
      : stream_(stream), name_(name), before_(stream.rdbuf(this)) {}

  // Python is about to end.
  void restore() {
    stream_.rdbuf(before_);
  }

  // Sends what was written since the last time: now, or if it was long ago.
  void send(bool now) {
    if (!is_unsent_) {
      return;
    }
    write();
    if (now || Clock::now() - sent_ > kFlushEvery) {
      is_unsent_ = false;
      write(); // what another thread left meanwhile
      call("flush");
      sent_ = Clock::now();
    }
  }

 protected:
  int_type overflow(int_type character) override {
    if (!traits_type::eq_int_type(character, traits_type::eof())) {
      const char byte = traits_type::to_char_type(character);
      take(&byte, 1);
    }
    return traits_type::not_eof(character);
  }

  std::streamsize xsputn(const char* text, std::streamsize size) override {
    take(text, static_cast<size_t>(size));
    return size;
  }

  int sync() override {
    if (PyGILState_Check()) {
      send(true);
    }
    return 0;
  }

 private:
  void take(const char* text, size_t size) {
    {
      std::lock_guard lock(mutex_);
      pending_.append(text, size);
    }
    is_unsent_ = true;
    if (PyGILState_Check()) {
      send(false);
    }
  }

  void write() {
    std::string text;
    {
      std::lock_guard lock(mutex_);
      const size_t size = whole_characters(pending_);
      text = pending_.substr(0, size);
      pending_.erase(0, size);
    }
    if (!text.empty()) {
      call(
          "write",
          nb::steal(PyUnicode_DecodeUTF8(
              text.data(), static_cast<Py_ssize_t>(text.size()), "replace")));
    }
  }

  // A Ctrl-C during the call is kept for the next look. Nothing is thrown,
  // since that would switch std::cout off.
  template <typename... Args>
  void call(const char* method, const Args&... args) {
    nb::error_scope kept;
    try {
      nb::object stream = nb::module_::import_("sys").attr(name_);
      if (!stream.is_none()) {
        stream.attr(method)(args...);
      }
    } catch (nb::python_error& error) {
      if (error.matches(PyExc_KeyboardInterrupt)) {
        PyErr_SetInterrupt();
      } else {
        error.discard_as_unraisable("std::cout");
      }
    }
  }

  std::ostream& stream_;
  const char* name_;
  std::streambuf* before_;
  std::mutex mutex_; // of pending_; never held while Python runs
  std::string pending_;
  std::atomic<bool> is_unsent_ = false;
  Clock::time_point sent_;
};

// They live as long as the process: std::cout may be used until its end.
PythonStream* out = nullptr;
PythonStream* err = nullptr;

bool is_interrupted() {
  if (!PyGILState_Check()) {
    return false; // another thread: the first one is asked
  }
  out->send(false);
  return PyErr_CheckSignals() != 0;
}

void flush() {
  std::fflush(stdout); // printf
  out->send(false);
  err->send(false);
}

std::string demangled(const std::string& name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return text ? text.get() : name;
}

const notebook::Runtime hooks{is_interrupted, flush};

} // namespace

NB_MODULE(runtime, m) {
  nb::set_leak_warnings(false);
  out = new PythonStream(std::cout, "stdout");
  err = new PythonStream(std::cerr, "stderr");
  m.attr("hooks") = nb::steal(PyCapsule_New(
      const_cast<notebook::Runtime*>(&hooks),
      "mlx_llm_tutorial.cpp.runtime",
      nullptr));
  m.def("identity", [](const mx::array& x) { return x; }, nb::arg("x"));
  m.def("seed", [](uint64_t n) { mx::random::seed(n); }, nb::arg("n"));
  m.def("demangled", demangled, nb::arg("name"));
  nb::module_::import_("atexit").attr("register")(nb::cpp_function([] {
    out->restore();
    err->restore();
  }));
}
