// SPDX-License-Identifier: MIT
//
// The rules of the HTTP server that need no socket; tests/python/test_web_*.py
// send the same things to the program. Names that pass or do not are those of
// RFC 3986, RFC 6454 and the attacks on Jupyter, Ollama and Node's inspector.

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "llm/serving/http_rules.h"

using namespace llm::serving;
using Names = std::vector<std::string>;

namespace {

/** "a|b c" of the segments, or "none". */
std::string path_of(std::string_view target) {
  const auto read = read_target(target);
  if (!read) {
    return "none";
  }
  std::string out;
  for (const std::string& segment : read->segments) {
    out += segment + "|";
  }
  return out.substr(0, out.size() - 1);
}

} // namespace

TEST_CASE("http rules: paths are decoded once, segment by segment") {
  CHECK(path_of("/") == "");
  CHECK(path_of("/app/") == "app|");
  CHECK(path_of("/app/js/api.js?x=1") == "app|js|api.js");
  CHECK(path_of("/a%20b/%C3%A9") == "a b|\xc3\xa9");
  CHECK(path_of("/a%2fb") == "a/b"); // one segment, that no name equals
  CHECK(path_of("/%252e%252e") == "%2e%2e");
  CHECK(path_of("/%2e%2E/x") == "..|x");
  CHECK(path_of("//evil.com/x") == "|evil.com|x");
  CHECK(path_of("/a?b?c") == "a");
  CHECK(path_of("/a#b") == "a");
  for (const char* bad :
       {"",
        "*",
        "app",
        "%2f",
        "/%",
        "/%4",
        "/%zz",
        "/%00",
        "/a%0",
        "/%+1",
        "/% 1",
        "ftp://localhost/",
        "http:///x",
        "http://",
        "localhost:80"}) {
    CAPTURE(bad);
    CHECK(path_of(bad) == "none");
  }
}

TEST_CASE("http rules: the absolute form carries a host of its own") {
  const auto target = read_target("HTTP://Evil.com:80/app/?a=b");
  REQUIRE(target);
  CHECK(target->authority == "Evil.com:80");
  CHECK(target->segments == Names{"app", ""});
  CHECK(target->query == "a=b");
  CHECK(read_target("http://localhost")->segments == Names{""});
  CHECK(read_target("http://localhost?q")->authority == "localhost");
}

TEST_CASE("http rules: queries are read strictly") {
  using Query = std::map<std::string, std::string>;
  CHECK(read_query("") == Query{});
  CHECK(read_query("a=1&b=") == Query{{"a", "1"}, {"b", ""}});
  CHECK(read_query("a") == Query{{"a", ""}});
  CHECK(read_query("a=x%20y+z") == Query{{"a", "x y z"}});
  CHECK(read_query("a=1%2B1&b=%3D%26") == Query{{"a", "1+1"}, {"b", "=&"}});
  CHECK(read_query("a==") == Query{{"a", "="}});
  for (const char* bad :
       {"&",
        "a=1&",
        "=1",
        "a=1&a=2",
        "a=1&%61=2",
        "a=%",
        "a=%g0",
        "a=%00",
        "a=%ff",
        "%c3=1",
        "a=1&&b=2"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_query(bad).has_value());
  }
}

TEST_CASE("http rules: only this machine's names, with any port") {
  const Names none;
  for (const char* good :
       {"localhost",
        "localhost:1",
        "LocalHost:65535",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "localhost:080"}) {
    CAPTURE(good);
    CHECK(is_host_allowed(good, none));
  }
  for (const char* bad :
       {"",
        ":8080",
        "evil.com",
        "evil.com:8080",
        "localhost.evil.com",
        "evil.localhost",
        "localhost.",
        "localhost.local",
        "xlocalhost",
        "localhost:",
        "localhost:x",
        "localhost:65536",
        "localhost:-1",
        "localhost:123456",
        "localhost:80:80",
        "localhost, evil.com",
        "localhost evil",
        " localhost",
        "user@localhost",
        "localhost@evil.com",
        "localhost/",
        "localhost#",
        "localhost\\",
        "0.0.0.0",
        "127.0.0.2",
        "127.1",
        "127.0.0.1.",
        "127.0.0.1.nip.io",
        "2130706433",
        "0x7f.1",
        "::1",
        "[::1",
        "[::1]x",
        "[::1].evil",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "192.168.0.1",
        "null",
        "*",
        "%6cocalhost",
        "host.docker.internal",
        "l\xc3\xb6"
        "calhost"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_host_allowed(bad, none));
  }
}

TEST_CASE("http rules: names that were allowed") {
  const Names names = {"gpu.lan", "[fe80::1]"};
  CHECK(is_host_allowed("gpu.lan", names));
  CHECK(is_host_allowed("GPU.lan:8080", names));
  CHECK(is_host_allowed("[fe80::1]:80", names));
  CHECK(is_host_allowed("localhost", names));
  CHECK_FALSE(is_host_allowed("a.gpu.lan", names));
  CHECK_FALSE(is_host_allowed("gpu.lan.evil", names));
  CHECK_FALSE(is_host_allowed("gpu", names));
  for (const char* good : {"a", "gpu.lan", "10.0.0.5", "[fe80::1]", "x-1"}) {
    CHECK(is_host_name(good));
  }
  for (const char* bad :
       {"",
        "*",
        "a.",
        ".a",
        "a..b",
        "a:80",
        "a b",
        "[x]",
        "[]",
        "[::1",
        "a/b",
        "*.lan",
        "http://a"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_host_name(bad));
  }
}

TEST_CASE("http rules: origins") {
  for (const char* good :
       {"http://localhost:3000", "https://example.org", "http://[::1]:1"}) {
    CHECK(is_origin(good));
  }
  for (const char* bad :
       {"",
        "*",
        "null",
        "example.org",
        "https://example.org/",
        "https://Example.org",
        "https://",
        "https://a b",
        "://a",
        "https://a:99999",
        "https://*.org",
        "file://"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_origin(bad));
  }
  CHECK(is_same_origin("http://localhost:8080", "localhost:8080"));
  CHECK(is_same_origin("http://localhost", "localhost:80"));
  CHECK(is_same_origin("http://localhost", "LOCALHOST"));
  CHECK(is_same_origin("http://[::1]:8080", "[::1]:8080"));
  for (const char* bad :
       {"http://localhost:8081",
        "https://localhost:8080",
        "http://localhost",
        "http://127.0.0.1:8080",
        "null",
        "http://localhost:8080/",
        "http://localhost:8080.evil",
        "http://evil",
        ""}) {
    CAPTURE(bad);
    CHECK_FALSE(is_same_origin(bad, "localhost:8080"));
  }
}

TEST_CASE("http rules: content types") {
  for (const char* good :
       {"application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; charset=utf-8"}) {
    CHECK(is_json_type(good));
  }
  for (const char* bad :
       {"",
        "text/plain",
        "application/jsonx",
        "application/json, text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/ json"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_json_type(bad));
  }
}

TEST_CASE("http rules: secrets, slugs, events") {
  CHECK(equal_secret("abc", "abc"));
  CHECK(equal_secret("", ""));
  CHECK_FALSE(equal_secret("abc", "abd"));
  CHECK_FALSE(equal_secret("abc", "ab"));
  CHECK_FALSE(equal_secret("xbc", "abc"));
  std::set<std::string> secrets;
  for (int i = 0; i < 100; ++i) {
    secrets.insert(random_secret());
  }
  CHECK(secrets.size() == 100);
  CHECK(secrets.begin()->size() == 32);

  CHECK(is_slug("a"));
  CHECK(is_slug("intro-to-mlx-2"));
  CHECK(is_slug(std::string(64, 'x')));
  for (const std::string& bad :
       {std::string(),
        std::string(65, 'x'),
        std::string("A"),
        std::string("a.b"),
        std::string("a/b"),
        std::string(".."),
        std::string("a\0b", 3),
        std::string("\xc3\xa9")}) {
    CHECK_FALSE(is_slug(bad));
  }

  CHECK(event_text(7, "token", "{}") == "id: 7\nevent: token\ndata: {}\n\n");
  CHECK(event_text({}, "", "[DONE]") == "data: [DONE]\n\n");
  CHECK(
      event_text({}, "x", "a\nb\n") ==
      "event: x\ndata: a\ndata: b\ndata: \n\n");
  CHECK(event_text({}, "x", "{\r}") == "event: x\ndata: {\ndata: }\n\n");
}
