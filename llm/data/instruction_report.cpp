// SPDX-License-Identifier: MIT

#include "llm/data/instruction_report.h"

#include <algorithm>
#include <bit>
#include <set>
#include <sstream>
#include <utility>

namespace llm {

namespace {

/** What makes two examples the same. */
std::string identity_of(const Example& e) {
  return Json{e.messages, e.text, e.chosen, e.rejected}.dump();
}

void add_length(SplitReport& report, int64_t length) {
  const size_t bin = std::bit_width(static_cast<uint64_t>(length)) - 1;
  if (report.histogram.size() <= bin) {
    report.histogram.resize(bin + 1);
  }
  ++report.histogram[bin];
}

void add_lengths(SplitReport& report, std::vector<int64_t> lengths) {
  std::sort(lengths.begin(), lengths.end());
  const auto at = [&](double part) { // nearest rank
    const auto rank = static_cast<size_t>(part * double(lengths.size() - 1));
    return lengths[rank];
  };
  report.shortest = lengths.front();
  report.median = at(0.5);
  report.p95 = at(0.95);
  report.longest = lengths.back();
  for (const int64_t length : lengths) {
    add_length(report, length);
  }
}

SplitReport report_on(
    const std::string& name,
    const std::vector<Example>& examples,
    const EncodeRules& rules,
    std::set<std::string>& seen) {
  SplitReport report;
  report.name = name;
  std::vector<int64_t> lengths;
  for (const Example& example : examples) {
    Encoded e = encode_example(example, rules);
    if (example.is_pair()) { // the longer answer decides
      Encoded other = encode_pair(example, rules).rejected;
      e = other.length > e.length ? other : e;
    }
    lengths.push_back(std::max<int64_t>(e.length, 1));
    report.tokens += e.length;
    report.counted += e.counted();
    report.truncated += e.truncated() ? 1 : 0;
    report.lost += e.counted() == 0 ? 1 : 0;
    report.duplicates += seen.insert(identity_of(example)).second ? 0 : 1;
    ++report.kinds[example.kind.empty() ? "(no kind)" : example.kind];
  }
  report.examples = static_cast<int64_t>(examples.size());
  add_lengths(report, std::move(lengths));
  return report;
}

} // namespace

std::vector<SplitReport> report_on(
    const InstructionData& data,
    const EncodeRules& rules) {
  std::vector<SplitReport> reports;
  std::set<std::string> seen;
  const std::pair<const char*, const std::vector<Example>*> parts[] = {
      {"train", &data.train},
      {"validation", &data.validation},
      {"test", &data.test}};
  for (const auto& [name, examples] : parts) {
    if (!examples->empty()) {
      reports.push_back(report_on(name, *examples, rules, seen));
    }
  }
  return reports;
}

std::string to_text(const std::vector<SplitReport>& reports, int max_length) {
  std::ostringstream out;
  for (const SplitReport& r : reports) {
    out << r.name << ": " << r.examples << " examples, " << r.tokens
        << " tokens, " << r.counted
        << " of them count\n  tokens in one: " << r.shortest
        << " at least, median " << r.median << ", 95 % at most " << r.p95
        << ", longest " << r.longest << "\n";
    const int64_t most =
        *std::max_element(r.histogram.begin(), r.histogram.end());
    for (size_t i = 0; i < r.histogram.size(); ++i) {
      if (r.histogram[i] > 0) {
        std::string range = std::to_string(int64_t{1} << i) + " to " +
            std::to_string((int64_t{2} << i) - 1);
        range.resize(16, ' ');
        out << "  " << range
            << std::string((r.histogram[i] * 40 + most - 1) / most, '#') << " "
            << r.histogram[i] << "\n";
      }
    }
    out << "  longer than --max-length " << max_length
        << ", so they lose their end: " << r.truncated
        << "; nothing left to learn: " << r.lost
        << "\n  there before: " << r.duplicates << "\n  kinds:";
    for (const auto& [kind, count] : r.kinds) {
      out << " " << kind << " " << count;
    }
    out << "\n";
  }
  return out.str();
}

Json to_json(const std::vector<SplitReport>& reports) {
  Json all = Json::object();
  for (const SplitReport& r : reports) {
    all[r.name] = {
        {"examples", r.examples},
        {"tokens", r.tokens},
        {"counted", r.counted},
        {"shortest", r.shortest},
        {"median", r.median},
        {"p95", r.p95},
        {"longest", r.longest},
        {"histogram", r.histogram},
        {"truncated", r.truncated},
        {"lost", r.lost},
        {"duplicates", r.duplicates},
        {"kinds", r.kinds}};
  }
  return all;
}

} // namespace llm
